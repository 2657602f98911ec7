"""Connections before their first request: few, brief, and nearly free.

A connection costs a handler and a task of aiohttp's once it has sent the head of a request, and not before. Who says
nothing, or half of it, is cut off in time.
"""

import asyncio
import resource
from collections.abc import Callable
from typing import ClassVar, Final, cast

from prometheus_client import Counter, Gauge

SILENT = Gauge("dojo_http_silent", "Connections that have not sent the head of a request yet.")
CUT_OFF = Counter("dojo_http_cut_off", "Connections cut off before their first request, by reason.", ["reason"])

FIRST_WORDS = 10.0
"""Seconds in which the head of the first request must have come."""
SILENT_MAX = 2_000
"""Connections of one process that may take that long at the same time."""
HEAD_MAX = 65_536
"""Bytes without an end of the head after which aiohttp may say what it thinks of them."""
IDLE = 75.0
"""Seconds after which a connection without a further request is closed."""
_END: Final = b"\r\n\r\n"


class Line(asyncio.Protocol):
    """One connection until the head of its first request is here; then it is ``handler()``'s."""

    __slots__ = ("_handler", "_head", "_timer", "_transport")

    silent: ClassVar[dict["Line", None]] = {}
    """All there are, the oldest first."""

    def __init__(self, handler: Callable[[], asyncio.Protocol]) -> None:
        self._handler = handler
        self._head = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclass
        if len(Line.silent) >= SILENT_MAX:  # an honest one speaks at once: the oldest has had its time
            next(iter(Line.silent)).cut_off("crowded")
        Line.silent[self] = None
        self._timer = asyncio.get_running_loop().call_later(FIRST_WORDS, self.cut_off, "silent")

    def data_received(self, data: bytes) -> None:
        """Gather the head."""
        before = max(0, len(self._head) - len(_END) + 1)
        self._head += data if self._head else data.lstrip(b"\r\n")  # empty lines before a request: RFC 9112, 2.2
        if self._timer is None or (self._head.find(_END, before) < 0 and len(self._head) < HEAD_MAX):
            return
        self._end()
        handler, transport = self._handler(), self._transport
        transport.set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(bytes(self._head))

    def connection_lost(self, _: Exception | None) -> None:
        """It is gone without a request."""
        self._end()

    @classmethod
    def cut_all(cls) -> None:
        """Nobody waits for a first request any more."""
        for line in tuple(cls.silent):
            line.cut_off("closing")

    def cut_off(self, reason: str) -> None:
        """Be heard no longer."""
        CUT_OFF.labels(reason).inc()
        self._end()
        self._transport.abort()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            Line.silent.pop(self, None)


def allow_files() -> int:
    """Let this process have as many open files, and so connections, as it may at all; how many that are.

    The default of many systems, 1,024, is for programs that use ``select``.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


SILENT.set_function(lambda: len(Line.silent))
