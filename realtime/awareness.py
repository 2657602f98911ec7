"""Who is in a shared document and where their cursor is: capped, stamped with the truth, and never stored.

Clients repeat what they hear of others (``y-websocket`` does), so an entry counts only when it is about its sender:
the first client id of a connection that nobody else owns in this document is its own; should that have been a repeat
after all, it may go over to another after a while. Of a message, the last such entry counts. The clock of an entry is ours,
so that a client that comes back is seen at once and a removal is final.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from core.model import NIL
from realtime.ysync import GONE, AwarenessEntry, read_awareness_state

OUTDATED = 35.0
"""Seconds after which a client of another gateway that says nothing more is gone; clients repeat each 15."""
KNOWN_KEPT = 2_000
"""Client ids whose owner and clock are remembered."""
CHANGE_AFTER = 10.0
"""Seconds for which a connection speaks under the client id that it took; pages keep theirs."""

Said = tuple[int, int, str]
"""Client id, clock and state as JSON, as it is passed on."""


@dataclass(slots=True)
class Present:
    """One client's state, as everybody gets it."""

    clock: int
    state: str
    seen_at: float
    connection_id: UUID | None
    """None: connected to another gateway."""


@dataclass(slots=True)
class Known:
    """A client id that was seen: whose it is, and its last clock."""

    user_id: UUID
    clock: int


class Own(NamedTuple):
    """The client id of a connection, and since when."""

    client: int
    since: float


class Presences:
    """The awareness of one document."""

    def __init__(self) -> None:
        self._present: dict[int, Present] = {}
        self._known: dict[int, Known] = {}
        self._own: dict[UUID, Own] = {}

    def own(self, connection_id: UUID) -> int | None:
        """The client id of a connection, once it is known."""
        own = self._own.get(connection_id)
        return None if own is None else own.client

    def say(self, connection_id: UUID, user_id: UUID, name: str, entries: Sequence[AwarenessEntry]) -> list[Said]:
        """What a connection said of itself, ready to be passed on; what it said of others is ignored.

        Raises:
            Malformed: its own state is too large, or no JSON object.
        """
        own = self._own.get(connection_id)
        client = self._spoken_for(own, user_id, entries)
        entry = next((each for each in reversed(entries) if each.client == client), None)
        if entry is None:
            return []
        state = stamped(read_awareness_state(entry.state), user_id, name)
        changed: list[Said] = []
        if own is None or own.client != entry.client:
            changed += [] if own is None else self._remove(own.client)
            self._own[connection_id] = Own(entry.client, time.monotonic())
        clock = max(entry.clock, self._clock(entry.client) + 1)
        changed.append(self._set(entry.client, clock, state, connection_id, user_id))
        return changed

    def hear(self, entries: Sequence[Said]) -> list[Said]:
        """What another gateway passed on; ready for the connections here."""
        changed = []
        for client, clock, state in entries:
            here = self._present.get(client)
            if clock > self._clock(client) and (here is None or here.connection_id is None):
                changed.append(self._set(client, clock, state, None, owner(state)))
        return changed

    def leave(self, connection_id: UUID) -> list[Said]:
        """A connection is gone, and its client with it."""
        own = self._own.pop(connection_id, None)
        present = None if own is None else self._present.get(own.client)
        if own is None or present is None or present.connection_id != connection_id:
            return []
        return self._remove(own.client)

    def expire(self) -> list[Said]:
        """Clients of other gateways that were not heard of for too long are gone."""
        limit = time.monotonic() - OUTDATED
        late = [client for client, each in self._present.items() if each.connection_id is None and each.seen_at < limit]
        return [entry for client in late for entry in self._remove(client)]

    def all(self, *, here_only: bool = False) -> list[Said]:
        """Everybody's state, or only that of the connections here."""
        return [
            (client, each.clock, each.state)
            for client, each in self._present.items()
            if not (here_only and each.connection_id is None)
        ]

    def _spoken_for(self, own: Own | None, user_id: UUID, entries: Sequence[AwarenessEntry]) -> int | None:
        """The client id that is a connection's own among what it says, if any is."""
        if own is not None and (
            own.since > time.monotonic() - CHANGE_AFTER or any(each.client == own.client for each in entries)
        ):
            return own.client
        return next((each.client for each in entries if self._is_to_be_had(each, user_id, own)), None)

    def _is_to_be_had(self, entry: AwarenessEntry, user_id: UUID, own: Own | None) -> bool:
        known, present = self._known.get(entry.client), self._present.get(entry.client)
        if entry.state == GONE or (known is not None and known.user_id != user_id):
            return False  # an echo: only its owner speaks for a client
        if present is not None and present.connection_id is not None:
            return False
        return own is None or known is None

    def _clock(self, client: int) -> int:
        known = self._known.get(client)
        return 0 if known is None else known.clock

    def _set(self, client: int, clock: int, state: str, connection_id: UUID | None, user_id: UUID) -> Said:
        known = self._known.pop(client, None)
        self._known[client] = Known(user_id if known is None or user_id != NIL else known.user_id, clock)
        if len(self._known) > KNOWN_KEPT:
            del self._known[next(iter(self._known))]
        if state == GONE:
            self._present.pop(client, None)
        else:
            self._present[client] = Present(clock, state, time.monotonic(), connection_id)
        return client, clock, state

    def _remove(self, client: int) -> list[Said]:
        return [self._set(client, self._clock(client) + 1, GONE, None, NIL)]


def stamped(state: dict[str, Any] | None, user_id: UUID, name: str) -> str:
    """A state as JSON with the truth about its person in it."""
    if state is None:
        return GONE
    user = state.get("user")
    true = {**(user if isinstance(user, dict) else {}), "id": str(user_id), "name": name}
    return json.dumps({**state, "user": true}, separators=(",", ":"), ensure_ascii=False)


def owner(state: str) -> UUID:
    """Whose a stamped state is; nobody's when it says that its client is gone."""
    return NIL if state == GONE else UUID(json.loads(state)["user"]["id"])
