"""What happens later, by the real relay, queue and worker: the summary of a session, the picture of a POC."""

import asyncio
import os
import signal
import time
from typing import Any

import aiohttp
import psycopg
import pytest

from tests.scenarios.programs import Caller, Player
from tests.up import Up

pytestmark = pytest.mark.timeout(120)

PNG = b"\x89PNG\r\n\x1a\n"
POC = {
    "name": "FizzBuzz, tested",
    "languages": ["python"],
    "files": [{"name": "fizzbuzz.py", "text": "print('Fizz')\n"}],
}


def rows(house: Up, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What the tables hold, whoever's it is."""
    with psycopg.connect(house.admin_url()) as connection:
        return connection.execute(sql, values).fetchall()


async def until_rows(house: Up, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """The same, once there are any."""
    deadline = time.monotonic() + 45
    while not (found := await asyncio.to_thread(rows, house, sql, *values)):
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.1)
    return found


async def test_ended_session_gets_its_summary(house: Up, http: aiohttp.ClientSession) -> None:
    known = house.address()
    host = await Caller(http, known["address"]).sign_up("Ana")
    room = (await host.ask("POST", "/api/rooms", {"kata": "fizzbuzz"})).body
    player = Player(host, room["id"], house.gateways())
    await player.give("chat:send", text="hello")
    await player.give("rotation:start", turn_seconds=60)
    path = f"/api/rooms/{room['id']}/sessions/{room['session_id']}/summary"
    with house.standing_still("relay"):
        await player.give("session:close")
        await player.drop()
        told = "SELECT summary FROM session_summaries WHERE session_id = %s"
        before = await host.get(path)
        assert rows(house, told, room["session_id"]) == []
    ((kept,),) = await until_rows(house, told, room["session_id"])
    assert kept["messages"] == 1
    assert [entry["kind"] for entry in kept["timeline"]] == ["opened", "entered", "chat", "turn", "ended"]
    assert await host.get(path) == kept == before  # who asks before the worker was there gets the same


async def test_stored_poc_gets_its_picture_and_a_changed_one_another(house: Up, http: aiohttp.ClientSession) -> None:
    host = await Caller(http, house.address()["address"]).sign_up("Ana")
    with house.standing_still("worker"):
        poc = (await host.ask("POST", "/api/pocs", POC)).body
        early = await host.ask("GET", f"/api/covers/{poc['id']}")
        assert (early.status, early.body["code"]) == (404, "cover-not-found")
    await until_rows(house, "SELECT 1 FROM covers WHERE poc_id = %s AND revision = 1", poc["id"])
    first = await host.get(f"/api/covers/{poc['id']}")
    changed = await host.ask("PATCH", f"/api/pocs/{poc['id']}", {"revision": poc["revision"], "name": "Bowling"})
    assert changed.status == 200, changed
    await until_rows(house, "SELECT 1 FROM covers WHERE poc_id = %s AND revision = 2", poc["id"])
    second = await host.get(f"/api/covers/{poc['id']}")
    assert first.startswith(PNG)
    assert second.startswith(PNG)
    assert first != second
    stranger = await Caller(http, house.address()["address"]).sign_up("Eve")
    assert (await stranger.ask("GET", f"/api/covers/{poc['id']}")).status == 404


async def test_killed_worker_finishes_what_it_had_begun(house: Up, http: aiohttp.ClientSession) -> None:
    host = await Caller(http, house.address()["address"]).sign_up("Ana")
    pocs = [(await host.ask("POST", "/api/pocs", {**POC, "name": f"POC {n}"})).body["id"] for n in range(5)]
    worker = house.leader("worker")
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    for poc_id in pocs:
        await until_rows(house, "SELECT 1 FROM covers WHERE poc_id = %s", poc_id)
    done = "SELECT 1 WHERE NOT EXISTS (SELECT FROM outbox WHERE tenant_id = (SELECT tenant_id FROM pocs WHERE id = %s))"
    await until_rows(house, done, pocs[0])
    assert rows(house, "SELECT count(*) FROM covers WHERE poc_id = ANY(%s)", pocs) == [(5,)]
