"""Sockets: the Socket.IO gateway, the channels that it serves, presence, and the shared editor's endpoint."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from core.bus import Bus
from core.db import Database
from core.process import Package, Process
from realtime.doorkeeper import Doorkeeper
from realtime.editor import Editor
from realtime.gateway import SocketServer
from realtime.hub import Hub
from realtime.jobs import jobs
from realtime.settings import RealtimeSettings
from realtime.signins import SignIns
from realtime.socketio import MAIN, PATHS
from realtime.sockets import sockets


@asynccontextmanager
async def lifespan(process: Process) -> AsyncIterator[None]:
    """Run the hub and the editor where the gateway is served; settings that were provided before are kept."""
    resources = process.resources
    if not resources.has(RealtimeSettings):
        resources.provide(RealtimeSettings, RealtimeSettings())
    if "realtime" not in process.serving:
        yield
        return
    settings = resources.get(RealtimeSettings)
    doors = [package.sockets for package in process.packages if package.sockets is not None]
    urls = (process.settings.public_url, *process.settings.gateway_urls)
    keeper = Doorkeeper(settings, urls, process.settings.trusted_hops)
    resources.provide(Doorkeeper, keeper)
    sign_ins = SignIns(resources.get(Database), resources.get(Bus), settings.sign_in_poll)
    resources.provide(SignIns, sign_ins)
    hub = Hub(resources, doors, settings)
    resources.provide(Hub, hub)
    editor = Editor(resources, hub.channels, keeper, settings)
    resources.provide(Editor, editor)

    async def drain() -> None:
        keeper.is_closing = True
        await asyncio.gather(hub.drain(), editor.drain())

    process.on_drain.append(lambda: asyncio.create_task(drain()))
    async with hub.running(), editor.running(), sign_ins.running():
        yield


def mount(app: web.Application, process: Process) -> None:
    """Add the two Socket.IO paths and the editor's."""
    hub, keeper = process.resources.get(Hub), process.resources.get(Doorkeeper)
    settings = process.resources.get(RealtimeSettings)
    for parser, path in PATHS.items():
        server = SocketServer(parser, settings, keeper, {MAIN: hub})
        app.on_shutdown.append(_closing(server))
        app.router.add_route("*", path, server.handle)
    app.router.add_get("/yjs/{document_id}", process.resources.get(Editor).handle)


def _closing(server: SocketServer) -> Callable[[web.Application], Awaitable[None]]:
    async def close(_: web.Application) -> None:
        server.close("stopped")

    return close


package = Package(name="realtime", sockets=sockets, jobs=jobs, lifespan=lifespan, mount=mount)
