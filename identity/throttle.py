"""Slows down guessing: a growing delay per account and address, never a lock-out.

Counted in Redis, which all processes share, and in this process while Redis is away. A try counts when it begins, so
a burst of tries at once gains nothing; a success forgets them all.
"""

import hashlib
import math
import time
from collections import OrderedDict
from typing import cast

import structlog
from prometheus_client import Counter
from redis.exceptions import RedisError

from core.limits import REDIS_TIMEOUT
from core.redisplace import places
from identity.errors import SignInThrottled
from identity.settings import IdentitySettings

log = structlog.get_logger()

THROTTLED = Counter("dojo_sign_in_throttled", "Sign-ins refused because they came too soon after failures.")
OWN_MAX = 10_000

TAKE = """
local kept = redis.call('HMGET', KEYS[1], 'tries', 'until')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local wait = tonumber(kept[2] or '0') - now
if wait > 0 then return wait end
local tries = tonumber(kept[1] or '0') + 1
local delay = 0
if tries > tonumber(ARGV[1]) then
    delay = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) * 2 ^ math.min(tries - ARGV[1] - 1, 30))
end
redis.call('HSET', KEYS[1], 'tries', tries, 'until', string.format('%.0f', now + delay))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', ARGV[4] + delay))
return 0
"""


class Throttle:
    """Counts tries by account and address."""

    def __init__(self, redis_url: str, settings: IdentitySettings, timeout: float = REDIS_TIMEOUT) -> None:
        self._client = places(redis_url).client(timeout)
        self._settings = settings
        self._own: OrderedDict[str, tuple[int, float, float]] = OrderedDict()

    async def close(self) -> None:
        """Let go of Redis."""
        await self._client.aclose()

    async def take(self, email: str, address: str) -> None:
        """Count one try.

        Raises:
            SignInThrottled: it comes too soon; says when it may come again. It was not counted.
        """
        wait = await self._wait(key_of(email, address))
        if wait > 0:
            THROTTLED.inc()
            seconds = math.ceil(wait)
            raise SignInThrottled(f"Try again in {seconds} seconds.", retry_after=seconds)

    async def forget(self, email: str, address: str) -> None:
        """Forget the tries: this one succeeded."""
        key = key_of(email, address)
        self._own.pop(key, None)
        try:
            await self._client.delete(key)
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("throttle_without_redis", error=type(error).__name__)

    async def _wait(self, key: str) -> float:
        """Seconds until the next try is taken; 0 when this one was, and is counted."""
        chosen = self._settings
        milliseconds = [chosen.throttle_first * 1000, chosen.throttle_most * 1000, chosen.throttle_memory * 1000]
        arguments = [str(chosen.throttle_free), *(str(round(value)) for value in milliseconds)]
        try:
            return cast("int", await self._client.eval(TAKE, 1, key, *arguments)) / 1000
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("throttle_without_redis", error=type(error).__name__)
            return self._wait_here(key)

    def _wait_here(self, key: str) -> float:
        chosen, now = self._settings, time.monotonic()
        tries, until, forgotten = self._own.pop(key, (0, 0.0, 0.0))
        if forgotten < now:
            tries = 0
        delay = 0.0
        if until <= now:
            tries += 1
            if tries > chosen.throttle_free:
                delay = min(
                    chosen.throttle_most, chosen.throttle_first * 2.0 ** min(tries - chosen.throttle_free - 1, 30)
                )
            self._own[key] = (tries, now + delay, now + delay + chosen.throttle_memory)
            while len(self._own) > OWN_MAX:
                self._own.popitem(last=False)
            return 0.0
        self._own[key] = (tries, until, forgotten)
        return until - now


def key_of(email: str, address: str) -> str:
    """The counter's name; Redis sees no e-mail."""
    return "dojo:-:sign-in-tries:" + hashlib.sha256(f"{email}\n{address}".encode()).hexdigest()
