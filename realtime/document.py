"""One shared document on this node: judges updates, appends them in groups, and passes them on once they are stored.

Nothing is applied here. An update is let through when the strict reader reads it, its items follow on those that are
stored without a gap, and its client ids are its sender's. Groups of one document go to the log one after the other:
the next is judged when the fate of the former is known, so an update never stands on one that was refused.
"""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

import structlog

from core.errors import Unavailable
from core.eventlog import Appended, Entry, LogWriter, NewEntry
from core.model import TenantId, new_id
from realtime.connection import EditorConnection
from realtime.history import History
from realtime.metrics import UPDATE_GROUP, UPDATES
from realtime.yupdate import InvalidUpdate, UpdateSummary, read_update

log = structlog.get_logger()

GROUP = 128
RETRIES = 20
RETRY_DELAY = 0.5
CONFLICTS = 20
"""Times that other gateways may come first before an offer is refused."""
Stored = Callable[["Document", int, UUID, bytes], None]
"""Called with document, number, actor and bytes of an update that this node stored."""


class Offer:
    """An update that a connection offers."""

    __slots__ = ("author", "claims", "data", "number", "op_id", "summary")

    def __init__(self, author: EditorConnection, data: bytes, number: int | None, summary: UpdateSummary) -> None:
        self.author = author
        self.data = data
        self.number = number
        self.summary = summary
        self.op_id = new_id()
        self.claims = False


class Document:
    """The document ``id`` of a tenant, up to entry ``seq`` of its log."""

    def __init__(
        self, tenant_id: TenantId, document_id: UUID, writer: LogWriter, max_bytes: int,
        refresh: Callable[["Document"], "asyncio.Future[None]"], on_stored: Stored,
    ) -> None:  # fmt: skip
        self.tenant_id = tenant_id
        self.id = document_id
        self.seq = 0
        self.epoch = 0
        self.history = History()
        self.authors: set[EditorConnection] = set()
        self._writer = writer
        self._max_bytes = max_bytes
        self._refresh = refresh
        self._on_stored = on_stored
        self._pending: list[Offer] = []
        self._pending_bytes = 0
        self._flushing: asyncio.Task[None] | None = None
        self._barred: dict[EditorConnection, str] = {}
        """Authors of whom something was refused, and why: what follows it cannot stand."""

    @property
    def pending_bytes(self) -> int:
        """Bytes offered and not yet stored or refused."""
        return self._pending_bytes

    def offer(self, author: EditorConnection, data: bytes, number: int | None, summary: UpdateSummary) -> None:
        """Judge an update and store it soon; its author is told."""
        self._pending.append(Offer(author, data, number, summary))
        self._pending_bytes += len(data)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="document")

    def changes(self, summary: UpdateSummary) -> bool:
        """Whether an update would change anything."""
        return self.history.fit(summary, {}) != "known"

    def take(self, seq: int, actor_id: UUID, data: bytes) -> None:
        """An update came from the log: remember it and pass it on."""
        try:
            self._keep(seq, actor_id, data, read_update(data), None)
        except InvalidUpdate:
            log.exception("stored_update_unreadable", document=str(self.id), seq=seq)

    def _keep(
        self, seq: int, actor_id: UUID, data: bytes, summary: UpdateSummary, author: EditorConnection | None
    ) -> None:
        if self.history.take(data, summary, actor_id):
            for other in self.authors:
                if other is not author:
                    other.relay(data)
        if seq == self.seq + 1:
            self.seq = seq

    def read(self, entries: Sequence[Entry]) -> None:
        """Take in a run of the log."""
        for entry in entries:
            if entry.seq <= self.seq:
                continue
            if entry.data is not None:
                self.take(entry.seq, entry.actor_id, entry.data)
            self.seq = entry.seq

    def forget(self, author: EditorConnection) -> None:
        """A connection is gone; what it offered before is still stored."""
        self.authors.discard(author)
        self._barred.pop(author, None)

    async def settled(self) -> None:
        """Wait until nothing is pending."""
        while self._flushing is not None:
            await asyncio.wait([self._flushing])

    async def _flush(self) -> None:
        conflicts = 0
        try:
            while self._pending:
                group, self._pending = self._pending[:GROUP], self._pending[GROUP:]
                again = await self._store(group)
                conflicts = conflicts + 1 if again else 0
                if conflicts > CONFLICTS:
                    self._refuse_all(again, "invalid")
                    again = []
                self._pending[:0] = again
        except Exception as error:
            if not isinstance(error, Unavailable):
                log.exception("document_flush_failed", document=str(self.id))
            self._refuse_all([*group, *self._pending], "unavailable")
            self._pending.clear()
            self._pending_bytes = 0
        finally:
            self._flushing = None

    async def _store(self, group: list[Offer]) -> list[Offer]:
        """Judge and append a group; answers those that must be judged again.

        Raises:
            Unavailable: the log cannot be reached; nothing of the group is acknowledged.
        """
        good = self._judge(group)
        if any(each is None for each in good):
            await self._refresh(self)
            good = self._judge(group)
        offers: list[Offer] = []
        for offer, verdict in zip(group, good, strict=True):
            if verdict == "new":
                offers.append(offer)
            elif verdict == "known":
                self._acknowledge(offer, "known")
            else:
                self._refuse(offer, verdict or "invalid")
        if not offers:
            return []
        UPDATE_GROUP.observe(len(offers))
        again = self._finish(offers, await self._append(offers))
        if again:
            await self._refresh(self)
        return again

    def _judge(self, group: Sequence[Offer]) -> list[str | None]:
        """For each offer ``new``, ``known``, the code of its refusal, or None: it stands on what is not here."""
        verdicts: list[str | None] = []
        ahead: dict[int, int] = {}
        owners: dict[int, UUID] = {}
        size = self.history.size
        barred = dict(self._barred)
        for offer in group:
            verdict = self._verdict(offer, ahead, owners, size, barred)
            if verdict == "new":
                size += len(offer.data)
                for client, (_, end) in offer.summary.clients.items():
                    ahead[client] = max(end, ahead.get(client, 0))
            elif verdict != "known":
                barred.setdefault(offer.author, verdict or "invalid")
            verdicts.append(verdict)
        return verdicts

    def _verdict(
        self,
        offer: Offer,
        ahead: dict[int, int],
        owners: dict[int, UUID],
        size: int,
        barred: dict[EditorConnection, str],
    ) -> str | None:
        fit = self.history.fit(offer.summary, ahead)
        if fit == "known":
            return "known"
        if offer.author in barred:
            return barred[offer.author]
        if fit == "gap":
            return None
        offer.claims = False
        for client in self.history.new_clients(offer.summary, ahead):
            owner = self.history.owners.get(client) or owners.get(client)
            if owner is None:
                owners[client] = offer.author.user_id
                offer.claims = True
            elif owner != offer.author.user_id:
                return "client-in-use"
        return "new" if size + len(offer.data) <= self._max_bytes else "too-large"

    async def _append(self, offers: list[Offer]) -> list[Appended]:
        """Append; while the log is out of reach, again with the same ids, for the outcome may be unknown."""
        entries = [
            NewEntry(
                tenant_id=self.tenant_id,
                stream_id=self.id,
                op_id=offer.op_id,
                kind="update",
                actor_id=offer.author.user_id,
                data=offer.data,
                expected=self.seq + place if offer.claims else None,
            )
            for place, offer in enumerate(offers)
        ]
        for retry in range(RETRIES):
            try:
                return await self._writer.append(entries)
            except Unavailable:
                if retry == RETRIES - 1:
                    raise
                await asyncio.sleep(RETRY_DELAY)
        raise AssertionError("unreachable")

    def _finish(self, offers: list[Offer], answers: Sequence[Appended]) -> list[Offer]:
        again: list[Offer] = []
        newest = self.seq
        for offer, (outcome, seq, *_) in zip(offers, answers, strict=True):
            newest = max(newest, seq)
            if outcome in {"new", "repeat"}:
                self._keep(seq, offer.author.user_id, offer.data, offer.summary, offer.author)
                self._on_stored(self, seq, offer.author.user_id, offer.data)
                self._acknowledge(offer, "stored")
            elif outcome == "refused":
                again.append(offer)
            else:
                self._refuse(offer, "not-your-turn" if outcome == "fenced" else "invalid")
        if newest > self.seq and not again:
            self._refresh(self)
        return again

    def _acknowledge(self, offer: Offer, outcome: str) -> None:
        UPDATES.labels(outcome).inc()
        self._pending_bytes -= len(offer.data)
        offer.author.stored(offer.number)

    def _refuse(self, offer: Offer, code: str) -> None:
        UPDATES.labels(code).inc()
        self._pending_bytes -= len(offer.data)
        if offer.author in self.authors:
            self._barred.setdefault(offer.author, code)
        offer.author.refused(offer.number, code)

    def _refuse_all(self, offers: Sequence[Offer], code: str) -> None:
        for offer in offers:
            self._refuse(offer, code)
