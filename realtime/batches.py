"""What many ask for at the same time is asked in one call: the next leaves when the former is back, with all who came.

So who is alone never waits, and calls grow with the load by themselves. There is no timer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K")


class Batches(Generic[K]):
    """One call at a time, for at most ``size`` items.

    Args:
        call: does it for all of its items, or raises what all of them get.
    """

    def __init__(self, call: Callable[[Sequence[K]], Awaitable[None]], size: int) -> None:
        self._call = call
        self._size = size
        self._waiting: list[tuple[K, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None

    def ask(self, item: K) -> "asyncio.Future[None]":
        """Do it for ``item`` too; done when the call is back."""
        answered = asyncio.get_running_loop().create_future()
        self._waiting.append((item, answered))
        if self._task is None:
            self._task = asyncio.create_task(self._run())
        return answered

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
                await self._answer([each for each in batch if not each[1].done()])
        finally:
            self._task = None
            for _, answered in self._waiting:  # only when it is cancelled
                answered.cancel()

    async def _answer(self, batch: list[tuple[K, "asyncio.Future[None]"]]) -> None:
        failure: Exception | None = None
        try:
            if batch:
                await self._call([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - whoever asked gets it
            failure = error
        for _, answered in batch:
            if answered.done():
                continue
            if failure is None:
                answered.set_result(None)
            else:
                answered.set_exception(failure)
