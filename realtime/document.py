"""One shared document on this node: judges updates, passes them on, and has them stored in the order in which they came.

Nothing is applied here. An update is let through when the strict reader reads it, its items follow on those that are
here without a gap, and its client ids are its sender's. Where nothing can stand against it any more, it is passed on at
once and stored a moment later; where the database has the last word – somebody holds the keyboard, or a client id is
new – it is passed on when it is stored. Only the acknowledgement means stored.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import structlog

from core.eventlog import Appended, Entry, NewEntry
from core.ids import light_id
from core.model import TenantId
from realtime.connection import CLIENT_IN_USE, EditorConnection, update_frame
from realtime.group import GROUP, MAX_DELETE_RANGES, Group
from realtime.history import History
from realtime.metrics import DELIVERIES, UPDATES
from realtime.offer import Offer, Unstored
from realtime.yitems import contradictory, read_items
from realtime.ysummary import UpdateSummary
from realtime.ytyped import Typed
from realtime.yupdate import InvalidUpdate, read_update

log = structlog.get_logger()

UNSURE_MAX = 32
CONFLICTS = 20
"""Times that other gateways may come first before an offer is refused."""
SETTLE = 0.005
DELIVERED = DELIVERIES.labels("update")
STORED = UPDATES.labels("stored")


class House(Protocol):
    """What a document needs of the node that it is open on."""

    def ready(self, document: "Document") -> None:
        """There is something to store."""

    def refresh(self, document: "Document") -> "asyncio.Future[bool]":
        """Read what the log has beyond the document; says whether it could."""

    def stored(self, document: "Document", offers: Sequence[tuple[int, Offer]]) -> None:
        """Updates of this node were stored, under these numbers."""

    def drop(self, document: "Document", reason: str) -> None:
        """It is not what the log has: everybody begins with a fresh one."""


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
        self._storing: deque[Offer] = deque()
        self._early: dict[int, Offer] = {}
        """Stored before this node had read the log up to there, by number: acknowledged when it has."""
        self._conflicts = 0
        self._waits = False
        """For the log to be read on, before more can be judged."""
        self._writers: dict[int, EditorConnection] = {}
        """The connection that last wrote under a client id, as the log has it."""
        self._is_broken = False
        """It holds what the log will not have: nothing more of it is stored."""

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
        if not self.is_free or offer.is_shown or offer.claims or offer.author.barred is not None:
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
            or (typed.deletes and history.delete_ranges >= MAX_DELETE_RANGES)
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
        history, summary, person = self.history, offer.summary, offer.author.user_id
        if history.overlaps(summary) or history.fit(summary) != "new":  # an overlap is compared once: when it is stored
            return False
        if history.size + len(offer.data) > self._max_bytes:
            return False
        if history.delete_ranges + history.more_delete_ranges(summary) > MAX_DELETE_RANGES:
            return False
        for client in summary.clients:
            owner = history.owners.get(client)
            if (owner is not person and owner != person) or self._writers.get(client) is not offer.author:
                return False
        return True

    def take(self, seq: int, actor_id: UUID, data: bytes, op_id: UUID | None = None) -> None:
        """The next entry of the log, if it is another node's: remember it and pass it on."""
        early = self._early.pop(seq, None)
        if early is not None:
            early.author.stored(early.numbers)
        else:
            try:
                summary = read_update(data)
            except InvalidUpdate:
                log.exception("stored_update_unreadable", document=str(self.id), seq=seq)
            else:
                self._yield_to(data, summary, op_id)
                if self.history.take(data, summary, actor_id):
                    self._relay(data, None)
        self.seq = seq

    def _yield_to(self, data: bytes, summary: UpdateSummary, op_id: UUID | None) -> None:
        """What the log has first holds: where another node writes under a client id, nobody does so here.

        Who only claimed the id, as after a move, claims it anew on top of that.
        """
        overlaps = self.history.overlaps(summary)
        if not overlaps and self._writers.keys().isdisjoint(summary.clients):
            return
        if any(each.op_id == op_id for each in self._storing):
            return  # it was stored, and nobody has said so yet
        if overlaps:
            theirs = read_items(data)
            if any(contradictory(each.items, theirs) for each in self._shown() if Unstored([each]).meets(summary)):
                self._house.drop(self, "diverged")
                return
        for client in self.history.new_clients(summary, {}):
            writer = self._writers.pop(client, None)
            if writer is not None:
                writer.dismiss(CLIENT_IN_USE, "client-in-use")

    def _shown(self) -> list[Offer]:
        """What the others have, and nobody knows yet that the log has it."""
        shown = [offer for offer in (*self._storing, *self._pending) if offer.is_shown]
        return [*self._early.values(), *shown]

    def stored_vector(self) -> dict[int, int]:
        """The state vector of what is stored for certain."""
        return Unstored(self._shown()).without(self.history.vector)

    def _relay(self, data: bytes, author: EditorConnection | None) -> None:
        frames = update_frame(data)
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
                self.take(entry.seq, entry.actor_id, entry.data, entry.op_id)
            self.seq = entry.seq

    def rest_on(self, history: History, base: int) -> None:
        """Go on with a history that rests on a newer checkpoint and holds the log up to the same entry."""
        for offer in self._shown():
            history.take(offer.data, offer.summary, offer.author.user_id)
        self.history, self.base = history, base

    def forget(self, author: EditorConnection) -> None:
        """A connection is gone; what it offered before is still stored."""
        self.authors.discard(author)
        for client in [client for client, writer in self._writers.items() if writer is author]:
            del self._writers[client]

    # To the log, one group after the other: the next is judged when the fate of the former is known

    def next_group(self) -> list[NewEntry]:
        """The entries to append now; tell ``finish`` what became of them."""
        if self._storing or self._waits or self._is_broken:
            return []
        self._judge()
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
                NewEntry(
                    self.tenant_id, self.id, offer.op_id, "update", actor, None, offer.data, None, None, expected,
                    self.epoch,
                )
            )  # fmt: skip
        return entries

    def _judge(self) -> None:
        """Take the good ones off the queue.

        Who offers what brings again, or stands on, what is not known to be stored waits with all that follows from them.
        """
        group = Group(self._storing, self.history, self._writers, self._max_bytes)
        self._unsure.clear()
        while self._pending and self._pending[0].is_shown and not group.is_full:  # nearly always all of them
            group.offers.append(self._pending.popleft())
        if self._pending and not group.is_full:
            self._judge_others(group)

    def _judge_others(self, group: Group) -> None:
        waiting: list[Offer] = []
        try:
            self._sort(group, waiting)
        finally:
            self._pending.extendleft(reversed(waiting))
        if waiting and not group.offers:
            for offer in waiting:
                offer.has_waited = True
            self._read_on()

    def _sort(self, group: Group, waiting: list[Offer]) -> None:
        taken = Unstored(group.offers)
        behind = Unstored([*self._early.values(), *(each for each in self._pending if each.is_shown)])
        late: set[EditorConnection] = set()
        while self._pending and not group.is_full and len(waiting) < GROUP:
            offer = self._pending[0]
            if offer.is_shown:
                verdict = "new"
            elif offer.author in late or taken.meets(offer.summary) or behind.carries(offer.summary):
                verdict = "wait"
            else:
                self._show_if_sure(offer)
                verdict = "new" if offer.is_shown else group.verdict(offer)
            self._pending.popleft()
            if verdict == "wait" or (verdict == "gap" and not offer.has_waited):
                late.add(offer.author)
                waiting.append(offer)
            elif verdict == "new":
                group.add(offer)
                taken.add(offer)
            elif verdict == "known":
                self._known(offer)
            else:
                self._refuse(offer, "invalid" if verdict == "gap" else verdict)

    def finish(self, answers: Sequence[Appended]) -> None:
        """What became of the group."""
        if answers[0].epoch != self.epoch:
            self._storing.clear()
            self._house.drop(self, "restored")
            return
        again: list[Offer] = []
        newest = self.seq
        stored: list[tuple[int, Offer]] = []
        for answer in answers:
            offer = self._storing.popleft()
            newest = max(newest, answer.seq)
            if answer.outcome in {"new", "repeat"}:
                stored.append((answer.seq, offer))
                self._stored(offer, answer.seq)
            elif answer.outcome == "refused":
                again.append(offer)
            else:
                self._refuse(offer, "not-your-turn" if answer.outcome == "fenced" else "invalid")
        if stored:
            STORED.value += len(stored)
            self._house.stored(self, stored)
        self._pending.extendleft(reversed(again))
        self._conflicts = self._conflicts + 1 if again and not stored else 0
        if self._is_broken or self._conflicts > CONFLICTS:
            self.give_up()
        elif again:
            self._read_on()
        elif newest > self.seq:
            self._house.refresh(self)
        if self._pending and not self._waits:
            self._house.ready(self)

    def _stored(self, offer: Offer, seq: int) -> None:
        if not offer.is_shown and self.history.take(offer.data, offer.summary, offer.author.user_id):
            self._relay(offer.data, offer.author)
        self.pending_bytes -= len(offer.data)
        if offer.author in self.authors:
            self._writers.update(dict.fromkeys(offer.claims, offer.author))
        if seq > self.seq + 1:
            self._early[seq] = offer
            return
        self.seq = max(seq, self.seq)
        offer.author.stored(offer.numbers)

    def _read_on(self) -> None:
        self._waits = True
        self._house.refresh(self).add_done_callback(self._was_read)

    def _was_read(self, reading: "asyncio.Future[bool]") -> None:
        self._waits = False
        if reading.cancelled() or not reading.result():  # nobody knows whether what these stand on is there
            waited = [offer for offer in self._pending if offer.has_waited]
            for offer in waited:
                self._pending.remove(offer)
                self._refuse(offer, "unavailable")
        if self._pending:
            self._house.ready(self)

    def give_up(self) -> None:
        """Nothing that is pending can be stored now; what was shown of it was shown in vain."""
        offers = [*self._storing, *self._pending]
        for queue in (self._storing, self._pending, self._unsure):
            queue.clear()
        for offer in offers:
            self._refuse(offer, "unavailable")
        if self._is_broken:
            self._house.drop(self, "diverged")

    def abandon(self) -> None:
        """It is open no more: what waits is stored by nobody, and its authors are told that all begins anew."""
        self._is_broken = True
        for queue in (self._pending, self._unsure, self._early):
            queue.clear()

    def _known(self, offer: Offer) -> None:
        """All that it holds is stored."""
        UPDATES.labels("known").inc()
        self.pending_bytes -= len(offer.data)
        offer.author.stored(offer.numbers)

    def _refuse(self, offer: Offer, code: str) -> None:
        UPDATES.labels(code).inc()
        self.pending_bytes -= len(offer.data)
        self._is_broken = self._is_broken or offer.is_shown
        offer.author.refused(offer.numbers, code)

    @property
    def is_behind(self) -> bool:
        """Whether something of this node is stored further on than the log was read."""
        return bool(self._early)

    async def settled(self) -> None:
        """Wait until nothing is on its way to the log."""
        while self._pending or self._storing or self._early:
            await asyncio.sleep(SETTLE)
