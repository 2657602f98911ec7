"""The HTTP door, over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application

from core.call import Principal
from core.limits import Limits
from core.model import TenantId, new_id
from core.routes import PUBLIC, Edge, edge_middleware
from core.settings import CoreSettings
from core.tokens import Tokens
from rooms.models import Room
from rooms.routes import hooks, routes
from tests.rooms.house import House, guest, principal

Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def ask(house: House, settings: CoreSettings) -> AsyncIterator[Ask]:
    """Asks the package's routes: who, method, path, body → status and JSON."""
    house.resources.provide(Limits, Limits(str(settings.redis_url)))
    app = Application(middlewares=[edge_middleware])
    edge = Edge(house.resources)
    for each in (routes, hooks):
        edge.mount(app, each.items)
    async with TestClient(TestServer(app)) as client:

        async def send(who: Principal | None, method: str, path: str, body: object = None) -> tuple[int, Any]:
            headers = {}
            if who is not None:
                headers["Authorization"] = f"Bearer {house.resources.get(Tokens).access(who)}"
            async with client.request(method, path, headers=headers, json=body) as response:
                return response.status, await response.json(content_type=None)

        yield send


async def test_host_creates_finds_changes_and_closes_a_dojo(ask: Ask, ana: Principal) -> None:
    status, room = await ask(ana, "POST", "/api/rooms", {"kata": "fizzbuzz", "name": "Friday"})
    assert (status, room["name"], room["is_active"]) == (201, "Friday", True)
    path = f"/api/rooms/{room['id']}"
    assert (await ask(ana, "GET", path))[1] == room
    assert (await ask(ana, "GET", "/api/rooms?state=open"))[1]["items"] == [room]
    assert (await ask(ana, "PATCH", path, {"name": "Monday"}))[1]["name"] == "Monday"
    status, problem = await ask(ana, "POST", f"{path}/open")
    assert (status, problem["code"]) == (409, "room-already-open")
    assert (await ask(ana, "POST", f"{path}/close"))[1]["is_active"] is False
    assert (await ask(ana, "POST", f"{path}/open"))[1]["is_active"] is True
    assert len((await ask(ana, "GET", f"{path}/sessions"))[1]) == 2


@pytest.mark.parametrize("is_open", [True, False])
async def test_two_who_change_a_dojo_at_once_both_do(ask: Ask, ana: Principal, is_open: bool) -> None:
    _, room = await ask(ana, "POST", "/api/rooms", {"kata": "fizzbuzz"})
    path = f"/api/rooms/{room['id']}"
    if not is_open:
        await ask(ana, "POST", f"{path}/close")
    for number in range(5):
        name, capacity = f"Dojo {number}", 10 + number
        changes = ({"name": name}, {"capacity": capacity}, {"turn_seconds": 100.0 + number})
        answers = await asyncio.gather(*(ask(ana, "PATCH", path, change) for change in changes))
        assert {status for status, _ in answers} == {200}
        _, room = await ask(ana, "GET", path)
        assert (room["name"], room["capacity"], room["turn_seconds"]) == (name, capacity, 100.0 + number)


async def test_library_is_listed_and_read(ask: Ask, ana: Principal) -> None:
    status, kata = await ask(ana, "GET", "/api/kata")
    assert status == 200
    assert len(kata) >= 5
    status, one = await ask(ana, "GET", f"/api/kata/{kata[0]['slug']}")
    assert [file["name"] for file in one["files"]["javascript"]] == ["fizzbuzz.js", "fizzbuzz.test.js"]
    assert (await ask(ana, "GET", "/api/kata/nonsense"))[1]["code"] == "unknown-kata"


async def test_link_is_read_without_signing_in(ask: Ask, house: House, ana: Principal) -> None:
    room = await house.create(ana)
    status, link = await ask(None, "GET", f"/api/links/{room.code}")
    assert (status, link["room_id"], bool(link["guest_pass"])) == (200, str(room.id), True)
    assert (await ask(None, "GET", "/api/links/nowhere"))[0] == 404


async def test_summary_participants_and_light_are_read(ask: Ask, house: House, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    path = f"/api/rooms/{room.id}"
    assert (await ask(ana, "GET", f"{path}/participants"))[1][0]["name"] == "Ana"
    assert (await ask(ana, "GET", f"{path}/sessions/{room.session_id}/summary"))[1]["people"] == ["Ana"]
    assert (await ask(ana, "GET", f"{path}/lights/{new_id()}"))[1]["code"] == "light-not-found"
    assert (await ask(ana, "POST", f"{path}/media-token"))[1]["code"] == "no-media"
    assert (await ask(ana, "POST", f"{path}/editor-pass"))[1]["may_write"] is True


def light(room: Room, text: str = "x = 1") -> dict[str, object]:
    """A test run's report."""
    files = [{"name": "fizzbuzz.py", "text": text}]
    ids = {"room_id": str(room.id), "op_id": str(new_id()), "light_id": str(new_id())}
    return {**ids, "colour": "green", "seconds": 1, "files": files}


async def test_large_light_is_reported_over_http(ask: Ask, house: House, ana: Principal) -> None:
    room, other = await house.create(ana), await house.create(ana)
    await house.enter(ana, room)
    body = light(room, "x" * 100_000)
    assert await ask(ana, "POST", f"/api/rooms/{room.id}/lights", body) == (201, {"seq": 3})
    assert await ask(ana, "POST", f"/api/rooms/{room.id}/lights", body) == (201, {"seq": 3})
    kept = (await ask(ana, "GET", f"/api/rooms/{room.id}/lights/{body['light_id']}"))[1]
    assert len(kept["files"][0]["text"]) == 100_000
    assert (await ask(ana, "POST", f"/api/rooms/{other.id}/lights", body))[0] == 404


async def test_doors_are_closed_to_those_outside(
    ask: Ask, house: House, ana: Principal, new_tenant: Callable[[], Awaitable[TenantId]]
) -> None:
    room, other = await house.create(ana), await house.create(ana)
    gil, eve = guest(other, ana.tenant_id), principal(await new_tenant(), "Eve", "owner")
    for route in routes.items:
        if "{room_id}" not in route.path:
            continue
        path = route.path.format(room_id=room.id, session_id=room.session_id, light_id=new_id())
        body = {"create_light": light(room), "change_room": {"name": "Mine"}}.get(route.operation_id)
        assert (await ask(None, route.method, path, body))[0] == 401
        assert (await ask(eve, route.method, path, body))[0] == 404
        assert (await ask(gil, route.method, path, body))[0] in {403, 404}


async def test_nonsense_is_refused_with_reasons(ask: Ask, ana: Principal) -> None:
    bodies: tuple[object, ...] = (
        {"kata": "fizzbuzz", "capacity": 501},
        {"kata": "fizzbuzz", "name": "\u0000"},
        {},
        [],
        "x",
    )
    for body in bodies:
        status, problem = await ask(ana, "POST", "/api/rooms", body)
        assert (status, problem["code"]) == (422, "invalid")
    assert (await ask(ana, "POST", "/api/rooms", {"kata": "nonsense"}))[1]["code"] == "unknown-kata"
    assert (await ask(ana, "GET", "/api/rooms?cursor=nonsense"))[0] == 422
    assert (await ask(ana, "GET", "/api/rooms/nonsense"))[0] == 404


def test_public_routes_are_the_library_the_link_and_the_hook() -> None:
    public = {route.path for each in (routes, hooks) for route in each.items if route.access == PUBLIC}
    assert public == {"/api/kata", "/api/kata/{slug}", "/api/links/{code}", "/hooks/livekit"}


async def test_hook_without_livekit_says_so(ask: Ask) -> None:
    status, problem = await ask(None, "POST", "/hooks/livekit", {})
    assert (status, problem["code"]) == (503, "no-media")
