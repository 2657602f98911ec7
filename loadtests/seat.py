"""One person's place in a room: comes in, comes back with what it has, gives commands until they are answered."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import gevent
from gevent.event import Event
from gevent.lock import RLock

from core.model import new_id
from loadtests.desk import AGAIN, Desk, Table
from loadtests.facts import Acked, Entered, Received, Refused, Sent
from loadtests.wires import PATIENCE, Broken, SocketLine

PASSING = frozenset({"unavailable", "too-many", "not-admitted"})
"""Refusals after which the same again may do."""
RACES = frozenset({"not-your-turn", "rotation-not-running", "unknown-person", "rotation-running"})
"""Refusals of what was right a moment ago."""
Report = Callable[[str, str, float, Exception | None], None]
"""Kind, name, seconds and fault of a request, for Locust."""


class View:
    """As much of a room's state as a swarm acts on; the events that it folds are those of ``rooms.events``."""

    def __init__(self) -> None:
        self.epoch = 0
        self.seq = 0
        self.presence: dict[str, str] = {}
        self.holder: str | None = None
        self.is_rotating = False

    def begin(self, snapshot: dict[str, Any]) -> None:
        """Take over a snapshot."""
        self.epoch, self.seq = snapshot["epoch"], snapshot["seq"]
        self.presence = {key: person["presence"] for key, person in snapshot["people"].items()}
        self.holder = snapshot["lease"]["holder"]
        self.is_rotating = snapshot["rotation"]["status"] != "idle"

    def fold(self, entry: dict[str, Any]) -> None:
        """Take over the next event."""
        self.seq = entry["seq"]
        event = entry["payload"]
        match entry["kind"]:
            case "person_entered":
                self.presence[event["person_id"]] = "here"
            case "person_lost" | "person_admitted":
                self.presence[event["person_id"]] = "reconnecting"
            case "person_left" | "person_removed" | "person_denied":
                self.presence.pop(event["person_id"], None)
            case "person_knocked":
                self.presence[event["person_id"]] = "waiting"
            case "turn_started":
                self.is_rotating, self.holder = True, event["driver"]
            case "rotation_stopped" | "session_closed":
                self.is_rotating, self.holder = False, None

    def those(self, presence: str) -> set[str]:
        """Who is ``here``, or ``waiting``, or ``reconnecting``."""
        return {key for key, value in self.presence.items() if value == presence}


class Seat:
    """A client of Socket.IO, as the browser's is, that notes all that it does and hears."""

    def __init__(self, desk: Desk, table: Table, client: str, token: Callable[[], str], report: Report) -> None:
        self.desk = desk
        self.table = table
        self.client = client
        self.view = View()
        self._token = token
        self.report = report
        turn = UUID(client).int % max(1, len(desk.gateways))
        self._gateways = desk.gateways[turn:] + desk.gateways[:turn]
        self._line: SocketLine | None = None
        self._is_in = False
        self._connections = 0
        self._early: list[dict[str, Any]] = []
        self._lobby = Event()
        self._entering = RLock()

    @property
    def is_in(self) -> bool:
        """Whether events come."""
        return self._is_in and self._line is not None and self._line.is_open

    def enter(self) -> SocketLine:
        """The connection, inside; made anew where it broke, on the next gateway.

        Raises:
            GaveUp: the run is over.
        """
        with self._entering:
            while not self.is_in or self._line is None:
                self.desk.check_time()
                if not self._try():
                    self.drop()
                    self._gateways.append(self._gateways.pop(0))
                    gevent.sleep(AGAIN)
            return self._line

    def give(self, event: str, *, stores: bool = True, mark: str = "", **values: Any) -> int | None:
        """Send a command until it is answered, each time with the same ``op_id``; its number, or None when refused.

        Raises:
            GaveUp: the run is over.
        """
        op_id, intended = str(new_id()), time.time()
        payload = {"room_id": self.table.room_id, "op_id": op_id, **values}
        while True:
            line, connection = self.enter(), self._connections
            began = time.time()
            self.desk.recorder.note(
                Sent(self.client, self.table.room_id, op_id, event, stores, mark, connection, intended, began)
            )
            try:
                answer = line.call(event, payload, partial(self._note_answer, op_id, event, began))
            except Broken as error:
                self.report("SOCKET", event, time.time() - began, error)
                continue
            if answer["ok"]:
                seq: int = answer["data"]["seq"]
                return seq
            code = answer["problem"]["code"]
            if code not in PASSING:
                return None
            if code == "not-admitted":
                self.drop()
            gevent.sleep(AGAIN)

    def drop(self) -> None:
        """Break the connection, if there is one."""
        self._is_in = False
        if self._line is not None:
            self._line.close()
            self._line = None

    def _note_answer(self, op_id: str, event: str, began: float, answer: dict[str, Any]) -> None:
        now, room = time.time(), self.table.room_id
        code = "" if answer["ok"] else answer["problem"]["code"]
        self.report("SOCKET", event, now - began, Broken(code) if code and code not in RACES else None)
        if answer["ok"]:
            seq: int = answer["data"]["seq"]
            self.table.head = max(self.table.head, seq)
            self.desk.recorder.note(Acked(self.client, room, op_id, seq, now))
        elif code not in PASSING:
            self.desk.recorder.note(Refused(self.client, room, op_id, code))

    def _try(self) -> bool:
        """One attempt to come in; the time at the door, waiting for a host, does not count."""
        name = "return" if self.view.seq else "join"
        began, waited = time.time(), 0.0
        self._is_in, self._early = False, []
        self._connections += 1
        try:
            line = self._line = SocketLine(self._gateways[0], self._token(), self._heard)
            while (answer := self._knock(line))["ok"] and not self._is_all(answer["data"]):
                at_door = time.time()
                if answer["data"]["status"] == "waiting":
                    self._wait_at_door(line)
                waited += time.time() - at_door
        except Broken as error:
            self.report("SOCKET", name, time.time() - began - waited, error)
            return False
        code = None if answer["ok"] else Broken(answer["problem"]["code"])
        self.report("SOCKET", name, time.time() - began - waited, code)
        if code is None:
            self._come_in(is_tail=answer["data"]["snapshot"] is None)
        return code is None and line.is_open

    def _knock(self, line: SocketLine) -> dict[str, Any]:
        self._lobby.clear()
        have = {"epoch": self.view.epoch, "seq": self.view.seq} if self.view.seq else {}
        return line.call("room:enter", {"room_id": self.table.room_id, "op_id": str(new_id()), **have})

    def _wait_at_door(self, line: SocketLine) -> None:
        """Until somebody lets us in; a hint that was lost does not keep us out."""
        patience = time.monotonic() + PATIENCE
        while line.is_open and time.monotonic() < patience and not self._lobby.wait(AGAIN):
            self.desk.check_time()

    def _is_all(self, data: dict[str, Any]) -> bool:
        """Take a snapshot or a page of what was missed; whether we are in, and have all of it."""
        if data["snapshot"] is not None:
            self.view.begin(data["snapshot"])
        for entry in data["events"]:
            self._note(entry, is_tail=True)
            self._fold(entry)
        return bool(data["status"] == "in" and not data.get("more"))

    def _come_in(self, *, is_tail: bool) -> None:
        self.desk.recorder.note(
            Entered(self.client, self.table.room_id, self._connections, self.view.epoch, self.view.seq, is_tail)
        )
        early, self._early = self._early, []
        for entry in early:
            self._fold(entry)
        self.table.members.add(self.client)
        self._is_in = True

    def _heard(self, event: str, payload: Any) -> None:
        if event == "room:event":
            self._note(payload, is_tail=False)
            if self._is_in:
                self._fold(payload)
            else:
                self._early.append(payload)
        elif event == "lobby:changed":
            self._lobby.set()
        elif event == "node:drain" and self._line is not None:
            gevent.spawn_later(payload["wait_ms"] / 1000, self._line.close)

    def _note(self, entry: dict[str, Any], *, is_tail: bool) -> None:
        hidden = entry["payload"] is None
        self.desk.recorder.note(
            Received(
                self.client,
                entry["room_id"],
                self._connections,
                entry["epoch"],
                entry["seq"],
                entry["op_id"],
                hidden,
                is_tail,
            )
        )

    def _fold(self, entry: dict[str, Any]) -> None:
        if entry["seq"] == self.view.seq + 1 and entry["room_id"] == self.table.room_id:
            self.view.fold(entry)
            self.table.head = max(self.table.head, self.view.seq)
