"""What a shared document consists of, by the headers of its updates alone: nothing is ever applied.

It knows every client's clock (the state vector), what is deleted, who owns which client id, and keeps
the items as raw bytes in the order of their clocks. So it can answer a sync step 1 with what is
missing, and judge whether a new update fits without a gap.
"""

import itertools
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple
from uuid import UUID

from realtime.lib0 import varuint
from realtime.ranges import Range, Ranges
from realtime.yitems import Item, contradict, read_items
from realtime.ysummary import UpdateSummary
from realtime.ytyped import Typed
from realtime.yupdate import read_deletions

Fit = Literal["new", "known", "gap"]
CHUNK_BYTES = 4_096
ANSWER_BYTES = 1_048_576
"""Of one part of an answer, unless one chunk is longer."""
ANSWER_RANGES = ANSWER_BYTES // 32
"""Deletions in one part; each takes 32 bytes at most, with its client's id."""
COMPARED = 4
"""Bytes of the document that are read again for each byte of an update that brings what is known."""
NO_DELETIONS = b"\x00"


class Part(NamedTuple):
    """An update that is a part of an answer."""

    update: bytes
    is_last: bool


class Chunk:
    """Consecutive items of one client; the last of a client may grow."""

    __slots__ = ("data", "end", "first", "items")

    def __init__(self, first: int, end: int, items: int, data: bytes | bytearray) -> None:
        self.first = first
        self.end = end
        self.items = items
        self.data = data


class Kept(NamedTuple):
    """One client in a checkpoint: whose it is, and where its items lie."""

    client: int
    owner: UUID
    start: int
    pieces: list[list[int]]
    """Clock after the last item, number of items, and where their bytes stop."""


class Checkpoint(NamedTuple):
    """A document's first ``seq`` entries, merged."""

    seq: int
    state: bytes
    clients: list[Kept]


class History:
    """One document."""

    def __init__(self) -> None:
        self.vector: dict[int, int] = {}
        self.owners: dict[int, UUID] = {}
        self.size = 0
        """Bytes of the checkpoint and of all updates taken in since."""
        self.base_size = 0
        """Bytes of the checkpoint."""
        self.updates = 0
        """Taken in since the checkpoint."""
        self.delete_ranges = 0
        """Of all clients: each is written again when somebody asks for the document after a deletion."""
        self._deletions: Sequence[bytes] | None = (NO_DELETIONS,)
        """As they are sent, in as many parts; None: to be written anew."""
        self._chunks: dict[int, list[Chunk]] = {}
        self._sealed: dict[int, int] = {}
        """Where the checkpoint ends: who has it gets only what follows."""
        self._odd: dict[int, list[tuple[int, bytes]]] = {}
        """End and section of updates that overlapped what was there of a client, as after an edit in two tabs."""
        self._deleted: dict[int, Ranges] = {}

    def fit(self, summary: UpdateSummary, ahead: dict[int, int] | None = None) -> Fit:
        """Whether an update fits on this document, when the clocks in ``ahead`` were reached on top of it.

        ``known``: it changes nothing. ``gap``: it skips clocks, or builds on items that are not here.
        """
        if summary.has_skips:
            return "gap"
        vector = {**self.vector, **ahead} if ahead else self.vector
        for client, clock in summary.needs.items():
            if clock > vector.get(client, 0):
                return "gap"
        for client, (_, end) in summary.clients.items():
            if end > vector.get(client, 0):
                return "new"
        for client, ranges in summary.deletes.items():
            deleted = self._deleted.get(client)
            if deleted is None or not all(deleted.covers(*each) for each in ranges):
                return "new"
        return "known"

    def overlaps(self, summary: UpdateSummary) -> bool:
        """Whether an update brings items that are known, alone or before new ones."""
        return any(first < self.vector.get(client, 0) for client, (first, _) in summary.clients.items())

    def contradicts(self, theirs: Mapping[int, Sequence[Item]], size: int) -> bool:
        """Whether an update of ``size`` bytes says something else than this document at clocks that are known.

        It is looked at as far as that takes time in proportion to its own length.
        """
        patience = COMPARED * (size + CHUNK_BYTES)
        for client, items in theirs.items():
            sealed = self._sealed.get(client, 0)
            for section in self._sections(client, [(each.first, each.end) for each in items if each.has_words]):
                patience -= len(section)
                if patience < 0:
                    return False
                if contradict(client, read_items(_update((section,), NO_DELETIONS))[client], items, sealed):
                    return True
        return False

    def _sections(self, client: int, wanted: Sequence[Range]) -> Iterator[bytes]:
        """What holds the clocks of some ranges, in rising order, of one client, as far as they are known."""
        chunks, at = self._chunks.get(client, []), 0
        for first, end in wanted:
            at = max(at, bisect_right(chunks, first, key=lambda each: each.end))
            while at < len(chunks) and chunks[at].first < end:
                if chunks[at].items:
                    yield _joined(client, [chunks[at]])
                at += 1
        if wanted:
            yield from (section for end, section in self._odd.get(client, ()) if end > wanted[0][0])

    def new_clients(self, summary: UpdateSummary, ahead: dict[int, int]) -> list[int]:
        """The client ids of which an update brings new items."""
        return [
            client
            for client, (_, end) in summary.clients.items()
            if end > max(self.vector.get(client, 0), ahead.get(client, 0))
        ]

    def more_delete_ranges(self, summary: UpdateSummary) -> int:
        """How many more there are at most with an update; who comes back repeats all that they know with what is new."""
        return sum(
            self._deleted[client].growth(ranges) if client in self._deleted else len(ranges)
            for client, ranges in summary.deletes.items()
        )

    def take(self, data: bytes, summary: UpdateSummary, owner: UUID) -> bool:
        """Take in an update of the log; says whether it changed anything."""
        if self.fit(summary) == "known":
            return False
        self.put(data, summary, owner)
        return True

    def put(self, data: bytes, summary: UpdateSummary, owner: UUID) -> None:
        """Take in an update that is not known."""
        self.size += len(data)
        self.updates += 1
        for client, (first, end) in summary.clients.items():
            self.owners.setdefault(client, owner)
            known = self.vector.get(client, 0)
            if end <= known:
                continue
            items, start, stop = summary.spans[client]
            if first == known:
                self._append(client, first, end, items, data[start:stop])
            else:
                section = _section(client, first, items, (data[start:stop],))
                self._odd.setdefault(client, []).append((end, section))
                self._chunks.setdefault(client, []).append(Chunk(end, end, 0, b""))
            self.vector[client] = end
        if summary.deletes:
            self._delete(summary.deletes)

    def _delete(self, deletes: Mapping[int, tuple[Range, ...]]) -> None:
        self._deletions = None
        for client, ranges in deletes.items():
            deleted = self._deleted.setdefault(client, Ranges())
            before = len(deleted)
            deleted.merge(ranges)
            self.delete_ranges += len(deleted) - before

    def go_on(self, typed: Typed) -> None:
        """Take in text that follows on what is known of its client, whose owner is known."""
        self.size += len(typed.data)
        self.updates += 1
        self.vector[typed.client] = typed.end
        self._append(typed.client, typed.first, typed.end, typed.items, typed.data[typed.start : typed.stop])
        if typed.deletes:
            self._delete(typed.deletes)

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "History":
        """A document as a checkpoint has it, without reading through its items."""
        history, state, position = cls(), checkpoint.state, 1
        for client, owner, start, pieces in checkpoint.clients:
            chunks, first, position = [], 0, start
            for end, items, stop in pieces:
                chunks.append(Chunk(first, end, items, state[position:stop]))
                first, position = end, stop
            history._chunks[client] = chunks
            history.vector[client] = first
            history.owners[client] = owner
        history._sealed = dict(history.vector)
        history._deletions = (state[position:],) if len(state) - position <= ANSWER_BYTES else None
        for client, ranges in read_deletions(state, position):
            history._deleted[client] = deleted = Ranges.of(ranges)
            history.delete_ranges += len(deleted)
        history.size = history.base_size = len(state)
        return history

    def keep(self, seq: int, state: bytes, summary: UpdateSummary) -> Checkpoint:
        """The checkpoint that ``state`` is: this document's items and deletions, merged.

        Args:
            summary: the strict reader's of ``state``; it agrees with this document.
        """
        clients = []
        for client, (items, start, stop) in summary.spans.items():
            pieces = [list(piece) for piece in summary.pieces.get(client, ())]
            rest = items - sum(piece[1] for piece in pieces)
            if rest:
                pieces.append([summary.clients[client][1], rest, stop])
            clients.append(Kept(client, self.owners[client], start, pieces))
        return Checkpoint(seq, state, clients)

    def agrees(self, summary: UpdateSummary) -> bool:
        """Whether an update by itself holds all of this document: every clock, and every deletion."""
        if summary.needs or summary.has_skips:
            return False
        if {client: end for client, (_, end) in summary.clients.items()} != self.vector:
            return False
        whole = {client: Ranges.of(ranges) for client, ranges in summary.deletes.items()}
        return all(
            client in whole and whole[client].covers(*each)
            for client, ranges in self._deleted.items()
            for each in ranges
        )

    def answer(self, vector: Mapping[int, int]) -> Iterator[Part]:
        """Updates that bring someone who has ``vector`` up to date, each made when it is asked for.

        Each is at most a mebibyte, or one chunk. Deletions come last, for these are not in a state vector. Chunks are
        only ever added, or grow: what comes meanwhile may be in a later part, and whoever asked hears it anyway.
        """
        clients = array("Q", [client for client, end in self.vector.items() if vector.get(client, 0) < end])
        return self._parts(clients, array("Q", [vector.get(client, 0) for client in clients]))

    def _parts(self, clients: Sequence[int], known: Sequence[int]) -> Iterator[Part]:
        runs: dict[int, list[Chunk]] = {}
        size = 0
        for client, run, length in self._missing(clients, known):
            if client in runs or (runs and size + length > ANSWER_BYTES):
                yield Part(_update(_all_joined(runs), NO_DELETIONS), is_last=False)
                runs, size = {}, 0
            runs[client] = run
            size += length
        for client, clock in zip(clients, known, strict=True):
            for end, section in self._odd.get(client, ()):
                if clock < end:
                    yield Part(_update((section,), NO_DELETIONS), is_last=False)
        if self._deletions is None:
            self._deletions = tuple(_written(self._deleted))
        *others, last = self._deletions
        for deletions in others:
            yield Part(_update((), deletions), is_last=False)
        if runs and size + len(last) > ANSWER_BYTES:
            yield Part(_update(_all_joined(runs), NO_DELETIONS), is_last=False)
            runs = {}
        yield Part(_update(_all_joined(runs), last), is_last=True)

    def _missing(self, clients: Sequence[int], known: Sequence[int]) -> Iterator[tuple[int, list[Chunk], int]]:
        """Runs of chunks for each client of what follows on what is known, with their bytes: each has one header."""
        for client, clock in zip(clients, known, strict=True):
            chunks = self._chunks[client]
            start = bisect_right(chunks, clock, key=lambda each: each.end)
            for run, size in _runs(itertools.islice(chunks, start, None)):
                yield client, run, size

    def _append(self, client: int, first: int, end: int, items: int, data: bytes) -> None:
        chunks = self._chunks.setdefault(client, [])
        last = chunks[-1] if chunks else None
        if (
            last is None
            or not last.items
            or len(last.data) + len(data) > CHUNK_BYTES
            or last.end == self._sealed.get(client)
        ):
            chunks.append(Chunk(first, end, items, bytearray(data)))
        else:
            last.data += data
            last.end = end
            last.items += items


def _runs(chunks: Iterable[Chunk]) -> Iterator[tuple[list[Chunk], int]]:
    """Chunks that follow each other without a gap, and their bytes: at most a mebibyte, or one chunk."""
    run: list[Chunk] = []
    size = 0
    for chunk in chunks:
        if not chunk.items:
            continue
        if run and (run[-1].end != chunk.first or size + len(chunk.data) > ANSWER_BYTES):
            yield run, size
            run, size = [], 0
        run.append(chunk)
        size += len(chunk.data)
    if run:
        yield run, size


def _written(deleted: Mapping[int, Ranges]) -> Iterator[bytes]:
    """Deletions as they are sent, so many at a time."""
    lines: list[bytes] = []
    room = ANSWER_RANGES
    for client, ranges in deleted.items():
        rest = iter(ranges)
        while some := [varuint(start) + varuint(end - start) for start, end in itertools.islice(rest, room)]:
            lines.append(varuint(client) + varuint(len(some)) + b"".join(some))
            room -= len(some)
            if not room:
                yield varuint(len(lines)) + b"".join(lines)
                lines, room = [], ANSWER_RANGES
    yield varuint(len(lines)) + b"".join(lines)


def _update(sections: Collection[bytes], deletions: bytes) -> bytes:
    return varuint(len(sections)) + b"".join(sections) + deletions


def _all_joined(runs: Mapping[int, list[Chunk]]) -> list[bytes]:
    return [_joined(client, run) for client, run in runs.items()]


def _joined(client: int, run: list[Chunk]) -> bytes:
    return _section(client, run[0].first, sum(each.items for each in run), (each.data for each in run))


def _section(client: int, first: int, items: int, data: Iterable[bytes | bytearray]) -> bytes:
    return varuint(items) + varuint(client) + varuint(first) + b"".join(data)
