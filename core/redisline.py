"""One connection to a Redis server, as the bus needs it: set up with answers, then publish blindly or hear messages.

The general client makes several objects, an answer and a wake-up of every message; here a message is one ``write``, and
what was heard is read in one go. Finding the server (addresses, Sentinel, cluster) is ``redisplace.py``'s.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, cast

import hiredis

from core.redisplace import Place

BUFFER_MAX = 4_194_304
"""Bytes that the kernel has not taken beyond which nothing more is written."""
SETUP_TIMEOUT = 2.0
CLOSE_WAIT = 1.0
HEARD = frozenset({b"message", b"smessage"})
ORDERS = frozenset({b"subscribe", b"unsubscribe", b"ssubscribe", b"sunsubscribe"})

ENDS = frozenset({b"unsubscribe", b"sunsubscribe"})
UNSUBSCRIBE = frozenset({b"UNSUBSCRIBE", b"SUNSUBSCRIBE"})

OnMessage = Callable[[bytes, bytes], None]


class LineBroken(ConnectionError):
    """The server refused, or said what makes no sense."""


def command(*parts: bytes) -> bytes:
    """A command on the wire (RESP: an array of bulk strings)."""
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])


class RedisLine(asyncio.Protocol):
    """One connection. ``closed`` is done when it is gone."""

    def __init__(self, on_message: OnMessage, on_drained: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_drained = on_drained
        self._reader = hiredis.Reader()
        self._asked: deque[asyncio.Future[Any]] = deque()
        self._subscribing: dict[bytes, asyncio.Future[None]] = {}
        self._leaving: Counter[bytes] = Counter()
        """How often each channel was left without that being confirmed yet."""
        self._transport: asyncio.Transport | None = None
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.is_open = False
        """Whether it is worth writing now."""

    @classmethod
    async def to(cls, place: Place, on_message: OnMessage, on_drained: Callable[[], None]) -> "RedisLine":
        """Connect and sign in.

        Raises:
            OSError: it cannot be reached, or refuses us.
            TimeoutError: it does not answer.
        """
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(SETUP_TIMEOUT):
            if place.path is not None:
                _, line = await loop.create_unix_connection(lambda: cls(on_message, on_drained), place.path)
            else:
                _, line = await loop.create_connection(
                    lambda: cls(on_message, on_drained), place.host, place.port, ssl=place.tls
                )
            try:
                if place.password is not None:
                    who = [place.username] if place.username is not None else []
                    await line.ask(b"AUTH", *(word.encode() for word in (*who, place.password)))
                await line.ask(b"PING")
            except BaseException:
                line.close()
                raise
        return line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own is no subclass
        self._transport.set_write_buffer_limits(high=BUFFER_MAX)
        self.is_open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        del exc
        self.is_open = False
        for asked in (*self._asked, *self._subscribing.values()):
            if not asked.done():
                asked.set_exception(LineBroken("closed"))
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        """The server reads too slowly."""
        self.is_open = False

    def resume_writing(self) -> None:
        """It has caught up."""
        self.is_open = True
        self._on_drained()

    def data_received(self, data: bytes) -> None:
        """Read all that is there."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                if type(reply) is list and reply and reply[0] in HEARD:
                    self._on_message(reply[1], reply[2])
                else:
                    self._answered(reply)
        except (hiredis.ProtocolError, LineBroken, IndexError, TypeError):
            self.close()

    def _answered(self, reply: Any) -> None:
        if type(reply) is list and reply and reply[0] in ORDERS:
            self._follow(reply[0], reply[1])
            return
        if self._asked:
            asked = self._asked.popleft()
            if not asked.done():
                asked.set_result(reply)
        elif isinstance(reply, hiredis.ReplyError) or type(reply) is list:
            raise LineBroken(str(reply))  # MOVED, a slot that went elsewhere: find the place anew

    def _follow(self, order: bytes, wire: bytes) -> None:
        waiting = self._subscribing.pop(wire, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(None)
        elif order in ENDS:
            left = self._leaving.pop(wire, 0)
            if not left:
                raise LineBroken("the channel's slot went to another server")
            if left > 1:
                self._leaving[wire] = left - 1

    async def ask(self, *parts: bytes) -> Any:
        """Send a command and wait for its answer.

        Raises:
            LineBroken: the server refuses, or is gone.
        """
        asked = asyncio.get_running_loop().create_future()
        self._asked.append(asked)
        self.write(command(*parts))
        reply = await asked
        if isinstance(reply, hiredis.ReplyError):
            raise LineBroken(str(reply))
        return reply

    def write(self, data: bytes) -> None:
        """Send something for which no answer is waited."""
        if self._transport is not None:
            self._transport.write(data)

    async def subscribe(self, order: bytes, wire: bytes) -> None:
        """Hear a channel; returns when the server does what it was told."""
        confirmed = self._subscribing[wire] = asyncio.get_running_loop().create_future()
        self.write(command(order, wire))
        async with asyncio.timeout(SETUP_TIMEOUT):
            await confirmed

    def hear(self, order: bytes, wire: bytes) -> None:
        """Hear a channel, or no more, as ``order`` says; without waiting."""
        if order in UNSUBSCRIBE:
            self._leaving[wire] += 1
        self.write(command(order, wire))

    def close(self) -> None:
        """Send what is written, and end; a server that does not read it gets no longer than a second."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()
            asyncio.get_running_loop().call_later(CLOSE_WAIT, self._transport.abort)
