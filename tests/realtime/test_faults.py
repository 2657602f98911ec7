"""Parts that go away: nothing acknowledged is lost, nothing unstored is acknowledged, and all is well when they return."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from pycrdt import Text

from core.bus import Bus
from core.db import Database
from core.eventlog import read
from core.model import TenantId, new_id
from core.settings import CoreSettings
from realtime.settings import RealtimeSettings
from tests.line import Line
from tests.realtime import doors
from tests.realtime.conftest import (
    NEVER_LOOK,
    Client,
    Connect,
    Gateway,
    NewGateway,
    Person,
    on_the_bus,
    until,
    until_async,
)
from tests.realtime.peers import Peer, Sit, stored

pytestmark = pytest.mark.usefixtures("judged")


@pytest.fixture
async def database_line(settings: CoreSettings) -> AsyncIterator[Line]:
    """The line to PostgreSQL."""
    async with Line(str(settings.database_url)).open() as line:
        yield line


@pytest.fixture
async def bus_line(settings: CoreSettings) -> AsyncIterator[Line]:
    """The line to Redis."""
    async with Line(str(settings.redis_url)).open() as line:
        yield line


async def off_the_bus(*gateways: Gateway) -> None:
    """Wait until the gateways have noticed."""
    await until(lambda: not any(gateway.resources.get(Bus).connected.is_set() for gateway in gateways))


async def test_events_arrive_without_redis(
    new_gateway: NewGateway, bus_line: Line, connect: Connect, person: Person, room_id: UUID
) -> None:
    gateways = [await new_gateway(core={"redis_url": bus_line.url}) for _ in range(2)]
    ana, bob = [await connect(gateway, person("P")) for gateway in gateways]
    for client in (ana, bob):
        await client.call("room:enter", room_id=room_id)
    bus_line.cut()
    for number in range(10):
        assert (await ana.call("chat:send", room_id=room_id, text=str(number)))["ok"]
    await bob.has_events(10)
    assert bob.texts() == [str(number) for number in range(10)]


async def test_events_arrive_over_the_bus_at_once_before_and_after_it_was_away(
    new_gateway: NewGateway, bus_line: Line, connect: Connect, person: Person, room_id: UUID
) -> None:
    gateways = [await new_gateway(core={"redis_url": bus_line.url}, **NEVER_LOOK) for _ in range(2)]
    await on_the_bus(*gateways)
    people = [await connect(gateway, person("P")) for gateway in gateways]
    for client in people:
        await client.call("room:enter", room_id=room_id)

    async def talk() -> None:
        for client in people:
            assert (await client.call("chat:send", room_id=room_id, text="said"))["ok"]

    await talk()
    for client in people:
        await client.has_events(2)
    bus_line.cut()
    await off_the_bus(*gateways)
    await talk()
    bus_line.mend()
    await on_the_bus(*gateways)
    await talk()
    for client in people:
        await client.has_events(6)


def late() -> float:
    """Messages that were too old to be sent when the bus was back."""
    return REGISTRY.get_sample_value("dojo_bus_dropped_total", {"reason": "late"}) or 0.0


async def test_who_talks_and_types_on_through_a_partition_loses_nothing(
    new_gateway: NewGateway, bus_line: Line, connect: Connect, person: Person, sit: Sit, room_id: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Of a second, which is longer here than the bus keeps anything; ``make test-long`` has others, of up to 30."""
    monkeypatch.setattr("core.outgoing.KEPT", 0.3)
    poll_interval, before = RealtimeSettings().poll_interval, late()
    gateways = [
        await new_gateway(core={"rate_scale": 100.0, **core}, poll_interval=poll_interval)
        for core in ({"redis_url": bus_line.url}, {})
    ]
    await on_the_bus(*gateways)
    people = [await connect(gateway, person("P")) for gateway in gateways]
    typists = [await sit(gateway, person("P")) for gateway in gateways]
    for client in people:
        await client.call("room:enter", room_id=room_id)
    is_over = asyncio.Event()

    async def talk(client: Client) -> None:
        while not is_over.is_set():
            assert (await client.call("chat:send", room_id=room_id, text="on and on"))["ok"]
            await asyncio.sleep(0.03)  # or it is too often

    async def write(peer: Peer) -> None:
        while not is_over.is_set():
            assert await peer.answer(await peer.type(f"<{peer.doc.client_id}.{peer.sent}>")) == "ack"

    busy = [asyncio.create_task(each) for each in (*map(talk, people), *map(write, typists))]
    bus_line.cut()
    await asyncio.sleep(1)
    bus_line.mend()
    await on_the_bus(*gateways)
    is_over.set()
    await asyncio.gather(*busy)
    assert late() > before


async def test_who_may_not_stay_is_sent_away_without_redis(
    new_gateway: NewGateway, bus_line: Line, connect: Connect, person: Person, room_id: UUID, database: Database,
    tenant_id: TenantId,
) -> None:  # fmt: skip
    gateways = [await new_gateway(core={"redis_url": bus_line.url}) for _ in range(2)]
    signed_out, banned = person("Ana"), person("Bob")
    ana, bob, eve = [await connect(gateways[0], who) for who in (signed_out, banned, person("Eve"))]
    host = await connect(gateways[1], person("Host"))
    for client in (ana, bob, eve, host):
        assert (await client.call("room:enter", room_id=room_id))["ok"]
    bus_line.cut()
    async with database.transaction(tenant_id) as tx:
        await doors.end_sign_in(tx, signed_out)
    ban = {"kind": "person_removed", "expels": banned.user_id}
    assert (await host.call("chat:send", room_id=room_id, text="out", **ban))["ok"]
    await until(lambda: bob.events("room:expelled"))
    await until(ana.is_gone.is_set)
    assert (await host.call("chat:send", room_id=room_id, text="we are among ourselves"))["ok"]
    await until(lambda: "we are among ourselves" in eve.texts())
    assert "we are among ourselves" not in bob.texts()


async def test_edits_arrive_over_the_bus_at_once_before_and_after_it_was_away(
    new_gateway: NewGateway, bus_line: Line, person: Person, sit: Sit
) -> None:
    gateways = [await new_gateway(core={"redis_url": bus_line.url}, **NEVER_LOOK) for _ in range(2)]
    await on_the_bus(*gateways)
    ana, bob = [await sit(gateway, person("P")) for gateway in gateways]

    async def write() -> None:
        for name, peer in (("a", ana), ("b", bob)):
            assert await peer.answer(await peer.type(f"<{name}{peer.sent}>")) == "ack"

    async def both_are_heard() -> bool:
        await write()
        return "<b" in str(ana) and "<a" in str(bob)

    await until_async(both_are_heard)  # each gateway learns first that the other has the document
    bus_line.cut()
    await off_the_bus(*gateways)
    await write()
    bus_line.mend()
    await on_the_bus(*gateways)
    await write()
    await until(lambda: str(ana) == str(bob))


async def test_edits_arrive_without_redis(new_gateway: NewGateway, bus_line: Line, person: Person, sit: Sit) -> None:
    gateways = [await new_gateway(core={"redis_url": bus_line.url}) for _ in range(2)]
    ana, bob = [await sit(gateway, person("P")) for gateway in gateways]
    bus_line.cut()
    for letter in "abc":
        assert await ana.answer(await ana.type(letter)) == "ack"
    await until(lambda: str(bob) == "abc")
    assert await bob.answer(await bob.type("d")) == "ack"
    await until(lambda: str(ana) == "abcd")


async def test_without_postgresql_nothing_is_acknowledged_and_all_goes_on_when_it_is_back(
    new_gateway: NewGateway, database_line: Line, connect: Connect, person: Person, room_id: UUID,
    database: Database, tenant_id: TenantId,
) -> None:  # fmt: skip
    gateway = await new_gateway(core={"database_url": database_line.url})
    ana, bob = await connect(gateway, person("Ana")), await connect(gateway, person("Bob"))
    for client in (ana, bob):
        await client.call("room:enter", room_id=room_id)
    assert (await ana.call("chat:send", room_id=room_id, text="before"))["ok"]
    await bob.has_events(1)
    database_line.cut()
    during = {"room_id": room_id, "text": "during", "op_id": new_id()}
    refused = await ana.call("chat:send", **during)
    assert refused["problem"]["code"] == "unavailable"
    database_line.mend()

    async def is_said() -> bool:
        return bool((await ana.call("chat:send", **during))["ok"])

    await until_async(is_said)
    await until(lambda: "during" in bob.texts())
    async with database.transaction(tenant_id) as tx:
        kept = [each.payload["text"] for each in await read(tx, room_id, 0) if each.payload and "text" in each.payload]
    assert kept == [text for text in bob.texts() if text]


async def test_edits_wait_for_postgresql_and_are_stored_once(
    new_gateway: NewGateway, database_line: Line, person: Person, sit: Sit, document_id: UUID, database: Database,
    tenant_id: TenantId,
) -> None:  # fmt: skip
    gateway = await new_gateway(core={"database_url": database_line.url})
    ana, bob = [await sit(gateway, person("P")) for _ in range(2)]
    await ana.answer(await ana.type("a"))
    database_line.cut()
    waiting = [await ana.type(letter) for letter in "bcdef"]
    assert not set(waiting) & set(ana.answers)
    assert str(bob) in {"", "a"}
    database_line.mend()
    assert [await ana.answer(number) for number in waiting] == ["ack"] * 5
    await until(lambda: str(bob) == "abcdef")
    assert str((await stored(database, tenant_id, document_id)).get("f1", type=Text)) == "abcdef"
