"""The opening handshake of WebSocket (RFC 6455 §4.2): answers it, and takes the connection out of aiohttp's hands."""

import asyncio
import base64
import binascii
import hashlib
import socket
from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter

from core.errors import Invalid
from realtime.websocket import OnMessage, WebSocket

MAGIC: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Taken(web.StreamResponse):
    """What a handler returns when the connection is no longer aiohttp's: nothing is written."""

    def __init__(self) -> None:
        super().__init__(status=101)

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """The answer is out already."""
        del request
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """And so is its end."""


def wants_websocket(request: web.BaseRequest) -> bool:
    """Whether the request asks for the handshake (§4.2.1)."""
    wishes = ",".join(request.headers.getall("Connection", ())).lower().split(",")
    return request.headers.get("Upgrade", "").strip().lower() == "websocket" and "upgrade" in map(str.strip, wishes)


def accept(
    request: web.BaseRequest, *, max_message: int, on_message: OnMessage, on_closed: Callable[[], None]
) -> WebSocket:
    """Answer the handshake (§4.2.2) and take the connection; return ``Taken()`` from the handler then.

    Raises:
        Invalid: the request is no handshake.
        HTTPUpgradeRequired: it is one of another version than 13.
        ConnectionResetError: the peer has gone.
    """
    key = request.headers.get("Sec-WebSocket-Key", "").strip()
    if request.method != "GET" or not wants_websocket(request) or not _is_key(key):
        raise Invalid("This address speaks WebSocket.")
    if request.headers.get("Sec-WebSocket-Version") != "13":
        raise web.HTTPUpgradeRequired(headers={"Sec-WebSocket-Version": "13"})
    transport = request.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError
    protocol = request.protocol
    rest = protocol._message_tail  # noqa: SLF001 - what came right behind the handshake; pinned by test_libraries
    end = WebSocket(transport, max_message=max_message, on_message=on_message, on_closed=on_closed)
    protocol.transport = None  # so that aiohttp, which now hears of the end, leaves the connection open
    protocol.connection_lost(None)
    transport.set_protocol(end)
    proof = base64.b64encode(hashlib.sha1(key.encode() + MAGIC, usedforsecurity=False).digest())
    end.write(  # so that it leaves in one call with what follows it in this turn
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + proof + b"\r\n\r\n"
    )
    end.resume()
    if rest:
        end.prepend(rest)
    return end


def notice_silence(transport: asyncio.Transport | None, patience: float) -> None:
    """Have the kernel give up a connection whose peer takes nothing for so many seconds; no timer of ours is needed."""
    line = None if transport is None else transport.get_extra_info("socket")
    if line is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(patience * 1_000))


def _is_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == 16  # noqa: PLR2004 - §4.1: a nonce of 16 bytes
    except (binascii.Error, ValueError):
        return False
