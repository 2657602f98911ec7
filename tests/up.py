"""``dojo up`` as a user runs it: a process of its own, on free ports, with a data folder of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from app.parts import free_port

ROOT = Path(__file__).parent.parent
PARTS = {
    "postgres": "pginstall18/bin/postgres",
    "redis": "redis-server",
    "livekit": "livekit-server",
    "web": "app serve web",
    "gateway": "app serve gateway",
    "worker": "app worker",
    "relay": "app relay",
}


class Up:
    """A ``dojo up`` that runs, on a data folder; ``settings`` are added to its environment."""

    def __init__(self, folder: Path, *options: str, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.options = options
        self.settings = settings or {}
        self.ports = {"web": free_port(), "gateway": free_port(), "livekit": free_port()}
        self.output = folder.with_suffix(".out")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Up":
        environment = {
            **os.environ,
            **self.settings,
            "DOJO_DATA": str(self.folder),
            "PYTHONPATH": str(ROOT),
            **{f"DOJO_{name.upper()}_PORT": str(port) for name, port in self.ports.items()},
        }
        self.output.write_bytes(b"")
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "up", *self.options],
                env=environment,
                cwd=self.folder.parent,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def ready(self) -> "Up":
        deadline = time.monotonic() + 100  # before the test's own, so that what it said is shown
        while "ready: " not in self.words():
            assert not self.ended(), self.words()
            assert time.monotonic() < deadline, f"not ready; so far: {self.words()}"
            time.sleep(0.05)
        return self

    @contextmanager
    def running(self) -> "Iterator[Up]":
        """Started and ready, and stopped whatever happens."""
        self.start()
        try:
            yield self.ready()
        finally:
            self.stop()

    def words(self) -> str:
        return self.output.read_text()

    def ended(self) -> bool:
        assert self.process is not None
        return self.process.poll() is not None

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self) -> int:
        assert self.process is not None
        return self.process.wait(60)

    def stop(self) -> None:
        """Ctrl-C, and wait until everything has ended."""
        if not self.ended():
            self.send(signal.SIGINT)
            self.wait()

    def leader(self, part: str) -> int | None:
        """The process that the supervisor started for ``part``."""
        assert self.process is not None
        for pid in pids_of(self.folder):
            if parent(pid) == self.process.pid and PARTS[part] in command(pid):
                return pid
        return None

    def address(self) -> dict[str, str]:
        known: dict[str, str] = json.loads((self.folder / "running.json").read_text())
        return known

    def gateways(self) -> list[str]:
        """Where the gateways are."""
        urls: list[str] = json.loads(self.address()["DOJO_GATEWAY_URLS"])
        return urls

    def serving(self, port: int) -> int | None:
        """The process that the supervisor started for ``port``."""
        assert self.process is not None
        for pid in pids_of(self.folder):
            if parent(pid) == self.process.pid and command(pid).split()[-1:] == [str(port)]:
                return pid
        return None

    @contextmanager
    def standing_still(self, part: str) -> "Iterator[None]":
        """Let a part do nothing: it neither answers nor hangs up."""
        pid = self.leader(part)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def admin_url(self) -> str:
        """The database as its administrator, who sees all tenants."""
        words = json.loads((self.folder / "secrets.json").read_text())
        parts = urlsplit(self.address()["migration_url"])
        return parts._replace(netloc=f"postgres:{words['superuser']}@{parts.hostname}:{parts.port}").geturl()


def pids_of(folder: Path) -> list[int]:
    """All processes of the installation on ``folder``, grandchildren too: they write to its logs."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "fd" / "2").readlink().is_relative_to(folder / "logs"):
                found.append(int(entry.name))
    return found


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)
