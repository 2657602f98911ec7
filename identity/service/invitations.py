"""Invitations: how an organisation grows. Random, kept as hashes, used once, and looking at one changes nothing."""

import hashlib
import secrets

from core.call import Principal
from core.db import Transaction
from core.errors import Conflict, Invalid, NotFound
from core.model import UserId, new_id
from identity import queries
from identity.errors import AlreadyMember, InvitationExpired, InvitationUsed
from identity.events import MemberJoined
from identity.models import AcceptInvitation, Invitation, InvitationCard, InvitationRow, NewInvitation, Visit
from identity.service.entering import prove
from identity.service.tools import Entered, Tools, begin, require_live


async def invite(tx: Transaction, actor: Principal, new: NewInvitation, *, ttl: float) -> Invitation:
    """Invite someone; the word is in this answer and nowhere else.

    Raises:
        Forbidden: ``actor`` lacks the scope ``members:invite``.
        AlreadyMember: the person belongs to the organisation.
        SignInOver: the sign-in has ended.
    """
    actor.require("members:invite")
    await require_live(tx, actor)
    if await queries.has_member(tx, new.email):
        raise AlreadyMember
    invitation_id, word = new_id(), secrets.token_urlsafe(32)
    expires_at = await queries.insert_invitation(
        tx, invitation_id, new.email, new.role, hashed(word), actor.user_id, ttl
    )
    if expires_at is None:
        raise RuntimeError("an INSERT without conflicts gave no row")
    return Invitation(id=invitation_id, email=new.email, role=new.role, expires_at=expires_at, word=word)


async def look_at(tools: Tools, word: str) -> InvitationCard:
    """What the invitation is for; changes nothing.

    Raises:
        NotFound: there is none with this word.
        InvitationUsed, InvitationExpired: it can no longer be accepted.
    """
    found = await open_invitation(tools, word)
    async with tools.database.system() as read:
        account = await queries.find_account(read, found.email)
    return InvitationCard(
        organisation=found.organisation, email=found.email, role=found.role, has_account=account is not None
    )


async def accept(tools: Tools, visit: Visit, given: AcceptInvitation) -> Entered:
    """Join: a new person is made, one who has an account must prove its password.

    Raises:
        NotFound, InvitationUsed, InvitationExpired: the word opens nothing.
        WrongCredentials: the account has another password.
        SignInThrottled: too many tries.
        Invalid: a new person must give a name.
        AlreadyMember: the account belongs to the organisation.
        Conflict: the account was made in this moment.
        Unavailable: too many passwords wait.
    """
    found = await open_invitation(tools, given.word)
    async with tools.database.system() as read:
        known = await queries.find_account(read, found.email)
    if known is not None:
        account = await prove(tools, visit, found.email, given.password)
        return await _join(tools, visit, found, account.user_id)
    if given.name is None:
        raise Invalid("name: say your name.", errors=({"field": "name", "reason": "Say your name."},))
    password_hash = await tools.passwords.hash(given.password)
    return await _join(tools, visit, found, None, name=given.name, password_hash=password_hash)


async def _join(
    tools: Tools, visit: Visit, found: InvitationRow, known: UserId | None, *, name: str = "", password_hash: str = ""
) -> Entered:
    """Spend the invitation and start a sign-in, in one step; ``known`` is None for a new person."""
    user_id = known or UserId(new_id())
    async with tools.database.transaction(found.tenant_id) as tx:
        if known is None and not await queries.insert_account(tx, user_id, name, found.email, password_hash):
            raise Conflict("This e-mail has got an account just now; give its password.")
        if not await queries.use_invitation(tx, found.id, user_id):
            raise InvitationUsed
        if not await queries.insert_membership(tx, user_id, found.role):
            raise AlreadyMember
        await tx.publish(MemberJoined(user_id=user_id))
        return await begin(tools, tx, user_id, visit)


async def open_invitation(tools: Tools, word: str) -> InvitationRow:
    """The invitation that can still be accepted."""
    async with tools.database.system() as read:
        found = await queries.find_invitation(read, hashed(word))
    if found is None:
        raise NotFound
    if found.used:
        raise InvitationUsed
    if found.expired:
        raise InvitationExpired
    return found


def hashed(word: str) -> bytes:
    """What is kept of a word."""
    return hashlib.sha256(word.encode()).digest()
