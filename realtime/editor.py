"""The shared editor's WebSocket: the protocol of ``y-websocket``, and acknowledgements for who asks for them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from aiohttp import web

from core.bus import Bus
from core.call import Resources
from core.db import Database
from core.errors import NotFound, Problem, TooMany, Unauthenticated, Unavailable
from core.logwriter import LogWriter
from core.model import UserId
from core.tokens import Tokens
from realtime.channels import Channels
from realtime.connection import (
    EXPIRED,
    NOT_ALLOWED,
    RESTART,
    SLOW,
    TOO_MANY,
    UNAVAILABLE,
    EditorConnection,
)
from realtime.doorkeeper import Doorkeeper
from realtime.handshake import Taken, accept, notice_silence
from realtime.metrics import BACKLOG, BACKLOG_MOST, CONNECTIONS
from realtime.models import EditorGrant
from realtime.opened import OpenDocument
from realtime.settings import RealtimeSettings
from realtime.shelf import Shelf
from realtime.signins import SignIns
from realtime.sitting import Sitting
from realtime.yupdate import Limits

log = structlog.get_logger()

HEARTBEAT = 20.0
PING = b"\x89\x00"
OPEN = CONNECTIONS.labels("editor")
NOT_ADMITTED: Final[dict[type[Problem], int]] = {
    Unauthenticated: EXPIRED,
    NotFound: NOT_ALLOWED,
    Unavailable: UNAVAILABLE,
}


class Visit:
    """A socket as it is counted, from its knock to its end."""

    __slots__ = ("_address", "_doorkeeper", "_person")

    def __init__(self, doorkeeper: Doorkeeper, address: str) -> None:
        self._doorkeeper = doorkeeper
        self._address = address
        self._person: UserId | None = None
        doorkeeper.opened(address)
        OPEN.inc()

    def is_of(self, person: UserId) -> None:
        """It is a person's.

        Raises:
            TooMany: they have enough.
        """
        self._doorkeeper.enter("editor", person)
        self._person = person

    def end(self) -> None:
        """It is closed."""
        OPEN.dec()
        self._doorkeeper.closed(self._address)
        if self._person is not None:
            self._doorkeeper.leave("editor", self._person)


class Guest(NamedTuple):
    """Who may sit down, and where."""

    grant: EditorGrant
    found: OpenDocument


class Refused(NamedTuple):
    """Who may not, as a close code and a reason."""

    code: int
    reason: str


class Editor:
    """The endpoint."""

    def __init__(
        self, resources: Resources, channels: Channels, doorkeeper: Doorkeeper, settings: RealtimeSettings
    ) -> None:
        self._tokens = resources.get(Tokens)
        self._doorkeeper = doorkeeper
        self._settings = settings
        self._limits = Limits(max_bytes=settings.max_update)
        self._sign_ins = resources.get(SignIns)
        self._sign_ins.watch(self)
        BACKLOG.labels("editor").set_function(lambda: sum(self._backlogs()))
        BACKLOG_MOST.labels("editor").set_function(lambda: max(self._backlogs(), default=0))
        self.shelf = Shelf(resources.get(Database), resources.get(Bus), resources.get(LogWriter), channels, settings)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Editor"]:
        """Serve while the block runs."""
        pings = asyncio.create_task(self._ping())
        async with self.shelf.running():
            try:
                yield self
            finally:
                pings.cancel()
                await asyncio.gather(pings, return_exceptions=True)
                self._dismiss_all()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket."""
        self._doorkeeper.admit(request)
        visit = Visit(self._doorkeeper, self._doorkeeper.address(request))
        try:
            guest = await self._admitted(request, visit)
            notice_silence(request.transport, 2 * HEARTBEAT)
            most = 2 * self._settings.max_update
            wire = accept(request, max_message=most, on_message=_ignore, on_closed=visit.end)
        except BaseException:  # there will be no socket to say that it is closed
            visit.end()
            raise
        if isinstance(guest, Refused):
            wire.close(guest.code, guest.reason)
        else:
            connection = EditorConnection(guest.grant, wire, self._settings.max_backlog)
            Sitting(connection, wire, self.shelf, guest.found, self._limits, visit.end).begin()
        return Taken()

    async def _admitted(self, request: web.Request, visit: Visit) -> Guest | Refused:
        """The document that the pass opens, or why it opens none."""
        try:
            grant = await self._granted(request, visit)
            found = await self.shelf.take(grant)
            if await self.shelf.is_outdated(grant, found):
                return Refused(EXPIRED, "outdated")
        except (Unauthenticated, NotFound, Unavailable) as problem:
            return Refused(NOT_ADMITTED[type(problem)], problem.slug)
        except TooMany as problem:
            return Refused(TOO_MANY, problem.detail)  # for people, who alone can do something about it
        if self._sign_ins.is_over(grant.sign_in_id):
            return Refused(EXPIRED, "signed-out")
        return Guest(grant, found) if found.may_read(grant.user_id) else Refused(NOT_ALLOWED, "removed")

    async def _granted(self, request: web.Request, visit: Visit) -> EditorGrant:
        """What the pass in the address says.

        Raises:
            Unauthenticated: it is none of ours, of another document, too old, or of a sign-in that is over.
            TooMany: its person has too many editors open here.
        """
        grant = self._tokens.read_pass(EditorGrant, request.query.get("pass", ""))
        if str(grant.document_id) != request.match_info["document_id"]:
            raise Unauthenticated
        visit.is_of(grant.user_id)
        await self._sign_ins.require_live(grant.sign_in_id)
        return grant

    def _backlogs(self) -> list[int]:
        """Bytes that wait for each reader."""
        return [reader.backlog for found in self.shelf.all() for reader in found.readers]

    def sign_ins(self) -> Collection[UUID]:
        """The sign-ins of all connections."""
        return {reader.grant.sign_in_id for found in self.shelf.all() for reader in found.readers}

    def end_sign_ins(self, over: Collection[UUID]) -> None:
        """Send away who is signed out; what they offered before is still stored."""
        for found in self.shelf.all():
            for reader in tuple(found.readers):
                if reader.grant.sign_in_id in over:
                    reader.dismiss(EXPIRED, "signed-out")

    async def drain(self) -> None:
        """Send everybody to another gateway, spread over some seconds; what they offered is stored first, if it can be."""
        connections = [(found, reader) for found in self.shelf.all() for reader in found.readers]
        pause = self._settings.drain_spread / max(1, len(connections))
        patience = asyncio.get_running_loop().time() + self._settings.drain_spread
        for found, reader in connections:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(patience):
                    await found.document.settled()
            reader.dismiss(RESTART, "drain")
            await asyncio.sleep(pause)

    def _dismiss_all(self) -> None:
        for found in self.shelf.all():
            found.dismiss_all(RESTART, "stopped")

    async def _ping(self) -> None:
        """Ping everybody now and then, which keeps proxies awake; send away who has answered neither of two pings."""
        before = last = time.monotonic()
        while True:
            await asyncio.sleep(HEARTBEAT)
            now = time.monotonic()
            for found in self.shelf.all():
                for reader in found.readers:
                    if reader.is_silent(before):
                        reader.dismiss(SLOW, "silent")
                    else:
                        reader.write(PING)
                await asyncio.sleep(0)
            before, last = last, now


def _ignore(message: str | bytes) -> None:
    """What is said to who is refused."""
