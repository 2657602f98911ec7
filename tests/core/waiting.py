"""Waiting for conditions."""

import asyncio
import time
from collections.abc import Callable

PATIENCE = 20.0


def wait_until(condition: Callable[[], object]) -> None:
    """Wait for ``condition`` outside of a loop."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


async def until(condition: Callable[[], object]) -> None:
    """Wait for ``condition``."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)
