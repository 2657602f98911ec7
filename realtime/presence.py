"""Who is connected to what, over all gateways, and what happens when the last connection of a person is gone.

A row stands for each connection; it is deleted in the unit of work in which the channel's package was told. Whoever
crashes in between leaves a ghost, and any living gateway tells the package and sweeps it. One lock for each person
and channel makes entering and leaving follow each other.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from uuid import UUID

import structlog

from core.call import Resources
from core.db import Database
from core.errors import Unavailable
from core.model import UserId, new_id
from core.sockets import Channel, Gone
from realtime import queries
from realtime.metrics import GHOSTS
from realtime.queries import Ghost
from realtime.settings import RealtimeSettings

log = structlog.get_logger()

WORKERS = 2
"""Each holds a connection of the pool while it tells a package, which needs another."""
AGAIN = 1.0
GIVE_UP = 5
"""Failures of a package after which a connection is forgotten without it."""
FORGET_NODES = 86_400.0


class Presence:
    """This gateway's connections, and the care for those of dead gateways."""

    def __init__(
        self, resources: Resources, handlers: Mapping[str, Gone], settings: RealtimeSettings,
        on_buried: Callable[[], None],
    ) -> None:  # fmt: skip
        self.node_id = new_id()
        self._resources = resources
        self._database = resources.get(Database)
        self._handlers = handlers
        self._settings = settings
        self._on_buried = on_buried
        self._leaving: asyncio.Queue[Ghost] = asyncio.Queue()
        self._registered = False
        self._alive_since = float("inf")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Presence"]:
        """Be a living gateway while the block runs; at its end, those who left are seen off first."""
        work = [asyncio.create_task(self._see_off()) for _ in range(WORKERS)]
        work.append(asyncio.create_task(self._live()))
        try:
            yield self
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._settings.dead_after / 3):
                    await self._leaving.join()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            await self._sign_off()

    async def enter(self, channel: Channel, user_id: UserId, connection_id: UUID) -> None:
        """Note a connection of the person to the channel.

        Raises:
            Unavailable: it cannot be noted now.
        """
        async with self._database.transaction(channel.tenant_id) as tx:
            if not self._registered:
                await queries.insert_node(tx, self.node_id)
            await queries.lock_person(tx, channel, user_id)
            await queries.insert_connection(tx, channel, user_id, connection_id, self.node_id)

    async def leave(self, channel: Channel, user_id: UserId, connection_id: UUID) -> None:
        """Forget a connection without telling anybody: the channel's package knows."""
        async with self._database.transaction(channel.tenant_id) as tx:
            await queries.delete_connection(tx, channel, user_id, connection_id)

    def lost(self, channel: Channel, user_id: UserId, connection_id: UUID) -> None:
        """A connection is gone; the channel's package is told if it was the person's last."""
        self._leaving.put_nowait(Ghost(channel, user_id, connection_id))

    async def _see_off(self) -> None:
        while True:
            ghost = await self._leaving.get()
            tries = 0
            try:
                while not await self._told(ghost):
                    tries += 1
                    await asyncio.sleep(AGAIN)
                    if tries == GIVE_UP:
                        await self.leave(*ghost)
            except Unavailable:
                self._leaving.put_nowait(ghost)
                await asyncio.sleep(AGAIN)
            finally:
                self._leaving.task_done()

    async def _told(self, ghost: Ghost) -> bool:
        """Finish one connection; False when its package failed.

        Raises:
            Unavailable: nothing was done.
        """
        channel, user_id, connection_id = ghost
        try:
            async with self._database.transaction(channel.tenant_id) as tx:
                await queries.lock_person(tx, channel, user_id)
                is_last = not await queries.is_connected(tx, channel, user_id, besides=connection_id)
                if await queries.delete_connection(tx, channel, user_id, connection_id) and is_last:
                    handler = self._handlers.get(channel.kind)
                    if handler is not None:
                        await handler(self._resources, channel, user_id)
        except Unavailable:
            raise
        except Exception:
            log.exception("gone_failed", channel=channel.name())
            return False
        return True

    async def _live(self) -> None:
        """Give signs of life, and sweep after those who give none."""
        while True:
            try:
                await self._beat()
                if asyncio.get_running_loop().time() - self._alive_since > self._settings.dead_after:
                    await self._sweep()
            except Unavailable:
                self._alive_since = float("inf")  # the others may be as silent as we were: let them speak first
            except Exception:
                log.exception("heartbeat_failed")
            await asyncio.sleep(self._settings.beat_interval)

    async def _beat(self) -> None:
        async with self._database.system() as db:
            if not self._registered:
                await queries.insert_node(db, self.node_id)
                self._registered = True
            elif not await queries.beat(db, self.node_id):
                log.warning("taken_for_dead", node=str(self.node_id))
                self.node_id, self._registered = new_id(), False
                await queries.insert_node(db, self.node_id)
                self._registered = True
                self._on_buried()
        now = asyncio.get_running_loop().time()
        self._alive_since = min(self._alive_since, now)

    async def _sweep(self) -> None:
        async with self._database.system() as db:
            await queries.bury_nodes(db, self._settings.dead_after)
            ghosts = await queries.ghosts(db)
        for ghost in ghosts:
            if await self._told(ghost):
                GHOSTS.inc()
        if ghosts:
            log.info("ghosts_swept", count=len(ghosts))
        else:
            async with self._database.system() as db:
                await queries.delete_dead_nodes(db, FORGET_NODES)

    async def _sign_off(self) -> None:
        """Let the others sweep what is left at once."""
        with contextlib.suppress(Unavailable):
            async with self._database.system() as db:
                await queries.delete_node(db, self.node_id)
