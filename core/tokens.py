"""Signed words: access tokens (JWT, RFC 7519, typ ``at+jwt`` RFC 9068) and short-lived passes between packages."""

import base64
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Collection
from pathlib import Path
from typing import Any, TypeVar, get_args
from uuid import UUID

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet, OctKey, OKPKey
from joserfc.jws import JWSRegistry

from core.call import AccountRole, Principal
from core.errors import Unauthenticated
from core.model import Model, TenantId, UserId

M = TypeVar("M", bound=Model)

ALGORITHM = "Ed25519"
VERIFIER = JWSRegistry.algorithms[ALGORITHM]
ACCESS_TTL = 600.0
LEEWAY = 5.0
NOT_VALID = "Your sign-in is no longer valid; sign in again."
BELIEVED_MAX = 10_000
"""Tokens that need no second look until they expire: a signature costs as much as everything else of a call."""


class Tokens:
    """Makes and checks the installation's access tokens (Ed25519, RFC 8037) and passes (HMAC-SHA-256)."""

    def __init__(self, keys: KeySet, secret: str, issuer: str) -> None:
        self._keys = keys
        self._secret = OctKey.import_key(secret)
        self._issuer = issuer
        self._heads: dict[str, Key] = {}
        """Keys by the headers that tokens of theirs begin with: there are no more than keys."""
        self._believed: OrderedDict[bytes, Principal] = OrderedDict()
        """Who holds tokens that were verified before, by their digests; whether a sign-in has ended is not said here."""

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
        digest = hashlib.sha256(token.encode(errors="replace")).digest()
        known = self._believed.get(digest)
        if known is not None and time.time() < known.expires_at + LEEWAY:
            return known
        found = self._verified(token)
        self._believed[digest] = found
        if len(self._believed) > BELIEVED_MAX:
            self._believed.popitem(last=False)
        return found

    def _verified(self, token: str) -> Principal:
        claims = self._access_claims(token)
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

    def _access_claims(self, token: str) -> dict[str, Any]:
        """What an access token says.

        All tokens of one key begin with the same header, to the letter. Once the library has accepted it with a token,
        what is left to do for the next ones is their signature and their claims: half of the cost.
        """
        head, _, rest = token.partition(".")
        key = self._heads.get(head)
        if key is None:
            claims = self._claims(token, self._keys, ALGORITHM, "at+jwt", "dojo")
            kid = json.loads(_decoded(head)).get("kid")
            self._heads |= [(head, each) for each in self._keys.keys if each.kid == kid]
            return claims
        body, _, signature = rest.partition(".")
        try:
            if not VERIFIER.verify(f"{head}.{body}".encode(), _decoded(signature), key):
                raise Unauthenticated(NOT_VALID)
            claims = dict(json.loads(_decoded(body)))
            self._registry("dojo").validate(claims)
        except (JoseError, ValueError) as error:
            raise Unauthenticated(NOT_VALID) from error
        return claims

    def make_pass(self, value: Model, *, ttl: float, since: Collection[str] = ()) -> str:
        """A word that lets another package trust ``value`` for ``ttl`` seconds; its type is its audience.

        Args:
            since: fields that came with this version. The one before, which runs beside it, would refuse them in the value.
        """
        written = value.model_dump(mode="json")
        claims = {
            "iss": self._issuer,
            "aud": type(value).__name__,
            "exp": int(time.time() + ttl),
            "new": {name: written.pop(name) for name in since},
            "val": written,
        }
        return jwt.encode({"alg": "HS256", "typ": "pass+jwt"}, claims, self._secret, algorithms=["HS256"])

    def read_pass(self, kind: type[M], word: str) -> M:
        """The value in ``word``.

        Raises:
            Unauthenticated: not ours, for another audience, or expired.
        """
        claims = self._claims(word, self._secret, "HS256", "pass+jwt", kind.__name__)
        news = {name: value for name, value in claims.get("new", {}).items() if name in kind.model_fields}
        return kind.model_validate({**claims["val"], **news})

    def _claims(self, token: str, key: KeySet | OctKey, algorithm: str, typ: str, audience: str) -> dict[str, Any]:
        try:
            decoded = jwt.decode(token, key, algorithms=[algorithm])
            if decoded.header.get("typ") != typ or "crit" in decoded.header:
                raise Unauthenticated
            self._registry(audience).validate(decoded.claims)
        except (JoseError, ValueError) as error:
            raise Unauthenticated(NOT_VALID) from error
        return decoded.claims

    def _registry(self, audience: str) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            leeway=int(LEEWAY),
            iss={"essential": True, "value": self._issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )


def _decoded(part: str) -> bytes:
    """A part of a token (RFC 7515 §2).

    Raises:
        ValueError: it is none.
    """
    return base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True)


def write_keys(path: Path) -> None:
    """Create a JWK Set with one new Ed25519 key at ``path``, readable by its owner only."""
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(KeySet([key]).as_dict(private=True)))
