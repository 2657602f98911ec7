"""The dojo shape: many rooms of few people; in each, one message at a time goes to everybody."""

import asyncio
import json
import os
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import uuid4

import aiohttp

from loadtests.bench.sockets import Figures, Peer, stamp


class Seat(NamedTuple):
    """Somebody's place in a room of the server under test."""

    room_id: str
    token: str


class Outcome(NamedTuple):
    """What one run of one server showed."""

    sent: int
    delivered: int
    expected: int
    out_of_order: int
    server_cpu: float
    """Seconds of processor time of the server's processes during the run."""
    figures: Figures

    @property
    def cpu_per_delivery(self) -> float:
        """Microseconds of the server's processor for one delivery."""
        return self.server_cpu / max(1, self.delivered) * 1e6


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time that the processes have used, user and system."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / ticks


class Swarm:
    """All people of a run, connected and in their rooms."""

    def __init__(self, urls: Sequence[str], seats: Sequence[Seat]) -> None:
        self._urls = urls
        self._seats = seats
        self._figures = Figures()
        self._delivered = 0
        self._last: dict[tuple[int, str], int] = {}
        self._out_of_order = 0
        self._peers: list[Peer] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        for index, seat in enumerate(self._seats):
            peer = Peer(partial(self._hear, index))
            await peer.connect(self._session, self._urls[index % len(self._urls)], seat.token)
            answer = await peer.call("room:enter", {"room_id": seat.room_id, "op_id": str(uuid4())})
            assert answer["ok"], answer
            assert answer["data"]["status"] == "in", answer
            self._peers.append(peer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(peer.close() for peer in self._peers), return_exceptions=True)
        await self._session.close()

    def _hear(self, index: int, event: str, payload: dict[str, Any]) -> None:
        words = payload.get("value") if event == "room:signal" else _chat_text(payload)
        if words is None:
            return
        sender, number, intended = words.split("|")
        self._figures.deliveries.append(stamp() - float(intended))
        self._delivered += 1
        key = (index, sender)
        if int(number) <= self._last.get(key, -1):
            self._out_of_order += 1
        self._last[key] = int(number)

    async def run(self, event: str, *, rate: float, seconds: float, pids: Sequence[int]) -> Outcome:
        """Send ``rate`` messages a second, evenly over the rooms, for ``seconds``.

        Args:
            event: ``signal:send`` (passes and is forgotten) or ``chat:send`` (stored before its acknowledgement).
            rate: messages a second in all rooms together.
            seconds: how long.
            pids: the server's processes, for their processor time.
        """
        self._figures, self._delivered, self._out_of_order, self._last = Figures(), 0, 0, {}
        rooms: dict[str, list[int]] = {}
        for index, seat in enumerate(self._seats):
            rooms.setdefault(seat.room_id, []).append(index)
        groups = list(rooms.values())
        cpu, start, total = cpu_seconds(pids), stamp() + 0.1, int(rate * seconds)
        for number in range(total):
            intended = start + number / rate
            delay = intended - stamp()
            if delay > 0:
                await asyncio.sleep(delay)
            group = groups[number % len(groups)]
            sender = group[(number // len(groups)) % len(group)]
            await self._send(sender, event, number, intended)
        expected = sum(len(groups[number % len(groups)]) for number in range(total))
        await self._settle(expected)
        return Outcome(total, self._delivered, expected, self._out_of_order, cpu_seconds(pids) - cpu, self._figures)

    async def _send(self, sender: int, event: str, number: int, intended: float) -> None:
        words = f"{sender}|{number}|{intended:.6f}"
        payload: dict[str, Any] = {"room_id": self._seats[sender].room_id}
        if event == "signal:send":
            payload |= {"kind": "typing", "value": words}
        else:
            payload |= {"op_id": str(uuid4()), "text": words}

        def acknowledged(answer: Any) -> None:
            assert answer["ok"], answer
            self._figures.acks.append(stamp() - intended)

        await self._peers[sender].send(event, payload, acknowledged)

    async def _settle(self, expected: int) -> None:
        deadline = time.monotonic() + 10
        while self._delivered < expected and time.monotonic() < deadline:
            await asyncio.sleep(0.05)


def _chat_text(entry: dict[str, Any]) -> str | None:
    payload = entry.get("payload") or {}
    text = payload.get("message", {}).get("text")
    return text if isinstance(text, str) and text.count("|") == 2 else None


def as_json(outcome: Outcome) -> str:
    """One run as a line of JSON, for whoever wants to keep it."""
    figures = outcome.figures
    return json.dumps(
        {
            "sent": outcome.sent,
            "delivered": outcome.delivered,
            "expected": outcome.expected,
            "out_of_order": outcome.out_of_order,
            "cpu_us_per_delivery": round(outcome.cpu_per_delivery, 2),
            **{
                f"{name}_p{round(share * 100)}_ms": round(Figures.quantile(values, share), 3)
                for name, values in (("delivery", figures.deliveries), ("ack", figures.acks))
                for share in (0.5, 0.95, 0.99)
            },
        }
    )
