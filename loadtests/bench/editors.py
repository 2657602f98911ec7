"""The scenarios of the shared editor, with the goals that ``docs/operations/capacity.md`` gives."""

import asyncio
import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from loadtests.bench import generator, peers, table
from loadtests.bench.generator import Generator, Seat
from loadtests.bench.hubs import Bench, Measured, Outcomes, alternated
from loadtests.bench.machine import resident
from loadtests.bench.peers import EDITORS, NODE, OURS, Server
from loadtests.bench.table import Goal

DOCUMENTS, PEOPLE, RATE = 200, 5, 10
FREE = [peer.name for peer in EDITORS if not peer.stores]
STORED = [peer.name for peer in EDITORS if peer.stores]
TURN = 10
"""Updates that one person types before the next one goes on."""
LONG, BATCH = 50_000, 60
"""Updates of the document that somebody joins, and how many of them are sent together."""
EMPTY = b"\0\0"
"""A Yjs update of nothing."""
COMPACTED_WITHIN = 60.0
"""Seconds in which a long document is given the chance to become short."""


def script(folder: Path, updates: int, run: int) -> Path:
    """Real updates of five people, made by yjs."""
    path = folder / f"updates-{updates}.bin"
    if not path.exists():
        subprocess.run(
            ["node", "updates.mjs", str(path), str(updates), str(run)], cwd=NODE, check=True, stdout=subprocess.DEVNULL
        )
    return path


def state_bytes(path: Path) -> int:
    """The size of the document that a script ends with."""
    with path.open("rb") as file:
        return int.from_bytes(file.read(16)[12:], "little")


class Seats(NamedTuple):
    """Who types, and of each document one who comes afterwards."""

    typists: list[Seat]
    late: list[Seat]
    start: bytes
    """The Yjs update that each document begins with."""


@contextmanager
def seats(bench: Bench, server: Server, documents: int, people: int) -> Iterator[Seats]:
    """People at new documents; in each of our rooms one more stays, so that its session lasts as long as the block."""
    if server.name != OURS:
        names = [str(uuid4()) for _ in range(documents)]
        places = [Seat(server.addresses[0], f"/{name}", name) for name in names for _ in range(people + 1)]
        yield _apart(places, people, EMPTY)
        return
    rooms = asyncio.run(bench.dojo.rooms(documents))
    places = [Seat(bench.dojo.gateways[-1], peers.SOCKET_PATH, *place) for place in bench.dojo.places(rooms, 1)]
    with generator.running(bench.program) as keepers, keepers.people("socketio", places):
        names = keepers.answer("enter", parallel=32).found
        yield _apart(bench.dojo.editor_seats(server, rooms, names, people + 1), people, bench.dojo.beginning())


def _apart(places: Sequence[Seat], people: int, start: bytes) -> Seats:
    numbered = list(enumerate(places))
    late = [place for number, place in numbered if number % (people + 1) == people]
    return Seats([place for number, place in numbered if number % (people + 1) < people], late, start)


def untrue(people: Generator, protocol: str, seats: Seats, path: Path, node: Path = NODE) -> list[str]:
    """Let somebody new join each document that ``people`` typed in: what is not as yjs makes it of their updates.

    Text and state vector are compared; ``node`` is the folder of ``join.mjs`` and its packages.
    """
    answer = people.answer("typed")
    typed = dict(zip(answer.found, answer.typed, strict=True))
    places = [{**seat._asdict(), "typed": typed[seat.group]} for seat in seats.late]
    asked = {"script": str(path), "start": seats.start.hex(), "protocol": protocol, "places": places}
    words = json.dumps(asked)
    done = subprocess.run(["node", "join.mjs"], cwd=node, input=words, stdout=subprocess.PIPE, text=True, check=True)
    wrong: list[str] = json.loads(done.stdout)
    if len(places) != len(typed):
        wrong.append(f"{len(places)} of {len(typed)} documents were joined")
    return [f"{len(wrong)} of {len(places)} documents are not what was typed: {wrong[0]}"] if wrong else []


def typing(bench: Bench) -> None:
    """Steadily, and in bursts."""
    for burst, title, bound, against_stored in ((1, "steady", 0.65, 0.45), (RATE, "in bursts", 0.3, None)):
        table.heading(f"editor: {DOCUMENTS} documents × {PEOPLE} people, {RATE} updates/s each, {title}")
        outcomes, memory = _alternate(bench, burst)
        table.show(outcomes, FREE)
        print(f"  all {DOCUMENTS} documents of each were joined anew with yjs: text and state vector were compared")
        print("  kB a document: " + ", ".join(f"{name} {kilobytes:.0f}" for name, kilobytes in memory.items()))
        goals = [
            Goal("cost × the better one without storage", bound, table.ratio(outcomes, OURS, FREE)),
            *(
                [Goal("cost × the better one with storage", against_stored, table.ratio(outcomes, OURS, STORED))]
                if against_stored
                else []
            ),
            Goal("delivery p99 ms", 1.5, table.delivery(outcomes, OURS, 0.99)),
            Goal("ack p95 ms", 15, table.ack(outcomes, OURS, 0.95)),
            Goal("kB a document", 80, memory[OURS]),
        ]
        table.goals(goals)
        bench.keep(f"editor-{title}", outcomes)
        bench.kept.setdefault("editor-memory", memory)


def _alternate(bench: Bench, burst: int) -> tuple[Outcomes, dict[str, float]]:
    """All servers in turn, and what a document of each took of memory in the first round."""
    bench.dojo.renew()
    memory: dict[str, float] = {}
    with ExitStack() as stack:
        rivals = [stack.enter_context(peers.running(peer, bench.dojo.redis_url, bench.folder)) for peer in EDITORS]
        servers = [bench.dojo.server(protocol="dojo"), *rivals]
        outcomes: Outcomes = {server.name: [] for server in servers}
        for number in range(bench.rounds):
            for server in alternated(servers, number):
                found, kilobytes = _type(bench, server, burst)
                outcomes[server.name].append(found)
                memory.setdefault(server.name, kilobytes)
    return outcomes, memory


def _type(bench: Bench, server: Server, burst: int) -> tuple[Measured, float]:
    """Everybody has typed once before anything is measured: whose client id is new waits for the log (decision 14)."""
    path = script(bench.folder, 2_000, TURN)
    with ExitStack() as stack:
        places = stack.enter_context(seats(bench, server, DOCUMENTS, PEOPLE))
        bench.quieten()
        empty = resident(server.pids)
        stack.enter_context(bench.generator.people(server.protocol, places.typists, file=str(path)))
        bench.generator.run(rate=RATE, seconds=PEOPLE * TURN / RATE, burst=burst)
        found = bench.measured(server, rate=RATE, seconds=bench.seconds, burst=burst)
        memory = (resident(server.pids) - empty) / DOCUMENTS / 1000
        found = found._replace(run=replace(found.run, untrue=untrue(bench.generator, server.protocol, places, path)))
    bench.note(server, found.run, "editor")
    return found, memory


def joining(bench: Bench) -> None:
    """Somebody comes to a document that was typed for long."""
    path = script(bench.folder, LONG, BATCH)
    size = state_bytes(path)
    table.heading(f"editor: a join to a document of {LONG:,} updates, {size:,} bytes as Yjs keeps it")
    bench.quieten()
    ours = bench.dojo.server(protocol="dojo")
    with _long(bench, ours, path) as long:
        long.show("at once")
        deadline = time.monotonic() + COMPACTED_WITHIN
        while long.join()[0] > 2 * size and time.monotonic() < deadline:
            time.sleep(2)
        found = long.show("later")
        bench.dojo.renew()
        cold = long.show("at a new gateway")
    bench.kept["editor-join"] = {"state": size, "later": found, "cold": cold}
    table.goals([Goal("ms", 100, found[1]), Goal("bytes × the state's", 2, found[0] / size)])
    table.goals([Goal("ms, at a gateway that has not read it", 100, cold[1])])
    for peer in (peer for peer in EDITORS if not peer.stores):
        with (
            peers.running(peer, bench.dojo.redis_url, bench.folder) as server,
            _long(bench, server, path) as long,
        ):
            long.show("at once")


class Long(NamedTuple):
    """A document that was typed for long, and somebody who joins it."""

    bench: Bench
    server: Server
    path: Path
    seats: Seats
    other: Generator

    def join(self) -> tuple[int, float]:
        """Bytes and milliseconds."""
        with self.other.people(self.server.protocol, self.seats.late, file=str(self.path)):
            found = self.other.answer("enter")
        return found.bytes, found.seconds * 1000

    def show(self, when: str) -> tuple[int, float]:
        """Join, print what it took, and look whether what came is true."""
        size, found = state_bytes(self.path), self.join()
        print(
            f"  {self.server.name:<26} {when:<18} {found[1]:>8.1f} ms {found[0]:>10,} bytes"
            f" = {found[0] / size:.2f} × the state",
            flush=True,
        )
        for fault in untrue(self.bench.generator, self.server.protocol, self.seats, self.path):
            print(f"    FAULT: {fault}", flush=True)
            if self.server.name == OURS:
                self.bench.faults.append(f"editor-join, {when}: {fault}")
        return found


@contextmanager
def _long(bench: Bench, server: Server, path: Path) -> Iterator[Long]:
    """A long document, held open by those who typed it."""
    with (
        seats(bench, server, 1, PEOPLE) as places,
        bench.generator.people(server.protocol, places.typists, file=str(path)),
    ):
        took = bench.generator.answer("load", count=LONG, batch=BATCH).seconds
        print(f"  {server.name:<26} took {took:.1f} s to take it", flush=True)
        with generator.running(bench.program) as other:
            yield Long(bench, server, path, places, other)
