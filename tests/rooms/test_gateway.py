"""The dojo through two real gateways: people on both see the same, in the same order."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from prometheus_client import REGISTRY

from core.call import Principal
from core.model import new_id
from core.tokens import Tokens
from realtime.settings import RealtimeSettings
from rooms.commands import ReportLight, SendChat
from rooms.models import Room
from rooms.state import CHAT_KEPT, LIGHTS_KEPT
from tests.rooms.browsers import Client, clients
from tests.rooms.house import House, eventually, guest


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
