"""Socket.IO over Engine.IO: the wire of one client, hardened. Nothing here knows a door or a room.

The libraries give the protocols; what they lack is here: one bounded queue per socket, malformed or
hostile packets end the connection, a deadline for CONNECT, events of one client in order, and packets
that are encoded once for all receivers. What is relied on of their private parts is named in
``tests/realtime/test_libraries.py``.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal

import engineio
import engineio.packet
import engineio.payload
import socketio
import socketio.exceptions
import socketio.msgpack_packet
import socketio.packet
import structlog
from aiohttp import web

from core.errors import Problem
from realtime.carrier import CLOSE_WAIT, Carrier, frame_head
from realtime.doorkeeper import Doorkeeper
from realtime.metrics import CLOSED, CONNECTIONS
from realtime.settings import RealtimeSettings

log = structlog.get_logger()

Parser = Literal["json", "msgpack"]
NAMESPACE = "/"
MAX_ATTEMPTS = 3
"""Tries of one socket to say who it is."""
BATCH_BYTES = 65_536
FROM_POLLING = frozenset("134")

silent = logging.getLogger("dojo.libraries.socketio")
silent.addHandler(logging.NullHandler())
silent.propagate = False
silent.setLevel(logging.CRITICAL)


class Outbox(asyncio.Queue[Any]):
    """Packets waiting for one socket, counted in bytes."""

    def __init__(self) -> None:
        self.bytes = 0
        self._batch = 0
        super().__init__()

    async def get(self) -> Any:
        """Wait for a packet; a new batch begins."""
        self._batch = 0
        return await super().get()

    def get_nowait(self) -> Any:
        """The next packet of the batch; the writer takes no more than a bounded batch out of the count at once."""
        if self._batch > BATCH_BYTES:
            raise asyncio.QueueEmpty
        return super().get_nowait()

    def _put(self, item: Any) -> None:
        super()._put(item)
        self.bytes += _size(item)

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= _size(item)
        self._batch += _size(item)
        return item


def _size(item: Any) -> int:
    data = getattr(item, "data", None)
    return len(data) if isinstance(data, str | bytes) else 16


class ReadyPacket(engineio.packet.Packet):  # type: ignore[misc]  # the libraries ship no types
    """An Engine.IO message that many sockets share; the library's own cache mixes up the two binary forms."""

    def __init__(self, data: str | bytes) -> None:
        super().__init__(engineio.packet.MESSAGE, data)
        self._base64: str | None = None
        self._frame: bytes | None = None

    def encode(self, b64: bool = False) -> str | bytes:
        """The wire form; ``b64`` on polling, where binary is text."""
        if not (b64 and self.binary):
            plain: str | bytes = super().encode()
            return plain
        if self._base64 is None:
            self._base64 = engineio.packet.Packet(engineio.packet.MESSAGE, self.data).encode(b64=True)
        return self._base64

    @property
    def frame(self) -> bytes:
        """The whole WebSocket frame (RFC 6455 §5.2: unfragmented, from a server, so unmasked)."""
        if self._frame is None:
            data = self.encode()
            text = isinstance(data, str)
            body = data.encode() if isinstance(data, str) else data
            self._frame = frame_head(len(body), text=text) + body
        return self._frame


class Frame:
    """An event and its data, encoded once for each parser, at the first use."""

    __slots__ = ("_data", "_event", "_packets")

    def __init__(self, event: str, data: dict[str, Any]) -> None:
        self._event = event
        self._data = data
        self._packets: dict[type[socketio.packet.Packet], ReadyPacket] = {}

    def packet(self, parser: type[socketio.packet.Packet]) -> ReadyPacket:
        """The message for sockets of ``parser``."""
        ready = self._packets.get(parser)
        if ready is None:
            event = parser(socketio.packet.EVENT, data=[self._event, self._data], namespace="/", binary=False)
            ready = self._packets[parser] = ReadyPacket(event.encode())
        return ready


class Engine(engineio.AsyncServer):  # type: ignore[misc]  # the same
    """Engine.IO with our queue and our WebSocket."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._async: dict[str, Any] = {**self._async, "websocket": _carrier}

    async def disconnect(self, sid: str | None = None) -> None:
        """Close one socket; the library's own waits until the client has read everything."""
        socket = self.sockets.pop(sid, None)
        if socket is not None:
            await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)
            socket.queue.put_nowait(None)

    def create_queue(self, *_: object, **__: object) -> Outbox:
        """The queue of one socket."""
        return Outbox()


class Wire:
    """One client's Engine.IO socket."""

    def __init__(self, server: "SocketServer", sid: str, address: str) -> None:
        self.address = address
        self.parser = server.parser
        self.attempts = 0
        self.session: Any = None
        """Whatever ``on_connect`` answered; None until then."""
        self._server = server
        self._sid = sid
        self._closing: asyncio.Task[None] | None = None

    @property
    def backlog(self) -> int:
        """Bytes that wait for the client to read."""
        socket = self._server.eio.sockets.get(self._sid)
        return _backlog(socket) if socket is not None else 0

    def send(self, frame: Frame) -> None:
        """Queue an event; a reader that is too slow is cut off."""
        self._put(frame.packet(self._server.packet_class))

    def answer(self, number: int, data: dict[str, Any]) -> None:
        """Queue an acknowledgement."""
        packet = self._server.packet_class(
            socketio.packet.ACK, data=[data], namespace=NAMESPACE, id=number, binary=False
        )
        self._put(ReadyPacket(packet.encode()))

    def _put(self, packet: ReadyPacket) -> None:
        socket = self._server.eio.sockets.get(self._sid)
        if socket is None or socket.closed:
            return
        if _backlog(socket) > self._server.settings.max_backlog:
            self.close("slow")
        elif not (self.session is not None and socket.upgraded and socket.queue.empty() and _write(socket, packet)):
            socket.queue.put_nowait(packet)

    def close(self, reason: str, *, final: bool = False) -> None:
        """End the connection; a ``final`` end is one after which clients do not reconnect by themselves."""
        if self._closing is None:
            CLOSED.labels(reason).inc()
            self._closing = asyncio.create_task(self._close(final=final, at_once=reason == "slow"))

    async def _close(self, *, final: bool, at_once: bool) -> None:
        socket = self._server.eio.sockets.get(self._sid)
        if socket is None:
            return
        carrier: Carrier | None = getattr(socket, "carrier", None)
        if final:
            bye = self._server.packet_class(socketio.packet.DISCONNECT, namespace=NAMESPACE)
            socket.queue.put_nowait(ReadyPacket(bye.encode()))
        await socket.close(wait=False, abort=at_once)
        socket.queue.put_nowait(None)  # the writer ends after what is queued, and a poll returns
        if carrier is not None:
            if not at_once:
                await asyncio.sleep(CLOSE_WAIT)
            carrier.abort()
        self._server.eio.sockets.pop(self._sid, None)


def _carrier(handler: Callable[[Carrier], Awaitable[None]], server: Engine) -> Carrier:
    """What the library calls for each WebSocket."""
    return Carrier(handler, server.max_http_buffer_size)


def _backlog(socket: Any) -> int:
    """Bytes that wait for a client: in its queue, and behind its connection."""
    carrier: Carrier | None = getattr(socket, "carrier", None)
    waiting: int = socket.queue.bytes
    return waiting + (carrier.backlog if carrier is not None else 0)


def _write(socket: Any, packet: ReadyPacket) -> bool:
    """Write to an open WebSocket at once: no task and no queue for each receiver. Says whether it went."""
    carrier: Carrier | None = getattr(socket, "carrier", None)
    return carrier is not None and carrier.write(packet.frame)


OnConnect = Callable[[Wire, Any], Awaitable[Any]]
Answer = Callable[[dict[str, Any]], None]
OnEvent = Callable[[Wire, str, list[Any], Answer], Awaitable[None]]
OnGone = Callable[[Wire], None]


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]  # the same
    """Socket.IO in one parser. Every event of a client is answered before its next one is read."""

    def __init__(
        self, parser: Parser, settings: RealtimeSettings, doorkeeper: Doorkeeper, on_connect: OnConnect,
        on_event: OnEvent, on_gone: OnGone,
    ) -> None:  # fmt: skip
        super().__init__(
            async_mode="aiohttp",
            async_handlers=False,
            serializer="msgpack" if parser == "msgpack" else "default",
            cors_allowed_origins=doorkeeper.origins,
            http_compression=False,
            logger=silent,
            engineio_logger=silent,
            max_http_buffer_size=settings.max_packet,
            ping_interval=settings.ping_interval,
            ping_timeout=settings.ping_timeout,
        )
        self.parser: Parser = parser
        self.settings = settings
        self.wires: dict[str, Wire] = {}
        self._doorkeeper = doorkeeper
        self._on_connect = on_connect
        self._on_event = on_event
        self._on_gone = on_gone
        self.on("connect", self._connected)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one HTTP request of either transport."""
        if "sid" not in request.query and request.method == "GET":
            self._doorkeeper.admit(request)
        self._doorkeeper.check_origin(request)
        sid = request.query.get("sid", "")
        socket = self.eio.sockets.get(sid)
        if request.method == "POST" and socket is not None and socket.connected and not socket.upgraded:
            return await self._take_payload(request, socket, self.wires.get(sid))
        response: web.StreamResponse = await self.eio.handle_request(request)
        return response

    async def _take_payload(self, request: web.Request, socket: Any, wire: Wire | None) -> web.Response:
        """Packets by polling; what cannot be read ends the connection, as over a WebSocket."""
        try:
            if request.content_length is None or request.content_length > self.settings.max_packet:
                raise ValueError("length")
            body = (await request.read()).decode()
            for packet in engineio.payload.Payload(encoded_payload=body).packets or [None]:
                if packet is None or str(packet.packet_type) not in FROM_POLLING:
                    raise ValueError("out of place")
                await socket.receive(packet)
        except Exception as error:  # noqa: BLE001 - as in _handle_eio_message
            log.warning("bad_packet", reason=type(error).__name__, address=self._doorkeeper.address(request))
            if wire is not None:
                wire.close("bad-packet")
            return web.Response(status=400, headers=self._cross_origin(request))
        return web.Response(text="ok", headers=self._cross_origin(request))

    @staticmethod
    def _cross_origin(request: web.Request) -> dict[str, str]:
        """Headers by which a page of ours on another port may read the answer; its origin was checked."""
        origin = request.headers.get("Origin")
        if origin is None:
            return {}
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Credentials": "true", "Vary": "Origin"}

    def _engineio_server_class(self) -> type[Engine]:
        return Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        wire = self.wires[eio_sid] = Wire(self, eio_sid, self._doorkeeper.address(environ["aiohttp.request"]))
        self._doorkeeper.opened(wire.address)
        CONNECTIONS.labels(self.parser).inc()
        asyncio.get_running_loop().call_later(self.settings.connect_timeout, self._check_connected, wire)

    def _check_connected(self, wire: Wire) -> None:
        if wire.session is None:
            wire.close("no-connect")

    async def _connected(self, sid: str, _environ: dict[str, Any], auth: Any = None) -> None:
        eio_sid = self.manager.eio_sid_from_sid(sid, NAMESPACE)
        wire = self.wires[eio_sid]
        try:
            wire.session = await self._on_connect(wire, auth)
        except Problem as problem:
            body = problem.body().model_dump(mode="json", exclude_none=True)
            raise socketio.exceptions.ConnectionRefusedError(problem.title(), body) from problem
        if self.wires.get(eio_sid) is not wire:  # it left while we looked
            self._on_gone(wire)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        wire = self.wires.get(eio_sid)
        if wire is None:
            return
        try:
            packet = self.packet_class(encoded_packet=data)
            await self._take(wire, eio_sid, packet)
        except Exception as error:  # noqa: BLE001 - a packet that breaks its reader is the end of its sender
            log.warning("bad_packet", reason=type(error).__name__, address=wire.address)
            wire.close("bad-packet")

    async def _take(self, wire: Wire, eio_sid: str, packet: socketio.packet.Packet) -> None:
        kind = packet.packet_type
        if kind == socketio.packet.CONNECT and wire.session is None and wire.attempts < MAX_ATTEMPTS:
            wire.attempts += 1
            await self._handle_connect(eio_sid, packet.namespace, packet.data)
        elif kind == socketio.packet.DISCONNECT:
            wire.close("client-left")
        elif kind == socketio.packet.EVENT and wire.session is not None and packet.namespace in {None, NAMESPACE}:
            if not isinstance(packet.data, list):
                raise ValueError("no event")
            name, *args = packet.data
            if not isinstance(name, str) or not isinstance(packet.id, int | None):
                raise ValueError("no event")
            number = packet.id
            await self._on_event(wire, name, args, lambda data: None if number is None else wire.answer(number, data))
        elif kind != socketio.packet.ACK:  # we ask for none, so an answer means nothing
            raise ValueError("out of place")

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        wire = self.wires.pop(eio_sid, None)
        await super()._handle_eio_disconnect(eio_sid, reason)
        if wire is not None:
            self._doorkeeper.closed(wire.address)
            CONNECTIONS.labels(self.parser).dec()
            self._on_gone(wire)
