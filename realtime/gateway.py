"""Socket.IO for one client and one path of the gateway. Nothing here knows a door or a room.

Each event of a client is answered before its next one is begun, without a task where its door needs none. Who sends
faster than is answered is not read any more; who breaks the protocol is sent away.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Final, Protocol, TypeVar

import structlog
from aiohttp import web

from core.deferred import Deferred
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
from realtime.websocket import WebSocket

log = structlog.get_logger()

T = TypeVar("T")

NO_NAMESPACE: Final = {"message": "Invalid namespace"}
MAX_ATTEMPTS = 3
"""Tries of one client to say who it is."""
INBOX_FULL, INBOX_LOW = 64, 16
"""Packets of one client that wait: beyond the first nothing more is read, below the second reading goes on."""
BELONGS: Final = frozenset((LEFT, "lost"))
"""Ends after which what the client said before still counts."""


class Wire:
    """One client in one namespace."""

    __slots__ = ("_client", "answering", "end", "namespace", "parser", "session", "sid")

    def __init__(self, client: "Client", namespace: str, answering: "Callable[[Wire, Event], Answering]") -> None:
        self._client = client
        self.answering = answering
        self.parser = client.parser
        self.end: WebSocket | None = None
        """The WebSocket that frames go to; None until the client is in, and while it polls."""
        self.namespace = namespace
        self.sid = new_id().hex
        self.session: Any = None
        """Whatever ``connect`` answered; None until then."""

    @property
    def is_late(self) -> bool:
        """Whether what is being answered took too long."""
        return self._client.is_late

    @property
    def address(self) -> str:
        """The peer's address."""
        return self._client.socket.address

    @property
    def backlog(self) -> int:
        """Bytes that wait for the client to read."""
        return self._client.socket.backlog if self.end is None else self.end.backlog

    def send(self, frame: Frame) -> None:
        """Send an event of the main namespace that many get."""
        if self.end is not None:
            self.end.write(frame.frame(self.parser))
        else:
            self._client.socket.send(frame.message(self.parser))

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


Answering = Coroutine[Any, Any, None] | Deferred[Any] | None
"""None: it is answered. A Deferred: it will be when that is settled. A coroutine: it answers."""


def late() -> Unavailable:
    """What is said of what took too long."""
    return Unavailable("This took too long; try again.", retry_after=2)


async def in_time(wire: Wire, work: Awaitable[T]) -> T:
    """What ``work`` comes to.

    Raises:
        Unavailable: the wire's client was told that it is late.
    """
    try:
        return await work
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if not wire.is_late or task is None:
            raise
        task.uncancel()
        raise late() from None


class Namespace(Protocol):
    """What answers in a namespace."""

    async def connect(self, wire: Wire, auth: Any) -> Any:
        """Let a client in: the wire's session. Raises a Problem where it may not come in."""

    def begin(self, wire: Wire, event: Event) -> Answering:
        """Answer an event, or see to it. Raises Malformed where its arguments are no JSON."""

    def gone(self, wire: Wire) -> None:
        """A client that was let in is gone."""


class Client:
    """One connection: what stands on an Engine.IO socket."""

    __slots__ = (
        "_attempts",
        "_busy",
        "_ended",
        "_gone",
        "_inbox",
        "_paused",
        "_reader",
        "_server",
        "_wires",
        "is_late",
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
        self._busy: Deferred[Any] | asyncio.Task[None] | None = None
        """What the event that is being answered waits for."""
        self.is_late = False
        """Whether it took too long."""
        self._paused = False
        self._ended = False
        self._gone = False

    # What the socket tells

    def received(self, message: str | bytes) -> None:
        """A message came: what is whole is answered, or waits for its turn."""
        try:
            event = self._reader.read(message)
        except Malformed as error:
            self.socket.bad_packet(str(error))
            return
        if event is None:
            return
        if self._busy is None:
            self._take(event)
            return
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(event)
        if len(self._inbox) > INBOX_FULL and not self._paused:
            self._paused = True
            INBOX_PAUSES.inc()
            self.socket.pause()

    def moved(self, end: WebSocket) -> None:
        """The client has gone over to a WebSocket, or began with one."""
        for wire in self._wires.values():
            wire.end = end

    def closed(self, reason: str) -> None:
        """The connection is over; what came before the client left is still done."""
        CLOSED.labels(reason).inc()
        self._ended = True
        if reason not in BELONGS:
            self._inbox = None
        if self._busy is None:
            self._leave()

    # Its work

    def _take(self, event: Event) -> None:
        """Answer an event here and now, or when what it waits for is settled, or in a task."""
        try:
            wire = self._wires.get(event.namespace)
            rest = wire.answering(wire, event) if wire is not None and event.kind == EVENT else self._heed(event, wire)
        except Malformed as error:
            self.socket.bad_packet(str(error))
            return
        except Exception:
            log.exception("client_failed")
            self.socket.close("failed")
            return
        if rest is None or (isinstance(rest, Deferred) and rest.is_settled):
            return
        self._server.busy.start(self)
        if isinstance(rest, Deferred):
            self._busy = rest
            rest.then(self._answered)
        else:
            self._busy = asyncio.get_running_loop().create_task(self._work(rest))

    def _heed(self, event: Event, wire: Wire | None) -> Answering:
        """Do what a packet says that is no event of somebody who is in."""
        if event.kind == CONNECT:
            return self._connect(event, wire)
        if wire is None:
            raise Malformed("not connected")
        if event.kind == DISCONNECT:
            self._drop(wire)
            if not self._wires:
                self._server.expect(self)
        return None

    async def _work(self, rest: Coroutine[Any, Any, None]) -> None:
        try:
            await rest
        except Malformed as error:
            self.socket.bad_packet(str(error))
        except asyncio.CancelledError:
            self._inbox = None
            raise
        except Exception:
            log.exception("client_failed")
            self.socket.close("failed")
        finally:
            self._answered(None)

    def _answered(self, _: object) -> None:
        """What was waited for is there: go on with what came meanwhile."""
        self._server.busy.stop(self)
        self._busy, self.is_late = None, False
        while self._inbox and self._busy is None:
            self._take(self._inbox.popleft())
            if self._paused and len(self._inbox or ()) < INBOX_LOW:
                self._paused = False
                self.socket.resume()
        if self._ended and self._busy is None:
            self._leave()

    async def _connect(self, event: Event, wire: Wire | None) -> None:
        self._attempts += 1
        namespace = self._server.namespaces.get(event.namespace)
        if wire is not None or self._attempts > MAX_ATTEMPTS + len(self._wires):
            raise Malformed("connected already, or tried too often")
        if namespace is None:
            for message in socketio.encode(self.parser, CONNECT_ERROR, namespace=event.namespace, data=NO_NAMESPACE):
                self.socket.send(message)
            return
        wire = Wire(self, event.namespace, namespace.begin)
        try:
            wire.session = await in_time(wire, namespace.connect(wire, event.data))
        except Problem as problem:
            body = problem.body().model_dump(mode="json", exclude_none=True)
            wire.packet(CONNECT_ERROR, {"message": problem.title(), "data": body})
            return
        self._wires[event.namespace] = wire
        wire.end = self.socket.end  # which may be another than when it knocked
        self._server.connected(self)
        wire.packet(CONNECT, {"sid": wire.sid})

    def late(self) -> None:
        """What is being answered took too long: whoever answers it is told."""
        self.is_late = True
        if isinstance(self._busy, Deferred):
            self._busy.settle(late())
        elif self._busy is not None:
            self._busy.cancel()

    def _drop(self, wire: Wire) -> None:
        del self._wires[wire.namespace]
        self._server.namespaces[wire.namespace].gone(wire)

    def _leave(self) -> None:
        if self._gone:
            return
        self._gone = True
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
        self.busy: Deadlines[Client] = Deadlines(settings.answer_timeout, lambda client, _: client.late())
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
