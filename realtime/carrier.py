"""The WebSocket under one Engine.IO socket: reads messages, writes whole frames at once, and can be cut off."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import WSMsgType, web

from realtime.metrics import CLOSED

log = structlog.get_logger()

CLOSE_WAIT = 1.0
FROM_CLIENT = frozenset("12345")
"""First characters of Engine.IO packets that a client may send: close, ping (probe), pong, message, upgrade."""


def frame_head(length: int, *, text: bool) -> bytes:
    """The bytes before a WebSocket message of ``length`` bytes."""
    first = 0x81 if text else 0x82
    if length < 126:  # noqa: PLR2004 - the RFC's own numbers
        return bytes((first, length))
    if length < 1 << 16:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)


class Carrier:
    """The WebSocket under one Engine.IO socket; made by the library, which calls it with the request."""

    def __init__(self, handler: Callable[["Carrier"], Awaitable[None]], max_size: int) -> None:
        self._handler = handler
        self._socket = web.WebSocketResponse(max_msg_size=max_size, compress=False, timeout=CLOSE_WAIT)
        self._transport: asyncio.Transport | None = None
        handler.__self__.carrier = self  # type: ignore[attr-defined]  # a method of the library's socket

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Serve the socket until it ends."""
        request: web.Request = environ["aiohttp.request"]
        self._transport = request.transport
        await self._socket.prepare(request)
        try:
            await self._handler(self)
        except Exception as error:  # noqa: BLE001 - what the library lets through is one bad client
            log.warning("bad_connection", reason=type(error).__name__)
            self.abort()
        return self._socket

    async def wait(self) -> str | bytes:
        """The next message of the client.

        Raises:
            OSError: there will be none.
        """
        message = await self._socket.receive()
        if message.type is WSMsgType.BINARY or (message.type is WSMsgType.TEXT and message.data[:1] in FROM_CLIENT):
            data: str | bytes = message.data
            return data
        if message.type is WSMsgType.TEXT:
            CLOSED.labels("bad-packet").inc()
            self.abort()
        raise OSError

    async def send(self, message: str | bytes) -> None:
        """Send one message; waits while the peer does not read."""
        if isinstance(message, bytes):
            await self._socket.send_bytes(message)
        else:
            await self._socket.send_str(message)

    @property
    def backlog(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def write(self, frame: bytes) -> bool:
        """Send a whole frame now, past the library's writer; says whether the connection took it."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(frame)
        return True

    async def close(self) -> None:
        """Say good-bye."""
        await self._socket.close()

    def abort(self) -> None:
        """End it now, whatever was not read."""
        if self._transport is not None:
            self._transport.abort()
