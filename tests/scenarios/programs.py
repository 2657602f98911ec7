"""People without a browser: programs that speak HTTP and Socket.IO, and come back by themselves."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import aiohttp

from core.model import UserId, new_id
from loadtests.facts import Acked, Entered, Fact, Received, Refused, Sent, Stayed
from rooms.events import RoomEvent, room_event
from rooms.state import RoomState, evolve

PATIENCE = 8.0
AGAIN = 0.1
"""Seconds between two tries."""
PASSING = frozenset({"unavailable", "too-many", "not-admitted"})
"""Refusals after which the same again may do: who was taken for gone comes in again."""


class Answer(NamedTuple):
    """What came back over HTTP."""

    status: int
    body: Any


class Caller:
    """Someone with an access token."""

    def __init__(self, http: aiohttp.ClientSession, address: str) -> None:
        self.http = http
        self.address = address
        self.token: str | None = None
        self.user_id: UUID | None = None

    async def ask(self, method: str, path: str, body: object = None) -> Answer:
        """Send one request."""
        headers = {"X-Dojo": "1"} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        async with self.http.request(method, self.address + path, json=body, headers=headers) as response:
            is_json = "json" in response.content_type
            return Answer(response.status, await response.json() if is_json else await response.read())

    async def get(self, path: str) -> Any:
        """What is there."""
        answer = await self.ask("GET", path)
        assert answer.status == 200, answer
        return answer.body

    async def sign_up(self, name: str) -> "Caller":
        """A new organisation with this person as its owner."""
        email = f"{new_id()}@example.org"
        body = {"organisation": f"Casa {name}", "name": name, "email": email, "password": "a long enough password"}
        return self._signed_in(await self.ask("POST", "/api/sign-up", body))

    async def be_guest(self, code: str, name: str) -> "Caller":
        """A guest by a dojo's link."""
        link = await self.get(f"/api/links/{code}")
        return self._signed_in(await self.ask("POST", "/api/guests", {"guest_pass": link["guest_pass"], "name": name}))

    def _signed_in(self, answer: Answer) -> "Caller":
        assert answer.status == 201, answer
        self.token = answer.body["access_token"]
        self.user_id = UUID(answer.body["me"]["user_id"])
        return self


class Wire:
    """A Socket.IO connection (JSON over WebSocket) that says when it is broken."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, hear: Callable[[str, Any], None]) -> None:
        self._socket = socket
        self._hear = hear
        self._acks: dict[int, tuple[asyncio.Future[Any], Callable[[Any], None]]] = {}
        self._sent = 0
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def open(
        cls, http: aiohttp.ClientSession, url: str, token: str | None, hear: Callable[[str, Any], None]
    ) -> "Wire":
        """Connect, and say who it is."""
        socket = await http.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket", max_msg_size=0)
        try:
            await socket.receive_str()
            await socket.send_str("40" + json.dumps({"token": token}))
            welcome = await socket.receive_str()
        except TypeError as error:  # closed instead
            raise ConnectionError from error
        if not welcome.startswith("40"):
            raise PermissionError(welcome)
        return cls(socket, hear)

    @property
    def is_open(self) -> bool:
        """Whether nothing broke it.

        Raises:
            AssertionError: what was heard cannot be.
        """
        if not self._listening.done():
            return True
        wrong = None if self._listening.cancelled() else self._listening.exception()
        if isinstance(wrong, AssertionError):
            raise wrong
        return False

    async def call(self, event: str, payload: dict[str, Any], note: Callable[[Any], None] = lambda _: None) -> Any:
        """The acknowledgement; ``note`` gets it before anything that comes behind it is heard.

        Raises:
            ConnectionError: there will be none.
            TimeoutError: there was none in time.
        """
        if not self.is_open:
            raise ConnectionError
        self._sent += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._acks[self._sent] = future, note
        await self._socket.send_str(f"42{self._sent}" + json.dumps([event, payload]))
        async with asyncio.timeout(PATIENCE):
            return await future

    async def close(self) -> None:
        """Hang up.

        Raises:
            AssertionError: what was heard cannot be.
        """
        self._listening.cancel()
        (wrong,) = await asyncio.gather(self._listening, return_exceptions=True)
        await self._socket.close()
        if isinstance(wrong, AssertionError):
            raise wrong

    async def _listen(self) -> None:
        try:
            async for message in self._socket:
                await self._take(message.data)
        finally:
            for future, _ in self._acks.values():
                if not future.done():
                    future.set_exception(ConnectionError())
                    future.exception()

    async def _take(self, text: str) -> None:
        if text == "2":
            await self._socket.send_str("3")
        elif text.startswith("42"):
            event, payload = json.loads(text[2:])[:2]
            self._hear(event, payload)
        elif text.startswith("43"):
            bracket = text.index("[")
            future, note = self._acks.pop(int(text[2:bracket]))
            answer = json.loads(text[bracket:])[0]
            note(answer)
            if not future.done():
                future.set_result(answer)


class Player:
    """Someone in a dojo, as the client is: folds what it hears, comes back, and offers again what was not answered.

    What they do, are told and hear is noted for the history checker.
    """

    def __init__(self, who: Caller, room_id: str, gateways: list[str]) -> None:
        self.who = who
        self.room_id = room_id
        self.state: RoomState | None = None
        self.returns = 0
        self.facts: list[Fact] = []
        self._gateways = gateways
        self._wire: Wire | None = None
        self._connections = 0
        self._early: list[dict[str, Any]] = []
        self._entering = asyncio.Lock()

    @property
    def user_id(self) -> UUID:
        """Who it is."""
        assert self.who.user_id is not None
        return self.who.user_id

    @property
    def name(self) -> str:
        """As which it is noted."""
        return str(self.user_id)

    def stays(self, *everybody: "Player") -> Stayed:
        """Who of them is here."""
        assert self.state is not None
        people = self.state.people
        here = [each.name for each in everybody if people[UserId(each.user_id)].presence == "here"]
        return Stayed(self.name, self.room_id, self.state.seq, here)

    async def enter(self) -> Wire:
        """The connection, inside; made anew where it broke, on the next gateway."""
        async with self._entering:
            while self._wire is None or not self._wire.is_open:
                answered = False
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with asyncio.timeout(PATIENCE):
                        answered = await self._try()
                if not answered:
                    self._gateways.append(self._gateways.pop(0))
                if self._wire is None:
                    await asyncio.sleep(AGAIN)
            return self._wire

    async def _try(self) -> bool:
        """Come in; False where the gateway did not let us try."""
        self._wire = None  # what broke
        self._connections += 1
        self._early = []
        wire = await Wire.open(self.who.http, self._gateways[0], self.who.token, self._heard)
        more = True
        while more:
            have = {} if self.state is None else {"epoch": self.state.epoch, "seq": self.state.seq}
            answer = await wire.call("room:enter", {"room_id": self.room_id, "op_id": str(new_id()), **have})
            if not answer["ok"] or answer["data"]["status"] != "in":
                await wire.close()
                assert answer["ok"] or answer["problem"]["code"] in PASSING, answer
                return bool(answer["ok"])
            more = self._missed(answer["data"])
        self._come_in(is_tail=answer["data"]["snapshot"] is None)
        self._wire = wire
        self.returns += 1
        return True

    def _missed(self, data: dict[str, Any]) -> bool:
        """Take in a snapshot, or a page of what was missed; whether there is more."""
        if data["snapshot"] is not None:
            self.state = RoomState.model_validate(data["snapshot"])
        for entry in data["events"]:
            self._note(entry, is_tail=True)
            self._fold(entry)
        return bool(data.get("more"))

    def _come_in(self, *, is_tail: bool) -> None:
        assert self.state is not None
        state = self.state
        self.facts.append(Entered(self.name, self.room_id, self._connections, state.epoch, state.seq, is_tail))
        early, self._early = self._early, []
        for entry in early:
            self._fold(entry)

    async def drop(self) -> None:
        """Hang up."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def give(self, event: str, **values: Any) -> int:
        """Send a command until it is acknowledged, each time with the same ``op_id``; its number."""
        op_id, intended = str(new_id()), time.time()
        mark = values["text"] if event == "chat:send" else ""
        while True:
            wire = await self.enter()
            self.facts.append(
                Sent(
                    self.name, self.room_id, op_id, event, bool(mark), mark, self._connections, intended, time.time()
                )
            )  # fmt: skip
            payload = {"room_id": self.room_id, "op_id": op_id, **values}
            try:
                answer = await wire.call(event, payload, partial(self._note_answer, op_id))
            except (OSError, TimeoutError, aiohttp.ClientError):
                await self.drop()
                continue
            if answer["ok"]:
                seq: int = answer["data"]["seq"]
                return seq
            assert answer["problem"]["code"] in PASSING, answer
            if answer["problem"]["code"] == "not-admitted":
                await self.drop()
            await asyncio.sleep(AGAIN)

    def _note_answer(self, op_id: str, answer: dict[str, Any]) -> None:
        if answer["ok"]:
            self.facts.append(Acked(self.name, self.room_id, op_id, answer["data"]["seq"], time.time()))
        elif answer["problem"]["code"] not in PASSING:
            self.facts.append(Refused(self.name, self.room_id, op_id, answer["problem"]["code"]))

    def _note(self, entry: dict[str, Any], *, is_tail: bool) -> None:
        self.facts.append(
            Received(
                self.name, self.room_id, self._connections, entry["epoch"], entry["seq"], entry["op_id"],
                entry["payload"] is None, is_tail,
            )
        )  # fmt: skip

    def _heard(self, event: str, payload: Any) -> None:
        if event == "room:event":
            self._note(payload, is_tail=False)
            if self.state is None or self._wire is None:
                self._early.append(payload)
            else:
                self._fold(payload)

    def _fold(self, entry: dict[str, Any]) -> None:
        if self.state is None or entry["seq"] <= self.state.seq:
            return
        assert entry["seq"] == self.state.seq + 1, "a gap"
        if entry["payload"] is None:
            self.state = self.state.model_copy(update={"seq": entry["seq"]})
        else:
            event: RoomEvent = room_event.validate_python(entry["payload"])
            self.state = evolve(self.state, entry["seq"], event)
