"""Messages of the bus that wait for a server that is away: a bounded number of the newest ones."""

import time
from collections import deque
from typing import NamedTuple

from prometheus_client import Gauge

from core.seal import DROPPED

QUEUE_MAX = 10_000
QUEUE_BYTES = 16_777_216
KEPT = 10.0
"""Seconds after which a message that could not be sent is not worth sending."""
WAITING = Gauge("dojo_bus_waiting", "Messages that wait for a Redis that is away.")
WAITING_BYTES = Gauge("dojo_bus_waiting_bytes", "Their bytes.")


class Kept(NamedTuple):
    """One message, and since when it waits."""

    since: float
    channel: str
    body: bytes


class Outgoing:
    """What waits, oldest first. The newest say most, so the oldest give way."""

    def __init__(self) -> None:
        self._messages: deque[Kept] = deque()
        self._bytes = 0
        WAITING.set_function(lambda: len(self._messages))
        WAITING_BYTES.set_function(lambda: self._bytes)

    def keep(self, message: Kept) -> None:
        """Let a message wait."""
        self._messages.append(message)
        self._bytes += len(message.body)
        self._drop_late()
        while len(self._messages) > QUEUE_MAX or self._bytes > QUEUE_BYTES:
            self._drop("queue-full")

    def take(self) -> list[Kept]:
        """All that are still worth sending; none of them waits any more."""
        self._drop_late()
        found = list(self._messages)
        self._messages.clear()
        self._bytes = 0
        return found

    def _drop_late(self) -> None:
        oldest = time.monotonic() - KEPT
        while self._messages and self._messages[0].since < oldest:
            self._drop("late")

    def _drop(self, reason: str) -> None:
        self._bytes -= len(self._messages.popleft().body)
        DROPPED.labels(reason).inc()
