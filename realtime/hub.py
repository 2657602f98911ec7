"""All clients of this node: who may connect, which door an event goes to, and when a connection must end."""

import asyncio
import contextlib
import functools
import secrets
from collections.abc import AsyncIterator, Awaitable, Collection, Iterable
from typing import Any, Final
from uuid import UUID

import structlog
from pydantic import TypeAdapter

from core import failpoints
from core.bus import Bus
from core.call import Resources
from core.db import Database
from core.deferred import Deferred
from core.errors import Invalid, NotFound, Problem, TooMany, Unauthenticated
from core.limits import Limits
from core.routes import validate
from core.settings import CoreSettings
from core.sockets import SocketCall, SocketEvent, Sockets
from core.tokens import Tokens
from realtime.channels import Channels
from realtime.degraded import Degraded
from realtime.doorkeeper import Doorkeeper
from realtime.frames import Frame
from realtime.gateway import Answering, Wire, in_time
from realtime.metrics import EVENTS
from realtime.models import Drain
from realtime.presence import Presence
from realtime.sessions import Session
from realtime.settings import RealtimeSettings
from realtime.signins import SignIns
from realtime.socketio import Event, Malformed, as_json

log = structlog.get_logger()

DONE: Final = '{"ok":true,"data":null}'
MAX_REFUSALS = 100
"""Events beyond the rate after which a client is sent away."""


class Hub:
    """The sessions of one node."""

    def __init__(self, resources: Resources, doors: Iterable[Sockets], settings: RealtimeSettings) -> None:
        doors = tuple(doors)
        self._resources = resources
        self._settings = settings
        self._doors: dict[str, tuple[SocketEvent, TypeAdapter[Any]]] = {
            event.name: (event, TypeAdapter(event.result)) for each in doors for event in each.items
        }
        self._limits = resources.get(Limits)
        self._sessions: dict[UUID, Session] = {}
        self._doorkeeper = resources.get(Doorkeeper)
        database = resources.get(Database)
        self.channels = Channels(database, resources.get(Bus), settings.poll_interval)
        self._sign_ins = resources.get(SignIns)
        self._sign_ins.watch(self)
        handlers = {kind: gone for each in doors for kind, gone in each.gone_handlers.items()}
        self.presence = Presence(resources, handlers, settings, self._start_anew)
        self._degraded = Degraded(resources, self.presence, self.channels, settings, self._sessions.values)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Hub"]:
        """Serve while the block runs."""
        async with self.presence.running(), self.channels.running(), self._degraded.running():
            try:
                yield self
            finally:
                self.close_all("stopped")

    async def connect(self, wire: Wire, auth: Any) -> Session:
        """Let a client in by the token in its CONNECT packet.

        Raises:
            Unauthenticated: there is none, or it is not valid any more.
            TooMany: the person has too many connections here.
        """
        token = auth.get("token") if isinstance(auth, dict) else None
        if not isinstance(token, str):
            raise Unauthenticated
        principal = self._resources.get(Tokens).principal(token)
        await self._sign_ins.require_live(principal.sign_in_id)
        self._doorkeeper.enter("hub", principal.user_id)
        session = Session(wire, principal, self.channels, self.presence, self._settings)
        self._sessions[session.id] = session
        asyncio.get_running_loop().call_soon(self._degraded.greet, session)  # after the answer to CONNECT
        return session

    def begin(self, wire: Wire, event: Event) -> Answering:
        """Answer an event of a client, or see to it; what it subscribes to follows its answer.

        Raises:
            Malformed: what it carries is no JSON.
        """
        session: Session = wire.session
        session.hold()
        try:
            door, result, payload = self._admit(session, event)
            waiting = door.handler(SocketCall(self._resources, session.principal, session), payload)
        except Malformed:
            raise
        except Exception as error:  # noqa: BLE001 - told apart there
            self._answer(wire, event, *failure(event, error))
            return None
        if waiting is None:
            self._answer(wire, event, "ok", DONE)
            return None
        if isinstance(waiting, Deferred):
            waiting.then(functools.partial(self._settled, wire, event, result))
            return waiting
        return self._finish(wire, event, result, waiting)

    async def _finish(self, wire: Wire, event: Event, result: TypeAdapter[Any], waiting: Awaitable[Any]) -> None:
        """Answer with what a door comes to."""
        try:
            outcome = await in_time(wire, waiting)
        except Exception as error:  # noqa: BLE001 - told apart there
            outcome = error
        self._settled(wire, event, result, outcome)

    def _settled(self, wire: Wire, event: Event, result: TypeAdapter[Any], outcome: Any) -> None:
        try:
            if isinstance(outcome, Exception):
                raise outcome
            told = "ok", f'{{"ok":true,"data":{result.dump_json(outcome).decode()}}}'
        except Exception as error:  # noqa: BLE001 - told apart there
            told = failure(event, error)
        self._answer(wire, event, *told)

    def _answer(self, wire: Wire, event: Event, outcome: str, answer: str) -> None:
        if event.number is not None:
            wire.answer(event.number, answer)
            if failpoints.armed:
                failpoints.pass_behind("gateway.answered")
        wire.session.release()
        EVENTS.labels(event.name if event.name in self._doors else "unknown", outcome).inc()

    def _admit(self, session: Session, event: Event) -> tuple[SocketEvent, TypeAdapter[Any], Any]:
        """The event's door, its result's type, and its payload, if the client may use it so often."""
        if not session.bucket.take():
            session.refusals += 1
            if session.refusals > MAX_REFUSALS:
                session.close("flood")
            raise TooMany(retry_after=1)
        found = self._doors.get(event.name)
        if found is None:
            raise NotFound("There is no such event.")
        door, result = found
        try:
            payload = validate(door.payload, event.body or argument(event))
        except Invalid as error:
            if len(event.args()) != 1:
                raise Invalid("An event carries one object.") from error
            raise
        self._limits.count(door.rate, session.caller)
        return door, result, payload

    def gone(self, wire: Wire) -> None:
        """A connection is gone."""
        session: Session | None = wire.session
        if session is not None and self._sessions.pop(session.id, None) is not None:
            self._doorkeeper.leave("hub", session.user_id)
            session.ended()

    def close_all(self, reason: str) -> None:
        """End all connections."""
        for session in tuple(self._sessions.values()):
            session.close(reason)

    async def drain(self) -> None:
        """Send everybody to another gateway, spread over some seconds; returns when all have gone, or were closed."""
        spread, gateways = self._settings.drain_spread, self._resources.get(CoreSettings).gateway_urls
        for session in tuple(self._sessions.values()):
            wait_ms = secrets.randbelow(int(spread * 1000) + 1)
            session.send(Frame("node:drain", Drain(wait_ms=wait_ms, gateways=gateways).model_dump_json()))
        deadline = asyncio.get_running_loop().time() + spread + 2
        while self._sessions and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        self.close_all("drain")

    def _start_anew(self) -> None:
        """The other gateways took this one for dead and told the packages so: everybody comes again."""
        self.close_all("buried")

    def sign_ins(self) -> Collection[UUID]:
        """The sign-ins of all clients."""
        return {session.principal.sign_in_id for session in self._sessions.values()}

    def end_sign_ins(self, over: Collection[UUID]) -> None:
        """Send away who is signed out."""
        for session in tuple(self._sessions.values()):
            if session.principal.sign_in_id in over:
                session.send(Frame("session:ended", "{}"))
                session.close("signed-out", final=True)


def argument(event: Event) -> str:
    """The argument, as JSON text, of an event that did not come as text."""
    args = event.args()
    if len(args) != 1:
        raise Invalid("An event carries one object.")
    try:
        return as_json(args[0])
    except (TypeError, RecursionError) as error:
        raise Invalid("An event carries one JSON object.") from error


def failure(event: Event, error: Exception) -> tuple[str, str]:
    """What came of an event, in a word, and its acknowledgement, where its door did not do it.

    Raises:
        Malformed: a packet that was not read to its end before it was refused is no JSON there.
    """
    if isinstance(error, Problem):
        event.args()
        return error.slug, refusal(error)
    log.error("event_failed", event_name=event.name, exc_info=error)
    return "internal", refusal(Problem())


def refusal(problem: Problem) -> str:
    """The acknowledgement of what was not done."""
    return f'{{"ok":false,"problem":{problem.body().model_dump_json(exclude_none=True)}}}'
