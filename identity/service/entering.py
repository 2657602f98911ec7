"""Sign-up, sign-in and guests: how a person comes in."""

from pydantic import SecretStr

from core.errors import NotFound, Unauthenticated
from core.model import TenantId, UserId, new_id
from identity import queries
from identity.errors import EmailTaken, GuestPassExpired, NoMembership, WrongCredentials
from identity.events import GuestGrant, MemberJoined
from identity.models import Account, Membership, NewGuest, SignIn, SignUp, Visit
from identity.service.tools import Entered, Tools, begin, refresh_hash


async def sign_up(tools: Tools, visit: Visit, new: SignUp) -> Entered:
    """Make an organisation and its owner, or a further organisation of someone who proves the account's password.

    Without e-mails being sent, a taken address cannot be hidden here; tries are throttled like sign-ins, and take as
    long either way.

    Raises:
        EmailTaken: the e-mail has an account with another password.
        SignInThrottled: too many tries.
        Unavailable: too many passwords wait.
    """
    await tools.throttle.take(new.email, visit.address)
    async with tools.database.system() as read:
        account = await queries.find_account(read, new.email)
    password_hash = ""
    if account is None:
        password_hash = await tools.passwords.hash(new.password)
    elif not await tools.passwords.verify(new.password, account.password_hash):
        raise EmailTaken("Sign in with it, or give its password here to own a second organisation.")
    async with tools.database.transaction(TenantId(new_id())) as tx:
        user_id = UserId(new_id()) if account is None else account.user_id
        if account is None and not await queries.insert_account(tx, user_id, new.name, new.email, password_hash):
            raise EmailTaken
        await queries.insert_tenant(tx, new.organisation)
        await queries.insert_membership(tx, user_id, "owner")
        await tx.publish(MemberJoined(user_id=user_id))
        entered = await begin(tools, tx, user_id, visit)
    await tools.throttle.forget(new.email, visit.address)
    return entered


async def sign_in(tools: Tools, visit: Visit, given: SignIn) -> Entered:
    """Start a sign-in in the chosen organisation, else the last used one, else the first by name.

    Raises:
        WrongCredentials: no such account, or another password; the caller cannot tell which.
        SignInThrottled: too many tries.
        NotFound: the person does not belong to the chosen organisation.
        NoMembership: they belong to none.
        Unavailable: too many passwords wait.
    """
    account = await prove(tools, visit, given.email, given.password)
    async with tools.database.system() as read:
        memberships = await queries.list_memberships(read, account.user_id)
    tenant_id = choose(memberships, given.tenant_id, account.last_tenant_id)
    async with tools.database.transaction(tenant_id) as tx:
        return await begin(tools, tx, account.user_id, visit)


async def prove(tools: Tools, visit: Visit, email: str, password: SecretStr) -> Account:
    """The account whose e-mail and password these are.

    Raises:
        WrongCredentials: there is none; it took as long to find out as for a wrong password.
        SignInThrottled: too many tries.
        Unavailable: too many passwords wait.
    """
    await tools.throttle.take(email, visit.address)
    async with tools.database.system() as read:
        account = await queries.find_account(read, email)
    kept = None if account is None else account.password_hash
    if not await tools.passwords.verify(password, kept) or account is None or kept is None:
        raise WrongCredentials
    await tools.throttle.forget(email, visit.address)
    if tools.passwords.is_outdated(kept):
        await refresh_hash(tools, account, kept, await tools.passwords.hash(password))
    return account


def choose(memberships: tuple[Membership, ...], chosen: TenantId | None, last: TenantId | None) -> TenantId:
    """The tenant to sign in to."""
    mine = [one.tenant_id for one in memberships]
    if chosen is not None:
        if chosen not in mine:
            raise NotFound
        return chosen
    if not mine:
        raise NoMembership
    return last if last is not None and last in mine else mine[0]


async def enter_guest(tools: Tools, visit: Visit, new: NewGuest) -> Entered:
    """Start the sign-in of someone without an account, bound to what their pass names.

    Raises:
        GuestPassExpired: the pass is not ours or too old.
    """
    try:
        pass_ = tools.tokens.read_pass(GuestGrant, new.guest_pass)
    except Unauthenticated as error:
        raise GuestPassExpired from error
    async with tools.database.transaction(pass_.tenant_id) as tx:
        user_id = UserId(new_id())
        await queries.insert_guest(tx, user_id, new.name)
        return await begin(tools, tx, user_id, visit, bound_to=pass_.bound_to)
