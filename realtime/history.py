"""What a shared document consists of, by the headers of its updates alone: nothing is ever applied.

It knows every client's clock (the state vector), what is deleted, who owns which client id, and keeps
the items as raw bytes in the order of their clocks. So it can answer a sync step 1 with what is
missing, and judge whether a new update fits without a gap.
"""

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
COMPARED = 4
"""Bytes of the document that are read again for each byte of an update that brings what is known."""
NO_DELETIONS = b"\x00"


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
        self._deletions: bytes | None = NO_DELETIONS
        """As they are sent; None: to be written anew."""
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
        history._deletions = state[position:]
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

    def answer(self, vector: dict[int, int]) -> list[bytes]:
        """Updates that bring someone who has ``vector`` up to date, each at most a mebibyte or one chunk.

        The last one carries all deletions, for these are not in a state vector.
        """
        updates: list[bytes] = []
        sections: dict[int, bytes] = {}
        size = 0
        for client, section in self._missing(vector):
            if client in sections or (sections and size + len(section) > ANSWER_BYTES):
                updates.append(_update(sections.values(), NO_DELETIONS))
                sections, size = {}, 0
            sections[client] = section
            size += len(section)
        updates.extend(
            _update((section,), NO_DELETIONS)
            for client, sections_of in self._odd.items()
            for end, section in sections_of
            if vector.get(client, 0) < end
        )
        if self._deletions is None:
            self._deletions = _written(self._deleted)
        updates.append(_update(sections.values(), self._deletions))
        return updates

    def _missing(self, vector: dict[int, int]) -> Iterator[tuple[int, bytes]]:
        """A section for each client of whom something is missing; a run of chunks has one header."""
        for client, chunks in self._chunks.items():
            known = vector.get(client, 0)
            if known >= self.vector[client]:
                continue
            start = bisect_right(chunks, known, key=lambda each: each.end)
            run = [chunk for chunk in chunks[start:] if chunk.items]
            for section in _runs(client, run):
                yield client, section

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


def _runs(client: int, chunks: list[Chunk]) -> Iterator[bytes]:
    """Sections of chunks that follow each other without a gap."""
    run: list[Chunk] = []
    for chunk in chunks:
        if run and run[-1].end != chunk.first:
            yield _joined(client, run)
            run = []
        run.append(chunk)
    if run:
        yield _joined(client, run)


def _written(deleted: dict[int, Ranges]) -> bytes:
    parts = [varuint(len(deleted))]
    for client, ranges in deleted.items():
        parts += varuint(client), varuint(len(ranges))
        for start, end in ranges:
            parts += varuint(start), varuint(end - start)
    return b"".join(parts)


def _update(sections: Collection[bytes], deletions: bytes) -> bytes:
    return varuint(len(sections)) + b"".join(sections) + deletions


def _joined(client: int, run: list[Chunk]) -> bytes:
    return _section(client, run[0].first, sum(each.items for each in run), (each.data for each in run))


def _section(client: int, first: int, items: int, data: Iterable[bytes | bytearray]) -> bytes:
    return varuint(items) + varuint(client) + varuint(first) + b"".join(data)
