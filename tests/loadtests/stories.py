"""True stories of a room, told by drawing what happens: what people noted, and what the database kept."""

from typing import Any, NamedTuple
from uuid import UUID, uuid5

from loadtests.facts import (
    Acked,
    Change,
    Document,
    EditAcked,
    Edited,
    Entered,
    Entry,
    Fact,
    Received,
    Refused,
    Room,
    Sent,
    Stayed,
    Stored,
    Text,
)
from loadtests.history import check

SPACE = UUID(int=7)
ROOM, DOCUMENT, FILE = "room", "document", "f1"
PEOPLE = ("ana", "bea", "gil")
Step = tuple[str, int]


class Story(NamedTuple):
    """What people noted, and what the database kept."""

    facts: list[Fact]
    entries: list[Entry]
    changes: list[Change]
    texts: dict[str, str]

    @property
    def stored(self) -> Stored:
        return Stored({ROOM: Room(1, self.entries, (DOCUMENT,))}, {DOCUMENT: Document(self.changes, self.texts)})

    def kinds(self) -> set[str]:
        return {violation.kind for violation in check(self.facts, self.stored)}


class Teller:
    """Tells true stories: a room whose events reach everybody who is connected, at once and in order."""

    def __init__(self) -> None:
        self.story = Story([], [], [], {FILE: ""})
        self.connection = dict.fromkeys(PEOPLE, 0)
        self.has = dict.fromkeys(PEOPLE, 0)
        self.inside: set[str] = set()
        self.clock = dict.fromkeys(PEOPLE, 0)
        self.epoch = 0
        self.holder: str | None = None
        self.count = 0

    def tell(self, steps: list[Step]) -> Story:
        for what, who in [*steps, *(("come", number) for number in range(len(PEOPLE)))]:
            getattr(self, what)(PEOPLE[who])
        for person in PEOPLE:
            self.story.facts.append(Stayed(person, ROOM, self.has[person], sorted(PEOPLE)))
            self.story.facts.append(Text(person, DOCUMENT, FILE, self.story.texts[FILE]))
        return self.story

    def happen(self, op_id: str, who: str, kind: str, **more: Any) -> int:
        seq = len(self.story.entries) + 1
        entry = Entry(seq, op_id, who, kind, float(self.tick()), **more)
        self.story.entries.append(entry)
        return seq

    def spread(self, seq: int) -> None:
        for person in sorted(self.inside):
            self.hear(person, self.story.entries[seq - 1], tail=False)

    def hear(self, person: str, entry: Entry, *, tail: bool) -> None:
        hidden = entry.audience is not None and person not in entry.audience
        op_id = "hidden" if hidden else entry.op_id
        self.story.facts.append(Received(person, ROOM, self.connection[person], 1, entry.seq, op_id, hidden, tail))
        self.has[person] = max(self.has[person], entry.seq)

    def tick(self) -> int:
        self.count += 1
        return self.count

    def op(self) -> str:
        return str(uuid5(SPACE, str(self.tick())))

    def say(self, who: str, *, audience: frozenset[str] | None = None, tries: int = 1) -> None:
        self.come(who)
        op_id = self.op()
        for _ in range(tries):
            sent = Sent(who, ROOM, op_id, "chat:send", True, f"mark {op_id}", self.connection[who], 0.0, 0.0)
            self.story.facts.append(sent)
        seq = self.happen(op_id, who, "chat_sent", mark=f"mark {op_id}", audience=audience)
        self.story.facts.append(Acked(who, ROOM, op_id, seq, 0.0))
        self.spread(seq)

    def whisper(self, who: str) -> None:
        self.say(who, audience=frozenset({who, "ana"}))

    def insist(self, who: str) -> None:
        self.say(who, tries=2)

    def idle(self, who: str) -> None:
        """A command that changes nothing, and one that is refused."""
        self.come(who)
        for answer in (Acked(who, ROOM, self.op(), len(self.story.entries), 0.0), Refused(who, ROOM, self.op(), "no")):
            sent = Sent(who, ROOM, answer.op_id, "hand:set", False, "", self.connection[who], 0.0, 0.0)
            self.story.facts.extend((sent, answer))

    def turn(self, who: str) -> None:
        self.epoch, self.holder = self.epoch + 1, who
        self.spread(self.happen(self.op(), who, "turn_started", lease=(self.epoch, who)))

    def free(self, who: str) -> None:
        self.epoch, self.holder = self.epoch + 1, None
        self.spread(self.happen(self.op(), who, "rotation_stopped", lease=(self.epoch, None)))

    def type(self, who: str) -> None:
        if self.holder not in {None, who}:
            return
        word, start = f"<{self.tick()}>", self.clock[who]
        self.clock[who] = end = start + len(word)
        author = PEOPLE.index(who) + 1
        for first in (start, start + 1):  # the second brings what the first one brought, as after a broken line
            change = Change(len(self.story.changes) + 1, who, float(self.tick()), {author: (first, end)})
            self.story.changes.append(change)
        self.story.texts[FILE] += word
        self.story.facts.append(Edited(who, DOCUMENT, word, False, author, start, end, 0.0))
        self.story.facts.append(EditAcked(who, DOCUMENT, word, False, 0.0))

    def erase(self, who: str) -> None:
        if self.holder not in {None, who}:
            return
        self.type(who)
        word = "<" + self.story.texts[FILE].rpartition("<")[2]
        self.story.texts[FILE] = self.story.texts[FILE].replace(word, "")
        clock = self.clock[who]
        self.story.facts.append(Edited(who, DOCUMENT, word, True, PEOPLE.index(who) + 1, clock, clock, 0.0))
        self.story.facts.append(EditAcked(who, DOCUMENT, word, True, 0.0))

    def drop(self, who: str) -> None:
        self.inside.discard(who)

    def come(self, who: str) -> None:
        """With a tail where something is known, and one event that comes before the answer."""
        if who in self.inside:
            return
        self.connection[who] += 1
        entries, known = self.story.entries, self.has[who]
        early = entries[-1:]
        for entry in early:
            hidden = entry.audience is not None and who not in entry.audience
            op_id = "hidden" if hidden else entry.op_id
            early_fact = Received(who, ROOM, self.connection[who], 1, entry.seq, op_id, hidden, False)
            self.story.facts.append(early_fact)
        if known:
            self.story.facts.append(Entered(who, ROOM, self.connection[who], 1, known, True))
            for entry in entries[known:]:
                self.hear(who, entry, tail=True)
        else:
            self.story.facts.append(Entered(who, ROOM, self.connection[who], 1, len(entries), False))
            self.has[who] = len(entries)
        self.inside.add(who)
