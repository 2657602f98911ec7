"""One machine's installation: which parts it has, on which ports, and what each of them is told."""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from app.embedded import LiveKit, Postgres, Redis, free_media_port
from app.folder import Folder, write_private
from app.health import is_healthy
from app.parts import Part, free_port
from app.provision import provision
from app.settings import InstallationSettings

ROOT = Path(__file__).parent.parent


class PortTaken(Exception):
    """A port that somebody chose is in use."""


class Installation:
    """The parts and addresses of one ``dojo up``.

    Args:
        say: called with each short word to the person at the terminal.
        program: the LiveKit server, or None for an installation without audio and video.
    """

    def __init__(
        self,
        settings: InstallationSettings,
        folder: Folder,
        *,
        gateways: int,
        program: Path | None,
        say: Callable[[str], None],
    ) -> None:
        self._settings = settings
        self._folder = folder
        self._say = say
        self._web_port = self._port("web_port")
        first = self._port("gateway_port")
        self._gateway_ports = [first, *(free_port(first + number) for number in range(1, gateways))]
        self.address = (settings.public_url or f"http://127.0.0.1:{self._web_port}").rstrip("/")
        self._postgres = None if settings.database_url else Postgres(folder, free_port())
        self._redis = None if settings.redis_url else Redis(folder, free_port())
        self._livekit = None
        if program is not None and settings.livekit_url is None:
            webhook = f"http://127.0.0.1:{self._web_port}/hooks/livekit"
            self._livekit = LiveKit(folder, program, self._port("livekit_port"), free_media_port(), webhook)

    def servers(self) -> list[Part]:
        """The embedded servers."""
        return [server.part() for server in (self._postgres, self._redis, self._livekit) if server is not None]

    def processes(self) -> list[Part]:
        """Our own processes."""
        gateways = [
            self._process("gateway" if port == self._gateway_ports[0] else f"gateway-{number}", port)
            for number, port in enumerate(self._gateway_ports, 1)
        ]
        return [
            self._process("web", self._web_port),
            *gateways,
            self._process("worker", free_port()),
            self._process("relay", free_port()),
        ]

    def prepare_database(self) -> str:
        """Make roles where PostgreSQL is ours, and migrate; the revision."""
        from app.migrate import migrate  # half a second that PostgreSQL's start need not wait for

        if self._postgres is not None:
            provision(self._postgres.admin_url, self._postgres.migration_url, self._postgres.app_url)
        return migrate(self.migration_url)

    def note(self) -> Path:
        """Write where everything is, for ``dojo doctor`` and ``dojo demo``; the file to remove at the end."""
        known = {"address": self.address, "migration_url": self.migration_url, **self.environment()}
        path = self._folder.running
        write_private(path, json.dumps(known, indent=1))
        return path

    @property
    def migration_url(self) -> str:
        """The database as the migrator."""
        return self._postgres.migration_url if self._postgres is not None else str(self._settings.migration_url)

    def environment(self) -> Mapping[str, str]:
        """What every process of ours is told."""
        settings, folder = self._settings, self._folder
        gateways = [f"http://127.0.0.1:{port}" for port in self._gateway_ports]
        told = {
            "DOJO_DATABASE_URL": self._postgres.app_url if self._postgres else str(settings.database_url),
            "DOJO_REDIS_URL": self._redis.url if self._redis else str(settings.redis_url),
            "DOJO_SECRET": folder.secret("signing"),
            "DOJO_SIGNING_KEYS": str(folder.keys),
            "DOJO_PUBLIC_URL": self.address,
            "DOJO_GATEWAY_URLS": json.dumps(gateways if settings.public_url is None else []),
            "DOJO_DATA_DIR": str(folder.files),
        }
        if self._livekit is not None:
            told["LIVEKIT_URL"] = self._livekit.url
            told["LIVEKIT_API_KEY"] = self._livekit.key
            told["LIVEKIT_API_SECRET"] = self._livekit.secret
        return told

    def _process(self, name: str, port: int) -> Part:
        kind = name.partition("-")[0]
        verb = [kind] if kind in {"worker", "relay"} else ["serve", kind]
        return Part(
            name=name,
            command=(sys.executable, "-m", "app", *verb, "--port", str(port)),
            log=self._folder.logs / f"{name}.log",
            ready=lambda: is_healthy(port),
            patience=120.0,  # a busy machine takes long to import everything five times
            environment={**self.environment(), "PYTHONPATH": str(ROOT)},
            grace=15.0,
        )

    def _port(self, name: str) -> int:
        wanted: int = getattr(self._settings, name)
        port = free_port(wanted)
        if port != wanted:
            label = f"DOJO_{name.upper()}"
            if self._settings.is_chosen(name):
                raise PortTaken(f"port {wanted} ({label}) is in use")
            self._say(f"port {wanted} is in use, {name.removesuffix('_port')} takes {port} ({label} chooses another)")
        return port
