"""When dojos have something to do by themselves: each deadline that this process knows, and those of all others."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from core import eventlog
from core.call import Clock
from core.db import Database
from core.errors import Unavailable
from rooms.held import Key

log = structlog.get_logger()

POLL = 1.0


class Bells:
    """Rings what is due. Any process may: the first one does."""

    def __init__(self, database: Database, clock: Clock, ring: Callable[[Key], Awaitable[None]]) -> None:
        """Prepare to call ``ring``, which raises nothing, for each dojo whose time has come."""
        self._database = database
        self._clock = clock
        self._ring = ring
        self._due: dict[Key, float] = {}
        self._ringing: set[Key] = set()
        self._wake = asyncio.Event()

    def expect(self, key: Key, due: float | None) -> None:
        """A dojo's next deadline, by the clock; None: it has none."""
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            self._wake.set()

    def postpone(self, key: Key) -> None:
        """What was due was not done: once more, but not at once."""
        now = self._clock()
        if self._due.get(key, now + POLL) <= now:
            self._due[key] = now + POLL

    async def keep_time(self) -> None:
        """Ring when it is time, until cancelled; no dojo waits for another one's bell."""
        polled = 0.0
        async with asyncio.TaskGroup() as bells:
            while True:
                now = self._clock()
                due = {key for key, at in self._due.items() if at <= now}
                if now - polled >= POLL:
                    polled = now
                    due |= await self._overdue(now)
                for key in due - self._ringing:
                    self._ringing.add(key)
                    bells.create_task(self._ring_once(key))
                waiting = (at for key, at in self._due.items() if key not in self._ringing)
                wait = min([polled + POLL, *waiting]) - self._clock()
                self._wake.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(wait, 0.002)):  # not wait_for: it can swallow being cancelled
                        await self._wake.wait()

    async def _ring_once(self, key: Key) -> None:
        try:
            await self._ring(key)
        finally:
            self._ringing.discard(key)
            self._wake.set()

    async def _overdue(self, now: float) -> set[Key]:
        """Dojos of any process whose deadline has passed."""
        try:
            async with self._database.system() as system:
                found = await eventlog.due(system, now)
        except Unavailable:
            return set()
        except Exception:  # whatever it is, the clock must go on
            log.exception("deadlines_not_read")
            return set()
        return {(item.tenant_id.int, item.stream_id.int) for item in found}
