"""LiveKit follows the dojo: who may send what, and who is out, as soon as it is decided.

What cannot be told now is found by the comparison that runs each minute (``reconcile``).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import structlog
from prometheus_client import Counter

from core.errors import Unavailable
from rooms.livekit import LiveKit
from rooms.permissions import Ending, MediaChange, Permit

log = structlog.get_logger()

TOLD = Counter("dojo_media_changes", "Changes told to LiveKit, by outcome.", ["outcome"])
LANES = 4
LANE_MAX = 1_000
PAUSES = (0.2, 1.0, 0.0)
"""Seconds after each try that failed; then the comparison has to find it."""


class MediaFollower:
    """Tells LiveKit changes in the background, those of one session in order."""

    def __init__(self, livekit: LiveKit) -> None:
        self._livekit = livekit
        self._lanes: list[asyncio.Queue[MediaChange]] = [asyncio.Queue(LANE_MAX) for _ in range(LANES)]

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["MediaFollower"]:
        """Tell changes while the block runs."""
        tasks = [asyncio.create_task(self._work(lane), name="media-follower") for lane in self._lanes]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def follow(self, changes: Sequence[MediaChange]) -> None:
        """Tell these soon."""
        for change in changes:
            try:
                self._lanes[change.session_id.int % LANES].put_nowait(change)
            except asyncio.QueueFull:
                TOLD.labels("dropped").inc()

    async def settled(self) -> None:
        """Wait until everything was told, or could not be."""
        for lane in self._lanes:
            await lane.join()

    async def _work(self, lane: "asyncio.Queue[MediaChange]") -> None:
        while True:
            change = await lane.get()
            try:
                await self._insist(change)
            except Exception:
                log.exception("media_change_failed")
            finally:
                lane.task_done()

    async def _insist(self, change: MediaChange) -> None:
        for pause in PAUSES:
            try:
                await tell(self._livekit, change)
            except Unavailable as error:
                log.warning("media_change_not_told", change=type(change).__name__, reason=error.detail)
                await asyncio.sleep(pause)
            else:
                TOLD.labels("told").inc()
                return
        TOLD.labels("failed").inc()


async def tell(livekit: LiveKit, change: MediaChange) -> None:
    """Tell LiveKit one change; what is not there any more needs none."""
    if isinstance(change, Ending):
        await livekit.end_room(change.session_id)
    elif isinstance(change, Permit):
        await livekit.permit(change.session_id, str(change.person_id), change.sources)
    else:
        await livekit.remove(change.session_id, str(change.person_id))
