"""Which scopes a role carries: the one table of what kinds of people may do.

A scope is ``noun:action``; a service asks for it with ``Principal.require``.

===============  =====  =====  ====  ======  =====  ==========================================
scope            owner  admin  host  member  guest  allows
===============  =====  =====  ====  ======  =====  ==========================================
rooms:read       yes    yes    yes   yes     bound  see dojos, sessions, summaries
rooms:join       yes    yes    yes   yes     bound  enter a dojo and take part
rooms:write      yes    yes    yes   yes     no     create, plan, open and close dojos
pocs:read        yes    yes    yes   yes     no     see the catalogue
pocs:write       yes    yes    yes   yes     no     keep, change and delete POCs
members:read     yes    yes    yes   yes     no     see who belongs to the organisation
members:invite   yes    yes    no    no      no     invite people
audit:read       yes    yes    no    no      no     read the audit log
===============  =====  =====  ====  ======  =====  ==========================================

*bound*: only for the one resource that the guest's sign-in names; services check it with ``Principal.require_reach``.
What a person may do inside one dojo (host, driver …) is a matter of that dojo's roles, not of these.
"""

from types import MappingProxyType
from typing import Final

from core.call import AccountRole

GUEST: Final = frozenset({"rooms:read", "rooms:join"})
MEMBER: Final = GUEST | {"rooms:write", "pocs:read", "pocs:write", "members:read"}
ADMIN: Final = MEMBER | {"members:invite", "audit:read"}

SCOPES: Final = MappingProxyType[AccountRole, frozenset[str]](
    {"owner": ADMIN, "admin": ADMIN, "host": MEMBER, "member": MEMBER, "guest": GUEST}
)
