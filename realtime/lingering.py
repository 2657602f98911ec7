"""Documents that nobody reads any more: they stay open for a while, for those who come back, and within a budget."""

import asyncio
from collections.abc import Callable

from realtime.opened import OpenDocument

LINGER = 15.0
"""Seconds that a document stays open without connections."""
LINGER_BYTES = 268_435_456
"""Bytes of all those together: beyond them, who was left first is put back first."""


class Lingering:
    """Those of one node."""

    def __init__(self, put_back: Callable[[OpenDocument], None]) -> None:
        self._put_back = put_back
        self._found: dict[OpenDocument, tuple[asyncio.TimerHandle, int]] = {}
        """When it is put back, and with how many bytes it counts; who was left first comes first."""
        self._bytes = 0

    def add(self, found: OpenDocument) -> None:
        """Nobody reads it from now on; it takes the place of others."""
        self.discard(found)
        size = found.document.history.size
        self._make_room(size)
        self._found[found] = asyncio.get_running_loop().call_later(LINGER, self._end, found), size
        self._bytes += size

    def discard(self, found: OpenDocument) -> None:
        """Somebody reads it, or it is closed."""
        if found in self._found:
            timer, size = self._found.pop(found)
            timer.cancel()
            self._bytes -= size

    def _make_room(self, size: int) -> None:
        if self._bytes + size <= LINGER_BYTES:
            return
        for found in tuple(self._found):
            if not found.document.pending_bytes:  # else it stays until that is stored
                self._end(found)
            if self._bytes + size <= LINGER_BYTES:
                return

    def _end(self, found: OpenDocument) -> None:
        """It is put back, unless somebody sits at it now."""
        self.discard(found)
        self._put_back(found)
