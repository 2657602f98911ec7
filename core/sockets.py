"""The Socket.IO door: events as data. The gateway (package ``realtime``) serves them; this file knows no socket."""

import inspect
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, NamedTuple, Protocol, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from core.bus import Bus
from core.call import Call, Principal, Resources
from core.errors import Problem
from core.eventlog import Entry, Head
from core.limits import RateClass
from core.model import NIL, Model, TenantId, UserId


class Channel:
    """What many sockets hear: a log stream's entries, and passing signals. ``id`` is the stream's."""

    __slots__ = ("_begin", "_name", "id", "kind", "tenant_id")

    def __init__(self, tenant_id: TenantId, kind: str, id: UUID) -> None:
        self.tenant_id = tenant_id
        self.kind = kind
        self.id = id
        self._name = f"{tenant_id}:{kind}:{id}"
        self._begin = f'{{"{kind}_id":"{id}","epoch":'

    def name(self) -> str:
        """The name on the bus: ``{tenant}:{kind}:{id}``."""
        return self._name

    def told(self, epoch: int, entry: Entry) -> "Told":
        """An entry of this channel's log as its clients get it."""
        begin = (
            f'{self._begin}{epoch},"seq":{entry.seq},"op_id":"{entry.op_id}","kind":"{entry.kind}",'
            f'"actor_id":"{entry.actor_id}","at":{entry.at!r},"payload":'
        )
        body = f"{begin}{entry.text or 'null'}}}"
        return Told(entry.seq, entry.kind, entry.at, entry.audience, entry.expels, body, len(begin))

    def hidden(self, epoch: int, told: "Told") -> str:
        """What those get for whom it is not: only its number counts."""
        nobody = Entry(told.seq, NIL, "hidden", NIL, told.at)
        return self.told(epoch, nobody).body


class Told(NamedTuple):
    """An entry on its way to clients."""

    seq: int
    kind: str
    at: float
    audience: Sequence[UUID] | None
    expels: UUID | None
    body: str
    """What clients get, as JSON text in one line; the payload is its end."""
    payload_at: int

    @property
    def payload(self) -> dict[str, Any] | None:
        """The payload, read anew each time."""
        payload: dict[str, Any] | None = json.loads(self.body[self.payload_at : -1])
        return payload

    def encode(self) -> str:
        """Two lines of a hint."""
        audience = None if self.audience is None else [str(user_id) for user_id in self.audience]
        expels = None if self.expels is None else str(self.expels)
        about = json.dumps([self.seq, self.kind, self.at, audience, expels, self.payload_at])
        return f"{about}\n{self.body}\n"

    @staticmethod
    def decode(about: str, body: str) -> "Told":
        """From two lines of a hint."""
        seq, kind, at, audience, expels, payload_at = json.loads(about)
        return Told(
            seq, kind, at,
            None if audience is None else tuple(UUID(user_id) for user_id in audience),
            None if expels is None else UUID(expels),
            body, payload_at,
        )  # fmt: skip


LOG_HINT = b"L"
SIGNAL_HINT = b"S"
HINT_MAX = 32_768
"""Bytes of a hint above which it says only where the log stands."""


class LogHint(NamedTuple):
    """The channel's log has grown to ``seq``; ``entries`` are the newest ones, which spares their reading."""

    seq: int
    epoch: int
    entries: tuple[Told, ...]

    def encode(self) -> bytes:
        """For other processes."""
        head = f"L{self.seq} {self.epoch}\n"
        body = "".join([told.encode() for told in self.entries])
        return (head + body).encode() if len(body) <= HINT_MAX else head.encode()

    @staticmethod
    def decode(data: bytes) -> "LogHint":
        """From another process.

        Raises:
            ValueError: it is of a version that this one does not know.
        """
        head, *lines = data[1:].decode().split("\n")
        seq, epoch = head.split(" ")
        told = tuple(Told.decode(*pair) for pair in zip(lines[0:-1:2], lines[1:-1:2], strict=True))
        return LogHint(int(seq), int(epoch), told)


class Signal(NamedTuple):
    """An event to the sockets of a channel that is not in any log: it may be lost."""

    event: str
    body: str
    """JSON text."""
    to: tuple[UserId, ...] | None = None
    """The only people who hear it; None: all."""

    def encode(self) -> bytes:
        """For other processes."""
        to = "*" if self.to is None else ",".join(map(str, self.to))
        return f"S{self.event}\n{to}\n{self.body}".encode()

    @staticmethod
    def decode(data: bytes) -> "Signal":
        """From another process.

        Raises:
            ValueError: it is of a version that this one does not know.
        """
        event, to, body = data[1:].decode().split("\n", 2)
        people = None if to == "*" else tuple(UserId(UUID(user_id)) for user_id in to.split(",") if user_id)
        return Signal(event, body, people)


def decode_hint(data: bytes) -> LogHint | Signal:
    """What another process announced.

    Raises:
        ValueError: it is of a version that this one does not know.
    """
    if data.startswith(LOG_HINT):
        return LogHint.decode(data)
    if data.startswith(SIGNAL_HINT):
        return Signal.decode(data)
    raise ValueError("neither a log's hint nor a signal")


def announce(bus: Bus, channel: Channel, epoch: int, entries: Sequence[Entry]) -> None:
    """Tell the gateways, after the commit, what the channel's log has grown by (at least one entry)."""
    hint = LogHint(entries[-1].seq, epoch, tuple([channel.told(epoch, entry) for entry in entries]))
    bus.publish(channel.name(), hint)


def signal(bus: Bus, channel: Channel, event: str, payload: Model, *, to: Sequence[UserId] | None = None) -> None:
    """Send an event to the channel's sockets on all gateways, past the log; it may be lost."""
    bus.publish(channel.name(), Signal(event, payload.model_dump_json(), None if to is None else tuple(to)))


class Connection(Protocol):
    """One socket, as a door may use it; the gateway has the only implementation that listens."""

    @property
    def id(self) -> UUID:
        """Unique in the installation."""

    @property
    def address(self) -> str:
        """The peer's address."""

    async def subscribe(self, channel: Channel, entered: Head | None = None) -> Head:
        """Hear the channel from now on, what is behind the answer: where its log stands for this connection.

        Subscribe first, then read a snapshot that is not older, so that nothing falls between.

        Args:
            entered: where the log stood when this person came in, which may not have come here yet; what came before,
                such as their having been put out, does not concern this connection.
        """

    async def unsubscribe(self, channel: Channel) -> None:
        """Hear it no longer."""

    async def enter(self, channel: Channel) -> None:
        """Be present: the person counts as connected to it until the last of their sockets leaves."""

    async def leave(self, channel: Channel) -> None:
        """Be present no longer; does not run the ``gone`` door."""

    def renew(self, principal: Principal) -> None:
        """Go on under a new access token of the same person and sign-in."""


class SocketCall(Call):
    """A call that came over a socket."""

    def __init__(self, resources: Resources, principal: Principal, connection: Connection) -> None:
        self.resources = resources  # as the base does, which a call for each event would be dear for
        self.principal = principal
        self.connection = connection


@dataclass(frozen=True)
class SocketEvent:
    """One event that a client may send; its result is the acknowledgement's data."""

    name: str
    handler: Callable[..., Awaitable[Any] | None]
    payload: type[Model]
    result: Any
    rate: RateClass
    problems: tuple[type[Problem], ...]
    tag: str


@dataclass(frozen=True)
class ServerEvent:
    """One event that the server sends, for the documents."""

    name: str
    payload: type[Model]
    summary: str
    tag: str


Gone = Callable[[Resources, Channel, UserId], Awaitable[None]]


def _awaited(answer: Any) -> Any:
    """The type of the result of a door that answers with an ``Awaitable[result]``, or with that or None."""
    kinds = get_args(answer) if get_origin(answer) in {Union, UnionType} else (answer,)
    return next(get_args(kind)[0] for kind in kinds if get_origin(kind) is Awaitable)


class Sockets:
    """A package's socket events."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self.items: list[SocketEvent] = []
        self.sent: list[ServerEvent] = []
        self.gone_handlers: dict[str, Gone] = {}

    def on(
        self, name: str, *, rate: RateClass = "write", problems: Sequence[type[Problem]] = ()
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register the decorated ``async def verb_noun(call, payload: Model) -> result``.

        A plain ``def`` is run where its event is read, before anything else. It gives back what the result will come
        from: a Deferred, which needs no task, or a coroutine; or None, when all is done and there is no result.
        """

        def register(handler: Callable[..., Any]) -> Callable[..., Any]:
            hints = get_type_hints(handler)
            result = hints["return"] if inspect.iscoroutinefunction(handler) else _awaited(hints["return"])
            self.items.append(
                SocketEvent(name, handler, hints["payload"], result, rate, tuple(problems), self._tag)
            )  # fmt: skip
            return handler

        return register

    def sends(self, name: str, payload: type[Model], summary: str) -> None:
        """Document an event that the server sends."""
        self.sent.append(ServerEvent(name, payload, summary, self._tag))

    def gone(self, kind: str) -> Callable[[Gone], Gone]:
        """Register what happens when a person's last socket left a channel of ``kind``, or its node died."""

        def register(handler: Gone) -> Gone:
            self.gone_handlers[kind] = handler
            return handler

        return register
