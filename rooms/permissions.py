"""What someone may send to the others by audio and video, as LiveKit enforces it; pure."""

from typing import Literal, NamedTuple

from core.model import UserId
from rooms.models import SessionId
from rooms.state import Person, RoomState

Source = Literal["microphone", "camera", "screen_share", "screen_share_audio"]

SCREEN: tuple[Source, ...] = ("screen_share", "screen_share_audio")


def sources(state: RoomState, person: Person) -> tuple[Source, ...]:
    """What ``person`` may send. While a rotation runs, the screen is for the driver, the navigator and hosts."""
    if not person.seated or person.role == "spectator":
        return ()
    rotation = state.rotation
    allowed: tuple[Source, ...] = ("microphone", "camera") if person.may_speak else ("camera",)
    if rotation.status == "idle" or person.leads or person.id in {rotation.driver, rotation.navigator}:
        allowed = (*allowed, *SCREEN)
    return allowed


class Removal(NamedTuple):
    """Someone has no seat any more: their media connection ends."""

    session_id: SessionId
    person_id: UserId


class Permit(NamedTuple):
    """Someone may now send this."""

    session_id: SessionId
    person_id: UserId
    sources: tuple[Source, ...]


class Ending(NamedTuple):
    """The session is over: everybody's media connection ends."""

    session_id: SessionId


MediaChange = Removal | Permit | Ending


def media_changes(before: RoomState, after: RoomState) -> list[MediaChange]:
    """What LiveKit must be told when ``before`` became ``after``."""
    if before.session_id is None or (
        after.people is before.people and after.rotation is before.rotation and after.is_open == before.is_open
    ):
        return []
    if not after.is_open or after.session_id != before.session_id:
        return [Ending(before.session_id)] if before.is_open else []
    changes: list[MediaChange] = []
    for person in before.people.values():
        now = after.people.get(person.id)
        if person.seated and (now is None or not now.seated):
            changes.append(Removal(before.session_id, person.id))
        elif now is not None and now.seated and sources(after, now) != sources(before, person):
            changes.append(Permit(before.session_id, person.id, sources(after, now)))
    return changes
