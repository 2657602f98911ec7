"""What each process runs. A process is a list of packages whose doors are open; the others are only at hand."""

import asyncio
import gc
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import uvloop

from app.packages import installed
from core.db import Database
from core.jobs import Queue
from core.outbox import Handlers
from core.outbox import relay as relay_rows
from core.process import Package, Process
from core.process import serve as serve_process
from core.settings import CoreSettings
from core.telemetry import configure_logs

GROUPS = {
    "web": frozenset({"identity", "rooms", "catalog", "media", "reference", "client"}),
    "gateway": frozenset({"realtime"}),
}
"""Short names for the usual processes."""
YOUNG_OBJECTS = 100_000
"""Allocations between two collections of the youngest generation; the default, 700, shows in the slowest answers."""


class UnknownModule(Exception):
    """No package has the name that was asked for."""


def serve(modules: Sequence[str], host: str, port: int) -> int:
    """Serve packages until told to stop; the exit code."""
    settings = read_settings()
    packages = installed()
    serving = expand(modules, packages)
    uvloop.run(serve_process(Process(settings, packages, serving), host, port, started=settle))
    return 0


def relay(host: str, port: int) -> int:
    """Move outbox rows to the queue until told to stop; the exit code."""
    settings = read_settings()
    packages = (relay_package(handlers_of(installed())),)
    uvloop.run(serve_process(Process(settings, packages, frozenset({"relay"})), host, port, started=settle))
    return 0


def relay_package(handlers: Handlers) -> Package:
    """The relay as a package without doors, so that its process has health and metrics like every other."""

    @asynccontextmanager
    async def lifespan(process: Process) -> AsyncIterator[None]:
        queue = Queue(process.settings.queue_url or process.settings.redis_url)
        moving = asyncio.create_task(relay_rows(process.resources.get(Database), handlers, queue.send))
        moving.add_done_callback(lambda _: process.draining.set())
        try:
            yield
        finally:
            moving.cancel()
            with suppress(asyncio.CancelledError):
                await moving

    return Package(name="relay", lifespan=lifespan)


def handlers_of(packages: Sequence[Package]) -> Handlers:
    """All listeners and jobs there are."""
    listeners = [item for package in packages if package.listeners for item in package.listeners.items]
    jobs = [item for package in packages if package.jobs for item in package.jobs.items]
    return Handlers(listeners, jobs)


def expand(modules: Sequence[str], packages: Sequence[Package]) -> frozenset[str]:
    """The packages that ``modules`` mean.

    Raises:
        UnknownModule: one of them means none.
    """
    known = frozenset(package.name for package in packages)
    found: set[str] = set()
    for module in modules:
        meant = GROUPS.get(module, frozenset({module}))
        if not meant <= known:
            raise UnknownModule(f"unknown module {module!r}; there are {', '.join(sorted(known | set(GROUPS)))}")
        found |= meant
    return frozenset(found)


def read_settings() -> CoreSettings:
    """The environment, read once; logs are set up as it says."""
    settings = CoreSettings()
    configure_logs(json=settings.log_json)
    return settings


def settle() -> None:
    """Once everything is loaded: what is here now stays, so the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 10, 10)
