"""What a process measures of itself."""

import asyncio
import time

import pytest
from prometheus_client import REGISTRY

from core.telemetry import watch_loop

STOOD = 0.3
"""Seconds."""


def late() -> float:
    """Seconds that the event loop was late so far, in all."""
    return REGISTRY.get_sample_value("dojo_event_loop_lag_seconds_sum") or 0.0


async def test_event_loop_that_stands_still_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.telemetry.LAG_EVERY", 0.01)
    before = late()
    watcher = asyncio.create_task(watch_loop())
    await asyncio.sleep(0)  # it sleeps
    time.sleep(STOOD)
    async with asyncio.timeout(10):
        while late() < before + STOOD / 2:
            await asyncio.sleep(0.01)
    watcher.cancel()
