"""Whether the log agrees with what people were told: pure functions from facts and log to violations.

Every function looks for one kind of broken promise (``docs/operations/load.md``, "What is checked") and yields a violation for each place.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID, uuid5

from loadtests.facts import (
    Acked,
    CutShort,
    Document,
    EditAcked,
    Edited,
    Entered,
    Entry,
    Fact,
    Received,
    Refused,
    Sent,
    Stayed,
    Stored,
    Text,
)

DERIVED = 8
"""Events that one command makes, at most."""


class Violation(NamedTuple):
    """A broken promise: of which kind, and where."""

    kind: str
    where: str


class History:
    """The facts of a run, sorted by what they speak of."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.sent: dict[str, list[Sent]] = defaultdict(list)
        self.acked: dict[str, Acked] = {}
        self.refused: dict[str, Refused] = {}
        self.heard: dict[tuple[str, str], list[Entered | Received]] = defaultdict(list)
        self.stayed: list[Stayed] = []
        self.edited: list[Edited] = []
        self.edits_acked: set[tuple[str, str, str, bool]] = set()
        self.texts: list[Text] = []
        self.echoes: list[Received] = []
        """One's own events that came before their acknowledgement."""
        self.is_whole = True
        for fact in facts:
            self._take(fact)

    def _take(self, fact: Fact) -> None:
        match fact:
            case Sent():
                self.sent[fact.op_id].append(fact)
            case Acked():
                self.acked.setdefault(fact.op_id, fact)
            case Refused():
                self.refused[fact.op_id] = fact
            case Entered() | Received():
                self._hear(fact)
            case Stayed():
                self.stayed.append(fact)
            case Edited():
                self.edited.append(fact)
            case EditAcked():
                self.edits_acked.add((fact.client, fact.document, fact.word, fact.erased))
            case Text():
                self.texts.append(fact)
            case CutShort():
                self.is_whole = False

    def _hear(self, fact: Entered | Received) -> None:
        self.heard[fact.client, fact.room].append(fact)
        if isinstance(fact, Entered) or fact.tail or fact.op_id in self.acked:
            return
        tries = self.sent.get(fact.op_id, ())
        if len(tries) == 1:
            (only,) = tries
            if (only.client, only.connection) == (fact.client, fact.connection):
                self.echoes.append(fact)


Look = Callable[[History, Stored], Iterable[Violation]]


def check(facts: Iterable[Fact], stored: Stored, looks: Sequence[Look] = ()) -> list[Violation]:
    """All violations, of all kinds or of those that ``looks`` find; none is what a run must end with."""
    history = History(facts)
    found = [] if history.is_whole else [Violation("cut-short", "more happened than was kept")]
    for look in looks or LOOKS:
        found += look(history, stored)
    return found


def numbers_without_gaps(_history: History, stored: Stored) -> Iterator[Violation]:
    """Every log counts 1, 2, 3 …, and every operation is in it once."""
    logs: list[tuple[str, Sequence[int]]] = [
        (name, [entry.seq for entry in room.entries]) for name, room in stored.rooms.items()
    ]
    logs += [(name, [change.seq for change in document.changes]) for name, document in stored.documents.items()]
    for name, numbers in logs:
        if list(numbers) != list(range(1, len(numbers) + 1)):
            yield Violation("gap", f"the log of {name} does not count from 1 by 1")
    for name, room in stored.rooms.items():
        for op_id, count in Counter(entry.op_id for entry in room.entries).items():
            if count > 1:
                yield Violation("duplicated", f"operation {op_id} is {count} times in the log of {name}")


def acknowledged_is_stored(history: History, stored: Stored) -> Iterator[Violation]:
    """What was acknowledged is in the log under the number that was said, what was refused is not."""
    by_op = {(name, entry.op_id): entry for name, room in stored.rooms.items() for entry in room.entries}
    for op_id, ack in history.acked.items():
        made = [by_op[ack.room, each] for each in ids_of(op_id) if (ack.room, each) in by_op]
        if made and ack.seq not in {entry.seq for entry in made}:
            yield Violation("wrong-number", f"{op_id} was acknowledged as {ack.seq}, stored as {made[-1].seq}")
        if not made and any(each.stores for each in history.sent[op_id]):
            yield Violation("lost", f"{op_id} of {ack.client}, acknowledged as {ack.seq}, is not in {ack.room}")
    for op_id, refusal in history.refused.items():
        if op_id not in history.acked and (refusal.room, op_id) in by_op:
            yield Violation("refused-but-stored", f"{op_id} of {refusal.client}: {refusal.code}")


def ids_of(op_id: str) -> list[str]:
    """The ids of the events that one command makes (``core.eventlog.op_ids``)."""
    return [op_id, *(str(uuid5(UUID(op_id), str(number))) for number in range(1, DERIVED))]


def nothing_is_done_twice(history: History, stored: Stored) -> Iterator[Violation]:
    """One command makes its event once, however often it was offered and under whatever id it was stored."""
    marks = Counter((name, entry.mark) for name, room in stored.rooms.items() for entry in room.entries if entry.mark)
    for tries in history.sent.values():
        count = marks[tries[0].room, tries[0].mark] if tries[0].mark else 0
        if count > 1:
            yield Violation("duplicated", f"{tries[0].event} {tries[0].mark!r} is {count} times in {tries[0].room}")


def own_order_is_kept(history: History, _stored: Stored) -> Iterator[Violation]:
    """What a client sent over one connection, once, has rising numbers."""
    last: dict[tuple[str, str, int], int] = {}
    for op_id, tries in history.sent.items():  # in the order of the first try
        ack = history.acked.get(op_id)
        if ack is None or len(tries) > 1 or not tries[0].stores:
            continue
        line = (tries[0].client, tries[0].room, tries[0].connection)
        if ack.seq <= last.get(line, 0):
            yield Violation("own-order", f"{op_id} of {ack.client} is {ack.seq}, after {last[line]}")
        last[line] = ack.seq


def echo_follows_acknowledgement(history: History, _stored: Stored) -> Iterator[Violation]:
    """One's own event comes after its acknowledgement."""
    for each in history.echoes:
        yield Violation("early-echo", f"{each.op_id} came to {each.client} before it was acknowledged")


def everybody_heard_everything(history: History, stored: Stored) -> Iterator[Violation]:
    """Each client has every number from its first snapshot on, in order, as the log has it."""
    ends: dict[tuple[str, str], int] = {}
    for (client, name), heard in history.heard.items():
        room = stored.rooms.get(name)
        if room is None or not any(isinstance(fact, Entered) for fact in heard):
            yield Violation("foreign", f"{client} heard of {name} without being in it")
            continue
        entries = {entry.seq: entry for entry in room.entries}
        ends[client, name] = yield from _follow(client, room.epoch, entries, heard)
    heads: dict[str, int] = defaultdict(int)
    told: list[Acked | Stayed] = [*history.acked.values(), *history.stayed]
    for known in told:
        heads[known.room] = max(heads[known.room], known.seq)
    for each in history.stayed:
        if ends.get((each.client, each.room), 0) < heads[each.room]:
            yield Violation("missed", f"{each.client} never heard of {heads[each.room]} in {each.room}")


class _Ear:
    """One client's hearing of one room: the last number it has, and what came before it was in."""

    def __init__(self) -> None:
        self.have = 0
        self._connection = 0
        self._live = 0
        self._is_in = False
        self._early: set[int] = set()

    def hear(self, fact: Entered | Received) -> str | None:
        """Take in one fact; what is wrong with it, if anything."""
        if fact.connection != self._connection:
            self._connection, self._live, self._is_in, self._early = fact.connection, 0, False, set()
        wrong = self._enter(fact) if isinstance(fact, Entered) else self._receive(fact)
        while self._is_in and self.have + 1 in self._early:
            self.have += 1
        return wrong

    def _enter(self, fact: Entered) -> str | None:
        had, self.have, self._is_in = self.have, fact.seq, True
        return f"came back with {fact.seq}, having {had}" if fact.tail and fact.seq != had else None

    def _receive(self, fact: Received) -> str | None:
        wrong = None
        if not fact.tail:
            if self._live and fact.seq != self._live + 1:
                wrong = f"was sent {fact.seq} after {self._live} over one connection"
            self._live = fact.seq
        if not (self._is_in or fact.tail):
            self._early.add(fact.seq)
            return wrong
        if fact.seq > self.have + 1:
            wrong = f"heard {fact.seq}, having {self.have}"
        self.have = max(self.have, fact.seq)
        return wrong


def _follow(
    client: str, epoch: int, entries: dict[int, Entry], heard: Sequence[Entered | Received]
) -> Generator[Violation, None, int]:
    """Go through what one client heard of one room; returns the last number that it has."""
    ear = _Ear()
    for fact in heard:
        wrong = ear.hear(fact)
        if wrong is not None:
            yield Violation("missed", f"{client} {wrong} in {fact.room}")
        if isinstance(fact, Received):
            yield from _compare(client, epoch, entries.get(fact.seq), fact)
    return ear.have


def _compare(client: str, epoch: int, entry: Entry | None, fact: Received) -> Iterator[Violation]:
    if entry is None or fact.epoch != epoch:
        yield Violation("invented", f"{client} heard {fact.seq} of epoch {fact.epoch}, which is not in the log")
        return
    is_for = entry.audience is None or client in entry.audience
    if fact.op_id != entry.op_id and is_for:
        yield Violation("invented", f"{client} heard {fact.op_id} as {fact.seq}, the log has {entry.op_id}")
    if fact.hidden == is_for:
        kind = "withheld" if is_for else "disclosed"
        yield Violation(kind, f"{fact.seq} of {fact.room} to {client}")


def everything_was_answered(history: History, _stored: Stored) -> Iterator[Violation]:
    """Nobody who stayed to the end still waits for an answer."""
    stayed = {each.client for each in history.stayed}
    for op_id, tries in history.sent.items():
        if op_id not in history.acked and op_id not in history.refused and tries[0].client in stayed:
            yield Violation("unanswered", f"{tries[0].event} {op_id} of {tries[0].client}")


def everybody_is_back(history: History, _stored: Stored) -> Iterator[Violation]:
    """Who was ever in is in at the end, and is seen by everybody in the room; nobody else is."""
    came: dict[str, set[str]] = defaultdict(set)
    present: dict[str, set[str]] = defaultdict(set)
    for (client, room), heard in history.heard.items():
        if any(isinstance(fact, Entered) for fact in heard):
            came[room].add(client)
    for each in history.stayed:
        present[each.room].add(each.client)
    for room, people in came.items():
        for client in sorted(people - present[room]):
            yield Violation("absent", f"{client} did not come back to {room}")
    for each in history.stayed:
        for client in sorted(present[each.room] ^ set(each.here)):
            shown = "shown, but is not there" if client in each.here else "there, but is not shown"
            yield Violation("presence", f"{client} is {shown} to {each.client} in {each.room}")


def one_holder_per_epoch(_history: History, stored: Stored) -> Iterator[Violation]:
    """The right to type moves with a new epoch each time, and who does not hold it writes nothing."""
    for name, room in stored.rooms.items():
        moves = [(entry.at, *entry.lease) for entry in room.entries if entry.lease is not None]
        for (_, before, _), (_, after, _) in pairwise(moves):
            if after <= before:
                yield Violation("two-holders", f"epoch {after} of {name} came after {before}")
        for document in room.documents:
            for change in stored.documents[document].changes if document in stored.documents else ():
                holder = next((holder for at, _, holder in reversed(moves) if at <= change.at), None)
                if holder is not None and holder != change.actor:
                    yield Violation("two-holders", f"{change.actor} wrote {change.seq} of {document}, held by {holder}")


def acknowledged_edits_are_stored(history: History, stored: Stored) -> Iterator[Violation]:
    """Every acknowledged edit is in the document's log, and none is more than once in its text."""
    last: dict[tuple[str, str, str], list[Edited]] = defaultdict(list)
    for edit in history.edited:
        last[edit.client, edit.document, edit.word].append(edit)
    covered = {name: _covered(document) for name, document in stored.documents.items()}
    whole = {name: "\n".join(document.texts.values()) for name, document in stored.documents.items()}
    for (client, name, word), edits in last.items():
        if name not in covered:
            yield Violation("lost-edit", f"the document {name} is not in the database")
            continue
        acked = [(client, name, word, edit.erased) in history.edits_acked for edit in edits]
        for edit, is_acked in zip(edits, acked, strict=True):
            if is_acked and not _holds(covered[name].get(edit.author, ()), edit.start, edit.end):
                yield Violation("lost-edit", f"{edit.start} to {edit.end} of {edit.author} ({word!r} of {client})")
        count = whole[name].count(word)
        if count > 1:
            yield Violation("duplicated-edit", f"{word!r} of {client} is {count} times in the text")
        if acked[-1] and count != (not edits[-1].erased):
            yield Violation("lost-edit", f"{word!r} of {client} is {count} times in the text")


def _covered(document: Document) -> dict[int, list[tuple[int, int]]]:
    """For each Yjs client the ranges of clocks that the log has, apart from each other and rising."""
    ranges: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for change in document.changes:
        for author, (start, end) in change.clocks.items():
            known = ranges[author]
            if known and start <= known[-1][1]:
                known[-1] = (min(start, known[-1][0]), max(end, known[-1][1]))
            else:
                known.append((start, end))
    return ranges


def _holds(ranges: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    return start == end or any(first <= start and end <= last for first, last in ranges)


def replicas_converge(history: History, stored: Stored) -> Iterator[Violation]:
    """What everybody sees when all is quiet is what the log amounts to."""
    for each in history.texts:
        document = stored.documents.get(each.document)
        if document is None or document.texts.get(each.file, "") != each.text:
            yield Violation("diverged", f"{each.file} of {each.document} at {each.client}")


LOOKS: Sequence[Look] = (
    numbers_without_gaps,
    acknowledged_is_stored,
    nothing_is_done_twice,
    own_order_is_kept,
    echo_follows_acknowledgement,
    everybody_heard_everything,
    everything_was_answered,
    everybody_is_back,
    one_holder_per_epoch,
    acknowledged_edits_are_stored,
    replicas_converge,
)
