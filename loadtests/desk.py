"""What the people of one swarm share: the rooms, the gateways, and how a run comes to rest."""

import time
from collections.abc import Callable
from pathlib import Path

import gevent
from locust.exception import StopUser

from loadtests.facts import Recorder

AGAIN = 0.2
"""Seconds between two tries."""
SETTLE = 75.0
"""Seconds in which everybody must have come back and heard everything, once nothing new happens."""


class GaveUp(StopUser):  # type: ignore[misc]  # Locust ships no types
    """Time is over: the person who waited stops."""


class Table:
    """A room of the swarm. ``head`` is the newest number that anybody in it knows."""

    def __init__(self, room_id: str, code: str) -> None:
        self.room_id = room_id
        self.code = code
        self.head = 0
        self.members: set[str] = set()
        """Who came in."""
        self.busy: set[str] = set()
        """Who still makes something new."""
        self.texts: dict[str, str] = {}
        """What each member's replica holds."""
        self.seated: set[str] = set()
        """Who has said how things ended, and waits for the others."""


class Desk:
    """One run in one process."""

    def __init__(self, folder: Path, rooms: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.tables: list[Table] = []
        self.gateways: list[str] = []
        self.recorder = Recorder(folder / "history.jsonl")
        self._rooms = rooms
        self._over_at: float | None = None

    @property
    def people_in(self) -> int:
        """How many ever came in."""
        return sum(len(table.members) for table in self.tables)

    @property
    def is_over(self) -> bool:
        """Whether nothing new begins."""
        return self._over_at is not None

    def rest(self) -> None:
        """Nothing new from now on."""
        self._over_at = self._over_at or time.monotonic() + SETTLE

    def check_time(self) -> None:
        """Raise when coming to rest has taken too long.

        Raises:
            GaveUp: it has.
        """
        if self._over_at is not None and time.monotonic() > self._over_at:
            raise GaveUp

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that others do.

        Raises:
            GaveUp: the run is over before it came.
        """
        while not condition():
            self.check_time()
            gevent.sleep(AGAIN / 2)

    def smallest_table(self) -> Table:
        """Where the next one sits down; waits until all rooms are there."""
        self.until(lambda: len(self.tables) >= self._rooms)
        return min(self.tables, key=lambda each: len(each.members | each.busy))
