"""The scenarios of the shared editor, with the goals of issue 4."""

import asyncio
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

from loadtests.bench import generator, peers, table
from loadtests.bench.generator import Seat
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


@contextmanager
def seats(bench: Bench, server: Server, documents: int, people: int) -> Iterator[list[Seat]]:
    """People at new documents; in each of our rooms one more stays, so that its session lasts as long as the block."""
    if server.name != OURS:
        names = [str(uuid4()) for _ in range(documents)]
        yield [Seat(server.addresses[0], f"/{name}", name) for name in names for _ in range(people)]
        return
    rooms = asyncio.run(bench.dojo.rooms(documents))
    places = [Seat(bench.dojo.gateways[-1], peers.SOCKET_PATH, *place) for place in bench.dojo.places(rooms, 1)]
    with generator.running(bench.program) as keepers, keepers.people("socketio", places):
        names = keepers.answer("enter", parallel=32).found
        yield bench.dojo.editor_seats(server, rooms, names, people)


def typing(bench: Bench) -> None:
    """Steadily, and in bursts."""
    for burst, title, bound, against_stored in ((1, "steady", 0.65, 0.45), (RATE, "in bursts", 0.3, None)):
        table.heading(f"editor: {DOCUMENTS} documents × {PEOPLE} people, {RATE} updates/s each, {title}")
        outcomes, memory = _alternate(bench, burst)
        table.show(outcomes, FREE)
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
        stack.enter_context(bench.generator.people(server.protocol, places, file=str(path)))
        bench.generator.run(rate=RATE, seconds=PEOPLE * TURN / RATE, burst=burst)
        found = bench.measured(server, rate=RATE, seconds=bench.seconds, burst=burst)
        memory = (resident(server.pids) - empty) / DOCUMENTS / 1000
    bench.note(server, found.run, "editor")
    return found, memory


def joining(bench: Bench) -> None:
    """Somebody comes to a document that was typed for long."""
    path = script(bench.folder, LONG, BATCH)
    size = state_bytes(path)
    table.heading(f"editor: a join to a document of {LONG:,} updates, {size:,} bytes as Yjs keeps it")
    bench.quieten()
    ours = bench.dojo.server(protocol="dojo")
    with _long(bench, ours, path) as joiner:
        _show_join(OURS, "at once", joiner(), size)
        deadline = time.monotonic() + COMPACTED_WITHIN
        while (found := joiner())[0] > 2 * size and time.monotonic() < deadline:
            time.sleep(2)
        _show_join(OURS, "later", found, size)
        bench.dojo.renew()
        cold = joiner()
        _show_join(OURS, "at a new gateway", cold, size)
    bench.kept["editor-join"] = {"state": size, "later": found, "cold": cold}
    table.goals([Goal("ms", 100, found[1]), Goal("bytes × the state's", 2, found[0] / size)])
    table.goals([Goal("ms, at a gateway that has not read it", 100, cold[1])])
    for peer in (peer for peer in EDITORS if not peer.stores):
        with (
            peers.running(peer, bench.dojo.redis_url, bench.folder) as server,
            _long(bench, server, path) as join,
        ):
            _show_join(peer.name, "at once", join(), size)


def _show_join(name: str, when: str, found: tuple[int, float], size: int) -> None:
    print(
        f"  {name:<26} {when:<18} {found[1]:>8.1f} ms {found[0]:>10,} bytes = {found[0] / size:.2f} × the state",
        flush=True,
    )


@contextmanager
def _long(bench: Bench, server: Server, path: Path) -> Iterator[Callable[[], tuple[int, float]]]:
    """A long document, held open by those who typed it; what the block gets joins it: bytes and milliseconds."""
    with (
        seats(bench, server, 1, PEOPLE + 1) as places,
        bench.generator.people(server.protocol, places[:PEOPLE], file=str(path)),
    ):
        took = bench.generator.answer("load", count=LONG, batch=BATCH).seconds
        print(f"  {server.name:<26} took {took:.1f} s to take it", flush=True)
        with generator.running(bench.program) as other:

            def join() -> tuple[int, float]:
                with other.people(server.protocol, places[PEOPLE:], file=str(path)):
                    found = other.answer("enter")
                return found.bytes, found.seconds * 1000

            yield join
