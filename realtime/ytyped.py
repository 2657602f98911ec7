"""The short way to what people type: a message that is one piece of text beside others, read in one look.

Nearly all messages are this. Nothing is refused here: what is not exactly that is read properly (``ysync``, ``yupdate``).
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from realtime.lib0 import Malformed, Reader
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
_RIGHT: Final = 0x44
"""How text begins that has an item to its right alone."""

Needs = Mapping[int, int]
Deletes = Mapping[int, tuple[tuple[int, int], ...]]
NOTHING: Final[Needs] = {}
NO_DELETIONS: Final[Deletes] = {}
NOTHING_DELETED: Final = b"\x00"
NO_RANGE: Final = ((0, 0),)


class Typed(NamedTuple):
    """An update that brings text of one client, and perhaps deletes what that replaces."""

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


class Stroke(NamedTuple):
    """A message that brings one piece of text beside others, and what of it tells how the next one will look."""

    number: int | None
    """By which its sender knows it."""
    typed: Typed
    text: bytes
    head: bytes
    """How an update of one item of the client's begins, up to its clock."""
    right: bytes
    """The item to the right of the text, as it is written; empty for none."""
    right_needs: Needs
    """Clocks of other clients that text beside that builds on."""


def read_stroke(message: bytes) -> Stroke | None:
    """A message that is one piece of text beside others; None of any other."""
    found = _MESSAGE.fullmatch(message)
    if found is None:
        return None
    number, length, data, client, clock, other, at, left, at_left, right, at_right, size, rest = found.groups()
    if length[0] != len(data):
        return None
    text, behind = rest[: size[0]], rest[size[0] :]
    first, start = _number(clock), found.end(5) - found.start(3)
    if at is not None and data[start] == _RIGHT:
        right, at_right = other, at
    elif at is not None:
        left, at_left = other, at
    right_needs = NOTHING if at_right is None else _needs(first, right, at_right, NOTHING)
    needs = right_needs if at_left is None else _needs(first, left, at_left, right_needs)
    end = first + utf16_length(text)
    if right_needs is None or needs is None or end > MAX_CLOCK or end == first:
        return None
    whose, deletes = _number(client), NO_DELETIONS
    if behind != NOTHING_DELETED:
        try:
            deletes = _deletions(behind)
        except Malformed:
            return None
        if deletes.get(whose, NO_RANGE)[-1][1] > end:
            return None
        needs = with_needs(needs, {each: ranges[-1][1] for each, ranges in deletes.items() if each != whose})
    typed = Typed(data, whose, first, end, 1, start, len(data) - len(behind), needs, deletes)
    beside = b"" if at_right is None else (right or client) + at_right
    return Stroke(None if number is None else _number(number), typed, text, b"\x01\x01" + client, beside, right_needs)


def with_needs(needs: Needs, more: Needs) -> Needs:
    """What two need together."""
    return {**needs, **{client: max(clock, needs.get(client, 0)) for client, clock in more.items()}} if more else needs


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


def utf16_length(text: bytes) -> int:
    """Its length as JavaScript counts; 0 if it is no text."""
    if text.isascii():
        return len(text)
    try:
        return len(text.decode().encode("utf-16-le")) // 2
    except UnicodeDecodeError:
        return 0


@lru_cache(16_384)
def _number(data: bytes) -> int:
    """A number that the pattern found whole: client ids and clocks come again and again."""
    return sum((byte & 127) << 7 * place for place, byte in enumerate(data))
