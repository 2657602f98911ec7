"""An update on its way from a connection to the log."""

import itertools
from collections.abc import Sequence
from uuid import UUID

from core.ids import light_id
from core.model import new_id
from realtime.connection import EditorConnection
from realtime.yitems import contradict, read_items
from realtime.ysummary import UpdateSummary
from realtime.ytyped import Typed

_op_ids = itertools.count(new_id().int)
"""Unique in the installation, for the process's first is; a new one for each update would cost more than judging it."""


class Offer:
    """An update that a connection offers, under the numbers by which that knows it, in whole or in parts."""

    __slots__ = ("_summary", "author", "claims", "data", "has_waited", "is_shown", "numbers", "op_id", "typed")

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
        self.op_id = light_id(next(_op_ids))
        self.claims = False
        """It is its connection's first of a client id: the log must not have moved since it was judged."""
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

    def meets(self, summary: UpdateSummary) -> bool:
        """Whether it and another update may bring or delete the same."""
        mine = self.summary
        return any(
            first < mine.clients[client][1] and mine.clients[client][0] < end
            for client, (first, end) in summary.clients.items()
            if client in mine.clients
        ) or not mine.deletes.keys().isdisjoint(summary.deletes)

    def contradicts(self, data: bytes, summary: UpdateSummary) -> bool:
        """Whether an update holds something else at the same clocks."""
        if not self.meets(summary):
            return False
        mine, theirs = read_items(self.data), read_items(data)
        return any(contradict(client, mine[client], theirs[client]) for client in mine.keys() & theirs)


class Group:
    """What is stored together next, and what that makes of a document of ``size`` bytes."""

    __slots__ = ("ahead", "offers", "owners", "size")

    def __init__(self, size: int) -> None:
        self.offers: list[Offer] = []
        self.size = size
        self.ahead: dict[int, int] = {}
        """The clocks that are reached by what nobody was shown yet, by client id."""
        self.owners: dict[int, UUID] = {}
        """Whose the new client ids are."""

    def add(self, offer: Offer) -> None:
        """Store it behind the others."""
        self.offers.append(offer)
        if not offer.is_shown:
            self.size += len(offer.data)
            for client, (_, end) in offer.summary.clients.items():
                self.ahead[client] = max(end, self.ahead.get(client, 0))

    def contradicts(self, offer: Offer) -> bool:
        """Whether an update holds something else than one of these at the same clocks."""
        if all(first >= self.ahead.get(client, 0) for client, (first, _) in offer.summary.clients.items()):
            return False
        return any(each.contradicts(offer.data, offer.summary) for each in self.offers)
