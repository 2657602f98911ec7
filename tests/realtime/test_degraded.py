"""People are told while the gateways cannot hear each other, and told back; where there is one gateway, nobody is."""

import json
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest

from core.bus import Bus
from core.db import Database
from core.model import TenantId, new_id
from core.settings import CoreSettings
from core.tokens import Tokens
from realtime import queries
from realtime.queries import Ghost
from tests.conftest import DatabaseUrls
from tests.core.redis_servers import redis_server
from tests.line import Line
from tests.realtime import doors
from tests.realtime.conftest import PATIENCE, Client, Connect, Gateway, NewGateway, Person, until

TOLD, BACK = {"is_degraded": True}, {"is_degraded": False}
OF_A_PAUSE = 15.0
"""Seconds in which even a server that only stands still is noticed: the bus gives it five."""


@pytest.fixture
async def bus_line(settings: CoreSettings) -> AsyncIterator[Line]:
    """The line to Redis."""
    async with Line(str(settings.redis_url)).open() as line:
        yield line


@pytest.fixture
def own_redis(tmp_path: Path) -> "Iterator[tuple[str, subprocess.Popen[bytes]]]":
    """A Redis that may be paused."""
    with redis_server(tmp_path / "redis") as (port, process):
        yield f"redis://127.0.0.1:{port}/0", process


def words(client: Client) -> list[dict[str, bool]]:
    """What the client was told of its gateway."""
    return client.events("node:status")


async def was_told(client: Client, *told: dict[str, bool], patience: float = PATIENCE) -> None:
    """Wait until this, and nothing else, was what the client was told."""
    await until(lambda: words(client) == list(told), patience)


def bus_of(gateway: Gateway) -> Bus:
    return gateway.resources.get(Bus)


@pytest.mark.parametrize("path", ["socket.io", "socket.io-msgpack"])
async def test_people_are_told_while_the_line_to_redis_is_cut_and_told_back(
    new_gateway: NewGateway, bus_line: Line, connect: Connect, person: Person, path: str
) -> None:
    gateways = [await new_gateway(core={"redis_url": bus_line.url}) for _ in range(2)]
    people = [await connect(gateway, person("P"), path=path) for gateway in gateways]
    await until(lambda: all(bus_of(gateway).connected.is_set() for gateway in gateways))
    bus_line.cut()
    for client in people:
        await was_told(client, TOLD)
    late = await connect(gateways[0], person("Late"), path=path)
    await was_told(late, TOLD)
    bus_line.mend()
    for client in (*people, late):
        await was_told(client, TOLD, BACK)
    after = await connect(gateways[0], person("After"), path=path)
    assert (await after.call("session:renew", token="none"))["problem"]["code"] == "unauthenticated"
    assert words(after) == []


async def test_who_comes_meanwhile_is_told_after_the_welcome(
    new_gateway: NewGateway, tokens: Tokens, person: Person
) -> None:
    gateway, _ = [await new_gateway(core={"redis_url": "redis://127.0.0.1:9/0"}) for _ in range(2)]
    word = json.dumps(["node:status", TOLD], separators=(",", ":"))
    async with aiohttp.ClientSession() as http:
        for _ in range(2):  # the first waits until it is noticed; the second comes later
            async with http.ws_connect(f"{gateway.url}/socket.io/?EIO=4&transport=websocket") as socket:
                await socket.receive_str()
                await socket.send_str("40" + json.dumps({"token": tokens.access(person("P"))}))
                assert (await socket.receive_str()).startswith("40{")
                assert await socket.receive_str() == f"42{word}"


@pytest.mark.usefixtures("judged")
async def test_people_are_told_while_redis_stands_still_and_what_is_said_arrives(
    new_gateway: NewGateway, own_redis: "tuple[str, subprocess.Popen[bytes]]", connect: Connect, person: Person,
    room_id: UUID,
) -> None:  # fmt: skip
    url, process = own_redis
    gateways = [await new_gateway(core={"redis_url": url}) for _ in range(2)]
    ana, bob = [await connect(gateway, person("P")) for gateway in gateways]
    for client in (ana, bob):
        await client.call("room:enter", room_id=room_id)
    await until(lambda: all(bus_of(gateway).connected.is_set() for gateway in gateways))
    process.send_signal(signal.SIGSTOP)
    try:
        for client in (ana, bob):
            await was_told(client, TOLD, patience=OF_A_PAUSE)
        assert (await ana.call("chat:send", room_id=room_id, text="late"))["ok"]
        await bob.has_events(1)
        assert words(bob) == [TOLD]
    finally:
        process.send_signal(signal.SIGCONT)
    for client in (ana, bob):
        await was_told(client, TOLD, BACK)


@pytest.mark.usefixtures("judged")
async def test_people_who_share_a_room_with_a_gateway_that_is_cut_off_are_told_at_the_others(
    new_gateway: NewGateway, bus_line: Line, connect: Connect, person: Person, room_id: UUID,
    document_in: Callable[[], Awaitable[UUID]],
) -> None:  # fmt: skip
    cut_off = await new_gateway(core={"redis_url": bus_line.url}, beat_interval=60)  # it says so at once
    well = await new_gateway(dead_after=120)
    ana, bob, cid, dan = [await connect(each, person("P")) for each in (cut_off, well, well, well)]
    for client in (ana, bob):
        await client.call("room:enter", room_id=room_id)
    await cid.call("room:enter", room_id=await document_in())
    await bus_of(cut_off).connected.wait()
    bus_line.cut()
    for client in (ana, bob):
        await was_told(client, TOLD)
    await dan.call("room:enter", room_id=room_id)
    await was_told(dan, TOLD)
    assert (await ana.call("chat:send", room_id=room_id, text="late"))["ok"]
    await until(lambda: "late" in bob.texts())
    bus_line.mend()
    for client in (ana, bob, dan):
        await was_told(client, TOLD, BACK)
    assert words(cid) == []


async def test_people_are_told_back_when_nobody_sits_at_the_gateway_that_is_cut_off(
    two_gateways: tuple[Gateway, Gateway], connect: Connect, person: Person, room_id: UUID, tenant_id: TenantId,
) -> None:  # fmt: skip
    lost, channel = new_id(), doors.room(tenant_id, room_id)
    people = [await connect(gateway, person("P")) for gateway in two_gateways]
    for client in people:
        await client.call("room:enter", room_id=room_id)
    async with two_gateways[0].resources.get(Database).statements() as db:
        await queries.insert_node(db, lost)
        await queries.say_cut(db, lost, is_cut=True)
        ghost = Ghost(channel, person("Eve").user_id, new_id())
        await queries.enter_connections(db, lost, [ghost], wait=True)
    for client in people:
        await was_told(client, TOLD, BACK)  # it says nothing more, and is taken for dead


async def test_nobody_is_told_of_a_moment(
    new_gateway: NewGateway, bus_line: Line, connect: Connect, person: Person
) -> None:
    gateways = [await new_gateway(core={"redis_url": bus_line.url}) for _ in range(2)]
    ana = await connect(gateways[0], person("Ana"))
    bus = bus_of(gateways[0])
    for _ in range(3):
        await bus.connected.wait()
        bus_line.cut()
        await until(lambda: not bus.connected.is_set())
        bus_line.mend()
    await bus.connected.wait()
    async with Bus("redis://127.0.0.1:9/0", "s" * 40).running() as never:
        await never.away.wait()  # since its beginning, which is later
    assert not bus.away.is_set()
    assert words(ana) == []


async def test_nobody_is_told_where_there_is_one_gateway_until_another_comes(
    new_database: Callable[[], DatabaseUrls], new_gateway: NewGateway, bus_line: Line, connect: Connect,
    person: Person,
) -> None:  # fmt: skip
    core = {"redis_url": bus_line.url, "database_url": new_database().app}
    alone = await new_gateway(core=core)
    ana = await connect(alone, person("Ana"))
    bus_line.cut()
    await bus_of(alone).away.wait()
    assert (await ana.call("session:renew", token="none"))["problem"]["code"] == "unauthenticated"
    assert words(ana) == []
    other = await new_gateway(core=core)
    await was_told(ana, TOLD)
    await other.stop()
    await was_told(ana, TOLD, BACK)
