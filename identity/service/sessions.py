"""Sign-ins that go on and end: refresh, choosing an organisation, devices, signing out."""

from uuid import UUID

from core.call import Principal
from core.db import Transaction
from core.errors import NotFound, TooMany, Unavailable
from core.model import TenantId
from identity import queries
from identity.errors import NoMembership, RefreshReused, SignInOver
from identity.models import ChooseTenant, DeviceSignIn, Me, SignedIn, SignInRow
from identity.service.tools import Entered, Tools, describe, end, end_within, grant, lifetime, require_live
from identity.state import RefreshToken, judge, read_token


async def refresh(tools: Tools, word: str) -> Entered:
    """Give a new access token and refresh token for a refresh token, which is spent by this.

    Raises:
        SignInOver: unknown, ended or expired.
        RefreshReused: it was spent before, so two hold it: the sign-in is ended.
        NoMembership: the person no longer belongs to the organisation: the sign-in is ended.
        TooMany: many tabs ask at once.
    """
    token = read_token(word)
    found = await find(tools, token)
    if token is None or found is None:
        raise SignInOver
    async with tools.database.transaction(found.tenant_id) as tx:
        outcome = await _go_on(tools, tx, found.sign_in_id, token)
    if isinstance(outcome, Exception):  # raised after the commit: the sign-in stays ended
        raise outcome
    return outcome


async def _go_on(
    tools: Tools, tx: Transaction, sign_in_id: UUID, token: RefreshToken
) -> Entered | RefreshReused | NoMembership:
    """The sign-in's next token, or why it was ended."""
    sign_in = await queries.lock_sign_in(tx, sign_in_id)
    if sign_in is None:
        raise SignInOver
    verdict = judge(sign_in, token.secret_hash, tools.settings.retry_window)
    if verdict == "over":
        raise SignInOver
    if verdict == "crowded":
        raise TooMany("Many tabs ask at once; try again.", retry_after=1)
    if sign_in.tenant_id != tx.tenant_id:
        raise Unavailable("The organisation was changed at this moment; try again.", retry_after=1)
    if verdict == "reused":
        await end_within(tools.bus, tx, sign_in_id)
        return RefreshReused()
    try:
        me = await describe(tx, sign_in.user_id, sign_in.bound_to)
    except NoMembership as error:
        await end_within(tools.bus, tx, sign_in_id)
        return error
    next_token, ttl = token.successor(), lifetime(tools.settings, sign_in.bound_to)
    if verdict == "rotate":
        await queries.rotate(tx, sign_in_id, token.secret_hash, next_token.secret_hash, ttl)
    else:
        await queries.add_sibling(tx, sign_in_id, next_token.secret_hash)
    return Entered(grant(tools.tokens, me, sign_in_id), next_token.word(), int(ttl))


async def find(tools: Tools, token: RefreshToken | None) -> SignInRow | None:
    """The sign-in that a refresh token belongs to."""
    if token is None:
        return None
    async with tools.database.system() as read:
        return await queries.find_family(read, token.family_hash)


async def sign_out(tools: Tools, actor: Principal | None, word: str | None) -> None:
    """End the sign-in of the access token and that of the cookie, which are mostly the same; nothing to end is fine."""
    if actor is not None:
        await end(tools, actor.sign_in_id, actor.tenant_id)
    found = None if word is None else await find(tools, read_token(word))
    if found is not None and not found.over:
        await end(tools, found.sign_in_id, found.tenant_id)


async def choose_tenant(tools: Tools, actor: Principal, chosen: ChooseTenant) -> SignedIn:
    """Let this sign-in go on in another of the person's organisations.

    Raises:
        NotFound: they do not belong to it; guests belong to none.
        SignInOver: the sign-in has ended.
    """
    if actor.bound_to is not None:
        raise NotFound
    async with tools.database.transaction(chosen.tenant_id) as tx:
        try:
            me = await describe(tx, actor.user_id, None)
        except NoMembership as error:
            raise NotFound from error
        if not await queries.move_sign_in(tx, actor.sign_in_id):
            raise SignInOver
        await queries.set_last_tenant(tx, actor.user_id)
        return grant(tools.tokens, me, actor.sign_in_id)


async def get_me(tx: Transaction, actor: Principal) -> Me:
    """Who ``actor`` is now, which may differ from what the token says.

    Raises:
        SignInOver: the sign-in has ended.
        NoMembership: they no longer belong to the organisation.
    """
    await require_live(tx, actor)
    return await describe(tx, actor.user_id, actor.bound_to)


async def list_devices(tx: Transaction, actor: Principal) -> tuple[DeviceSignIn, ...]:
    """The person's sign-ins in all their organisations, last seen first; at most 100.

    Raises:
        SignInOver: the sign-in has ended.
    """
    await require_live(tx, actor)
    return await queries.list_devices(tx, actor.user_id, actor.sign_in_id)


async def revoke_device(tools: Tools, actor: Principal, sign_in_id: UUID) -> None:
    """End one of the person's own sign-ins.

    Raises:
        NotFound: it is nobody's, another person's, or has ended.
        SignInOver: the caller's own sign-in has ended.
    """
    async with tools.database.system() as read:
        await require_live(read, actor)
        tenant_id: TenantId | None = await queries.get_device_tenant(read, actor.user_id, sign_in_id)
    if tenant_id is None or not await end(tools, sign_in_id, tenant_id):
        raise NotFound
