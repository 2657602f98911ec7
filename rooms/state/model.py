"""The live state of a dojo: everything that a person in it sees, but the text and the media."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Literal
from uuid import UUID

from pydantic import Field

from core.model import Instant, Model, UserId
from rooms.events import ChatMessage, DojoFile, Light, Phase, Presence
from rooms.models import Access, Device, Language, Role, RoomId, SessionId

CHAT_KEPT = 200
LIGHTS_KEPT = 30
SHOWN = 60_000
"""Characters of chat, and of what test runs printed, in a snapshot: written as JSON they are below what may wait for a
slow reader, whatever they are. The log has all."""


class Person(Model):
    """Someone in the dojo, or waiting for it."""

    id: UserId
    name: str
    guest: bool = False
    role: Role
    presence: Presence
    device: Device
    joined_at: Instant
    hand_at: Instant | None = None
    may_speak: bool = True
    lost_until: Instant | None = None
    """While reconnecting: when the seat is given up."""

    @property
    def seated(self) -> bool:
        """Whether they hold a seat."""
        return self.presence in {"here", "away", "reconnecting"}

    @property
    def present(self) -> bool:
        """Whether they are connected, looking or not."""
        return self.presence in {"here", "away"}

    @property
    def leads(self) -> bool:
        """Whether they run the dojo."""
        return self.role in {"host", "cohost"}


class Rotation(Model):
    """Who drives, who is next, and the turn's clock."""

    status: Literal["idle", "running", "paused"] = "idle"
    order: tuple[UserId, ...] = ()
    turn: int = 0
    turn_seconds: float = 240
    driver: UserId | None = None
    navigator: UserId | None = None
    ends_at: Instant | None = None
    """While running: when the bell rings."""
    remaining: float | None = None
    """While paused: seconds left."""


class Lease(Model):
    """Who may type: the holder, or everybody when there is none. Each move has a new epoch."""

    epoch: int = 0
    holder: UserId | None = None


class RoomState(Model):
    """Everything that a person in the dojo sees of it, but the text and the media."""

    room_id: RoomId
    epoch: int = 1
    """Changes when the log was restored from a backup: sequence numbers before it mean nothing."""
    seq: int = 0
    is_open: bool = False
    session_id: SessionId | None = None
    document_id: UUID | None = None
    owner_id: UserId | None = None
    name: str = ""
    kata: str = ""
    language: Language = "python"
    access: Access = "link"
    capacity: int = 30
    opened_at: Instant | None = None
    opened_seq: int = 0
    """The number of the event that opened the session: nobody is told what came before it."""
    phase: Phase = "code"
    people: dict[UserId, Person] = Field(default_factory=dict)
    banned: tuple[UserId, ...] = ()
    rotation: Rotation = Rotation()
    lease: Lease = Lease()
    files: tuple[DojoFile, ...] = ()
    lights: tuple[Light, ...] = ()
    """The last 30, oldest first."""
    chat: tuple[ChatMessage, ...] = ()
    """The last 200, oldest first."""
    keyboard_asked: tuple[UserId, ...] = ()
    """Who asked for the keyboard in this turn, in order."""
    empty_since: Instant | None = None
    """While the session is open: since when nobody holds a seat; the clean-up closes it some time after."""


def seen_by(state: RoomState, person_id: UserId) -> RoomState:
    """The state as ``person_id`` may see it: without private messages between others, and bounded in length."""
    chat = [message for message in state.chat if may_see(message, person_id)]
    said = newest([message.text for message in chat])
    printed = newest([light.output for light in state.lights])
    if said == len(state.chat) and printed == len(state.lights):
        return state
    lights = state.lights
    old = len(lights) - printed
    return state.replace(
        chat=tuple(chat[len(chat) - said :]),
        lights=(*(light.replace(output="") for light in lights[:old]), *lights[old:]),
    )


def newest(texts: Sequence[str]) -> int:
    """How many of the last ones a snapshot shows."""
    lengths = accumulate(len(text) for text in reversed(texts))
    return sum(length <= SHOWN for length in lengths)


def may_see(message: ChatMessage, person_id: UserId) -> bool:
    """Whether a chat message is for ``person_id`` too."""
    return message.to is None or person_id in {message.to, message.by}
