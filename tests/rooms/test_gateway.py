"""The dojo through two real gateways: people on both see the same, in the same order."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
import socketio
from aiohttp import web

import realtime
import rooms
from app.parts import free_port
from core.call import Principal
from core.model import new_id
from core.process import Process, resources_of, web_application
from core.settings import CoreSettings
from core.tokens import Tokens
from rooms.events import RoomEvent, room_event
from rooms.models import Room
from rooms.state import RoomState, evolve
from tests.rooms.house import House, eventually, guest


@asynccontextmanager
async def gateway(settings: CoreSettings) -> AsyncIterator[str]:
    """A gateway with the rooms package at hand; its address."""
    process = Process(settings, (rooms.package, realtime.package), frozenset({"realtime"}))
    port = free_port()
    async with resources_of(process):
        runner = web.AppRunner(web_application(process), handle_signals=False, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            await runner.cleanup()


class Client:
    """Someone's browser: folds what it hears."""

    def __init__(self, who: Principal, room: Room, tokens: Tokens) -> None:
        self.who = who
        self.room = room
        self._token = tokens.access(who)
        self._socket = socketio.AsyncClient(reconnection=False)
        self._socket.on("room:event", self.hear)
        self._socket.on("lobby:changed", lambda data: self.told.append(data["outcome"]))
        self._socket.on("room:expelled", lambda data: self.told.append(data["reason"]))
        self.state: RoomState | None = None
        self.early: list[dict[str, Any]] = []
        self.told: list[str] = []
        self.kinds: list[str] = []

    async def connect(self, url: str) -> None:
        """Open the socket."""
        await self._socket.connect(url, auth={"token": self._token}, transports=["websocket"])

    async def close(self) -> None:
        """Close it."""
        await self._socket.disconnect()

    async def send(self, name: str, **values: Any) -> Any:
        """Send a command; its answer."""
        payload = {"room_id": str(self.room.id), "op_id": str(new_id()), **values}
        return await self._socket.call(name, payload, timeout=10)

    async def enter(self) -> str:
        """Come in, or knock."""
        have = {} if self.state is None else {"epoch": self.state.epoch, "seq": self.state.seq}
        answer = (await self.send("room:enter", **have))["data"]
        if answer["snapshot"] is not None:
            self.state = RoomState.model_validate(answer["snapshot"])
        for entry in [*answer["events"], *self.early]:
            self.hear(entry)
        self.early = []
        return str(answer["status"])

    def hear(self, entry: dict[str, Any]) -> None:
        """One numbered event."""
        if self.state is None:
            self.early.append(entry)
        elif entry["seq"] > self.state.seq:
            assert entry["seq"] == self.state.seq + 1
            self.kinds.append(entry["kind"])
            if entry["payload"] is None:
                self.state = self.state.model_copy(update={"seq": entry["seq"]})
            else:
                event: RoomEvent = room_event.validate_python(entry["payload"])
                self.state = evolve(self.state, entry["seq"], event)

    async def reaches(self, seq: int) -> RoomState:
        """The state, once it has this number."""

        async def there() -> bool:
            return self.state is not None and self.state.seq >= seq

        await eventually(there)
        assert self.state is not None
        return self.state


@pytest.fixture
async def gateways(settings: CoreSettings) -> AsyncIterator[tuple[str, str]]:
    """Two of them."""
    async with gateway(settings) as one, gateway(settings) as two:
        yield one, two


@asynccontextmanager
async def clients(house: House, room: Room, urls: tuple[str, str], *people: Principal) -> AsyncIterator[list[Client]]:
    """People, in turn on the one and on the other gateway."""
    async with AsyncExitStack() as stack:
        made = []
        for number, who in enumerate(people):
            client = Client(who, room, house.resources.get(Tokens))
            await client.connect(urls[number % 2])
            stack.push_async_callback(client.close)
            made.append(client)
        yield made


async def test_people_on_two_gateways_hold_one_dojo(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    gil = guest(room, ana.tenant_id)
    async with clients(house, room, gateways, ana, gil, bea) as (host, visitor, member):
        assert await host.enter() == "in"
        assert await member.enter() == "in"
        assert await visitor.enter() == "waiting"
        assert (await visitor.send("chat:send", text="hello?"))["problem"]["code"] == "not-admitted"
        await host.send("people:admit")

        async def admitted() -> bool:
            return visitor.told == ["admitted"]

        await eventually(admitted)
        assert (visitor.state, visitor.early) == (None, [])  # who waits hears nothing of the dojo
        assert await visitor.enter() == "in"
        await member.send("chat:send", text="psst", to=str(ana.user_id))
        answers = await asyncio.gather(*(each.send("chat:send", text="hi") for each in (host, visitor, member) * 5))
        last = max(answer["data"]["seq"] for answer in answers)
        states = [await each.reaches(last) for each in (host, member, visitor)]
        assert states[0] == states[1]
        assert states[2].chat == states[0].chat[1:]
        assert "hidden" in visitor.kinds
        await host.send("rotation:start", turn_seconds=5)

        async def rung() -> bool:
            return all(each.state and each.state.rotation.turn >= 2 for each in (host, visitor, member))

        await eventually(rung)
        turns = [event for event in visitor.kinds if event == "turn_started"]
        assert len(turns) >= 2


async def test_lost_client_comes_back_and_misses_nothing(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    async with clients(house, room, gateways, ana, bea) as (host, member):
        await host.enter()
        await member.enter()
        await member.close()

        async def missed() -> bool:
            person = host.state.people.get(bea.user_id) if host.state else None
            return person is not None and person.presence == "reconnecting"

        await eventually(missed)
        for number in range(20):
            await host.send("chat:send", text=str(number))
        back = Client(bea, room, house.resources.get(Tokens))
        back.state = member.state
        await back.connect(gateways[0])
        assert await back.enter() == "in"
        seq = (await house.state(ana, room.id)).seq
        assert await back.reaches(seq) == await host.reaches(seq)
        assert back.kinds.count("chat_sent") == 20
        await back.close()


async def test_banned_person_is_out_on_another_gateway(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    async with clients(house, room, gateways, ana, bea) as (host, member):
        await host.enter()
        await member.enter()
        await host.send("person:remove", person_id=str(bea.user_id), ban=True)

        async def out() -> bool:
            return member.told == ["banned"]

        await eventually(out)
        for name, values in (("chat:send", {"text": "still here"}), ("room:enter", {})):
            assert (await member.send(name, **values))["problem"]["code"] in {"not-admitted", "banned"}
