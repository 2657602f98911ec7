"""One Engine.IO session, version 4 of the protocol: its packets, on whichever transport it is, and the upgrade.

The section names in the comments are those of the protocol's text. What stands on a socket is a ``Receiver``; it gets
each message as it comes, and must not block. A packet that the protocol does not know ends the connection.
"""

import asyncio
import base64
import binascii
import secrets
from typing import TYPE_CHECKING, Final, Protocol

import structlog
from aiohttp import web

from realtime import wsframes
from realtime.handshake import accept
from realtime.websocket import CLOSE_WAIT, WebSocket

if TYPE_CHECKING:
    from realtime.engine import Engine

log = structlog.get_logger()

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = "0123456"
PROBE: Final = "probe"
BINARY: Final = "b"
LEFT: Final = "client-left"
FOR_GOOD: Final = frozenset((LEFT, "silent", "lost", "bad-packet"))
"""Ends that the client brought about: nothing is kept for its next poll, which is of an unknown session."""
SEPARATOR: Final = "\x1e"
POST_MAX_SECONDS = 20.0
PAYLOAD_MAX = 16
"""Packets in one answer to a poll: the protocol knows no bound, but the client of python-engineio does."""


class Receiver(Protocol):
    """What stands on a socket."""

    def received(self, message: str | bytes) -> None:
        """The client sent a message."""

    def moved(self, end: WebSocket) -> None:
        """What goes to the client goes there from now on."""

    def closed(self, reason: str) -> None:
        """The connection is over: ``client-left``, ``silent``, ``lost``, ``bad-packet``, or whatever ``close`` was told."""


class BadPacket(Exception):
    """The client said what the protocol does not know here."""


class EngineSocket:
    """One client's session, on whichever transport it is."""

    __slots__ = (
        "_closing", "_engine", "_poll", "_posting", "_probe", "_probed", "_queue", "_queued", "_ready", "_websocket",
        "address", "receiver", "sid",
    )  # fmt: skip

    def __init__(self, engine: "Engine", address: str) -> None:
        self.sid = secrets.token_urlsafe(15)
        self.address = address
        self.receiver: Receiver
        self._engine = engine
        self._websocket: WebSocket | None = None
        self._probe: WebSocket | None = None
        self._probed = False
        self._queue: list[str | bytes] | None = None
        """Packets that wait for a poll: text with its type, binary messages without."""
        self._queued = 0
        self._poll: tuple[web.Request, asyncio.Future[None]] | None = None
        self._posting = False
        self._ready: asyncio.Future[None] | None = None
        self._closing = False

    @property
    def end(self) -> WebSocket | None:
        """The WebSocket that it is on; None while the client polls."""
        return self._websocket

    @property
    def backlog(self) -> int:
        """Bytes that wait for the client."""
        return self._queued if self._websocket is None else self._websocket.backlog

    def send(self, message: str | bytes) -> None:
        """Send one message."""
        packet = MESSAGE + message if isinstance(message, str) else message
        if self._websocket is not None:
            self._websocket.write(wsframes.frame(packet))
        else:
            self._wait(packet)

    def pause(self) -> None:
        """Take no more from the client until ``resume``."""
        if self._websocket is not None:
            self._websocket.pause()
        elif self._ready is None:
            self._ready = asyncio.get_running_loop().create_future()

    def resume(self) -> None:
        """Take more from the client."""
        if self._ready is not None:
            self._ready.set_result(None)
            self._ready = None
        if self._websocket is not None:
            self._websocket.resume()

    def close(
        self, reason: str, *, code: int = wsframes.NORMAL, wait: float = CLOSE_WAIT, at_once: bool = False
    ) -> None:
        """End the session, after what was sent and ``wait`` seconds for the client's answer, or ``at_once``."""
        if self._closing:
            return
        self._closing = True
        self._engine.forget(self)
        for end in (self._websocket, self._probe):
            if end is not None:
                end.abort() if at_once else end.close(code, wait=wait)
        if self._websocket is None:
            self._push(CLOSE if reason != LEFT else NOOP)
            if not at_once and reason not in FOR_GOOD:
                self._engine.linger(self)
        if self._ready is not None:
            self.resume()
        self.receiver.closed(reason)

    # In

    def take(self, packet: str | bytes) -> None:
        """One packet of the client, on its present transport."""
        if self._closing:
            return
        if isinstance(packet, bytes):
            self.receiver.received(packet)
        elif packet[:1] == MESSAGE:
            self.receiver.received(packet[1:])
        elif packet == PONG:
            if not self._engine.heard(self):  # or it would be for nothing, and as often as one likes
                self.bad_packet("pong")
        elif packet == CLOSE:
            self.close(LEFT)
        else:
            self.bad_packet("packet")

    def bad_packet(self, reason: str) -> None:
        """End the session of a client that breaks the protocol: one line of log, whatever else it sends."""
        if not self._closing:
            log.warning("bad_packet", reason=reason, address=self.address)
            self.close("bad-packet", code=wsframes.PROTOCOL_ERROR)

    # Long-polling, sections "Sending data" and "Receiving data"

    async def poll(self, request: web.Request) -> str | None:
        """What waits for the client, or will; None if it asks twice at a time, which ends the session."""
        if self._poll is not None:
            self.bad_packet("two gets")
            return None
        if not self._queue and not self._probed and not self._closing:
            self._poll = (request, asyncio.get_running_loop().create_future())
            try:
                await self._poll[1]
            finally:
                self._poll = None
        packets = self._queue or [NOOP]
        self._queue = packets[PAYLOAD_MAX:] or None
        self._queued = sum(map(_bytes, packets[PAYLOAD_MAX:]))
        del packets[PAYLOAD_MAX:]
        return SEPARATOR.join(each if isinstance(each, str) else BINARY + _base64(each) for each in packets)

    async def post(self, request: web.Request) -> bool:
        """Take a payload; says whether it was one."""
        if self._posting:
            self.bad_packet("two posts")
            return False
        self._posting = True
        try:
            async with asyncio.timeout(POST_MAX_SECONDS):
                body = await self._body(request)
            for packet in body.split(SEPARATOR):
                self.take(_unbase64(packet[1:]) if packet[:1] == BINARY else packet)
                if self._closing and packet != CLOSE:
                    return False
            if self._ready is not None:  # it is answered when we are; the end of the session ends the waiting too
                await asyncio.shield(self._ready)
        except ConnectionResetError:  # what it said is lost
            self.lost()
            return False
        except (BadPacket, UnicodeDecodeError, TimeoutError) as error:
            self.bad_packet(type(error).__name__)
            return False
        finally:
            self._posting = False
        return True

    async def _body(self, request: web.Request) -> str:
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > self._engine.settings.max_packet:
                raise BadPacket
        return body.decode()

    # Sections "WebSocket" and "Upgrade"

    def begin(self, end: WebSocket) -> None:
        """Speak over a WebSocket from now on."""
        self._websocket, self._probe = end, None
        end.on_message, end.on_closed = self.take, self.lost
        end.limit_backlog(self._engine.settings.max_backlog, lambda: self.close("slow", at_once=True))
        for packet in self._queue or ():
            end.write(wsframes.frame(packet))
        self._queue, self._queued = None, 0
        self.receiver.moved(end)
        if self._ready is not None:
            end.pause()

    def upgrade(self, request: web.Request) -> None:
        """Test a WebSocket beside the polling, and go over to it if the client says so."""
        end = self._probe = accept(
            request, max_message=self._engine.settings.max_packet, on_message=self._probing, on_closed=self._unprobed
        )
        end.limit_backlog(self._engine.settings.max_backlog, end.abort)
        self._engine.probe(end)

    @property
    def is_upgraded(self) -> bool:
        """Whether it is on a WebSocket."""
        return self._websocket is not None

    @property
    def may_upgrade(self) -> bool:
        """Whether the client may open a WebSocket for this session: one, and once."""
        return self._websocket is None and self._probe is None and not self._closing

    def _probing(self, packet: str | bytes) -> None:
        end = self._probe
        if end is None:
            return
        if packet == PING + PROBE and not self._probed:
            self._probed = True
            end.write(wsframes.frame(PONG + PROBE))
            self._noop()
        elif packet == UPGRADE and self._probed:
            self._engine.probed(end)
            self._noop()
            self.begin(end)
        else:
            end.close(wsframes.PROTOCOL_ERROR)

    def _unprobed(self) -> None:
        if self._probe is not None:
            self._engine.probed(self._probe)
        self._probe, self._probed = None, False

    def lost(self) -> None:
        """The connection broke, or the client broke the protocol of its frames."""
        if self._websocket is not None and self._websocket.violation is not None:
            self.bad_packet(self._websocket.violation)
        self.close("lost", at_once=True)

    # Out

    def ping(self) -> None:
        """Ask whether the client is there."""
        if self._websocket is not None:
            self._websocket.write(wsframes.frame(PING))
        else:
            self._wait(PING)

    def _wait(self, packet: str | bytes) -> None:
        """Leave a packet for a client that polls, if it still does."""
        if not self._closing:
            self._push(packet)
            if self._queued > self._engine.settings.max_backlog:
                self.close("slow", at_once=True)

    def _push(self, packet: str | bytes) -> None:
        """Leave a packet for the next poll, and answer the one that waits."""
        if self._queue is None:
            self._queue = []
        self._queue.append(packet)
        self._queued += _bytes(packet)
        if self._poll is not None:
            request, answered = self._poll
            if request.transport is None or request.transport.is_closing():
                self.close("lost", at_once=True)  # what was to go there would be lost without a trace
            if not answered.done():
                answered.set_result(None)

    def _noop(self) -> None:
        """Answer a poll that waits, with nothing if there is nothing."""
        if self._poll is not None and not self._poll[1].done():
            self._poll[1].set_result(None)


def _bytes(packet: str | bytes) -> int:
    return len(packet) if isinstance(packet, bytes) or packet.isascii() else len(packet.encode())


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadPacket from error
