"""The HTTP door of identity.

The refresh token lives in a cookie that only ``/api/session`` gets. A route that reads it wants the header
``X-Dojo: 1``, which another site's page cannot send without being asked first (CORS preflight, which we never grant);
a route that reads or sets it refuses a foreign ``Origin``.
"""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from core.bus import Bus
from core.call import Call
from core.db import Database
from core.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthenticated, Unavailable
from core.routes import PUBLIC, SIGNED_IN, HttpCall, Routes
from core.settings import CoreSettings
from core.tokens import Tokens
from identity.errors import (
    AlreadyMember,
    EmailTaken,
    ForeignSite,
    GuestPassExpired,
    InvitationExpired,
    InvitationUsed,
    NoMembership,
    RefreshReused,
    SignInOver,
    SignInThrottled,
    WrongCredentials,
)
from identity.models import (
    AcceptInvitation,
    ChooseTenant,
    DeviceSignIn,
    Invitation,
    InvitationCard,
    Me,
    NewGuest,
    NewInvitation,
    PublicKeys,
    SignedIn,
    SignIn,
    SignUp,
    Visit,
)
from identity.passwords import Passwords
from identity.service import entering, invitations, sessions
from identity.service.tools import Entered, Tools
from identity.settings import IdentitySettings
from identity.throttle import Throttle

COOKIE = "dojo_refresh"
COOKIE_PATH = "/api/session"
AGENT_MAX = 200

routes = Routes("identity")
well_known = Routes("identity", prefix="")


@routes.add(
    "POST",
    "/sign-up",
    access=PUBLIC,
    status=201,
    rate="auth",
    problems=[EmailTaken, SignInThrottled, ForeignSite, Unavailable],
)
async def sign_up(call: HttpCall, body: SignUp) -> SignedIn:
    """Make an organisation and its owner."""
    require_own_origin(call)
    return keep(call, await entering.sign_up(tools(call), visit(call), body))


@routes.add(
    "POST",
    "/session",
    access=PUBLIC,
    status=201,
    rate="auth",
    problems=[WrongCredentials, SignInThrottled, NotFound, NoMembership, ForeignSite, Unavailable],
)
async def sign_in(call: HttpCall, body: SignIn) -> SignedIn:
    """Sign in with e-mail and password."""
    require_own_origin(call)
    return keep(call, await entering.sign_in(tools(call), visit(call), body))


@routes.add(
    "POST",
    "/session/refresh",
    access=PUBLIC,
    problems=[SignInOver, RefreshReused, NoMembership, ForeignSite, TooMany, Unavailable],
)
async def refresh_session(call: HttpCall) -> SignedIn | None:
    """Go on with the cookie's refresh token, which is spent and replaced; nothing for someone who has none."""
    word = read_cookie(call)
    if word is None:
        return None
    return keep(call, await sessions.refresh(tools(call), word))


@routes.add("DELETE", "/session", access=PUBLIC, problems=[ForeignSite])
async def sign_out(call: HttpCall) -> None:
    """Sign out here: the sign-in of the access token and of the cookie ends, and its sockets close."""
    await sessions.sign_out(tools(call), call.principal, read_cookie(call))
    call.set_cookie(COOKIE, "", path=COOKIE_PATH, max_age=0)


@routes.add("POST", "/session/tenant", access=SIGNED_IN, problems=[Unauthenticated, NotFound, SignInOver])
async def choose_tenant(call: HttpCall, body: ChooseTenant) -> SignedIn:
    """Go on in another of your organisations; the next refreshes stay in it."""
    return await sessions.choose_tenant(tools(call), call.actor, body)


@routes.add("GET", "/me", access=SIGNED_IN, problems=[Unauthenticated, SignInOver, NoMembership])
async def get_me(call: Call) -> Me:
    """Who you are."""
    async with call.transaction() as tx:
        return await sessions.get_me(tx, call.actor)


@routes.add("GET", "/me/devices", access=SIGNED_IN, problems=[Unauthenticated, SignInOver])
async def list_devices(call: Call) -> tuple[DeviceSignIn, ...]:
    """Where you are signed in, last seen first; at most 100."""
    async with call.transaction() as tx:
        return await sessions.list_devices(tx, call.actor)


@routes.add("DELETE", "/me/devices/{device_id}", access=SIGNED_IN, problems=[Unauthenticated, NotFound, SignInOver])
async def revoke_device(call: HttpCall, device_id: UUID) -> None:
    """Sign out one of your devices; its sockets close."""
    await sessions.revoke_device(tools(call), call.actor, device_id)


@routes.add("POST", "/guests", access=PUBLIC, status=201, rate="auth", problems=[GuestPassExpired, ForeignSite])
async def enter_guest(call: HttpCall, body: NewGuest) -> SignedIn:
    """Come in as a guest, bound to the dojo that the pass is for."""
    require_own_origin(call)
    return keep(call, await entering.enter_guest(tools(call), visit(call), body))


@routes.add(
    "POST",
    "/invitations",
    access="members:invite",
    status=201,
    problems=[Unauthenticated, Forbidden, AlreadyMember, SignInOver],
)
async def invite_member(call: Call, body: NewInvitation) -> Invitation:
    """Invite someone into your organisation; the word is shown this once."""
    ttl = call.get(IdentitySettings).invitation_ttl
    async with call.transaction() as tx:
        return await invitations.invite(tx, call.actor, body, ttl=ttl)


@routes.add(
    "POST",
    "/invitations/accept",
    access=PUBLIC,
    rate="auth",
    problems=[
        NotFound,
        InvitationUsed,
        InvitationExpired,
        WrongCredentials,
        SignInThrottled,
        AlreadyMember,
        Conflict,
        Invalid,
        ForeignSite,
        Unavailable,
    ],
)
async def accept_invitation(call: HttpCall, body: AcceptInvitation) -> SignedIn:
    """Join an organisation, as a new person or with the account that the e-mail has."""
    require_own_origin(call)
    return keep(call, await invitations.accept(tools(call), visit(call), body))


@routes.add(
    "GET",
    "/invitations/{word}",
    access=PUBLIC,
    problems=[NotFound, InvitationUsed, InvitationExpired],
)
async def get_invitation(call: HttpCall, word: str) -> InvitationCard:
    """Look at an invitation; this changes nothing."""
    return await invitations.look_at(tools(call), word)


@well_known.add("GET", "/.well-known/jwks.json", access=PUBLIC)
async def get_public_keys(call: Call) -> PublicKeys:
    """The keys that our access tokens are verified with."""
    keys: dict[str, Any] = call.get(Tokens).public_keys()
    return PublicKeys.model_validate(keys)


def tools(call: Call) -> Tools:
    """The process's clients, as the services take them."""
    return Tools(
        call.get(Database),
        call.get(Bus),
        call.get(Tokens),
        call.get(Passwords),
        call.get(Throttle),
        call.get(IdentitySettings),
    )


def visit(call: HttpCall) -> Visit:
    """Where the caller comes from; the agent is cut to what is safe to show."""
    agent = "".join(letter for letter in call.header("User-Agent") or "" if letter.isprintable())
    return Visit(address=call.address, agent=agent[:AGENT_MAX])


def keep(call: HttpCall, entered: Entered) -> SignedIn:
    """Put the refresh token into its cookie."""
    call.set_cookie(COOKIE, entered.word, path=COOKIE_PATH, max_age=entered.max_age)
    return entered.signed_in


def read_cookie(call: HttpCall) -> str | None:
    """The refresh token, if our own page asks.

    Raises:
        ForeignSite: the header is missing or the origin is foreign.
    """
    if call.header("X-Dojo") != "1":
        raise ForeignSite("Send the header X-Dojo: 1 with every request that uses the session cookie.")
    require_own_origin(call)
    return call.cookie(COOKIE) or None


def require_own_origin(call: HttpCall) -> None:
    """Refuse a request that a browser says comes from another site (RFC 6454); no ``Origin`` is not a browser's page.

    Raises:
        ForeignSite: it does.
    """
    given = call.header("Origin")
    if given is None:
        return
    own = {call.get(CoreSettings).public_url, *call.get(IdentitySettings).origins}
    if given not in {origin_of(url) for url in own}:
        raise ForeignSite("The Origin of this request is not the address that this installation is known by.")


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as browsers say them."""
    parts = urlsplit(url.lower())
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in {None, usual} else f":{parts.port}"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}"
