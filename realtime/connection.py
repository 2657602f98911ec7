"""One WebSocket at the shared editor: its queue, its bound, and its end."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from aiohttp import web

from core.model import new_id
from realtime import ysync
from realtime.awareness import Said
from realtime.metrics import CLOSED, DELIVERIES, DROPPED
from realtime.models import EditorGrant

EXPIRED, NOT_ALLOWED, SLOW, CLIENT_IN_USE, TOO_LARGE = 4401, 4403, 4408, 4409, 4413
MALFORMED, RESTART, UNAVAILABLE = 1007, 1012, 1013
CLOSE_CODES: Final = {
    "too-large": TOO_LARGE,
    "client-in-use": CLIENT_IN_USE,
    "unavailable": UNAVAILABLE,
    "read-only": NOT_ALLOWED,
    "not-your-turn": NOT_ALLOWED,
    "invalid": NOT_ALLOWED,
}
ANSWERED: Final = frozenset(("read-only", "not-your-turn", "invalid", "too-large"))
"""Refusals after which our client, who is told, may go on by itself; the others end the connection."""
CLOSE_WAIT = 1.0
AWARENESS_BACKLOG = 131_072


class EditorConnection:
    """The way to one client. Who does not read is cut off."""

    def __init__(
        self, grant: EditorGrant, socket: web.WebSocketResponse, transport: asyncio.Transport | None, max_backlog: int
    ) -> None:
        self.id: UUID = new_id()
        self.grant = grant
        self.user_id = grant.user_id
        self._socket = socket
        self._transport = transport
        self._max_backlog = max_backlog
        self._outbox: deque[tuple[bytes, int]] = deque()
        self._backlog = 0
        self._answering = 0
        self._wake = asyncio.Event()
        self._end: tuple[int, str] | None = None

    @property
    def is_ending(self) -> bool:
        """Whether nothing more of the client counts."""
        return self._end is not None

    def stored(self, number: int | None) -> None:
        """An update is in the log, or was already."""
        if number is not None:
            self.send(ysync.write_ack(number))

    def refused(self, number: int | None, code: str) -> None:
        """An update is not, and nothing that stands on it will be."""
        if number is not None and code in ANSWERED:
            self.send(ysync.write_refused(number, code))
        else:  # nothing was said against the update itself: our client offers it again when it is back
            self.dismiss(CLOSE_CODES[code], code)

    def relay(self, update: bytes) -> None:
        """Pass on somebody else's update."""
        DELIVERIES.labels("update").inc()
        self.send(ysync.write_update(update))

    def said(self, said: Sequence[Said]) -> None:
        """Pass on others' awareness; a reader who is behind does without."""
        if self._backlog > AWARENESS_BACKLOG:
            DROPPED.labels("awareness-backlog").inc()
        else:
            DELIVERIES.labels("awareness").inc()
            self.send(ysync.write_awareness(said))

    def send(self, message: bytes) -> None:
        """Queue a message."""
        if self._backlog > self._max_backlog:
            self.dismiss(SLOW, "slow")
        elif self._end is None:
            self._outbox.append((message, len(message)))
            self._backlog += len(message)
            self._wake.set()

    def answer(self, updates: Sequence[bytes]) -> None:
        """Queue all that the client missed; it does not count as backlog, but who is being answered cannot ask again."""
        if self._end is None and not self._answering:
            *news, last = updates
            messages = [*map(ysync.write_update, news), ysync.write_answer(last)]
            self._answering = len(messages)
            self._outbox.extend((message, 0) for message in messages)
            self._wake.set()

    def dismiss(self, code: int, reason: str) -> None:
        """End the connection, after what is queued; who does not read that in time is cut off."""
        if self._end is None:
            CLOSED.labels(reason).inc()
            self._end = (code, reason)
            self._wake.set()
            if code == SLOW:
                self._abort()
            else:
                asyncio.get_running_loop().call_later(2 * CLOSE_WAIT, self._abort)

    async def write(self) -> None:
        """Send what is queued, until the end."""
        with contextlib.suppress(ConnectionError):
            while self._end is None or self._outbox:
                if self._outbox:
                    message, weight = self._outbox.popleft()
                    await self._socket.send_bytes(message)
                    self._backlog -= weight
                    self._answering -= weight == 0
                else:
                    self._wake.clear()
                    await self._wake.wait()
        code, reason = self._end or (RESTART, "broken")
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(CLOSE_WAIT):
                await self._socket.close(code=code, message=reason.encode())

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
