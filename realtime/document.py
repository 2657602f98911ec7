"""One shared document on this node: judges updates, passes them on, and has them stored in the order in which they came.

Nothing is applied here. An update is let through when the strict reader reads it, its items follow on those that are
here without a gap, and its client ids are its sender's. Where nothing can stand against it any more, it is passed on at
once and stored a moment later; where the database has the last word – somebody holds the keyboard, or a client id is
new – it is passed on when it is stored. Only the acknowledgement means stored.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

import structlog

from core.eventlog import Appended, Entry, NewEntry
from core.ids import light_id
from core.model import TenantId, new_id
from realtime import ysync
from realtime.connection import CLIENT_IN_USE, EditorConnection
from realtime.history import History
from realtime.metrics import DELIVERIES, UPDATES
from realtime.websocket import frame
from realtime.ysummary import UpdateSummary
from realtime.ytyped import Typed
from realtime.yupdate import InvalidUpdate, read_update

log = structlog.get_logger()

GROUP = 128
UNSURE_MAX = 32
CONFLICTS = 20
"""Times that other gateways may come first before an offer is refused."""
SETTLE = 0.005
ACTIVE = 1.0
"""Seconds for which a connection that said something certainly lives."""
_op_ids = itertools.count(new_id().int)
"""Unique in the installation, for the process's first is; a new one for each update would cost more than judging it."""
_SHORT: Final = 120
_HEADS: Final = [frame(ysync.write_update(bytes(size)))[: -size or None] for size in range(_SHORT)]
"""What comes before an update of so many bytes."""
DELIVERED = DELIVERIES.labels("update")
STORED = UPDATES.labels("stored")


class Offer:
    """An update that a connection offers, under the numbers by which that knows it, in whole or in parts."""

    __slots__ = ("_summary", "author", "claims", "data", "has_waited", "is_shown", "numbers", "op_id", "typed")

    def __init__(
        self, author: EditorConnection, data: bytes, numbers: Sequence[int], *,
        summary: UpdateSummary | None = None, typed: Typed | None = None,
    ) -> None:  # fmt: skip
        self.author = author
        self.data = data
        self.numbers = numbers
        self.typed = typed
        """What it is, if it is text alone; else there is a summary."""
        self._summary = summary
        self.op_id = light_id(next(_op_ids))
        self.claims = False
        """It is the first of a client id: the log must not have moved since it was judged."""
        self.is_shown = False
        """The others have it already."""
        self.has_waited = False
        """The log was read on for what it stands on."""

    @property
    def summary(self) -> UpdateSummary:
        """What it would do."""
        if self._summary is None:
            assert self.typed is not None
            self._summary = self.typed.summary()
        return self._summary


class House(Protocol):
    """What a document needs of the node that it is open on."""

    def ready(self, document: "Document") -> None:
        """There is something to store."""

    def refresh(self, document: "Document") -> "asyncio.Future[None]":
        """Read what the log has beyond the document."""

    def stored(self, document: "Document", offers: Sequence[tuple[int, Offer]]) -> None:
        """Updates of this node were stored, under these numbers."""

    def diverged(self, document: "Document") -> None:
        """The others were shown what the log does not have."""


class Document:
    """The document ``id`` of a tenant, up to entry ``seq`` of its log."""

    def __init__(self, tenant_id: TenantId, document_id: UUID, max_bytes: int, house: House) -> None:
        self.tenant_id = tenant_id
        self.id = light_id(document_id.int)
        self.seq = 0
        self.epoch = 0
        self.base = 0
        """The entry up to which the history is a checkpoint's."""
        self.is_free = False
        """Nobody holds the keyboard, as far as is known: everybody may write."""
        self.history = History()
        self.authors: set[EditorConnection] = set()
        self.pending_bytes = 0
        """Bytes offered and not yet stored or refused."""
        self._max_bytes = max_bytes
        self._house = house
        self._pending: deque[Offer] = deque()
        self._unsure: list[Offer] = []
        """Those of the queue that came since it was last judged, and are not shown."""
        self._storing: list[Offer] = []
        self._conflicts = 0
        self._waits = False
        """For the log to be read on, before more can be judged."""
        self._writers: dict[int, EditorConnection] = {}
        """The connection that last wrote under a client id."""
        self._is_broken = False
        """Something was shown that the log will not have."""
        self._barred: dict[EditorConnection, str] = {}
        """Authors of whom something was refused, and why: what follows it cannot stand."""

    def offer(self, offer: Offer) -> None:
        """Judge an update and have it stored; its author is told."""
        self._show_if_sure(offer)
        self._pending.append(offer)
        if not offer.is_shown:
            self._unsure.append(offer)
        elif self._unsure:
            self._look_again()
        self.pending_bytes += len(offer.data)
        if not self._waits:
            self._house.ready(self)

    def _show_if_sure(self, offer: Offer) -> None:
        if not self.is_free or offer.is_shown or offer.author in self._barred:
            return
        typed = offer.typed
        if typed is not None and self._just_goes_on(typed, offer.author):
            self.history.go_on(typed)
        elif self._is_sure(offer):
            self.history.put(offer.data, offer.summary, offer.author.user_id)
        else:
            return
        offer.is_shown = True
        self._relay(offer.data, offer.author)

    def _just_goes_on(self, typed: Typed, author: EditorConnection) -> bool:
        """Whether somebody types on who typed last under a client id of their own: sure, by one look."""
        history, client = self.history, typed.client
        owner = history.owners.get(client)
        if (
            history.vector.get(client) != typed.first
            or self._writers.get(client) is not author
            or (owner is not author.user_id and owner != author.user_id)
            or history.size + len(typed.data) > self._max_bytes
        ):
            return False
        return not typed.needs or all(clock <= history.vector.get(other, 0) for other, clock in typed.needs.items())

    def _look_again(self) -> None:
        """What was read just before what it stands on, over another line, may go out now, and to the log behind it."""
        for offer in self._unsure[:UNSURE_MAX]:
            self._show_if_sure(offer)
            if offer.is_shown:
                self._unsure.remove(offer)
                self._pending.remove(offer)
                self._pending.append(offer)

    def _is_sure(self, offer: Offer) -> bool:
        """Whether an update is new, fits by itself, and brings items of its author's known client ids alone."""
        history, person = self.history, offer.author.user_id
        if history.fit(offer.summary) != "new" or history.size + len(offer.data) > self._max_bytes:
            return False
        for client in offer.summary.clients:
            owner = history.owners.get(client)
            if owner is not person and owner != person:
                return False
        return not self._is_doubled(offer)

    def _is_doubled(self, offer: Offer) -> bool:
        """Whether two connections of one person write under one client id: they would differ for ever.

        One that was cut off and is back takes its id with it; who is left of the former connection is sent away.
        """
        author, writers = offer.author, self._writers
        for client in offer.summary.clients:
            writer = writers.get(client)
            if writer is author:
                continue
            if writer is not None:
                if writer.heard_at > time.monotonic() - ACTIVE:
                    return True
                writer.dismiss(CLIENT_IN_USE, "client-in-use")
            writers[client] = author
        return False

    def changes(self, summary: UpdateSummary) -> bool:
        """Whether an update would change anything."""
        return self.history.fit(summary) != "known"

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
            self._relay(data, author)
        if seq == self.seq + 1:
            self.seq = seq

    def _relay(self, data: bytes, author: EditorConnection | None) -> None:
        size = len(data)
        frames = _HEADS[size] + data if size < _SHORT else frame(ysync.write_update(data))
        for other in self.authors:
            if other is not author:
                other.write(frames)
        DELIVERED.value += len(self.authors) - (author in self.authors)

    def read(self, entries: Sequence[Entry]) -> None:
        """Take in a run of the log."""
        for entry in entries:
            if entry.seq <= self.seq:
                continue
            if entry.data is not None:
                self.take(entry.seq, entry.actor_id, entry.data)
            self.seq = entry.seq

    def rest_on(self, history: History, base: int) -> None:
        """Go on with a history that rests on a newer checkpoint and holds the log up to the same entry."""
        for offer in (*self._storing, *self._pending):
            if offer.is_shown:
                history.take(offer.data, offer.summary, offer.author.user_id)
        self.history, self.base = history, base

    def forget(self, author: EditorConnection) -> None:
        """A connection is gone; what it offered before is still stored."""
        self.authors.discard(author)
        for client in [client for client, writer in self._writers.items() if writer is author]:
            del self._writers[client]
        self._barred.pop(author, None)

    # To the log, one group after the other: the next is judged when the fate of the former is known

    def next_group(self) -> list[NewEntry]:
        """The entries to append now; tell ``finish`` what became of them."""
        if self._storing or self._waits:
            return []
        self._storing = self._judged()
        entries, shown = [], None
        for seq, offer in enumerate(self._storing, self.seq):
            actor = offer.author.user_id
            # What stands on another's update that the database may refuse must not be stored without it.
            expected = seq if offer.claims else None
            if offer.is_shown:
                if shown is not None and shown != actor:
                    expected = seq
                shown = actor
            entries.append(
                NewEntry(self.tenant_id, self.id, offer.op_id, "update", actor, None, offer.data, None, None, expected)
            )
        return entries

    def _judged(self) -> list[Offer]:
        """Take the good ones off the queue, up to one that stands on what is not here."""
        group: list[Offer] = []
        ahead: dict[int, int] = {}
        owners: dict[int, UUID] = {}
        size = self.history.size
        self._unsure.clear()
        while self._pending and self._pending[0].is_shown and len(group) < GROUP:  # nearly always all of them
            group.append(self._pending.popleft())
        while self._pending and len(group) < GROUP:
            offer = self._pending[0]
            if not offer.is_shown:
                self._show_if_sure(offer)  # what it waited for may be here by now
            verdict = "new" if offer.is_shown else self._verdict(offer, ahead, owners, size)
            if verdict == "gap" and not offer.has_waited:
                if not group:
                    offer.has_waited = True
                    self._read_on()
                break
            self._pending.popleft()
            if verdict != "new":
                self._answer(offer, verdict)
                continue
            group.append(offer)
            if not offer.is_shown:
                size += len(offer.data)
                for client, (_, end) in offer.summary.clients.items():
                    ahead[client] = max(end, ahead.get(client, 0))
        return group

    def _verdict(self, offer: Offer, ahead: dict[int, int], owners: dict[int, UUID], size: int) -> str:
        """``new``, ``known``, ``gap`` or the code of its refusal."""
        fit = self.history.fit(offer.summary, ahead)
        if fit == "known":
            return "known"
        if offer.author in self._barred:
            return self._barred[offer.author]
        if fit == "gap":
            return "gap"
        offer.claims = False
        for client in self.history.new_clients(offer.summary, ahead):
            owner = self.history.owners.get(client) or owners.get(client)
            if owner is None:
                owners[client] = offer.author.user_id
                offer.claims = True
            elif owner != offer.author.user_id:
                return "client-in-use"
        if self._is_doubled(offer):
            return "client-in-use"
        return "new" if size + len(offer.data) <= self._max_bytes else "too-large"

    def finish(self, answers: Sequence[Appended]) -> None:
        """What became of the group."""
        group, self._storing = self._storing, []
        again: list[Offer] = []
        newest = self.seq
        stored: list[tuple[int, Offer]] = []
        for offer, answer in zip(group, answers, strict=True):
            newest = max(newest, answer.seq)
            if answer.outcome in {"new", "repeat"}:
                self._stored(offer, answer.seq)
                stored.append((answer.seq, offer))
            elif answer.outcome == "refused":
                again.append(offer)
            else:
                self._refuse(offer, "not-your-turn" if answer.outcome == "fenced" else "invalid")
        if stored:
            STORED.value += len(stored)
            self._house.stored(self, stored)
        self._pending.extendleft(reversed(again))
        self._conflicts = self._conflicts + 1 if again else 0
        if self._is_broken or self._conflicts > CONFLICTS:
            self.give_up()
        elif again:
            self._read_on()
        elif newest > self.seq:
            self._house.refresh(self)
        if self._pending and not self._waits:
            self._house.ready(self)

    def _stored(self, offer: Offer, seq: int) -> None:
        if not offer.is_shown:
            self._keep(seq, offer.author.user_id, offer.data, offer.summary, offer.author)
        elif seq == self.seq + 1:
            self.seq = seq
        self.pending_bytes -= len(offer.data)
        offer.author.stored(offer.numbers)

    def _read_on(self) -> None:
        self._waits = True
        self._house.refresh(self).add_done_callback(self._was_read)

    def _was_read(self, _: "asyncio.Future[None]") -> None:
        self._waits = False
        if self._pending:
            self._house.ready(self)

    def give_up(self) -> None:
        """Nothing that is pending can be stored now; what was shown of it was shown in vain."""
        offers = [*self._storing, *self._pending]
        self._storing.clear()
        self._pending.clear()
        self._unsure.clear()
        for offer in offers:
            self._refuse(offer, "unavailable")
        if self._is_broken:
            self._house.diverged(self)

    def _answer(self, offer: Offer, verdict: str) -> None:
        if verdict == "known":
            UPDATES.labels("known").inc()
            self.pending_bytes -= len(offer.data)
            offer.author.stored(offer.numbers)
        else:
            self._refuse(offer, "invalid" if verdict == "gap" else verdict)

    def _refuse(self, offer: Offer, code: str) -> None:
        UPDATES.labels(code).inc()
        self.pending_bytes -= len(offer.data)
        if offer.author in self.authors:
            self._barred.setdefault(offer.author, code)
        self._is_broken = self._is_broken or offer.is_shown
        offer.author.refused(offer.numbers, code)

    async def settled(self) -> None:
        """Wait until nothing is on its way to the log."""
        while self._pending or self._storing:
            await asyncio.sleep(SETTLE)
