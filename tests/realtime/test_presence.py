"""Many sockets are one person; their package hears when the last is gone, also when a gateway died with it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import pytest
from prometheus_client import REGISTRY

from core.bus import Bus
from core.call import Resources
from core.db import Database, Queries
from core.errors import Unavailable
from core.eventlog import NewEntry, read
from core.logwriter import LogWriter
from core.model import TenantId, UserId, new_id
from core.sockets import Channel
from realtime import presence as presence_module
from realtime import queries
from realtime.hub import Hub
from realtime.presence import WORKERS, Presence
from realtime.settings import RealtimeSettings
from tests.conftest import DatabaseUrls
from tests.postgres import no_new_node
from tests.realtime import doors
from tests.realtime.conftest import FAST, PATIENCE, Connect, Gateway, NewGateway, Person, until, until_async


async def lost(database: Database, tenant_id: TenantId, room_id: UUID) -> list[UUID]:
    """Who was lost, in order."""
    async with database.transaction(tenant_id) as tx:
        return [each.actor_id for each in await read(tx, room_id, 0) if each.kind == "person_lost"]


async def test_last_socket_of_a_person_is_what_counts(
    two_gateways: tuple[Gateway, Gateway],
    connect: Connect,
    person: Person,
    room_id: UUID,
    database: Database,
    tenant_id: TenantId,
) -> None:
    ana, bob = person("Ana"), person("Bob")
    tabs = [await connect(gateway, ana) for gateway in (*two_gateways, two_gateways[0])]
    watcher = await connect(two_gateways[1], bob)
    for client in (*tabs, watcher):
        await client.call("room:enter", room_id=room_id)
    await tabs[0].socket.disconnect()
    await tabs[1].socket.disconnect()
    await watcher.socket.disconnect()
    await until_async(lambda: _is(database, tenant_id, room_id, [bob.user_id]))
    await tabs[2].socket.disconnect()
    await until_async(lambda: _is(database, tenant_id, room_id, [bob.user_id, ana.user_id]))


async def _is(database: Database, tenant_id: TenantId, room_id: UUID, people: list[UUID]) -> bool:
    return await lost(database, tenant_id, room_id) == people


async def test_all_sockets_of_a_person_going_at_once_are_noticed_once(
    two_gateways: tuple[Gateway, Gateway],
    connect: Connect,
    person: Person,
    room_id: UUID,
    database: Database,
    tenant_id: TenantId,
) -> None:
    ana = person("Ana")
    tabs = [await connect(gateway, ana) for gateway in two_gateways for _ in range(4)]
    for tab in tabs:
        await tab.call("room:enter", room_id=room_id)
    await asyncio.gather(*(tab.socket.disconnect() for tab in tabs))
    await until_async(lambda: _is(database, tenant_id, room_id, [ana.user_id]))
    for gateway in two_gateways:
        await gateway.stop()
    assert await lost(database, tenant_id, room_id) == [ana.user_id]


async def test_person_who_leaves_by_the_door_is_not_lost(
    gateway: Gateway, connect: Connect, person: Person, room_id: UUID, database: Database, tenant_id: TenantId
) -> None:
    ana = await connect(gateway, person("Ana"))
    await ana.call("room:enter", room_id=room_id)
    assert (await ana.call("room:leave", room_id=room_id))["ok"]
    await ana.call("chat:send", room_id=room_id, text="outside")
    assert ana.events() == []
    await gateway.stop()
    assert await lost(database, tenant_id, room_id) == []


async def test_ghosts_of_a_dead_gateway_are_swept(
    two_gateways: tuple[Gateway, Gateway], database: Database, tenant_id: TenantId, room_id: UUID, person: Person
) -> None:
    """A gateway that stops giving signs of life leaves rows; another one tells the package and sweeps them."""
    ana, channel = person("Ana"), doors.room(tenant_id, room_id)
    dead = Presence(two_gateways[0].resources, {}, RealtimeSettings(**FAST), lambda: None)
    await dead.enter(channel, ana.user_id, new_id())
    await until_async(lambda: _is(database, tenant_id, room_id, [ana.user_id]))
    async with database.system() as db:
        assert dead.node_id not in {each.connection_id for each in await queries.ghosts(db)}


async def test_gateway_that_was_taken_for_dead_begins_anew(
    two_gateways: tuple[Gateway, Gateway], connect: Connect, person: Person, database: Database, room_id: UUID
) -> None:
    ana = await connect(two_gateways[0], person("Ana"))
    await ana.call("room:enter", room_id=room_id)
    node_id = two_gateways[0].resources.get(Hub).presence.node_id
    async with database.system() as db:
        await db.run("UPDATE gateway_nodes SET is_dead = true WHERE node_id = $1", node_id)
    await asyncio.wait_for(ana.is_gone.wait(), 5)
    await until(lambda: two_gateways[0].resources.get(Hub).presence.node_id != node_id)
    again = await connect(two_gateways[0], person("Bob"))
    assert (await again.call("room:enter", room_id=room_id))["ok"]


async def test_gateway_that_was_taken_for_dead_lets_its_people_go_also_if_it_cannot_begin_anew_at_once(
    gateway: Gateway, connect: Connect, person: Person, database_urls: DatabaseUrls, room_id: UUID
) -> None:
    ana = await connect(gateway, person("Ana"))
    await ana.call("room:enter", room_id=room_id)
    presence = gateway.resources.get(Hub).presence
    node_id = presence.node_id
    async with no_new_node(database_urls) as connection:
        await connection.execute("UPDATE gateway_nodes SET is_dead = true WHERE node_id = %s", (node_id,))
        await until(lambda: presence.node_id != node_id)
    await asyncio.wait_for(ana.is_gone.wait(), PATIENCE)
    again = await connect(gateway, person("Bob"))
    assert (await again.call("room:enter", room_id=room_id))["ok"]


@pytest.mark.parametrize("error", [asyncpg.DeadlockDetectedError("once"), RuntimeError("once")])
async def test_those_who_leave_are_seen_off_whatever_goes_wrong_once(
    new_gateway: NewGateway, database_urls: DatabaseUrls, database: Database, tenant_id: TenantId, room_id: UUID,
    person: Person, error: Exception,
) -> None:  # fmt: skip
    told: list[UserId] = []

    async def gone(_: Resources, __: Channel, user_id: UserId) -> None:
        told.append(user_id)

    patient = {**FAST, "dead_after": 60.0}  # nobody sweeps after others here
    gateway = await new_gateway(**patient)
    presence = Presence(gateway.resources, {"room": gone}, RealtimeSettings(**patient), lambda: None)
    async with presence.running():
        people, channel = (
            [(person(name).user_id, new_id()) for name in ("Ana", "Bob", "Cai")],
            doors.room(tenant_id, room_id),
        )
        for user_id, tab in people:
            await presence.enter(channel, user_id, tab)
        presence._database = faulty = FailsOnce(database_urls.app, error)
        for user_id, tab in people:
            presence.lost(channel, user_id, tab)
        await until_async(lambda: _nobody(database, tenant_id, room_id))
        presence._database = database
        await faulty.close()
    assert sorted(told) == sorted(user_id for user_id, _ in people)


class FailsOnce(Database):
    """A database in which each of the next units of work fails, as many as there are workers."""

    def __init__(self, url: str, error: Exception) -> None:
        super().__init__(url)
        self._errors = [error] * WORKERS

    @contextlib.asynccontextmanager
    async def system(self) -> AsyncIterator[Queries]:
        async with super().system() as queries:
            if self._errors:
                raise self._errors.pop()
            yield queries


async def test_who_comes_waits_for_the_end_of_who_goes_and_nobody_else_does(
    gateway: Gateway, database: Database, tenant_id: TenantId, room_id: UUID, person: Person
) -> None:
    """Entering and leaving of one person to a channel follow each other; others do not wait for their lock."""
    going, told = asyncio.Event(), asyncio.Event()

    async def gone(_: Resources, __: Channel, ___: UserId) -> None:
        going.set()
        await told.wait()

    ana, bob, channel = person("Ana"), person("Bob"), doors.room(tenant_id, room_id)
    presence = Presence(gateway.resources, {"room": gone}, RealtimeSettings(**FAST), lambda: None)
    before = not_seen_off()
    async with presence.running():
        tab = new_id()
        await presence.enter(channel, ana.user_id, tab)
        presence.lost(channel, ana.user_id, tab)
        await asyncio.wait_for(going.wait(), 5)
        back = asyncio.create_task(presence.enter(channel, ana.user_id, new_id()))
        await asyncio.wait_for(presence.enter(channel, bob.user_id, new_id()), 5)
        assert len(await connected(database, tenant_id, room_id)) == 2
        assert not back.done()
        assert not_seen_off() == before + 1
        told.set()
        await asyncio.wait_for(back, 5)
        await until(lambda: not_seen_off() == before)
        assert tab not in {each for _, each in await connected(database, tenant_id, room_id)}


def not_seen_off() -> float:
    """Connections that are gone, of whom nobody was told yet."""
    return REGISTRY.get_sample_value("dojo_gateway_gone") or 0.0


async def connected(database: Database, tenant_id: TenantId, room_id: UUID) -> set[tuple[UUID, UUID]]:
    """Persons and their connections to the room."""
    async with database.transaction(tenant_id) as tx:
        rows = await tx.rows("SELECT user_id, connection_id FROM connections WHERE resource_id = $1", room_id)
    return {(user_id, connection_id) for user_id, connection_id in rows}


async def _nobody(database: Database, tenant_id: TenantId, room_id: UUID) -> bool:
    return not await connected(database, tenant_id, room_id)


async def _is_waiting(database: Database) -> bool:
    async with database.system() as db:
        return bool(
            await db.value(
                bool, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'connections'::regclass)"
            )
        )


async def test_package_that_fails_is_asked_again_and_the_others_are_told_once(
    new_gateway: NewGateway, database: Database, tenant_id: TenantId, room_id: UUID, person: Person
) -> None:
    """All are told in one unit of work; who could not be told stays in it, alone."""
    patient = {**FAST, "dead_after": 60.0}  # nobody sweeps after others here
    gateway = await new_gateway(**patient)
    calls: list[UserId] = []

    async def gone(_: Resources, __: Channel, user_id: UserId) -> None:
        calls.append(user_id)
        if user_id == ana.user_id and calls.count(user_id) == 1:
            raise RuntimeError("once")
        if user_id == cai.user_id and calls.count(user_id) == 1:
            raise Unavailable

    ana, bob, cai, channel = person("Ana"), person("Bob"), person("Cai"), doors.room(tenant_id, room_id)
    presence = Presence(gateway.resources, {"room": gone}, RealtimeSettings(**patient), lambda: None)
    async with presence.running():
        tabs = [(who.user_id, new_id()) for who in (ana, bob, cai)]
        for user_id, tab in tabs:
            await presence.enter(channel, user_id, tab)
        for user_id, tab in tabs:
            presence.lost(channel, user_id, tab)
        await until_async(lambda: _nobody(database, tenant_id, room_id))
    assert sorted(calls) == sorted([ana.user_id, ana.user_id, bob.user_id, cai.user_id, cai.user_id])


async def test_connection_of_a_package_that_always_fails_is_forgotten_whatever_goes_wrong_once(
    new_gateway: NewGateway, database_urls: DatabaseUrls, database: Database, tenant_id: TenantId, room_id: UUID,
    person: Person, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(presence_module, "GIVE_UP", 1)

    async def gone(_: Resources, __: Channel, ___: UserId) -> None:
        raise RuntimeError

    patient = {**FAST, "dead_after": 60.0}  # nobody sweeps after others here
    gateway = await new_gateway(**patient)
    presence = Presence(gateway.resources, {"room": gone}, RealtimeSettings(**patient), lambda: None)
    async with presence.running():
        ana, tab, channel = person("Ana"), new_id(), doors.room(tenant_id, room_id)
        await presence.enter(channel, ana.user_id, tab)
        presence._database = faulty = ForgetsLate(database_urls.app)
        presence.lost(channel, ana.user_id, tab)
        await until_async(lambda: _nobody(database, tenant_id, room_id))
        presence._database = database
        await faulty.close()


class ForgetsLate(Database):
    """A database in which the first statement outside units of work fails."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._errors = [RuntimeError("once")]

    @contextlib.asynccontextmanager
    async def statements(self) -> AsyncIterator[Queries]:
        async with super().statements() as queries:
            if self._errors:
                raise self._errors.pop()
            yield queries


@pytest.mark.parametrize("ends", [False, True])
async def test_answer_that_was_given_up_while_its_row_is_on_its_way(
    gateway: Gateway, database: Database, tenant_id: TenantId, room_id: UUID, person: Person, ends: bool
) -> None:
    """Who is still connected is there; whose connection ends meanwhile leaves no row behind."""
    ana, channel, tab = person("Ana"), doors.room(tenant_id, room_id), new_id()
    presence = Presence(gateway.resources, {}, RealtimeSettings(**FAST), lambda: None)
    async with presence.running():
        async with database.transaction(tenant_id) as tx:  # so that the row has to wait
            await tx.run("LOCK TABLE connections IN EXCLUSIVE MODE")
            entering = asyncio.create_task(presence.enter(channel, ana.user_id, tab))
            await until_async(lambda: _is_waiting(database))
            entering.cancel()
            await asyncio.gather(entering, return_exceptions=True)
            if ends:
                presence.lost(channel, ana.user_id, tab)
                await until(presence._leaving.empty)
        await until(lambda: presence._entering._task is None)
        await presence._leaving.join()
    assert await connected(database, tenant_id, room_id) == (set() if ends else {(ana.user_id, tab)})


async def test_lost_hint_is_healed_by_the_slow_look(
    two_gateways: tuple[Gateway, Gateway], connect: Connect, person: Person, tenant_id: TenantId, room_id: UUID
) -> None:
    """An entry that nobody announced is delivered all the same, and in its place."""
    ana = await connect(two_gateways[1], person("Ana"))
    await ana.call("room:enter", room_id=room_id)
    silent = NewEntry(
        tenant_id=tenant_id,
        stream_id=room_id,
        op_id=new_id(),
        kind="chat_sent",
        actor_id=new_id(),
        payload='{"text":"silent"}',
    )
    await two_gateways[0].resources.get(LogWriter).append([silent])
    await until(lambda: ana.texts() == ["silent"])
    await ana.call("chat:send", room_id=room_id, text="heard")
    await until(lambda: ana.texts() == ["silent", "heard"])


async def test_forged_hints_change_nothing(
    gateway: Gateway, connect: Connect, person: Person, tenant_id: TenantId, room_id: UUID
) -> None:
    ana = await connect(gateway, person("Ana"))
    await ana.call("room:enter", room_id=room_id)
    bus, name = gateway.resources.get(Bus), doors.room(tenant_id, room_id).name()
    for body in (b"", b"L", b"Lx", b"L99999", b"S", b"S{}", b"S[1]", b"?", b"L-1"):
        bus.publish(name, body)
    for body in (b"", b"{}", b"[]", b'{"kind":"sign_in_ended"}', b'{"kind":"sign_in_ended","sign_in_id":"x"}'):
        bus.publish("control", body)
    await ana.call("chat:send", room_id=room_id, text="still")
    await until(lambda: ana.texts() == ["still"])
    assert UserId(room_id) not in {each["actor_id"] for each in ana.events()}
