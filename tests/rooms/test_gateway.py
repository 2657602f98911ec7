"""The dojo through two real gateways: people on both see the same, in the same order."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
import socketio
from aiohttp import web
from prometheus_client import REGISTRY

import realtime
import rooms
from app.parts import free_port
from core.call import Principal
from core.model import new_id
from core.process import Process, resources_of, web_application
from core.settings import CoreSettings
from core.tokens import Tokens
from realtime.settings import RealtimeSettings
from rooms import service
from rooms.commands import ReportLight, SendChat
from rooms.events import RoomEvent, room_event
from rooms.models import Room
from rooms.state import CHAT_KEPT, LIGHTS_KEPT, RoomState, evolve
from tests.rooms.house import House, eventually, guest, principal


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


def joined(told: str) -> float:
    """People who came in so far and had to be told so much."""
    return REGISTRY.get_sample_value("dojo_room_joins_total", {"told": told}) or 0.0


async def say(house: House, who: Principal, room: Room, texts: list[str]) -> None:
    """Say a lot."""
    for start in range(0, len(texts), 50):
        some = (house.give(who, room, SendChat, text=text) for text in texts[start : start + 50])
        await asyncio.gather(*some)


async def test_resume_gives_all_that_was_missed_from_any_gateway_however_much(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    async with clients(house, room, gateways, ana, bea) as (host, member):
        await host.enter()
        await member.enter()
        had = member.state
        await member.close()
        texts = [f"{number}" for number in range(1_200)]
        await say(house, ana, room, texts)
        back = Client(bea, room, house.resources.get(Tokens))
        back.state = had
        await back.connect(gateways[0])
        before = joined("tail")
        saying = asyncio.create_task(say(house, ana, room, ["meanwhile"] * 100))
        assert await back.enter() == "in"
        await saying
        state = await back.reaches((await house.state(ana, room.id)).seq)
        assert all(answer["snapshot"] is None for answer in back.answers)
        assert [len(answer["events"]) for answer in back.answers][:2] == [500, 500]
        assert back.kinds.count("chat_sent") == 1_300
        assert joined("tail") == before + 1
        assert state == await host.reaches(state.seq)
        await back.close()


@asynccontextmanager
async def narrow() -> AsyncIterator[aiohttp.ClientSession]:
    """HTTP over connections for which the kernel keeps little."""

    def opened(info: aiohttp.AddrInfoType) -> socket.socket:
        line = socket.socket(*info[:3])
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        return line

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=opened)) as http:
        yield http


def cut_off() -> float:
    """How many were, because they did not read."""
    return REGISTRY.get_sample_value("dojo_gateway_closed_total", {"reason": "slow"}) or 0.0


async def test_slow_reader_is_cut_off_comes_back_and_misses_nothing(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    async with narrow() as http, clients(house, room, gateways, ana) as (host,):
        await host.enter()
        slow, before = Client(bea, room, house.resources.get(Tokens), http), cut_off()
        await slow.connect(gateways[1])
        await slow.enter()
        line = slow.line
        line.pause_reading()
        while cut_off() == before:
            await say(house, ana, room, ["🥋" * 4_000] * 10)
        line.resume_reading()

        async def is_gone() -> bool:  # when all is read that was on its way
            return not slow.is_connected

        await eventually(is_gone)
        state = await house.state(ana, room.id)
        assert slow.state is not None
        assert slow.state.seq < state.seq
        await slow.connect(gateways[0])
        assert await slow.enter() == "in"
        assert await slow.reaches(state.seq) == await host.reaches(state.seq)
        await slow.close()


@pytest.mark.parametrize("text", ["\x01" * 4_000, "🥋" * 4_000], ids=["escaped", "wide"])
async def test_no_answer_to_entering_is_longer_than_what_may_wait_for_a_slow_reader(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal, text: str
) -> None:
    room = await house.create(ana)
    async with clients(house, room, gateways, ana, bea) as (host, member):
        await host.enter()
        await member.enter()
        had = member.state
        await say(house, ana, room, [text] * CHAT_KEPT)
        for _ in range(LIGHTS_KEPT):
            run = {"light_id": new_id(), "colour": "red", "seconds": 1, "files": ()}
            await house.give(ana, room, ReportLight, output=text, **run)
        for member.state in (had, None):  # all that was missed, and a snapshot
            await member.enter()
        lengths = [len(json.dumps(answer, ensure_ascii=False).encode()) for answer in member.answers]
        assert max(lengths) < RealtimeSettings().max_backlog
        assert member.state is not None
        assert member.state.lights[-1].output == text
        assert len(member.state.lights) == LIGHTS_KEPT
        assert member.state.chat[-1].text == text.strip()


async def test_nobody_is_told_what_came_before_the_session(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    async with clients(house, room, gateways, ana, bea) as (host, member):
        await host.enter()
        await host.send("chat:send", text="among us")
        before = (await house.state(ana, room.id)).seq
        await host.send("session:close")
        await service.open_room(house.live, ana, room.id)
        for seq in (0, before, before + 1, -1):
            answer = (await member.send("room:enter", epoch=1, seq=seq))["data"]
            assert answer["events"] == []
            assert answer["snapshot"]["chat"] == []


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


async def said_meanwhile(host: Client, witness: Client) -> None:
    """Let the host say something that ``witness`` hears, and with them everybody at their gateway who may."""
    answer = await host.send("chat:send", text="now between us")
    await witness.reaches(answer["data"]["seq"])


async def test_who_leaves_in_one_window_hears_no_more_in_any(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    eva = principal(ana.tenant_id, "Eva", "member")
    async with clients(house, room, gateways, ana, eva, bea, bea) as (host, witness, one, other):
        for each in (host, witness, one, other):
            assert await each.enter() == "in"
        await one.send("room:leave")

        async def out() -> bool:
            return other.told == ["left"]

        await eventually(out)
        await said_meanwhile(host, witness)
        assert (await other.send("chat:send", text="?"))["problem"]["code"] == "not-admitted"
        assert other.kinds[-1] == "person_left"
        assert await other.enter() == "in"  # and, once they come in again, everything as before
        await said_meanwhile(host, other)


async def test_nobody_hears_the_next_session_before_they_are_let_in(
    house: House, gateways: tuple[str, str], ana: Principal
) -> None:
    room = await house.create(ana)
    gil, eva = guest(room, ana.tenant_id), principal(ana.tenant_id, "Eva", "member")
    async with clients(house, room, gateways, ana, gil, ana, eva) as (host, visitor, _, witness):
        for each in (host, witness):
            await each.enter()
        await visitor.enter()
        await host.send("people:admit")
        assert await visitor.enter() == "in"
        await host.send("session:close")
        await service.open_room(house.live, ana, room.id)
        for each in (host, witness):
            await each.enter()
        assert await visitor.enter() == "waiting"
        await said_meanwhile(host, witness)
        assert (await visitor.send("chat:send", text="?"))["problem"]["code"] == "not-admitted"
        assert visitor.kinds[-1] == "session_closed"
        assert "closed" not in visitor.told


async def test_who_may_be_in_no_further_dojo_takes_no_seat_in_it(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.sessions.MAX_CHANNELS", 1)
    first, second = await house.create(ana), await house.create(ana, name="Another")
    async with clients(house, first, gateways, bea) as (member,):
        assert await member.enter() == "in"
        answer = await member.send("room:enter", room_id=str(second.id))
        assert answer["problem"]["code"] == "forbidden"
        assert bea.user_id not in (await house.state(ana, second.id)).people


async def test_who_leads_no_more_is_refused_at_another_gateway_at_once(
    house: House, settings: CoreSettings, ana: Principal, bea: Principal
) -> None:
    """It is decided on the log itself, which needs no messenger: there is none here."""
    alone = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    room = await house.create(ana)
    async with (
        gateway(alone, poll_interval=600) as one,
        gateway(alone, poll_interval=600) as two,
        clients(house, room, (one, two), ana, bea) as (host, other),
    ):
        for client in (host, other):
            await client.enter()
        assert (await host.send("person:role", person_id=str(bea.user_id), role="host"))["ok"]
        assert (await other.send("rotation:start", turn_seconds=60))["ok"]
        assert (await host.send("person:role", person_id=str(bea.user_id), role="participant"))["ok"]
        before = (await house.state(ana, room.id)).seq
        assert (await other.send("rotation:control", action="stop"))["problem"]["code"] == "hosts-only"
        assert (await house.state(ana, room.id)).seq == before
