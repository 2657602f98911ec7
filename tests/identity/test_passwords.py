"""The password pool: argon2id, bounded, off the loop."""

import asyncio
from collections.abc import Iterator

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type
from pydantic import SecretStr

from core.errors import Unavailable
from identity.passwords import Passwords
from identity.settings import IdentitySettings

SLOW = IdentitySettings(argon2_memory_kib=65_536, argon2_passes=4, password_threads=1, password_waiting=1)


@pytest.fixture
def slow() -> Iterator[Passwords]:
    """One thread, one waiting, and hashes that take a while."""
    passwords = Passwords(SLOW)
    yield passwords
    passwords.close()


async def test_hash_uses_owasp_parameters_by_default() -> None:
    passwords = Passwords(IdentitySettings())
    try:
        kept = await passwords.hash(SecretStr("correct horse"))
        parameters = extract_parameters(kept)
        assert parameters.type is Type.ID
        assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19_456, 2, 1)
        assert await passwords.verify(SecretStr("correct horse"), kept)
        assert not await passwords.verify(SecretStr("correct horsf"), kept)
        assert not await passwords.verify(SecretStr("correct horse"), None)
        assert not await passwords.verify(SecretStr("correct horse"), "garbage")
        assert not passwords.is_outdated(kept)
    finally:
        passwords.close()


async def test_pool_refuses_beyond_its_bound_and_recovers(slow: Passwords) -> None:
    outcomes = await asyncio.gather(*(slow.hash(SecretStr("x")) for _ in range(5)), return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, Unavailable)]
    assert len(refused) == 3
    assert all(one.retry_after for one in refused)
    assert (await slow.hash(SecretStr("x"))).startswith("$argon2id$")


async def test_pool_leaves_the_loop_free(slow: Passwords) -> None:
    waiting = asyncio.create_task(slow.hash(SecretStr("x")))
    turns = 0
    while not waiting.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 100


async def test_a_caller_who_leaves_keeps_the_slot_until_the_thread_is_free(slow: Passwords) -> None:
    first = asyncio.create_task(slow.hash(SecretStr("x")))
    await asyncio.sleep(0)
    first.cancel()
    outcomes = await asyncio.gather(first, *(slow.hash(SecretStr("x")) for _ in range(2)), return_exceptions=True)
    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert [type(one) for one in outcomes[1:]] == [str, Unavailable]


async def test_a_closed_pool_refuses() -> None:
    passwords = Passwords(SLOW)
    passwords.close()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await passwords.hash(SecretStr("x"))
