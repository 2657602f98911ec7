"""Decisions that do not wait for each other's commit: in order, once, and never on what was not stored."""

import asyncio
from collections.abc import Awaitable, Iterator

import pytest

from core import failpoints
from core.call import Principal
from core.deferred import Deferred
from core.errors import Unavailable
from core.model import new_id
from rooms import service
from rooms.answers import Numbered
from rooms.commands import SendChat, StartRotation
from rooms.errors import RoomClosed
from rooms.models import Room
from tests.rooms.conftest import NewHouse
from tests.rooms.house import House


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """Nothing stays armed."""
    yield
    failpoints.arm("")


@pytest.fixture
async def room(house: House, ana: Principal) -> Room:
    """A dojo that Ana is in, and this process holds."""
    room = await house.create(ana)
    await house.enter(ana, room)
    return room


def say(house: House, who: Principal, room: Room, text: str) -> tuple[SendChat, Deferred[Numbered]]:
    """A word on its way."""
    command = SendChat(room_id=room.id, op_id=new_id(), text=text)
    begun = service.give(house.live, who, command)
    assert isinstance(begun, Deferred), "it waits for nothing"
    return command, begun


async def texts(house: House, who: Principal, room: Room) -> list[str]:
    """What was said."""
    return [message.text for message in (await house.state(who, room.id)).chat]


async def test_words_of_one_turn_are_numbered_in_their_order(
    house: House, new_house: NewHouse, ana: Principal, room: Room
) -> None:
    before = (await house.state(ana, room.id)).seq
    words = [str(number) for number in range(50)]
    begun = [say(house, ana, room, word)[1] for word in words]
    assert [(await each).seq for each in begun] == list(range(before + 1, before + 51))
    assert await texts(house, ana, room) == words
    async with new_house() as other:
        assert await other.state(ana, room.id) == await house.state(ana, room.id)


async def test_what_needs_tables_waits_for_what_is_on_its_way(house: House, ana: Principal, room: Room) -> None:
    _, word = say(house, ana, room, "first")
    start = asyncio.ensure_future(house.give(ana, room, StartRotation))
    bea = ana.replace(user_id=new_id(), name="Bea")
    assert await house.enter(bea, room)
    assert (await word).seq < (await start).seq
    state = await house.state(ana, room.id)
    assert await texts(house, ana, room) == ["first"]
    assert bea.user_id in state.people
    assert state.rotation.status == "running"


async def test_two_processes_that_do_not_wait_store_every_word_once(
    house: House, new_house: NewHouse, ana: Principal, room: Room
) -> None:
    async with new_house() as other:
        await other.state(ana, room.id)
        begun: list[Awaitable[Numbered]] = []
        for number in range(30):
            for each in (house, other):
                begun.append(each.give(ana, room, SendChat, text=str(number)))
                await asyncio.sleep(0)
        numbers = [answer.seq for answer in await asyncio.gather(*begun)]
        assert len(set(numbers)) == 60
        assert sorted(await texts(house, ana, room)) == sorted([str(number) for number in range(30)] * 2)
        assert await other.state(ana, room.id) == await house.state(ana, room.id)


async def test_lost_commit_takes_no_later_word_with_it_and_nothing_is_there_twice(
    house: House, new_house: NewHouse, ana: Principal, room: Room
) -> None:
    failpoints.arm("log.committed=once:error")
    said = [say(house, ana, room, "0")]
    await asyncio.sleep(0)  # the first leaves alone; the others follow before its answer can be read
    said += [say(house, ana, room, str(number)) for number in range(1, 6)]
    unknown = []
    for command, begun in said:
        try:
            await begun
        except Unavailable:
            unknown.append(command)
    assert unknown, "the connection broke behind a commit"
    for command in unknown:
        await service.give(house.live, ana, command)
    assert sorted(await texts(house, ana, room)) == [str(number) for number in range(6)]
    async with new_house() as other:
        assert await other.state(ana, room.id) == await house.state(ana, room.id)


async def test_refusal_is_told_on_the_newest_state(house: House, ana: Principal, room: Room) -> None:
    _, word = say(house, ana, room, "before")
    await service.close_room(house.live, ana, room.id)
    await word
    with pytest.raises(RoomClosed):
        await house.give(ana, room, SendChat, text="after")
