"""A dojo's event when its process breaks around the commit."""

from collections.abc import Iterator

import pytest

from core import failpoints
from core.bus import Bus
from core.call import Principal
from core.errors import Unavailable
from core.model import new_id
from core.sockets import LogHint
from rooms import service
from rooms.channels import room_channel
from rooms.commands import SendChat
from tests.rooms.house import House


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """Nothing stays armed."""
    yield
    failpoints.arm("")


@pytest.mark.parametrize(
    ("point", "is_stored"),
    [("rooms.commit", False), ("rooms.committed", True), ("log.commit", False), ("log.committed", True)],
)
async def test_event_of_a_broken_call_is_stored_once_by_its_repeat(
    house: House, ana: Principal, point: str, is_stored: bool
) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    told: list[int] = []
    channel = room_channel(ana.tenant_id, room.id).name()
    house.resources.get(Bus).subscribe(
        channel, lambda hint: told.append(hint.seq) if isinstance(hint, LogHint) else None
    )
    before = (await house.state(ana, room.id)).seq
    say = SendChat(room_id=room.id, op_id=new_id(), text="once")
    failpoints.arm(f"{point}=once:error")
    with pytest.raises((failpoints.Injected, Unavailable)):
        await service.give(house.live, ana, say)
    assert (await house.state(ana, room.id)).seq == before + is_stored
    assert not told, "nobody heard of it"
    assert (await service.give(house.live, ana, say)).seq == before + 1
    assert [message.text for message in (await house.state(ana, room.id)).chat] == ["once"]
    assert told == ([] if is_stored else [before + 1])
