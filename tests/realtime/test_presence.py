"""Many sockets are one person; their package hears when the last is gone, also when a gateway died with it."""

import asyncio
from uuid import UUID

from core.bus import Bus
from core.db import Database
from core.eventlog import LogWriter, NewEntry, read
from core.model import TenantId, UserId, new_id
from realtime import queries
from realtime.hub import Hub
from realtime.presence import Presence
from realtime.settings import RealtimeSettings
from tests.realtime import doors
from tests.realtime.conftest import FAST, Connect, Gateway, Person, until, until_async


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
