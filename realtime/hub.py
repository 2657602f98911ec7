"""All clients of this node: who may connect, which door an event goes to, and when a connection must end."""

import asyncio
import contextlib
import json
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable
from typing import Any
from uuid import UUID

import structlog
from pydantic import TypeAdapter

from core.bus import Bus
from core.call import Resources
from core.db import Database
from core.errors import Invalid, NotFound, Problem, TooMany, Unauthenticated, Unavailable
from core.limits import Limits
from core.routes import validate
from core.sockets import SocketCall, SocketEvent, Sockets
from core.tokens import Tokens
from realtime.channels import Channels
from realtime.gateway import Answer, Frame, Wire
from realtime.metrics import EVENTS
from realtime.models import Drain
from realtime.presence import Presence
from realtime.sessions import Session
from realtime.settings import RealtimeSettings
from realtime.signins import SignIns

log = structlog.get_logger()

DOOR_TIMEOUT = 20.0
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
        self._sessions: dict[UUID, Session] = {}
        self._of_person: Counter[UUID] = Counter()
        database = resources.get(Database)
        self.channels = Channels(database, resources.get(Bus), settings.poll_interval)
        self._sign_ins = resources.get(SignIns)
        self._sign_ins.watch(self)
        handlers = {kind: gone for each in doors for kind, gone in each.gone_handlers.items()}
        self.presence = Presence(resources, handlers, settings, self._start_anew)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Hub"]:
        """Serve while the block runs."""
        async with self.presence.running(), self.channels.running():
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
        if self._of_person[principal.user_id] >= self._settings.max_per_person:
            raise TooMany("You have too many windows open; close some.")
        session = Session(wire, principal, self.channels, self.presence, self._settings)
        self._sessions[session.id] = session
        self._of_person[principal.user_id] += 1
        return session

    async def event(self, wire: Wire, name: str, args: list[Any], answer: Answer) -> None:
        """Answer one event of a client."""
        session: Session = wire.session
        session.hold()
        outcome = "ok"
        try:
            async with asyncio.timeout(DOOR_TIMEOUT):
                data = await self._use_door(session, name, args)
            answer({"ok": True, "data": data})
        except Problem as problem:
            outcome = problem.slug
            answer(refusal(problem))
        except TimeoutError:
            outcome = "timeout"
            answer(refusal(Unavailable("This took too long; try again.", retry_after=2)))
        except Exception:
            outcome = "internal"
            log.exception("event_failed", event_name=name)
            answer(refusal(Problem()))
        finally:
            EVENTS.labels(name if name in self._doors else "unknown", outcome).inc()
            session.release()

    async def _use_door(self, session: Session, name: str, args: list[Any]) -> Any:
        if not session.bucket.take():
            session.refusals += 1
            if session.refusals > MAX_REFUSALS:
                session.close("flood")
            raise TooMany(retry_after=1)
        if name not in self._doors:
            raise NotFound("There is no such event.")
        door, result = self._doors[name]
        if len(args) != 1:
            raise Invalid("An event carries one object.")
        try:
            payload = validate(door.payload, json.dumps(args[0]))
        except (TypeError, RecursionError) as error:
            raise Invalid("An event carries one JSON object.") from error
        await self._resources.get(Limits).take(door.rate, str(session.user_id))
        call = SocketCall(self._resources, session.principal, secrets.token_hex(8), session)
        return result.dump_python(await door.handler(call, payload), mode="json")

    def gone(self, wire: Wire) -> None:
        """A connection is gone."""
        session: Session | None = wire.session
        if session is not None and self._sessions.pop(session.id, None) is not None:
            self._of_person[session.user_id] -= 1
            if not self._of_person[session.user_id]:
                del self._of_person[session.user_id]
            session.ended()

    def close_all(self, reason: str) -> None:
        """End all connections."""
        for session in tuple(self._sessions.values()):
            session.close(reason)

    async def drain(self) -> None:
        """Send everybody to another gateway, spread over some seconds; returns when all have gone, or were closed."""
        spread = self._settings.drain_spread
        for session in tuple(self._sessions.values()):
            wait_ms = secrets.randbelow(int(spread * 1000) + 1)
            session.send(Frame("node:drain", Drain(wait_ms=wait_ms).model_dump()))
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
                session.send(Frame("session:ended", {}))
                session.close("signed-out", final=True)


def refusal(problem: Problem) -> dict[str, Any]:
    """The acknowledgement of what was not done."""
    return {"ok": False, "problem": problem.body().model_dump(mode="json", exclude_none=True)}
