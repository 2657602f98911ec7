"""People, their organisations (tenants) and their sign-ins, at rest and on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, SecretStr, StringConstraints

from core.call import AccountRole
from core.model import Instant, Line, Model, TenantId, UserId

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True,
        to_lower=True,
        max_length=254,
        pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+\.[^@\s\x00-\x1f]+$",
    ),
]
Password = Annotated[SecretStr, Field(min_length=10, max_length=200, description="10 to 200 characters.")]
GivenPassword = Annotated[SecretStr, Field(min_length=1, max_length=200)]


class SignUp(Model):
    """A new organisation and its owner."""

    organisation: Line
    name: Line
    email: Email
    password: Password


class SignIn(Model):
    """An e-mail and password; ``tenant_id`` chooses among several organisations."""

    email: Email
    password: GivenPassword
    tenant_id: TenantId | None = None


class NewGuest(Model):
    """A name and the pass that ``GET /api/links/{code}`` gave."""

    guest_pass: str
    name: Line


class Membership(Model):
    """An organisation that a person belongs to."""

    tenant_id: TenantId
    organisation: str
    role: AccountRole


class Me(Model):
    """The person who is signed in."""

    user_id: UserId
    name: str
    email: str | None
    tenant_id: TenantId
    organisation: str
    role: AccountRole
    scopes: tuple[str, ...]
    bound_to: UUID | None
    memberships: tuple[Membership, ...]


class SignedIn(Model):
    """An access token for the ``Authorization: Bearer`` header and the Socket.IO ``auth`` payload.

    The refresh token travels in a cookie that scripts cannot read.
    """

    access_token: str
    expires_at: Instant
    me: Me


class ChooseTenant(Model):
    """Go on in another of your organisations."""

    tenant_id: TenantId


class NewInvitation(Model):
    """Invite someone into the organisation."""

    email: Email
    role: Literal["admin", "host", "member"] = "member"


class Invitation(Model):
    """An invitation; its word is shown once, as the last part of the link ``/invitations/{word}``."""

    id: UUID
    email: Email
    role: AccountRole
    expires_at: datetime
    word: str


class InvitationCard(Model):
    """What someone with an invitation sees; asking changes nothing."""

    organisation: str
    email: str
    role: AccountRole
    has_account: bool


class AcceptInvitation(Model):
    """Accept: a new person says name and new password; one who has an account, its password."""

    word: str
    name: Line | None = None
    password: Password


class DeviceSignIn(Model):
    """One of the person's sign-ins, for the device list."""

    id: UUID
    created_at: datetime
    seen_at: datetime
    agent: str
    current: bool


class PublicKeys(Model):
    """The JWK Set (RFC 7517) that access tokens are verified with."""

    keys: tuple[dict[str, Any], ...]


class Account(Model):
    """A person at rest. A guest has neither e-mail nor password."""

    user_id: UserId
    name: str
    email: str | None
    password_hash: str | None
    last_tenant_id: TenantId | None


class SignInRow(Model):
    """A sign-in at rest: one device, one family of refresh tokens."""

    sign_in_id: UUID
    user_id: UserId
    tenant_id: TenantId
    bound_to: UUID | None
    over: bool
    """Ended or expired."""
    current_hashes: tuple[bytes, ...]
    """Tokens that may be used next: one, or several after honest retries; using one spends the others."""
    previous_hash: bytes | None
    """The token that the current ones were given for."""
    rotated_ago: float
    """Seconds since the present tokens' first was given."""


class InvitationRow(Model):
    """An invitation as its word finds it, before a tenant is known."""

    tenant_id: TenantId
    id: UUID
    organisation: str
    email: str
    role: AccountRole
    used: bool
    expired: bool


class Visit(Model):
    """Where a sign-in comes from."""

    address: str
    agent: str
