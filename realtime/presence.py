"""Who is connected to what, over all gateways, and what happens when the last connection of a person is gone.

A row stands for each connection; it is deleted in the unit of work in which the channel's package was told. Whoever
crashes in between leaves a ghost, and any living gateway tells the package and sweeps it. One lock for each person
and channel makes entering and leaving follow each other. Who comes or goes at the same time does so in one unit of
work; whose lock is held elsewhere, in one of their own, so that nobody waits for a lock while holding others.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from uuid import UUID

import structlog

from core.call import Resources
from core.db import Database
from core.errors import Unavailable
from core.model import UserId, new_id
from core.sockets import Channel, Gone
from realtime import queries
from realtime.batches import Batches
from realtime.metrics import GHOSTS, GONE
from realtime.queries import Ghost
from realtime.settings import RealtimeSettings

log = structlog.get_logger()

WORKERS = 2
"""Each holds a connection of the pool while it tells a package, which needs another."""
ENTERING, LEAVING = 200, 32
"""Connections in one unit of work; while it lasts, who leaves and comes back at once waits."""
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
        self._entering: Batches[Ghost] = Batches(self._enter, ENTERING)
        self._busy: set[Ghost] = set()
        """Who has to wait for the lock, alone."""
        self._leaving: asyncio.Queue[tuple[Ghost, int]] = asyncio.Queue()
        """Each with how often its package failed; at most those that entered, which takes a database that answers."""
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
        ghost = Ghost(channel, user_id, connection_id)
        await self._entering.ask(ghost)
        if ghost in self._busy:
            self._busy.discard(ghost)
            async with self._database.statements() as db:
                await queries.enter_connections(db, self.node_id, [ghost], wait=True)

    async def _enter(self, entering: Sequence[Ghost]) -> None:
        async with self._database.statements() as db:
            if not self._registered:
                await queries.insert_node(db, self.node_id)
            self._busy |= set(await queries.enter_connections(db, self.node_id, entering, wait=False))

    async def leave(self, channel: Channel, user_id: UserId, connection_id: UUID) -> None:
        """Forget a connection without telling anybody: the channel's package knows."""
        await self._forget([Ghost(channel, user_id, connection_id)])

    def lost(self, channel: Channel, user_id: UserId, connection_id: UUID) -> None:
        """A connection is gone; the channel's package is told if it was the person's last."""
        ghost = Ghost(channel, user_id, connection_id)
        self._busy.discard(ghost)
        self._leaving.put_nowait((ghost, 0))
        GONE.inc()

    async def _see_off(self) -> None:
        while True:
            taken = [await self._leaving.get()]
            while len(taken) < LEAVING and not self._leaving.empty():
                taken.append(self._leaving.get_nowait())
            tries = dict(taken)
            try:
                given_up = [ghost for ghost in tries if tries[ghost] >= GIVE_UP]
                await self._forget(given_up)
                unfinished: dict[Ghost, Exception] = await self._told(
                    [ghost for ghost in tries if tries[ghost] < GIVE_UP]
                )
            except Unavailable as error:
                unfinished = dict.fromkeys(tries, error)
            except Exception as error:  # whatever it is, the others must be seen off
                log.exception("seeing_off_failed", connections=len(tries))
                unfinished = dict.fromkeys(tries, error)
            if unfinished:
                await asyncio.sleep(AGAIN)
            for ghost, why in unfinished.items():
                self._leaving.put_nowait((ghost, tries[ghost] + (not isinstance(why, Unavailable))))
            GONE.dec(len(taken) - len(unfinished))
            for _ in taken:
                self._leaving.task_done()

    async def _forget(self, gone: Sequence[Ghost]) -> None:
        if gone:
            async with self._database.statements() as db:
                await queries.end_connections(db, gone)

    async def _told(self, leaving: Sequence[Ghost]) -> dict[Ghost, Exception]:
        """Finish connections; gives back those that their package did not take, and why.

        Raises:
            Unavailable: the database is not answering; some may be finished.
        """
        busy, unfinished = await self._told_together(leaving, wait=False)
        for ghost in busy:
            unfinished |= (await self._told_together([ghost], wait=True))[1]
        return unfinished

    async def _told_together(
        self, leaving: Sequence[Ghost], *, wait: bool
    ) -> tuple[list[Ghost], dict[Ghost, Exception]]:
        """Finish connections in one unit of work; gives back the busy ones, too."""
        if not leaving:
            return [], {}
        async with self._database.system() as db:
            last, busy = await queries.begin_leaving(db, leaving, wait=wait)
            outcomes = zip(last, await asyncio.gather(*map(self._tell, last)), strict=True)
            unfinished = {ghost: error for ghost, error in outcomes if error is not None}
            told = [ghost for ghost in last if ghost not in unfinished]
            if told:
                await queries.end_connections(db, told)
        return busy, unfinished

    async def _tell(self, ghost: Ghost) -> Exception | None:
        """Tell a channel's package that a person is gone."""
        handler = self._handlers.get(ghost.channel.kind)
        try:
            if handler is not None:
                await handler(self._resources, ghost.channel, ghost.user_id)
        except Unavailable as error:
            return error
        except Exception as error:
            log.exception("gone_failed", channel=ghost.channel.name())
            return error
        return None

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
                self._on_buried()
                await queries.insert_node(db, self.node_id)
                self._registered = True
        now = asyncio.get_running_loop().time()
        self._alive_since = min(self._alive_since, now)

    async def _sweep(self) -> None:
        async with self._database.system() as db:
            await queries.bury_nodes(db, self._settings.dead_after)
            ghosts = await queries.ghosts(db)
        for start in range(0, len(ghosts), LEAVING):
            swept = ghosts[start : start + LEAVING]
            GHOSTS.inc(len(swept) - len(await self._told(swept)))
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
