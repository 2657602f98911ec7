"""What those who wait at the door are told of it."""

from collections.abc import Sequence
from typing import Literal

from core.model import UserId
from rooms import events
from rooms.events import RoomEvent
from rooms.state import RoomState

Outcome = Literal["admitted", "denied", "closed"]

LOBBY = frozenset({events.PersonAdmitted, events.PersonDenied, events.PersonRemoved, events.SessionClosed})


def lobby_changes(before: RoomState, made: Sequence[RoomEvent]) -> list[tuple[Outcome, tuple[UserId, ...] | None]]:
    """What those who wait are told, and whom; None for all."""
    told: list[tuple[Outcome, tuple[UserId, ...] | None]] = []
    if LOBBY.isdisjoint(map(type, made)):
        return told
    for event in made:
        match event:
            case events.PersonAdmitted():
                told.append(("admitted", (event.person_id,)))
            case events.PersonDenied() | events.PersonRemoved():
                person = before.people.get(event.person_id)
                if person is not None and person.presence == "waiting":
                    told.append(("denied", (event.person_id,)))
            case events.SessionClosed():
                told.append(("closed", None))
    return told
