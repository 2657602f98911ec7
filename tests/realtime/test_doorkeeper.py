"""Whom a gateway lets in before it knows who they are: by origin, by address, and by how fast they come."""

import json
from urllib.parse import urlsplit
from uuid import UUID

import aiohttp
import pytest

from core.model import new_id
from core.tokens import Tokens
from tests.realtime.conftest import SITE, Gateway, NewGateway, Person, seen
from tests.realtime.peers import editor_pass
from tests.realtime.test_hostile import raw
from tests.realtime.wire import KEY

UPGRADE = {
    "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13",
}  # fmt: skip
"""What asks for WebSocket, as headers."""
foreign = pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:8080.evil.example"])


def page(origin: str) -> dict[str, str]:
    """What a page of ``origin`` sends, and what it would have us believe."""
    return {"Origin": origin, "X-Forwarded-Host": urlsplit(origin).netloc, "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(("method", "transport"), [("GET", "polling"), ("POST", "polling"), ("GET", "websocket")])
@pytest.mark.parametrize("path", ["/socket.io/", "/socket.io-msgpack/"])
@foreign
@seen("refused", reason="origin")
async def test_page_of_another_site_is_refused(
    gateway: Gateway, http: aiohttp.ClientSession, path: str, origin: str, method: str, transport: str
) -> None:
    """Whether it begins a session, or knows one; the one that it knows goes on."""
    url = f"{gateway.url}{path}?EIO=4&transport="
    async with http.get(f"{url}polling", headers={"Origin": SITE}) as answer:
        assert answer.status == 200
        known = "&sid=" + json.loads((await answer.text())[1:])["sid"]
    upgrade = UPGRADE if transport == "websocket" else {}
    for sid in ("", known):
        async with http.request(method, url + transport + sid, data=b"1", headers=page(origin) | upgrade) as answer:
            assert answer.status == 403
            assert "Access-Control-Allow-Origin" not in answer.headers
    ours = await http.ws_connect(f"{url}websocket{known}", origin=SITE)
    await ours.send_str("2probe")
    assert await ours.receive_str() == "3probe"
    await ours.close()


@foreign
@seen("refused", reason="origin")
async def test_page_of_another_site_does_not_open_the_editor(
    gateway: Gateway, http: aiohttp.ClientSession, tokens: Tokens, person: Person, room_id: UUID, origin: str
) -> None:
    document_id = new_id()
    url = f"{gateway.url}/yjs/{document_id}?pass={editor_pass(tokens, person('Ana'), document_id, room_id)}"
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await http.ws_connect(url, headers=page(origin))
    assert refused.value.status == 403
    await (await http.ws_connect(url, origin=SITE)).close()


@seen("refused", reason="handshakes")
async def test_handshake_flood_is_stopped(new_gateway: NewGateway, http: aiohttp.ClientSession) -> None:
    gateway = await new_gateway(handshakes_per_second=1, handshake_burst=5)
    url = f"{gateway.url}/socket.io/?EIO=4&transport=polling"
    statuses = []
    for _ in range(9):
        async with http.get(url) as answer:
            statuses.append(answer.status)
    assert statuses[:5] == [200] * 5
    assert 429 in statuses[5:]


@seen("refused", reason="handshakes")
async def test_websockets_beside_a_session_are_handshakes_of_their_address(
    new_gateway: NewGateway, http: aiohttp.ClientSession
) -> None:
    gateway = await new_gateway(handshakes_per_second=0.001, handshake_burst=5)
    eve = await http.ws_connect(f"{gateway.url}/socket.io/?EIO=4&transport=websocket")
    sid = json.loads((await eve.receive_str())[1:])["sid"]
    statuses = []
    for _ in range(50):
        async with http.get(f"{gateway.url}/socket.io/?EIO=4&transport=websocket&sid={sid}", headers=UPGRADE) as answer:
            statuses.append(answer.status)
    assert statuses == [101] * 4 + [429] * 46
    await eve.send_str('40{"token":"guess"}')
    assert (await eve.receive_str()).startswith("44")  # the session itself goes on
    await eve.close()


@seen("refused", reason="address")
async def test_one_address_has_a_bounded_number_of_sockets(
    new_gateway: NewGateway, http: aiohttp.ClientSession
) -> None:
    gateway = await new_gateway(max_per_address=3)
    held = [await raw(http, gateway) for _ in range(3)]
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await raw(http, gateway)
    assert refused.value.status == 429
    assert not any(ws.closed for ws in held)
    for ws in held:
        await ws.close()


async def test_addresses_are_those_that_our_proxy_saw(new_gateway: NewGateway, http: aiohttp.ClientSession) -> None:
    """One person's forged headers neither hide them nor use up another's connections."""

    async def knock(gateway: Gateway, forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        async with http.get(f"{gateway.url}/socket.io/?EIO=4&transport=polling", headers=headers) as answer:
            return answer.status

    bare = await new_gateway(max_per_address=3)
    assert [await knock(bare, f"192.0.2.{number}") for number in range(5)] == [200, 200, 200, 429, 429]
    behind = await new_gateway(core={"trusted_hops": 1}, max_per_address=3)
    assert [await knock(behind, f"192.0.2.{number}, 198.51.100.7") for number in range(5)] == [200, 200, 200, 429, 429]
    assert await knock(behind, "198.51.100.7, 198.51.100.8") == 200
    assert [await knock(behind, f"2001:db8::{number}") for number in range(5)] == [200, 200, 200, 429, 429]
    assert await knock(behind, "2001:db8:0:1::") == 200


async def test_editors_are_counted_by_the_address_that_our_proxy_saw(
    new_gateway: NewGateway, http: aiohttp.ClientSession
) -> None:
    gateway = await new_gateway(core={"trusted_hops": 1}, handshakes_per_second=0.001, handshake_burst=2)
    statuses = []
    for number in range(4):
        headers = {"X-Forwarded-For": f"192.0.2.{number}, 198.51.100.7"}
        async with http.get(f"{gateway.url}/yjs/{new_id()}", headers=headers) as answer:
            statuses.append(answer.status)
    assert statuses[2:] == [429, 429]
