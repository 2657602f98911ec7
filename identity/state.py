"""Refresh tokens: what one is made of, and what it means that one is shown. Pure.

A token is 32 random bytes that name its family (one sign-in) and 32 random bytes of its own; only SHA-256 hashes are
kept. Whoever shows the family's name with a token that is neither current nor just spent holds an old token of the
family: nobody else can know that name. So reuse is found however old the token is, without keeping a history.
"""

import base64
import binascii
import hashlib
import secrets
from typing import Literal, NamedTuple

from identity.models import SignInRow

PART = 32
SIBLINGS_MAX = 8

Verdict = Literal["rotate", "retry", "crowded", "reused", "over"]


class RefreshToken(NamedTuple):
    """A refresh token in the clear; it exists in the cookie only."""

    family: bytes
    secret: bytes

    @property
    def family_hash(self) -> bytes:
        """What the family is found by."""
        return hashlib.sha256(self.family).digest()

    @property
    def secret_hash(self) -> bytes:
        """What the token is compared by."""
        return hashlib.sha256(self.secret).digest()

    def word(self) -> str:
        """The cookie's value."""
        return base64.urlsafe_b64encode(self.family + self.secret).rstrip(b"=").decode()

    def successor(self) -> "RefreshToken":
        """A new token of the family."""
        return RefreshToken(self.family, secrets.token_bytes(PART))


def new_family() -> RefreshToken:
    """The first token of a new family."""
    return RefreshToken(secrets.token_bytes(PART), secrets.token_bytes(PART))


def read_token(word: str) -> RefreshToken | None:
    """The token in a cookie's value, or None where there is none."""
    try:
        raw = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return RefreshToken(raw[:PART], raw[PART:]) if len(raw) == 2 * PART else None


def judge(sign_in: SignInRow, secret_hash: bytes, retry_window: float) -> Verdict:
    """What showing this token of the sign-in's family means.

    ``retry`` is the honest repeat: the answer to the first use was lost, or two tabs asked at once. The spent token
    counts as such for ``retry_window`` seconds and until a successor was used; each gets a successor of its own,
    because the browser may keep any of them. ``crowded``: too many successors wait already.
    """
    if sign_in.over:
        return "over"
    if secret_hash in sign_in.current_hashes:
        return "rotate"
    if secret_hash == sign_in.previous_hash and sign_in.rotated_ago < retry_window:
        return "retry" if len(sign_in.current_hashes) < SIBLINGS_MAX else "crowded"
    return "reused"
