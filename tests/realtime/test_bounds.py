"""What one client, one address, or all of them together cannot do to a gateway: each bound with what enforces it."""

import asyncio
import gzip
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from structlog.testing import capture_logs

from core.db import Database
from core.errors import Unavailable
from core.eventlog import read
from core.model import TenantId, new_id
from core.tokens import Tokens
from realtime import engineio
from realtime.gateway import INBOX_FULL
from realtime.sessions import MAX_CHANNELS, MAX_HELD, SIGNAL_BACKLOG
from tests.conftest import DatabaseUrls
from tests.postgres import locked
from tests.realtime.conftest import Client, Connect, Gateway, NewGateway, Person, metric, seen, until
from tests.realtime.test_hostile import deaf, ended, raw, upgrade
from tests.realtime.wire import Wire

PAUSES = "dojo_gateway_pauses_total"
GIVEN_UP = "dojo_database_given_up_total"
DROPPED = 'dojo_gateway_dropped_total{reason="backlog"}'


@seen("refused", reason="full")
async def test_full_node_refuses_the_next_socket(new_gateway: NewGateway, http: aiohttp.ClientSession) -> None:
    gateway = await new_gateway(max_connections=2)
    held = [await raw(http, gateway) for _ in range(2)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await raw(http, gateway)
    assert refused.value.status == 503
    await held.pop().close()
    await until_let_in(http, gateway)
    await held.pop().close()


async def until_let_in(http: aiohttp.ClientSession, gateway: Gateway) -> None:
    """Wait until the gateway takes a socket."""
    async with asyncio.timeout(5):
        while True:
            try:
                await (await raw(http, gateway)).close()
            except aiohttp.WSServerHandshakeError:
                await asyncio.sleep(0.01)
            else:
                return


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@seen("closed", reason="silent")
async def test_client_that_answers_no_ping_is_dropped(
    new_gateway: NewGateway, http: aiohttp.ClientSession, transport: str
) -> None:
    gateway = await new_gateway(ping_interval=0.2, ping_timeout=0.2)
    if transport == "websocket":
        eve = await raw(http, gateway)
        await ended(eve)
        await eve.close()
    else:
        url = f"{gateway.url}/socket.io/?EIO=4&transport=polling"
        async with http.get(url) as answer:
            sid = json.loads((await answer.text())[1:])["sid"]
        async with asyncio.timeout(5):
            while True:  # it reads, but never answers
                async with http.get(f"{url}&sid={sid}") as answer:
                    if answer.status == 400:
                        break


async def test_client_that_sends_faster_than_it_is_answered_is_read_no_faster(
    new_gateway: NewGateway,
    connect: Connect,
    http: aiohttp.ClientSession,
    tokens: Tokens,
    person: Person,
    room_id: UUID,
) -> None:
    gateway = await new_gateway(core={"rate_scale": 1000.0}, events_per_second=1e6, event_burst=1_000_000)
    eve, ana = await raw(http, gateway, tokens.access(person("Eve"))), await connect(gateway, person("Ana"))
    before = await metric(http, gateway, PAUSES)
    count = 1_500
    for number in range(count):
        await eve.send_str(f'42{number}["chat:send",{{"room_id":"{room_id}","text":"{number}"}}]')
    assert (await ana.call("room:enter", room_id=room_id))["ok"]  # the others are served all the while
    answers: list[int] = []
    async with asyncio.timeout(60):
        while len(answers) < count:
            text = await eve.receive_str()
            if text.startswith("43"):
                answers.append(int(text[2:].partition("[")[0]))
    assert answers == list(range(count))
    assert await metric(http, gateway, PAUSES) > before
    await eve.close()


@pytest.mark.parametrize("word", ["x" * 4_000, "\U0001f600" * 1_000])  # as many bytes
@seen("closed", reason="slow")
async def test_polling_client_that_does_not_fetch_is_dropped(
    new_gateway: NewGateway,
    connect: Connect,
    person: Person,
    http: aiohttp.ClientSession,
    tokens: Tokens,
    room_id: UUID,
    word: str,
) -> None:
    gateway = await new_gateway(max_backlog=16_384)
    url = f"{gateway.url}/socket.io/?EIO=4&transport=polling"
    async with http.get(url) as answer:
        sid = json.loads((await answer.text())[1:])["sid"]
    words = json.dumps({"token": tokens.access(person("Eve"))})
    enter = json.dumps(["room:enter", {"room_id": str(room_id)}])
    async with http.post(f"{url}&sid={sid}", data=f"40{words}\x1e42{enter}") as answer:
        assert answer.status == 200
    ana = await connect(gateway, person("Ana"))
    assert (await ana.call("room:enter", room_id=room_id))["ok"]
    for _ in range(10):
        assert (await ana.call("chat:send", room_id=room_id, text=word))["ok"]
    async with http.get(f"{url}&sid={sid}") as answer:
        assert answer.status == 400
    await until(lambda: ana.texts().count(word) == 10)


async def test_polling_client_waits_for_answers_longer_than_it_may_take_to_speak(
    gateway: Gateway, http: aiohttp.ClientSession, tokens: Tokens, person: Person, room_id: UUID,
    database_urls: DatabaseUrls, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """That the log is slow is not the client's fault: its session lives, and every event is answered."""
    monkeypatch.setattr(engineio, "POST_MAX_SECONDS", 1.0)
    url = f"{gateway.url}/socket.io/?EIO=4&transport=polling"
    async with http.get(url) as answer:
        url += "&sid=" + json.loads((await answer.text())[1:])["sid"]
    words = json.dumps({"token": tokens.access(person("Eve"))})
    assert await posted(http, url, f"40{words}") == 200
    before, count = await metric(http, gateway, PAUSES), INBOX_FULL + 6
    with locked(database_urls, room_id):
        packets = (f'42{n}["chat:send",{{"room_id":"{room_id}","text":"{n}"}}]' for n in range(count))
        begun = time.monotonic()
        speaking = asyncio.create_task(posted(http, url, "\x1e".join(packets)))
        await until(lambda: time.monotonic() > begun + 1.2)
        assert await metric(http, gateway, PAUSES) > before
        assert not speaking.done()
    assert await speaking == 200
    answered = 0
    while answered < count:
        async with http.get(url) as answer:
            assert answer.status == 200
            answered += sum(packet.startswith("43") for packet in (await answer.text()).split("\x1e"))


async def posted(http: aiohttp.ClientSession, url: str, body: str) -> int:
    """The status with which a payload is answered."""
    async with http.post(url, data=body) as answer:
        return answer.status


@seen("closed", reason="no-upgrade")
async def test_upgrade_that_is_begun_and_left_is_ended(
    new_gateway: NewGateway, http: aiohttp.ClientSession, tokens: Tokens, person: Person
) -> None:
    gateway = await new_gateway(connect_timeout=1.5)
    async with http.get(f"{gateway.url}/socket.io/?EIO=4&transport=polling") as answer:
        sid = json.loads((await answer.text())[1:])["sid"]
    words = json.dumps({"token": tokens.access(person("Eve"))})  # else the session ends before the upgrade does
    assert await posted(http, f"{gateway.url}/socket.io/?EIO=4&transport=polling&sid={sid}", f"40{words}") == 200
    probe = await http.ws_connect(f"{gateway.url}/socket.io/?EIO=4&transport=websocket&sid={sid}")
    await ended(probe)
    await probe.close()


@pytest.mark.parametrize(("packet", "count"), [("4garbage", 200), ("4" + "x" * 70_000, 1)])
@seen("closed", reason="bad-packet")
async def test_bad_connection_is_one_line_of_log(
    gateway: Gateway, http: aiohttp.ClientSession, tokens: Tokens, person: Person, packet: str, count: int
) -> None:
    with capture_logs() as lines:
        eve = await raw(http, gateway, tokens.access(person("Eve")))
        for _ in range(count):
            await eve.send_str(packet)
        await ended(eve)
        await eve.close()
        await until(lambda: lines)
    assert [line["event"] for line in lines].count("bad_packet") == 1


@pytest.mark.parametrize("bad", ["no packet", "garbage for gzip", "gzip", "two gets"])
@seen("closed", reason="bad-packet")
async def test_bad_polling_is_one_line_of_log(
    gateway: Gateway, http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture, bad: str
) -> None:
    url = f"{gateway.url}/socket.io/?EIO=4&transport=polling"
    async with http.get(url) as answer:
        url += "&sid=" + json.loads((await answer.text())[1:])["sid"]
    packed = {"headers": {"Content-Encoding": "gzip"}}
    requests: dict[str, list[dict[str, Any]]] = {
        "no packet": [{"method": "POST", "data": b"garbage"}],
        "garbage for gzip": [{"method": "POST", "data": b"garbage", **packed}],
        "gzip": [{"method": "POST", "data": gzip.compress(b"41"), **packed}],
        "two gets": [{"method": "GET"}, {"method": "GET"}],
    }
    with capture_logs() as lines:
        answers = [asyncio.create_task(http.request(url=url, **each)) for each in requests[bad]]
        assert 400 in [(await each).status for each in answers]
        assert await posted(http, url, "40{}") == 400  # it is over
    assert [line["event"] for line in lines] == ["bad_packet"]
    assert not [record for record in caplog.records if record.exc_info]


async def test_traffic_is_seen_in_the_metrics(
    gateway: Gateway, connect: Connect, http: aiohttp.ClientSession, person: Person, room_id: UUID
) -> None:
    ana: Client = await connect(gateway, person("Ana"))
    sent = await metric(http, gateway, "dojo_gateway_sent_bytes_total")
    assert (await ana.call("room:enter", room_id=room_id))["ok"]
    assert (await ana.call("chat:send", room_id=room_id, text="x" * 1_000))["ok"]
    await ana.has_events(1)
    assert await metric(http, gateway, "dojo_gateway_sent_bytes_total") > sent + 1_000
    assert await metric(http, gateway, 'dojo_gateway_connections{door="json"}') >= 1
    assert await metric(http, gateway, 'dojo_gateway_backlog_bytes{door="json"}') == 0
    assert await metric(http, gateway, "dojo_bus_up") == 1
    for line in (
        "dojo_log_group_size_count",
        "dojo_log_lag_seconds_count",
        'dojo_gateway_deliveries_total{kind="event"}',
    ):
        assert await metric(http, gateway, line) > 0, line


@pytest.mark.parametrize("event", ["chat:send", "chat:offer"])  # in a task, and without one
async def test_answer_that_takes_too_long_is_given_up_and_the_client_stays(
    new_gateway: NewGateway, connect: Connect, person: Person, database: Database, database_urls: DatabaseUrls,
    tenant_id: TenantId, room_id: UUID, event: str,
) -> None:  # fmt: skip
    gateway = await new_gateway(core={"database_timeout": 60}, answer_timeout=0.3)
    ana, op_id = await connect(gateway, person("Ana")), new_id()
    with locked(database_urls, room_id):
        async with seen("events", event=event, outcome="unavailable"):
            late = await ana.call(event, room_id=room_id, text="once", op_id=op_id)
        assert late["problem"]["code"] == "unavailable"
        assert (await ana.call("door:slow", room_id=room_id))["ok"]
    assert (await ana.call(event, room_id=room_id, text="once", op_id=op_id))["ok"]
    async with database.transaction(tenant_id) as tx:
        assert [entry.op_id for entry in await read(tx, room_id, 0)] == [op_id]
    assert not ana.is_gone.is_set()


async def test_statement_or_commit_that_takes_too_long_is_seen_in_the_metrics(
    new_gateway: NewGateway, connect: Connect, person: Person, http: aiohttp.ClientSession, tenant_id: TenantId,
    database_urls: DatabaseUrls, room_id: UUID,
) -> None:  # fmt: skip
    gateway = await new_gateway(core={"database_timeout": 0.3})
    ana, before = await connect(gateway, person("Ana")), await metric(http, gateway, GIVEN_UP)
    with locked(database_urls, room_id):
        late = await ana.call("chat:offer", room_id=room_id, text="late")
    assert late["problem"]["code"] == "unavailable"
    commits = await metric(http, gateway, GIVEN_UP)
    assert commits > before
    with pytest.raises(Unavailable):
        async with gateway.resources.get(Database).transaction(tenant_id) as tx:
            await tx.run("SELECT pg_sleep(60)")
    assert await metric(http, gateway, GIVEN_UP) > commits


@seen("events", event="room:enter", outcome="forbidden")
async def test_client_is_in_a_bounded_number_of_channels(
    new_gateway: NewGateway, connect: Connect, person: Person, document_in: Callable[[], Awaitable[UUID]]
) -> None:
    gateway = await new_gateway(core={"rate_scale": 100.0})
    ana, rooms = await connect(gateway, person("Ana")), [await document_in() for _ in range(MAX_CHANNELS + 1)]
    for room_id in rooms[:-1]:
        assert (await ana.call("room:enter", room_id=room_id))["ok"]
    assert (await ana.call("room:enter", room_id=rooms[-1]))["problem"]["code"] == "forbidden"
    assert (await ana.call("room:enter", room_id=rooms[0]))["ok"]
    await ana.call("room:leave", room_id=rooms[0])
    assert (await ana.call("room:enter", room_id=rooms[-1]))["ok"]


async def deaf_wire(gateway: Gateway, token: str, room_id: UUID) -> Wire:
    """Somebody in a room who will read nothing more until asked to; what comes waits at the gateway."""
    wire = Wire(*await asyncio.open_connection(sock=deaf(gateway), limit=1_024))
    wire.send(upgrade("/socket.io/?EIO=4&transport=websocket"))
    await wire.answered()
    wire.say("40" + json.dumps({"token": token}), "421" + json.dumps(["room:enter", {"room_id": str(room_id)}]))
    while not str(await wire.hear()).startswith("431"):
        pass
    return wire


async def test_reader_who_is_behind_gets_no_signals_and_every_event(
    new_gateway: NewGateway,
    connect: Connect,
    http: aiohttp.ClientSession,
    tokens: Tokens,
    person: Person,
    room_id: UUID,
) -> None:
    gateway = await new_gateway(core={"rate_scale": 100.0})
    ana, eve = await connect(gateway, person("Ana")), await deaf_wire(gateway, tokens.access(person("Eve")), room_id)
    assert (await ana.call("room:enter", room_id=room_id))["ok"]
    dropped = await metric(http, gateway, DROPPED)
    said = 0
    while await metric(http, gateway, 'dojo_gateway_backlog_most_bytes{door="json"}') <= SIGNAL_BACKLOG:
        assert (await ana.call("chat:send", room_id=room_id, text=f"{said}" + "x" * 60_000))["ok"]
        said += 1
    for number in range(10):
        assert (await ana.call("signal:send", room_id=room_id, value=f"early {number}"))["ok"]
    await until(lambda: len(ana.events("room:signal")) == 10)
    assert await metric(http, gateway, DROPPED) == dropped + 10
    heard = [json.loads(str(await eve.hear())[2:]) for _ in range(said)]
    assert [(name, body["seq"]) for name, body in heard] == [("room:event", seq) for seq in range(1, said + 1)]
    await ana.call("signal:send", room_id=room_id, value="late")
    assert json.loads(str(await eve.hear())[2:])[1]["value"] == "late"
    await eve.hang_up()


@seen("closed", reason="slow")
async def test_what_is_held_back_behind_an_answer_is_bounded(
    new_gateway: NewGateway, connect: Connect, person: Person, database_urls: DatabaseUrls, room_id: UUID,
    document_in: Callable[[], Awaitable[UUID]],
) -> None:  # fmt: skip
    gateway = await new_gateway(
        core={"rate_scale": 1000.0, "database_timeout": 60}, events_per_second=1e6, event_burst=1_000_000
    )
    ana, eve = await connect(gateway, person("Ana")), await connect(gateway, person("Eve"))
    other = await document_in()
    for client in (ana, eve):
        assert (await client.call("room:enter", room_id=room_id))["ok"]
    with locked(database_urls, other):
        await eve.socket.emit("chat:send", {"room_id": str(other), "text": "waits"})
        for number in range(1, MAX_HELD + 1):
            await ana.socket.emit("signal:send", {"room_id": str(room_id), "value": str(number)})
            if number % 200 == 0:
                await ana.has_events(number, "room:signal")
        assert not eve.is_gone.is_set()
        await ana.call("signal:send", room_id=room_id, value="one too many")
        await asyncio.wait_for(eve.is_gone.wait(), 5)
