"""What people send by mistake or on purpose: each has a clear answer, and nothing half-done is left."""

import asyncio
from typing import Any

import aiohttp
import pytest

from core.model import new_id
from rooms import service
from rooms.commands import EnterRoom
from rooms.live import LiveRooms
from tests.contract.place import Place, a_room, payload_of, somebody
from tests.scenarios.programs import Wire

FIVE_MEGABYTES = "x" * 5_000_000
ODD_NAMES = [
    "a/b.py",
    "../secret.py",
    "/etc/passwd",
    "a\\b.py",
    "..",
    ".hidden",
    "",
    "a\x00.py",
    "é.py",
    "x" * 65,
    7,
    None,
]


async def refused(place: Place, wire: Wire, event: str, code: str, /, **values: Any) -> None:
    """An event is refused and leaves nothing."""
    before = await place.last()
    answer = await wire.call(event, {"room_id": str(place.room.id), "op_id": str(new_id()), **values})
    assert (answer["ok"], answer["problem"]["code"]) == (False, code), values
    assert await place.last() == before


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_file_name_with_slashes_or_worse_is_refused(place: Place, name: object) -> None:
    wire = await place.connect(place.host)
    await refused(place, wire, "file:add", "invalid", name=name)
    await refused(place, wire, "file:rename", "invalid", file_id="f1", name=name)
    light: dict[str, Any] = {
        "light_id": str(new_id()),
        "colour": "green",
        "seconds": 1,
        "files": [{"name": name, "text": ""}],
    }
    await refused(place, wire, "light:report", "invalid", **light)
    await wire.close()


async def test_huge_message_ends_its_sender_alone(place: Place) -> None:
    sender, other = await place.connect(place.host), await place.connect(place.host)
    before = await place.last()
    await refused(place, other, "chat:send", "invalid", text="x" * 4_001)
    with pytest.raises((ConnectionError, aiohttp.ClientError)):
        await sender.call("chat:send", {**payload_of("chat:send", place.room), "text": FIVE_MEGABYTES})
    assert await place.last() == before
    assert (await other.call("chat:send", payload_of("chat:send", place.room)))["ok"]
    again = await place.connect(place.host)
    assert (await again.call("room:enter", payload_of("room:enter", place.room)))["ok"]
    for wire in (sender, other, again):
        await wire.close()


async def test_rotation_list_of_three_hundred_is_taken_and_of_strangers_refused(place: Place) -> None:
    live = place.process.resources.get(LiveRooms)
    room = await a_room(place.process, place.host, capacity=400, access="members")
    people = [place.host, *(somebody(place.tenant_id, "member") for _ in range(299))]
    for person in people:
        await service.enter_room(live, person, EnterRoom(room_id=room.id, op_id=new_id()))
    wire = await place.connect(place.host)
    snapshot = (await wire.call("room:enter", payload_of("room:enter", room)))["data"]["snapshot"]
    assert len(snapshot["people"]) == 300
    order = [str(person.user_id) for person in reversed(people)]
    payload = {**payload_of("rotation:reorder", room), "order": order}
    seq = (await wire.call("rotation:reorder", payload))["data"]["seq"]
    async with asyncio.timeout(10):
        while not (told := [entry for event, entry in place.heard if event == "room:event" and entry["seq"] == seq]):
            await asyncio.sleep(0.01)
    assert told[0]["payload"]["order"] == order
    assert (await wire.call("rotation:start", payload_of("rotation:start", room)))["ok"]
    strangers = [str(new_id()) for _ in range(300)]
    await refused(place, wire, "rotation:reorder", "unknown-person", order=strangers)
    await refused(place, wire, "rotation:reorder", "invalid", order=strangers * 2)
    await refused(place, wire, "rotation:reorder", "named-twice", order=[str(place.host.user_id)] * 2)
    await wire.close()


async def test_two_people_pressing_start_at_once_start_once(place: Place) -> None:
    wires = [await place.connect(place.host) for _ in range(2)]
    answers = await asyncio.gather(
        *(wire.call("rotation:start", payload_of("rotation:start", place.room)) for wire in wires)
    )
    assert sorted(answer["ok"] for answer in answers) == [False, True]
    assert [answer["problem"]["code"] for answer in answers if not answer["ok"]] == ["rotation-running"]
    for wire in wires:
        await wire.close()


async def test_full_dojo_says_so_and_holds(place: Place) -> None:
    room = await a_room(place.process, place.host, capacity=2, access="members")
    wires = [await place.connect(place.host), *[await place.connect(somebody(place.tenant_id, "member")) for _ in "ab"]]
    answers = [await wire.call("room:enter", payload_of("room:enter", room)) for wire in wires]
    assert [answer["ok"] for answer in answers] == [True, True, False]
    assert answers[2]["problem"]["code"] == "room-full"
    again = await wires[1].call("room:enter", payload_of("room:enter", room))
    assert again["data"]["status"] == "in"
    for wire in wires:
        await wire.close()


@pytest.mark.parametrize("payload", ["[]", "7", '"x"', "null", "[[[[]]]]", '{"room_id": "no id"}', '{"room_id": null}'])
async def test_malformed_payload_is_answered_and_malformed_packet_ends_the_connection(
    place: Place, payload: str
) -> None:
    token = place.token(place.host)
    socket = await place.http.ws_connect(f"{place.url}/socket.io/?EIO=4&transport=websocket")
    await socket.receive_str()
    await socket.send_str('40{"token":"' + token + '"}')
    await socket.receive_str()
    await socket.send_str(f'421["chat:send",{payload}]')
    assert '"code":"invalid"' in (await socket.receive_str()).replace(" ", "")
    await socket.send_str(f'42["chat:send",{payload}')
    async with asyncio.timeout(5):
        async for _ in socket:
            pass
    assert socket.closed
