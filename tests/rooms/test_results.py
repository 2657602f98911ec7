"""What a session leaves behind, and what someone who comes back gets."""

import asyncio

import pytest

from core.call import Principal
from core.eventlog import Head
from core.model import new_id
from core.outbox import Delivery, Handlers, take
from rooms import errors, service
from rooms.commands import EnterRoom, LeaveRoom, SendChat, SetHand, StartRotation
from rooms.events import SessionEnded
from rooms.listeners import listeners
from rooms.models import Room, RoomId, SessionId
from tests.rooms.house import House, principal, report

NOWHERE = Head(0, 0)
"""Of no log's life, so that the newest state is read."""


async def hold(house: House, ana: Principal, bea: Principal) -> Room:
    """A whole session."""
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.enter(bea, room)
    await house.give(ana, room, StartRotation)
    await house.give(ana, room, SendChat, text="hello")
    await house.give(ana, room, SendChat, text="psst", to=bea.user_id)
    await report(house, ana, room, "red")
    await report(house, ana, room, "green")
    await house.give(ana, room, SetHand, raised=True)
    await house.give(bea, room, LeaveRoom)
    return await service.close_room(house.live, ana, room.id)


async def test_summary_tells_the_session(house: House, ana: Principal, bea: Principal) -> None:
    room = await hold(house, ana, bea)
    assert room.session_id is not None
    async with house.call(ana).transaction() as tx:
        summary = await service.get_summary(tx, ana, room.id, room.session_id)
    assert [entry.kind for entry in summary.timeline] == [
        "opened", "entered", "entered", "turn", "chat", "light", "light", "left", "ended",
    ]  # fmt: skip
    assert (summary.people, summary.lights, summary.greens, summary.messages) == (("Ana", "Bea"), 2, 1, 1)
    assert [(share.name, share.turns) for share in summary.drivers] == [("Ana", 1)]
    assert 0 < summary.drivers[0].seconds < 60
    assert summary.ended_at is not None


async def test_summary_is_made_once_by_the_listener(house: House, ana: Principal, bea: Principal) -> None:
    room = await hold(house, ana, bea)
    session_id = room.session_id
    assert session_id is not None
    (listener,) = listeners.items
    handlers = Handlers(listeners.items, ())
    async with house.live._database.system() as system:
        rows = [row for row in await take(system, 1_000) if row.tenant_id == ana.tenant_id]
    ended = next(row for row in rows if row.kind == SessionEnded.__name__)
    delivery = Delivery(tenant_id=ended.tenant_id, id=ended.id, handler=listener.name, payload=ended.payload)
    await asyncio.gather(*(handlers.deliver(house.resources, delivery) for _ in range(3)))
    async with house.call(ana).transaction() as tx:
        stored = await tx.rows("SELECT summary FROM session_summaries WHERE tenant_id = $1", tx.tenant_id)
        assert len(stored) == 1
        assert (await service.get_summary(tx, ana, room.id, session_id)).greens == 1


async def test_summary_of_a_session_that_is_held_is_so_far(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    async with house.call(ana).transaction() as tx:
        assert room.session_id is not None
        assert (await service.get_summary(tx, ana, room.id, room.session_id)).ended_at is None
        with pytest.raises(errors.SessionNotFound):
            await service.get_summary(tx, ana, room.id, SessionId(new_id()))


async def test_snapshot_answers_a_returning_client_with_what_it_missed(
    house: House, ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.enter(bea, room)
    cai = principal(ana.tenant_id, "Cai", "member")
    await house.enter(cai, room)
    seen = (await house.state(ana, room.id)).seq
    await house.give(ana, room, SendChat, text="all")
    await house.give(ana, room, SendChat, text="psst", to=bea.user_id)
    enter = EnterRoom(room_id=room.id, op_id=new_id(), epoch=1, seq=seen)
    for who, kinds in ((bea, ["chat_sent", "chat_sent"]), (cai, ["chat_sent", "hidden"])):
        back = await service.snapshot(house.live, who, enter, NOWHERE)
        assert back.snapshot is None
        assert [entry.kind for entry in back.events] == kinds
        assert [entry.seq for entry in back.events] == [seen + 1, seen + 2]
    hidden = back.events[-1]
    assert (hidden.payload, hidden.actor_id.int) == (None, 0)


@pytest.mark.parametrize("have", [{"epoch": 9, "seq": 1}, {"epoch": 1, "seq": 99}, {"seq": 1}, {}])
async def test_snapshot_answers_anything_else_with_all(house: House, ana: Principal, have: dict[str, int]) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    enter = EnterRoom.model_validate({"room_id": room.id, "op_id": new_id(), **have})
    answer = await service.snapshot(house.live, ana, enter, NOWHERE)
    assert answer.snapshot is not None
    assert answer.snapshot.people[ana.user_id].presence == "here"


async def test_snapshot_is_for_those_who_are_in(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    with pytest.raises(errors.NotAdmitted):
        await service.snapshot(house.live, bea, EnterRoom(room_id=room.id, op_id=new_id()), NOWHERE)


async def test_unknown_room_is_not_found(house: House, ana: Principal) -> None:
    with pytest.raises(errors.RoomNotFound):
        await service.give(house.live, ana, EnterRoom(room_id=RoomId(new_id()), op_id=new_id()))
