"""The short way to what people type: one piece of text in one message, read in one look; several at one go as one update.

Nearly all messages are this. Nothing is refused here: what is not exactly that is read properly (``ysync``, ``yupdate``).
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from realtime.lib0 import Malformed, Reader, varuint
from realtime.ysummary import MAX_CLOCK, UpdateSummary
from realtime.yupdate import read_delete_set

_SMALL: Final = rb"[\x00-\x7f]|[\x80-\xff]{1,4}[\x01-\x7f]"
_ID: Final = rb"[\x00-\x7f]|[\x80-\xff]{1,6}[\x01-\x7f]|[\x80-\xff]{7}[\x01-\x0f]"
"""Of at most 53 bits."""
_BESIDE: Final = rb"(?:(?P=client)|(%b))(%b)" % (_ID, _SMALL)
_TEXT: Final = rb"\x01\x01(?P<client>%b)(%b)(?:[\x44\x84]%b|\xc4%b%b)([\x01-\x7f])(.+)" % (
    _ID, _SMALL, _BESIDE, _BESIDE, _BESIDE,
)  # fmt: skip
"""One item of one client: text beside one or two others, of that client or, with its id, of another. Then deletions."""
_MESSAGE: Final = re.compile(rb"(?:\x64\x01(%b)|\x00\x02)([\x01-\x7f])(%b)" % (_SMALL, _TEXT), re.DOTALL)
"""Such an update with its number or without, and its length before it."""


Needs = Mapping[int, int]
Deletes = Mapping[int, tuple[tuple[int, int], ...]]
NOTHING: Final[Needs] = {}
NO_DELETIONS: Final[Deletes] = {}
NO_RANGE: Final = ((0, 0),)


class Typed(NamedTuple):
    """An update that brings text of one client, and perhaps deletes what that replaces."""

    number: int | None
    """By which its sender knows it."""
    data: bytes
    client: int
    first: int
    """The clock of the first item; ``end`` is the one after the last."""
    end: int
    items: int
    start: int
    """Where the bytes of the items start; behind ``stop`` are the deletions."""
    stop: int
    needs: Needs
    """Clocks of other clients that it builds on."""
    deletes: Deletes

    def summary(self) -> UpdateSummary:
        """What the strict reader says of it."""
        needs = {**self.needs, self.client: self.first} if self.first else dict(self.needs)
        span = (self.items, self.start, self.stop)
        return UpdateSummary(
            {self.client: (self.first, self.end)}, dict(self.deletes), needs, spans={self.client: span}
        )


def read_typed(message: bytes) -> Typed | None:
    """The update of a message that is one piece of text beside others; None of any other message."""
    found = _MESSAGE.fullmatch(message)
    if found is None:
        return None
    number, length, data, client, clock, other, at, left, at_left, right, at_right, size, rest = found.groups()
    if length[0] != len(data):
        return None
    text, behind = rest[: size[0]], rest[size[0] :]
    first = _number(clock)
    if at is None:
        needs = _needs(first, left, at_left, _needs(first, right, at_right, NOTHING))
    else:
        needs = _needs(first, other, at, NOTHING)
    end = first + (size[0] if text.isascii() else _utf16_length(text))
    if needs is None or end > MAX_CLOCK or end == first:
        return None
    whose, deletes = _number(client), NO_DELETIONS
    if behind != b"\x00":
        try:
            deletes = _deletions(behind)
        except Malformed:
            return None
        if deletes.get(whose, NO_RANGE)[-1][1] > end:
            return None
        needs = {**needs}
        for each, ranges in deletes.items():
            if each != whose:
                needs[each] = max(ranges[-1][1], needs.get(each, 0))
    known, start = None if number is None else _number(number), found.end(5) - found.start(3)
    stop = len(data) - len(behind)
    return tuple.__new__(Typed, (known, data, whose, first, end, 1, start, stop, needs, deletes))


def _deletions(data: bytes) -> Deletes:
    reader = Reader(data)
    deletes = read_delete_set(reader)
    reader.finish()
    return deletes


def _needs(first: int, other: bytes | None, at: bytes, needs: Needs | None) -> Needs | None:
    """With what text beside the item ``at`` needs of others; None if that cannot be."""
    beside = _number(at)
    if other is None:
        return needs if beside < first else None
    if needs is None or beside >= MAX_CLOCK:
        return None
    client = _number(other)
    return {**needs, client: max(beside + 1, needs.get(client, 0))}


def _utf16_length(text: bytes) -> int:
    """Its length as JavaScript counts; 0 if it is no text."""
    try:
        return len(text.decode().encode("utf-16-le")) // 2
    except UnicodeDecodeError:
        return 0


@lru_cache(16_384)
def _number(data: bytes) -> int:
    """A number that the pattern found whole: client ids and clocks come again and again."""
    return sum((byte & 127) << 7 * place for place, byte in enumerate(data))


def goes_on(last: Typed, typed: Typed) -> bool:
    """Whether ``typed`` follows on ``last`` without a gap, and they can be one."""
    return (
        typed.first == last.end
        and typed.client == last.client
        and not last.deletes
        and (typed.number is None) is (last.number is None)
    )


def joined(run: Sequence[Typed]) -> Typed:
    """Updates that go on each other, as one that does the same: the bytes of their items behind each other."""
    begin, last = run[0], run[-1]
    if begin is last:
        return begin
    count = varuint(len(run))
    head = begin.data[2 : begin.start]
    items = b"".join([each.data[each.start : each.stop] for each in run])
    needs: dict[int, int] = {}
    for each in run:
        for client, clock in each.needs.items():
            needs[client] = max(clock, needs.get(client, 0))
    start = 1 + len(count) + len(head)
    stop = start + len(items)
    data = b"".join((b"\x01", count, head, items, last.data[last.stop :]))
    return Typed(last.number, data, begin.client, begin.first, last.end, len(run), start, stop, needs, last.deletes)
