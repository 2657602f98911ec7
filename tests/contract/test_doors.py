"""Every HTTP door there is × who knocks: each pair has a stated outcome. A new door must be added here to pass."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.packages import doors
from core.call import AccountRole, Principal
from core.db import Database
from core.model import TenantId, UserId, new_id
from core.process import Process, resources_of, web_application
from core.routes import PUBLIC, SIGNED_IN, Route
from core.settings import CoreSettings
from core.tokens import Tokens
from identity.roles import SCOPES

PUBLIC_DOORS = {
    "accept_invitation",
    "enter_guest",
    "get_invitation",
    "get_kata",
    "get_link",
    "get_public_keys",
    "list_kata",
    "receive_livekit_webhook",
    "refresh_session",
    "sign_in",
    "sign_out",
    "sign_up",
}
BODIES: dict[str, Any] = {
    "change_poc": {"revision": 1, "name": "Mine now"},
    "change_room": {"name": "Mine now"},
    "choose_tenant": {"tenant_id": str(new_id())},
    "create_light": {
        "room_id": str(new_id()),
        "op_id": str(new_id()),
        "light_id": str(new_id()),
        "colour": "green",
        "seconds": 1,
        "files": [{"name": "a.py", "text": ""}],
    },
    "create_poc": {"name": "P", "files": [{"name": "a.py", "text": "x = 1"}]},
    "create_room": {"kata": "fizzbuzz"},
    "invite_member": {"email": "x@example.org"},
}
"""A body that would do for each door that takes one and is not public."""
QUIET = {"remove_favourite": 204}
"""Doors of things that answer the same whether there is such a thing or not."""


class Knocked(NamedTuple):
    """The process, a client of it, and one tenant's things."""

    process: Process
    client: "TestClient[web.Request, web.Application]"
    ids: dict[str, str]
    tenant_id: TenantId


def all_routes() -> Iterator[Route]:
    """Every route of every package."""
    for package in doors():
        for routes in package.routes:
            yield from routes.items


CLOSED = [route for route in all_routes() if route.access != PUBLIC]
OF_THINGS = [route for route in CLOSED if {"room_id", "poc_id", "session_id", "light_id"} & route.path_types.keys()]


def named(route: Route) -> str:
    """A route in a test's name."""
    return route.operation_id


def headers(process: Process, role: AccountRole, tenant_id: TenantId, **changes: Any) -> dict[str, str]:
    """Somebody of ``role`` in ``tenant_id``."""
    principal = Principal(
        tenant_id=tenant_id,
        user_id=UserId(new_id()),
        name="Eve",
        role=role,
        scopes=SCOPES[role],
        sign_in_id=new_id(),
        expires_at=time.time() + 300,
    ).model_copy(update=changes)
    return {"Authorization": f"Bearer {process.resources.get(Tokens).access(principal)}"}


async def a_tenant(process: Process) -> TenantId:
    """A new organisation."""
    tenant_id = TenantId(new_id())
    async with process.resources.get(Database).transaction(tenant_id) as tx:
        await tx.run("INSERT INTO tenants (tenant_id, name) VALUES ($1, 'T')", tenant_id)
    return tenant_id


@pytest.fixture
async def knocked(settings: CoreSettings) -> AsyncIterator[Knocked]:
    """A tenant with a dojo being held and a POC."""
    packages = doors()
    process = Process(settings, packages, frozenset(package.name for package in packages) - {"realtime"})
    async with resources_of(process), TestClient(TestServer(web_application(process))) as client:
        tenant_id = await a_tenant(process)
        owner = headers(process, "owner", tenant_id)
        room = await (await client.post("/api/rooms", json=BODIES["create_room"], headers=owner)).json()
        poc = await (await client.post("/api/pocs", json=BODIES["create_poc"], headers=owner)).json()
        ids = {"room_id": room["id"], "session_id": room["session_id"], "poc_id": poc["id"]}
        yield Knocked(process, client, ids, tenant_id)


async def knock(knocked: Knocked, route: Route, who: dict[str, str]) -> tuple[int, str]:
    """The status and problem code that ``who`` gets at ``route``."""
    path = route.path
    for name in route.path_types:
        made = knocked.ids.get(name, str(new_id()))
        path = path.replace(f"{{{name}}}", made)
    body = BODIES[route.operation_id] if route.body is not None else None
    response = await knocked.client.request(route.method, path, json=body, headers=who)
    code = (await response.json())["code"] if response.status >= 400 else ""
    return response.status, code


def test_the_public_doors_are_these_and_no_others() -> None:
    assert {route.operation_id for route in all_routes() if route.access == PUBLIC} == PUBLIC_DOORS


def test_every_door_has_a_name_of_its_own_and_a_summary() -> None:
    names = [route.operation_id for route in all_routes()]
    assert len(names) == len(set(names))
    assert all((route.handler.__doc__ or "").strip() for route in all_routes())


@pytest.mark.parametrize("route", CLOSED, ids=named)
async def test_nobody_gets_in_without_a_token(knocked: Knocked, route: Route) -> None:
    assert await knock(knocked, route, {}) == (401, "unauthenticated")


@pytest.mark.parametrize("route", [route for route in CLOSED if route.access != SIGNED_IN], ids=named)
async def test_nobody_gets_in_without_the_scope(knocked: Knocked, route: Route) -> None:
    weak = headers(knocked.process, "owner", knocked.tenant_id, scopes=frozenset())
    assert await knock(knocked, route, weak) == (403, "forbidden")


@pytest.mark.parametrize("route", OF_THINGS, ids=named)
async def test_another_tenants_things_are_not_there(knocked: Knocked, route: Route) -> None:
    stranger = headers(knocked.process, "owner", await a_tenant(knocked.process))
    status, code = await knock(knocked, route, stranger)
    assert status == QUIET.get(route.operation_id, 404), code


@pytest.mark.parametrize("route", OF_THINGS, ids=named)
async def test_a_guest_of_another_dojo_finds_nothing(knocked: Knocked, route: Route) -> None:
    guest = headers(knocked.process, "guest", knocked.tenant_id, bound_to=new_id())
    status, code = await knock(knocked, route, guest)
    assert status in {403, 404}, code
