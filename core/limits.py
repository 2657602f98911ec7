"""How often a caller may use a door: rate classes, counted in Redis, or in this process while Redis is away."""

from typing import Literal

import structlog
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter, SlidingWindowCounterRateLimiter
from prometheus_client import Counter

from core.errors import TooMany

log = structlog.get_logger()

RateClass = Literal["read", "write", "auth", "hook"]
REFUSED = Counter("dojo_rate_refused", "Calls refused for their rate.", ["rate"])

PER_MINUTE: dict[RateClass, int] = {"read": 1_200, "write": 300, "auth": 30, "hook": 6_000}


class Limits:
    """Counts calls by rate class and caller."""

    def __init__(self, redis_url: str, scale: float = 1.0) -> None:
        self._items = {name: RateLimitItemPerMinute(max(1, int(count * scale))) for name, count in PER_MINUTE.items()}
        self._shared = SlidingWindowCounterRateLimiter(
            RedisStorage(f"async+{redis_url}", implementation="redispy", socket_timeout=0.5, socket_connect_timeout=0.5)
        )
        self._own = MovingWindowRateLimiter(MemoryStorage())

    async def take(self, rate: RateClass, caller: str) -> None:
        """Count one call of ``caller`` (an address or a person).

        Raises:
            TooMany: this minute's calls are used up.
        """
        item = self._items[rate]
        try:
            # Only sign-in and sign-up are worth a round trip: the rest is bounded per process.
            allowed = await (self._shared if rate == "auth" else self._own).hit(item, rate, caller)
        except Exception as error:  # noqa: BLE001 - the storage's clients raise their own kinds; counting must go on
            log.warning("limits_without_redis", error=type(error).__name__)
            allowed = await self._own.hit(item, rate, caller)
        if not allowed:
            REFUSED.labels(rate).inc()
            raise TooMany("Too many tries; wait a minute and try again.", retry_after=60)
