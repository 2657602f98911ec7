"""Many waits of the same length, with one timer: whoever began first is due first."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Deadlines(Generic[T]):
    """Calls ``on_due(item, due)`` once, ``delay`` seconds after the last ``start(item)``, unless it was stopped.

    Starting and stopping cost a dictionary entry, not a timer of the loop. Times are the loop's; ``due`` is when it
    should have been, which is a little before it is.
    """

    def __init__(self, delay: float, on_due: Callable[[T, float], None]) -> None:
        self._delay = delay
        self._on_due = on_due
        self._due: dict[T, float] = {}
        """In the order of their ends: every wait is as long as the others."""
        self._timer: asyncio.TimerHandle | None = None
        self._known_loop: asyncio.AbstractEventLoop | None = None

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the first wait; asked for once, because on CPython 3.11 that is a system call."""
        if self._known_loop is None:
            self._known_loop = asyncio.get_running_loop()
        return self._known_loop

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, item: T) -> bool:
        return item in self._due

    def start(self, item: T, since: float | None = None) -> None:
        """Begin the wait of ``item``, or begin it anew; ``since`` a moment that is not before any other's."""
        loop = self._loop
        self._due.pop(item, None)
        self._due[item] = due = (loop.time() if since is None else since) + self._delay
        if self._timer is None:
            self._timer = loop.call_at(due, self._fire)

    def stop(self, item: T) -> None:
        """End the wait of ``item``, if there is one."""
        self._due.pop(item, None)

    def is_due(self, item: T) -> bool:
        """Whether the wait of ``item`` is over, even if the timer has not come to it."""
        due = self._due.get(item)
        return due is not None and due <= self._loop.time()

    def close(self) -> None:
        """End all waits."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        loop = self._loop
        self._timer = None
        now = loop.time()
        while self._due:
            item, due = next(iter(self._due.items()))
            if due > now:
                break
            del self._due[item]
            self._on_due(item, due)
        if self._due and self._timer is None:
            self._timer = loop.call_at(next(iter(self._due.values())), self._fire)
