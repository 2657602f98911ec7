"""What a dojo is, at rest and on the wire. The live state of a session is in ``state.py``."""

from datetime import datetime
from typing import Annotated, Literal, NewType
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from core.model import Instant, Line, Model, UserId

RoomId = NewType("RoomId", UUID)
SessionId = NewType("SessionId", UUID)
LightId = NewType("LightId", UUID)
FileId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{1,16}$")]
"""Names a file's ``Y.Text`` at the root of the session's Yjs document; it outlives renames."""

Language = Literal["python", "javascript"]
Access = Annotated[
    Literal["link", "signed-in", "members"],
    Field(description="Who may knock: anyone with the link, anyone signed in, or members of the organisation."),
]
Capacity = Annotated[int, Field(ge=1, le=500, description="Seats, 1 to 500.")]
TurnSeconds = Annotated[float, Field(ge=5, le=3600, description="Length of a turn, 5 seconds to an hour.")]
FileName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$"),
    Field(description="Letters, digits, dot, dash, underscore; no folders."),
]
Source = Annotated[str, StringConstraints(max_length=100_000)]
Colour = Literal["red", "amber", "green", "timeout"]
Role = Annotated[
    Literal["host", "cohost", "participant", "spectator"],
    Field(description="Driver and navigator are seats that the rotation gives, not roles."),
]
Device = Literal["desktop", "phone"]
TrackKind = Literal["audio", "video"]
RoomFilter = Literal["open", "planned", "ended", "all"]


class SourceFile(Model):
    """A file's name and text."""

    name: FileName
    text: Source


class KataSummary(Model):
    """A line of the built-in library."""

    slug: str
    title: str
    summary: str
    difficulty: Annotated[int, Field(ge=1, le=5)]
    languages: tuple[Language, ...]


class Kata(KataSummary):
    """A kata: its text (Markdown) and starter files with tests, by language."""

    text: str
    files: dict[Language, tuple[SourceFile, ...]]


class NewRoom(Model):
    """What a host says to create a dojo. Without a name it takes the kata's title and the date."""

    name: Line | None = None
    kata: str
    language: Language = "python"
    turn_seconds: TurnSeconds = 240
    access: Access = "link"
    capacity: Capacity = 30
    starts_at: AwareDatetime | None = None


class RoomChange(Model):
    """What a host changes of a dojo's plan; what is absent stays."""

    name: Line | None = None
    turn_seconds: TurnSeconds | None = None
    access: Access | None = None
    capacity: Capacity | None = None
    starts_at: AwareDatetime | None = None


class Room(Model):
    """A dojo: a persistent room that is held as sessions, one at a time."""

    id: RoomId
    name: str
    code: str
    """The last part of the link to share."""
    kata: str
    language: Language
    turn_seconds: float
    access: Access
    capacity: Capacity
    owner_id: UserId
    created_at: datetime
    starts_at: datetime | None
    is_active: bool
    session_id: SessionId | None
    """The session being held, if any; else the last one."""


class RoomQuery(Model):
    """Which dojos to list."""

    state: RoomFilter = "all"
    cursor: UUID | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 30


class RoomPage(Model):
    """Dojos, newest first."""

    items: tuple[Room, ...]
    cursor: str | None = None


class RoomLink(Model):
    """What someone with the link sees before they are in."""

    room_id: RoomId
    name: str
    organisation: str
    kata: str
    language: Language
    access: Access
    is_active: bool
    guest_pass: str | None
    """Lets ``POST /api/guests`` bind a guest to this dojo; none where guests are not let in."""


class Participant(Model):
    """Someone who was in a dojo (the seed contract's row)."""

    room_id: RoomId
    identity: UserId
    name: str
    role: Role
    joined_at: datetime
    is_connected: bool


class Track(Model):
    """A media track that LiveKit carries (the seed contract's row)."""

    id: str
    room_id: RoomId
    participant_id: UserId
    kind: TrackKind
    codec: str
    created_at: datetime


class NewTrack(Model):
    """A media track that someone sends."""

    id: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    kind: TrackKind
    codec: Annotated[str, StringConstraints(max_length=40)]


class MediaToken(Model):
    """How to reach the dojo's LiveKit room; ask again before it expires."""

    url: str
    token: str
    expires_at: Instant


class EditorPass(Model):
    """How to open the shared document: a WebSocket at ``path`` on any gateway, with ``?pass=``."""

    path: str
    word: str
    document_id: UUID
    may_write: bool
    expires_at: Instant


class EditorGrant(Model):
    """What an editor pass says, signed by rooms and believed by the gateway."""

    tenant_id: UUID
    room_id: UUID
    document_id: UUID
    user_id: UserId
    sign_in_id: UUID
    name: str
    may_write: bool
    seq: int
    """Where the dojo's log stood when this was true."""


class Session(Model):
    """One holding of a dojo."""

    id: SessionId
    room_id: RoomId
    started_at: datetime
    ended_at: datetime | None
    end_reason: str | None


class TimelineEntry(Model):
    """One thing that happened, for the session's time line."""

    at: Instant
    kind: Literal["opened", "ended", "entered", "left", "turn", "light", "chat", "phase"]
    person: str | None = None
    text: str = ""
    light_id: LightId | None = None
    colour: Colour | None = None


class DriverShare(Model):
    """How long someone had the keyboard, in seconds."""

    user_id: UserId
    name: str
    seconds: float
    turns: int


class SessionSummary(Model):
    """What happened in a session, for its summary page."""

    session_id: SessionId
    room_id: RoomId
    name: str
    kata: str
    language: Language
    started_at: Instant
    ended_at: Instant | None
    people: tuple[str, ...]
    drivers: tuple[DriverShare, ...]
    timeline: tuple[TimelineEntry, ...]
    lights: int
    greens: int
    messages: int


class LightFiles(Model):
    """The files as they were at one light, and a pass that the catalogue trusts for where they come from."""

    light_id: LightId
    colour: Colour
    at: Instant
    files: tuple[SourceFile, ...]
    provenance: str
