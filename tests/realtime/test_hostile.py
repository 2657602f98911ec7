"""Clients that want to break the gateway: each is ended, the others notice nothing."""

import asyncio
import json
import socket
from functools import partial
from uuid import UUID

import aiohttp
import pytest

from core.model import TenantId
from core.tokens import Tokens
from realtime.hub import Hub
from realtime.settings import RealtimeSettings
from tests.realtime import doors
from tests.realtime.conftest import (
    Client,
    Connect,
    Gateway,
    NewGateway,
    Person,
    metric,
    seen,
    until,
    until_async,
)


async def raw(
    http: aiohttp.ClientSession, gateway: Gateway, token: str | None = None
) -> aiohttp.ClientWebSocketResponse:
    """An Engine.IO WebSocket; with ``token`` also through Socket.IO's CONNECT."""
    ws = await http.ws_connect(f"{gateway.url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0)
    assert (await ws.receive_str()).startswith("0{")
    if token is not None:
        await ws.send_str("40" + json.dumps({"token": token}))
        assert (await ws.receive_str()).startswith("40{")
    return ws


async def ended(ws: aiohttp.ClientWebSocketResponse) -> None:
    """Wait for the end of a connection, whatever comes before it."""
    async with asyncio.timeout(8):
        while (await ws.receive()).type not in {
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.ERROR,
        }:
            pass


GARBAGE = {
    "no engine packet": "xyz",
    "an unknown engine packet": "9",
    "an empty message": "",
    "a noop of the server": "6",
    "a pong to no ping": "3",
    "no socket packet": "4",
    "an unknown socket packet": "49",
    "an event that is no array": '42{"a":1}',
    "an event without a name": "42[]",
    "an event with a number for a name": "42[1,2]",
    "broken JSON": '42["a",',
    "JSON too deep": "42" + "[" * 60_000,
    "attachments that are claimed": '459999999999-["a",{"_placeholder":true,"num":0}]',
    "eleven attachments": '4511-["a",{"_placeholder":true,"num":0}]',
    "an answer to nothing": '431["a"]',
    "an error of the server": '44{"message":"x"}',
    "an endless number": "42" + "1" * 50_000,
    "a second CONNECT": '40{"token":"x"}',
    "another namespace": '42/admin,["a"]',
}


@pytest.mark.parametrize("name", GARBAGE)
@seen("closed", reason="bad-packet")
async def test_garbage_ends_the_connection(
    gateway: Gateway,
    http: aiohttp.ClientSession,
    tokens: Tokens,
    person: Person,
    connect: Connect,
    room_id: UUID,
    name: str,
) -> None:
    ana = await connect(gateway, person("Ana"))
    eve = await raw(http, gateway, tokens.access(person("Eve")))
    await eve.send_str(GARBAGE[name])
    await ended(eve)
    assert (await ana.call("room:enter", room_id=room_id))["ok"]


@pytest.mark.parametrize("body", ["", "xyz", "4", "42[", "\x1e" * 40, "4" * 70_000, "b!!"])
async def test_garbage_over_polling_is_refused(gateway: Gateway, http: aiohttp.ClientSession, body: str) -> None:
    url = f"{gateway.url}/socket.io/?EIO=4&transport=polling"
    async with http.get(url) as answer:
        sid = json.loads((await answer.text())[1:])["sid"]
    async with http.post(f"{url}&sid={sid}", data=body) as answer:
        assert answer.status in {200, 400}
    await until_async(lambda: is_gone(http, f"{url}&sid={sid}"))
    async with http.get(f"{gateway.url}/health/live") as answer:
        assert answer.status == 200


async def is_gone(http: aiohttp.ClientSession, url: str) -> bool:
    """Whether a polling session is over."""
    async with http.get(url) as answer:
        return answer.status == 400 or (await answer.text()) == "1"


@seen("closed", reason="bad-packet")
async def test_packet_beyond_the_cap_ends_the_connection(
    gateway: Gateway, http: aiohttp.ClientSession, tokens: Tokens, person: Person
) -> None:
    eve = await raw(http, gateway, tokens.access(person("Eve")))
    await eve.send_str('42["chat:send","' + "x" * 70_000 + '"]')
    await ended(eve)


@seen("closed", reason="no-connect")
async def test_socket_that_never_says_connect_is_closed(new_gateway: NewGateway, http: aiohttp.ClientSession) -> None:
    gateway = await new_gateway(connect_timeout=0.3)
    await ended(await raw(http, gateway))


@seen("closed", reason="bad-packet")
async def test_socket_that_tries_token_after_token_is_closed(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    eve = await raw(http, gateway)
    for _ in range(6):
        await eve.send_str('40{"token":"guess"}')
    await ended(eve)


def deaf(gateway: Gateway, window: int = 4096) -> socket.socket:
    """A TCP connection with a small window."""
    host, port = gateway.url.removeprefix("http://").split(":")
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    connection.connect((host, int(port)))
    return connection


def upgrade(path: str) -> bytes:
    """A WebSocket handshake."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(opcode: int, data: bytes) -> bytes:
    """A masked WebSocket frame with a mask of zeros."""
    size = bytes((0x80 | len(data),)) if len(data) < 126 else bytes((0x80 | 126,)) + len(data).to_bytes(2, "big")
    return bytes((0x80 | opcode,)) + size + bytes(4) + data


@seen("closed", reason="slow")
async def test_slow_reader_is_cut_off_and_the_others_are_not(
    new_gateway: NewGateway, tokens: Tokens, person: Person, connect: Connect, room_id: UUID, tenant_id: TenantId,
    http: aiohttp.ClientSession,
) -> None:  # fmt: skip
    """All the while the others hear each word before the next is said, and what waits for her has a bound."""
    gateway, word = await new_gateway(core={"rate_scale": 100.0}), 40_000
    ana, bob = await connect(gateway, person("Ana")), await connect(gateway, person("Bob"))
    for client in (ana, bob):
        await client.call("room:enter", room_id=room_id)
    loop = asyncio.get_running_loop()
    eve = await loop.run_in_executor(None, deaf, gateway)
    eve.sendall(upgrade("/socket.io/?EIO=4&transport=websocket"))
    eve.sendall(frame(1, b"40" + json.dumps({"token": tokens.access(person("Eve"))}).encode()))
    eve.sendall(frame(1, b'42["room:enter",' + json.dumps({"room_id": str(room_id)}).encode() + b"]"))
    hub = gateway.resources.get(Hub)
    await until(lambda: len(hub.channels.listeners(doors.room(tenant_id, room_id))) == 3)
    sent, most, bound = 0, 0.0, RealtimeSettings().max_backlog
    while not [each for each in bob.events() if each["kind"] == "person_lost"]:
        await ana.call("chat:send", room_id=room_id, text="x" * word)
        sent += 1
        await until(partial(has_heard, bob, sent))
        waits = await metric(http, gateway, 'dojo_gateway_backlog_most_bytes{door="json"}')
        assert waits <= bound + word + 1_000
        most = max(most, waits)
        assert sent < 500, "the slow reader stays"
    assert most > bound - 2 * word, "cut off too early"
    eve.close()


def has_heard(client: Client, count: int) -> bool:
    """Whether so many words came."""
    return len([each for each in client.events() if each["kind"] == "said"]) == count
