"""Redis or LiveKit is gone while a dojo runs: what still works does, the rest says so, and all is well afterwards."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Locator, Playwright, expect

from tests.scenarios.judged import judge
from tests.scenarios.people import PATIENCE, Person, a_browser
from tests.scenarios.programs import Caller, Player
from tests.up import Up

pytestmark = pytest.mark.timeout(120)

AT_ONCE = 4.0
"""Seconds for what waits for nothing that is away."""
SOON = 10.0
"""Seconds for what gives up waiting for a part that is away."""
SLOW_LOOK = 6.0
"""Seconds in which a word reaches the other gateway without Redis; it looks every two."""


async def until(condition: Callable[[], Any], patience: float = 30) -> None:
    """Wait until ``condition`` holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def two_in_a_dojo(http: aiohttp.ClientSession, house: Up) -> AsyncIterator[tuple[Player, Player]]:
    """A host on the one gateway and a guest on the other; what they noted is judged in the end."""
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
    yield players
    await judge(house.admin_url(), players)
    for player in players:
        await player.drop()


def reads(player: Player, text: str) -> Callable[[], bool]:
    """Whether they see it in the chat."""
    return lambda: player.state is not None and text in [message.text for message in player.state.chat]


async def looks_on(bea: Person, host: Player) -> Locator:
    """Come to the dojo with a browser; where the page says how the line is."""
    code = (await host.who.get(f"/api/rooms/{host.room_id}"))["code"]
    await bea.page.goto(f"{host.who.address}/j/{code}")
    await bea.fill("Your name", bea.name)
    await bea.press("Join")
    await bea.sees("You knocked")
    await host.give("people:admit")
    await expect(bea.page.locator(bea.code)).to_be_visible(timeout=PATIENCE)
    return bea.page.get_by_test_id("connection")


async def test_page_says_while_redis_stands_still_that_others_are_late(
    house: Up, http: aiohttp.ClientSession, playwright: Playwright
) -> None:
    async with two_in_a_dojo(http, house) as (host, guest), a_browser(playwright) as browser:
        bea = await Person.at(browser, "Bea")
        line = await looks_on(bea, host)
        await expect(line).to_be_empty()
        with house.standing_still("redis"):
            await expect(line).to_have_text(
                "What others do may show up a few seconds late. Nothing is lost.", timeout=PATIENCE
            )
            for player in (host, guest):
                await player.give("chat:send", text=f"said by {player.user_id}")
                await bea.sees(f"said by {player.user_id}")
        await expect(line).to_be_empty(timeout=PATIENCE)
        assert bea.complaints == []


async def test_dojo_goes_on_while_redis_stands_still(house: Up, http: aiohttp.ClientSession) -> None:
    async with two_in_a_dojo(http, house) as (host, guest):
        email = await host.who.get("/api/me")
        with house.standing_still("redis"):
            for number in range(3):
                async with asyncio.timeout(AT_ONCE):
                    await host.give("chat:send", text=f"without {number}")
                await until(reads(guest, f"without {number}"), SLOW_LOOK)
            await guest.give("chat:send", text="and back")
            await until(reads(host, "and back"), SLOW_LOOK)
            sign_in = {"email": email["email"], "password": "a long enough password"}
            async with asyncio.timeout(SOON):
                assert (await host.who.ask("POST", "/api/session", sign_in)).status == 201
            wrong = await host.who.ask("POST", "/api/session", {**sign_in, "password": "a wrong password"})
            assert (wrong.status, wrong.body["code"]) == (401, "wrong-credentials")
            assert (await host.who.ask("POST", "/api/rooms", {"kata": "fizzbuzz"})).status == 201
            ready = (await host.who.ask("GET", "/health/ready")).status
            assert ready == 200
        assert (host.returns, guest.returns) == (1, 1)  # nobody lost a connection
        await host.give("chat:send", text="with")
        await until(reads(guest, "with"), SLOW_LOOK)


async def test_dojo_goes_on_without_livekit(house: Up, http: aiohttp.ClientSession) -> None:
    async with two_in_a_dojo(http, house) as (host, guest):
        path = f"/api/rooms/{host.room_id}/media-token"
        assert (await host.who.ask("POST", path)).status == 200
        with house.standing_still("livekit"):
            async with asyncio.timeout(SOON):
                away = await guest.who.ask("POST", path)
            assert (away.status, away.body["code"], away.body["retry_after"] > 0) == (503, "unavailable", True)
            await host.give("rotation:start", turn_seconds=60)
            await guest.give("chat:send", text="I hear nothing")
            await until(reads(host, "I hear nothing"))
        before = house.leader("livekit")
        assert before is not None
        os.kill(before, signal.SIGKILL)
        await until(lambda: house.leader("livekit") not in {None, before})
        async with asyncio.timeout(20):
            while (back := await guest.who.ask("POST", path)).status != 200:
                assert back.status == 503
                await asyncio.sleep(0.1)
        assert (host.returns, guest.returns) == (1, 1)
