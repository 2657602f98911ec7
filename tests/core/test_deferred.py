"""An outcome that is told at once."""

import asyncio

import pytest
from structlog.testing import capture_logs

from core.deferred import Deferred


def test_listeners_hear_the_first_outcome_in_their_order() -> None:
    deferred: Deferred[int] = Deferred()
    heard: list[object] = []
    deferred.then(lambda outcome: heard.append(("early", outcome)))
    deferred.mapped(str).then(lambda outcome: heard.append(("mapped", outcome)))
    deferred.settle(1)
    deferred.settle(2)
    deferred.then(lambda outcome: heard.append(("late", outcome)))
    assert heard == [("early", 1), ("mapped", "1"), ("late", 1)]


def test_listener_that_fails_keeps_nobody_from_the_outcome() -> None:
    deferred: Deferred[int] = Deferred()
    heard: list[int | Exception] = []
    deferred.then(fail)
    deferred.then(heard.append)
    with capture_logs() as lines:
        deferred.settle(1)
    assert heard == [1]
    assert [line["event"] for line in lines] == ["listener_failed"]


def fail(_: object) -> None:
    raise ZeroDivisionError


async def test_change_that_fails_is_what_comes_of_it() -> None:
    deferred: Deferred[int] = Deferred()
    changed = deferred.mapped(lambda value: 1 // value)
    deferred.settle(0)
    with pytest.raises(ZeroDivisionError):
        await changed


async def test_it_can_be_awaited_before_and_after_it_is_settled() -> None:
    deferred: Deferred[int] = Deferred()
    asyncio.get_running_loop().call_soon(deferred.settle, 1)
    assert await deferred == 1
    assert await deferred == 1


async def test_an_exception_is_raised_to_who_awaits_and_passes_through_a_change() -> None:
    deferred: Deferred[int] = Deferred()
    changed = deferred.mapped(lambda value: value + 1)
    deferred.settle(LookupError("gone"))
    for each in (deferred, changed):
        with pytest.raises(LookupError, match="gone"):
            await each


async def test_who_stops_waiting_keeps_nobody_from_the_outcome() -> None:
    deferred: Deferred[int] = Deferred()

    async def wait() -> int:
        return await deferred

    impatient, patient = asyncio.create_task(wait()), asyncio.create_task(wait())
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    deferred.settle(1)
    assert await patient == 1
