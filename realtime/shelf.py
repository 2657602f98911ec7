"""The shared documents that are open on this node: loaded from their logs, kept up with the other gateways.

The bus brings other gateways' updates with their numbers. One that follows is taken; after a gap, and at a slow look at
the heads of all documents, the log is read instead. Awareness goes by the bus alone.
"""

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from uuid import UUID

import structlog

from core.bus import Bus
from core.db import Database
from core.errors import NotFound, Unavailable
from core.eventlog import Entry, Head, LogWriter, head, heads, read
from core.model import UserId, new_id
from core.sockets import LOG_HINT, Channel
from realtime.awareness import Presences, Said
from realtime.channels import Channels
from realtime.connection import EditorConnection
from realtime.document import Document
from realtime.gateway import Frame
from realtime.metrics import DOCUMENTS, RESUMES
from realtime.models import EditorGrant
from realtime.settings import RealtimeSettings

log = structlog.get_logger()

PAGE = 500
LINGER = 15.0
"""Seconds that a document stays open without connections, for those who come back."""
COALESCE = 0.03
"""Seconds in which cursor moves are gathered."""
EXPIRE_EVERY = 10.0
UPDATE, SAID, ASK = b"U", b"A", b"Q"
_UPDATE_HEAD = struct.Struct(">Q16s")


class OpenDocument:
    """A document with its connections, its awareness, and what it knows of its room's people."""

    def __init__(self, document: Document, room: Channel) -> None:
        self.document = document
        self.room = room
        self.channel = Channel(tenant_id=document.tenant_id, kind="document", id=document.id)
        self.readers: set[EditorConnection] = set()
        self.presences = Presences()
        self.opening: asyncio.Task[None] | None = None
        self.refreshing: asyncio.Task[None] | None = None
        self.unsubscribe: Callable[[], None] = lambda: None
        self.closing: asyncio.TimerHandle | None = None
        self.user_id: UserId | None = None
        self._out: set[UserId] = set()
        self._spectators: dict[UserId, bool] = {}
        self._moved: dict[int, Said] = {}

    def may_read(self, user_id: UserId) -> bool:
        """Whether nobody has put them out since this was opened; before, their pass says it."""
        return user_id not in self._out

    def may_write(self, grant: EditorGrant) -> bool:
        """What the pass says, unless their role was changed since."""
        return grant.may_write and not self._spectators.get(grant.user_id, False)

    def hear(self, channel: Channel, entry: Entry, frame: Frame) -> None:
        """Something happened in the room: who was put out, or got another role, is sent away for a new pass."""
        del channel, frame
        payload = entry.payload or {}
        person_id = payload.get("person_id")
        if person_id is None:
            return
        user_id = UserId(UUID(person_id))
        if entry.kind == "person_removed":
            self._out.add(user_id)
            self._dismiss(user_id, 4403, "removed")
        elif entry.kind == "role_changed":
            self._spectators[user_id] = payload.get("role") == "spectator"
            self._dismiss(user_id, 4401, "role changed")
        elif entry.kind in {"person_admitted", "person_entered"}:
            self._out.discard(user_id)

    def _dismiss(self, user_id: UserId, code: int, reason: str) -> None:
        for reader in tuple(self.readers):
            if reader.user_id == user_id:
                reader.dismiss(code, reason)

    def pass_on(self, channel: Channel, frame: Frame) -> None:
        """Signals of the room are not for the editor."""

    def expelled(self, channel: Channel, entry: Entry) -> None:
        """Never: this belongs to nobody."""

    def restart(self, channel: Channel) -> None:
        """The room's log was restored; the document's own says so itself."""

    def show(self, said: Sequence[Said]) -> None:
        """Pass awareness on to the connections here, gathered over some milliseconds."""
        if said and not self._moved:
            asyncio.get_running_loop().call_later(COALESCE, self._show)
        for each in said:
            self._moved[each[0]] = each

    def _show(self) -> None:
        moved, self._moved = self._moved, {}
        everything = list(moved.values())
        for reader in self.readers:
            own = self.presences.own(reader.id)
            if own not in moved:
                reader.said(everything)
            elif len(everything) > 1:
                reader.said([each for each in everything if each[0] != own])

    def dismiss_all(self, code: int, reason: str) -> None:
        """End all connections."""
        for reader in tuple(self.readers):
            reader.dismiss(code, reason)


class Shelf:
    """All open documents of this node."""

    def __init__(
        self, database: Database, bus: Bus, writer: LogWriter, channels: Channels, settings: RealtimeSettings
    ) -> None:
        self._database = database
        self._bus = bus
        self._writer = writer
        self._channels = channels
        self._settings = settings
        self._open: dict[UUID, OpenDocument] = {}
        self._nonce = new_id().bytes

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Shelf"]:
        """Keep up while the block runs; at its end, what was offered is stored first."""
        tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self._expire())]
        try:
            yield self
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(5):
                    await asyncio.gather(*(each.document.settled() for each in self.all()))
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def all(self) -> tuple[OpenDocument, ...]:
        """The open documents."""
        return tuple(self._open.values())

    async def take(self, grant: EditorGrant) -> OpenDocument:
        """The document of a pass, up to date with its log as of now.

        Raises:
            NotFound: there is none.
            Unavailable: it cannot be loaded now.
        """
        found = self._open.get(grant.document_id)
        if found is None:
            found = self._new(grant)
            self._open[grant.document_id] = found
            found.opening = asyncio.create_task(self._load(found), name="open-document")
            DOCUMENTS.set(len(self._open))
        if found.closing is not None:
            found.closing.cancel()
            found.closing = None
        if found.opening is not None:
            try:
                await asyncio.shield(found.opening)
            except (NotFound, Unavailable):
                self._put_back(found)
                raise
        return found

    def give_back(self, found: OpenDocument) -> None:
        """A connection is gone; a document without any is closed after a while."""
        if not found.readers and found.closing is None:
            found.closing = asyncio.get_running_loop().call_later(LINGER, self._put_back, found)

    def tell(self, found: OpenDocument, said: Sequence[Said]) -> None:
        """Pass awareness on, here and to the other gateways."""
        if said:
            found.show(said)
            self._bus.publish(found.channel.name(), SAID + json.dumps(said).encode())

    def _new(self, grant: EditorGrant) -> OpenDocument:
        tenant_id: Any = grant.tenant_id
        document = Document(
            tenant_id, grant.document_id, self._writer, self._settings.max_document, self._refresh, self._stored
        )
        return OpenDocument(document, Channel(tenant_id=tenant_id, kind="room", id=grant.room_id))

    async def _load(self, found: OpenDocument) -> None:
        """Subscribe first, then read the log, so that nothing falls between."""
        document = found.document
        found.unsubscribe = self._bus.subscribe(found.channel.name(), lambda body: self._hinted(found, body))
        async with self._database.transaction(document.tenant_id) as tx:
            at = await head(tx, document.id)
        if at is None:
            raise NotFound
        document.epoch = at.epoch
        await self._read(document)
        await self._channels.join(found.room, found)
        self._bus.publish(found.channel.name(), ASK + self._nonce)
        found.opening = None

    async def _read(self, document: Document) -> None:
        while True:
            async with self._database.transaction(document.tenant_id) as tx:
                page = await read(tx, document.id, document.seq, PAGE)
            document.read(page)
            if len(page) < PAGE:
                return

    def _put_back(self, found: OpenDocument) -> None:
        if not found.readers and self._open.get(found.document.id) is found:
            del self._open[found.document.id]
            found.unsubscribe()
            self._channels.leave(found.room, found)
            DOCUMENTS.set(len(self._open))

    def _stored(self, document: Document, seq: int, actor_id: UUID, data: bytes) -> None:
        found = self._open.get(document.id)
        if found is not None:
            self._bus.publish(found.channel.name(), UPDATE + _UPDATE_HEAD.pack(seq, actor_id.bytes) + data)

    def _refresh(self, document: Document) -> "asyncio.Future[None]":
        """Read what the log has beyond the document; one read at a time."""
        found = self._open.get(document.id)
        if found is None:
            return asyncio.ensure_future(self._read(document))
        if found.refreshing is None or found.refreshing.done():
            found.refreshing = asyncio.create_task(self._read_again(document))
        return found.refreshing

    async def _read_again(self, document: Document) -> None:
        RESUMES.labels("document").inc()
        with contextlib.suppress(Unavailable):  # the next look at the heads finds it
            await self._read(document)

    def _hinted(self, found: OpenDocument, body: bytes) -> None:
        """Something from the bus; what this node published itself comes back and is known already."""
        document = found.document
        if body.startswith(UPDATE) and len(body) > _UPDATE_HEAD.size:
            seq, actor = _UPDATE_HEAD.unpack_from(body, 1)
            if seq == document.seq + 1 and found.opening is None:
                document.take(seq, UUID(bytes=actor), body[1 + _UPDATE_HEAD.size :])
            elif seq > document.seq:
                self._refresh(document)
        elif body.startswith(SAID):
            found.show(found.presences.hear([(each[0], each[1], each[2]) for each in json.loads(body[1:])]))
        elif body.startswith(ASK) and body[1:] != self._nonce:
            here = found.presences.all(here_only=True)
            if here:
                self._bus.publish(found.channel.name(), SAID + json.dumps(here).encode())
        elif body.startswith(LOG_HINT):
            self._refresh(document)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._settings.poll_interval)
            try:
                async with self._database.system() as db:
                    found = await heads(db, list(self._open))
                for document_id, at in found.items():
                    self._compare(document_id, at)
            except Unavailable:
                continue
            except Exception:
                log.exception("document_poll_failed")

    def _compare(self, document_id: UUID, at: Head) -> None:
        """Read on where the log is ahead; a restored log is another document."""
        opened = self._open.get(document_id)
        if opened is None or opened.opening is not None:
            return
        if at.epoch != opened.document.epoch:
            opened.dismiss_all(1012, "restored")
            self._open.pop(document_id)
        elif at.seq > opened.document.seq:
            self._refresh(opened.document)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(EXPIRE_EVERY)
            for found in self.all():
                found.show(found.presences.expire())
