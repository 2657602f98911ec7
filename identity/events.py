"""What identity announces to other packages, and what they may ask of it by a signed pass."""

from uuid import UUID

from core.model import Model, TenantId, UserId


class SignInEnded(Model):
    """A sign-in is over (signed out, revoked, or its refresh token was used twice): its sockets close."""

    sign_in_id: UUID


class MemberJoined(Model):
    """Someone became a member of the tenant."""

    user_id: UserId


class GuestGrant(Model):
    """What a guest pass says: signed by the package that owns the resource, believed by identity.

    The guest may touch ``bound_to`` and nothing else of the tenant.
    """

    tenant_id: TenantId
    bound_to: UUID
