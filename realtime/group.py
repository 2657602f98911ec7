"""Which updates of one document are stored together next, and whether one more may be among them."""

from collections import deque
from collections.abc import Mapping
from uuid import UUID

from realtime.connection import EditorConnection
from realtime.history import History
from realtime.offer import Offer

GROUP = 128
MAX_CLIENTS = 10_000
"""Client ids of one document, one for each time that somebody opens the page and types: a fifth of those that a state
vector may name, so that whoever has all of it can say so."""
MAX_DELETE_RANGES = 20_000
"""Of one document: who comes back says all of them in one update, which may have 40,000 parts and 256 kB."""


class Group:
    """What is stored together next, and what that makes of a document."""

    __slots__ = (
        "_ahead",
        "_delete_ranges",
        "_history",
        "_known_writers",
        "_max_bytes",
        "_owners",
        "_size",
        "_writers",
        "offers",
    )

    def __init__(
        self, offers: deque[Offer], history: History, writers: Mapping[int, EditorConnection], max_bytes: int
    ) -> None:
        self.offers = offers
        self._history = history
        self._known_writers = writers
        self._max_bytes = max_bytes
        self._size = history.size
        self._delete_ranges = history.delete_ranges
        self._ahead: dict[int, int] = {}
        """The clocks that are reached by what nobody was shown yet, by client id."""
        self._owners: dict[int, UUID] = {}
        """Whose the new client ids are."""
        self._writers: dict[int, EditorConnection] = {}
        """Who claims a client id."""

    @property
    def is_full(self) -> bool:
        """Whether the next ones have to wait."""
        return len(self.offers) >= GROUP

    def add(self, offer: Offer) -> None:
        """Store it behind the others."""
        self.offers.append(offer)
        if not offer.is_shown:
            self._size += len(offer.data)
            self._delete_ranges += self._history.more_delete_ranges(offer.summary)
            for client, (_, end) in offer.summary.clients.items():
                self._ahead[client] = max(end, self._ahead.get(client, 0))
            self._writers.update(dict.fromkeys(offer.claims, offer.author))

    def verdict(self, offer: Offer) -> str:
        """``new``, ``known``, ``gap`` or the code of its refusal, or of a former one of its author."""
        history, summary = self._history, offer.summary
        fit = history.fit(summary, self._ahead)
        overlaps = fit != "gap" and history.overlaps(summary)
        if overlaps and history.contradicts(offer.items, len(offer.data)):
            return "client-in-use"
        if fit == "known":
            return "known"
        if offer.author.barred is not None or fit == "gap":
            return offer.author.barred or "gap"
        if not self._may_claim(offer):
            return "client-in-use"
        return "new" if self._has_room(offer) else "too-large"

    def _may_claim(self, offer: Offer) -> bool:
        """Whether its client ids are its person's, and no other connection's; it claims those that it had not."""
        person = offer.author.user_id
        offer.claims = []
        for client in self._history.new_clients(offer.summary, self._ahead):
            owner = self._history.owners.get(client) or self._owners.setdefault(client, person)
            writer = self._writers.get(client) or self._known_writers.get(client)
            if owner != person or not (writer is None or writer is offer.author or writer.gives_way()):
                return False
            if writer is not offer.author:
                offer.claims.append(client)
        return True

    def _has_room(self, offer: Offer) -> bool:
        """Whether the document stays within its bounds."""
        summary = offer.summary
        return (
            self._size + len(offer.data) <= self._max_bytes
            and self._delete_ranges + self._history.more_delete_ranges(summary) <= MAX_DELETE_RANGES
            and (
                self._owners.keys().isdisjoint(summary.clients)  # who is known may go on
                or len(self._history.owners) + len(self._owners) <= MAX_CLIENTS
            )
        )
