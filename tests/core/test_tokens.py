"""Access tokens and passes: what is ours is believed, everything else is not."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey

from core.call import Principal
from core.errors import Unauthenticated
from core.model import Model, TenantId, UserId, new_id
from core.tokens import LEEWAY, Tokens, write_keys

SECRET = "s" * 40
ISSUER = "http://dojo.example"


class Grant(Model):
    """What one pass says."""

    number: int


class Other(Model):
    """What another pass says."""

    number: int


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A fresh installation's keys."""
    path = tmp_path / "keys.json"
    write_keys(path)
    return path


@pytest.fixture
def tokens(keys: Path) -> Tokens:
    """That installation's tokens."""
    return Tokens.load(keys, SECRET, ISSUER)


def a_principal(**changes: Any) -> Principal:
    """Somebody."""
    values = {
        "tenant_id": TenantId(new_id()),
        "user_id": UserId(new_id()),
        "name": "Ana",
        "role": "member",
        "scopes": frozenset({"rooms:read", "rooms:write"}),
        "sign_in_id": new_id(),
        "expires_at": int(time.time()) + 60,
    }
    return Principal.model_validate(values | changes)


def test_access_token_says_who_it_is(tokens: Tokens) -> None:
    guest = a_principal(role="guest", bound_to=new_id())
    assert tokens.principal(tokens.access(guest)) == guest


def test_expired_changed_and_foreign_tokens_are_refused(tokens: Tokens, tmp_path: Path) -> None:
    token = tokens.access(a_principal())
    head, body, signature = token.split(".")
    write_keys(tmp_path / "other.json")
    foreign = Tokens.load(tmp_path / "other.json", SECRET, ISSUER)
    issuer = Tokens.load(tmp_path / "keys.json", SECRET, "http://elsewhere.example")
    for bad in (
        tokens.access(a_principal(expires_at=time.time() - 60)),
        f"{head}.{body[:-2]}AA.{signature}",
        foreign.access(a_principal()),
        issuer.access(a_principal()),
        "",
        "a.b.c",
        tokens.make_pass(Grant(number=1), ttl=60),
    ):
        with pytest.raises(Unauthenticated):
            tokens.principal(bad)


def test_what_was_believed_once_is_no_reason_to_believe_what_differs(tokens: Tokens) -> None:
    """After the first token of a key, the others' headers are known; signature and claims are looked at all the same."""
    first, second = tokens.access(a_principal(name="Ana")), tokens.access(a_principal(name="Bob"))
    assert [tokens.principal(each).name for each in (first, second, first)] == ["Ana", "Bob", "Ana"]
    head, body, signature = second.split(".")
    for bad in (
        f"{head}.{first.split('.')[1]}.{signature}",
        f"{head}.{body}.{first.split('.')[2]}",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{body}.{signature}.{signature}",
        f"{head}.{body}.{signature}é",
        f"{head}..{signature}",
        tokens.access(a_principal(expires_at=time.time() - 60)),
        Tokens(tokens._keys, SECRET, "http://elsewhere.example").access(a_principal()),
    ):
        with pytest.raises(Unauthenticated):
            tokens.principal(bad)


def test_believed_token_expires(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    token = tokens.access(a_principal(expires_at=time.time() + 60))
    assert tokens.principal(token).name == "Ana"
    later = time.time() + 60 + LEEWAY + 1
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Unauthenticated):
        tokens.principal(token)


def test_believed_tokens_are_bounded(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.tokens.BELIEVED_MAX", 2)
    for _ in range(5):
        tokens.principal(tokens.access(a_principal()))
    assert len(tokens._believed) == 2


def test_public_key_as_a_shared_secret_is_refused(tokens: Tokens) -> None:
    """The classic confusion: HS256 with the published key as its secret."""
    public = tokens.public_keys()["keys"][0]
    forged = jwt.encode(
        {"alg": "HS256", "typ": "at+jwt", "kid": public["kid"]},
        {"iss": ISSUER, "aud": "dojo", "exp": int(time.time()) + 60},
        OctKey.import_key(json.dumps(public)),
        algorithms=["HS256"],
    )
    with pytest.raises(Unauthenticated):
        tokens.principal(forged)


def test_published_keys_hold_no_private_part(tokens: Tokens) -> None:
    assert all("d" not in key for key in tokens.public_keys()["keys"])


def test_keys_rotate_while_old_tokens_live_on(tokens: Tokens, keys: Path) -> None:
    old = tokens.access(a_principal())
    ring = json.loads(keys.read_text())
    fresh = OKPKey.generate_key("Ed25519", auto_kid=True)
    keys.write_text(json.dumps({"keys": [KeySet([fresh]).as_dict(private=True)["keys"][0], *ring["keys"]]}))
    rotated = Tokens.load(keys, SECRET, ISSUER)
    assert rotated.principal(old).name == "Ana"
    assert rotated.principal(rotated.access(a_principal())).name == "Ana"
    with pytest.raises(Unauthenticated):
        tokens.principal(rotated.access(a_principal()))


def test_pass_is_for_one_audience_and_a_short_time(tokens: Tokens) -> None:
    word = tokens.make_pass(Grant(number=7), ttl=60)
    assert tokens.read_pass(Grant, word).number == 7
    with pytest.raises(Unauthenticated):
        tokens.read_pass(Other, word)
    with pytest.raises(Unauthenticated):
        tokens.read_pass(Grant, tokens.make_pass(Grant(number=7), ttl=-60))
    with pytest.raises(Unauthenticated):
        tokens.read_pass(Grant, tokens.access(a_principal()))


def test_new_key_file_is_readable_by_its_owner_only(keys: Path) -> None:
    assert keys.stat().st_mode & 0o077 == 0
