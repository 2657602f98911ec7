"""The people of a swarm, as Locust users: hosts open rooms and keep the door, guests come by the link."""

import contextlib
import logging
import random
import time
from typing import Any, ClassVar

import gevent
from locust import FastHttpUser, task
from locust.exception import StopUser

from core.model import new_id
from loadtests.desk import AGAIN, Desk, GaveUp, Table
from loadtests.facts import Stayed
from loadtests.page import Page
from loadtests.seat import Seat
from loadtests.wires import Broken

log = logging.getLogger(__name__)

PASSWORD = "a long enough password"  # noqa: S105 - of people who do not exist
TOKEN_AGE = 480.0
"""Seconds after which an access token, which lives ten minutes, is renewed."""
TURN = 5.0
TOO_MANY, UNAVAILABLE = 429, 503
TOLD_TO_WAIT = " (told to wait)"
PAUSE = (0.4, 1.6)
"""Seconds between two things that one does, from and to."""
LETTER = 0.05
"""Seconds between two letters."""
SOURCE = {"name": "kata.py", "text": "def answer():\n    return 42\n" * 20}


class Person(FastHttpUser):
    """Somebody who is in one room for the whole run, whatever happens to the connection."""

    abstract = True
    connection_timeout = 5.0
    network_timeout = 15.0
    desk: ClassVar[Desk]
    table: Table
    seat: Seat
    page: Page
    _asked_to_stop = False

    def on_start(self) -> None:
        """Sign in and come in."""
        self.me: dict[str, Any] = {}
        self._renewed = time.monotonic()
        self.arrive()
        self.page.open()

    def wait_time(self) -> float:
        """Seconds until the next thing to do; this is where somebody who was asked to stop does so."""
        if self._asked_to_stop or self.desk.is_over:
            raise StopUser
        return random.uniform(*PAUSE)

    def stop(self, force: bool = False) -> bool:
        """Finish what one is doing: Locust would interrupt who has just begun."""
        self._asked_to_stop = True
        return bool(super().stop(force=True)) if force else False

    def arrive(self) -> None:
        """Sign in and sit down."""
        raise NotImplementedError

    def sit_down(self, table: Table) -> None:
        """Come into the room of ``table``."""
        self.table = table
        client = self.me["me"]["user_id"]
        table.busy.add(client)
        self.seat = Seat(self.desk, table, client, self.token, self.report)
        self.page = Page(self.seat, self.editor_pass)

    def on_stop(self) -> None:
        """Finish, come to rest with the others of the room, say how things ended, and go."""
        if not hasattr(self, "page"):
            return
        if not self.desk.is_over:  # somebody at Locust's page wants fewer people
            self.page.drop()
            self.seat.drop()
            return
        client, table = self.seat.client, self.table
        try:
            self.finish()
            self.page.settle()
            table.busy.discard(client)
            self.desk.until(lambda: not table.busy)
            self.desk.until(self.is_at_rest)
        except GaveUp:
            log.warning("%s gave up: %s", client, self.unrest())
            table.busy.discard(client)
        if self.seat.is_in:
            here = sorted(self.seat.view.those("here"))
            self.desk.recorder.note(Stayed(client, table.room_id, self.seat.view.seq, here))
            self.page.note_text()
        table.seated.add(client)
        with contextlib.suppress(GaveUp):
            self.desk.until(lambda: table.seated >= table.members)
        self.page.drop()
        self.seat.drop()

    def finish(self) -> None:
        """What has to be ended before the room is quiet."""

    def is_at_rest(self) -> bool:
        """Whether this person is in, has heard everything, sees everybody, and reads the same text as the others."""
        self.seat.enter()
        self.page.open()
        view, table = self.seat.view, self.table
        table.texts[self.seat.client] = self.page.text
        return (
            view.seq >= table.head
            and view.those("here") == table.members
            and table.texts.keys() == table.members
            and len(set(table.texts.values())) == 1
        )

    def unrest(self) -> str:
        """What keeps this person from coming to rest, as far as they know."""
        view, table = self.seat.view, self.table
        return (
            f"is at {view.seq} of {table.head}, busy {sorted(table.busy)}, pending {self.page.pending()},"
            f" not seen {sorted(table.members - view.those('here'))}, texts {len(set(table.texts.values()))}"
        )

    def report(self, kind: str, name: str, seconds: float, fault: Exception | None) -> None:
        """Count a request that is not HTTP."""
        self.environment.events.request.fire(
            request_type=kind, name=name, response_time=seconds * 1000, response_length=0, exception=fault, context={}
        )

    def ask(self, method: str, path: str, body: object = None, *, name: str | None = None) -> Any:
        """What an HTTP request answers once it succeeds; None where it is refused for good.

        Raises:
            GaveUp: the run is over.
        """
        headers = {"X-Dojo": "1"} | ({"Authorization": f"Bearer {self.me['access_token']}"} if self.me else {})
        while True:
            self.desk.check_time()
            with self.client.request(
                method, path, json=body, headers=headers, name=name or path, catch_response=True
            ) as answer:
                status = answer.status_code
                if status == TOO_MANY:  # the installation's limit of sign-ins from one address is no fault
                    answer.request_meta["name"] += TOLD_TO_WAIT
                    answer.success()
            if status in {TOO_MANY, UNAVAILABLE}:
                gevent.sleep(min(60.0, float(answer.headers.get("Retry-After") or 1)))
            elif status >= 500 or status == 0:
                gevent.sleep(AGAIN)
            else:
                return answer.json() if status < 300 else None

    def token(self) -> str:
        """The access token, renewed in time."""
        if time.monotonic() - self._renewed > TOKEN_AGE:
            self.me = self.ask("POST", "/api/session/refresh") or self.me
            self._renewed = time.monotonic()
        return str(self.me["access_token"])

    def editor_pass(self) -> dict[str, Any] | None:
        """How to open the text, if that is allowed just now."""
        self.token()
        path = "/api/rooms/[id]/editor-pass"
        found: dict[str, Any] | None = self.ask("POST", path.replace("[id]", self.table.room_id), name=path)
        return found

    @task(6)
    def talk(self) -> None:
        """Say something to all."""
        text = f"{self.seat.client} says {new_id()}"
        self.seat.give("chat:send", text=text, mark=text)

    @task(1)
    def whisper(self) -> None:
        """Say something to one."""
        others = sorted(self.seat.view.those("here") - {self.seat.client})
        if others:
            text = f"{self.seat.client} whispers {new_id()}"
            self.seat.give("chat:send", text=text, mark=text, to=random.choice(others))

    @task(8)
    def type(self) -> None:
        """Type, where the keyboard is here or free."""
        if self.seat.view.holder in {None, self.seat.client}:
            self.page.type_word(LETTER)

    @task(1)
    def erase(self) -> None:
        """Take back a word, where the keyboard is here or free."""
        if self.seat.view.holder in {None, self.seat.client}:
            self.page.erase_word()

    @task(2)
    def run_tests(self) -> None:
        """Report a light."""
        if self.seat.view.holder in {None, self.seat.client}:
            light = str(new_id())
            colour = random.choice(("red", "green", "amber"))
            self.seat.give(
                "light:report",
                mark=light,
                light_id=light,
                colour=colour,
                seconds=0.4,
                passed=3,
                failed=1,
                files=[SOURCE],
            )

    @task(2)
    def raise_hand(self) -> None:
        """Raise or lower the hand."""
        self.seat.give("hand:set", stores=False, raised=random.random() < 0.5)

    @task(1)
    def ask_for_keyboard(self) -> None:
        """Ask the driver, where there is one."""
        if self.seat.view.is_rotating:
            self.seat.give("keyboard:ask", stores=False)

    @task(1)
    def look_around(self) -> None:
        """See who is here, over HTTP."""
        path = "/api/rooms/[id]/participants"
        self.ask("GET", path.replace("[id]", self.table.room_id), name=path)

    @task(1)
    def drop_and_return(self) -> None:
        """Lose the network for a moment, come back with what one has, and get what was missed."""
        self.page.drop()
        self.seat.drop()
        gevent.sleep(random.uniform(0.1, 2))
        self.seat.enter()
        self.page.open()


class Host(Person):
    """Opens a room, lets people in, and keeps the keyboard going round."""

    weight = 1

    def arrive(self) -> None:
        """A new organisation, its owner, and a room."""
        email = f"{new_id()}@example.org"
        body = {"organisation": "Swarm", "name": "Host", "email": email, "password": PASSWORD}
        self.ask("POST", "/api/sign-up", body)
        self.me = self.ask("POST", "/api/session", {"email": email, "password": PASSWORD})
        room = self.ask("POST", "/api/rooms", {"kata": "fizzbuzz", "turn_seconds": TURN, "capacity": 500})
        self.sit_down(Table(room["id"], room["code"]))
        self.seat.enter()
        self.desk.tables.append(self.table)
        self.doorman = gevent.spawn(self.keep_door)

    def on_stop(self) -> None:
        """As everybody; the door is kept to the end."""
        super().on_stop()
        if hasattr(self, "doorman"):
            self.doorman.kill()

    def finish(self) -> None:
        """Stop the clock: it makes events by itself."""
        if self.seat.view.is_rotating:
            self.seat.give("rotation:control", stores=False, action="stop")

    def keep_door(self) -> None:
        """Let in whoever waits."""
        try:
            while True:
                if self.seat.view.those("waiting"):
                    self.seat.give("people:admit", stores=False)
                gevent.sleep(AGAIN)
        except (GaveUp, Broken):
            return

    @task(4)
    def rotate(self) -> None:
        """Start the clock, or hand the keyboard on."""
        if self.seat.view.is_rotating:
            action = random.choice(("skip", "skip", "skip", "stop"))
            self.seat.give("rotation:control", stores=False, action=action)
        else:
            self.seat.give("rotation:start", stores=False, turn_seconds=TURN)


class Guest(Person):
    """Comes by the link and is let in."""

    weight = 4

    def arrive(self) -> None:
        """A guest of the room that has the fewest people."""
        table = self.desk.smallest_table()
        waiting = str(new_id())
        table.busy.add(waiting)
        try:
            link = self.ask("GET", f"/api/links/{table.code}", name="/api/links/[code]")
            self.me = self.ask("POST", "/api/guests", {"guest_pass": link["guest_pass"], "name": "Guest"})
            self.sit_down(table)
            self.seat.enter()
        finally:
            table.busy.discard(waiting)
