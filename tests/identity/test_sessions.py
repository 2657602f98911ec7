"""Refresh, reuse, CSRF, signing out, devices and organisations, over HTTP."""

import asyncio
import json
from uuid import UUID

import pytest

from core.bus import Bus
from core.model import NIL, TenantId, new_id
from identity.service.tools import CONTROL
from identity.state import SIBLINGS_MAX
from tests.identity.house import PASSWORD, Answer, Browser, House, Open

REFRESH = "/api/session/refresh"


async def refresh(browser: Browser, word: str | None = None) -> Answer:
    """Refresh with the browser's cookie, or with ``word`` in its place."""
    if word is not None:
        browser.cookie = word
    return await browser.ask("POST", REFRESH, Authorization=None)


async def ended_ids(house: House, asked: list[UUID]) -> list[UUID]:
    """What the gateway's poll hears."""
    async with house.database.system() as read:
        return [found for (found,) in await read.rows("SELECT * FROM sign_ins_over($1)", asked)]


async def test_refresh_goes_on_with_a_new_token_and_cookie(house: House) -> None:
    alice, _ = await house.sign_up()
    before, first = house.principal(alice), alice.cookie
    answer = await refresh(alice)
    assert answer.status == 200
    assert alice.cookie not in {"", first}
    after = house.principal(alice)
    assert (after.sign_in_id, after.user_id, after.tenant_id) == (before.sign_in_id, before.user_id, before.tenant_id)
    assert answer.body["expires_at"] == after.expires_at
    for _ in range(3):
        assert (await refresh(alice)).status == 200


async def test_refresh_keeps_only_hashes(house: House) -> None:
    alice, _ = await house.sign_up()
    async with house.database.system() as read:
        ((row,),) = await read.rows(
            "SELECT sign_ins::text FROM sign_ins WHERE sign_in_id = $1", house.principal(alice).sign_in_id
        )
    assert alice.cookie not in row


async def test_refresh_ends_the_family_when_an_old_token_comes_again(house: House) -> None:
    alice, _ = await house.sign_up()
    principal, stolen = house.principal(alice), alice.cookie
    heard: list[bytes] = []
    house.process.resources.get(Bus).subscribe(CONTROL, heard.append)
    await refresh(alice)
    await refresh(alice)
    latest = alice.cookie
    thief = await refresh(house.browser(), stolen)
    assert (thief.status, thief.code) == (401, "refresh-reused")
    victim = await refresh(alice, latest)
    assert (victim.status, victim.code) == (401, "sign-in-over")
    assert await house.ended(principal.tenant_id) == [principal.sign_in_id]
    assert [json.loads(one) for one in heard] == [{"kind": "sign_in_ended", "sign_in_id": str(principal.sign_in_id)}]
    assert await ended_ids(house, [principal.sign_in_id]) == [principal.sign_in_id]
    assert (await alice.ask("GET", "/api/me")).code == "sign-in-over"


async def test_refresh_forgives_the_honest_retry(house: House) -> None:
    """The answer was lost on the way: the browser still has the old cookie."""
    alice, _ = await house.sign_up()
    lost = alice.cookie
    await refresh(alice)
    retried = await refresh(alice, lost)
    assert retried.status == 200
    assert (await refresh(alice)).status == 200
    assert await house.ended(house.principal(alice).tenant_id) == []


async def test_refresh_retry_is_reuse_once_a_successor_was_used(house: House) -> None:
    alice, _ = await house.sign_up()
    first = alice.cookie
    await refresh(alice)
    await refresh(alice)
    assert (await refresh(house.browser(), first)).code == "refresh-reused"


async def test_refresh_siblings_of_a_used_successor_are_spent(house: House) -> None:
    """A thief who repeats within the window gets a token, and one of the two is found out at the next use."""
    alice, _ = await house.sign_up()
    first = alice.cookie
    await refresh(alice)
    thief = house.browser()
    assert (await refresh(thief, first)).status == 200
    assert (await refresh(alice)).status == 200
    assert (await refresh(thief)).code == "refresh-reused"
    assert (await refresh(alice)).code == "sign-in-over"


async def test_refresh_retry_after_the_window_is_reuse(open_house: Open) -> None:
    house = await open_house(retry_window=0.0)
    alice, _ = await house.sign_up()
    first = alice.cookie
    await refresh(alice)
    assert (await refresh(alice, first)).code == "refresh-reused"


async def test_refresh_by_many_tabs_at_once_goes_on(house: House) -> None:
    alice, _ = await house.sign_up()
    word, tabs = alice.cookie, [house.browser() for _ in range(SIBLINGS_MAX + 2)]
    answers = await asyncio.gather(*(refresh(tab, word) for tab in tabs))
    assert sorted(answer.status for answer in answers) == [200] * SIBLINGS_MAX + [429] * 2
    keeper = next(tab for tab, answer in zip(reversed(tabs), reversed(answers), strict=True) if answer.status == 200)
    assert (await refresh(keeper)).status == 200


async def test_refresh_says_nothing_to_someone_who_never_signed_in(house: House) -> None:
    answer = await house.browser().ask("POST", REFRESH)
    assert (answer.status, answer.body) == (204, None)


@pytest.mark.parametrize("word", ["x", "%%%", "é", "A" * 86, "A" * 7_000])
async def test_refresh_refuses_garbage(house: House, word: str) -> None:
    cookie = word.encode("utf-8").decode("latin-1")
    answer = await house.browser().ask("POST", REFRESH, Cookie=f"dojo_refresh={cookie}")
    assert (answer.status, answer.code) == (401, "sign-in-over")


async def test_refresh_refuses_an_expired_sign_in(house: House) -> None:
    alice, _ = await house.sign_up()
    async with house.database.system() as write:
        await write.run(
            "UPDATE sign_ins SET expires_at = now() WHERE sign_in_id = $1", house.principal(alice).sign_in_id
        )
    assert (await refresh(alice)).code == "sign-in-over"


async def test_refresh_ends_when_the_membership_is_gone(house: House) -> None:
    alice, _ = await house.sign_up()
    principal = house.principal(alice)
    async with house.database.transaction(principal.tenant_id) as tx:
        await tx.run("DELETE FROM memberships WHERE tenant_id = $1", principal.tenant_id)
    assert (await refresh(alice)).code == "no-membership"
    assert await house.ended(principal.tenant_id) == [principal.sign_in_id]
    assert (await refresh(alice)).code == "sign-in-over"


async def test_refresh_carries_a_changed_role(house: House) -> None:
    alice, _ = await house.sign_up()
    principal = house.principal(alice)
    async with house.database.transaction(principal.tenant_id) as tx:
        await tx.run("UPDATE memberships SET role = 'member' WHERE tenant_id = $1", principal.tenant_id)
    await refresh(alice)
    assert house.principal(alice).role == "member"
    assert "members:invite" not in house.principal(alice).scopes


@pytest.mark.parametrize(("method", "path"), [("POST", REFRESH), ("DELETE", "/api/session")])
@pytest.mark.parametrize(
    "headers",
    [
        {"X_Dojo": None},
        {"X_Dojo": "0"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://evil.example:8080", "X_Forwarded_Host": "evil.example:8080"},
    ],
)
async def test_cookie_routes_refuse_other_sites(
    house: House, method: str, path: str, headers: dict[str, str | None]
) -> None:
    alice, _ = await house.sign_up()
    answer = await alice.ask(method, path, **headers)
    assert (answer.status, answer.code) == (403, "cross-site")
    assert answer.body["detail"]
    assert (await alice.ask("POST", REFRESH, Origin="http://127.0.0.1:8080")).status == 200


async def test_other_origins_can_be_allowed(open_house: Open) -> None:
    house = await open_house(origins=("http://localhost:5173",))
    alice, _ = await house.sign_up()
    assert (await alice.ask("POST", REFRESH, Origin="http://localhost:5173")).status == 200


async def test_sign_out_ends_the_sign_in_everywhere(house: House) -> None:
    alice, _ = await house.sign_up()
    principal, word = house.principal(alice), alice.cookie
    heard: list[bytes] = []
    house.process.resources.get(Bus).subscribe(CONTROL, heard.append)
    answer = await alice.ask("DELETE", "/api/session")
    assert answer.status == 204
    assert alice.cookie == ""
    assert len(heard) == 1
    assert await house.ended(principal.tenant_id) == [principal.sign_in_id]
    assert (await refresh(house.browser(), word)).code == "sign-in-over"
    for method, path in [("GET", "/api/me"), ("GET", "/api/me/devices")]:
        assert (await alice.ask(method, path)).code == "sign-in-over"
    choice = await alice.ask("POST", "/api/session/tenant", {"tenant_id": str(principal.tenant_id)})
    assert choice.code == "sign-in-over"
    invitation = await alice.ask("POST", "/api/invitations", {"email": "x@example.com"})
    assert invitation.code == "sign-in-over"
    assert (await alice.ask("DELETE", f"/api/me/devices/{principal.sign_in_id}")).code == "sign-in-over"


async def test_sign_out_works_by_cookie_alone_and_twice(house: House) -> None:
    alice, _ = await house.sign_up()
    principal = house.principal(alice)
    for _ in range(2):
        assert (await alice.ask("DELETE", "/api/session", Authorization=None)).status == 204
    assert await house.ended(principal.tenant_id) == [principal.sign_in_id]
    assert (await house.browser().ask("DELETE", "/api/session")).status == 204


async def test_ended_sign_ins_names_only_the_ended(house: House) -> None:
    alice, _ = await house.sign_up()
    bob, _ = await house.sign_up()
    gone, here = house.principal(alice).sign_in_id, house.principal(bob).sign_in_id
    await alice.ask("DELETE", "/api/session")
    assert await ended_ids(house, [here, gone, new_id(), NIL]) == [gone]


async def test_devices_are_listed_and_revoked(house: House) -> None:
    laptop, email = await house.sign_up()
    phone = house.browser()
    given = {"email": email, "password": PASSWORD}
    agent = "Phone/1.0 " + "x" * 500
    await phone.ask("POST", "/api/session", given, User_Agent=agent)
    devices = (await laptop.ask("GET", "/api/me/devices")).body
    assert [one["current"] for one in devices] == [False, True]
    assert devices[0]["agent"] == agent[:200]
    lost = devices[0]["id"]
    assert (await laptop.ask("DELETE", f"/api/me/devices/{lost}")).status == 204
    assert (await refresh(phone)).code == "sign-in-over"
    assert await house.ended(house.principal(laptop).tenant_id) == [UUID(lost)]
    assert len((await laptop.ask("GET", "/api/me/devices")).body) == 1
    assert (await laptop.ask("DELETE", f"/api/me/devices/{lost}")).status == 404


async def test_devices_of_others_do_not_exist(house: House) -> None:
    alice, _ = await house.sign_up()
    mallory, _ = await house.sign_up()
    theirs = house.principal(alice).sign_in_id
    for device in (theirs, new_id(), "no-id"):
        assert (await mallory.ask("DELETE", f"/api/me/devices/{device}")).status == 404
    assert (await refresh(alice)).status == 200


async def test_a_person_moves_between_two_organisations(house: House) -> None:
    alice, email = await house.sign_up("Alice", "One")
    one = alice.me["tenant_id"]
    body = {"organisation": "Two", "name": "Alice", "email": email, "password": PASSWORD}
    two = (await house.browser().ask("POST", "/api/sign-up", body)).body["me"]["tenant_id"]
    before = house.principal(alice)
    moved = await alice.ask("POST", "/api/session/tenant", {"tenant_id": two})
    assert moved.status == 200
    after = house.principal(alice)
    assert (str(after.tenant_id), after.sign_in_id) == (two, before.sign_in_id)
    assert moved.body["me"]["organisation"] == "Two"
    await refresh(alice)
    assert alice.me["tenant_id"] == two
    assert {membership["tenant_id"] for membership in alice.me["memberships"]} == {one, two}
    await alice.ask("DELETE", "/api/session")
    assert await house.ended(TenantId(UUID(two))) == [before.sign_in_id]


async def test_a_strangers_organisation_does_not_exist(house: House) -> None:
    alice, _ = await house.sign_up()
    mallory, _ = await house.sign_up()
    for tenant_id in (alice.me["tenant_id"], str(new_id())):
        answer = await mallory.ask("POST", "/api/session/tenant", {"tenant_id": tenant_id})
        assert (answer.status, answer.code) == (404, "not-found")
    await refresh(mallory)
    assert mallory.me["tenant_id"] != alice.me["tenant_id"]


async def test_rows_of_another_tenant_are_out_of_reach(house: House) -> None:
    alice, _ = await house.sign_up()
    mallory, _ = await house.sign_up()
    await alice.ask("POST", "/api/invitations", {"email": "x@example.com"})
    theirs = house.principal(alice).tenant_id
    async with house.database.transaction(house.principal(mallory).tenant_id) as tx:
        for table in ("memberships", "invitations", "tenants", "outbox"):
            assert await tx.rows(f"SELECT 1 FROM {table} WHERE tenant_id = $1", theirs) == []  # noqa: S608
    async with house.database.system() as read:
        for table in ("memberships", "invitations", "tenants", "outbox"):
            assert await read.rows(f"SELECT 1 FROM {table}") == []  # noqa: S608


async def test_signed_in_routes_want_a_token(house: House) -> None:
    browser = house.browser()
    for method, path in [("GET", "/api/me"), ("GET", "/api/me/devices"), ("POST", "/api/session/tenant")]:
        for token in (None, "Bearer x.y.z", "Basic abc"):
            answer = await browser.ask(method, path, Authorization=token)
            assert (answer.status, answer.code) == (401, "unauthenticated")
