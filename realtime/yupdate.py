"""A strict, bounded reader of Yjs updates (encoding v1) that never applies them.

It says what an update *would* do to the clocks of a document, or refuses it. What it refuses, no
peer sees: a 10-byte update with a wild count costs a decoder 539 MB, a mutated one can leave a
document that cannot be saved any more (measured on pycrdt).

Everything refused here is nothing that Yjs writes, or nothing that both of its implementations
(JavaScript in browsers, Rust in workers) can read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from realtime.lib0 import ANY_OBJECT, Malformed, Reader
from realtime.ysummary import MAX_CLOCK, Piece, UpdateSummary, read_keystroke

GC, DELETED, JSON, BINARY, STRING, EMBED, FORMAT, TYPE, ANY, DOC, SKIP = range(11)
REF, HAS_PARENT_KEY, HAS_RIGHT, HAS_LEFT = 0x1F, 0x20, 0x40, 0x80
_TYPES: Final = frozenset((0, 1, 2, 3, 4, 6))
"""Array, Map, Text, XmlElement, XmlFragment, XmlText. XmlHook (5) cannot be read by the Rust implementation."""
_XML_ELEMENT: Final = 3


class InvalidUpdate(Malformed):
    """These bytes are no Yjs update that we let through."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one update may be."""

    max_bytes: int = 262_144
    max_depth: int = 16
    """Nesting of values inside an item."""
    max_parts: int = 40_000
    """Items, values and delete ranges together: bounds the time of reading."""


DEFAULT_LIMITS: Final = Limits()
WHOLE: Final = Limits(max_bytes=1 << 28, max_parts=1 << 28)
"""For what was made here of updates that were read before."""

PIECE_BYTES: Final = 4_096


class Reference(NamedTuple):
    """An item at ``clock`` of ``client`` stands beside, or inside, the item ``target_clock`` of ``target``."""

    client: int
    clock: int
    target: int
    target_clock: int


def read_update(data: bytes, limits: Limits = DEFAULT_LIMITS) -> UpdateSummary:
    """What ``data`` would do, in time and memory proportional to its length.

    Raises:
        InvalidUpdate: it is larger than ``limits`` allow, malformed, or nothing that Yjs writes.
    """
    if len(data) > limits.max_bytes:
        raise InvalidUpdate("too-large")
    if (summary := read_keystroke(data)) is not None:
        return summary
    try:
        return Update(data, limits).read()
    except InvalidUpdate:
        raise
    except Malformed as error:
        raise InvalidUpdate(error.reason) from None


class Update:
    """One pass over one update."""

    __slots__ = ("_clients", "_depth", "_pieces", "_reader", "_references", "_skips", "_spans")

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._reader = Reader(data, max_parts=limits.max_parts)
        self._depth = limits.max_depth
        self._clients: dict[int, tuple[int, int]] = {}
        self._spans: dict[int, tuple[int, int, int]] = {}
        self._pieces: dict[int, list[Piece]] = {}
        self._references: list[Reference] = []
        self._skips = False

    def read(self) -> UpdateSummary:
        """As ``read_update``, but without the short way."""
        reader = self._reader
        for _ in range(reader.count()):
            self._read_client()
        deletes = read_delete_set(reader)
        reader.finish()
        if len(self._clients) > 1:
            self._check_order()
        return UpdateSummary(self._clients, deletes, self._needs(deletes), self._skips, self._spans, self._pieces)

    def _read_client(self) -> None:
        reader = self._reader
        items = reader.count()
        if items == 0:
            raise InvalidUpdate("empty-section")
        reader.spend(items)
        client = reader.varuint()
        clock = first = reader.varuint()
        if client in self._clients:
            raise InvalidUpdate("client-twice")
        start = piece_at = reader.position
        before = 0
        for number in range(1, items + 1):
            clock += self._read_item(client, clock)
            if clock > MAX_CLOCK:
                raise InvalidUpdate("clock-too-large")
            if reader.position - piece_at > PIECE_BYTES:
                self._pieces.setdefault(client, []).append(Piece(clock, number - before, reader.position))
                piece_at, before = reader.position, number
        self._clients[client] = (first, clock)
        self._spans[client] = (items, start, reader.position)

    def _read_item(self, client: int, clock: int) -> int:
        """The length of one item in clocks; at least 1."""
        reader = self._reader
        info = reader.byte()
        kind = info & REF
        if kind in (GC, SKIP):
            if info != kind:
                raise InvalidUpdate("unknown-item")
            self._skips = self._skips or kind == SKIP
            length = reader.varuint()
        else:
            self._read_place(client, clock, info)
            length = self._read_content(kind)
        if length == 0:
            raise InvalidUpdate("empty-item")
        return length

    def _read_place(self, client: int, clock: int, info: int) -> None:
        """Left and right neighbours, or the parent by name or id."""
        if info & HAS_LEFT:
            self._read_reference(client, clock)
        if info & HAS_RIGHT:
            self._read_reference(client, clock)
        if info & (HAS_LEFT | HAS_RIGHT):
            return
        reader = self._reader
        by_name = reader.varuint()
        if by_name == 1:
            reader.string()
        elif by_name == 0:
            self._read_reference(client, clock)
        else:
            raise InvalidUpdate("unknown-parent")
        if info & HAS_PARENT_KEY:
            reader.string()

    def _read_reference(self, client: int, clock: int) -> None:
        reader = self._reader
        target, target_clock = reader.varuint(), reader.varuint()
        if target_clock >= MAX_CLOCK:
            raise InvalidUpdate("clock-too-large")
        if target != client:
            self._references.append(Reference(client, clock, target, target_clock))
        elif target_clock >= clock:
            raise InvalidUpdate("refers-to-itself")

    def _read_content(self, kind: int) -> int:
        reader, depth = self._reader, self._depth
        if kind == STRING:
            return _utf16_length(reader.string())
        if kind == DELETED:
            return reader.varuint()
        if kind in (JSON, ANY):
            return self._read_values(kind)
        if kind == BINARY:
            reader.buffer()
        elif kind == EMBED:
            reader.skip_json(max_depth=depth)
        elif kind == FORMAT:
            reader.string()
            reader.skip_json(max_depth=depth)
        elif kind == TYPE:
            self._read_type()
        elif kind == DOC:
            reader.string()
            if reader.skip_any(max_depth=depth) != ANY_OBJECT:
                raise InvalidUpdate("unknown-item")
        else:
            raise InvalidUpdate("unknown-item")
        return 1

    def _read_values(self, kind: int) -> int:
        reader, depth = self._reader, self._depth
        length = reader.count()
        reader.spend(length)
        for _ in range(length):
            if kind == ANY:
                reader.skip_any(max_depth=depth)
            else:
                self._read_legacy_json()
        return length

    def _read_legacy_json(self) -> None:
        reader = self._reader
        start = reader.position
        if reader.string() != "undefined":
            reader.position = start
            reader.skip_json(max_depth=self._depth)

    def _read_type(self) -> None:
        reader = self._reader
        kind = reader.varuint()
        if kind not in _TYPES:
            raise InvalidUpdate("unknown-type")
        if kind == _XML_ELEMENT:
            reader.string()

    def _needs(self, deletes: dict[int, tuple[tuple[int, int], ...]]) -> dict[int, int]:
        """Clocks outside this update that it builds on, or deletes."""
        needs = {client: first for client, (first, _) in self._clients.items() if first > 0}
        reached = {client: end for client, (_, end) in self._clients.items()}
        for reference in self._references:
            self._raise_to(needs, reached, reference.target, reference.target_clock + 1)
        for client, ranges in deletes.items():
            self._raise_to(needs, reached, client, ranges[-1][1])
        return needs

    @staticmethod
    def _raise_to(needs: dict[int, int], reached: dict[int, int], client: int, clock: int) -> None:
        if clock > reached.get(client, 0) and clock > needs.get(client, 0):
            needs[client] = clock

    def _check_order(self) -> None:
        """Refuse items that wait for each other in a circle: no peer could ever place them.

        Each client's items come in rising clocks; a client's *place* is the clock before which all
        of its items here are placed. Walk on while some client's next reference is behind a place.
        """
        waiting: dict[int, list[Reference]] = {}
        for reference in reversed(self._references):
            if reference.target in self._clients:
                waiting.setdefault(reference.client, []).append(reference)
        place = {client: waiting[client][-1].clock if client in waiting else end
                 for client, (_, end) in self._clients.items()}  # fmt: skip
        blocked: dict[int, list[int]] = {}
        ready = list(waiting)
        while ready:
            client = ready.pop()
            mine = waiting[client]
            before = len(mine)
            while mine and mine[-1].target_clock < place[mine[-1].target]:
                mine.pop()
            if mine:
                blocked.setdefault(mine[-1].target, []).append(client)
            if len(mine) < before:
                place[client] = mine[-1].clock if mine else self._clients[client][1]
                ready.extend(blocked.pop(client, ()))
        if any(waiting.values()):
            raise InvalidUpdate("circle")


def read_delete_set(reader: Reader) -> dict[int, tuple[tuple[int, int], ...]]:
    """Deleted ranges by client id."""
    deletes: dict[int, tuple[tuple[int, int], ...]] = {}
    for _ in range(reader.count()):
        client = reader.varuint()
        if client in deletes:
            raise InvalidUpdate("client-twice")
        deletes[client] = _read_ranges(reader)
    return deletes


def _read_ranges(reader: Reader) -> tuple[tuple[int, int], ...]:
    count = reader.count()
    if count == 0:
        raise InvalidUpdate("empty-section")
    reader.spend(count)
    ranges: list[tuple[int, int]] = []
    behind = 0
    for _ in range(count):
        start, length = reader.varuint(), reader.varuint()
        if length == 0:
            raise InvalidUpdate("empty-range")
        if start < behind:
            raise InvalidUpdate("ranges-overlap")
        behind = start + length
        if behind > MAX_CLOCK:
            raise InvalidUpdate("clock-too-large")
        ranges.append((start, behind))
    return tuple(ranges)


def read_deletions(data: bytes, position: int) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """The deletions from ``position`` on, by client, of an update that this reader took before: it is not checked again."""
    reader = Reader(data)
    reader.position = position
    for _ in range(reader.varuint()):
        client = reader.varuint()
        found = reader.varuints(2 * reader.varuint())
        yield client, [(start, start + length) for start, length in zip(found[::2], found[1::2], strict=True)]


def _utf16_length(text: str) -> int:
    """Yjs counts text as JavaScript does."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
