"""The shared editor's WebSocket: the protocol of ``y-websocket``, and acknowledgements for who asks for them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from typing import Final
from uuid import UUID

import structlog
from aiohttp import WSMsgType, web

from core.bus import Bus
from core.call import Resources
from core.db import Database
from core.errors import NotFound, Problem, Unauthenticated, Unavailable
from core.eventlog import LogWriter
from core.tokens import Tokens
from realtime import ysync
from realtime.buckets import Bucket
from realtime.channels import Channels
from realtime.connection import CLOSE_WAIT, EXPIRED, MALFORMED, NOT_ALLOWED, RESTART, UNAVAILABLE, EditorConnection
from realtime.doorkeeper import Doorkeeper
from realtime.lib0 import Malformed
from realtime.metrics import CONNECTIONS
from realtime.models import EditorGrant
from realtime.settings import RealtimeSettings
from realtime.shelf import OpenDocument, Shelf
from realtime.signins import SignIns
from realtime.yupdate import InvalidUpdate, Limits, read_update

log = structlog.get_logger()

HEARTBEAT = 20.0
MESSAGES_PER_SECOND, MESSAGE_BURST = 200, 600
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

    def __init__(
        self, connection: EditorConnection, socket: web.WebSocketResponse, shelf: Shelf, found: OpenDocument,
        max_update: int,
    ) -> None:  # fmt: skip
        self._connection = connection
        self._socket = socket
        self._shelf = shelf
        self._found = found
        self._limits = Limits(max_bytes=max_update)
        self._bucket = Bucket(MESSAGES_PER_SECOND, MESSAGE_BURST)

    async def run(self) -> None:
        """Serve until either side ends it."""
        connection, found = self._connection, self._found
        tasks = {asyncio.create_task(connection.write()), asyncio.create_task(self._read())}
        try:
            found.readers.add(connection)
            found.document.authors.add(connection)
            connection.send(ysync.write_ask_state(found.document.history.vector))
            self._tell_all()
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            found.readers.discard(connection)
            found.document.forget(connection)
            self._shelf.tell(found, found.presences.leave(connection.id))
            self._shelf.give_back(found)

    def _tell_all(self) -> None:
        own = self._found.presences.own(self._connection.id)
        others = [each for each in self._found.presences.all() if each[0] != own]
        if others:
            self._connection.said(others)

    async def _read(self) -> None:
        """Take the client's messages, no faster than they can be stored."""
        async for message in self._socket:
            while self._found.document.pending_bytes > MAX_PENDING or not self._bucket.take():
                await asyncio.sleep(PAUSE)
            try:
                if message.type is not WSMsgType.BINARY:
                    raise Malformed("text")
                for each in ysync.read_messages(message.data):
                    self._take(each)
            except Malformed as error:
                log.warning("bad_editor_message", reason=error.reason)
                self._connection.dismiss(MALFORMED, "malformed")
            if self._connection.is_ending:
                await asyncio.sleep(2 * CLOSE_WAIT)  # the writer ends the connection, after what is queued
                break

    def _take(self, message: ysync.Message) -> None:
        connection, found = self._connection, self._found
        match message:
            case ysync.Update():
                self._offer(message)
            case ysync.AskState():
                connection.answer(found.document.history.answer(message.vector))
            case ysync.Awareness():
                grant = connection.grant
                said = found.presences.say(connection.id, grant.user_id, grant.name, message.entries)
                self._shelf.tell(found, said)
            case ysync.AskAwareness():
                self._tell_all()
            case ysync.Hello():
                pass  # its numbered updates say enough

    def _offer(self, update: ysync.Update) -> None:
        connection, found = self._connection, self._found
        try:
            summary = read_update(update.data, self._limits)
        except InvalidUpdate as error:
            connection.refused(update.number, "too-large" if error.reason == "too-large" else "invalid")
            return
        if summary.is_empty:
            connection.stored(update.number)
        elif not found.may_write(connection.grant) and found.document.changes(summary):
            connection.refused(update.number, "read-only")
        else:
            found.document.offer(connection, update.data, update.number, summary)


class Editor:
    """The endpoint."""

    def __init__(
        self, resources: Resources, channels: Channels, doorkeeper: Doorkeeper, settings: RealtimeSettings
    ) -> None:
        self._tokens = resources.get(Tokens)
        self._doorkeeper = doorkeeper
        self._settings = settings
        self._sign_ins = resources.get(SignIns)
        self._sign_ins.watch(self)
        self.shelf = Shelf(resources.get(Database), resources.get(Bus), resources.get(LogWriter), channels, settings)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Editor"]:
        """Serve while the block runs."""
        async with self.shelf.running():
            try:
                yield self
            finally:
                self._dismiss_all()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one WebSocket."""
        self._doorkeeper.admit(request)
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT, compress=False, max_msg_size=2 * self._settings.max_update, timeout=CLOSE_WAIT
        )
        await socket.prepare(request)
        address = self._doorkeeper.address(request)
        self._doorkeeper.opened(address)
        CONNECTIONS.labels("editor").inc()
        try:
            await self._serve(request, socket)
        finally:
            CONNECTIONS.labels("editor").dec()
            self._doorkeeper.closed(address)
        return socket

    async def _serve(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        found = await self._admitted(request, socket)
        if found is not None:
            document, grant = found
            connection = EditorConnection(grant, socket, request.transport, self._settings.max_backlog)
            await Sitting(connection, socket, self.shelf, document, self._settings.max_update).run()

    async def _admitted(
        self, request: web.Request, socket: web.WebSocketResponse
    ) -> tuple[OpenDocument, EditorGrant] | None:
        """The document that the pass opens; without it the socket is closed with the reason."""
        try:
            grant = await self._granted(request)
            found = await self.shelf.take(grant)
        except (Unauthenticated, NotFound, Unavailable) as problem:
            await socket.close(code=NOT_ADMITTED[type(problem)], message=problem.slug.encode())
            return None
        refusal = self._refusal(found, grant)
        if refusal is not None:
            self.shelf.give_back(found)
            code, reason = refusal
            await socket.close(code=code, message=reason)
            return None
        return found, grant

    async def _granted(self, request: web.Request) -> EditorGrant:
        """What the pass in the address says.

        Raises:
            Unauthenticated: it is none of ours, of another document, too old, or of a sign-in that is over.
        """
        grant = self._tokens.read_pass(EditorGrant, request.query.get("pass", ""))
        if str(grant.document_id) != request.match_info["document_id"]:
            raise Unauthenticated
        await self._sign_ins.require_live(grant.sign_in_id)
        return grant

    def _refusal(self, found: OpenDocument, grant: EditorGrant) -> tuple[int, bytes] | None:
        """What happened to them while the document was opened, as a close code and a reason."""
        if self._sign_ins.is_over(grant.sign_in_id):
            return EXPIRED, b"signed-out"
        return None if found.may_read(grant.user_id) else (NOT_ALLOWED, b"removed")

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
        """Send everybody to another gateway, spread over some seconds."""
        connections = [(found, reader) for found in self.shelf.all() for reader in found.readers]
        pause = self._settings.drain_spread / max(1, len(connections))
        for found, reader in connections:
            await found.document.settled()
            reader.dismiss(RESTART, "drain")
            await asyncio.sleep(pause)

    def _dismiss_all(self) -> None:
        for found in self.shelf.all():
            found.dismiss_all(RESTART, "stopped")
