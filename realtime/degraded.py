"""Tells this node's people while its line to the bus is cut: what happens at other gateways comes late then.

The log brings it within seconds (``channels.py``), so nothing is lost; what is in no log (typing marks, reactions,
cursors) does not come at all. Where no other gateway lives, nothing is late, and nobody is told.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import structlog

from core.bus import Bus
from core.call import Resources
from core.db import Database
from core.errors import Unavailable
from realtime import queries
from realtime.frames import Frame
from realtime.models import NodeStatus
from realtime.presence import Presence
from realtime.sessions import Session
from realtime.settings import RealtimeSettings

log = structlog.get_logger()


class Degraded:
    """Whether this node's people hear the others late, as they were told.

    Args:
        tell: sends to all sessions of this node.
    """

    def __init__(
        self, resources: Resources, presence: Presence, settings: RealtimeSettings, tell: Callable[[Frame], None]
    ) -> None:
        self._bus = resources.get(Bus)
        self._database = resources.get(Database)
        self._presence = presence
        self._look_every = settings.beat_interval  # so often others come and go
        self._tell = tell
        self._frame: Frame | None = None
        """What everybody was told; None while all is well."""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Degraded"]:
        """Watch the bus while the block runs."""
        task = asyncio.create_task(self._watch(), name="degraded")
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def greet(self, session: Session) -> None:
        """Tell somebody who comes while it lasts."""
        if self._frame is not None:
            session.send(self._frame)

    async def _watch(self) -> None:
        """Look, while the bus is away, whether there is anybody to miss."""
        while True:
            await self._bus.away.wait()
            while self._bus.away.is_set():
                try:
                    self._say(is_degraded=await self._has_others())
                except Unavailable:  # those who can do nothing now hear of that
                    pass
                except Exception:
                    log.exception("degraded_failed")
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._look_every):
                        await self._bus.connected.wait()
            self._say(is_degraded=False)

    async def _has_others(self) -> bool:
        async with self._database.system() as db:
            return await queries.has_other_nodes(db, self._presence.node_id)

    def _say(self, *, is_degraded: bool) -> None:
        if is_degraded == (self._frame is not None):
            return
        frame = Frame("node:status", NodeStatus(is_degraded=is_degraded).model_dump_json())
        self._frame = frame if is_degraded else None
        log.info("degraded_changed", is_degraded=is_degraded)
        self._tell(frame)
