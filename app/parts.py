"""A part is a program that an installation runs: how it starts, when it is ready, how it ends.

Nothing here keeps state in an event loop, so the supervisor (asyncio) and the tests (threads) share it.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
QUIET_PORTS = range(20_000, 32_768)
LOG_LIMIT = 10_000_000
"""A log longer than this, in bytes, is set aside when its part starts."""


class PartFailed(Exception):
    """A part did not become ready, or ended; the message says where its log is."""


def nothing() -> None:
    """Prepare nothing."""


def never() -> bool:
    """The readiness of a program that runs to its end."""
    return False


@dataclass(frozen=True)
class Part:
    """One program. ``ready`` and ``prepare`` may block for a second or two; call them in a thread."""

    name: str
    command: tuple[str, ...]
    log: Path
    ready: Callable[[], bool]
    prepare: Callable[[], None] = nothing
    """Runs before each start, also after a crash."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Added to ours."""
    stop_signal: signal.Signals = signal.SIGTERM
    orphan_signal: signal.Signals = signal.SIGKILL
    """What the kernel sends when the one who started it dies."""
    user: str | None = None
    """The account to run as when we are root."""
    patience: float = 30.0
    """Seconds to become ready."""
    grace: float = 10.0
    """Seconds to end after ``stop_signal``, then it is killed."""

    def argv(self) -> list[str]:
        """The command on its leash; the caller must be the process and thread that starts it."""
        user = self.user if self.user and os.geteuid() == 0 else "-"
        leash = [sys.executable, "-I", str(LEASH), str(os.getpid()), str(int(self.orphan_signal)), user]
        return [*leash, *self.command]

    def environ(self) -> dict[str, str]:
        """The whole environment of the program."""
        return {**os.environ, **self.environment}

    def open_log(self) -> int:
        """A file descriptor to append to the log; a long log becomes ``….log.1`` first."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.1"))
        return os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def kill_group(pid: int, number: signal.Signals) -> None:
    """Signal the process group that ``pid`` leads; none left is fine."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def start(part: Part) -> "subprocess.Popen[bytes]":
    """Start ``part`` as the leader of a new session, without waiting until it is ready."""
    part.prepare()
    log = part.open_log()
    try:
        return subprocess.Popen(
            part.argv(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=part.environ(),
            start_new_session=True,
        )
    finally:
        os.close(log)


def stop(part: Part, process: "subprocess.Popen[bytes]") -> None:
    """End ``part`` and all of its group; returns when it has gone."""
    if process.poll() is None:
        process.send_signal(part.stop_signal)
        with suppress(subprocess.TimeoutExpired):
            process.wait(part.grace)
    kill_group(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def running(part: Part) -> "Iterator[subprocess.Popen[bytes]]":
    """``part``, ready; stopped on leaving.

    Raises:
        PartFailed: it ended, or was not ready within its patience.
    """
    process = start(part)
    try:
        deadline = time.monotonic() + part.patience
        while not part.ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise PartFailed(f"{part.name} did not start: see {part.log}")
            time.sleep(0.02)
        yield process
    finally:
        stop(part, process)


def free_port(preferred: int = 0, *, kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """``preferred`` if nobody listens there on the loopback address, else any free port.

    Not one that the kernel hands out to connections: one of those would take the port while its server is down, and
    the server could not come back.
    """
    wanted = [preferred] if preferred else []
    for port in (*wanted, *random.sample(quiet_ports(), 50), 0):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def quiet_ports() -> range:
    """Ports below those that the kernel hands out to outgoing connections."""
    first = QUIET_PORTS.stop
    with suppress(OSError, ValueError):
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return QUIET_PORTS if first >= QUIET_PORTS.stop else range(max(first - len(QUIET_PORTS), 1024), max(first, 1124))


def answers(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections at ``port`` now."""
    with suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False
