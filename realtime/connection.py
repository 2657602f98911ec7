"""The way to one client of the shared editor: frames straight to the wire, a bound, and its end."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final
from uuid import UUID

from core.ids import light_id
from core.model import new_id
from realtime import ysync
from realtime.awareness import Said
from realtime.history import Part
from realtime.lib0 import varuint
from realtime.metrics import CLOSED, DROPPED
from realtime.models import EditorGrant
from realtime.websocket import WebSocket
from realtime.wsframes import frame

EXPIRED, NOT_ALLOWED, SLOW, CLIENT_IN_USE, RESET, TOO_LARGE, TOO_MANY = 4401, 4403, 4408, 4409, 4410, 4413, 4429
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
_ACK_HEADS: Final = [frame(ysync.ACK_HEAD + bytes(size))[:4] for size in range(9)]
"""What comes before a number of so many bytes."""
_SHORT: Final = 120
_UPDATE_HEADS: Final = [frame(ysync.write_update(bytes(size)))[: -size or None] for size in range(_SHORT)]
"""What comes before an update of so many bytes."""
ACTIVE = 1.0
"""Seconds for which a connection that said something certainly lives."""
AWARENESS_BACKLOG = 131_072
ANSWER_PAUSE = 0.02
"""Seconds between looks whether a client has read enough of a long answer to be sent more."""
ANSWER_MAX = 120.0
"""Seconds in which a client must have read a long answer, for so long its document is kept as it was."""
NOTHING: Final[Iterator[Part]] = iter(())


class EditorConnection:
    """Who does not read is cut off."""

    __slots__ = (
        "_answer",
        "_answered",
        "_asked_at",
        "_max_backlog",
        "_socket",
        "barred",
        "grant",
        "heard_at",
        "id",
        "is_answering",
        "is_ending",
        "user_id",
        "write",
    )

    def __init__(self, grant: EditorGrant, socket: WebSocket, max_backlog: int) -> None:
        self.id: UUID = new_id()
        self.grant = grant
        self.user_id = light_id(grant.user_id.int)
        self.heard_at = time.monotonic()
        """When the client last said something, if only an answer to a ping."""
        self.is_ending = False
        """Whether nothing more of the client counts."""
        self.barred: str | None = None
        """Why an update was refused, if one was: what follows it cannot stand."""
        self._socket = socket
        self._max_backlog = max_backlog
        self._answer = NOTHING
        self._answered = 0
        """Bytes of the answer that may still wait: they were asked for, and do not count as backlog."""
        self.is_answering = False
        """Whether a part of an answer still waits: who is being answered cannot ask again."""
        self._asked_at = 0.0
        self.write: Callable[[bytes], None] = socket.write
        """Send what is framed already."""
        socket.limit_backlog(max_backlog, self._fell_behind)

    def stored(self, numbers: Sequence[int]) -> None:
        """Updates are in the log, or were already."""
        if len(numbers) == 1:
            self.write(ack_frame(numbers[0]))
        elif numbers:
            self.write(b"".join(map(ack_frame, numbers)))

    def refused(self, numbers: Sequence[int], code: str) -> None:
        """Updates are not, and nothing that stands on them will be."""
        self.barred = self.barred or code
        if numbers and code in ANSWERED:
            self.write(b"".join([frame(ysync.write_refused(number, code)) for number in numbers]))
        else:  # nothing was said against the update itself: our client offers it again when it is back
            self.dismiss(CLOSE_CODES[code], code)

    def said(self, frames: bytes) -> None:
        """Pass on others' awareness; a reader who is behind does without."""
        if self._socket.backlog > AWARENESS_BACKLOG:
            DROPPED.labels("awareness-backlog").inc()
        else:
            self.write(frames)

    def _write_more(self, frames: bytes) -> None:
        """As ``write``, to who is behind: there is no other word of a backlog that grows on."""
        self._socket.write(frames)
        self._fell_behind()

    @property
    def backlog(self) -> int:
        """Bytes that wait for the client to read."""
        return self._socket.backlog

    def answer(self, parts: Iterator[Part]) -> None:
        """Send all that the client missed, as fast as it reads: a part is made when the one before it is nearly read."""
        self._answer = parts
        self.is_answering, self._asked_at = True, time.monotonic()
        self._go_on()

    def _go_on(self) -> None:
        while not self.is_ending:
            if self._socket.backlog > self._max_backlog // 4:
                if time.monotonic() - self._asked_at > ANSWER_MAX:
                    self.dismiss(SLOW, "slow")
                else:
                    asyncio.get_running_loop().call_later(ANSWER_PAUSE, self._go_on)
                return
            part = next(self._answer, None)
            if part is None:
                self._answer, self.is_answering = NOTHING, False
                return
            write = ysync.write_answer if part.is_last else ysync.write_update
            frames = frame(write(part.update))
            self._answered = self._socket.backlog + len(frames)
            self.write(frames)

    def _fell_behind(self) -> None:
        backlog = self._socket.backlog
        self._answered = min(self._answered, backlog)
        self.write = self._write_more if backlog > self._max_backlog else self._socket.write
        if backlog - self._answered > self._max_backlog:
            self.dismiss(SLOW, "slow")

    def is_silent(self, since: float) -> bool:
        """Whether the client has said nothing since then, though it is read."""
        return self.heard_at < since and self._socket.is_read

    def gives_way(self) -> bool:
        """Whether another connection may write under its client ids from now on.

        Two that write under one id would differ for ever. One that was cut off and is back takes its id with it; who is
        left of the former connection is sent away.
        """
        if self.heard_at > time.monotonic() - ACTIVE:
            return False
        self.dismiss(CLIENT_IN_USE, "client-in-use")
        return True

    def dismiss(self, code: int, reason: str) -> None:
        """End the connection, after what is on its way; who does not read that in time is cut off."""
        if not self.is_ending:
            self.is_ending = True
            CLOSED.labels(reason).inc()
            self._answer = NOTHING
            self.write = self._socket.write
            self._socket.close(code, reason)


def ack_frame(number: int) -> bytes:
    """The acknowledgement of one update."""
    written = varuint(number)
    return _ACK_HEADS[len(written)] + written


def update_frame(data: bytes) -> bytes:
    """An update, framed once for all who get it."""
    size = len(data)
    return _UPDATE_HEADS[size] + data if size < _SHORT else frame(ysync.write_update(data))


def said_frame(said: Sequence[Said]) -> bytes:
    """Awareness, framed once for all who get it."""
    return frame(ysync.write_awareness(said))
