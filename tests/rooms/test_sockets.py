"""The Socket.IO doors, called as the gateway calls them."""

import asyncio
import json

import pytest

from core.bus import Bus
from core.call import Principal
from core.model import new_id
from core.sockets import Signal
from rooms import errors
from rooms.channels import lobby_channel, room_channel
from rooms.commands import AdmitPeople, EnterRoom, LeaveRoom, SendSignal
from rooms.models import Room
from rooms.sockets import enter_room, leave_room, lose_connection, send_signal, sockets
from tests.rooms.house import House, Socket, guest

CONTRACT = {
    "room:enter", "room:leave", "chat:send", "hand:set", "away:set", "people:admit", "person:deny", "person:role",
    "person:speech", "person:remove", "rotation:start", "rotation:control", "rotation:extend", "rotation:reorder",
    "keyboard:ask", "light:report", "file:add", "file:rename", "file:remove", "phase:set", "session:close",
    "signal:send",
}  # fmt: skip


def enter(room: Room) -> EnterRoom:
    """The payload."""
    return EnterRoom(room_id=room.id, op_id=new_id())


def heard(house: House, channel: str) -> list[Signal]:
    """The signals that pass on a channel from now on."""
    found: list[Signal] = []

    def hear(hint: object) -> None:
        if isinstance(hint, Signal):
            found.append(hint)

    house.resources.get(Bus).subscribe(channel, hear)
    return found


def test_doors_are_those_of_the_contract() -> None:
    assert {item.name for item in sockets.items} == CONTRACT
    assert {item.name for item in sockets.sent} == {"room:event", "room:signal", "lobby:changed"}


async def test_enter_room_subscribes_who_is_in(house: House, ana: Principal) -> None:
    room, socket = await house.create(ana), Socket()
    channel = room_channel(ana.tenant_id, room.id).name()
    answer = await enter_room(house.socket_call(ana, socket), enter(room))
    assert (answer.status, answer.snapshot is not None) == ("in", True)
    assert (socket.channels, socket.present) == ({channel}, {channel})
    await leave_room(house.socket_call(ana, socket), LeaveRoom(room_id=room.id, op_id=new_id()))
    assert (socket.channels, socket.present) == (set(), set())


async def test_who_waits_hears_the_lobby_alone(house: House, ana: Principal) -> None:
    room, socket, host = await house.create(ana), Socket(), Socket()
    gil = guest(room, ana.tenant_id)
    lobby = lobby_channel(ana.tenant_id, room.id).name()
    assert str(room.id) not in lobby
    signals = heard(house, lobby)
    await enter_room(house.socket_call(ana, host), enter(room))
    answer = await enter_room(house.socket_call(gil, socket), enter(room))
    assert (answer.status, answer.snapshot, answer.events) == ("waiting", None, ())
    assert socket.channels == {lobby}
    await house.give(ana, room, AdmitPeople)
    assert [(item.event, json.loads(item.body)["outcome"], item.to) for item in signals] == [
        ("lobby:changed", "admitted", (gil.user_id,))
    ]
    answer = await enter_room(house.socket_call(gil, socket), enter(room))
    assert answer.status == "in"
    assert socket.channels == {room_channel(ana.tenant_id, room.id).name()}


async def test_refused_person_is_not_present(house: House, ana: Principal) -> None:
    room, socket = await house.create(ana, access="members"), Socket()
    gil = guest(room, ana.tenant_id)
    with pytest.raises(errors.NotInvited):
        await enter_room(house.socket_call(gil, socket), enter(room))
    assert (socket.channels, socket.present) == (set(), set())


async def test_lost_connection_keeps_the_seat(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    channel = room_channel(ana.tenant_id, room.id)
    await enter_room(house.socket_call(ana, Socket()), enter(room))
    await lose_connection(house.resources, channel, ana.user_id)
    assert (await house.state(ana, room.id)).people[ana.user_id].presence == "reconnecting"
    await enter_room(house.socket_call(ana, Socket()), enter(room))
    assert (await house.state(ana, room.id)).people[ana.user_id].presence == "here"


async def test_signal_passes_by_the_log(house: House, ana: Principal, bea: Principal) -> None:
    room, socket = await house.create(ana), Socket()
    call = house.socket_call(ana, socket)
    await enter_room(call, enter(room))
    signals = heard(house, room_channel(ana.tenant_id, room.id).name())
    seq = (await house.state(ana, room.id)).seq
    assert send_signal(call, SendSignal(room_id=room.id, kind="reaction", value="👏")) is None  # it need not wait
    assert [(item.event, json.loads(item.body)["value"], json.loads(item.body)["by"]) for item in signals] == [
        ("room:signal", "👏", str(ana.user_id))
    ]
    assert (await house.state(ana, room.id)).seq == seq
    with pytest.raises(errors.NotAdmitted):
        await send_signal(house.socket_call(bea, socket), SendSignal(room_id=room.id, kind="typing"))


async def test_many_tabs_are_one_person(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    await asyncio.gather(*(enter_room(house.socket_call(ana, Socket()), enter(room)) for _ in range(5)))
    state = await house.state(ana, room.id)
    assert (len(state.people), state.seq) == (1, 2)
