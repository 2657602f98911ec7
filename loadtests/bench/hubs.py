"""Measuring rooms: people who join, send and hear."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from loadtests.bench import peers
from loadtests.bench.dojo import Dojo, Place
from loadtests.bench.generator import Generator, Run, Seat, plain
from loadtests.bench.machine import busy_seconds, cpu_seconds
from loadtests.bench.peers import OURS, SOCKET_PATH, Peer, Server

T = TypeVar("T")

SEAT_KEPT = 35.0
"""Seconds after which a dojo has written down that somebody is gone."""
PATIENCE, IDLE = 20.0, 0.025
"""How long to wait for gateways with nothing to do, and the seconds that these use in a quarter of one."""


class Measured(NamedTuple):
    """One run of one server, and what the machine spent on it."""

    run: Run
    cpu: float
    """Seconds of processor time of the server's processes."""
    server_core: float
    other_core: float
    """Shares of the two cores that were busy."""
    parts: dict[str, float]
    """Of our own installation: microseconds of processor time of each part for one message sent."""

    @property
    def per_delivery(self) -> float:
        """Microseconds of the server's processor for one delivery."""
        return self.cpu / max(1, self.run.delivered) * 1e6

    @property
    def rate(self) -> float:
        """Deliveries in one second."""
        return self.run.delivered / self.run.seconds


@dataclass(frozen=True)
class Load:
    """What people do in their rooms: ``rate`` messages a second, or as many as come back with ``window`` on the way."""

    event: str = "signal:send"
    rooms: int = 200
    people: int = 5
    rate: float = 0
    window: int = 1
    senders: int = 0
    nodes: int = 1
    deflate: bool = False
    rivals: tuple[Peer, ...] = peers.HUBS
    seconds: float = 1.0
    """In proportion to the others."""


Outcomes = dict[str, list[Measured]]


@dataclass
class Bench:
    """What the scenarios share."""

    dojo: Dojo
    generator: Generator
    program: Path
    folder: Path
    rounds: int
    seconds: float
    faults: list[str] = field(default_factory=list)
    """What went wrong with our own server."""
    kept: dict[str, Any] = field(default_factory=dict)
    """Everything that was measured, as it is written down at the end."""
    _people: dict[tuple[int, int], list[Place]] = field(default_factory=dict)
    _last: tuple[tuple[int, int], float] = ((0, 0), 0.0)
    """The rooms that our people left last, and when."""

    def seats(self, server: Server, rooms: int, people: int) -> list[Seat]:
        """Where everybody goes: in our rooms always the same people, who take turns at the server's nodes."""
        if server.name != OURS:
            names = [str(uuid4()) for _ in range(rooms)]
            places = [Place(name, str(uuid4())) for name in names for _ in range(people)]
            return self._seated(server, places)
        self._let_leave((rooms, people))
        if not (places := self._people.setdefault((rooms, people), [])):
            capacity = 500 if people > 30 else 30
            places += self.dojo.places(asyncio.run(self.dojo.rooms(rooms, capacity)), people)
        return self._seated(server, places)

    @staticmethod
    def _seated(server: Server, places: list[Place]) -> list[Seat]:
        nodes = server.addresses
        return [Seat(nodes[number % len(nodes)], SOCKET_PATH, *place) for number, place in enumerate(places)]

    def left(self, server: Server, seats: Sequence[Seat]) -> None:
        """Everybody has gone: in our rooms their seats are kept for a while."""
        if server.name == OURS:
            rooms = len({seat.group for seat in seats})
            self._last = ((rooms, len(seats) // rooms), time.monotonic())

    def _let_leave(self, rooms: tuple[int, int]) -> None:
        """Before other people come to other rooms, wait until the seats of the last are given up, which is work."""
        if self._last[0] != rooms:
            time.sleep(max(0.0, self._last[1] + SEAT_KEPT - time.monotonic()))
            self.quieten()

    def keep(self, name: str, outcomes: Outcomes) -> None:
        """Write a scenario down."""
        self.kept[name] = {
            server: [
                {"us_per_delivery": each.per_delivery, "us_of_parts_per_message": each.parts, **plain(each.run)}
                for each in runs
            ]
            for server, runs in outcomes.items()
        }

    def quieten(self) -> None:
        """Wait until our gateways have done what follows on the end of many connections."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            before = cpu_seconds(pids := self.dojo.pids())
            time.sleep(0.25)
            if cpu_seconds(pids) - before < IDLE:
                return

    def note(self, server: Server, run: Run, where: str) -> None:
        """Remember what went wrong."""
        if server.name == OURS:
            self.faults += [f"{where}: {fault}" for fault in run.faults()]

    def measured(self, server: Server, **words: object) -> Measured:
        """One run."""
        parts = self.dojo.parts() if server.name == OURS else {}
        spent, cpu, cores = spent_by(parts), cpu_seconds(server.pids), busy_seconds()
        run = self.generator.run(**words)
        cpu, busy = cpu_seconds(server.pids) - cpu, busy_seconds()
        used = {name: after - spent[name] for name, after in spent_by(parts).items()}
        shares = [min(1.0, (after - before) / run.seconds) for before, after in zip(cores, busy, strict=True)]
        each = {name: seconds / max(1, run.sent) * 1e6 for name, seconds in used.items()}
        return Measured(run, cpu, shares[0], shares[1], each)


def spent_by(parts: dict[str, list[int]]) -> dict[str, float]:
    """Seconds of processor time of each part of an installation until now."""
    return {name: cpu_seconds(pids) for name, pids in parts.items()}


def alternated(compared: Sequence[T], round_number: int) -> list[T]:
    """What is compared, in another order each round."""
    return list(compared) if round_number % 2 == 0 else list(reversed(compared))


def measure(bench: Bench, load: Load, where: str) -> Outcomes:
    """Alternate the servers; each round has new connections."""
    with ExitStack() as stack:
        rivals = [
            stack.enter_context(peers.running(peer, bench.dojo.redis_url, bench.folder, load.nodes))
            for peer in load.rivals
        ]
        servers = [bench.dojo.server(load.nodes), *rivals]
        outcomes: Outcomes = {server.name: [] for server in servers}
        seats = {server.name: bench.seats(server, load.rooms, load.people) for server in servers}
        for server in servers:
            _warm(bench, load, server, seats[server.name])
        for number in range(bench.rounds):
            for server in alternated(servers, number):
                bench.quieten()
                outcomes[server.name].append(_round(bench, load, server, seats[server.name], where))
    return outcomes


def _warm(bench: Bench, load: Load, server: Server, seats: list[Seat]) -> None:
    """A second at full speed: what compiles while it runs has then done so."""
    with bench.generator.people("socketio", seats, deflate=load.deflate):
        bench.generator.answer("enter", parallel=32)
        bench.generator.run(event=load.event, window=1, senders=load.senders or load.people, seconds=1.0)
    bench.left(server, seats)


def _round(bench: Bench, load: Load, server: Server, seats: list[Seat], where: str) -> Measured:
    words = {"event": load.event, "rate": load.rate, "window": load.window, "senders": load.senders or load.people}
    with bench.generator.people("socketio", seats, deflate=load.deflate):
        bench.generator.answer("enter", parallel=32)
        bench.generator.run(seconds=min(1.0, bench.seconds / 2), **words)
        found = bench.measured(server, seconds=bench.seconds * load.seconds, **words)
    bench.left(server, seats)
    bench.note(server, found.run, where)
    return found
