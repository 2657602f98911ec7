"""The Socket.IO door: events as data. The gateway (package ``realtime``) serves them; this file knows no socket."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_type_hints
from uuid import UUID

from core.bus import Bus
from core.call import Call, Principal, Resources
from core.errors import Problem
from core.eventlog import Entry
from core.limits import RateClass
from core.model import Model, TenantId, UserId


class Channel(Model):
    """What many sockets hear: a log stream's entries, and passing signals. ``id`` is the stream's."""

    tenant_id: TenantId
    kind: str
    id: UUID

    def name(self) -> str:
        """The name on the bus: ``{tenant}:{kind}:{id}``."""
        return f"{self.tenant_id}:{self.kind}:{self.id}"


class Signal(Model):
    """An event to the sockets of a channel that is not in any log: it may be lost."""

    event: str
    payload: dict[str, Any]
    to: tuple[UserId, ...] | None = None
    """The only people who hear it; None: all."""


LOG_HINT = b"L"
SIGNAL_HINT = b"S"


HINT_MAX = 32_768
"""Bytes of a hint above which it says only where the log stands."""


class LogHint(Model):
    """The channel's log has grown to ``seq``; ``entries`` are the newest ones, which spares their reading."""

    seq: int
    epoch: int
    entries: tuple[Entry, ...]


def announce(bus: Bus, channel: Channel, epoch: int, entries: Sequence[Entry]) -> None:
    """Tell the gateways, after the commit, what the channel's log has grown by (at least one entry)."""
    hint = LogHint(seq=entries[-1].seq, epoch=epoch, entries=tuple(entries))
    body = hint.model_dump_json().encode()
    if len(body) > HINT_MAX:
        body = hint.model_copy(update={"entries": ()}).model_dump_json().encode()
    bus.publish(channel.name(), LOG_HINT + body)


def signal(bus: Bus, channel: Channel, event: str, payload: Model, *, to: Sequence[UserId] | None = None) -> None:
    """Send an event to the channel's sockets on all gateways, past the log; it may be lost."""
    passing = Signal(event=event, payload=payload.model_dump(mode="json"), to=None if to is None else tuple(to))
    bus.publish(channel.name(), SIGNAL_HINT + passing.model_dump_json().encode())


class Connection(Protocol):
    """One socket, as a door may use it; the gateway has the only implementation that listens."""

    @property
    def id(self) -> UUID:
        """Unique in the installation."""

    @property
    def address(self) -> str:
        """The peer's address."""

    async def subscribe(self, channel: Channel) -> None:
        """Hear the channel from now on: subscribe first, then read the snapshot, so that nothing falls between."""

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

    def __init__(self, resources: Resources, principal: Principal, request_id: str, connection: Connection) -> None:
        super().__init__(resources, principal, request_id)
        self.connection = connection


@dataclass(frozen=True)
class SocketEvent:
    """One event that a client may send; its result is the acknowledgement's data."""

    name: str
    handler: Callable[..., Awaitable[Any]]
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


class Sockets:
    """A package's socket events."""

    def __init__(self, tag: str) -> None:
        self._tag = tag
        self.items: list[SocketEvent] = []
        self.sent: list[ServerEvent] = []
        self.gone_handlers: dict[str, Gone] = {}

    def on(
        self, name: str, *, rate: RateClass = "write", problems: Sequence[type[Problem]] = ()
    ) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[Any]]]:
        """Register the decorated ``async def verb_noun(call, payload: Model) -> result``."""

        def register(handler: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
            hints = get_type_hints(handler)
            self.items.append(
                SocketEvent(name, handler, hints["payload"], hints.get("return"), rate, tuple(problems), self._tag)
            )
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
