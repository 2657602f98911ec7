"""What the items of an update say, clock by clock: whether two updates that hold the same clocks hold the same words.

To Yjs an item is its clocks; whoever has them takes no others. Two clients that write under one id would so differ for
ever without anybody seeing it. Honest clients send the same items again cut into other pieces, as Yjs cuts and joins
them: a later piece of an item has the one before it to its left (Yjs, ``Item.write`` and ``Item.mergeWith``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from realtime.lib0 import Reader
from realtime.yupdate import (
    ANY,
    DELETED,
    GC,
    HAS_LEFT,
    HAS_PARENT_KEY,
    HAS_RIGHT,
    JSON,
    REF,
    SKIP,
    STRING,
    WHOLE,
    Update,
)

Id = tuple[int, int]
_WORDLESS: Final = frozenset((GC, DELETED, SKIP))
_LOST: Final = 0xFFFD
"""What Yjs leaves of a pair of surrogates that it cuts in two."""


class Item(NamedTuple):
    """The clocks ``[first, end)`` of a client."""

    first: int
    end: int
    kind: int
    left: Id | None
    right: Id | None
    parent: bytes
    """As it is written, where neither neighbour is."""
    units: Sequence[Any]
    """What each clock holds: UTF-16 code units of text, values as they are written."""

    @property
    def has_words(self) -> bool:
        """What was deleted may be sent again without its words."""
        return self.kind not in _WORDLESS

    def place(self, client: int, clock: int) -> tuple[Id | None, Id | None, bytes]:
        """Neighbours and parent of the piece that begins at ``clock``."""
        if clock == self.first:
            return self.left, self.right, self.parent
        return (client, clock - 1), self.right, b""


def read_items(data: bytes) -> dict[int, list[Item]]:
    """The items of an update that the strict reader took before, by client, in the order of their clocks."""
    reader = _Itemised(data)
    reader.read()
    return reader.items


def contradict(client: int, ours: Sequence[Item], theirs: Sequence[Item], sealed: int = 0) -> bool:
    """Whether two runs of a client's items hold different things at a clock that both have.

    Args:
        sealed: the clock before which ``ours`` was merged: there, values may be written in other words.
    """
    for one, other in _overlapping(ours, theirs):
        if not (one.has_words and other.has_words):
            continue
        low, high = max(one.first, other.first), min(one.end, other.end)
        if one.kind != other.kind or one.place(client, low) != other.place(client, low):
            return True
        mine, yours = one.units[low - one.first : high - one.first], other.units[low - other.first : high - other.first]
        if mine != yours and (one.kind == STRING or low >= sealed) and not _are_alike(one.kind, mine, yours):
            return True
    return False


def contradictory(ours: Mapping[int, Sequence[Item]], theirs: Mapping[int, Sequence[Item]]) -> bool:
    """Whether two updates hold different things at a clock that both have."""
    return any(contradict(client, ours[client], theirs[client]) for client in ours.keys() & theirs)


def _are_alike(kind: int, mine: Sequence[Any], yours: Sequence[Any]) -> bool:
    """Text but for halves of pairs; values in their bytes, whatever their order: a map's is its writer's."""
    if kind == STRING:
        return all(a == b or _LOST in {a, b} for a, b in zip(mine, yours, strict=True))
    return [sorted(each) for each in mine] == [sorted(each) for each in yours]


def _overlapping(ours: Sequence[Item], theirs: Sequence[Item]) -> Iterator[tuple[Item, Item]]:
    at = 0
    for one in ours:
        while at < len(theirs) and theirs[at].end <= one.first:
            at += 1
        for other in theirs[at:]:
            if other.first >= one.end:
                break
            yield one, other


class _Itemised(Update):
    """Reads an update again, and keeps its items."""

    __slots__ = ("items",)

    def __init__(self, data: bytes) -> None:
        super().__init__(data, WHOLE)
        self.items: dict[int, list[Item]] = {}

    def _read_item(self, client: int, clock: int) -> int:
        start = self._reader.position
        length = super()._read_item(client, clock)
        item = _item(self._reader.data[start : self._reader.position], clock, length, self._depth)
        self.items.setdefault(client, []).append(item)
        return length


def _item(data: bytes, clock: int, length: int, depth: int) -> Item:
    reader = Reader(data)
    info = reader.byte()
    kind = info & REF
    if kind in _WORDLESS:
        return Item(clock, clock + length, kind, None, None, b"", ())
    left = (reader.varuint(), reader.varuint()) if info & HAS_LEFT else None
    right = (reader.varuint(), reader.varuint()) if info & HAS_RIGHT else None
    start = reader.position
    if left is None and right is None:
        if reader.varuint() == 1:
            reader.string()
        else:
            reader.varuint(), reader.varuint()
        if info & HAS_PARENT_KEY:
            reader.string()
    return Item(clock, clock + length, kind, left, right, data[start : reader.position], _units(reader, kind, depth))


def _units(reader: Reader, kind: int, depth: int) -> Sequence[Any]:
    if kind == STRING:
        return memoryview(reader.string().encode("utf-16-le")).cast("H")
    if kind not in {JSON, ANY}:
        return (reader.take(reader.remaining),)
    values: list[bytes] = []
    for _ in range(reader.count()):
        start = reader.position
        if kind == ANY:
            reader.skip_any(max_depth=depth)
        else:
            reader.string()
        values.append(reader.data[start : reader.position])
    return values
