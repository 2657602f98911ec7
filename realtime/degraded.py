"""Tells people while what others do comes late to them, because a gateway's line to the bus is cut.

The log brings it within seconds (``channels.py``), so nothing is lost; what is in no log (typing marks, reactions,
cursors) does not come at all. It concerns everybody at the gateway that is cut off, unless no other gateway lives; and
at the others those who hear a channel in which somebody sits there. They know because it says so in the database.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Final

import structlog

from core.bus import Bus
from core.call import Resources
from core.db import Database
from core.errors import Unavailable
from core.sockets import Channel
from realtime import queries
from realtime.channels import Channels
from realtime.frames import Frame
from realtime.models import NodeStatus
from realtime.presence import Presence
from realtime.sessions import Session
from realtime.settings import RealtimeSettings

log = structlog.get_logger()

LATE: Final = Frame("node:status", NodeStatus(is_degraded=True).model_dump_json())
WELL: Final = Frame("node:status", NodeStatus(is_degraded=False).model_dump_json())


class Degraded:
    """Who of this node's people hears others late, as they were told.

    Args:
        sessions: all sessions of this node.
    """

    def __init__(
        self, resources: Resources, presence: Presence, channels: Channels, settings: RealtimeSettings,
        sessions: Callable[[], Collection[Session]],
    ) -> None:  # fmt: skip
        self._bus = resources.get(Bus)
        self._database = resources.get(Database)
        self._presence = presence
        self._channels = channels
        self._look_every = settings.beat_interval  # so often others come and go
        self._sessions = sessions
        self._is_cut_off = False
        """This node is, and there are others: everybody here is concerned, and who comes."""
        self._told: set[Session] = set()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Degraded"]:
        """Watch the bus, and the other gateways, while the block runs."""
        task = asyncio.create_task(self._watch(), name="degraded")
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def greet(self, session: Session) -> None:
        """Tell somebody who comes to a node that is cut off; elsewhere, the next look finds where they sit."""
        if self._is_cut_off and session not in self._told:
            self._told.add(session)
            session.send(LATE)

    async def _watch(self) -> None:
        """Look when the own line is cut, when it is back, and now and then."""
        while True:
            is_away = self._bus.away.is_set()
            try:
                late = await self._look(is_away=is_away)
                self._tell(set(self._sessions()) if self._is_cut_off else self._who_hear(late))
            except Unavailable:  # those who can do nothing now hear of that
                pass
            except Exception:
                log.exception("degraded_failed")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._look_every):
                    await (self._bus.connected if is_away else self._bus.away).wait()

    async def _look(self, *, is_away: bool) -> list[Channel]:
        """Say how the own line is, and ask after the others'; gives the channels that are late at other gateways."""
        node_id = self._presence.node_id
        async with self._database.statements() as db:
            await queries.say_cut(db, node_id, is_cut=is_away)
            self._is_cut_off = is_away and await queries.has_other_nodes(db, node_id)
            return await queries.late_channels(db, node_id)

    def _who_hear(self, late: Sequence[Channel]) -> set[Session]:
        heard = (listener for channel in late for listener in self._channels.listeners(channel))
        return {listener for listener in heard if isinstance(listener, Session)}

    def _tell(self, concerned: set[Session]) -> None:
        if bool(concerned) != bool(self._told):
            log.info("degraded_changed", is_cut_off=self._is_cut_off, people=len(concerned))
        told, self._told = self._told, concerned
        for session in concerned - told:
            session.send(LATE)
        for session in told - concerned:
            if not session.is_closed:
                session.send(WELL)
