"""Clients connect, are let through doors, hear each other over two gateways, and are sent away when they must be."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from uuid import UUID

import aiohttp
import psycopg
import pytest
import socketio.exceptions

from app.__main__ import main
from core.bus import Bus
from core.db import Database
from core.eventlog import read
from core.model import TenantId, new_id
from core.tokens import Tokens
from realtime.hub import Hub
from tests.conftest import DatabaseUrls
from tests.realtime import doors
from tests.realtime.conftest import Connect, Gateway, NewGateway, Person, forget, lose, seen, until, until_async

CARRIERS = [
    ("socket.io", ("websocket",)),
    ("socket.io", ("polling",)),
    ("socket.io", ("polling", "websocket")),
    ("socket.io-msgpack", ("websocket",)),
    ("socket.io-msgpack", ("polling",)),
]


@pytest.mark.parametrize(("path", "transports"), CARRIERS)
async def test_event_reaches_the_others_after_the_answer(
    gateway: Gateway, connect: Connect, person: Person, room_id: UUID, path: str, transports: tuple[str, ...]
) -> None:
    ana = await connect(gateway, person("Ana"), path=path, transports=transports)
    bob = await connect(gateway, person("Bob"))
    for client in (ana, bob):
        assert (await client.call("room:enter", room_id=room_id))["ok"]
    assert await ana.call("chat:send", room_id=room_id, text="olá") == {"ok": True, "data": {"seq": 1}}
    for client in (ana, bob):
        (event,) = await until(client.events)
        assert (event["seq"], event["epoch"], event["room_id"]) == (1, 1, str(room_id))
        assert event["payload"] == {"text": "olá"}


async def test_client_that_goes_over_to_websocket_while_it_comes_in_is_written_to_without_detour(
    gateway: Gateway, http: aiohttp.ClientSession, tokens: Tokens, person: Person, database_urls: DatabaseUrls
) -> None:
    url = f"{gateway.url}/socket.io/?EIO=4&transport="
    async with http.get(f"{url}polling") as answer:
        sid = "&sid=" + json.loads((await answer.text())[1:])["sid"]

    async def has_gone_over() -> bool:
        async with http.get(f"{url}polling{sid}") as answer:
            return answer.status == 400

    with psycopg.connect(database_urls.everything) as connection:
        connection.execute("LOCK TABLE sign_ins IN ACCESS EXCLUSIVE MODE")  # so that CONNECT has to wait
        token = json.dumps({"token": tokens.access(person("Ana"))})
        async with http.post(f"{url}polling{sid}", data=f"40{token}") as answer:
            assert answer.status == 200
        ws = await http.ws_connect(f"{url}websocket{sid}")
        await ws.send_str("2probe")
        assert await ws.receive_str() == "3probe"
        await ws.send_str("5")
        await until_async(has_gone_over)
    assert (await ws.receive_str()).startswith("40{")
    (session,) = gateway.resources.get(Hub)._sessions.values()
    assert session.wire.end is not None
    await ws.close()


async def test_events_of_two_gateways_come_in_one_order(
    bus_gateways: tuple[Gateway, Gateway], connect: Connect, person: Person, room_id: UUID
) -> None:
    clients = [await connect(gateway, person("P")) for gateway in bus_gateways for _ in range(3)]
    for client in clients:
        await client.call("room:enter", room_id=room_id)
    await asyncio.gather(
        *(
            client.call("chat:send", room_id=room_id, text=f"{n}.{i}")
            for i in range(20)
            for n, client in enumerate(clients)
        )
    )
    await clients[0].call("chat:send", room_id=room_id, text="last")  # no own word says so at the other gateway
    for client in clients:
        await client.has_events(121)
        assert [event["seq"] for event in client.events()] == list(range(1, 122))
        assert client.texts() == clients[0].texts()


async def test_events_of_one_client_keep_their_order(
    gateway: Gateway, connect: Connect, person: Person, room_id: UUID
) -> None:
    ana = await connect(gateway, person("Ana"))
    await ana.call("room:enter", room_id=room_id)
    await ana.socket.emit("door:slow", {"room_id": str(room_id)})
    for number in range(20):
        await ana.socket.emit("chat:send", {"room_id": str(room_id), "text": str(number)})
    await until(lambda: len(ana.events()) == 20)
    assert ana.texts() == [str(number) for number in range(20)]


async def test_private_event_is_hidden_from_others(
    gateway: Gateway, connect: Connect, person: Person, room_id: UUID
) -> None:
    people = [person(name) for name in ("Ana", "Bob", "Cid")]
    ana, bob, cid = [await connect(gateway, each) for each in people]
    for client in (ana, bob, cid):
        await client.call("room:enter", room_id=room_id)
    await ana.call("chat:send", room_id=room_id, text="psst", to=people[1].user_id)
    await ana.call("chat:send", room_id=room_id, text="all")
    for client, heard in ((ana, ["psst", "all"]), (bob, ["psst", "all"]), (cid, [None, "all"])):
        await client.has_events(2)
        assert client.texts() == heard
    hidden = cid.events()[0]
    assert (hidden["kind"], hidden["payload"], hidden["seq"]) == ("hidden", None, 1)
    assert str(people[0].user_id) not in json.dumps(hidden)


async def test_signal_passes_over_both_gateways(
    two_gateways: tuple[Gateway, Gateway], connect: Connect, person: Person, room_id: UUID
) -> None:
    ana, bob = [await connect(gateway, person("P")) for gateway in two_gateways]
    for client in (ana, bob):
        await client.call("room:enter", room_id=room_id)
    await until(two_gateways[0].resources.get(Bus).connected.is_set)

    async def wave() -> bool:
        await ana.call("signal:send", room_id=room_id, value="wave")
        return bool(bob.events("room:signal"))

    await until_async(wave)
    assert bob.events("room:signal")[0] == {"room_id": str(room_id), "value": "wave"}


async def test_expelled_person_hears_it_last(gateway: Gateway, connect: Connect, person: Person, room_id: UUID) -> None:
    host, guest = person("Host"), person("Guest")
    first, second = await connect(gateway, host), await connect(gateway, guest)
    for client in (first, second):
        await client.call("room:enter", room_id=room_id)
    await first.call("chat:send", room_id=room_id, text="out", kind="person_removed", expels=guest.user_id)
    await first.call("chat:send", room_id=room_id, text="secret")
    await until(lambda: len(first.events()) >= 2)
    await until(lambda: second.events("room:expelled"))
    assert second.events("room:expelled") == [{"room_id": str(room_id), "reason": "banned"}]
    await until(lambda: [each for each in first.events() if each["kind"] == "person_lost"])
    assert second.texts() == ["out"]


async def test_another_tenants_room_is_silent(
    gateway: Gateway, connect: Connect, person: Person, room_id: UUID, new_tenant: Callable[..., Awaitable[TenantId]]
) -> None:
    insider = await connect(gateway, person("In"))
    outsider = await connect(gateway, person("Out", tenant=await new_tenant("Other")))
    await insider.call("room:enter", room_id=room_id)
    await outsider.call("room:enter", room_id=room_id)
    await outsider.call("chat:send", room_id=room_id, text="forged")
    await insider.call("chat:send", room_id=room_id, text="ours")
    await until(insider.events)
    assert insider.texts() == ["ours"]
    assert outsider.events() == []


ROOM = "the room in which they are"


async def logged(urls: DatabaseUrls, tenant_id: TenantId) -> int:
    """Entries in all logs of a tenant."""
    async with await psycopg.AsyncConnection.connect(urls.everything) as connection:
        found = await connection.execute("SELECT count(*) FROM log_entries WHERE tenant_id = %s", (tenant_id,))
        return int((await found.fetchone() or (0,))[0])


@pytest.mark.parametrize(
    ("event", "payload", "code"),
    [
        ("no:such", {}, "not-found"),
        ("chat:send", {"room_id": "x", "text": "a"}, "invalid"),
        ("chat:send", {"room_id": ROOM, "text": "a", "admin": True}, "invalid"),
        ("chat:send", {"room_id": ROOM, "text": "a\x00b"}, "invalid"),
        ("chat:send", ["not", "an", "object"], "invalid"),
        ("chat:send", None, "invalid"),
        ("door:closed", {"room_id": ROOM}, "forbidden"),
        ("door:broken", {"room_id": ROOM}, "internal"),
    ],
)
async def test_bad_event_is_refused_in_its_answer_counted_and_without_effect(
    gateway: Gateway, connect: Connect, person: Person, room_id: UUID, database_urls: DatabaseUrls,
    tenant_id: TenantId, event: str, payload: object, code: str,
) -> None:  # fmt: skip
    ana = await connect(gateway, person("Ana"))
    assert (await ana.call("room:enter", room_id=room_id))["ok"]
    payload = json.loads(json.dumps(payload).replace(ROOM, str(room_id)))
    async with seen("events", event="unknown" if event == "no:such" else event, outcome=code):
        answer = await ana.socket.call(event, payload, timeout=5)
    assert (answer["ok"], answer["problem"]["code"]) == (False, code)
    assert await logged(database_urls, tenant_id) == 0
    assert (await ana.call("door:slow", room_id=new_id()))["data"] == "slow"


@pytest.mark.parametrize("token", [None, "", "nonsense", "a.b.c", 7])
async def test_connect_refuses_a_bad_token(gateway: Gateway, connect: Connect, token: object) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect(gateway, token)


async def test_connect_refuses_an_expired_token(gateway: Gateway, connect: Connect, person: Person) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect(gateway, person("Ana", ttl=-60))


async def test_connection_ends_with_its_token_unless_renewed(
    gateway: Gateway, connect: Connect, person: Person, tokens: Tokens
) -> None:
    ana, bob = person("Ana", ttl=2), person("Bob", ttl=2)
    lasting, ending = await connect(gateway, ana), await connect(gateway, bob)
    longer = tokens.access(ana.model_copy(update={"expires_at": ana.expires_at + 600}))
    assert await lasting.call("session:renew", token=longer) == {"ok": True, "data": None}
    other = await lasting.call("session:renew", token=tokens.access(person("Eve")))
    assert other["problem"]["code"] == "forbidden"
    await asyncio.wait_for(ending.is_gone.wait(), 8)
    assert not lasting.is_gone.is_set()


async def test_ended_sign_in_closes_its_sockets_at_the_word_of_the_bus(
    bus_gateways: tuple[Gateway, Gateway], connect: Connect, person: Person
) -> None:
    ana, bob = person("Ana"), person("Bob")
    here, there = await connect(bus_gateways[1], ana), await connect(bus_gateways[1], bob)
    word = json.dumps({"kind": "sign_in_ended", "sign_in_id": str(ana.sign_in_id)}).encode()
    bus_gateways[0].resources.get(Bus).publish("control", word)
    await until(here.is_gone.is_set)
    assert here.events("session:ended") == [{}]
    assert not there.is_gone.is_set()
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect(bus_gateways[1], ana)


async def test_ended_sign_in_is_found_when_its_message_was_lost(
    gateway: Gateway, connect: Connect, person: Person, database: Database, tenant_id: TenantId
) -> None:
    ana = person("Ana")
    client = await connect(gateway, ana)
    async with database.transaction(tenant_id) as tx:
        await doors.end_sign_in(tx, ana)
    await asyncio.wait_for(client.is_gone.wait(), 5)
    assert client.events("session:ended") == [{}]


async def test_one_person_has_a_bounded_number_of_sockets(
    new_gateway: NewGateway, connect: Connect, person: Person
) -> None:
    gateway, ana = await new_gateway(max_per_person=2), person("Ana")
    first, _ = await connect(gateway, ana), await connect(gateway, ana)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect(gateway, ana)
    await first.socket.disconnect()

    async def again() -> bool:
        try:
            await connect(gateway, ana)
        except socketio.exceptions.ConnectionError:
            return False
        return True

    await until_async(again)


async def test_events_beyond_the_rate_are_refused_then_the_client_is_sent_away(
    new_gateway: NewGateway, connect: Connect, person: Person
) -> None:
    gateway = await new_gateway(events_per_second=0.1, event_burst=5)
    ana = await connect(gateway, person("Ana"))
    answers = [await ana.socket.call("no:such", {}) for _ in range(6)]
    assert [answer["problem"]["code"] for answer in answers] == ["not-found"] * 5 + ["too-many"]
    for _ in range(120):
        await ana.socket.emit("no:such", {})
    await asyncio.wait_for(ana.is_gone.wait(), 5)


async def test_drain_sends_people_away_and_refuses_new_ones(
    new_gateway: NewGateway, connect: Connect, person: Person, room_id: UUID, database: Database, tenant_id: TenantId
) -> None:
    others = ("http://one.test", "http://two.test")
    gateway = await new_gateway(core={"gateway_urls": others})
    ana = await connect(gateway, person("Ana"))
    crowd = [ana, *[await connect(gateway, person("Someone")) for _ in range(7)]]
    await ana.call("room:enter", room_id=room_id)
    draining = asyncio.create_task(gateway.drain())
    await until(lambda: all(each.events("node:drain") for each in crowd))
    words = [each.events("node:drain")[0] for each in crowd]
    assert all(0 <= word["wait_ms"] <= 200 and word["gateways"] == list(others) for word in words)
    assert len({word["wait_ms"] for word in words}) > 1  # eight alike: once in 10^16 drains
    with pytest.raises(socketio.exceptions.ConnectionError):
        await connect(gateway, person("Bob"))
    await ana.is_gone.wait()
    await draining
    async with database.transaction(tenant_id) as tx:
        assert (await read(tx, room_id, 0))[-1].kind == "person_lost"


@pytest.mark.parametrize("lost", [0, 2])
async def test_restored_log_sends_everybody_round(
    two_gateways: tuple[Gateway, Gateway], connect: Connect, person: Person, room_id: UUID,
    database_urls: DatabaseUrls, lost: int, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The database goes back to a backup: what follows has numbers that people have seen already, or not."""
    monkeypatch.setenv("DOJO_MIGRATION_URL", database_urls.migration)
    people = [await connect(gateway, person("P")) for gateway in two_gateways]
    for client in people:
        await client.call("room:enter", room_id=room_id)
    for number in range(3):
        await people[0].call("chat:send", room_id=room_id, text=str(number))
    await until(lambda: all(len(client.events()) == 3 for client in people))
    await lose(database_urls, room_id, lost)
    assert await asyncio.to_thread(main, ["restored"]) == 0
    await until(lambda: not any(client.socket.connected for client in people))
    late = await connect(two_gateways[1], person("Late"))
    await late.call("room:enter", room_id=room_id)
    answer = await late.call("chat:send", room_id=room_id, text="after")
    event = await until(lambda: next((each for each in late.events() if each["payload"] == {"text": "after"}), None))
    assert event["seq"] == answer["data"]["seq"]
    assert event["epoch"] > 1


async def test_channel_whose_log_the_backup_lacks_sends_everybody_round(
    two_gateways: tuple[Gateway, Gateway], connect: Connect, person: Person, room_id: UUID, database_urls: DatabaseUrls
) -> None:
    people = [await connect(gateway, person("P")) for gateway in two_gateways]
    for client in people:
        await client.call("room:enter", room_id=room_id)
    await people[0].call("chat:send", room_id=room_id, text="of a room younger than the backup")
    await forget(database_urls, room_id)
    await until(lambda: not any(client.socket.connected for client in people))
