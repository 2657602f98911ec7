"""Sign-up and sign-in over HTTP."""

import asyncio
import re
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from core.db import Database
from core.model import TenantId, new_id
from tests.identity.house import PASSWORD, House, Open


def hashes() -> float:
    """How many argon2 computations were done."""
    return REGISTRY.get_sample_value("dojo_password_seconds_count") or 0.0


async def test_sign_up_makes_an_organisation_and_its_owner(house: House) -> None:
    alice, email = await house.sign_up("Alice", "Kata Club")
    principal = house.principal(alice)
    assert principal.role == "owner"
    assert principal.scopes >= {"rooms:write", "members:invite", "audit:read"}
    me = (await alice.ask("GET", "/api/me")).body
    assert me["email"] == email
    assert me["organisation"] == "Kata Club"
    assert me["bound_to"] is None
    assert [one["role"] for one in me["memberships"]] == ["owner"]
    async with house.database.transaction(principal.tenant_id) as tx:
        kinds = await tx.rows("SELECT kind FROM outbox WHERE tenant_id = $1", principal.tenant_id)
    assert kinds == [("MemberJoined",)]


async def test_sign_up_sets_a_cookie_that_scripts_and_other_paths_do_not_get(house: House) -> None:
    browser = house.browser()
    body = {"organisation": "D", "name": "A", "email": f"{new_id().hex}@example.com", "password": PASSWORD}
    answer = await browser.ask("POST", "/api/sign-up", body)
    (cookie,) = answer.set_cookies
    assert cookie.startswith("dojo_refresh=")
    for part in ("HttpOnly", "SameSite=Strict", "Path=/api/session", "Max-Age=2592000"):
        assert part in cookie
    assert browser.cookie not in str(answer.body)


async def test_sign_up_refuses_a_taken_email_unless_its_password_is_given(house: House) -> None:
    alice, email = await house.sign_up("Alice", "First")
    body = {"organisation": "Second", "name": "Mallory", "email": email.upper(), "password": "another password"}
    refused = await house.browser().ask("POST", "/api/sign-up", body)
    assert (refused.status, refused.code) == (409, "email-taken")
    again = await house.browser().ask("POST", "/api/sign-up", body | {"password": PASSWORD})
    assert again.status == 201
    assert again.body["me"]["user_id"] == alice.me["user_id"]
    assert again.body["me"]["name"] == "Alice"
    assert [one["organisation"] for one in again.body["me"]["memberships"]] == ["First", "Second"]


@pytest.mark.parametrize(
    "change",
    [
        {"password": "too short"},
        {"password": "x" * 201},
        {"email": "no-at-sign"},
        {"name": ""},
        {"name": "a\u0000b"},
        {"organisation": "x" * 81},
        {"extra": 1},
    ],
)
async def test_sign_up_refuses_bad_input_without_repeating_it(house: House, change: dict[str, object]) -> None:
    body = {"organisation": "D", "name": "A", "email": f"{new_id().hex}@example.com", "password": PASSWORD} | change
    answer = await house.browser().ask("POST", "/api/sign-up", body)
    assert answer.status == 422
    assert PASSWORD not in str(answer.body)
    assert "too short" not in str(answer.body).lower().replace("string too short", "")


async def test_sign_in_takes_the_password_however_it_was_composed(house: House) -> None:
    browser, email = house.browser(), f"{new_id().hex}@example.com"
    body = {"organisation": "D", "name": "A", "email": email, "password": "soir\u00e9e ouverte"}
    assert (await browser.ask("POST", "/api/sign-up", body)).status == 201
    answer = await browser.ask("POST", "/api/session", {"email": f" {email} ", "password": "soire\u0301e ouverte"})
    assert answer.status == 201


async def test_sign_in_answers_the_same_for_unknown_and_wrong(house: House) -> None:
    _, email = await house.sign_up()
    start = hashes()
    wrong = await house.browser().ask("POST", "/api/session", {"email": email, "password": "wrong password"})
    between = hashes()
    unknown = await house.browser().ask(
        "POST", "/api/session", {"email": f"{new_id().hex}@example.com", "password": "wrong password"}
    )
    assert wrong.status == unknown.status == 401
    assert wrong.body == unknown.body
    assert wrong.code == "wrong-credentials"
    assert wrong.set_cookies == unknown.set_cookies == ()
    assert (between - start, hashes() - between) == (1, 1), "an unknown account must cost one hash too"
    names = [name for name in wrong.headers if name not in {"Date", "X-Request-ID", "X-Request-Id"}]
    assert {name: wrong.headers[name] for name in names} == {name: unknown.headers[name] for name in names}


async def test_guest_cannot_be_signed_in_to_by_password(house: House) -> None:
    """Guests have neither e-mail nor hash; the dummy hash is nobody's password."""
    answer = await house.browser().ask("POST", "/api/session", {"email": "a@b.c", "password": "x"})
    assert answer.status == 401


async def test_sign_in_is_slowed_per_account_and_address_and_never_locked(open_house: Open) -> None:
    house = await open_house(throttle_free=3, throttle_first=60.0)
    _, email = await house.sign_up()
    right, wrong = {"email": email, "password": PASSWORD}, {"email": email, "password": "wrong password"}
    mallory = house.browser()
    for _ in range(4):
        assert (await mallory.ask("POST", "/api/session", wrong)).status == 401
    slowed = await mallory.ask("POST", "/api/session", right)
    assert (slowed.status, slowed.code) == (429, "sign-in-throttled")
    assert 55 < slowed.body["retry_after"] <= 60
    assert int(slowed.headers["Retry-After"]) == slowed.body["retry_after"]
    assert re.search(r"\d+ seconds", slowed.body["detail"])
    elsewhere = house.browser("127.0.0.2")
    assert (await elsewhere.ask("POST", "/api/session", right)).status == 201
    assert (await mallory.ask("POST", "/api/session", {**wrong, "email": "b" + email})).status == 401


async def test_sign_in_forgets_failures_after_success(open_house: Open) -> None:
    house = await open_house(throttle_free=3, throttle_first=60.0)
    _, email = await house.sign_up()
    browser = house.browser()
    for _ in range(4):
        for _ in range(2):
            assert (
                await browser.ask("POST", "/api/session", {"email": email, "password": "wrong password"})
            ).status == 401
        assert (await browser.ask("POST", "/api/session", {"email": email, "password": PASSWORD})).status == 201


async def test_sign_in_works_without_redis_and_still_slows(open_house: Open) -> None:
    house = await open_house({"redis_url": "redis://127.0.0.1:1/0"}, throttle_free=2, throttle_first=60.0)
    _, email = await house.sign_up()
    wrong = {"email": email, "password": "wrong password"}
    browser = house.browser()
    for _ in range(3):
        assert (await browser.ask("POST", "/api/session", wrong)).status == 401
    assert (await browser.ask("POST", "/api/session", wrong)).status == 429


async def test_many_sign_ins_from_one_address_are_refused(open_house: Open) -> None:
    house = await open_house({"rate_scale": 0.1})
    browser = house.browser("127.0.0.77")
    statuses = [
        (await browser.ask("POST", "/api/session", {"email": f"{n}@example.com", "password": "x"})).status
        for n in range(5)
    ]
    assert statuses == [401, 401, 401, 429, 429]


async def test_sign_in_keeps_the_password_under_new_parameters(open_house: Open) -> None:
    old = await open_house()
    _, email = await old.sign_up()
    new = await open_house(argon2_passes=2)
    assert (await new.browser().ask("POST", "/api/session", {"email": email, "password": PASSWORD})).status == 201
    async with new.database.system() as read:
        kept = await read.value(str, "SELECT password_hash FROM users WHERE email = $1", email)
    assert kept is not None
    assert kept.startswith("$argon2id$")
    assert ",t=2," in kept
    assert (await old.browser().ask("POST", "/api/session", {"email": email, "password": PASSWORD})).status == 201


async def test_sign_in_goes_to_the_chosen_else_the_last_used_organisation(house: House) -> None:
    alice, email = await house.sign_up("Alice", "B first")
    first = alice.me["tenant_id"]
    body = {"organisation": "A second", "name": "Alice", "email": email, "password": PASSWORD}
    second = (await alice.ask("POST", "/api/sign-up", body)).body["me"]["tenant_id"]
    plain = {"email": email, "password": PASSWORD}

    async def where(given: dict[str, str]) -> str:
        return str((await house.browser().ask("POST", "/api/session", given)).body["me"]["tenant_id"])

    assert await where(plain) == second
    assert await where(plain | {"tenant_id": first}) == first
    assert await where(plain) == first
    _, other_email = await house.sign_up("Bob", "Other")
    stranger = await house.browser().ask("POST", "/api/session", plain | {"tenant_id": str(new_id())})
    assert stranger.status == 404
    async with house.database.system() as read:
        other = await read.value(UUID, "SELECT last_tenant_id FROM users WHERE email = $1", other_email)
    assert (await house.browser().ask("POST", "/api/session", plain | {"tenant_id": str(other)})).status == 404


async def test_sign_in_without_any_organisation_says_so(house: House) -> None:
    alice, email = await house.sign_up()
    await leave(house.database, alice.me)
    answer = await house.browser().ask("POST", "/api/session", {"email": email, "password": PASSWORD})
    assert (answer.status, answer.code) == (403, "no-membership")


async def leave(database: Database, me: dict[str, str]) -> None:
    """Take the person's membership away."""
    tenant_id = TenantId(UUID(me["tenant_id"]))
    async with database.transaction(tenant_id) as tx:
        await tx.run("DELETE FROM memberships WHERE tenant_id = $1 AND user_id = $2", tenant_id, UUID(me["user_id"]))


async def test_a_foreign_origin_cannot_sign_anyone_in(house: House) -> None:
    _, email = await house.sign_up()
    given = {"email": email, "password": PASSWORD}
    for origin in ("https://evil.example", "null", "http://127.0.0.1:8080.evil.example", "http://127.0.0.1"):
        answer = await house.browser().ask("POST", "/api/session", given, Origin=origin)
        assert (answer.status, answer.code) == (403, "cross-site"), origin
        assert answer.set_cookies == ()
    assert (await house.browser().ask("POST", "/api/session", given, Origin="http://127.0.0.1:8080")).status == 201


async def test_a_full_pool_answers_503_and_the_rest_goes_on(open_house: Open) -> None:
    house = await open_house(argon2_memory_kib=65_536, argon2_passes=4, password_threads=1, password_waiting=0)
    signing_in = [
        asyncio.create_task(house.browser().ask("POST", "/api/session", {"email": f"{n}@example.com", "password": "x"}))
        for n in range(6)
    ]
    assert (await house.browser().ask("GET", "/.well-known/jwks.json")).status == 200
    answers = await asyncio.gather(*signing_in)
    refused = [answer for answer in answers if answer.status == 503]
    assert refused
    assert {answer.status for answer in answers} == {401, 503}
    assert {(answer.code, answer.headers["Retry-After"]) for answer in refused} == {("unavailable", "2")}


@pytest.mark.parametrize("text", ["\ud800", "\U0001f977 \u202e", "\u0130\u0130"])
async def test_strange_letters_break_nothing(house: House, text: str) -> None:
    fields = {"organisation": f"Org {text}", "name": f"N {text}", "password": PASSWORD + text}
    agent = b"Agent \xff\xfe".decode("latin-1")
    body = fields | {"email": f"{new_id().hex}@example.com"}
    answer = await house.browser().ask("POST", "/api/sign-up", body, User_Agent=agent)
    assert answer.status == (422 if text == "\ud800" else 201), answer
    email = f"{text}{new_id().hex}@example.com"
    answer = await house.browser().ask("POST", "/api/session", {"email": email, "password": text})
    assert answer.status == (401 if text.isalpha() else 422), answer


async def test_public_keys_verify_and_hold_no_secret(house: House) -> None:
    answer = await house.browser().ask("GET", "/.well-known/jwks.json")
    assert answer.status == 200
    (key,) = answer.body["keys"]
    assert key["kty"] == "OKP"
    assert "d" not in key
