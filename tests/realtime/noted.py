"""What people at the doors and at the shared text do and hear, as facts for the history checker."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Protocol

from loadtests.facts import Acked, Entered, Fact, Received, Refused, Sent, Stayed, Text
from loadtests.history import LOOKS, check, everybody_is_back
from loadtests.stored import read_stored

PATIENCE = 10.0
PASSING = frozenset({"unavailable", "too-many"})
"""Refusals after which the same may be offered again."""
LOOKED = tuple(look for look in LOOKS if look is not everybody_is_back)
"""The doors of these tests show nobody who is here."""


class Talker(Protocol):
    """A client of Socket.IO."""

    name: str
    rooms: set[str]
    """Where they are in."""
    facts: list[Fact]
    socket: Any


class Writer(Protocol):
    """A client of the editor."""

    facts: list[Fact]
    document_id: Any
    socket: Any


def sent(client: str, event: str, payload: dict[str, Any]) -> list[Fact]:
    """A word goes out."""
    if event != "chat:send":
        return []
    now = time.time()
    return [Sent(client, payload["room_id"], payload["op_id"], event, True, "", 1, now, now)]


def told(client: str, event: str, payload: dict[str, Any], answer: dict[str, Any]) -> list[Fact]:
    """An answer comes."""
    if event == "room:enter" and answer["ok"]:
        return [Entered(client, payload["room_id"], 1, 1, answer["data"]["seq"], tail=False)]
    if event != "chat:send":
        return []
    if answer["ok"]:
        return [Acked(client, payload["room_id"], payload["op_id"], answer["data"]["seq"], time.time())]
    code = answer["problem"]["code"]
    return [] if code in PASSING else [Refused(client, payload["room_id"], payload["op_id"], code)]


def received(client: str, entry: dict[str, Any]) -> Fact:
    """An event comes."""
    is_hidden = entry["payload"] is None
    return Received(client, entry["room_id"], 1, entry["epoch"], entry["seq"], entry["op_id"], is_hidden, tail=False)


async def judge(url: str, talkers: Sequence[Talker], writers: Sequence[Writer]) -> None:
    """Wait until who is still there has heard and seen all that was acknowledged, and compare it with the logs."""
    everybody: list[Talker | Writer] = [*talkers, *writers]
    talking = [each for each in talkers if each.socket.connected]
    writing = [each for each in writers if not each.socket.closed]
    acked = [fact for each in talkers for fact in each.facts if isinstance(fact, Acked)]
    newest = {fact.room: max(each.seq for each in acked if each.room == fact.room) for fact in acked}
    async with asyncio.timeout(PATIENCE):
        while not all(_has(each, room, seq) for each in talking for room, seq in newest.items()):
            await asyncio.sleep(0.01)
        while len({str(each) for each in writing}) > 1:
            await asyncio.sleep(0.01)
    facts = [fact for each in everybody for fact in each.facts]
    rooms = {fact.room for fact in facts if isinstance(fact, Entered)}
    facts += [Stayed(each.name, room, 0, []) for each in talking for room in each.rooms]
    facts += [Text(f"{number}", str(each.document_id), "f1", str(each)) for number, each in enumerate(writing)]
    stored = await asyncio.to_thread(read_stored, url, rooms, {str(each.document_id) for each in writers})
    assert check(facts, stored, LOOKED) == []


def _has(each: Talker, room: str, seq: int) -> bool:
    known = [fact.seq for fact in each.facts if isinstance(fact, Entered | Received) and fact.room == room]
    return room not in each.rooms or max(known) >= seq
