"""An update on its way from a connection to the log."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

from core.ids import light_id
from core.model import new_id
from realtime.connection import EditorConnection
from realtime.ranges import Ranges
from realtime.yitems import Item, read_items
from realtime.ysummary import UpdateSummary
from realtime.ytyped import Typed

_op_ids = itertools.count(new_id().int)
"""Unique in the installation, for the process's first is; a new one for each update would cost more than judging it."""


class Offer:
    """An update that a connection offers, under the numbers by which that knows it, in whole or in parts."""

    __slots__ = (
        "_items",
        "_summary",
        "author",
        "claims",
        "data",
        "has_waited",
        "is_shown",
        "numbers",
        "op_id",
        "typed",
    )

    def __init__(
        self, author: EditorConnection, data: bytes, numbers: Sequence[int], *,
        summary: UpdateSummary | None = None, typed: Typed | None = None,
    ) -> None:  # fmt: skip
        self.author = author
        self.data = data
        self.numbers = numbers
        self.typed = typed
        """What it is, if it is text alone; else there is a summary."""
        self._summary = summary
        self._items: dict[int, list[Item]] | None = None
        self.op_id = light_id(next(_op_ids))
        self.claims: list[int] = []
        """The client ids of which it is its connection's first: the log must not have moved since it was judged."""
        self.is_shown = False
        """The others have it already."""
        self.has_waited = False
        """The log was read on for what it stands on."""

    @property
    def summary(self) -> UpdateSummary:
        """What it would do."""
        if self._summary is None:
            assert self.typed is not None
            self._summary = self.typed.summary()
        return self._summary

    @property
    def items(self) -> dict[int, list[Item]]:
        """What it says, by client."""
        if self._items is None:
            self._items = read_items(self.data)
        return self._items


class Unstored:
    """What some offers bring and delete, of which nobody knows yet that the log has it."""

    __slots__ = ("_clocks", "_deletes")

    def __init__(self, offers: Iterable[Offer]) -> None:
        self._clocks: dict[int, tuple[int, int]] = {}
        self._deletes: dict[int, Ranges] = {}
        for each in offers:
            self.add(each)

    def add(self, offer: Offer) -> None:
        """One more."""
        for client, (first, end) in offer.summary.clients.items():
            low, high = self._clocks.get(client, (first, end))
            self._clocks[client] = min(low, first), max(high, end)
        for client, ranges in offer.summary.deletes.items():
            self._deletes.setdefault(client, Ranges()).merge(ranges)

    def meets(self, summary: UpdateSummary) -> bool:
        """Whether an update may bring or delete the same."""
        return any(
            first < self._clocks[client][1] and self._clocks[client][0] < end
            for client, (first, end) in summary.clients.items()
            if client in self._clocks
        ) or any(
            self._deletes[client].meets(*each)
            for client, ranges in summary.deletes.items()
            if client in self._deletes
            for each in ranges
        )

    def carries(self, summary: UpdateSummary) -> bool:
        """Whether an update may bring or delete the same, or stand on it."""
        return self.meets(summary) or any(
            clock > self._clocks[client][0]
            for clocks in (summary.needs, {client: first for client, (first, _) in summary.clients.items()})
            for client, clock in clocks.items()
            if client in self._clocks
        )

    def without(self, vector: Mapping[int, int]) -> dict[int, int]:
        """``vector`` up to where these begin."""
        before = {client: min(clock, self._clocks.get(client, (clock,))[0]) for client, clock in vector.items()}
        return {client: clock for client, clock in before.items() if clock}
