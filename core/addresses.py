"""Whose a request is, as far as its address tells, when proxies of ours stand in between.

Each proxy appends the address of its own peer to ``X-Forwarded-For``, so of ``hops`` proxies the outermost wrote the
``hops``-th entry from the right. Whatever stands left of it came with the request, and anybody can write that.

An IPv6 address counts as the /64 it is in: that is the least that a customer gets (RFC 6177), who may come from another
of its addresses each time.
"""

import contextlib
from ipaddress import IPv4Address, IPv6Network, ip_address

from aiohttp import web

UNKNOWN = "unknown"


def address_of(request: web.Request, hops: int) -> str:
    """The address, or the IPv6 network, of the peer of the outermost of ``hops`` proxies; with none, of our own peer."""
    told = _entries(request, "X-Forwarded-For")
    if hops and len(told) >= hops:
        with contextlib.suppress(ValueError):  # else none of our proxies wrote that
            return customer(told[-hops])
    return customer(request.remote) if request.remote else UNKNOWN


def customer(text: str) -> str:
    """By what the customer with an address is known: the address, if it is one of IPv4, else its network.

    Raises:
        ValueError: it is no address.
    """
    address = ip_address(text)
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Network((int(address), 64), strict=False))


def is_secure(request: web.Request, hops: int) -> bool:
    """Whether the person's browser speaks TLS, to us or to the proxies before us."""
    told = _entries(request, "X-Forwarded-Proto")
    return request.secure or bool(hops and told and told[-min(hops, len(told))] == "https")


def _entries(request: web.Request, name: str) -> list[str]:
    """The comma-separated entries of all headers called ``name`` (RFC 9110 §5.3)."""
    return [entry.strip() for line in request.headers.getall(name, ()) for entry in line.split(",")]
