"""What can go wrong with people and their sign-ins."""

from core.errors import Conflict, Forbidden, Gone, TooMany, Unauthenticated


class WrongCredentials(Unauthenticated):
    """This e-mail and password do not belong together."""

    slug = "wrong-credentials"


class SignInThrottled(TooMany):
    """Too many tries with this e-mail; wait a little."""

    slug = "sign-in-throttled"


class SignInOver(Unauthenticated):
    """This sign-in has ended; sign in again."""

    slug = "sign-in-over"


class RefreshReused(SignInOver):
    """This sign-in was used in two places and has been ended; sign in again."""

    slug = "refresh-reused"


class ForeignSite(Forbidden):
    """This request did not come from our own pages."""

    slug = "cross-site"


class EmailTaken(Conflict):
    """This e-mail already has an account with another password."""

    slug = "email-taken"


class NoMembership(Forbidden):
    """You do not belong to any organisation any more."""

    slug = "no-membership"


class AlreadyMember(Conflict):
    """This person already belongs to the organisation."""

    slug = "already-member"


class InvitationUsed(Gone):
    """This invitation was already used."""

    slug = "invitation-used"


class InvitationExpired(Gone):
    """This invitation has expired; ask for a new one."""

    slug = "invitation-expired"


class GuestPassExpired(Gone):
    """This guest pass is no longer valid; open the link again."""

    slug = "guest-pass-expired"
