"""What happens by itself: the bell, seats given up, empty dojos closed, connections lost."""

from core.model import Model, UserId
from rooms import events
from rooms.decide import people, rotation
from rooms.decide.draft import Draft
from rooms.events import RoomEvent
from rooms.state import RoomState

GRACE = 20.0
"""Seconds that a lost connection keeps the seat."""


class Timing(Model):
    """When an empty dojo is closed, in seconds; a break is never cut short."""

    empty: float = 60
    unvisited: float = 900
    """Where nobody has come in yet."""


DEFAULT = Timing()


def tick(state: RoomState, now: float, timing: Timing = DEFAULT) -> tuple[RoomEvent, ...]:
    """What is due at ``now``; nothing, if nothing is."""
    draft = Draft(state, None, now)
    if not state.is_open:
        return ()
    for person in state.people.values():
        if person.presence == "reconnecting" and person.lost_until is not None and person.lost_until <= now:
            draft.add(events.PersonLeft(person_id=person.id, at=now))
    settle(draft)
    rotation.bell(draft)
    closes_at = empty_deadline(draft.state, timing)
    if closes_at is not None and closes_at <= now and state.session_id is not None:
        draft.add(events.SessionClosed(session_id=state.session_id, reason="empty", at=now))
    return tuple(draft.events)


def deadline(state: RoomState, timing: Timing = DEFAULT) -> float | None:
    """When ``tick`` has something to do next, if nothing else happens."""
    if not state.is_open:
        return None
    times = [person.lost_until for person in state.people.values() if person.presence == "reconnecting"]
    times.append(state.rotation.ends_at)
    times.append(empty_deadline(state, timing))
    return min((time for time in times if time is not None), default=None)


def same_clock(before: RoomState, after: RoomState) -> bool:
    """Whether ``after``, which was folded from ``before``, has its deadline: nothing that moves it was touched."""
    return (
        after.people is before.people
        and after.rotation is before.rotation
        and after.is_open == before.is_open
        and after.phase == before.phase
        and after.empty_since == before.empty_since
    )


def empty_deadline(state: RoomState, timing: Timing) -> float | None:
    """When the session closes because nobody is here."""
    if state.empty_since is None or state.phase == "break":
        return None
    return state.empty_since + (timing.unvisited if state.empty_since == state.opened_at else timing.empty)


def lose_connection(state: RoomState, person_id: UserId, now: float) -> tuple[RoomEvent, ...]:
    """Someone's last connection broke: their seat is kept for a while; who only waited has gone."""
    person = state.people.get(person_id)
    if not state.is_open or person is None:
        return ()
    if person.presence == "waiting":
        return (events.PersonLeft(person_id=person_id, at=now),)
    return (events.PersonLost(person_id=person_id, until=now + GRACE),) if person.present else ()


def settle(draft: Draft) -> None:
    """Restore what always holds: the driver is here, and somebody runs the dojo."""
    untouched = draft.state.people is draft.before.people and draft.state.rotation is draft.before.rotation
    if draft.state.is_open and not untouched:
        rotation.mend_rotation(draft)
        people.mend_leadership(draft)
