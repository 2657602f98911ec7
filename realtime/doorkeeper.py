"""Which sockets are let in at all: by origin, by how many there are, whose they are, and how fast they come."""

from collections import Counter
from collections.abc import Iterable
from typing import Literal
from urllib.parse import urlsplit

from aiohttp import web

from core.addresses import address_of
from core.errors import Forbidden, Problem, TooMany, Unavailable
from core.model import UserId
from realtime.buckets import Buckets
from realtime.metrics import REFUSED
from realtime.settings import RealtimeSettings

Door = Literal["hub", "editor"]


class Doorkeeper:
    """Counts the sockets of this node, by address and, once it is known whose they are, by person."""

    def __init__(self, settings: RealtimeSettings, urls: Iterable[str], hops: int) -> None:
        self.origins = sorted({_origin(url) for url in urls})
        self.is_closing = False
        self._settings = settings
        self._hops = hops
        self._open: Counter[str] = Counter()
        self._total = 0
        self._of_person: Counter[tuple[Door, UserId]] = Counter()
        self._fresh = Buckets(settings.handshakes_per_second, settings.handshake_burst)

    def admit(self, request: web.Request) -> None:
        """Let a new socket knock.

        Raises:
            Forbidden: a page of another site opens it.
            TooMany: its address has, or makes, too many.
            Unavailable: this gateway is full, or stops.
        """
        self.check_origin(request)
        address = self.address(request)
        if self.is_closing:
            raise _refused("draining", Unavailable("This gateway stops; use another.", retry_after=2))
        if self._total >= self._settings.max_connections:
            raise _refused("full", Unavailable("This gateway is full; use another.", retry_after=10))
        if self._open[address] >= self._settings.max_per_address:
            raise _refused("address", TooMany("Too many connections from your address.", retry_after=10))
        self.count_handshake(address)

    def count_handshake(self, address: str) -> None:
        """Let an address open one more connection that is kept, if not too many at once.

        Raises:
            TooMany: its handshakes are used up.
        """
        if not self._fresh.take(address):
            raise _refused("handshakes", TooMany("Too many connections at once from your address.", retry_after=2))

    def address(self, request: web.Request) -> str:
        """Where a socket comes from, as the outermost trusted proxy saw it."""
        return address_of(request, self._hops)

    def check_origin(self, request: web.Request) -> None:
        """Refuse the pages of other sites; programs that are no browsers send no origin.

        Raises:
            Forbidden: the Origin header names another site, or ``null``.
        """
        origin = request.headers.get("Origin")
        if origin is not None and origin not in self.origins:
            raise _refused("origin", Forbidden("This site may not connect."))

    def opened(self, address: str) -> None:
        """A socket is open."""
        self._open[address] += 1
        self._total += 1

    def closed(self, address: str) -> None:
        """A socket is closed."""
        self._total -= 1
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]

    def enter(self, door: Door, person: UserId) -> None:
        """A socket turns out to be a person's.

        Raises:
            TooMany: they have as many at this door as they may have.
        """
        if self._of_person[door, person] >= self._settings.max_per_person:
            raise _refused("person", TooMany("You have too many windows open; close some."))
        self._of_person[door, person] += 1

    def leave(self, door: Door, person: UserId) -> None:
        """A socket that had entered is gone."""
        self._of_person[door, person] -= 1
        if self._of_person[door, person] <= 0:
            del self._of_person[door, person]


def _refused(reason: str, problem: Problem) -> Problem:
    REFUSED.labels(reason).inc()
    return problem


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".replace("ws://", "http://").replace("wss://", "https://")
