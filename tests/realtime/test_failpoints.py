"""A gateway that ends, at the worst moment or when it is told to: nothing is lost or done twice, everybody is back."""

import asyncio
import signal
from collections.abc import Iterator

import aiohttp
import pytest

from app.parts import free_port
from loadtests.facts import Sent
from tests.conftest import Servers
from tests.realtime.conftest import until, until_async
from tests.realtime.processes import Mortal, Witness, serving
from tests.scenarios.judged import judge
from tests.scenarios.programs import Caller
from tests.scenarios.typist import Typist

EVENT = ["rooms.commit", "rooms.committed", "log.committed", "bus.send", "gateway.answered+1"]
EDIT = ["document.append", "log.committed", "bus.send+5", "gateway.answered+1"]
"""The first answer is to entering; of the bus, what they say to each other before the first edit comes first."""
CASES = [
    *((point, "says") for point in EVENT), ("bus.receive", "hears"),
    *((point, "types") for point in EDIT), ("bus.receive+5", "reads"),
]  # fmt: skip
"""Where a gateway dies, and what somebody does there at that moment."""


@pytest.fixture(scope="module")
def survivor(servers: Servers) -> Iterator[str]:
    """A gateway that lives, and serves everything else."""
    port = free_port()
    with serving(servers, port, "gateway", "identity", "rooms", RATE_SCALE="100"):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def mortal(servers: Servers, survivor: str) -> Iterator[Mortal]:
    """A gateway that will be told to stop."""
    port = free_port()
    with serving(servers, port, "gateway", RATE_SCALE="100", GATEWAY_DRAIN_SPREAD="1") as process:
        yield Mortal(port, process)


@pytest.fixture
def victim(servers: Servers, point: str, survivor: str) -> Iterator[Mortal]:
    """A gateway that dies at ``point``."""
    port = free_port()
    with serving(servers, port, "gateway", FAILPOINTS=f"{point}=crash") as process:
        yield Mortal(port, process)


@pytest.mark.parametrize(("point", "does"), CASES)
async def test_gateway_that_dies_loses_nothing_and_repeats_nothing(
    servers: Servers, survivor: str, victim: Mortal, http: aiohttp.ClientSession, point: str, does: str
) -> None:
    ana = await Caller(http, survivor).sign_up("Ana")
    room = (await ana.ask("POST", "/api/rooms", {"kata": "fizzbuzz"})).body
    keeper = Witness("keeper", ana, room["id"], [survivor])  # this window keeps Ana in the room
    leaver = Witness("leaver", ana, room["id"], [victim.url, survivor])
    writers = Typist(keeper, [survivor]), Typist(leaver, [victim.url, survivor])
    for window in (keeper, leaver):
        await window.enter()
    if does in {"types", "reads"}:  # who has the text open elsewhere is told of each edit
        assert await writers[does == "reads"].type()
    assert victim.process.poll() is None
    speaker, writer = (leaver, writers[1]) if does in {"says", "types"} else (keeper, writers[0])
    while victim.process.poll() is None:
        if does in {"says", "hears"}:
            await speaker.says(f"{speaker.name}, {speaker.said}")
        else:
            assert await writer.type()
    assert victim.process.returncode == -signal.SIGKILL
    if (point, does) == ("gateway.answered+1", "says"):  # the acknowledgement was out: it was said once
        first, *others = [fact.op_id for fact in leaver.facts if isinstance(fact, Sent)]
        assert first not in others
    await leaver.enter()
    for window in (leaver, keeper):
        await window.says(f"after, {window.name}")
    for writer in writers:
        assert await writer.type()
    await judge(servers.database.everything, [keeper, leaver], writers)
    for writer in writers:
        await writer.close()
    for window in (keeper, leaver):
        await window.drop()


BACK_WITHIN = 10.0


async def talk(who: Witness, is_over: asyncio.Event) -> None:
    """Say one thing after the other."""
    while not is_over.is_set():
        await who.says(f"{who.name}: {who.said}")


async def write(typist: Typist, is_over: asyncio.Event) -> None:
    """Type one word after the other."""
    while not is_over.is_set():
        assert await typist.type()


async def all_go_on(windows: list[Witness], typist: Typist) -> None:
    """Wait until everybody has said and typed something more."""
    said, typed = [window.said for window in windows], len(typist.acked)
    await until(lambda: all(window.said > before + 2 for window, before in zip(windows, said, strict=True)))
    await until(lambda: len(typist.acked) > typed + 2)


async def test_gateway_that_is_told_to_stop_hands_everybody_over(
    servers: Servers, survivor: str, mortal: Mortal, http: aiohttp.ClientSession
) -> None:
    ana, is_over = await Caller(http, survivor).sign_up("Ana"), asyncio.Event()
    room = (await ana.ask("POST", "/api/rooms", {"kata": "fizzbuzz"})).body
    windows = [Witness(f"window {number}", ana, room["id"], [mortal.url, survivor]) for number in range(5)]
    typist = Typist(windows[0], [mortal.url, survivor])
    for window in windows:
        await window.enter()
    busy = [*(talk(window, is_over) for window in windows), write(typist, is_over)]
    tasks = [asyncio.create_task(each) for each in busy]
    await all_go_on(windows, typist)
    mortal.process.send_signal(signal.SIGTERM)

    async def is_not_ready() -> bool:
        async with http.get(f"{mortal.url}/health/ready") as answer:
            return answer.status == 503

    async with asyncio.timeout(BACK_WITHIN):
        await until_async(is_not_ready)
        assert await mortal.ended() == 0
        await all_go_on(windows, typist)
    is_over.set()
    await asyncio.gather(*tasks)
    assert [len(window.sent_away) for window in windows] == [1] * len(windows)
    await judge(servers.database.everything, windows, [typist])
    await typist.close()
    for window in windows:
        await window.drop()
