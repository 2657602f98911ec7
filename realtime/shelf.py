"""The shared documents that are open on this node: loaded from checkpoint and log, kept up with the other gateways.

The bus brings other gateways' updates with their numbers. One that follows is taken; after a gap, and at a slow look at
the heads of all documents, the log is read instead. Awareness goes by the bus alone.
"""

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any
from uuid import UUID

import structlog

from core.bus import Bus
from core.db import Database
from core.errors import NotFound, Unavailable
from core.eventlog import NO_LOG, Entry, Head, heads, holder, read
from core.logwriter import LogWriter
from core.model import new_id
from core.sockets import Channel
from realtime import queries, service
from realtime.awareness import Said
from realtime.channels import Channels
from realtime.connection import RESET
from realtime.document import Document
from realtime.lingering import Lingering
from realtime.metrics import DOCUMENT_BYTES, DOCUMENTS, PENDING, PENDING_MOST, RESUMES
from realtime.models import EditorGrant
from realtime.offer import Offer
from realtime.opened import OUTDATING, OpenDocument
from realtime.settings import RealtimeSettings
from realtime.storing import Store

log = structlog.get_logger()

PAGE = 100
"""Entries that are taken in at once: other documents wait while they are."""
WORTH = 50
"""Updates for which a document that is put back gets a checkpoint."""
EXPIRE_EVERY = 10.0
OTHERS = 35.0
"""Seconds for which another gateway that has said so counts as having a document open."""
UPDATE, SAID, ASK, HERE = b"U", b"A", b"Q", b"H"
_UPDATE_HEAD = struct.Struct(">Q16s")


class Shelf:
    """All open documents of this node."""

    def __init__(
        self, database: Database, bus: Bus, writer: LogWriter, channels: Channels, settings: RealtimeSettings
    ) -> None:
        self._database = database
        self._bus = bus
        self._store = Store(writer)
        self._channels = channels
        self._settings = settings
        self._open: dict[UUID, OpenDocument] = {}
        self._lingering = Lingering(self._put_back)
        self._nonce = new_id().bytes
        self._asking: set[asyncio.Task[None]] = set()
        DOCUMENT_BYTES.set_function(lambda: sum(found.document.history.size for found in self._open.values()))
        PENDING.set_function(lambda: sum(self._pending()))
        PENDING_MOST.set_function(lambda: max(self._pending(), default=0))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Shelf"]:
        """Keep up while the block runs; at its end, what was offered is stored first."""
        tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self._expire())]
        try:
            async with self._store.running():
                yield self
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(5):
                        await asyncio.gather(*(each.document.settled() for each in self.all()))
        finally:
            tasks += self._asking
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def all(self) -> tuple[OpenDocument, ...]:
        """The open documents."""
        return tuple(self._open.values())

    def _pending(self) -> list[int]:
        """Bytes of each document on their way to the log."""
        return [found.document.pending_bytes for found in self._open.values()]

    async def take(self, grant: EditorGrant) -> OpenDocument:
        """The document of a pass, up to date with its log as of now; it closes again if nobody sits down.

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
        self._lingering.discard(found)
        if found.opening is not None:
            try:
                await asyncio.shield(found.opening)
            except Exception:
                self._put_back(found)
                raise
        self.give_back(found)
        return found

    async def is_outdated(self, grant: EditorGrant, found: OpenDocument) -> bool:
        """Whether a pass was overtaken by what happened before its document was opened here; since then, that hears it.

        Raises:
            Unavailable: the room's log cannot be read now; or the document was closed meanwhile, and nobody keeps it up.
        """
        is_told = False
        if 0 < grant.seq < found.hears_from:
            async with self._database.transaction(found.document.tenant_id) as tx:
                is_told = await queries.is_told_of(tx, grant.room_id, grant.seq, OUTDATING, grant.user_id)
        if self._opened(found.document) is None:
            raise Unavailable
        return is_told

    def give_back(self, found: OpenDocument) -> None:
        """A connection is gone; a document without any is closed after a while."""
        if not found.readers and self._opened(found.document):
            self._lingering.add(found)

    def tell(self, found: OpenDocument, said: Sequence[Said]) -> None:
        """Pass awareness on, here and to the other gateways."""
        if said:
            found.show(said)
            self._bus.publish(found.channel.name(), SAID + json.dumps(said).encode())

    def _new(self, grant: EditorGrant) -> OpenDocument:
        tenant_id: Any = grant.tenant_id
        document = Document(tenant_id, grant.document_id, self._settings.max_document, self)
        return OpenDocument(document, Channel(tenant_id=tenant_id, kind="room", id=grant.room_id))

    async def _load(self, found: OpenDocument) -> None:
        """Subscribe first, then read, so that nothing falls between."""
        document = found.document
        found.unsubscribe = self._bus.subscribe(found.channel.name(), lambda body: self._hinted(found, body))
        async with self._database.transaction(document.tenant_id) as tx:
            opened = await service.open_document(tx, document.id)
        if opened is None:
            raise NotFound
        document.epoch, document.seq, document.history = opened.epoch, opened.seq, opened.history
        document.base = opened.seq
        await self._read(document)
        found.hears_from = (await self._channels.join(found.room, found)).seq
        async with self._database.transaction(document.tenant_id) as tx:
            document.is_free = await holder(tx, document.id) is None
        self._bus.publish(found.channel.name(), ASK + self._nonce)
        found.opening = None
        self._look(found)

    async def _read(self, document: Document) -> None:
        while True:
            page = await self._page(document, document.seq)
            document.read(page)
            if len(page) < PAGE:
                return
            await asyncio.sleep(0)

    async def _page(self, document: Document, since: int) -> list[Entry]:
        async with self._database.transaction(document.tenant_id) as tx:
            return await read(tx, document.id, since, PAGE)

    # Checkpoints

    def _look(self, found: OpenDocument) -> None:
        """Ask for a checkpoint, once for each so many bytes or updates, or go over to one that others asked for."""
        history, settings = found.document.history, self._settings
        grown = history.size - history.base_size
        far = max(settings.checkpoint_bytes, history.base_size // 2)
        if grown >= far or history.updates >= settings.checkpoint_updates:
            due = found.asks_at or 1
            if max(grown / far, history.updates / settings.checkpoint_updates) >= due:
                found.asks_at = due + 1
                self._in_background(self._ask(found))

    async def _ask(self, found: OpenDocument) -> None:
        """Ask a worker, unless there is one already that this node has not heard of."""
        document = found.document
        with contextlib.suppress(Unavailable):
            await self._rest(found)
            async with self._database.transaction(document.tenant_id) as tx:
                await service.request_checkpoint(tx, document.id, document.epoch, document.base)

    async def _rest(self, found: OpenDocument) -> None:
        """Go over to the newest checkpoint: the same document with less to remember and to send."""
        document = found.document
        async with self._database.transaction(document.tenant_id) as tx:
            opened = await service.open_document(tx, document.id)
        if opened is None or opened.epoch != document.epoch or not document.base < opened.seq <= document.seq:
            return
        newer = Document(document.tenant_id, document.id, self._settings.max_document, self)
        newer.history, newer.seq = opened.history, opened.seq
        while newer.seq < document.seq:
            page = await self._page(document, newer.seq)
            if not page:  # the log was shortened under it: the look at the heads sees that
                return
            newer.read([entry for entry in page if entry.seq <= document.seq])
        document.rest_on(newer.history, opened.seq)
        found.asks_at = 0

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    def _put_back(self, found: OpenDocument) -> None:
        if found.readers or self._opened(found.document) is None:
            return
        if found.document.pending_bytes:  # it closes when that is stored
            self._lingering.add(found)
        else:
            self._close(found)
            if found.document.history.updates >= WORTH:
                self._in_background(self._ask(found))

    # What a document asks of its house

    def ready(self, document: Document) -> None:
        """There is something to store."""
        self._store.ready(document)

    def stored(self, document: Document, offers: Sequence[tuple[int, Offer]]) -> None:
        """Updates were stored: tell the other gateways, if there are any; who missed that finds them in the log."""
        found = self._opened(document)
        if found is None:
            return
        if found.others_at and found.others_at > asyncio.get_running_loop().time() - OTHERS:
            for seq, offer in offers:
                head = _UPDATE_HEAD.pack(seq, offer.author.user_id.bytes)
                self._bus.publish(found.channel.name(), UPDATE + head + offer.data)
        self._look(found)

    def refresh(self, document: Document) -> "asyncio.Future[bool]":
        """Read what the log has beyond the document, one read at a time; says whether it could."""
        found = self._opened(document)
        if found is None:
            return asyncio.ensure_future(self._read_again(document))
        if found.refreshing is None or found.refreshing.done():
            found.refreshing = asyncio.create_task(self._read_again(document))
        return found.refreshing

    def drop(self, document: Document, reason: str) -> None:
        """It is not what the log has: everybody begins with a fresh one."""
        found = self._opened(document)
        if found is None:
            return
        log.warning("document_dropped", document=str(document.id), reason=reason)
        document.abandon()
        found.dismiss_all(RESET, reason)
        self._close(found)

    def _opened(self, document: Document) -> OpenDocument | None:
        """What is open here of a document; None when it is open no more, though another may be under its id."""
        found = self._open.get(document.id)
        return None if found is None or found.document is not document else found

    def _close(self, found: OpenDocument) -> None:
        del self._open[found.document.id]
        self._lingering.discard(found)
        found.unsubscribe()
        self._channels.leave(found.room, found)
        DOCUMENTS.set(len(self._open))

    async def _read_again(self, document: Document) -> bool:
        RESUMES.labels("document").inc()
        before = -1
        with contextlib.suppress(Unavailable):  # the next look at the heads finds it
            while before < document.seq:
                before = document.seq
                await self._read(document)
                if not document.is_behind:
                    break
            return True
        return False

    def _hinted(self, found: OpenDocument, body: bytes) -> None:
        """Something from the bus; what this node published itself comes back and is known already."""
        document = found.document
        if body.startswith(UPDATE) and len(body) > _UPDATE_HEAD.size:
            seq, actor = _UPDATE_HEAD.unpack_from(body, 1)
            if seq == document.seq + 1 and found.opening is None:
                document.take(seq, UUID(bytes=actor), body[1 + _UPDATE_HEAD.size :])
            elif seq > document.seq:
                self.refresh(document)
        elif body.startswith(SAID):
            found.show(found.presences.hear([(each[0], each[1], each[2]) for each in json.loads(body[1:])]))
        elif body.startswith((ASK, HERE)) and body[1:] != self._nonce:
            found.others_at = asyncio.get_running_loop().time()
            if body.startswith(ASK):
                self._bus.publish(found.channel.name(), HERE + self._nonce)
                here = found.presences.all(here_only=True)
                if here:
                    self._bus.publish(found.channel.name(), SAID + json.dumps(here).encode())
        elif body == service.MADE and found.opening is None and (found.resting is None or found.resting.done()):
            found.resting = asyncio.create_task(self._rest_quietly(found))

    async def _rest_quietly(self, found: OpenDocument) -> None:
        with contextlib.suppress(Unavailable):  # at the next question it is found
            await self._rest(found)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._settings.poll_interval)
            try:
                ids = list(self._open)
                async with self._database.system() as db:
                    found = await heads(db, ids)
                for document_id in ids:
                    self._compare(document_id, found.get(document_id, NO_LOG))
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
            self.drop(opened.document, "restored")
        elif at.seq > opened.document.seq:
            self.refresh(opened.document)
            if not opened.document.pending_bytes:  # somebody else wrote
                self._bus.publish(opened.channel.name(), ASK + self._nonce)

    async def _expire(self) -> None:
        while True:
            await asyncio.sleep(EXPIRE_EVERY)
            now = asyncio.get_running_loop().time()
            for found in self.all():
                found.show(found.presences.expire())
                if found.others_at > now - OTHERS:
                    self._bus.publish(found.channel.name(), HERE + self._nonce)
