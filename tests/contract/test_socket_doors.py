"""Every socket event there is × who sends it: each pair has a stated outcome. A new event must be added here to pass."""

import asyncio
import json
import time
from typing import Any

import pytest

from core.call import AccountRole
from core.model import new_id
from tests.contract.place import (
    IN_ROOMS,
    PAYLOADS,
    WITHOUT_ROOM,
    Place,
    a_room,
    a_tenant,
    all_events,
    payload_of,
    somebody,
)
from tests.scenarios.programs import Wire


async def try_all(place: Place, wire: Wire, names: list[str] = IN_ROOMS) -> dict[str, str]:
    """What became of the events, sent to the dojo by somebody who has no business there; nothing happened in it."""
    outcomes = {}
    for name in names:
        before = await place.last()
        answer = await wire.call(name, payload_of(name, place.room))
        outcomes[name] = "ok" if answer["ok"] else answer["problem"]["code"]
        assert await place.last() == before, name
    assert "room:signal" not in [event for event, _ in place.heard]
    return outcomes


OTHERS = [name for name in IN_ROOMS if name != "room:enter"]
"""Everything but coming in."""
QUIET = {"room:leave": "ok"}
"""Who is not in may leave: nothing happens."""


def test_every_event_is_stated_here() -> None:
    names = [event.name for event in all_events()]
    assert len(names) == len(set(names))
    assert set(names) == PAYLOADS.keys() | WITHOUT_ROOM
    assert set(IN_ROOMS) == PAYLOADS.keys()
    assert all((event.handler.__doc__ or "").strip() for event in all_events())


@pytest.mark.parametrize("role", ["owner", "admin", "host", "member"])
async def test_who_did_not_enter_does_nothing(place: Place, role: AccountRole) -> None:
    wire = await place.connect(somebody(place.tenant_id, role))
    assert await try_all(place, wire, OTHERS) == dict.fromkeys(OTHERS, "not-admitted") | QUIET
    await wire.close()


async def test_who_waits_does_nothing(place: Place) -> None:
    guest = await place.connect(somebody(place.tenant_id, "guest", bound_to=place.room.id))
    assert (await guest.call("room:enter", payload_of("room:enter", place.room)))["data"]["status"] == "waiting"
    names = [name for name in OTHERS if name not in QUIET]
    assert await try_all(place, guest, names) == dict.fromkeys(names, "not-admitted")
    await guest.close()


async def test_who_is_in_another_dojo_does_nothing_here(place: Place) -> None:
    member = somebody(place.tenant_id, "member")
    other = await a_room(place.process, member)
    wire = await place.connect(member)
    assert (await wire.call("room:enter", payload_of("room:enter", other)))["data"]["status"] == "in"
    assert await try_all(place, wire, OTHERS) == dict.fromkeys(OTHERS, "not-admitted") | QUIET
    await wire.close()


async def test_closed_dojo_takes_nothing(place: Place) -> None:
    wire = await place.connect(place.host)
    assert (await wire.call("session:close", payload_of("session:close", place.room)))["ok"]
    assert await try_all(place, wire) == dict.fromkeys(IN_ROOMS, "room-closed")
    await wire.close()


async def test_another_tenants_dojo_is_not_there(place: Place) -> None:
    wire = await place.connect(somebody(await a_tenant(place.process), "owner"))
    assert await try_all(place, wire) == dict.fromkeys(IN_ROOMS, "room-not-found")
    await wire.close()


async def test_guest_of_another_dojo_finds_nothing(place: Place) -> None:
    guest = somebody(place.tenant_id, "guest", bound_to=new_id())
    wire = await place.connect(guest)
    assert await try_all(place, wire) == dict.fromkeys(IN_ROOMS, "not-found")
    await wire.close()


async def test_token_without_the_scope_does_nothing(place: Place) -> None:
    wire = await place.connect(somebody(place.tenant_id, "owner", scopes=frozenset()))
    assert await try_all(place, wire) == dict.fromkeys(IN_ROOMS, "forbidden")
    await wire.close()


async def test_payload_that_lacks_something_is_invalid(place: Place) -> None:
    wire = await place.connect(place.host)
    for event in all_events():
        payloads: tuple[Any, ...] = ({}, [], "x", {**PAYLOADS.get(event.name, {}), "surprise": 1})
        for payload in payloads:
            answer = await wire.call(event.name, payload)
            assert answer["problem"]["code"] == "invalid", (event.name, payload)
    await wire.close()


@pytest.mark.parametrize("name", [*IN_ROOMS, *WITHOUT_ROOM])
async def test_expired_token_opens_no_door(place: Place, name: str) -> None:
    """The token is refused at CONNECT; who goes on all the same is cut off and changes nothing."""
    late = place.token(somebody(place.tenant_id, "owner", user_id=place.host.user_id, expires_at=time.time() - 60))
    payload: dict[str, object] = (
        {"token": place.token(place.host)} if name in WITHOUT_ROOM else payload_of(name, place.room)
    )
    before = await place.last()
    socket = await place.http.ws_connect(f"{place.url}/socket.io/?EIO=4&transport=websocket")
    await socket.receive_str()
    await socket.send_str("40" + json.dumps({"token": late}))
    refused = await socket.receive_str()
    assert refused.startswith("44")
    assert json.loads(refused[2:])["data"]["code"] == "unauthenticated"
    await socket.send_str("421" + json.dumps([name, payload]))
    async with asyncio.timeout(5):
        heard = [message.data async for message in socket]
    assert not [text for text in heard if str(text).startswith("43")]
    assert await place.last() == before


async def test_renewal_is_for_the_same_sign_in_alone(place: Place) -> None:
    wire = await place.connect(place.host)
    others = [
        somebody(place.tenant_id, "owner"),
        place.host.model_copy(update={"sign_in_id": new_id()}),
        place.host.model_copy(update={"tenant_id": await a_tenant(place.process)}),
    ]
    for other in others:
        answer = await wire.call("session:renew", {"token": place.token(other)})
        assert answer["problem"]["code"] == "forbidden"
    late = place.host.model_copy(update={"expires_at": time.time() - 60})
    answer = await wire.call("session:renew", {"token": place.token(late)})
    assert answer["problem"]["code"] == "unauthenticated"
    assert (await wire.call("session:renew", {"token": place.token(place.host)}))["ok"]
    await wire.close()
