"""Dojos and their live sessions: what rooms offers to ``app``."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine

import structlog

from core.bus import Bus
from core.db import Database
from core.errors import Unavailable
from core.logwriter import LogWriter
from core.process import Package, Process
from rooms import service
from rooms.decide import Timing
from rooms.follow import MediaFollower
from rooms.listeners import listeners
from rooms.live import LiveRooms
from rooms.livekit import LiveKit
from rooms.media import Media
from rooms.routes import hooks, routes
from rooms.settings import LiveKitSettings, RoomSettings
from rooms.sockets import sockets

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def lifespan(process: Process) -> AsyncIterator[None]:
    """Provide the live dojos and LiveKit; settings that were provided before are kept.

    Where doors are open that change dojos, the bells ring; where the HTTP door is, LiveKit is compared each minute.
    """
    resources = process.resources
    for kind in (LiveKitSettings, RoomSettings):
        if not resources.has(kind):
            resources.provide(kind, kind())
    settings = resources.get(RoomSettings)
    async with contextlib.AsyncExitStack() as stack:
        livekit = LiveKit.of(resources.get(LiveKitSettings))
        follower = None
        if livekit is not None:
            await stack.enter_async_context(livekit.running())
            follower = await stack.enter_async_context(MediaFollower(livekit).running())
        live = LiveRooms(
            resources.get(Database),
            resources.get(LogWriter),
            resources.get(Bus),
            follower,
            Timing(empty=settings.empty_timeout, unvisited=settings.unvisited_timeout),
        )
        resources.provide(LiveRooms, live)
        resources.provide(Media, Media(livekit))
        if process.serving & {"rooms", "realtime"}:
            await stack.enter_async_context(background(live.keep_time()))
        if livekit is not None and "rooms" in process.serving:
            compare = reconcile_for_ever(live, resources.get(Database), livekit, settings.reconcile_every)
            await stack.enter_async_context(background(compare))
        yield


@contextlib.asynccontextmanager
async def background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run ``work`` beside the block, until its end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def reconcile_for_ever(live: LiveRooms, database: Database, livekit: LiveKit, every: float) -> None:
    """Compare with LiveKit every so many seconds; while it is away, the next time will do."""
    while True:
        await asyncio.sleep(every)
        try:
            await service.reconcile(live, database, livekit)
        except Unavailable as error:
            log.warning("reconcile_waits", reason=error.detail)
        except Exception:
            log.exception("reconcile_failed")


package = Package(name="rooms", routes=(routes, hooks), sockets=sockets, listeners=listeners, lifespan=lifespan)
