"""Deadlines that this process knows are kept, each for itself."""

import asyncio
import contextlib
import functools
import time

from core.db import Database
from rooms.bells import Bells
from rooms.held import Key
from tests.core.waiting import until


async def test_a_dojo_that_takes_long_makes_no_other_late_and_is_rung_once_at_a_time(database: Database) -> None:
    slow: Key = (1, 1)
    quick: list[Key] = [(1, number) for number in range(2, 5)]
    is_free = asyncio.Event()
    rung: list[Key] = []

    async def ring(key: Key) -> None:
        rung.append(key)
        if key == slow:
            await is_free.wait()
        bells.expect(key, None)

    bells = Bells(database, time.time, ring)
    keeper = asyncio.create_task(bells.keep_time())
    try:
        bells.expect(slow, 0.0)
        for key in quick:
            bells.expect(key, 0.0)
            await until(functools.partial(rung.__contains__, key))
        ours = [key for key in rung if key in {slow, *quick}]  # others of the database are overdue, too
        assert sorted(ours) == [slow, *quick]
        is_free.set()
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
