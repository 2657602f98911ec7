"""The servers that the gateway is measured against."""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.parts import answers, free_port
from loadtests.bench.machine import SERVER_CORE, pin

NODE = Path(__file__).parent / "node"
ROOT = Path(__file__).parent.parent.parent
SOCKET_PATH = "/socket.io/?EIO=4&transport=websocket"
OURS = "Live Dojo"
NODE_SOCKETIO = "socket.io"


@dataclass(frozen=True)
class Server:
    """A server under test: its nodes' addresses, and the processes whose time counts."""

    name: str
    addresses: tuple[str, ...]
    pids: tuple[int, ...]
    protocol: str = "socketio"


@dataclass(frozen=True)
class Peer:
    """How to start a server: its command takes a port, then ``more``."""

    name: str
    command: tuple[str, ...]
    protocol: str = "socketio"
    stores: bool = False
    """It gets a folder of its own."""
    needs_redis: bool = False


HUBS = (
    Peer(NODE_SOCKETIO, ("node", "socketio.mjs"), needs_redis=True),
    Peer("ws", ("node", "ws.mjs")),
    Peer("python-socketio", (sys.executable, "-m", "loadtests.bench.stock"), needs_redis=True),
    Peer("bare sockets", (sys.executable, "-m", "loadtests.bench.bare")),
)
EDITORS = (
    Peer("y-websocket-server", ("node", "ywebsocket.mjs"), "yws"),
    Peer("hocuspocus", ("node", "hocuspocus.mjs"), "hocuspocus"),
    Peer("y-websocket-server, stored", ("node", "ywebsocket.mjs"), "yws", stores=True),
    Peer("hocuspocus, stored", ("node", "hocuspocus.mjs"), "hocuspocus", stores=True),
)


@contextmanager
def running(peer: Peer, redis_url: str, folder: Path, nodes: int = 1) -> Iterator[Server]:
    """A peer's nodes, on the servers' core."""
    with ExitStack() as stack:
        ports, pids = [], []
        for number in range(nodes):
            ports.append(free_port())
            more = [redis_url] if peer.needs_redis else []
            if peer.stores:
                place = folder / f"{peer.protocol}-{number}-{time.monotonic_ns()}"
                more.append(str(place))
            command = [*peer.command, str(ports[-1]), *more]
            pids.append(stack.enter_context(_process(command, ports[-1], folder / f"peer-{ports[-1]}.log")))
        yield Server(peer.name, tuple(f"127.0.0.1:{port}" for port in ports), tuple(pids), peer.protocol)


@contextmanager
def _process(command: Sequence[str], port: int, log: Path) -> Iterator[int]:
    cwd = NODE if command[0] == "node" else ROOT
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=cwd, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + 30
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{' '.join(command)} did not start: {log.read_text()}")
            time.sleep(0.02)
        pin([process.pid], SERVER_CORE)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
