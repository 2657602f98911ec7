"""A session's beginning, phases and end."""

from uuid import UUID

from core.model import Model, UserId
from rooms import errors, events
from rooms.commands import CloseSession, SetPhase
from rooms.decide import rotation
from rooms.decide.draft import Draft
from rooms.events import DojoFile, RoomEvent
from rooms.models import Access, Language, SessionId
from rooms.state import RoomState


class OpenSession(Model):
    """A dojo's plan, as a session of it begins."""

    session_id: SessionId
    document_id: UUID
    by: UserId
    owner_id: UserId
    name: str
    kata: str
    language: Language
    access: Access
    capacity: int
    turn_seconds: float
    files: tuple[DojoFile, ...]


def open_session(state: RoomState, plan: OpenSession, now: float) -> tuple[RoomEvent, ...]:
    """Begin a session; one at a time."""
    if state.is_open:
        raise errors.RoomAlreadyOpen
    return (events.SessionOpened(**plan.model_dump(), at=now),)


def change_settings(
    state: RoomState,
    *,
    name: str | None = None,
    access: Access | None = None,
    capacity: int | None = None,
    turn_seconds: float | None = None,
) -> tuple[RoomEvent, ...]:
    """Tell a session that is held what changed of its plan; what is None stays."""
    if not state.is_open:
        return ()
    if capacity is not None and sum(person.seated for person in state.people.values()) > capacity:
        raise errors.SeatsTaken
    old = events.SettingsChanged(
        name=state.name, access=state.access, capacity=state.capacity, turn_seconds=state.rotation.turn_seconds
    )
    new = events.SettingsChanged(
        name=old.name if name is None else name,
        access=old.access if access is None else access,
        capacity=old.capacity if capacity is None else capacity,
        turn_seconds=old.turn_seconds if turn_seconds is None else turn_seconds,
    )
    return () if old == new else (new,)


def close_session(state: RoomState, now: float) -> tuple[RoomEvent, ...]:
    """End the session; ending what has ended changes nothing."""
    if not state.is_open or state.session_id is None:
        return ()
    return (events.SessionClosed(session_id=state.session_id, reason="host", at=now),)


def close(draft: Draft, _command: CloseSession) -> None:
    """A host ends the session for everybody."""
    draft.leader()
    for event in close_session(draft.state, draft.now):
        draft.add(event)


def set_phase(draft: Draft, command: SetPhase) -> None:
    """Go to another phase; the clock runs only while there is code."""
    leader = draft.leader()
    if draft.state.phase == command.phase:
        return
    draft.add(events.PhaseChanged(phase=command.phase, at=draft.now))
    if command.phase == "code":
        rotation.resume(draft)
    else:
        rotation.pause(draft, leader.id)
