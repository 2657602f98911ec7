"""A decision being made: the state as it will be, and the events that lead there."""

from typing import NamedTuple

from core.model import UserId
from rooms.errors import HostsOnly, NotAdmitted, NotYourTurn, OnlyWatching, RoomClosed, UnknownPerson
from rooms.events import RoomEvent
from rooms.models import RoomId
from rooms.state import Person, RoomState, evolve


class Actor(NamedTuple):
    """Who asks: a verified person, not yet known to be in the dojo."""

    user_id: UserId
    name: str
    guest: bool = False
    admin: bool = False
    """Runs the organisation: leads a dojo that they find without anybody who does."""


class Draft:
    """Collects events; each is folded at once, so that a later rule sees what an earlier one changed."""

    def __init__(self, state: RoomState, actor: Actor | None, now: float, seed: int = 0) -> None:
        self.before = state
        self.state = state
        self._actor = actor
        self.now = now
        self.seed = seed
        """Random bits for a shuffle; the decision itself draws none."""
        self.events: list[RoomEvent] = []

    def add(self, event: RoomEvent) -> None:
        """``event`` happens."""
        self.events.append(event)
        self.state = evolve(self.state, self.state.seq + 1, event)

    @property
    def actor(self) -> Actor:
        """Who asks."""
        if self._actor is None:
            raise RoomClosed
        return self._actor

    @property
    def room_id(self) -> RoomId:
        """Which dojo."""
        return self.state.room_id

    def require_open(self) -> None:
        """Refuse what only a session that is held can take."""
        if not self.state.is_open:
            raise RoomClosed

    def me(self) -> Person:
        """The actor as someone who is in the dojo.

        Raises:
            RoomClosed: no session is held.
            NotAdmitted: they wait, left, or never came.
        """
        self.require_open()
        person = self.state.people.get(self.actor.user_id)
        if person is None or not person.seated:
            raise NotAdmitted
        return person

    def leader(self) -> Person:
        """The actor as someone who runs the dojo."""
        person = self.me()
        if not person.leads:
            raise HostsOnly
        return person

    def doer(self) -> Person:
        """The actor as someone who may change things now: with the keyboard, or running the dojo."""
        person = self.me()
        if person.role == "spectator":
            raise OnlyWatching
        holder = self.state.lease.holder
        if holder is not None and holder != person.id and not person.leads:
            raise NotYourTurn
        return person

    def person(self, person_id: UserId) -> Person:
        """Someone of the dojo, present or not."""
        person = self.state.people.get(person_id)
        if person is None:
            raise UnknownPerson
        return person
