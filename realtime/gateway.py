"""Socket.IO for one client and one path of the gateway. Nothing here knows a door or a room.

Each event of a client is answered before its next one is read, by at most one task for each client, which ends when
there is nothing to do. Who sends faster than is answered is not read any more; who breaks the protocol is sent away.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Mapping
from typing import Any, Final, Protocol

import structlog
from aiohttp import web

from core.errors import Problem, Unavailable
from core.model import new_id
from realtime import socketio
from realtime.deadlines import Deadlines
from realtime.doorkeeper import Doorkeeper
from realtime.engine import Engine
from realtime.engineio import LEFT, EngineSocket
from realtime.frames import Frame
from realtime.metrics import BACKLOG, BACKLOG_MOST, CLOSED, CONNECTIONS, INBOX_PAUSES
from realtime.settings import RealtimeSettings
from realtime.socketio import CONNECT, CONNECT_ERROR, DISCONNECT, EVENT, READERS, Event, Malformed, Parser

log = structlog.get_logger()

MAX_ATTEMPTS = 3
"""Tries of one client to say who it is."""
INBOX_FULL, INBOX_LOW = 64, 16
"""Packets of one client that wait: beyond the first nothing more is read, below the second reading goes on."""
DOOR_TIMEOUT = 20.0
BELONGS: Final = frozenset((LEFT, "lost"))
"""Ends after which what the client said before still counts."""


class Wire:
    """One client in one namespace."""

    __slots__ = ("_client", "is_late", "namespace", "session", "sid")

    def __init__(self, client: "Client", namespace: str) -> None:
        self._client = client
        self.namespace = namespace
        self.sid = new_id().hex
        self.session: Any = None
        """Whatever ``connect`` answered; None until then."""
        self.is_late = False
        """Whether the event that is being answered took too long."""

    @property
    def address(self) -> str:
        """The peer's address."""
        return self._client.socket.address

    @property
    def backlog(self) -> int:
        """Bytes that wait for the client to read."""
        return self._client.socket.backlog

    def send(self, frame: Frame) -> None:
        """Send an event of the main namespace that many get."""
        parser = self._client.parser
        self._client.socket.write(frame.frame(parser), frame.message(parser))

    def answer(self, number: int, body: str) -> None:
        """Acknowledge an event of the main namespace with one argument, given as JSON text."""
        self._client.socket.send(socketio.answer(self._client.parser, number, body))

    def packet(self, kind: int, data: Any = None, number: int | None = None) -> None:
        """Send any packet of this namespace."""
        for message in socketio.encode(
            self._client.parser, kind, namespace=self.namespace, data=data, number=number
        ):  # fmt: skip
            self._client.socket.send(message)

    def close(self, reason: str, *, final: bool = False) -> None:
        """End the connection; a ``final`` end is one after which clients do not reconnect by themselves."""
        if final:
            self.packet(DISCONNECT)
        self._client.socket.close(reason)


class Namespace(Protocol):
    """What answers in a namespace."""

    async def connect(self, wire: Wire, auth: Any) -> Any:
        """Let a client in: the wire's session. Raises a Problem where it may not come in."""

    def begin(self, wire: Wire, event: Event) -> Coroutine[Any, Any, None] | None:
        """Answer an event at once, or give back what answers it. Raises Malformed where its arguments are no JSON."""

    def gone(self, wire: Wire) -> None:
        """A client that was let in is gone."""


class Client:
    """One connection: what stands on an Engine.IO socket."""

    __slots__ = (
        "_attempts",
        "_ended",
        "_inbox",
        "_paused",
        "_reader",
        "_server",
        "_task",
        "_wires",
        "parser",
        "socket",
    )

    def __init__(self, server: "SocketServer", socket: EngineSocket) -> None:
        self.socket = socket
        self.parser = server.parser
        self._server = server
        self._reader = READERS[server.parser](server.settings.max_packet)
        self._wires: dict[str, Wire] = {}
        self._attempts = 0
        self._inbox: deque[Event] | None = None
        self._task: asyncio.Task[None] | None = None
        self._paused = False
        self._ended = False

    # What the socket tells

    def received(self, message: str | bytes) -> None:
        """A message came: what is whole waits for its turn."""
        try:
            event = self._reader.read(message)
        except Malformed as error:
            self.socket.bad_packet(str(error))
            return
        if event is None:
            return
        if self._task is None:
            self._begin(event)
        elif self._inbox is not None:
            self._inbox.append(event)
            if len(self._inbox) > INBOX_FULL and not self._paused:
                self._paused = True
                INBOX_PAUSES.inc()
                self.socket.pause()

    def closed(self, reason: str) -> None:
        """The connection is over; what came before the client left is still done."""
        CLOSED.labels(reason).inc()
        self._ended = True
        if self._task is None:
            self._leave()
        elif reason not in BELONGS and self._inbox is not None:
            self._inbox.clear()

    # Its work

    def _begin(self, event: Event) -> None:
        """Answer an event here and now, or in a task if it has to wait."""
        wire = self._wires.get(event.namespace) if event.kind == EVENT else None
        if wire is None:
            self._inbox, rest = deque((event,)), None
        else:
            try:
                rest = self._server.namespaces[wire.namespace].begin(wire, event)
            except Malformed as error:
                self.socket.bad_packet(str(error))
                return
            if rest is None:
                return
            self._inbox, rest = deque(), self._in_time(wire, rest)
        self._task = asyncio.get_running_loop().create_task(self._work(self._inbox, rest))

    async def _work(self, inbox: deque[Event], rest: Coroutine[Any, Any, None] | None) -> None:
        try:
            if rest is not None:
                await rest
            while inbox:
                await self._take(inbox.popleft())
                if self._paused and len(inbox) < INBOX_LOW:
                    self._paused = False
                    self.socket.resume()
        except Malformed as error:
            self.socket.bad_packet(str(error))
        except Exception:
            log.exception("client_failed")
            self.socket.close("failed")
        finally:
            self._task = self._inbox = None
            if self._ended:
                self._leave()

    async def _take(self, event: Event) -> None:
        wire = self._wires.get(event.namespace)
        if event.kind == CONNECT:
            await self._connect(event, wire)
        elif wire is None:
            raise Malformed("not connected")
        elif event.kind == EVENT:
            rest = self._server.namespaces[wire.namespace].begin(wire, event)
            if rest is not None:
                await self._in_time(wire, rest)
        elif event.kind == DISCONNECT:
            self._drop(wire)
            if not self._wires:
                self._server.expect(self)

    async def _connect(self, event: Event, wire: Wire | None) -> None:
        self._attempts += 1
        namespace = self._server.namespaces.get(event.namespace)
        if wire is not None or self._attempts > MAX_ATTEMPTS + len(self._wires):
            raise Malformed("connected already, or tried too often")
        wire = Wire(self, event.namespace)
        if namespace is None:
            wire.packet(CONNECT_ERROR, {"message": "Invalid namespace"})
            return
        try:
            async with asyncio.timeout(DOOR_TIMEOUT):
                wire.session = await namespace.connect(wire, event.data)
        except (Problem, TimeoutError) as error:
            problem = error if isinstance(error, Problem) else Unavailable("This took too long; try again.")
            body = problem.body().model_dump(mode="json", exclude_none=True)
            wire.packet(CONNECT_ERROR, {"message": problem.title(), "data": body})
            return
        self._wires[event.namespace] = wire
        self._server.connected(self)
        wire.packet(CONNECT, {"sid": wire.sid})

    async def _in_time(self, wire: Wire, rest: Coroutine[Any, Any, None]) -> None:
        """Finish an answer; what takes too long is cancelled, and the namespace told why."""
        self._server.busy.start(self)
        try:
            await rest
        finally:
            self._server.busy.stop(self)
            wire.is_late = False

    def late(self) -> None:
        """The event that is being answered took too long."""
        if self._task is not None:
            for wire in self._wires.values():
                wire.is_late = True
            self._task.cancel()

    def _drop(self, wire: Wire) -> None:
        del self._wires[wire.namespace]
        self._server.namespaces[wire.namespace].gone(wire)

    def _leave(self) -> None:
        for wire in tuple(self._wires.values()):
            self._drop(wire)
        self._server.left(self)


class SocketServer:
    """Socket.IO in one parser, on one path.

    Args:
        namespaces: what answers, by name; a client asks for one or more.
    """

    def __init__(
        self, parser: Parser, settings: RealtimeSettings, doorkeeper: Doorkeeper, namespaces: Mapping[str, Namespace]
    ) -> None:
        self.parser: Parser = parser
        self.settings = settings
        self.namespaces = namespaces
        self.busy: Deadlines[Client] = Deadlines(DOOR_TIMEOUT, lambda client, _: client.late())
        self._expected: Deadlines[Client] = Deadlines(settings.connect_timeout, self._silent)
        self._engine = Engine(settings, doorkeeper, self._receive)
        self._connections = CONNECTIONS.labels(parser)
        BACKLOG.labels(parser).set_function(lambda: sum(self._engine.backlogs()))
        BACKLOG_MOST.labels(parser).set_function(lambda: max(self._engine.backlogs(), default=0))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one HTTP request of either transport."""
        return await self._engine.handle(request)

    def close(self, reason: str) -> None:
        """End all connections."""
        self._engine.close(reason)
        self.busy.close()
        self._expected.close()

    def expect(self, client: Client) -> None:
        """A client is in no namespace: it has to enter one soon."""
        self._expected.start(client)

    def connected(self, client: Client) -> None:
        """A client entered a namespace."""
        self._expected.stop(client)

    def left(self, client: Client) -> None:
        """A client is gone."""
        self._expected.stop(client)
        self._connections.dec()

    def _receive(self, socket: EngineSocket) -> Client:
        client = Client(self, socket)
        self._connections.inc()
        self._expected.start(client)
        return client

    @staticmethod
    def _silent(client: Client, _: float) -> None:
        client.socket.close("no-connect")
