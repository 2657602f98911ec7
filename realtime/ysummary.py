"""What a Yjs update holds, and the short way to it for a keystroke."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

MAX_CLOCK: Final = 2**31 - 1
"""The Rust implementation counts in 32 bits; two thousand million keystrokes of one client are plenty."""
SHORT: Final = 120
_STRING, _HAS_RIGHT, _HAS_LEFT = 4, 0x40, 0x80
_TEXT_BESIDE: Final = frozenset((_STRING | _HAS_LEFT, _STRING | _HAS_RIGHT, _STRING | _HAS_LEFT | _HAS_RIGHT))


class Piece(NamedTuple):
    """Consecutive items of one client: the clock after them, how many they are, and where their bytes stop."""

    end: int
    items: int
    stop: int


@dataclass(slots=True)
class UpdateSummary:
    """What an update holds, by client id."""

    clients: dict[int, tuple[int, int]]
    """First clock and the clock after the last, of each client whose items it brings."""
    deletes: dict[int, tuple[tuple[int, int], ...]]
    """Deleted ``[start, end)`` ranges in rising order, apart from each other."""
    needs: dict[int, int] = field(default_factory=dict)
    """The clock of each client that a document must have reached so that no item of this is left pending."""
    has_skips: bool = False
    """It leaves out clocks between the first and the last."""
    spans: dict[int, tuple[int, int, int]] = field(default_factory=dict, compare=False)
    """For each client the number of its items, and where in the bytes they start and stop."""
    pieces: dict[int, list["Piece"]] = field(default_factory=dict, compare=False)
    """The same of each long span, in pieces of a few kilobytes; none of a short one."""

    @property
    def is_empty(self) -> bool:
        """It changes nothing."""
        return not self.clients and not self.deletes


def read_keystroke(data: bytes) -> UpdateSummary | None:
    """The summary of an update that is one piece of text beside others, or one deleted range; None of any other.

    This is nearly all that people do. It refuses nothing: what is not exactly that is read properly.
    """
    if len(data) > SHORT:
        return None
    try:
        if data[:2] == b"\x01\x01" and data[-1] == 0:
            return _one_text(data)
        if data[:2] == b"\x00\x01":
            client, at = _number(data, 2)
            if data[at] == 1:
                start, at = _number(data, at + 1)
                length, at = _number(data, at)
                end = start + length
                if at == len(data) and length > 0 and end <= MAX_CLOCK:
                    return UpdateSummary({}, {client: ((start, end),)}, {client: end})
    except (IndexError, UnicodeDecodeError):
        pass
    return None


def _one_text(data: bytes) -> UpdateSummary | None:
    client, at = _number(data, 2)
    head = data[2:at]
    clock, start = _number(data, at)
    info, at = data[start], start + 1
    if info not in _TEXT_BESIDE:
        return None
    needs = {client: clock} if clock else {}
    for _ in range((info >> 7) + (info >> 6 & 1)):
        if data.startswith(head, at):
            beside, at = _number(data, at + len(head))
            if beside >= clock:
                return None
        else:
            other, at = _number(data, at)
            beside, at = _number(data, at)
            if other == client or beside >= MAX_CLOCK:
                return None
            if beside >= needs.get(other, 0):
                needs[other] = beside + 1
    size, at = data[at], at + 1
    stop = at + size
    if not 0 < size < 128 or stop != len(data) - 1:  # noqa: PLR2004 - a length of one byte
        return None
    text = data[at:stop]
    end = clock + (size if text.isascii() else len(text.decode().encode("utf-16-le")) // 2)
    if end > MAX_CLOCK:
        return None
    return UpdateSummary({client: (clock, end)}, {}, needs, spans={client: (1, start, stop)})


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of at most 53 bits that is not padded, and where it ends.

    Raises:
        IndexError: it is another one, or none.
    """
    value = data[at]
    if value < 128:  # noqa: PLR2004 - the continuation bit
        return value, at + 1
    value &= 127
    for shift in (7, 14, 21, 28, 35, 42):
        at += 1
        byte = data[at]
        if byte < 128:  # noqa: PLR2004 - the last byte
            if byte == 0:
                raise IndexError
            return value | byte << shift, at + 1
        value |= (byte & 127) << shift
    raise IndexError
