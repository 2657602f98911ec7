"""The text that a session's shared document begins with: our own kata, nobody else's update is applied here."""

from collections.abc import Sequence

from pycrdt import Doc, Text

from rooms.events import DojoFile
from rooms.models import SourceFile

SEED_CLIENT = 1
"""The Yjs client id of the first update; clients draw theirs at random from 32 bits."""


def dojo_files(starters: Sequence[SourceFile]) -> tuple[DojoFile, ...]:
    """The session's files, each with the name of its ``Y.Text``."""
    return tuple(DojoFile(id=f"f{number}", name=file.name) for number, file in enumerate(starters, 1))


def seed_update(starters: Sequence[SourceFile]) -> bytes:
    """A Yjs update that holds the starter files, one ``Y.Text`` each at the root of the document."""
    document: Doc[Text] = Doc(client_id=SEED_CLIENT)
    for file, starter in zip(dojo_files(starters), starters, strict=True):
        document[file.id] = Text(starter.text)
    return bytes(document.get_update())
