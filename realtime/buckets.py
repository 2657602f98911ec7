"""Token buckets: how often something may happen."""

import time
from collections import OrderedDict


class Bucket:
    """Lets ``burst`` through at once and ``rate`` a second from then on."""

    __slots__ = ("_at", "_burst", "_left", "_rate")

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._left = burst
        self._at = time.monotonic()

    def take(self) -> bool:
        """Whether one more is let through."""
        left = self._left = self._filled()
        if left < 1:
            return False
        self._left = left - 1
        return True

    def spend(self, count: int) -> float:
        """Let ``count`` through, on credit if need be; the seconds until that is paid back."""
        self._left = self._filled() - count
        return max(0.0, -self._left / self._rate)

    def _filled(self) -> float:
        now = time.monotonic()
        left = self._left + (now - self._at) * self._rate
        self._at = now
        return min(self._burst, left)


class Buckets:
    """One bucket for each key; the least recently used are forgotten."""

    def __init__(self, rate: float, burst: float, keep: int = 10_000) -> None:
        self._rate = rate
        self._burst = burst
        self._keep = keep
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, key: str) -> bool:
        """Whether one more of ``key`` is let through."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._rate, self._burst)
            if len(self._buckets) > self._keep:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket.take()
