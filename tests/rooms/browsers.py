"""Real gateways for dojos, and people's browsers at them: each folds what it hears."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
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
from realtime.settings import RealtimeSettings
from rooms.events import RoomEvent, room_event
from rooms.models import Room
from rooms.state import RoomState, evolve
from tests.rooms.house import House, eventually


@asynccontextmanager
async def gateway(settings: CoreSettings, **bounds: Any) -> AsyncIterator[str]:
    """A gateway with the rooms package at hand; its address."""
    process = Process(settings, (rooms.package, realtime.package), frozenset({"realtime"}))
    process.resources.provide(RealtimeSettings, RealtimeSettings(**bounds))
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

    def __init__(self, who: Principal, room: Room, tokens: Tokens, http: aiohttp.ClientSession | None = None) -> None:
        self.who = who
        self.room = room
        self._token = tokens.access(who)
        self._socket = socketio.AsyncClient(reconnection=False, http_session=http)
        self._socket.on("room:event", self.hear)
        self._socket.on("lobby:changed", lambda data: self.told.append(data["outcome"]))
        self._socket.on("room:expelled", lambda data: self.told.append(data["reason"]))
        self.state: RoomState | None = None
        self.is_in = False
        self.early: list[dict[str, Any]] = []
        """Events that came before all that was missed."""
        self.answers: list[dict[str, Any]] = []
        """To entering."""
        self.told: list[str] = []
        self.kinds: list[str] = []

    async def connect(self, url: str) -> None:
        """Open the socket."""
        await self._socket.connect(url, auth={"token": self._token}, transports=["websocket"])

    @property
    def is_connected(self) -> bool:
        """Whether it is open."""
        return bool(self._socket.connected)

    @property
    def line(self) -> asyncio.Transport:
        """The connection under it."""
        transport: asyncio.Transport = self._socket.eio.ws._conn.transport
        return transport

    async def close(self) -> None:
        """Close it."""
        await self._socket.disconnect()

    async def send(self, name: str, **values: Any) -> Any:
        """Send a command; its answer."""
        payload = {"room_id": str(self.room.id), "op_id": str(new_id()), **values}
        return await self._socket.call(name, payload, timeout=10)

    async def enter(self) -> str:
        """Come in, or knock."""
        self.early, self.is_in = [], False
        while not self.is_in:
            have = {} if self.state is None else {"epoch": self.state.epoch, "seq": self.state.seq}
            answer = (await self.send("room:enter", **have))["data"]
            self.answers.append(answer)
            if answer["snapshot"] is not None:
                self.state = RoomState.model_validate(answer["snapshot"])
            for entry in answer["events"]:
                self.fold(entry)
            self.is_in = not answer["more"]
        for entry in self.early:
            self.fold(entry)
        return str(answer["status"])

    def hear(self, entry: dict[str, Any]) -> None:
        """One numbered event."""
        if self.is_in:
            self.fold(entry)
        else:
            self.early.append(entry)

    def fold(self, entry: dict[str, Any]) -> None:
        """The next one; what came before is known."""
        if self.state is not None and entry["seq"] > self.state.seq:
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
