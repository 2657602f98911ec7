"""Engine.IO, version 4 of the protocol, as an HTTP handler: the handshake, both transports, the heartbeat."""

from collections.abc import Callable
from typing import Final, Literal

from aiohttp import web

from core.errors import Invalid
from realtime import wsframes
from realtime.deadlines import Deadlines
from realtime.doorkeeper import Doorkeeper
from realtime.engineio import OPEN, EngineSocket, Receiver
from realtime.handshake import Taken, accept, wants_websocket
from realtime.metrics import CLOSED
from realtime.settings import RealtimeSettings
from realtime.websocket import WebSocket

CLOSE_WAIT = 5.0
"""Seconds that a polling client has to fetch what was said before the end."""

Reason = Literal["unknown-transport", "unknown-session", "bad-method", "bad-request", "unknown-version"]
CODES: Final[dict[Reason, tuple[int, str]]] = {
    "unknown-transport": (0, "Transport unknown"),
    "unknown-session": (1, "Session ID unknown"),
    "bad-method": (2, "Bad handshake method"),
    "bad-request": (3, "Bad request"),
    "unknown-version": (5, "Unsupported protocol version"),
}
"""What the reference server answers, so that every client's messages fit."""


class _Refused(Exception):
    """The request does not fit the protocol."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Engine:
    """All sessions of one path.

    Args:
        settings: bounds; the protocol's own numbers are ``ping_interval``, ``ping_timeout`` and ``max_packet``.
        doorkeeper: whom it lets in.
        receive: makes what stands on a new socket.
    """

    def __init__(
        self, settings: RealtimeSettings, doorkeeper: Doorkeeper, receive: Callable[[EngineSocket], Receiver]
    ) -> None:
        self.settings = settings
        self._doorkeeper = doorkeeper
        self._receive = receive
        self._sockets: dict[str, EngineSocket] = {}
        self._pings: Deadlines[EngineSocket] = Deadlines(settings.ping_interval, self._ping)
        self._pongs: Deadlines[EngineSocket] = Deadlines(settings.ping_timeout, self._silent)
        self._probes: Deadlines[WebSocket] = Deadlines(settings.connect_timeout, self._not_gone_over_to)
        self._lingering: Deadlines[EngineSocket] = Deadlines(CLOSE_WAIT, lambda socket, _: self._drop(socket))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one HTTP request of either transport."""
        self._doorkeeper.check_origin(request)
        if request.method == "OPTIONS":
            return self._answer(request, "", 204)
        try:
            try:
                return await self._serve(request)
            except (Invalid, ConnectionResetError) as error:  # of accept()
                raise _Refused("bad-request") from error
        except _Refused as refused:
            code, message = CODES[refused.reason]
            return self._answer(request, f'{{"code":{code},"message":"{message}"}}', 400, "application/json")

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        transport = query.get("transport")
        if query.get("EIO") != "4":
            raise _Refused("unknown-version")
        if transport not in {"polling", "websocket"}:
            raise _Refused("unknown-transport")
        if transport == "websocket" and not wants_websocket(request):
            raise _Refused("bad-request")
        if "sid" not in query:
            return self._open(request, transport)
        socket = self._sockets.get(query["sid"])
        if socket is not None and self._pongs.is_due(socket):
            socket.close("silent")
        if socket is None or socket.sid not in self._sockets:
            raise _Refused("unknown-session")
        if transport == "polling":
            return await self._poll(request, socket)
        self._doorkeeper.count_handshake(self._doorkeeper.address(request))
        if socket.may_upgrade:
            socket.upgrade(request)
        else:
            self._close_second(request)
        return Taken()

    def close(self, reason: str) -> None:
        """End all sessions and all waits."""
        for socket in tuple(self._sockets.values()):
            socket.close(reason, code=wsframes.GOING_AWAY, wait=0)
        for waits in (self._pings, self._pongs, self._probes, self._lingering):
            waits.close()

    def _open(self, request: web.Request, transport: str) -> web.StreamResponse:
        """Begin a session ("Handshake")."""
        if request.method != "GET":
            raise _Refused("bad-method")
        self._doorkeeper.admit(request)
        socket = EngineSocket(self, self._doorkeeper.address(request))
        if transport == "websocket":
            end = accept(request, max_message=self.settings.max_packet, on_message=socket.take, on_closed=socket.lost)
            end.write(wsframes.frame(self._hello(socket, [])))
            self._begin(socket)
            socket.begin(end)
            return Taken()
        self._begin(socket)
        return self._answer(request, self._hello(socket, ["websocket"]))

    def _close_second(self, request: web.Request) -> None:
        """Close a WebSocket that a session may not have besides its own ("WebSocket")."""
        end = accept(request, max_message=0, on_message=lambda _: None, on_closed=lambda: None)
        end.close(wsframes.PROTOCOL_ERROR, "not for this session")

    def _hello(self, socket: EngineSocket, upgrades: list[str]) -> str:
        interval, timeout = (round(each * 1000) for each in (self.settings.ping_interval, self.settings.ping_timeout))
        return (
            f'{OPEN}{{"sid":"{socket.sid}","upgrades":{str(upgrades).replace(chr(39), chr(34))},"pingInterval":{interval},'
            f'"pingTimeout":{timeout},"maxPayload":{self.settings.max_packet}}}'
        )

    def _begin(self, socket: EngineSocket) -> None:
        self._sockets[socket.sid] = socket
        self._doorkeeper.opened(socket.address)
        self._pings.start(socket)
        socket.receiver = self._receive(socket)

    async def _poll(self, request: web.Request, socket: EngineSocket) -> web.StreamResponse:
        if request.method not in {"GET", "POST"}:
            raise _Refused("bad-method")
        if socket.is_upgraded:
            raise _Refused("bad-request")
        if request.method == "POST":
            if not await socket.post(request):
                raise _Refused("bad-request")
            return self._answer(request, "ok")
        text = await socket.poll(request)
        if text is None:
            raise _Refused("bad-request")
        if socket in self._lingering and not socket.backlog:
            self._drop(socket)
        return self._answer(request, text)

    @staticmethod
    def _answer(request: web.Request, text: str, status: int = 200, kind: str = "text/plain") -> web.Response:
        """An answer that a page of ours on another port may read, too; its origin was checked."""
        headers = {"Cache-Control": "no-store"}
        origin = request.headers.get("Origin")
        if origin is not None:
            headers |= {
                "Access-Control-Allow-Origin": origin,
                "Access-Control-Allow-Credentials": "true",
                "Vary": "Origin",
            }
            if request.method == "OPTIONS":
                headers |= {
                    "Access-Control-Allow-Methods": "GET, POST",
                    "Access-Control-Allow-Headers": "Content-Type",
                }
        return web.Response(text=text, status=status, content_type=kind, charset="utf-8", headers=headers)

    def backlogs(self) -> list[int]:
        """Bytes that wait for each client to read."""
        return [socket.backlog for socket in self._sockets.values()]

    # What sockets tell

    def forget(self, socket: EngineSocket) -> None:
        """A session is over."""
        if self._sockets.pop(socket.sid, None) is not None:
            self._pings.stop(socket)
            self._pongs.stop(socket)
            self._doorkeeper.closed(socket.address)

    def linger(self, socket: EngineSocket) -> None:
        """Let a polling client fetch the rest of a session that is over."""
        self._sockets[socket.sid] = socket
        self._lingering.start(socket)

    def heard(self, socket: EngineSocket) -> bool:
        """A client says that it is there ("Heartbeat"); gives back whether it was asked."""
        if socket not in self._pongs:
            return False
        self._pongs.stop(socket)
        self._pings.start(socket)
        return True

    def probe(self, end: WebSocket) -> None:
        """A WebSocket is tested beside a session."""
        self._probes.start(end)

    def probed(self, end: WebSocket) -> None:
        """The test is over."""
        self._probes.stop(end)

    def _drop(self, socket: EngineSocket) -> None:
        self._lingering.stop(socket)
        self._sockets.pop(socket.sid, None)

    def _ping(self, socket: EngineSocket, due: float) -> None:
        self._pongs.start(socket, since=due)
        socket.ping()

    @staticmethod
    def _not_gone_over_to(end: WebSocket, _: float) -> None:
        CLOSED.labels("no-upgrade").inc()
        end.abort()

    @staticmethod
    def _silent(socket: EngineSocket, _: float) -> None:
        socket.close("silent")
