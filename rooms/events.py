"""What happened: the numbered events of a dojo's log, and what rooms announces to other packages.

A log event's ``kind`` is its wire name. Times are seconds since the Unix epoch, by the server's clock.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, TypeAdapter
from typing_extensions import TypeAliasType

from core.model import Instant, Model, TenantId, UserId
from rooms.models import Access, Colour, Device, FileId, FileName, Language, LightId, Role, RoomId, SessionId

Presence = Annotated[
    Literal["waiting", "here", "away", "reconnecting", "gone"],
    Field(description="waiting: in the lobby; reconnecting: lost, seat kept; gone: left."),
]
Phase = Literal["code", "break", "retro"]


class DojoFile(Model):
    """A file of the session; its text is the ``Y.Text`` called ``id`` in the document."""

    id: FileId
    name: FileName


class Light(Model):
    """One test run's outcome. The files that it ran are kept beside it (``LightFiles``)."""

    id: LightId
    colour: Colour
    by: UserId
    at: Instant
    seconds: Annotated[float, Field(ge=0)]
    passed: int
    failed: int
    output: str
    """At most 4,000 characters: the end of what the run printed."""


class ChatMessage(Model):
    """A line of chat; ``to`` names the one person who also sees a private one."""

    id: UUID
    by: UserId
    name: str
    to: UserId | None
    text: str
    at: Instant


class SessionOpened(Model):
    """The dojo is being held: everything but the people in it starts anew."""

    kind: Literal["session_opened"] = "session_opened"
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
    at: Instant


class SessionClosed(Model):
    """The session is over; ``reason`` is ``host`` or ``empty``."""

    kind: Literal["session_closed"] = "session_closed"
    session_id: SessionId
    reason: Literal["host", "empty"]
    at: Instant


class PersonKnocked(Model):
    """Someone waits in the lobby."""

    kind: Literal["person_knocked"] = "person_knocked"
    person_id: UserId
    name: str
    guest: bool
    device: Device
    at: Instant


class PersonAdmitted(Model):
    """A host let them in; a seat is kept for them until ``until``."""

    kind: Literal["person_admitted"] = "person_admitted"
    person_id: UserId
    by: UserId
    until: Instant


class PersonDenied(Model):
    """A host did not let them in; they may knock again."""

    kind: Literal["person_denied"] = "person_denied"
    person_id: UserId
    by: UserId


class PersonEntered(Model):
    """They are here: for the first time, or back."""

    kind: Literal["person_entered"] = "person_entered"
    person_id: UserId
    name: str
    guest: bool
    role: Role
    device: Device
    at: Instant


class PersonLost(Model):
    """Their last connection broke; the seat is kept until ``until``."""

    kind: Literal["person_lost"] = "person_lost"
    person_id: UserId
    until: Instant


class PersonLeft(Model):
    """They left, or did not come back in time."""

    kind: Literal["person_left"] = "person_left"
    person_id: UserId
    at: Instant


class PersonRemoved(Model):
    """A host removed them; with ``banned`` they cannot come back to this dojo."""

    kind: Literal["person_removed"] = "person_removed"
    person_id: UserId
    by: UserId
    banned: bool
    at: Instant


class AwayChanged(Model):
    """They looked away from the page, or back."""

    kind: Literal["away_changed"] = "away_changed"
    person_id: UserId
    away: bool


class RoleChanged(Model):
    """They have another role: a host gave it, or ``by`` was the last host and left."""

    kind: Literal["role_changed"] = "role_changed"
    person_id: UserId
    role: Role
    by: UserId


class HandChanged(Model):
    """They raised or lowered their hand; hands are in the order of ``at``."""

    kind: Literal["hand_changed"] = "hand_changed"
    person_id: UserId
    raised: bool
    at: Instant


class SpeechChanged(Model):
    """A host took away, or gave back, the right to be heard."""

    kind: Literal["speech_changed"] = "speech_changed"
    person_id: UserId
    may_speak: bool
    by: UserId


class ChatSent(Model):
    """Something was said in the chat."""

    kind: Literal["chat_sent"] = "chat_sent"
    message: ChatMessage


class RotationOrdered(Model):
    """The order of driving is now this; it names only people in the dojo."""

    kind: Literal["rotation_ordered"] = "rotation_ordered"
    order: tuple[UserId, ...]


class TurnStarted(Model):
    """The keyboard moved: driver, navigator and write lease in one step. ``turn`` counts from 1."""

    kind: Literal["turn_started"] = "turn_started"
    turn: int
    driver: UserId
    navigator: UserId | None
    lease_epoch: int
    ends_at: Instant
    turn_seconds: float
    reason: Literal["start", "bell", "skip", "absent"]
    skipped: tuple[UserId, ...]
    """Who would have been next but is not here."""


class RotationPaused(Model):
    """The turn's clock stands; the driver keeps the keyboard."""

    kind: Literal["rotation_paused"] = "rotation_paused"
    remaining: float
    by: UserId | None


class RotationResumed(Model):
    """The turn's clock goes on."""

    kind: Literal["rotation_resumed"] = "rotation_resumed"
    ends_at: Instant


class TurnExtended(Model):
    """The turn is longer now."""

    kind: Literal["turn_extended"] = "turn_extended"
    ends_at: Instant | None
    remaining: float | None


class RotationStopped(Model):
    """Everybody may type again."""

    kind: Literal["rotation_stopped"] = "rotation_stopped"
    lease_epoch: int
    reason: Literal["host", "nobody-here"]


class KeyboardAsked(Model):
    """They ask the driver for the keyboard."""

    kind: Literal["keyboard_asked"] = "keyboard_asked"
    person_id: UserId


class LightReported(Model):
    """The tests ran."""

    kind: Literal["light_reported"] = "light_reported"
    light: Light


class FileAdded(Model):
    """There is a new, empty file."""

    kind: Literal["file_added"] = "file_added"
    file: DojoFile
    by: UserId


class FileRenamed(Model):
    """A file has another name; its text stays."""

    kind: Literal["file_renamed"] = "file_renamed"
    file: DojoFile
    by: UserId


class FileRemoved(Model):
    """A file is no longer part of the dojo; its text stays in the document's history."""

    kind: Literal["file_removed"] = "file_removed"
    file_id: FileId
    by: UserId


class PhaseChanged(Model):
    """Another phase began; a break pauses the rotation and keeps the room."""

    kind: Literal["phase_changed"] = "phase_changed"
    phase: Phase
    at: Instant


class SettingsChanged(Model):
    """The plan was changed while the dojo is held; a new turn length counts from the next turn."""

    kind: Literal["settings_changed"] = "settings_changed"
    name: str
    access: Access
    capacity: int
    turn_seconds: float


RoomEvent = TypeAliasType(
    "RoomEvent",
    Annotated[
        SessionOpened
        | SessionClosed
        | PersonKnocked
        | PersonAdmitted
        | PersonDenied
        | PersonEntered
        | PersonLost
        | PersonLeft
        | PersonRemoved
        | AwayChanged
        | RoleChanged
        | HandChanged
        | SpeechChanged
        | ChatSent
        | RotationOrdered
        | TurnStarted
        | RotationPaused
        | RotationResumed
        | TurnExtended
        | RotationStopped
        | KeyboardAsked
        | LightReported
        | FileAdded
        | FileRenamed
        | FileRemoved
        | PhaseChanged
        | SettingsChanged,
        Field(discriminator="kind"),
    ],
)
room_event: TypeAdapter[RoomEvent] = TypeAdapter(RoomEvent)


class RoomEntry(Model):
    """One numbered event as people in the dojo get it (``room:event``)."""

    room_id: RoomId
    epoch: int
    seq: int
    op_id: UUID
    kind: str
    """The event's kind; ``hidden`` for one that is not for this person: only its number counts."""
    actor_id: UUID
    at: Instant
    payload: RoomEvent | None


class RoomSignal(Model):
    """A word that passes and is not kept (``room:signal``)."""

    room_id: RoomId
    kind: str
    value: str
    by: UserId


class LobbyChanged(Model):
    """To who waits: ask again to enter, or do not (``lobby:changed``)."""

    room_id: RoomId
    outcome: Literal["admitted", "denied", "closed"]


class SessionEnded(Model):
    """Announced once a session is over: its summary can be made."""

    room_id: RoomId
    session_id: SessionId


class RoomCreated(Model):
    """Announced when a dojo was created."""

    room_id: RoomId
    name: str


class Provenance(Model):
    """What rooms vouches for when a light's files are kept as a POC; it travels as a pass (``core/tokens.py``)."""

    tenant_id: TenantId
    room_id: RoomId
    session_id: SessionId
    light_id: LightId
    dojo: str
    kata: str
    language: Language
    colour: Colour
    authors: tuple[str, ...]
    files_sha256: str
    """What ``digest`` gave for the light's files."""

    @staticmethod
    def digest(files: Iterable[tuple[str, str]]) -> str:
        """Hex SHA-256 of the files' canonical JSON: ``[[name, text], …]`` sorted by name, no spaces, UTF-8."""
        canonical = json.dumps(sorted(files), ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
