"""Invitations: made by admins, looked at without effect, accepted once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.model import new_id
from tests.identity.house import PASSWORD, Browser, House, Open

ACCEPT = "/api/invitations/accept"


async def invite(host: Browser, email: str, role: str = "member") -> dict[str, Any]:
    """A new invitation."""
    answer = await host.ask("POST", "/api/invitations", {"email": email, "role": role})
    assert answer.status == 201, answer
    body: dict[str, Any] = answer.body
    return body


def fresh_email() -> str:
    """An address without account."""
    return f"{new_id().hex}@example.com"


async def test_a_new_person_joins_with_name_and_password(house: House) -> None:
    host, _ = await house.sign_up("Alice", "Kata Club")
    email = fresh_email()
    invitation = await invite(host, email.upper(), "host")
    assert invitation["email"] == email
    week = datetime.fromisoformat(invitation["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=6.9) < week <= timedelta(days=7)
    word = invitation["word"]
    for _ in range(2):
        card = await house.browser().ask("GET", f"/api/invitations/{word}")
        assert card.body == {"organisation": "Kata Club", "email": email, "role": "host", "has_account": False}
    bob = house.browser()
    assert (await bob.ask("POST", ACCEPT, {"word": word, "password": PASSWORD})).status == 422
    joined = await bob.ask("POST", ACCEPT, {"word": word, "name": "Bob", "password": PASSWORD})
    assert joined.status == 200
    assert (bob.me["role"], bob.me["tenant_id"], bob.me["email"]) == ("host", host.me["tenant_id"], email)
    assert bob.cookie
    again = await house.browser().ask("POST", "/api/session", {"email": email, "password": PASSWORD})
    assert again.status == 201
    tenant_id = house.principal(host).tenant_id
    async with house.database.transaction(tenant_id) as tx:
        rows = await tx.rows(
            "SELECT payload FROM outbox WHERE tenant_id = $1 AND kind = 'MemberJoined' ORDER BY id", tenant_id
        )
    assert [payload["user_id"] for (payload,) in rows] == [host.me["user_id"], bob.me["user_id"]]


async def test_someone_with_an_account_must_prove_its_password(house: House) -> None:
    host, _ = await house.sign_up("Alice", "Inviting")
    bob, email = await house.sign_up("Bob", "Own")
    word = (await invite(host, email))["word"]
    assert (await house.browser().ask("GET", f"/api/invitations/{word}")).body["has_account"] is True
    wrong = await house.browser().ask("POST", ACCEPT, {"word": word, "name": "X", "password": "another password"})
    assert (wrong.status, wrong.code) == (401, "wrong-credentials")
    signed_in_is_not_enough = await bob.ask("POST", ACCEPT, {"word": word, "password": "another password"})
    assert signed_in_is_not_enough.status == 401
    joined = await bob.ask("POST", ACCEPT, {"word": word, "name": "Robert", "password": PASSWORD})
    assert joined.status == 200
    assert joined.body["me"]["name"] == "Bob"
    assert [one["organisation"] for one in bob.me["memberships"]] == ["Inviting", "Own"]
    assert bob.me["organisation"] == "Inviting"
    await bob.ask("POST", "/api/session/refresh")
    assert bob.me["organisation"] == "Inviting"


async def test_proving_a_password_by_invitation_is_slowed(open_house: Open) -> None:
    house = await open_house(throttle_free=1, throttle_first=60.0)
    host, _ = await house.sign_up()
    _, email = await house.sign_up()
    word = (await invite(host, email))["word"]
    answers = [
        await house.browser().ask("POST", ACCEPT, {"word": word, "password": "another password"}) for _ in range(3)
    ]
    assert [answer.status for answer in answers] == [401, 401, 429]


async def test_an_invitation_is_used_once_even_at_once(house: House) -> None:
    host, _ = await house.sign_up()
    _, email = await house.sign_up()
    word = (await invite(host, email))["word"]
    body = {"word": word, "password": PASSWORD}
    answers = await asyncio.gather(*(house.browser().ask("POST", ACCEPT, body) for _ in range(4)))
    assert sorted(answer.status for answer in answers) == [200, 410, 410, 410]
    later = await house.browser().ask("POST", ACCEPT, body)
    assert (later.status, later.code) == (410, "invitation-used")
    assert (await house.browser().ask("GET", f"/api/invitations/{word}")).code == "invitation-used"


async def test_two_new_people_at_once_make_one_account(house: House) -> None:
    host, _ = await house.sign_up()
    body = {"word": (await invite(host, fresh_email()))["word"], "name": "Bob", "password": PASSWORD}
    answers = await asyncio.gather(*(house.browser().ask("POST", ACCEPT, body) for _ in range(3)))
    assert all(answer.status in {409, 410} for answer in answers if answer.status != 200)
    assert sum(answer.status == 200 for answer in answers) == 1


async def test_an_invitation_expires(open_house: Open) -> None:
    house = await open_house(invitation_ttl=0.0)
    host, _ = await house.sign_up()
    word = (await invite(host, fresh_email()))["word"]
    for method, path, body in [
        ("GET", f"/api/invitations/{word}", None),
        ("POST", ACCEPT, {"word": word, "name": "Bob", "password": PASSWORD}),
    ]:
        answer = await house.browser().ask(method, path, body)
        assert (answer.status, answer.code) == (410, "invitation-expired")


async def test_an_unknown_word_opens_nothing(house: House) -> None:
    for word in ("x", "A" * 43, "%00", "%F0%9F%98%80"):
        assert (await house.browser().ask("GET", f"/api/invitations/{word}")).status == 404
    answer = await house.browser().ask("POST", ACCEPT, {"word": "x", "name": "B", "password": PASSWORD})
    assert answer.status == 404


async def test_only_the_words_hash_is_kept(house: House) -> None:
    host, _ = await house.sign_up()
    word = (await invite(host, fresh_email()))["word"]
    tenant_id = house.principal(host).tenant_id
    async with house.database.transaction(tenant_id) as tx:
        ((row,),) = await tx.rows("SELECT invitations::text FROM invitations WHERE tenant_id = $1", tenant_id)
    assert word not in row
    assert word.encode().hex() not in row


async def test_members_and_hosts_cannot_invite(house: House) -> None:
    owner, _ = await house.sign_up()
    for role, status in [("member", 403), ("host", 403), ("admin", 201)]:
        word = (await invite(owner, fresh_email(), role))["word"]
        person = house.browser()
        await person.ask("POST", ACCEPT, {"word": word, "name": role, "password": PASSWORD})
        answer = await person.ask("POST", "/api/invitations", {"email": fresh_email()})
        assert answer.status == status


@pytest.mark.parametrize("role", ["owner", "guest", "root"])
async def test_invitations_are_for_ordinary_roles(house: House, role: str) -> None:
    host, _ = await house.sign_up()
    assert (await host.ask("POST", "/api/invitations", {"email": fresh_email(), "role": role})).status == 422


async def test_a_member_is_not_invited_again(house: House) -> None:
    host, email = await house.sign_up()
    again = await host.ask("POST", "/api/invitations", {"email": email})
    assert (again.status, again.code) == (409, "already-member")
    bob_email = fresh_email()
    words = [(await invite(host, bob_email))["word"] for _ in range(2)]
    bodies = [{"word": word, "name": "Bob", "password": PASSWORD} for word in words]
    assert (await house.browser().ask("POST", ACCEPT, bodies[0])).status == 200
    second = await house.browser().ask("POST", ACCEPT, bodies[1])
    assert (second.status, second.code) == (409, "already-member")
