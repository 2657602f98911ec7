"""``make bench``: the gateway as shipped against socket.io with its Redis adapter, in one run, side by side.

Each server gets one core for itself, the generator and everything else the other; peers alternate within a run, and
what counts is the ratio. Every delivery is checked: once, and in each sender's order.
"""

import asyncio
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import aiohttp

from app.parts import free_port
from loadtests.bench.scenario import Outcome, Seat, Swarm
from loadtests.bench.sockets import Figures

ROOT = Path(__file__).parent.parent.parent
NODE = Path(__file__).parent / "node"
ROOMS, PEOPLE = 200, 5
ROUNDS = 3
SECONDS = 6.0


class Server(NamedTuple):
    """A server under test: how to reach it, and whose processor time counts."""

    name: str
    urls: Sequence[str]
    pids: Sequence[int]
    seats: Sequence[Seat]


@contextmanager
def running_dojo(folder: Path) -> Iterator[dict[str, str]]:
    """``dojo up`` on free ports, without LiveKit and without the rate limits of one person."""
    ports = {name: str(free_port()) for name in ("WEB", "GATEWAY")}
    environment = {
        **os.environ,
        "DOJO_DATA": str(folder / "dojo"),
        "DOJO_LIVEKIT": "false",
        "DOJO_RATE_SCALE": "100000",
        "DOJO_GATEWAY_MAX_PER_ADDRESS": "100000",
        "DOJO_GATEWAY_HANDSHAKES_PER_SECOND": "100000",
        "DOJO_GATEWAY_HANDSHAKE_BURST": "100000",
        "PYTHONPATH": str(ROOT),
        **{f"DOJO_{name}_PORT": port for name, port in ports.items()},
    }
    with (folder / "dojo.out").open("wb") as output:
        process = subprocess.Popen([sys.executable, "-m", "app", "up"], env=environment, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 60
        while "ready: " not in (folder / "dojo.out").read_text():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((folder / "dojo.out").read_text())
            time.sleep(0.02)
        known: dict[str, str] = json.loads((folder / "dojo" / "running.json").read_text())
        yield known | {"gateway": f"http://127.0.0.1:{ports['GATEWAY']}", "pid": str(process.pid)}
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


@contextmanager
def running_node(redis_url: str) -> Iterator[Server]:
    """The peer."""
    port = free_port()
    process = subprocess.Popen(["node", "server.mjs", str(port), redis_url], cwd=NODE)
    try:
        yield Server("socket.io", [f"http://127.0.0.1:{port}"], [process.pid], [])
    finally:
        process.terminate()
        process.wait(10)


def pin(pids: Sequence[int], core: int) -> None:
    """Keep processes, with their threads, on one core."""
    for pid in pids:
        subprocess.run(["taskset", "-a", "-cp", str(core), str(pid)], check=True, capture_output=True)


def descendants(pid: int) -> list[int]:
    """Processes below ``pid``."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [int(child) for child in found] + [below for child in found for below in descendants(int(child))]


def gateway_pid(supervisor: int) -> int:
    """The gateway among the supervisor's children."""
    for pid in descendants(supervisor):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"gateway" in words and b"serve" in words:
            return pid
    raise RuntimeError("there is no gateway")


async def host_seats(address: str) -> list[Seat]:
    """Sign a host up, create the rooms, and give every seat to them or to a guest that they let in."""
    async with aiohttp.ClientSession() as session:
        person = {"organisation": "Bench", "name": "Host", "email": "host@bench.example", "password": "a long password"}
        async with session.post(f"{address}/api/sign-up", json=person) as response:
            token = (await response.json())["access_token"]
        seats = []
        for number in range(ROOMS):
            plan = {"kata": "fizzbuzz", "name": f"Room {number}"}
            headers = {"Authorization": f"Bearer {token}"}
            async with session.post(f"{address}/api/rooms", json=plan, headers=headers) as response:
                assert response.status == 201, await response.text()
                seats.append(Seat((await response.json())["id"], token))
        return seats


def members(seats: Sequence[Seat], folder: Path, address: str) -> list[Seat]:
    """Five people for each room: members of the host's organisation, with tokens of this installation."""
    from core.model import new_id
    from core.tokens import Tokens

    secret = json.loads((folder / "dojo" / "running.json").read_text())["DOJO_SECRET"]
    keys = Path(json.loads((folder / "dojo" / "running.json").read_text())["DOJO_SIGNING_KEYS"])
    tokens = Tokens.load(keys, secret, address)
    host = tokens.principal(seats[0].token)
    return [
        Seat(
            seat.room_id,
            tokens.access(
                host.model_copy(
                    update={
                        "user_id": new_id(),
                        "name": f"Person {number}",
                        "role": "member",
                        "sign_in_id": new_id(),
                        "expires_at": time.time() + 3600,
                    }
                )
            ),
        )
        for seat in seats
        for number in range(PEOPLE)
    ]


async def measure(servers: Sequence[Server], event: str, rate: float) -> dict[str, list[Outcome]]:
    """Alternate the servers; each round is a fresh swarm."""
    outcomes: dict[str, list[Outcome]] = {server.name: [] for server in servers}
    for round_number in range(ROUNDS):
        for server in servers if round_number % 2 == 0 else list(reversed(servers)):
            async with Swarm(server.urls, server.seats) as swarm:
                await swarm.run(event, rate=rate, seconds=1, pids=server.pids)
                outcome = await swarm.run(event, rate=rate, seconds=SECONDS, pids=server.pids)
            assert outcome.delivered == outcome.expected, f"{server.name}: {outcome.delivered} of {outcome.expected}"
            assert outcome.out_of_order == 0, server.name
            outcomes[server.name].append(outcome)
    return outcomes


def table(title: str, outcomes: dict[str, list[Outcome]], peer: str) -> None:
    """Print one scenario."""
    print(f"\n{title}")
    print(
        f"  {'server':<12} {'µs CPU/delivery':>16} {'ratio (min–max)':>18} {'delivery p50/p95/p99 ms':>26} {'ack p50/p95/p99 ms':>24}"
    )
    reference = [outcome.cpu_per_delivery for outcome in outcomes[peer]]
    for name, runs in outcomes.items():
        ratios = [run.cpu_per_delivery / base for run, base in zip(runs, reference, strict=True)]
        middle = statistics.median(run.cpu_per_delivery for run in runs)
        deliveries = [value for run in runs for value in run.figures.deliveries]
        acks = [value for run in runs for value in run.figures.acks]
        shown = [
            " / ".join(f"{Figures.quantile(values, q):.2f}" for q in (0.5, 0.95, 0.99)) for values in (deliveries, acks)
        ]
        spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        print(f"  {name:<12} {middle:>16.1f} {spread:>18} {shown[0]:>26} {shown[1]:>24}")


async def http_reads(address: str, token: str, room_id: str) -> None:
    """Time 500 reads of a room, one after another, beside the server's own figure."""
    headers = {"Authorization": f"Bearer {token}"}
    times = []
    async with aiohttp.ClientSession(headers=headers) as session:
        for _ in range(500):
            start = time.perf_counter()
            async with session.get(f"{address}/api/rooms/{room_id}") as response:
                await response.read()
                assert response.status == 200
            times.append(time.perf_counter() - start)
    print(
        f"\nHTTP read of a room: p50 {Figures.quantile(times, 0.5):.2f} ms, p99 {Figures.quantile(times, 0.99):.2f} ms"
    )


async def first_room(address: str, gateway: str, since: float) -> None:
    """How long from the second ``dojo up`` to a joined room."""
    seats = await host_seats_of_one(address)
    async with Swarm([gateway], seats):
        print(f"second `dojo up` to a joined room: {time.monotonic() - since:.1f} s")


async def host_seats_of_one(address: str) -> list[Seat]:
    """Sign in the host of the first run and create one room."""
    async with aiohttp.ClientSession() as session:
        words = {"email": "host@bench.example", "password": "a long password"}
        async with session.post(f"{address}/api/session", json=words, headers={"X-Dojo": "1"}) as response:
            token = (await response.json())["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        async with session.post(f"{address}/api/rooms", json={"kata": "fizzbuzz"}, headers=headers) as response:
            return [Seat((await response.json())["id"], token)]


async def compare(known: dict[str, str], folder: Path) -> None:
    """Everything that is printed with one `dojo up`."""
    hosted = await host_seats(known["address"])
    seats = members(hosted, folder, known["address"])
    gateway = gateway_pid(int(known["pid"]))
    with running_node(known["DOJO_REDIS_URL"]) as node:
        pin([gateway, *node.pids], 0)
        pin([pid for pid in descendants(int(known["pid"])) if pid != gateway] + [os.getpid()], 1)
        node_seats = [Seat(seat.room_id, "") for seat in seats]
        servers = [
            Server("Live Dojo", [known["gateway"]], [gateway], seats),
            node._replace(seats=node_seats),
        ]
        print(f"{ROOMS} rooms × {PEOPLE} people, {ROUNDS} alternating rounds of {SECONDS:.0f} s, one core each")
        for title, event, rate in (
            ("ephemeral, 1,000 messages/s (5,000 deliveries/s)", "signal:send", 1000),
            ("durable (ours stored before its ack, theirs not stored), 1,000 messages/s", "chat:send", 1000),
        ):
            table(title, await measure(servers, event, rate), "socket.io")
    await http_reads(known["address"], hosted[0].token, hosted[0].room_id)


def main() -> None:
    """Run all of it."""
    if not (NODE / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=NODE, check=True)
    if shutil.which("taskset") is None:
        sys.exit("taskset is missing: install util-linux")
    with tempfile.TemporaryDirectory(prefix="dojo-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with running_dojo(folder) as known:
            asyncio.run(compare(known, folder))
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
        since = time.monotonic()
        with running_dojo(folder) as known:
            asyncio.run(first_room(known["address"], known["gateway"], since))


if __name__ == "__main__":
    main()
