"""A dojo for tests of pure decisions: commands go in, the state comes out."""

from typing import Any

from core.model import UserId, new_id
from rooms import commands
from rooms.decide import Actor, OpenSession, deadline, decide, lose_connection, open_session, tick
from rooms.events import DojoFile, RoomEvent
from rooms.models import RoomId, SessionId
from rooms.state import RoomState, evolve

START = 1_000_000.0


class Dojo:
    """An open dojo of Ana's; people are named by one word, guests begin with ``guest``."""

    def __init__(self, capacity: int = 30, access: str = "link", *enter: str) -> None:
        self.now = START
        self.people: dict[str, Actor] = {}
        self.state = RoomState(room_id=RoomId(new_id()))
        self.events: list[RoomEvent] = []
        self.last: list[RoomEvent] = []
        ana = self.actor("ana").user_id
        plan = OpenSession.model_validate(
            {
                "session_id": SessionId(new_id()), "document_id": new_id(), "by": ana, "owner_id": ana, "name": "Dojo",
                "kata": "fizzbuzz", "language": "python", "access": access, "capacity": capacity, "turn_seconds": 240,
                "files": (DojoFile(id="main", name="fizzbuzz.py"),),
            }
        )  # fmt: skip
        self.fold(open_session(self.state, plan, self.now))
        for name in enter:
            self.enter(name)

    def actor(self, name: str) -> Actor:
        """The person called ``name``."""
        if name not in self.people:
            self.people[name] = Actor(user_id=UserId(new_id()), name=name, guest=name.startswith("guest"))
        return self.people[name]

    def id(self, name: str) -> UserId:
        """Their id."""
        return self.actor(name).user_id

    def name(self, person_id: UserId | None) -> str | None:
        """The name behind an id."""
        return next((name for name, actor in self.people.items() if actor.user_id == person_id), None)

    def fold(self, events: tuple[RoomEvent, ...]) -> list[RoomEvent]:
        """These happen."""
        for event in events:
            self.state = evolve(self.state, self.state.seq + 1, event)
        self.events.extend(events)
        self.last = list(events)
        return self.last

    def do(self, name: str, kind: str, /, **values: Any) -> list[RoomEvent]:
        """``name`` gives the command called ``kind``; a second passes first."""
        self.now += 1
        command: commands.InRoom = getattr(commands, kind)(room_id=self.state.room_id, op_id=new_id(), **values)
        return self.fold(decide(self.state, command, self.actor(name), self.now, seed=7))

    def enter(self, name: str) -> list[RoomEvent]:
        """Come in; a guest is let in by Ana at once."""
        happened = self.do(name, "EnterRoom")
        person = self.state.people.get(self.id(name))
        if person is not None and person.presence == "waiting":
            self.do("ana", "AdmitPeople", person_ids=(self.id(name),))
            happened = self.do(name, "EnterRoom")
        return happened

    def lose(self, name: str) -> list[RoomEvent]:
        """Their connection breaks."""
        return self.fold(lose_connection(self.state, self.id(name), self.now))

    def wait(self, seconds: float) -> list[RoomEvent]:
        """Time passes; what is due happens when it is due."""
        until = self.now + seconds
        happened: list[RoomEvent] = []
        while (due := deadline(self.state)) is not None and due <= until:
            self.now = max(due, self.now)
            happened += self.fold(tick(self.state, self.now))
        self.now = until
        self.last = happened
        return happened

    @property
    def driver(self) -> str | None:
        """Who drives."""
        return self.name(self.state.rotation.driver)

    def kinds(self) -> list[str]:
        """What the last command led to."""
        return [event.kind for event in self.last]
