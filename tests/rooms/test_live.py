"""Dojos as processes hold them: nothing is decided twice, nothing acknowledged is lost."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from prometheus_client import REGISTRY

from app.migrate import begin_epoch
from app.parts import free_port
from core import eventlog
from core.bus import Bus
from core.call import Principal
from core.db import Database
from core.errors import Unavailable
from core.eventlog import Entry, Head
from core.logwriter import LogWriter
from core.model import NIL, TenantId, new_id
from core.settings import CoreSettings
from core.sockets import LogHint
from rooms import errors, service
from rooms.channels import room_channel
from rooms.commands import AdmitPeople, ControlRotation, EnterRoom, LeaveRoom, SendChat, SetPhase, StartRotation
from rooms.decide import Timing
from rooms.live import SNAPSHOT_EVERY, LiveRooms
from rooms.log import read_after
from rooms.models import Room, RoomId
from rooms.state import RoomState
from tests.conftest import DatabaseUrls
from tests.rooms.house import House, eventually, guest, principal

NewHouse = Callable[..., AbstractAsyncContextManager[House]]


async def entries(house: House, who: Principal, room: Room) -> list[Entry]:
    """The dojo's log."""
    async with house.call(who).transaction() as tx:
        return await read_after(tx, room.id, 0)


async def test_create_room_holds_a_session_with_its_starter_text(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    state = await house.state(ana, room.id)
    assert (state.is_open, state.seq, state.session_id) == (True, 1, room.session_id)
    assert [file.name for file in state.files] == ["fizzbuzz.py", "test_fizzbuzz.py"]
    async with house.call(ana).transaction() as tx:
        assert state.document_id is not None
        seed = await eventlog.read(tx, state.document_id, 0)
    assert [(entry.kind, entry.actor_id) for entry in seed] == [("update", NIL)]


async def test_two_processes_agree(house: House, new_house: NewHouse, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    async with new_house() as other:
        await house.enter(ana, room)
        await other.enter(bea, room)
        for number in range(20):
            await asyncio.gather(
                house.give(ana, room, SendChat, text=f"a{number}"), other.give(bea, room, SendChat, text=f"b{number}")
            )
        mine, theirs = await house.state(ana, room.id), await other.state(bea, room.id)
    assert mine == theirs
    assert [message.text for message in mine.chat if message.by == ana.user_id] == [f"a{n}" for n in range(20)]
    assert [entry.seq for entry in await entries(house, ana, room)] == list(range(1, mine.seq + 1))


async def test_two_people_pressing_start_at_once_start_once(
    house: House, new_house: NewHouse, ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.enter(bea, room)
    admin = principal(ana.tenant_id, "Ada", "admin")
    await house.enter(admin, room)
    async with new_house() as other:
        outcomes = await asyncio.gather(
            house.give(ana, room, StartRotation), other.give(ana, room, StartRotation), return_exceptions=True
        )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Numbered", "RotationRunning"]
    assert (await house.state(ana, room.id)).rotation.turn == 1


async def test_repeat_is_no_op_with_the_same_answer(house: House, new_house: NewHouse, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    once = SendChat(room_id=room.id, op_id=new_id(), text="once")
    start = StartRotation(room_id=room.id, op_id=new_id())
    first = await service.give(house.live, ana, once)
    started = await service.give(house.live, ana, start)
    async with new_house() as other:
        for live in (house.live, other.live):
            assert await service.give(live, ana, once) == first
            assert await service.give(live, ana, start) == started
    assert len((await house.state(ana, room.id)).chat) == 1


async def test_repeat_is_known_without_memory(house: House, new_house: NewHouse, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    start = StartRotation(room_id=room.id, op_id=new_id())
    await service.give(house.live, ana, start)
    async with new_house() as other:
        held = await other.state(ana, room.id)
        other.live._rooms[ana.tenant_id.int, room.id.int].ops.clear()
        await service.give(other.live, ana, start)
        assert (await other.state(ana, room.id)).seq == held.seq


async def test_many_commands_at_once_are_numbered_without_gaps(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    answers = await asyncio.gather(*(house.give(ana, room, SendChat, text=str(n)) for n in range(100)))
    assert sorted(answer.seq for answer in answers) == list(range(3, 103))


async def test_state_is_folded_from_snapshot_and_log(house: House, new_house: NewHouse, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    for number in range(510):
        await house.give(ana, room, SendChat, text=str(number))
    async with new_house() as other:
        assert await other.state(ana, room.id) == await house.state(ana, room.id)


async def test_snapshot_is_not_older_than_what_the_connection_hears(
    house: House, new_house: NewHouse, ana: Principal, bea: Principal
) -> None:
    """What another process stored, and the connection's channel has already passed by, is in the snapshot."""
    room = await house.create(ana)
    await house.enter(ana, room)
    enter = EnterRoom(room_id=room.id, op_id=new_id())
    async with new_house() as other:
        await other.enter(bea, room)
        newest = await other.state(bea, room.id)
        seen = house.live.seen(ana.tenant_id, room.id)
        assert seen is not None
        assert seen.seq < newest.seq
        for heard in (Head(newest.seq, newest.epoch), Head(seen.seq, seen.epoch + 1)):
            answer = await service.snapshot(house.live, ana, enter, heard)
            assert answer.snapshot is not None
            assert (answer.snapshot.seq, answer.snapshot.epoch) == (newest.seq, newest.epoch)


async def test_nothing_is_stored_that_was_decided_before_the_database_was_restored(
    house: House, ana: Principal, database_urls: DatabaseUrls
) -> None:
    """The number that was expected may be there again, with another event under it: it is decided anew."""
    room = await house.create(ana)
    await house.enter(ana, room)
    await asyncio.to_thread(begin_epoch, database_urls.migration)
    await house.give(ana, room, SendChat, text="after")
    seen = house.live.seen(ana.tenant_id, room.id)
    assert seen is not None
    assert seen.epoch > 1


async def test_many_come_at_once_into_a_dojo_that_is_not_held(
    house: House, new_house: NewHouse, ana: Principal
) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    people = [principal(ana.tenant_id, f"P{number}", "member") for number in range(12)]
    async with new_house() as other:
        await asyncio.gather(*(other.enter(who, room) for who in people))
        state = await other.state(ana, room.id)
    assert {who.user_id for who in people} <= state.people.keys()
    assert await house.state(ana, room.id) == state


async def test_a_bounded_number_of_dojos_is_held_and_the_others_are_read_anew(
    house: House, ana: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rooms.live.HELD_MAX", 2)
    rooms = [await house.create(ana) for _ in range(5)]
    for room in rooms:
        await house.enter(ana, room)
    for room in (*rooms, *rooms):
        await house.give(ana, room, SendChat, text="here")
        held = [each for each in rooms if house.live.seen(ana.tenant_id, each.id) is not None]
        assert room in held
        assert len(held) <= 2
    assert REGISTRY.get_sample_value("dojo_room_held") == 2
    assert [len((await house.state(ana, room.id)).chat) for room in rooms] == [2] * 5


async def test_snapshot_that_cannot_be_saved_harms_nobody(
    house: House, ana: Principal, settings: CoreSettings, database: Database
) -> None:
    """What is stored is acknowledged and told; the next reader folds more."""
    room = await house.create(ana)
    await house.enter(ana, room)
    heard: list[LogHint] = []
    bus, hasty = house.resources.get(Bus), Database(str(settings.database_url), timeout=3)
    live = LiveRooms(hasty, house.resources.get(LogWriter), bus)
    bus.subscribe(room_channel(ana.tenant_id, room.id).name(), heard.append)
    async with database.transaction(ana.tenant_id) as tx:
        await tx.run("LOCK TABLE room_snapshots IN EXCLUSIVE MODE")
        for number in range(SNAPSHOT_EVERY):
            await service.give(live, ana, SendChat(room_id=room.id, op_id=new_id(), text=str(number)))
    assert [entry.seq for hint in heard for entry in hint.entries] == list(range(3, SNAPSHOT_EVERY + 3))
    await hasty.close()


async def test_snapshot_of_another_version_is_folded_anew(house: House, new_house: NewHouse, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    async with house.call(ana).transaction() as tx:
        await tx.run(
            "UPDATE room_snapshots SET state = '{\"shape\": \"unknown\"}' WHERE tenant_id = $1 AND room_id = $2",
            tx.tenant_id, room.id,
        )  # fmt: skip
    async with new_house() as other:
        assert await other.state(ana, room.id) == await house.state(ana, room.id)


async def test_unknown_room_and_other_tenants_room_are_not_found(
    house: House, ana: Principal, new_tenant: Callable[[], object]
) -> None:
    room = await house.create(ana)
    stranger = principal(TenantId(await new_tenant()), "Eve", "owner")  # type: ignore[misc]  # the fixture's own type
    for room_id in (room.id, RoomId(new_id())):
        with pytest.raises(errors.RoomNotFound):
            await house.state(stranger, room_id)


async def test_bell_rings_by_itself(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana, turn_seconds=5)
    await house.enter(ana, room)
    await house.enter(bea, room)
    await house.give(ana, room, StartRotation, turn_seconds=5)
    state = await house.state(ana, room.id)
    assert state.rotation.ends_at is not None
    late = 1_000_000.0

    async def rung() -> bool:
        return (await house.state(ana, room.id)).rotation.driver == bea.user_id

    keeper = asyncio.create_task(house.live.keep_time())
    try:
        await eventually(rung)
        told = [entry for entry in await entries(house, ana, room) if entry.kind == "turn_started"]
        late = told[-1].at - state.rotation.ends_at
    finally:
        keeper.cancel()
    assert 0 <= late < 0.5


async def test_bell_of_a_dojo_that_nobody_holds_rings_once(
    house: House, new_house: NewHouse, ana: Principal, bea: Principal
) -> None:
    async with new_house(timing=Timing(empty=1, unvisited=1)) as short, new_house() as second:
        room = await short.create(ana)
        keepers = [asyncio.create_task(each.live.keep_time()) for each in (house, second)]

        async def closed() -> bool:
            return not (await house.state(ana, room.id)).is_open

        for each in (house, second):
            each.live.timing = Timing(empty=1, unvisited=1)
        try:
            await eventually(closed)
        finally:
            for keeper in keepers:
                keeper.cancel()
    assert [entry.kind for entry in await entries(house, ana, room)] == ["session_opened", "session_closed"]


async def test_empty_dojo_closes_and_breaks_do_not(new_house: NewHouse, ana: Principal) -> None:
    async with new_house(timing=Timing(empty=0.2, unvisited=0.2)) as short:
        room, pause = await short.create(ana), await short.create(ana)
        for each in (room, pause):
            await short.enter(ana, each)
        await short.give(ana, pause, SetPhase, phase="break")
        for each in (room, pause):
            await short.give(ana, each, LeaveRoom)
        keeper = asyncio.create_task(short.live.keep_time())

        async def closed() -> bool:
            return not (await short.state(ana, room.id)).is_open

        try:
            await eventually(closed)
        finally:
            keeper.cancel()
        assert (await short.state(ana, pause.id)).is_open


async def test_lease_is_fenced_in_the_same_step(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.enter(bea, room)

    async def holder(state: RoomState) -> object:
        async with house.call(ana).transaction() as tx:
            assert state.document_id is not None
            return await eventlog.holder(tx, state.document_id)

    assert await holder(await house.state(ana, room.id)) is None
    await house.give(ana, room, StartRotation)
    assert await holder(await house.state(ana, room.id)) == ana.user_id
    await house.give(ana, room, ControlRotation, action="skip")
    assert await holder(await house.state(ana, room.id)) == bea.user_id
    await house.give(ana, room, ControlRotation, action="stop")
    assert await holder(await house.state(ana, room.id)) is None
    await service.close_room(house.live, ana, room.id)
    assert await holder(await house.state(ana, room.id)) == NIL


async def test_private_chat_has_an_audience(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.enter(bea, room)
    await house.give(ana, room, SendChat, text="psst", to=bea.user_id)
    last = (await entries(house, ana, room))[-1]
    assert set(last.audience or ()) == {ana.user_id, bea.user_id}


async def test_cancelled_command_leaves_the_dojo_usable(house: House, ana: Principal, database: Database) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    for _ in range(10):
        task = asyncio.create_task(house.give(ana, room, SendChat, text="perhaps"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await house.give(ana, room, SendChat, text="surely")
    state = await house.state(ana, room.id)
    assert state.chat[-1].text == "surely"
    assert [entry.seq for entry in await entries(house, ana, room)] == list(range(1, state.seq + 1))


async def test_admitted_guest_comes_in_through_another_process(
    house: House, new_house: NewHouse, ana: Principal
) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    gil = guest(room, ana.tenant_id)
    async with new_house() as other:
        assert not await other.enter(gil, room)
        await house.give(ana, room, AdmitPeople)
        assert await other.enter(gil, room)


async def test_database_away_is_unavailable_and_the_clock_goes_on(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    nowhere = f"postgresql://dojo@127.0.0.1:{free_port()}/dojo"
    database = Database(nowhere)
    live = LiveRooms(database, LogWriter(nowhere), house.resources.get(Bus))
    keeper = asyncio.create_task(live.keep_time())
    for _ in range(2):
        with pytest.raises(Unavailable):
            await live.state(ana.tenant_id, room.id)
    assert not keeper.done()
    keeper.cancel()
    await database.close()
