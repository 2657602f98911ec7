"""The benchmark's generator measures, and notices what a server does wrong."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from loadtests.bench import editors, generator
from loadtests.bench.generator import Generator, Run, Seat, quantile
from loadtests.bench.peers import NODE, ROOT

ROOMS, PEOPLE = 3, 4
WRONG = 9
"""The message with which something goes wrong."""


class Hub:
    """A server of the frames that the generator writes and reads, which can be told to do one thing wrong."""

    def __init__(self) -> None:
        self.fault = ""
        self.rooms: dict[str, list[web.WebSocketResponse]] = {}
        self.passed = 0
        self.late: list[tuple[web.WebSocketResponse, str]] = []

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str("0{}")
        async for message in socket:
            if message.type is WSMsgType.TEXT and message.data.startswith("40"):
                await socket.send_str("40{}")
            elif message.type is WSMsgType.TEXT:
                start = message.data.index("[")
                await self.take(socket, message.data[2:start], json.loads(message.data[start:]))
        return socket

    async def take(self, socket: web.WebSocketResponse, number: str, event: list[Any]) -> None:
        name, payload = event
        if name == "room:enter":
            self.rooms.setdefault(payload["room_id"], []).append(socket)
        else:
            self.passed += 1
            await self.send(self.rooms[payload["room_id"]], "42" + json.dumps(["room:signal", payload]))
        await socket.send_str(
            f"43{number}" + json.dumps([{"ok": True, "data": {"status": "in"}}], separators=(",", ":"))
        )

    async def send(self, members: list[web.WebSocketResponse], text: str) -> None:
        for place, member in enumerate(members):
            here = place == 0 and self.passed == WRONG
            if here and self.fault == "late":
                self.late.append((member, text))
                continue
            for _ in range({"lost": 0, "twice": 2}.get(self.fault, 1) if here else 1):
                await member.send_str(text)
        if self.passed == WRONG + ROOMS * PEOPLE:  # the same sender again
            for member, delayed in self.late:
                await member.send_str(delayed)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert shutil.which("go"), "the load generator is built with Go: install Go 1.26 or newer"
    return generator.build(tmp_path_factory.mktemp("generator"))


@pytest.fixture
def people(program: Path) -> Iterator[Generator]:
    with generator.running(program) as running:
        yield running


@pytest.fixture
async def hub() -> AsyncIterator[tuple[Hub, str]]:
    served = Hub()
    app = web.Application()
    app.router.add_get("/socket.io/", served.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield served, f"127.0.0.1:{server.port}"


def use(people: Generator, address: str, **words: Any) -> Run:
    places = [Seat(address, "/socket.io/", f"room-{room}", "t") for room in range(ROOMS) for _ in range(PEOPLE)]
    with people.people("socketio", places):
        assert people.answer("enter", parallel=4).connected == ROOMS * PEOPLE
        return people.run(event="signal:send", patience=1, **words)


async def test_everything_that_arrives_is_counted_and_timed(people: Generator, hub: tuple[Hub, str]) -> None:
    run = await asyncio.to_thread(use, people, hub[1], rate=200, seconds=0.5)
    assert run.faults() == []
    assert (run.sent, run.delivered, run.acked) == (100, 100 * PEOPLE, 100)
    assert sum(count for _, count in run.deliveries) == run.delivered
    assert 0 < quantile(run.deliveries, 0.5) <= quantile(run.deliveries, 0.99)
    assert run.differing == 0


async def test_closed_loop_sends_when_something_came_back(people: Generator, hub: tuple[Hub, str]) -> None:
    run = await asyncio.to_thread(use, people, hub[1], window=2, senders=1, seconds=0.3)
    assert run.faults() == []
    assert run.sent > 2 * ROOMS
    assert run.delivered == run.sent * PEOPLE


@pytest.mark.parametrize(
    ("fault", "words"), [("lost", "lost"), ("twice", "repeated"), ("late", "out of order")], ids=str
)
async def test_what_a_server_does_wrong_is_noticed(
    people: Generator, hub: tuple[Hub, str], fault: str, words: str
) -> None:
    hub[0].fault = fault
    run = await asyncio.to_thread(use, people, hub[1], rate=200, seconds=0.5)
    assert any(words in each for each in run.faults())


STEP_1, UPDATE, NO_MORE = b"\0\0", b"\0\2", b"\0\1\2\0\0"
"""How the messages of y-protocols begin, and the answer of a server that has said everything."""


class Relay:
    """A server of documents: passes updates on, and gives those who join all but ``lost`` of a document."""

    def __init__(self) -> None:
        self.lost = -1
        self.people: dict[str, list[web.WebSocketResponse]] = {}
        self.kept: dict[str, list[bytes]] = {}

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        people, kept = self.people.setdefault(request.path, []), self.kept.setdefault(request.path, [])
        people.append(socket)
        async for message in socket:
            if message.data.startswith(UPDATE):
                kept.append(message.data)
                for other in people:
                    if other is not socket:
                        await other.send_bytes(message.data)
            elif message.data.startswith(STEP_1):
                for number, update in enumerate(kept):
                    if number != self.lost:
                        await socket.send_bytes(update)
                await socket.send_bytes(NO_MORE)
        return socket


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The scripts beside the same packages that the tests of other people's clients have."""
    for name in ("join.mjs", "updates.mjs"):
        shutil.copy(NODE / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "tests" / "contract" / "node" / "node_modules")
    return tmp_path


@pytest.mark.parametrize("lost", [-1, 0, 7, 39], ids=lambda number: f"lost {number}")
async def test_a_document_that_lacks_one_update_is_noticed(people: Generator, node: Path, lost: int) -> None:
    relay, app, script = Relay(), web.Application(), node / "script.bin"
    relay.lost = lost
    app.router.add_get("/{name}", relay.handle)
    subprocess.run(["node", "updates.mjs", str(script), "60", "10"], cwd=node, check=True)

    def type_and_join(address: str) -> list[str]:
        typists = [Seat(address, f"/{name}", name) for name in ("one", "two") for _ in range(5)]
        seats = editors.Seats(typists, typists[::5], editors.EMPTY)
        with people.people("yws", typists, file=str(script)):
            assert people.run(rate=200, seconds=0.2, patience=5).faults() == []
            return editors.untrue(people, "yws", seats, script, node)

    async with TestServer(app, host="127.0.0.1") as server:
        wrong = await asyncio.to_thread(type_and_join, f"127.0.0.1:{server.port}")
    assert [len(kept) for kept in relay.kept.values()] == [40, 40]
    assert wrong == [] if lost < 0 else "2 of 2 documents are not what was typed: " in wrong[0]


async def test_a_server_that_hangs_up_is_noticed(people: Generator, hub: tuple[Hub, str]) -> None:
    answer = await asyncio.to_thread(people.ask, "connect", protocol="socketio", parallel=1, seats=[
        Seat(hub[1], "/nothing/", "room")._asdict()
    ])  # fmt: skip
    assert "404" in answer["errors"][0]
