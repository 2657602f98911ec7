"""What the people of a swarm did and heard, one fact a line, and what the database kept of it.

A client writes its facts in the order in which they happened to it. Times are seconds since the Unix epoch.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MOST = 5_000_000
"""Facts of one run; what comes after them is not kept, and the run says so."""


class Sent(NamedTuple):
    """A command went out, or went out again, over the client's connection of that number."""

    client: str
    room: str
    op_id: str
    event: str
    stores: bool
    """Whether it makes an event in any case; a hand that is up already makes none."""
    mark: str
    """What only this command's event holds; empty where it has nothing of its own."""
    connection: int
    intended: float
    at: float


class Acked(NamedTuple):
    """A command was acknowledged with its number."""

    client: str
    room: str
    op_id: str
    seq: int
    at: float


class Refused(NamedTuple):
    """A command was refused for good."""

    client: str
    room: str
    op_id: str
    code: str


class Entered(NamedTuple):
    """The client is in: with a snapshot as of ``seq``, or (``tail``) with what comes after the ``seq`` it has."""

    client: str
    room: str
    connection: int
    epoch: int
    seq: int
    tail: bool


class Received(NamedTuple):
    """An event came: live, or in the answer to coming back (``tail``)."""

    client: str
    room: str
    connection: int
    epoch: int
    seq: int
    op_id: str
    hidden: bool
    tail: bool


class Edited(NamedTuple):
    """A word was typed, or taken out again, as the clocks ``start`` to ``end`` of the Yjs client ``author``."""

    client: str
    document: str
    word: str
    erased: bool
    author: int
    start: int
    end: int
    at: float


class EditAcked(NamedTuple):
    """All that the client did to the document up to this word's last change is acknowledged."""

    client: str
    document: str
    word: str
    erased: bool
    at: float


class Text(NamedTuple):
    """What the client's replica held when everything was quiet."""

    client: str
    document: str
    file: str
    text: str


class Stayed(NamedTuple):
    """The client was connected when everything was quiet, and saw these people as being here."""

    client: str
    room: str
    seq: int
    here: list[str]


class CutShort(NamedTuple):
    """More happened than is kept: nothing can be said of this run."""

    most: int


Fact = Sent | Acked | Refused | Entered | Received | Edited | EditAcked | Text | Stayed | CutShort
KINDS: dict[str, type[Fact]] = {
    kind.__name__: kind for kind in (Sent, Acked, Refused, Entered, Received, Edited, EditAcked, Text, Stayed, CutShort)
}


class Recorder:
    """Writes facts to a file; in one process, one line each."""

    def __init__(self, path: Path, most: int = MOST) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._most = most
        self._count = 0

    def note(self, fact: Fact) -> None:
        """Keep a fact."""
        if self._count < self._most:
            self._count += 1
            self._write(fact if self._count < self._most else CutShort(self._most))

    def close(self) -> None:
        """Nothing more is kept."""
        self._most = 0
        self._file.close()

    def _write(self, fact: Fact) -> None:
        self._file.write(json.dumps([type(fact).__name__, *fact], separators=(",", ":")) + "\n")


def read_facts(path: Path) -> Iterator[Fact]:
    """The facts of a run, in their order."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            kind, *values = json.loads(line)
            yield KINDS[kind](*values)


class Entry(NamedTuple):
    """An entry of a room's log."""

    seq: int
    op_id: str
    actor: str
    kind: str
    at: float
    mark: str = ""
    audience: frozenset[str] | None = None
    lease: tuple[int, str | None] | None = None
    """Where the entry moves the right to type: the new epoch, and who holds it."""


class Change(NamedTuple):
    """An entry of a document's log: whose it is, and which clocks of which Yjs clients it brings."""

    seq: int
    actor: str
    at: float
    clocks: dict[int, tuple[int, int]]


class Room(NamedTuple):
    """A room's log."""

    epoch: int
    entries: list[Entry]
    documents: tuple[str, ...] = ()
    """Those of its sessions."""


class Document(NamedTuple):
    """A document's log, and the text of each of its files that it amounts to."""

    changes: list[Change]
    texts: dict[str, str]


class Stored(NamedTuple):
    """What the database holds of a run."""

    rooms: dict[str, Room]
    documents: dict[str, Document]
