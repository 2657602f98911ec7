"""Which clocks of one client are meant: sorted ranges in two arrays of numbers."""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

Range = tuple[int, int]


class Ranges:
    """Clocks of one client as ``[start, end)`` ranges that neither touch nor overlap."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts = array("Q")
        self._ends = array("Q")

    @classmethod
    def of(cls, ranges: Iterable[Range]) -> "Ranges":
        """Ranges in rising order that do not overlap."""
        found, behind = cls(), -1
        starts: list[int] = []
        ends: list[int] = []
        for start, end in ranges:
            if start == behind:
                ends[-1] = end
            else:
                starts.append(start)
                ends.append(end)
            behind = end
        found._starts, found._ends = array("Q", starts), array("Q", ends)
        return found

    def __iter__(self) -> Iterator[Range]:
        return zip(self._starts, self._ends, strict=True)

    def __len__(self) -> int:
        return len(self._starts)

    def covers(self, start: int, end: int) -> bool:
        """Whether all of ``[start, end)`` is in."""
        at = bisect_right(self._starts, start) - 1
        return at >= 0 and self._ends[at] >= end

    def meets(self, start: int, end: int) -> bool:
        """Whether any of ``[start, end)`` is in."""
        at = bisect_right(self._ends, start)
        return at < len(self._starts) and self._starts[at] < end

    def growth(self, ranges: Iterable[Range]) -> int:
        """How many more there are at most when some that do not overlap are put in: one may join others."""
        more = 0
        for start, end in ranges:
            first = bisect_right(self._ends, start - 1)
            more += 1 - bisect_right(self._starts, end, first) + first
        return more

    def add(self, start: int, end: int) -> None:
        """Put ``[start, end)`` in."""
        first = bisect_right(self._ends, start - 1)
        last = bisect_right(self._starts, end)
        if first < last:
            start = min(start, self._starts[first])
            end = max(end, self._ends[last - 1])
        self._starts[first:last] = array("Q", (start,))
        self._ends[first:last] = array("Q", (end,))

    def merge(self, ranges: Sequence[Range]) -> None:
        """Put some in that are in rising order and do not overlap: what is there is copied once, and not once for each."""
        if len(ranges) == 1:
            self.add(*ranges[0])
            return
        starts, ends, at = array("Q"), array("Q"), 0
        for start, end in ranges:
            first = bisect_right(self._ends, start - 1, at)
            last = bisect_right(self._starts, end, first)
            starts += self._starts[at:first]
            ends += self._ends[at:first]
            low = start if first == last else min(start, self._starts[first])
            high = end if first == last else max(end, self._ends[last - 1])
            if ends and low <= ends[-1]:  # what the one before met reaches over to it
                ends[-1] = max(high, ends[-1])
            else:
                starts.append(low)
                ends.append(high)
            at = last
        starts += self._starts[at:]
        ends += self._ends[at:]
        self._starts, self._ends = starts, ends
