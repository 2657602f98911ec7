"""What will come of something, told at once to who waits for it: a future that costs no turn of the event loop.

As Twisted's Deferred and a JavaScript promise, but synchronous: listeners run inside ``settle``, so whatever follows
from one commit happens in one turn of the loop and leaves in one write.
"""

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

import structlog

log = structlog.get_logger()

T = TypeVar("T")
U = TypeVar("U")


class Deferred(Generic[T]):
    """One outcome: a value, or the exception that is there instead. Only the first counts."""

    __slots__ = ("_listeners", "_outcome")

    def __init__(self) -> None:
        self._listeners: list[Callable[[T | Exception], None]] | None = []
        """None once it is settled."""
        self._outcome: T | Exception

    @property
    def is_settled(self) -> bool:
        """Whether the outcome is there."""
        return self._listeners is None

    def settle(self, outcome: T | Exception) -> None:
        """Tell everybody, in the order in which they asked."""
        if self._listeners is not None:
            listeners, self._listeners, self._outcome = self._listeners, None, outcome
            for listener in listeners:
                try:
                    listener(outcome)
                except Exception:  # of one listener, which must not keep it from the others
                    log.exception("listener_failed")

    def then(self, listener: Callable[[T | Exception], None]) -> None:
        """Run ``listener`` with the outcome when it is there; at once, if it is. It must not raise."""
        if self._listeners is None:
            listener(self._outcome)
        else:
            self._listeners.append(listener)

    def mapped(self, change: Callable[[T], U]) -> "Deferred[U]":
        """Another one, for what ``change`` makes of the value, or raises; an exception stays as it is."""
        changed: Deferred[U] = Deferred()

        def settle(outcome: T | Exception) -> None:
            try:
                made = outcome if isinstance(outcome, Exception) else change(outcome)
            except Exception as error:  # noqa: BLE001 - whoever waits gets it
                made = error
            changed.settle(made)

        self.then(settle)
        return changed

    def __await__(self) -> Generator[Any, None, T]:
        """Wait for the value, or raise the exception."""
        settled: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def tell(outcome: T | Exception) -> None:
            if settled.done():
                return
            if isinstance(outcome, Exception):
                settled.set_exception(outcome)
            else:
                settled.set_result(outcome)

        self.then(tell)
        return (yield from settled.__await__())
