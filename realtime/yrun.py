"""What one connection types: compared with what came before, gathered while it comes at one go, and made one update.

Where somebody types on, letter behind letter, everything but the letter is known before it comes; and to Yjs, letters
that were typed behind each other beside the same item are one item. So that is what is stored and passed on.
"""

from collections.abc import Sequence
from typing import Final

from realtime.lib0 import varbytes, varuint
from realtime.ysummary import MAX_CLOCK
from realtime.ytyped import NO_DELETIONS, NOTHING, Stroke, Typed, utf16_length, with_needs

MORE: Final = 31
"""Messages that may join the first one; fewer than 128, so that the number of items is one byte."""
_NEWS: Final = b"\x00\x02"
_NUMBERED: Final = b"\x64\x01"
_LEFT, _BOTH = b"\x84", b"\xc4"
"""How text begins that has an item to its left, or to both sides."""
_TWO_BYTES: Final = 128
"""The first length that takes them."""


class Run:
    """What is typed at one go, and what of it tells how the next message will look."""

    __slots__ = (
        "_client", "_deletes", "_end", "_head", "_left", "_more", "_number", "_right", "_right_needs", "_text",
        "begun", "messages", "numbers",
    )  # fmt: skip

    def __init__(self) -> None:
        self.begun: Typed | None = None
        """The first message's update; None while nothing is gathered."""
        self.messages: list[bytes] = []
        self.numbers: list[int] = []
        """By which their sender knows them, if it does."""
        self._text = b""
        """The first message's."""
        self._more: list[bytes | Stroke] = []
        """What the others bring: text right behind the last, or another item."""
        self._deletes = False
        """One of them does, too; no other may."""
        self._number: int | None = None
        """The last one's."""
        self._client = self._end = 0
        """Whose the last text is, and the clock behind it."""
        self._head = b""
        """How an update of one item of the client's begins, up to its clock; empty before there was any."""
        self._left = b""
        """How text begins that is behind an item of the client's, up to that item's clock."""
        self._right, self._right_needs = b"", NOTHING

    def goes_on(self, message: bytes) -> bool:
        """Take a message that is text right behind the last one, beside the same item; False of any other."""
        number, first, begun = self._number, self._end, self.begun
        if number is not None:
            number += 1
        opening = _NEWS if number is None else _NUMBERED + varuint(number)
        if not message.startswith(opening) or not self._head:
            return False
        clock, at = varuint(first), len(opening) + 1
        before = b"".join((self._head, clock, self._left, varuint(first - 1), self._right))
        text_at, stop = at + len(before) + 1, len(message) - 1
        length, size = stop + 1 - at, stop - text_at
        if not 0 < size < length < _TWO_BYTES or message[at - 1] != length or not message.startswith(before, at):
            return False
        text = message[text_at:stop]
        end = first + (size if text.isascii() else utf16_length(text))
        if message[text_at - 1] != size or message[stop] or end > MAX_CLOCK or end == first:
            return False
        if begun is None:
            start = len(self._head) + len(clock)
            words = (message[at:], self._client, first, end, 1, start, length - 1, self._right_needs, NO_DELETIONS)
            self.begun, self._text, self._deletes = tuple.__new__(Typed, words), text, False
        elif len(self._more) < MORE:
            self._more.append(text)
        else:
            return False
        self.messages.append(message)
        if number is not None:
            self.numbers.append(number)
        self._number, self._end = number, end
        return True

    def joins(self, message: bytes, stroke: Stroke) -> bool:
        """Take a message that was read, if it follows on the last one and the two can be one update."""
        typed = stroke.typed
        if self.begun is None:
            self.begun, self._text, self._deletes = typed, stroke.text, bool(typed.deletes)
            self._client, self._head = typed.client, stroke.head
        elif (
            len(self._more) == MORE
            or (typed.client, typed.first) != (self._client, self._end)
            or (typed.deletes and self._deletes)
        ):
            return False
        else:
            self._more.append(stroke)
            self._deletes = self._deletes or bool(typed.deletes)
        self.messages.append(message)
        if stroke.number is not None:
            self.numbers.append(stroke.number)
        self._number, self._end = stroke.number, typed.end
        self._right, self._right_needs = stroke.right, stroke.right_needs
        self._left = (_BOTH if stroke.right else _LEFT) + stroke.head[2:]
        return True

    def taken(self) -> Typed:
        """The update that does what the messages do, of which there is one at least; the next run begins."""
        begun, more = self.begun, self._more
        assert begun is not None
        self.begun, self.messages, self.numbers = None, [], []
        if not more:
            return begun
        self._more = []
        return _joined(begun, self._text, more, self._end)


def _joined(begun: Typed, text: bytes, more: Sequence[bytes | Stroke], end: int) -> Typed:
    """The update ``begun``, whose text is ``text``, with what follows on it, up to the clock ``end``."""
    parts, texts, items = [begun.data[2 : begun.stop - len(text) - 1]], [text], 1
    needs, deletes, behind = begun.needs, begun.deletes, begun.data[begun.stop :]
    for each in more:
        if isinstance(each, bytes):
            texts.append(each)
            continue
        typed = each.typed
        parts += varbytes(b"".join(texts)), typed.data[typed.start : typed.stop - len(each.text) - 1]
        texts, items, needs = [each.text], items + 1, with_needs(needs, typed.needs)
        if typed.deletes:
            deletes, behind = typed.deletes, typed.data[typed.stop :]
    data = b"".join((b"\x01", varuint(items), *parts, varbytes(b"".join(texts)), behind))
    stop = len(data) - len(behind)
    return Typed(data, begun.client, begun.first, end, items, begun.start, stop, needs, deletes)
