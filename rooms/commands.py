"""What people ask of a dojo: the Socket.IO payloads, and the input of ``decide``."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from core.model import Model, UserId
from rooms.events import Phase
from rooms.models import Colour, Device, FileId, FileName, LightId, Role, RoomId, SourceFile

ChatText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=r"^[^\x00]*$")
]


class InRoom(Model):
    """A command to one dojo. ``op_id`` is the client's own: repeating it repeats nothing."""

    room_id: RoomId
    op_id: UUID


class EnterRoom(InRoom):
    """Come in, or knock; ``seq`` and ``epoch`` say what a returning client has."""

    device: Device = "desktop"
    epoch: int | None = None
    seq: int | None = None


class LeaveRoom(InRoom):
    """Leave for good (closing the page only loses the connection)."""


class SendChat(InRoom):
    """Say something to all, or to one."""

    text: ChatText
    to: UserId | None = None


class SetHand(InRoom):
    """Raise or lower the own hand; a host may lower another's."""

    raised: bool
    person_id: UserId | None = None


class SetAway(InRoom):
    """Say whether the page is being looked at."""

    away: bool


class AdmitPeople(InRoom):
    """Let people in; without ids, everybody who waits."""

    person_ids: tuple[UserId, ...] | None = None


class DenyPerson(InRoom):
    """Do not let someone in."""

    person_id: UserId


class ChangeRole(InRoom):
    """Give someone another role."""

    person_id: UserId
    role: Role


class SetSpeech(InRoom):
    """Take away, or give back, someone's right to be heard."""

    person_id: UserId
    may_speak: bool


class RemovePerson(InRoom):
    """Remove someone; ``ban`` keeps them out of this dojo."""

    person_id: UserId
    ban: bool = False


class StartRotation(InRoom):
    """Start the clock; without an order, all participants who are here, by arrival."""

    order: Annotated[tuple[UserId, ...], Field(max_length=500)] | None = None
    turn_seconds: Annotated[float, Field(ge=5, le=3600)] | None = None


class ControlRotation(InRoom):
    """Pause, resume, stop, skip to the next driver, or shuffle those who are not driving."""

    action: Literal["pause", "resume", "stop", "skip", "shuffle"]


class ExtendTurn(InRoom):
    """Make this turn longer, or shorter with a negative number."""

    seconds: Annotated[float, Field(ge=-3600, le=3600)]


class ReorderRotation(InRoom):
    """Set the order of driving; the present turn stays."""

    order: Annotated[tuple[UserId, ...], Field(min_length=1, max_length=500)]


class AskKeyboard(InRoom):
    """Ask the driver for the keyboard."""


class ReportLight(InRoom):
    """Say how a test run ended, with the files that it ran."""

    light_id: LightId
    colour: Colour
    seconds: Annotated[float, Field(ge=0, le=3600)]
    passed: Annotated[int, Field(ge=0, le=100_000)] = 0
    failed: Annotated[int, Field(ge=0, le=100_000)] = 0
    output: Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")] = ""
    files: Annotated[tuple[SourceFile, ...], Field(max_length=50)]


class AddFile(InRoom):
    """Add an empty file."""

    name: FileName


class RenameFile(InRoom):
    """Give a file another name."""

    file_id: FileId
    name: FileName


class RemoveFile(InRoom):
    """Take a file out of the dojo."""

    file_id: FileId


class SetPhase(InRoom):
    """Go to another phase."""

    phase: Phase


class CloseSession(InRoom):
    """End the session for everybody."""


class SendSignal(Model):
    """A word that passes and is not kept: a reaction, a typing mark. It may be lost."""

    room_id: RoomId
    kind: Literal["reaction", "typing"]
    value: Annotated[str, StringConstraints(max_length=64)] = ""
