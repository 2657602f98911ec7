"""A process: which packages it serves, the resources it holds, how it starts and how it stops.

A package offers itself as data (``Package``); ``app`` decides which process runs which.
"""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from core import failpoints
from core.bus import Bus
from core.call import Resources
from core.db import Database
from core.errors import Unavailable
from core.jobs import Jobs
from core.limits import Limits
from core.lines import IDLE, Line, allow_files
from core.listeners import Listeners
from core.logwriter import LogWriter
from core.routes import BODY_MAX, Edge, Routes, edge_middleware
from core.settings import CoreSettings
from core.sockets import Sockets
from core.telemetry import watch_loop
from core.tokens import Tokens

log = structlog.get_logger()


class Process:
    """One running process of ours."""

    def __init__(self, settings: CoreSettings, packages: Sequence["Package"], serving: frozenset[str]) -> None:
        self.settings = settings
        self.packages = packages
        self.serving = serving
        """Names of the packages whose doors are open here; empty in worker and relay."""
        self.resources = Resources()
        self.draining = asyncio.Event()
        self.on_drain: list[Callable[[], asyncio.Task[None]]] = []
        """Called when the process is told to stop, before it closes its sockets; bounded by DRAIN_MAX."""


Lifespan = Callable[[Process], AbstractAsyncContextManager[None]]
Mount = Callable[[web.Application, Process], None]
DRAIN_MAX = 10.0


@dataclass(frozen=True)
class Package:
    """What a package offers to ``app``."""

    name: str
    routes: Sequence[Routes] = ()
    sockets: Sockets | None = None
    listeners: Listeners | None = None
    jobs: Jobs | None = None
    lifespan: Lifespan | None = None
    """Provides the package's resources in every process, and runs its background work where it is served."""
    mount: Mount | None = None
    """Adds what is not a route (sockets, the client's files) where the package is served."""


@contextlib.asynccontextmanager
async def resources_of(process: Process) -> AsyncIterator[Resources]:
    """Open the core's clients and every package's own; close them in the opposite order."""
    settings, resources = process.settings, process.resources
    failpoints.arm(settings.failpoints)
    secret = settings.secret.get_secret_value()
    async with contextlib.AsyncExitStack() as stack:
        database = Database(str(settings.database_url), size=settings.database_pool, timeout=settings.database_timeout)
        stack.push_async_callback(database.close)
        resources.provide(CoreSettings, settings)
        resources.provide(Database, database)
        resources.provide(Tokens, Tokens.load(settings.signing_keys, secret, settings.public_url))
        limits = Limits(settings.redis_url, settings.rate_scale)
        stack.push_async_callback(limits.close)
        resources.provide(Limits, limits)
        bus = Bus(settings.bus_url or settings.redis_url, secret)
        resources.provide(Bus, await stack.enter_async_context(bus.running()))
        writer = LogWriter(str(settings.database_url), timeout=settings.database_timeout)
        resources.provide(LogWriter, await stack.enter_async_context(writer.running()))
        for package in process.packages:
            if package.lifespan is not None:
                await stack.enter_async_context(package.lifespan(process))
        yield resources


def web_application(process: Process) -> web.Application:
    """The aiohttp application of a process that serves packages."""
    app = web.Application(middlewares=[edge_middleware], client_max_size=BODY_MAX)
    edge = Edge(process.resources)
    app.router.add_get("/health/live", _live)
    app.router.add_get("/health/ready", _ready(process))
    app.router.add_get("/metrics", _metrics)
    for package in process.packages:
        if package.name not in process.serving:
            continue
        for routes in package.routes:
            edge.mount(app, routes.items)
        if package.mount is not None:
            package.mount(app, process)
    return app


def runner_of(app: web.Application, shutdown_timeout: float = 2) -> web.AppRunner:
    """What serves ``app``; bodies come as they were sent, because nobody packs them but who sends garbage or bombs."""
    return web.AppRunner(
        app, handle_signals=False, access_log=None, shutdown_timeout=shutdown_timeout, keepalive_timeout=IDLE,
        auto_decompress=False,
    )  # fmt: skip


async def serve(process: Process, host: str, port: int, *, started: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT; then stop taking, drain, and close."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.draining.set)
    async with resources_of(process):
        runner = runner_of(web_application(process))
        await runner.setup()
        watcher = asyncio.create_task(watch_loop())
        try:
            async with listening(runner, host, port):
                log.info("serving", port=port, packages=sorted(process.serving), files=allow_files())
                started()
                await process.draining.wait()
                await drain(process)
        finally:
            watcher.cancel()
            await runner.cleanup()


@contextlib.asynccontextmanager
async def listening(runner: web.AppRunner, host: str, port: int) -> AsyncIterator[asyncio.Server]:
    """Take connections while the block runs, and hand each to aiohttp with its first request."""
    make = runner.server
    assert make is not None
    with contextlib.closing(
        await asyncio.get_running_loop().create_server(lambda: Line(make), host, port, backlog=1024)
    ) as server:
        yield server
    Line.cut_all()


async def drain(process: Process) -> None:
    """Let the packages move their people elsewhere."""
    waiting = [hook() for hook in process.on_drain]
    if waiting:
        _, late = await asyncio.wait(waiting, timeout=DRAIN_MAX)
        if late:
            log.warning("drain_incomplete", hooks=len(late))


async def _live(_: web.Request) -> web.Response:
    return web.json_response({"status": "alive"})


def _ready(process: Process) -> Handler:
    async def ready(_: web.Request) -> web.Response:
        if process.draining.is_set():
            raise Unavailable("This process is stopping.", retry_after=5)
        await process.resources.get(Database).ping()
        bus = process.resources.get(Bus)
        return web.json_response({"status": "ready", "database": True, "bus": bus.connected.is_set()})

    return ready


async def _metrics(_: web.Request) -> web.Response:
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})
