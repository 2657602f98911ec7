"""What one client, one address, or all of them together cannot do to a gateway: each bound with what enforces it."""

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID

import aiohttp
import pytest
from structlog.testing import capture_logs

from core.tokens import Tokens
from tests.realtime.conftest import Client, Connect, Gateway, NewGateway, Person, until
from tests.realtime.test_hostile import ended, raw


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Plain HTTP."""
    async with aiohttp.ClientSession() as session:
        yield session


async def metric(http: aiohttp.ClientSession, gateway: Gateway, line: str) -> float:
    """The value that ``/metrics`` shows behind ``line``; 0 if it shows none."""
    async with http.get(f"{gateway.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next((float(each.rpartition(" ")[2]) for each in lines if each.startswith(line + " ")), 0.0)


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
    before = await metric(http, gateway, "dojo_gateway_pauses_total")
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
    assert await metric(http, gateway, "dojo_gateway_pauses_total") > before
    await eve.close()


async def test_polling_client_that_does_not_fetch_is_dropped(
    new_gateway: NewGateway,
    connect: Connect,
    person: Person,
    http: aiohttp.ClientSession,
    tokens: Tokens,
    room_id: UUID,
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
        assert (await ana.call("chat:send", room_id=room_id, text="x" * 4_000))["ok"]
    async with http.get(f"{url}&sid={sid}") as answer:
        assert answer.status == 400
    await until(lambda: ana.texts().count("x" * 4_000) == 10)


async def test_upgrade_that_is_begun_and_left_is_ended(new_gateway: NewGateway, http: aiohttp.ClientSession) -> None:
    gateway = await new_gateway(connect_timeout=0.2)
    async with http.get(f"{gateway.url}/socket.io/?EIO=4&transport=polling") as answer:
        sid = json.loads((await answer.text())[1:])["sid"]
    probe = await http.ws_connect(f"{gateway.url}/socket.io/?EIO=4&transport=websocket&sid={sid}")
    await ended(probe)
    await probe.close()


async def test_bad_connection_is_one_line_of_log(
    gateway: Gateway, http: aiohttp.ClientSession, tokens: Tokens, person: Person
) -> None:
    with capture_logs() as lines:
        eve = await raw(http, gateway, tokens.access(person("Eve")))
        for _ in range(200):
            await eve.send_str("4garbage")
        await ended(eve)
        await eve.close()
    assert [line["event"] for line in lines].count("bad_packet") == 1


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
