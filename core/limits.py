"""How often a caller may use a door, by rate class.

Signing in and up is counted in Redis, for all processes together; everything else, and that too while Redis is away,
in this process. (The in-memory storage of the library ``limits`` starts a thread per expiry: a quarter of a gateway's
time, measured. So the process's own count is ours.)
"""

import time
from typing import Any, Literal, cast

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from prometheus_client import Counter

from core.errors import TooMany
from core.redisplace import Client, places

log = structlog.get_logger()

RateClass = Literal["read", "write", "auth", "hook"]
REFUSED = Counter("dojo_rate_refused", "Calls refused for their rate.", ["rate"])

PER_MINUTE: dict[RateClass, int] = {"read": 1_200, "write": 300, "auth": 30, "hook": 6_000}
WINDOW = 60.0
REDIS_TIMEOUT = 0.5
"""Seconds that Redis has to count; after that this process counts by itself."""
CALLERS_MAX = 100_000
"""Callers counted in one window; beyond it the counts begin anew."""


class Window:
    """Counts of the present minute, by rate class and caller."""

    def __init__(self) -> None:
        self._ends = 0.0
        self._counts: dict[tuple[RateClass, str], int] = {}

    def hit(self, rate: RateClass, caller: str, most: int) -> bool:
        """Count one call; says whether it is within ``most``."""
        now = time.monotonic()
        if now >= self._ends or len(self._counts) >= CALLERS_MAX:
            self._ends, self._counts = now + WINDOW, {}
        count = self._counts.get((rate, caller), 0) + 1
        self._counts[rate, caller] = count
        return count <= most


class _Counts(RedisStorage):
    """The library's counts, through a client that knows where our servers are."""

    def __init__(self, client: Client) -> None:
        self._client: Any = client  # what the library calls a client has other types
        super().__init__("async+redis://", implementation="redispy")

    def configure_bridge(self) -> None:
        """All commands go through the client."""
        cast("RedispyBridge", self.bridge).connection_getter = lambda _: self._client


class Limits:
    """Counts calls by rate class and caller."""

    def __init__(self, redis_url: str, scale: float = 1.0, timeout: float = REDIS_TIMEOUT) -> None:
        self._most = {rate: max(1, int(count * scale)) for rate, count in PER_MINUTE.items()}
        self._auth = RateLimitItemPerMinute(self._most["auth"])
        self._client = places(redis_url).client(timeout)
        self._shared = SlidingWindowCounterRateLimiter(_Counts(self._client))
        self._own = Window()

    async def close(self) -> None:
        """Let go of Redis."""
        await self._client.aclose()

    async def take(self, rate: RateClass, caller: str) -> None:
        """Count one call of ``caller`` (an address or a person).

        Raises:
            TooMany: this minute's calls are used up.
        """
        if rate != "auth":
            self.count(rate, caller)
        elif not await self._take_shared(caller):
            raise refused(rate)

    def count(self, rate: RateClass, caller: str) -> None:
        """The same, in this process alone.

        Raises:
            TooMany: this minute's calls are used up.
        """
        if not self._own.hit(rate, caller, self._most[rate]):
            raise refused(rate)

    async def _take_shared(self, caller: str) -> bool:
        try:
            return bool(await self._shared.hit(self._auth, "auth", caller))
        except Exception as error:  # noqa: BLE001 - the storage's clients raise their own kinds; counting must go on
            log.warning("limits_without_redis", error=type(error).__name__)
            return self._own.hit("auth", caller, self._most["auth"])


def refused(rate: RateClass) -> TooMany:
    """One call too many, counted."""
    REFUSED.labels(rate).inc()
    return TooMany("Too many tries; wait a minute and try again.", retry_after=60)
