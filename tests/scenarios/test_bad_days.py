"""Redis or LiveKit is gone while a dojo runs: what still works does, the rest says so, and all is well afterwards."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.scenarios.programs import Caller, Player
from tests.up import Up

pytestmark = pytest.mark.timeout(120)

SLOW_LOOK = 6.0
"""Seconds in which a word reaches the other gateway without Redis; it looks every two."""


async def until(condition: Callable[[], Any], patience: float = 30) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


async def two_in_a_dojo(http: aiohttp.ClientSession, house: Up) -> tuple[Player, Player]:
    """A host on the one gateway and a guest on the other."""
    address = house.address()["address"]
    host = await Caller(http, address).sign_up("Ana")
    room = (await host.ask("POST", "/api/rooms", {"kata": "fizzbuzz"})).body
    guest = await Caller(http, address).be_guest(room["code"], "Gil")
    here, there = house.gateways()
    players = Player(host, room["id"], [here, there]), Player(guest, room["id"], [there, here])
    await players[0].enter()
    coming = asyncio.create_task(players[1].enter())
    while not coming.done():
        await players[0].give("people:admit")
        await asyncio.sleep(0.1)
    await coming
    return players


def reads(player: Player, text: str) -> Callable[[], bool]:
    """Whether they see it in the chat."""
    return lambda: player.state is not None and text in [message.text for message in player.state.chat]


async def test_dojo_goes_on_while_redis_stands_still(house: Up, http: aiohttp.ClientSession) -> None:
    host, guest = await two_in_a_dojo(http, house)
    email = await host.who.get("/api/me")
    with house.standing_still("redis"):
        for number in range(3):
            began = time.monotonic()
            await host.give("chat:send", text=f"without {number}")
            assert time.monotonic() - began < 2
            await until(reads(guest, f"without {number}"), SLOW_LOOK)
        await guest.give("chat:send", text="and back")
        await until(reads(host, "and back"), SLOW_LOOK)
        sign_in = {"email": email["email"], "password": "a long enough password"}
        began = time.monotonic()
        assert (await host.who.ask("POST", "/api/session", sign_in)).status == 201
        assert time.monotonic() - began < 5
        wrong = await host.who.ask("POST", "/api/session", {**sign_in, "password": "a wrong password"})
        assert (wrong.status, wrong.body["code"]) == (401, "wrong-credentials")
        assert (await host.who.ask("POST", "/api/rooms", {"kata": "fizzbuzz"})).status == 201
        ready = (await host.who.ask("GET", "/health/ready")).status
        assert ready == 200
    assert (host.returns, guest.returns) == (1, 1)  # nobody lost a connection
    began = time.monotonic()
    await host.give("chat:send", text="with")
    await until(reads(guest, "with"), SLOW_LOOK)
    for player in (host, guest):
        await player.drop()


async def test_dojo_goes_on_without_livekit(house: Up, http: aiohttp.ClientSession) -> None:
    host, guest = await two_in_a_dojo(http, house)
    path = f"/api/rooms/{host.room_id}/media-token"
    assert (await host.who.ask("POST", path)).status == 200
    with house.standing_still("livekit"):
        began = time.monotonic()
        away = await guest.who.ask("POST", path)
        assert (away.status, away.body["code"], away.body["retry_after"] > 0) == (503, "unavailable", True)
        assert time.monotonic() - began < 8
        await host.give("rotation:start", turn_seconds=60)
        await guest.give("chat:send", text="I hear nothing")
        await until(reads(host, "I hear nothing"))
    before = house.leader("livekit")
    assert before is not None
    os.kill(before, signal.SIGKILL)
    await until(lambda: house.leader("livekit") not in {None, before})
    deadline = time.monotonic() + 20
    while (back := await guest.who.ask("POST", path)).status != 200:
        assert back.status == 503
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    assert (host.returns, guest.returns) == (1, 1)
    for player in (host, guest):
        await player.drop()
