"""The growing delay, counted in Redis and, while it is away, in the process."""

import asyncio
from collections.abc import Iterator

import pytest

from core.model import new_id
from identity.errors import SignInThrottled
from identity.settings import IdentitySettings
from identity.throttle import OWN_MAX, Throttle, key_of
from tests.core.redis_servers import clustered, watched
from tests.core.waiting import PATIENCE

NOWHERE = "redis://127.0.0.1:1/0"


def email() -> str:
    """An address that no other test uses."""
    return f"{new_id().hex}@example.com"


@pytest.fixture(scope="module")
def nowhere() -> str:
    """Without Redis."""
    return NOWHERE


@pytest.fixture(scope="module")
def sentinel_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Redis behind a Sentinel."""
    with watched(tmp_path_factory.mktemp("watched")) as found:
        yield found.url


@pytest.fixture(scope="module")
def cluster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A cluster."""
    with clustered(tmp_path_factory.mktemp("clustered")) as (_, second):
        yield f"redis+cluster://127.0.0.1:{second}/"


@pytest.fixture(params=["redis_url", "sentinel_url", "cluster_url", "nowhere"])
def url(request: pytest.FixtureRequest) -> str:
    """With a Redis of each kind, and without."""
    return str(request.getfixturevalue(request.param))


def patient(url: str, settings: IdentitySettings) -> Throttle:
    """One that counts by itself only where there is no Redis, never because a machine is slow."""
    return Throttle(url, settings, timeout=PATIENCE)


async def delay_after_a_try(throttle: Throttle, key: str) -> float:
    """Wait until a try is taken; the delay until the next."""
    while await throttle._wait(key) > 0:
        await asyncio.sleep(0.005)
    return await throttle._wait(key)


async def delays_of_somebody(throttle: Throttle) -> list[float]:
    """Those after the tries of somebody new, who has two for nothing and tries again as soon as may be."""
    key = key_of(email(), "1.2.3.4")
    assert not any([await throttle._wait(key) for _ in range(2)])
    return [await delay_after_a_try(throttle, key) for _ in range(4)]


async def test_delays_grow_up_to_a_bound(url: str) -> None:
    throttle = patient(url, IdentitySettings(throttle_free=2, throttle_first=0.2, throttle_most=0.7))
    async with asyncio.timeout(PATIENCE):
        is_seen = False
        while not is_seen:  # a machine that pauses misses a part of a delay
            delays = zip(await delays_of_somebody(throttle), [0.2, 0.4, 0.7, 0.7], strict=True)
            is_seen = all(most / 2 < delay <= most for delay, most in delays)
    await throttle.close()


async def test_a_burst_at_once_gains_nothing(url: str) -> None:
    throttle, who = patient(url, IdentitySettings(throttle_free=3, throttle_first=60)), email()
    tries = await asyncio.gather(*(throttle.take(who, "1.2.3.4") for _ in range(20)), return_exceptions=True)
    assert tries.count(None) == 4
    assert all(isinstance(one, SignInThrottled) and one.retry_after for one in tries if one is not None)
    await throttle.close()


async def test_refused_tries_do_not_lengthen_the_delay(url: str) -> None:
    throttle, key = patient(url, IdentitySettings(throttle_free=1, throttle_first=60)), key_of(email(), "1.2.3.4")
    for _ in range(2):
        assert await throttle._wait(key) == 0
    waits = [await throttle._wait(key) for _ in range(20)]
    assert all(0 < wait <= 60 for wait in waits)
    await throttle.close()


async def test_accounts_and_addresses_are_apart_and_success_forgets(url: str) -> None:
    throttle, who = patient(url, IdentitySettings(throttle_free=1, throttle_first=60)), email()
    for _ in range(2):
        await throttle.take(who, "1.2.3.4")
    with pytest.raises(SignInThrottled):
        await throttle.take(who, "1.2.3.4")
    await throttle.take(who, "1.2.3.5")
    await throttle.take(email(), "1.2.3.4")
    await throttle.forget(who, "1.2.3.4")
    await throttle.take(who, "1.2.3.4")
    await throttle.close()


async def test_tries_are_counted_for_all_processes_together(url: str) -> None:
    settings, who = IdentitySettings(throttle_free=1, throttle_first=60), email()
    one, other = patient(url, settings), patient(url, settings)
    for _ in range(2):
        await one.take(who, "1.2.3.4")
    if url == NOWHERE:
        await other.take(who, "1.2.3.4")
    else:
        with pytest.raises(SignInThrottled):
            await other.take(who, "1.2.3.4")
    for throttle in (one, other):
        await throttle.close()


@pytest.mark.parametrize("kind", ["redis://", "redis+sentinel://", "redis+cluster://"])
async def test_servers_that_are_away_stop_nobody(kind: str) -> None:
    throttle, who = Throttle(f"{kind}127.0.0.1:1/0", IdentitySettings(throttle_free=1, throttle_first=60)), email()
    await throttle.take(who, "1.2.3.4")
    await throttle.forget(who, "1.2.3.4")
    for _ in range(2):
        await throttle.take(who, "1.2.3.4")
    with pytest.raises(SignInThrottled):
        await throttle.take(who, "1.2.3.4")
    await throttle.close()


async def test_memory_is_bounded() -> None:
    throttle = Throttle(NOWHERE, IdentitySettings())
    for number in range(OWN_MAX + 100):
        throttle._wait_here(str(number))
    assert len(throttle._own) == OWN_MAX
    await throttle.close()
