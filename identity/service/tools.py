"""What the identity services work with, and how a sign-in begins: shared by entering, sessions and invitations."""

import json
import time
from dataclasses import dataclass
from uuid import UUID

from core.bus import Bus
from core.call import Principal
from core.db import Database, Queries, Transaction
from core.errors import Unauthenticated
from core.model import TenantId, UserId, new_id
from core.tokens import ACCESS_TTL, Tokens
from identity import queries
from identity.errors import NoMembership, SignInOver
from identity.events import SignInEnded
from identity.models import Account, Me, SignedIn, Visit
from identity.passwords import Passwords
from identity.roles import SCOPES
from identity.settings import IdentitySettings
from identity.state import new_family
from identity.throttle import Throttle

CONTROL = "control"
"""The bus channel on which gateways hear that a sign-in ended."""


@dataclass(frozen=True)
class Tools:
    """The process's clients and rules."""

    database: Database
    bus: Bus
    tokens: Tokens
    passwords: Passwords
    throttle: Throttle
    settings: IdentitySettings


@dataclass(frozen=True)
class Entered:
    """A sign-in that begins or goes on; ``word`` is the refresh token, for the cookie alone."""

    signed_in: SignedIn
    word: str
    max_age: int
    """Seconds that the cookie lasts."""


async def begin(
    tools: Tools, tx: Transaction, user_id: UserId, visit: Visit, *, bound_to: UUID | None = None
) -> Entered:
    """Start a sign-in of the person in the transaction's tenant."""
    sign_in_id, token = new_id(), new_family()
    ttl = lifetime(tools.settings, bound_to)
    await queries.insert_sign_in(tx, sign_in_id, user_id, bound_to, visit.agent, token, ttl)
    if bound_to is None:
        await queries.set_last_tenant(tx, user_id)
    me = await describe(tx, user_id, bound_to)
    return Entered(grant(tools.tokens, me, sign_in_id), token.word(), int(ttl))


def grant(tokens: Tokens, me: Me, sign_in_id: UUID) -> SignedIn:
    """A new access token for what the person is now."""
    expires_at = float(int(time.time() + ACCESS_TTL))
    principal = Principal(
        tenant_id=me.tenant_id,
        user_id=me.user_id,
        name=me.name,
        role=me.role,
        scopes=frozenset(me.scopes),
        sign_in_id=sign_in_id,
        bound_to=me.bound_to,
        expires_at=expires_at,
    )
    return SignedIn(access_token=tokens.access(principal), expires_at=expires_at, me=me)


async def describe(tx: Transaction, user_id: UserId, bound_to: UUID | None) -> Me:
    """Who the person is in the transaction's tenant; with ``bound_to``, a guest.

    Raises:
        NoMembership: they do not belong to it.
    """
    account = await queries.get_account(tx, user_id)
    if account is None:
        raise Unauthenticated
    memberships = await queries.list_memberships(tx, user_id)
    here = next((one for one in memberships if one.tenant_id == tx.tenant_id), None)
    if bound_to is None and here is None:
        raise NoMembership
    role = "guest" if bound_to is not None or here is None else here.role
    return Me(
        user_id=user_id,
        name=account.name,
        email=account.email,
        tenant_id=tx.tenant_id,
        organisation=await queries.get_tenant_name(tx) or "",
        role=role,
        scopes=tuple(sorted(SCOPES[role])),
        bound_to=bound_to,
        memberships=memberships,
    )


async def require_live(read: Queries, actor: Principal) -> None:
    """Refuse a token whose sign-in was ended while the token lasts.

    Raises:
        SignInOver: it was.
    """
    if not await queries.is_live(read, actor.sign_in_id):
        raise SignInOver


async def end(tools: Tools, sign_in_id: UUID, tenant_id: TenantId) -> bool:
    """End a sign-in and make its sockets close; False where it had ended."""
    async with tools.database.transaction(tenant_id) as tx:
        return await end_within(tools.bus, tx, sign_in_id)


async def end_within(bus: Bus, tx: Transaction, sign_in_id: UUID) -> bool:
    """The same inside a unit of work. The hint reaches the gateways at once; if it is lost, their poll heals that."""
    if not await queries.end_sign_in(tx, sign_in_id):
        return False
    await tx.publish(SignInEnded(sign_in_id=sign_in_id))

    async def hint() -> None:
        bus.publish(CONTROL, json.dumps({"kind": "sign_in_ended", "sign_in_id": str(sign_in_id)}).encode())

    tx.after_commit(hint)
    return True


async def refresh_hash(tools: Tools, account: Account, kept: str, new: str) -> None:
    """Keep the password under today's parameters."""
    async with tools.database.system() as write:
        await queries.set_password_hash(write, account.user_id, kept, new)


def lifetime(settings: IdentitySettings, bound_to: UUID | None) -> float:
    """Seconds that a sign-in lasts without being used."""
    return settings.refresh_ttl if bound_to is None else settings.guest_ttl
