"""Passwords: argon2id in a bounded pool of threads, so that the event loop never waits for a hash.

The C code releases the interpreter's lock. Beyond the bound a caller is refused at once rather than queued for ever.
"""

import asyncio
import secrets
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type
from prometheus_client import Counter, Histogram
from pydantic import SecretStr

from core.errors import Unavailable
from identity.settings import IdentitySettings

T = TypeVar("T")

SECONDS = Histogram(
    "dojo_password_seconds",
    "Time of one argon2id computation, in seconds.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
)
REFUSED = Counter("dojo_password_refused", "Password checks refused because the pool was full.")


class Passwords:
    """Hashes and checks passwords, a few at a time."""

    def __init__(self, settings: IdentitySettings) -> None:
        self._hasher = PasswordHasher(
            time_cost=settings.argon2_passes,
            memory_cost=settings.argon2_memory_kib,
            parallelism=settings.argon2_lanes,
            type=Type.ID,
        )
        self._room = threading.BoundedSemaphore(settings.password_threads + settings.password_waiting)
        self._threads = ThreadPoolExecutor(settings.password_threads, thread_name_prefix="password")
        self._nobodys = self._hasher.hash(secrets.token_hex(16))

    def close(self) -> None:
        """End the threads; what waits is dropped."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: SecretStr) -> str:
        """The hash to keep, with its own parameters and salt.

        Raises:
            Unavailable: too many passwords wait already.
        """
        return await self._compute(lambda: self._hasher.hash(normal(password)))

    async def verify(self, password: SecretStr, kept: str | None) -> bool:
        """Whether ``password`` made ``kept``; no hash takes as long as a wrong one, and is never right.

        Raises:
            Unavailable: too many passwords wait already.
        """
        matches = await self._compute(lambda: self._matches(kept or self._nobodys, normal(password)))
        return matches and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether ``kept`` was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def _matches(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _compute(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            REFUSED.inc()
            raise Unavailable("Very many people are signing in right now.", retry_after=2)
        try:
            future = self._threads.submit(self._timed, work)
        except RuntimeError as error:  # the pool is closed: the process is stopping
            self._room.release()
            raise Unavailable("This process is stopping.", retry_after=2) from error
        future.add_done_callback(self._release)  # also for a caller who went away: the thread is busy until then
        return await asyncio.wrap_future(future)

    def _release(self, _: "Future[T]") -> None:
        self._room.release()

    @staticmethod
    def _timed(work: Callable[[], T]) -> T:
        with SECONDS.time():
            return work()


def normal(password: SecretStr) -> str:
    """The password in one spelling, however the keyboard composed it (NFKC)."""
    return unicodedata.normalize("NFKC", password.get_secret_value())
