"""What is made together: chat, test runs, files."""

from core.errors import Conflict
from rooms import errors, events
from rooms.commands import AddFile, RemoveFile, RenameFile, ReportLight, SendChat
from rooms.decide.draft import Draft
from rooms.events import ChatMessage, DojoFile, Light

FILES_MAX = 20
LIGHT_FILES_MAX = 1_000_000
"""Characters of all files of one light together."""


def send_chat(draft: Draft, command: SendChat) -> None:
    """Say something; the operation's id is the message's."""
    me = draft.me()
    if command.to is not None and draft.person(command.to).presence == "waiting":
        raise errors.UnknownPerson("They still wait at the door.")
    message = ChatMessage.trusted(
        id=command.op_id, by=me.id, name=me.name, to=command.to, text=command.text, at=draft.now
    )
    draft.add(events.ChatSent.trusted(kind="chat_sent", message=message))


def report_light(draft: Draft, command: ReportLight) -> None:
    """Say how a test run ended; a repeat says nothing new."""
    me = draft.doer()
    if sum(len(file.text) for file in command.files) > LIGHT_FILES_MAX:
        raise errors.FilesTooLarge
    if any(light.id == command.light_id for light in draft.state.lights):
        return
    light = Light(
        id=command.light_id,
        colour=command.colour,
        by=me.id,
        at=draft.now,
        seconds=command.seconds,
        passed=command.passed,
        failed=command.failed,
        output=command.output,
    )
    draft.add(events.LightReported(light=light))


def add_file(draft: Draft, command: AddFile) -> None:
    """Add an empty file; its id comes from the operation's."""
    me = draft.doer()
    if len(draft.state.files) >= FILES_MAX:
        raise errors.TooManyFiles(f"A dojo has at most {FILES_MAX} files.")
    file = DojoFile(id=command.op_id.hex[-16:], name=command.name)
    if any(other.id == file.id for other in draft.state.files):
        raise Conflict("This operation already made a file.")
    require_free(draft, file)
    draft.add(events.FileAdded(file=file, by=me.id))


def rename_file(draft: Draft, command: RenameFile) -> None:
    """Give a file another name."""
    me = draft.doer()
    file = DojoFile(id=command.file_id, name=command.name)
    if find(draft, file.id) == file:
        return
    require_free(draft, file)
    draft.add(events.FileRenamed(file=file, by=me.id))


def remove_file(draft: Draft, command: RemoveFile) -> None:
    """Take a file out of the dojo, but the last."""
    me = draft.doer()
    find(draft, command.file_id)
    if len(draft.state.files) == 1:
        raise errors.LastFile
    draft.add(events.FileRemoved(file_id=command.file_id, by=me.id))


def find(draft: Draft, file_id: str) -> DojoFile:
    """A file of the dojo."""
    for file in draft.state.files:
        if file.id == file_id:
            return file
    raise errors.FileNotFound


def require_free(draft: Draft, file: DojoFile) -> None:
    """Refuse a name that another file has; letter case makes no difference, as on many disks."""
    for other in draft.state.files:
        if other.id != file.id and other.name.lower() == file.name.lower():
            raise errors.FileNameTaken(file.name)
