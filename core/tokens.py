"""Signed words: access tokens (JWT, RFC 7519, typ ``at+jwt`` RFC 9068) and short-lived passes between packages."""

import json
import time
from pathlib import Path
from typing import Any, TypeVar, get_args
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey, OKPKey

from core.call import AccountRole, Principal
from core.errors import Unauthenticated
from core.model import Model, TenantId, UserId

M = TypeVar("M", bound=Model)

ALGORITHM = "Ed25519"
ACCESS_TTL = 600.0
LEEWAY = 5.0


class Tokens:
    """Makes and checks the installation's access tokens (Ed25519, RFC 8037) and passes (HMAC-SHA-256)."""

    def __init__(self, keys: KeySet, secret: str, issuer: str) -> None:
        self._keys = keys
        self._secret = OctKey.import_key(secret)
        self._issuer = issuer

    @classmethod
    def load(cls, path: Path, secret: str, issuer: str) -> "Tokens":
        """Read the JWK Set at ``path``; the first key signs."""
        return cls(KeySet.import_key_set(json.loads(path.read_text())), secret, issuer)

    def public_keys(self) -> dict[str, Any]:
        """The JWK Set that others verify our tokens with."""
        return dict(self._keys.as_dict(private=False))

    def access(self, principal: Principal) -> str:
        """The access token of ``principal``, valid until its ``expires_at``."""
        claims = {
            "iss": self._issuer,
            "aud": "dojo",
            "sub": str(principal.user_id),
            "tid": str(principal.tenant_id),
            "sid": str(principal.sign_in_id),
            "name": principal.name,
            "role": principal.role,
            "scope": " ".join(sorted(principal.scopes)),
            "exp": int(principal.expires_at),
        }
        if principal.bound_to is not None:
            claims["res"] = str(principal.bound_to)
        key = self._keys.keys[0]
        return jwt.encode({"alg": ALGORITHM, "typ": "at+jwt", "kid": key.kid}, claims, key, algorithms=[ALGORITHM])

    def principal(self, token: str) -> Principal:
        """Who holds ``token``.

        Raises:
            Unauthenticated: not ours, changed, of another type, or expired.
        """
        claims = self._claims(token, self._keys, ALGORITHM, "at+jwt", "dojo")
        role = claims["role"]
        if role not in get_args(AccountRole):
            raise Unauthenticated
        return Principal(
            tenant_id=TenantId(UUID(claims["tid"])),
            user_id=UserId(UUID(claims["sub"])),
            name=claims["name"],
            role=role,
            scopes=frozenset(claims["scope"].split()),
            sign_in_id=UUID(claims["sid"]),
            bound_to=UUID(claims["res"]) if "res" in claims else None,
            expires_at=claims["exp"],
        )

    def make_pass(self, value: Model, *, ttl: float) -> str:
        """A word that lets another package trust ``value`` for ``ttl`` seconds; its type is its audience."""
        claims = {
            "iss": self._issuer,
            "aud": type(value).__name__,
            "exp": int(time.time() + ttl),
            "val": value.model_dump(mode="json"),
        }
        return jwt.encode({"alg": "HS256", "typ": "pass+jwt"}, claims, self._secret, algorithms=["HS256"])

    def read_pass(self, kind: type[M], word: str) -> M:
        """The value in ``word``.

        Raises:
            Unauthenticated: not ours, for another audience, or expired.
        """
        claims = self._claims(word, self._secret, "HS256", "pass+jwt", kind.__name__)
        return kind.model_validate(claims["val"])

    def _claims(self, token: str, key: KeySet | OctKey, algorithm: str, typ: str, audience: str) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, key, algorithms=[algorithm])
            if decoded.header.get("typ") != typ or "crit" in decoded.header:
                raise Unauthenticated
            registry = jwt.JWTClaimsRegistry(
                leeway=int(LEEWAY),
                iss={"essential": True, "value": self._issuer},
                aud={"essential": True, "value": audience},
                exp={"essential": True},
            )
            registry.validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise Unauthenticated("Your sign-in is no longer valid; sign in again.") from error
        return decoded.claims


def write_keys(path: Path) -> None:
    """Create a JWK Set with one new Ed25519 key at ``path``, readable by its owner only."""
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(KeySet([key]).as_dict(private=True)))
