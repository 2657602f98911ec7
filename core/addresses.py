"""Where a request comes from, when proxies of ours stand in between.

Each proxy appends the address of its own peer to ``X-Forwarded-For``, so of ``hops`` proxies the outermost wrote the
``hops``-th entry from the right. Whatever stands left of it came with the request, and anybody can write that.
"""

from ipaddress import ip_address

from aiohttp import web

UNKNOWN = "unknown"


def address_of(request: web.Request, hops: int) -> str:
    """The address of the peer of the outermost of ``hops`` proxies; with none, of our own peer."""
    told = _entries(request, "X-Forwarded-For")
    if hops and len(told) >= hops:
        try:
            return str(ip_address(told[-hops]))
        except ValueError:  # none of our proxies wrote that
            return request.remote or UNKNOWN
    return request.remote or UNKNOWN


def is_secure(request: web.Request, hops: int) -> bool:
    """Whether the person's browser speaks TLS, to us or to the proxies before us."""
    told = _entries(request, "X-Forwarded-Proto")
    return request.secure or bool(hops and told and told[-min(hops, len(told))] == "https")


def _entries(request: web.Request, name: str) -> list[str]:
    """The comma-separated entries of all headers called ``name`` (RFC 9110 §5.3)."""
    return [entry.strip() for line in request.headers.getall(name, ()) for entry in line.split(",")]
