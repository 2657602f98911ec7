"""``make bench``: the gateway as shipped against its peers, in one run, side by side.

Each server has one core for itself; the generator and everything else have the other. Peers alternate within a run, and
what counts is the ratio. Every delivery is checked: once, and in each sender's order; and what somebody new finds in a
document, against what yjs makes of all that was typed there. A fault of ours makes the exit code 1.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from loadtests.bench import dojo, editors, generator, rooms, slow, table
from loadtests.bench.generator import Seat
from loadtests.bench.hubs import Bench
from loadtests.bench.machine import OTHER_CORE, busy_seconds
from loadtests.bench.peers import NODE, ROOT, SOCKET_PATH

SCENARIOS: dict[str, Callable[[Bench], None]] = {
    "joins": rooms.joins,
    "ephemeral": rooms.ephemeral,
    "durable": rooms.durable,
    "growth": rooms.growth,
    "crowd": rooms.crowd,
    "flood": rooms.flood,
    "deflate": rooms.deflate,
    "slow": slow.slow,
    "editor": editors.typing,
    "editor-join": editors.joining,
    "http": lambda bench: asyncio.run(http_reads(bench)),
}
START = "start"
"""Comes last: it stops the installation."""
REPORT = ROOT / "loadtests" / "reports" / "bench.json"
READS = 500
QUIET = 0.1
"""The share of a core that others may use."""


async def http_reads(bench: Bench) -> None:
    """Time reads of a room, one after another, and what the server itself says that they took."""
    table.heading(f"HTTP: {READS} reads of a room, one after another")
    address, times = bench.dojo.address, []
    room = (await bench.dojo.rooms(1))[0]
    headers = {"Authorization": f"Bearer {bench.dojo.host_token()}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        before = await _served(session, address)
        for _ in range(READS):
            start = time.perf_counter_ns()
            async with session.get(f"{address}/api/rooms/{room}") as response:
                await response.read()
                assert response.status == 200
            times.append((time.perf_counter_ns() - start, 1))
        after = await _served(session, address)
    print(f"  at the client p50/p95/p99 ms: {table.milliseconds(times)}")
    if after[0] > before[0]:
        print(f"  in the server, on average: {(after[1] - before[1]) / (after[0] - before[0]) * 1e3:.2f} ms")
    bench.kept["http"] = {"p50_ms": generator.quantile(times, 0.5), "p99_ms": generator.quantile(times, 0.99)}


async def _served(session: aiohttp.ClientSession, address: str) -> tuple[float, float]:
    """How many HTTP requests the web process has served, and the seconds that they took, by its metrics."""
    async with session.get(f"{address}/metrics") as response:
        lines = (await response.text()).splitlines()
    totals = {"count": 0.0, "sum": 0.0}
    for line in lines:
        for kind in totals:
            if line.startswith(f"dojo_http_seconds_{kind}"):
                totals[kind] += float(line.rpartition(" ")[2])
    return totals["count"], totals["sum"]


def start_again(bench: Bench, folder: Path) -> None:
    """How long from the second ``dojo up`` on a data folder to a joined room."""
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    since = time.monotonic()
    with dojo.running(folder) as again:
        again.adopt(bench.dojo.host)
        place = again.places(asyncio.run(again.rooms(1)), 1)[0]
        with bench.generator.people("socketio", [Seat(again.gateways[0], SOCKET_PATH, *place)]):
            bench.generator.answer("enter", parallel=1)
            took = time.monotonic() - since
    table.heading(f"the second `dojo up`, to a new room that was joined: {took:.1f} s")
    bench.kept[START] = took


def chosen() -> argparse.Namespace:
    """What to run."""
    options = argparse.ArgumentParser(prog="make bench", description=__doc__)
    options.add_argument("--only", default="", help=f"some of {', '.join([*SCENARIOS, START])}, with commas between")
    options.add_argument("--rounds", type=int, default=3, help="alternations of all peers")
    options.add_argument("--seconds", type=float, default=6.0, help="of each round of each peer")
    found = options.parse_args()
    names = [name for name in found.only.split(",") if name] or [*SCENARIOS, START]
    unknown = set(names) - {*SCENARIOS, START}
    if unknown:
        options.error(f"no such scenario: {', '.join(sorted(unknown))}")
    found.names = names
    return found


def require_tools() -> None:
    """Say what is missing before anything starts."""
    for program, package in (("go", "Go"), ("node", "Node"), ("taskset", "util-linux"), ("pgrep", "procps")):
        if shutil.which(program) is None:
            sys.exit(f"{program} is missing: install {package}")
    if not (NODE / "node_modules").is_dir():
        sys.exit(f"the peers are not installed: run `make bench`, or `npm ci` in {NODE}")
    if (os.cpu_count() or 1) < 2:
        sys.exit("two cores are needed: one for the server, one for everything else")


def attempt(bench: Bench, name: str, scenario: Callable[[Bench], None]) -> None:
    """Run one scenario; if it breaks off, the others still run."""
    try:
        scenario(bench)
    except (RuntimeError, OSError) as error:
        bench.faults.append(f"{name} broke off: {error}")
        print(f"  BROKE OFF: {error}", flush=True)


def warn_if_busy() -> None:
    """Say so when others use the machine: ratios bear it, latencies do not."""
    before = busy_seconds()
    time.sleep(1)
    shares = [after - start for start, after in zip(before, busy_seconds(), strict=True)]
    if max(shares) > QUIET:
        busy = " and ".join(f"{share:.0%}" for share in shares)
        print(f"NOTE: the cores were {busy} busy before anything started; latencies mean nothing on such a machine")


def measure(folder: Path, options: argparse.Namespace) -> Bench:
    """Run the scenarios."""
    program = generator.build(folder)
    os.sched_setaffinity(0, {OTHER_CORE})  # and everything that is started here
    with generator.running(program) as people:
        with dojo.running(folder) as ours:
            asyncio.run(ours.sign_up())
            ours.pin()
            bench = Bench(ours, people, program, folder, options.rounds, options.seconds)
            for name, scenario in SCENARIOS.items():
                if name in options.names:
                    attempt(bench, name, scenario)
        if START in options.names:
            start_again(bench, folder)
    return bench


def keep(options: argparse.Namespace, bench: Bench) -> None:
    """Write down what was measured; scenarios that were not run now keep their former figures."""
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    former = json.loads(REPORT.read_text()) if REPORT.exists() else {}
    last = {"at": datetime.now(UTC).isoformat(), "rounds": options.rounds, "seconds": options.seconds}
    REPORT.write_text(json.dumps({**former, **bench.kept, "last": last}, indent=1))


def main() -> int:
    """Run it, keep what was measured, and answer with the exit code."""
    options = chosen()
    for number in (signal.SIGTERM, signal.SIGINT):  # so that everything that was started is stopped, and no fault told
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    require_tools()
    warn_if_busy()
    print(f"{options.rounds} alternating rounds of {options.seconds:g} s; servers on core 0, everything else on core 1")
    with tempfile.TemporaryDirectory(prefix="dojo-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL runs as another user
        bench = measure(folder, options)
    keep(options, bench)
    print(
        f"\nall figures: {REPORT.relative_to(ROOT)}; what limits goals that were not reached: docs/operations/capacity.md"
    )
    for fault in dict.fromkeys(bench.faults):
        print(f"FAULT of ours: {fault}")
    return 1 if bench.faults else 0


if __name__ == "__main__":
    sys.exit(main())
