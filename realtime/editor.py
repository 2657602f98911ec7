"""The shared editor's WebSocket: the protocol of ``y-websocket``, and acknowledgements for who asks for them."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
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
from realtime import ysync
from realtime.buckets import Bucket
from realtime.channels import Channels
from realtime.connection import (
    EXPIRED,
    MALFORMED,
    NOT_ALLOWED,
    RESTART,
    TOO_MANY,
    UNAVAILABLE,
    EditorConnection,
    said_frame,
)
from realtime.document import Offer
from realtime.doorkeeper import Doorkeeper
from realtime.handshake import Taken, accept
from realtime.lib0 import Malformed
from realtime.metrics import CONNECTIONS, INBOX_PAUSES, UPDATES
from realtime.models import EditorGrant
from realtime.opened import OpenDocument
from realtime.settings import RealtimeSettings
from realtime.shelf import Shelf
from realtime.signins import SignIns
from realtime.websocket import WebSocket, frame
from realtime.yrun import Run
from realtime.ytyped import read_stroke
from realtime.yupdate import InvalidUpdate, Limits, read_update

log = structlog.get_logger()

HEARTBEAT = 20.0
PING = b"\x89\x00"
OPEN = CONNECTIONS.labels("editor")
MESSAGES_PER_SECOND, MESSAGE_BURST = 200, 600
COUNTED = 16
"""Messages that are counted together."""
PAUSE = 0.02
NOT_ADMITTED: Final[dict[type[Problem], int]] = {
    Unauthenticated: EXPIRED,
    NotFound: NOT_ALLOWED,
    Unavailable: UNAVAILABLE,
}
MAX_PENDING = 1_048_576
"""Bytes of one document on the way to its log beyond which its connections are not read."""


class Sitting:
    """One person's time at one document."""

    __slots__ = (
        "_bucket", "_connection", "_found", "_heard", "_is_paused", "_left", "_limits", "_may_write", "_run", "_shelf", "_wire",
    )  # fmt: skip

    def __init__(
        self, connection: EditorConnection, wire: WebSocket, shelf: Shelf, found: OpenDocument,
        limits: Limits, left: Callable[[], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._wire = wire
        self._shelf = shelf
        self._found = found
        self._limits = limits
        self._left = left
        self._bucket = Bucket(MESSAGES_PER_SECOND, MESSAGE_BURST)
        self._is_paused = False
        self._may_write = found.may_write(connection.grant)
        """For as long as they sit here: who gets another role is sent away."""
        self._heard = 0
        """Messages that were not counted against the limit yet."""
        self._run = Run()
        """What was typed at one go, and is not offered yet."""

    def begin(self) -> None:
        """Say what the document holds, and who is at it."""
        connection, found = self._connection, self._found
        self._wire.on_message, self._wire.on_read, self._wire.on_closed = self._hear, self._heard_all, self._leave
        found.readers.add(connection)
        found.document.authors.add(connection)
        connection.write(frame(ysync.write_ask_state(found.document.history.vector)))
        self._tell_all()

    def _leave(self) -> None:
        connection, found = self._connection, self._found
        if self._wire.violation is not None:
            self._malformed(self._wire.violation)
        connection.is_ending = True
        found.readers.discard(connection)
        found.document.forget(connection)
        self._shelf.tell(found, found.presences.leave(connection.id))
        self._shelf.give_back(found)
        self._left()

    def _tell_all(self) -> None:
        own = self._found.presences.own(self._connection.id)
        others = [each for each in self._found.presences.all() if each[0] != own]
        if others:
            self._connection.said(said_frame(others))

    def _hear(self, data: str | bytes) -> None:
        """Take a message; what is typed is gathered."""
        if self._connection.is_ending:
            return
        self._heard += 1
        if isinstance(data, bytes):
            if self._run.goes_on(data):
                return
            stroke = read_stroke(data)
            if stroke is not None:
                if not self._run.joins(data, stroke):
                    self._offer_run()
                    self._run.joins(data, stroke)
                return
        try:
            if isinstance(data, str):
                raise Malformed("text")
            for each in ysync.read_messages(data):
                self._take(each)
        except Malformed as error:
            self._malformed(error.reason)

    def _malformed(self, reason: str) -> None:
        log.warning("bad_editor_message", reason=reason)
        self._connection.dismiss(MALFORMED, "malformed")

    def _heard_all(self) -> None:
        """Judge what was typed at one go, and read no more than can be stored."""
        self._connection.heard_at = time.monotonic()
        if self._run.begun is not None:
            self._offer_run()
        if self._heard < COUNTED and self._found.document.pending_bytes <= MAX_PENDING:
            return
        heard, self._heard = self._heard, 0
        pause = self._pause(heard)
        if pause and not self._is_paused:
            self._is_paused = True
            INBOX_PAUSES.inc()
            self._wire.pause()
            asyncio.get_running_loop().call_later(pause, self._go_on)

    def _pause(self, messages: int) -> float:
        """For how many seconds nothing more should be read, after so many more messages; 0 for none."""
        too_often = self._bucket.spend(messages)
        return max(too_often, PAUSE) if too_often or self._found.document.pending_bytes > MAX_PENDING else 0.0

    def _go_on(self) -> None:
        pause = self._pause(0)
        if pause and not self._connection.is_ending:
            asyncio.get_running_loop().call_later(pause, self._go_on)
        else:
            self._is_paused = False
            self._wire.resume()

    def _take(self, message: ysync.Message) -> None:
        connection, found = self._connection, self._found
        match message:
            case ysync.Update():
                if self._run.begun is not None:
                    self._offer_run()
                self._take_update(message.number, message.data)
            case ysync.AskState():
                if self._run.begun is not None:
                    self._offer_run()
                connection.answer(found.document.history.answer(message.vector))
            case ysync.Awareness():
                grant = connection.grant
                said = found.presences.say(connection.id, grant.user_id, grant.name, message.entries)
                self._shelf.tell(found, said)
            case ysync.AskAwareness():
                self._tell_all()
            case ysync.Hello():
                pass  # its numbered updates say enough

    def _take_update(self, number: int | None, data: bytes) -> None:
        numbers = () if number is None else (number,)
        try:
            summary = read_update(data, self._limits)
        except InvalidUpdate as error:
            self._refuse(numbers, "too-large" if error.reason == "too-large" else "invalid")
            return
        if summary.is_empty:
            self._connection.stored(numbers)
        else:
            self._offer(Offer(self._connection, data, numbers, summary=summary))

    def _offer_run(self) -> None:
        """As one update, unless it begins with what is known already and would be stored again."""
        run = self._run
        messages, numbers = run.messages, run.numbers
        typed = run.taken()
        if len(messages) == 1 or typed.first >= self._found.document.history.vector.get(typed.client, 0):
            self._offer(Offer(self._connection, typed.data, numbers, typed=typed))
            return
        for message in messages:
            for each in ysync.read_messages(message):
                self._take(each)

    def _offer(self, offer: Offer) -> None:
        document = self._found.document
        if self._may_write or not document.changes(offer.summary):
            document.offer(offer)
        else:
            self._refuse(offer.numbers, "read-only")

    def _refuse(self, numbers: Sequence[int], code: str) -> None:
        UPDATES.labels(code).inc()
        self._connection.refused(numbers, code)


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
            notice_silence(request.transport)
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
        """Write to everybody now and then: proxies keep the connection, and the kernel notices who is gone."""
        while True:
            await asyncio.sleep(HEARTBEAT)
            for found in self.shelf.all():
                for reader in found.readers:
                    reader.write(PING)
                await asyncio.sleep(0)


def notice_silence(transport: asyncio.Transport | None) -> None:
    """Have the kernel give up a connection whose peer takes nothing for two pings; no timer of ours is needed."""
    line = None if transport is None else transport.get_extra_info("socket")
    if line is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(2 * HEARTBEAT * 1_000))


def _ignore(message: str | bytes) -> None:
    """What is said to who is refused."""
