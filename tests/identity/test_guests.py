"""Guests: a name and a pass, bound to one room."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from core.errors import NotFound, Problem
from core.model import Model, TenantId, new_id
from identity.events import GuestGrant
from tests.identity.house import Answer, Browser, House


class OtherGrant(Model):
    """A pass for another purpose."""

    tenant_id: TenantId
    bound_to: UUID


async def come(house: House, room_id: UUID) -> tuple[Browser, Answer]:
    """A guest of a new organisation's room."""
    host, _ = await house.sign_up()
    grant = GuestGrant(tenant_id=house.principal(host).tenant_id, bound_to=room_id)
    guest = house.browser()
    body = {"guest_pass": house.tokens.make_pass(grant, ttl=60), "name": "Gus"}
    return guest, await guest.ask("POST", "/api/guests", body)


@contextmanager
def refused(kind: type[Problem]) -> Iterator[None]:
    with pytest.raises(kind):
        yield


async def test_guest_is_bound_to_the_room_of_the_pass(house: House) -> None:
    room_id = new_id()
    guest, answer = await come(house, room_id)
    assert answer.status == 201
    me = answer.body["me"]
    assert (me["role"], me["email"], me["bound_to"], me["memberships"]) == ("guest", None, str(room_id), [])
    assert me["organisation"] == "Dojo"
    principal = house.principal(guest)
    assert principal.scopes == {"rooms:join", "rooms:read"}
    principal.require_reach(room_id)
    with refused(NotFound):
        principal.require_reach(new_id())
    assert (await guest.ask("GET", "/api/me")).body == me


async def test_guest_goes_on_by_cookie_as_the_same_guest(house: House) -> None:
    room_id = new_id()
    guest, answer = await come(house, room_id)
    assert "Max-Age=86400" in answer.set_cookies[0]
    again = await guest.ask("POST", "/api/session/refresh", Authorization=None)
    assert again.status == 200
    assert again.body["me"] == answer.body["me"]
    assert house.principal(guest).bound_to == room_id


async def test_guest_has_no_organisation_to_choose_and_cannot_invite(house: House) -> None:
    guest, answer = await come(house, new_id())
    chosen = await guest.ask("POST", "/api/session/tenant", {"tenant_id": answer.body["me"]["tenant_id"]})
    assert chosen.status == 404
    invited = await guest.ask("POST", "/api/invitations", {"email": "x@example.com"})
    assert (invited.status, invited.code) == (403, "forbidden")


async def test_guest_pass_must_be_ours_fresh_and_of_its_kind(house: House) -> None:
    host, _ = await house.sign_up()
    tenant_id = house.principal(host).tenant_id
    grant = GuestGrant(tenant_id=tenant_id, bound_to=new_id())
    good = house.tokens.make_pass(grant, ttl=60)
    assert host.token is not None
    for word in (
        "",
        "x",
        good[:-2],
        house.tokens.make_pass(grant, ttl=-10),
        house.tokens.make_pass(OtherGrant(tenant_id=tenant_id, bound_to=new_id()), ttl=60),
        host.token,
    ):
        answer = await house.browser().ask("POST", "/api/guests", {"guest_pass": word, "name": "Gus"})
        assert (answer.status, answer.code) == (410, "guest-pass-expired")
        assert answer.set_cookies == ()
    assert (await house.browser().ask("POST", "/api/guests", {"guest_pass": good, "name": " "})).status == 422


async def test_a_pass_is_no_access_token(house: House) -> None:
    host, _ = await house.sign_up()
    grant = GuestGrant(tenant_id=house.principal(host).tenant_id, bound_to=new_id())
    host.token = house.tokens.make_pass(grant, ttl=60)
    assert (await host.ask("GET", "/api/me")).status == 401
