"""A dojo goes on while its parts are killed one after the other: nothing acknowledged is lost, everybody comes back."""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp
import psycopg
import pytest
from pycrdt import Doc, Text

from app.health import is_healthy
from rooms.state import RoomState
from tests.scenarios.judged import judge
from tests.scenarios.programs import Caller, Player
from tests.scenarios.typist import Typist
from tests.up import Up, command

pytestmark = pytest.mark.timeout(240)

KILLED = 5
"""Parts that are killed: two gateways, worker, Redis, PostgreSQL."""
KILLING = 90.0
"""Seconds that all the killing and coming back may take."""
BACK_WITHIN = 20.0
"""Seconds until everything takes work again after one death; three or four on an idle machine."""
TURN = 5.0
TALK_EVERY = 0.3
"""Seconds between two words of one person; faster is refused by the rate limit."""


@pytest.fixture(scope="module")
def fragile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """An installation with two gateways that nobody else uses."""
    with Up(tmp_path_factory.mktemp("kill") / "dojo", "--gateways", "2").running() as up:
        yield up


class Table:
    """Three people in one dojo who talk and type all the time, through both gateways."""

    def __init__(self, callers: list[Caller], room: dict[str, Any], gateways: list[str]) -> None:
        self.room = room
        self.players = [Player(who, room["id"], turned(gateways, n)) for n, who in enumerate(callers)]
        self.typists = [Typist(player, turned(gateways, n)) for n, player in enumerate(self.players)]
        self.said: list[dict[str, int]] = []
        self._going_on = True

    async def talk(self, player: Player) -> None:
        """Say numbers."""
        said: dict[str, int] = {}
        self.said.append(said)
        while self._going_on:
            text = f"{player.user_id} {len(said)}"
            said[text] = await player.give("chat:send", text=text)
            await asyncio.sleep(TALK_EVERY)

    async def write(self, typist: Typist) -> None:
        """Type whenever the keyboard is here, and sometimes when it is not."""
        while self._going_on:
            state = typist.player.state
            if state is not None and state.lease.holder in {None, typist.player.user_id}:
                await typist.type()
            await asyncio.sleep(TALK_EVERY)

    def stop(self) -> None:
        """Say and type nothing new."""
        self._going_on = False

    async def agree(self) -> RoomState:
        """The state, once everybody has the same one and everybody is here."""

        def agreed() -> RoomState | None:
            states = [player.state for player in self.players]
            first = states[0]
            if first is None or any(state is None or state.seq != first.seq for state in states):
                return None
            return first if all(each.presence == "here" for each in first.people.values()) else None

        for player in self.players:
            await player.enter()
        found: RoomState = await until(agreed)
        return found


def turned(urls: list[str], count: int) -> list[str]:
    """Another one first."""
    return urls[count % len(urls) :] + urls[: count % len(urls)]


async def until(condition: Callable[[], Any], patience: float = 40) -> Any:
    """What ``condition`` gives once it gives something; it may block for a moment."""
    deadline = time.monotonic() + patience
    while not (found := await asyncio.to_thread(condition)):
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.05)
    return found


@asynccontextmanager
async def sat_down(http: aiohttp.ClientSession, up: Up) -> AsyncIterator[Table]:
    """A host and two guests who were let in."""
    address = up.address()["address"]
    host = await Caller(http, address).sign_up("Ana")
    room = (await host.ask("POST", "/api/rooms", {"kata": "fizzbuzz"})).body
    guests = [await Caller(http, address).be_guest(room["code"], name) for name in ("Gil", "Bea")]
    table = Table([host, *guests], room, up.gateways())
    first, *others = table.players
    await first.enter()
    coming = [asyncio.create_task(player.enter()) for player in others]
    while not all(task.done() for task in coming):
        await first.give("people:admit")
        await asyncio.sleep(0.1)
    await asyncio.gather(*coming)
    try:
        yield table
    finally:
        for typist, player in zip(table.typists, table.players, strict=True):
            await typist.close()
            await player.drop()


async def kill(up: Up, find: Callable[[], int | None]) -> float:
    """``kill -9`` a part, and wait until it and all others take work again; the seconds that this took."""
    before = find()
    assert before is not None
    began = time.monotonic()
    os.kill(before, signal.SIGKILL)
    await until(lambda: find() not in {None, before})
    ports = [up.ports["web"], *gateway_ports(up), port_of(up, "worker"), port_of(up, "relay")]
    await until(lambda: all(is_healthy(port) for port in ports))
    return time.monotonic() - began


def port_of(up: Up, part: str) -> int:
    """Where a part of ours shows its health."""
    pid = up.leader(part)
    assert pid is not None
    return int(command(pid).split()[-1])


def gateway_ports(up: Up) -> list[int]:
    """Where the gateways are."""
    return [int(url.rpartition(":")[2]) for url in up.gateways()]


def ask(up: Up, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What the tables hold."""
    with psycopg.connect(up.admin_url()) as connection:
        return connection.execute(sql, values).fetchall()


async def test_killed_parts_come_back_and_nothing_acknowledged_is_lost(
    fragile: Up, http: aiohttp.ClientSession
) -> None:
    async with sat_down(http, fragile) as table:
        await kill_everything(fragile, table)
        state = await table.agree()
        await judge(fragile.admin_url(), table.players, table.typists)
        check_log(fragile, table, state)
        check_text(fragile, table, state)
        await check_rotation(fragile, table)
        await check_the_rest(fragile, table)


async def kill_everything(fragile: Up, table: Table) -> None:
    """One part after the other, while everybody talks and types."""
    await table.players[0].give("rotation:start", turn_seconds=TURN)
    busy = [asyncio.create_task(table.talk(player)) for player in table.players]
    busy += [asyncio.create_task(table.write(typist)) for typist in table.typists]
    ports = gateway_ports(fragile)
    finders: dict[str, Callable[[], int | None]] = {
        "gateway": partial(fragile.serving, ports[0]),
        "gateway-2": partial(fragile.serving, ports[1]),
        **{part: partial(fragile.leader, part) for part in ("worker", "redis", "postgres")},
    }
    took: dict[str, float] = {}
    async with asyncio.timeout(KILLING):
        for part, find in finders.items():
            took[part] = await kill(fragile, find)
            await all_speak(table)
    table.stop()
    await asyncio.gather(*busy)
    assert max(took.values()) < BACK_WITHIN, took


async def all_speak(table: Table) -> None:
    """Wait until everybody was heard again after what just happened, and somebody typed."""
    spoken = [len(said) for said in table.said]
    typed = sum(len(typist.acked) for typist in table.typists)
    await until(lambda: all(len(said) > count + 1 for said, count in zip(table.said, spoken, strict=True)))
    await until(lambda: sum(len(typist.acked) for typist in table.typists) > typed)


def check_log(up: Up, table: Table, state: RoomState) -> None:
    """Every acknowledged word is in the log once, at the number that was acknowledged, and no number is missing."""
    entries = ask(
        up, "SELECT seq, op_id, kind, payload FROM log_entries WHERE stream_id = %s ORDER BY seq", state.room_id
    )
    assert [seq for seq, *_ in entries] == list(range(1, len(entries) + 1))
    assert len({op_id for _, op_id, *_ in entries}) == len(entries)
    chat = [(payload["message"]["text"], seq) for seq, _, kind, payload in entries if kind == "chat_sent"]
    assert len(dict(chat)) == len(chat)
    for said in table.said:
        assert len(said) >= 2 * KILLED  # two more after each death: all_speak waited for them
        assert said.items() <= dict(chat).items()
    assert all(player.returns > 1 for player in table.players)  # they did lose their connections


def check_text(up: Up, table: Table, state: RoomState) -> None:
    """Every acknowledged edit is in the text once."""
    updates = ask(
        up,
        "SELECT seq, data FROM log_entries WHERE stream_id = %s AND data IS NOT NULL ORDER BY seq",
        state.document_id,
    )
    doc: Doc[Any] = Doc()
    for _, data in updates:
        doc.apply_update(bytes(data))
    text = str(doc.get("f1", type=Text))
    counts = Counter({word: text.count(word) for typist in table.typists for word in typist.acked})
    assert len(counts) >= KILLED  # one more after each death
    assert set(counts.values()) == {1}


async def check_rotation(up: Up, table: Table) -> None:
    """The keyboard still moves, and one person has it: the one who holds the text's lease."""
    turn = table.players[0].state.rotation.turn  # type: ignore[union-attr]  # they agreed on it
    await until(lambda: all(player.state and player.state.rotation.turn > turn for player in table.players))
    state = await table.agree()
    assert state.rotation.status == "running"
    ((holder,),) = ask(up, "SELECT holder_id FROM log_streams WHERE stream_id = %s", state.document_id)
    assert state.rotation.driver in {player.user_id for player in table.players}
    assert holder == state.lease.holder == state.rotation.driver


async def check_the_rest(up: Up, table: Table) -> None:
    """Events still become work that is done."""
    await table.players[0].give("session:close")
    done = "SELECT 1 FROM session_summaries WHERE session_id = %s"
    await until(lambda: ask(up, done, UUID(table.room["session_id"])))
