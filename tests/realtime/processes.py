"""Gateways as processes of their own, and people who go from one to the other."""

import asyncio
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from app.health import is_healthy
from app.parts import Part, running
from tests.conftest import Servers
from tests.realtime.conftest import until
from tests.scenarios.programs import Caller, Player

ROOT = Path(__file__).parent.parent.parent

Running = AbstractContextManager["subprocess.Popen[bytes]"]


def serving(servers: Servers, port: int, *modules: str, **more: str) -> Running:
    """A process of the product on the session's servers; ``more`` are settings (``DOJO_…``)."""
    settings = {
        "DATABASE_URL": servers.database.app,
        "REDIS_URL": servers.redis_url,
        "SECRET": servers.folder.secret("signing"),
        "SIGNING_KEYS": str(servers.folder.keys),
        "PUBLIC_URL": "http://127.0.0.1:8080",
        "DATA_DIR": str(servers.folder.files),
        **more,
    }
    return running(
        Part(
            name=modules[0],
            command=(sys.executable, "-m", "app", "serve", *modules, "--port", str(port)),
            log=servers.folder.logs / f"{port}.log",
            ready=lambda: is_healthy(port),
            patience=60,
            environment={"PYTHONPATH": str(ROOT), **{f"DOJO_{name}": value for name, value in settings.items()}},
        )
    )


class Mortal:
    """A gateway that will end."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.process = process

    async def ended(self) -> int:
        """Wait until it has; its exit code."""
        await until(lambda: self.process.poll() is not None)
        return int(self.process.returncode)


class Witness(Player):
    """One window of somebody, who goes where it is sent when its gateway stops."""

    def __init__(self, name: str, who: Caller, room_id: str, gateways: list[str]) -> None:
        super().__init__(who, room_id, gateways)
        self._name = name
        self.said = 0
        self.sent_away: list[asyncio.Task[None]] = []
        """What came of each time that a gateway told them to go to another."""

    @property
    def name(self) -> str:
        """As which it is noted."""
        return self._name

    async def says(self, text: str) -> None:
        """Say something until it is acknowledged."""
        await self.give("chat:send", text=text)
        self.said += 1

    def _heard(self, event: str, payload: Any) -> None:
        if event == "node:drain":
            self.sent_away.append(asyncio.create_task(self._move(payload["wait_ms"] / 1000)))
        super()._heard(event, payload)

    async def _move(self, wait: float) -> None:
        await asyncio.sleep(wait)
        await self.drop()
        await self.enter()
