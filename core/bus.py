"""Hints between processes over Redis pub/sub: signed, counted (``seal.py``), and allowed to get lost.

Truth is in PostgreSQL; every reader of a hint can do without it. What is published reaches the own process as it is,
without Redis; bytes are made for the others alone, once.
"""

import asyncio
import contextlib
import functools
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Protocol

import structlog
from prometheus_client import Gauge
from redis.crc import key_slot

from core import failpoints
from core.outgoing import Kept, Outgoing
from core.redisline import RedisLine, command
from core.redisplace import Shard, places
from core.seal import DROPPED, Seal, Sender
from core.telemetry import Tally

log = structlog.get_logger()

SENT = Tally("dojo_bus_sent", "Messages published.")
UP = Gauge("dojo_bus_up", "1 while Redis is connected.")

BEAT = 1.0
SILENT = 4.0
"""Seconds without one's own beat after which a connection counts as broken, though nobody closed it."""
GRACE = 3.0
"""Seconds without a round trip that nobody need be told of."""
STEADY = 5.0
"""Seconds that a connection must have held for the next retry to be quick again."""
PREFIX = "dojo:"
BROKEN = (OSError, TimeoutError)


class Encodable(Protocol):
    """A message that becomes bytes only for other processes."""

    def encode(self) -> bytes:
        """For them."""


Message = bytes | Encodable
OnMessage = Callable[[Any], None]
"""Gets what was published here, or the bytes of what was published elsewhere. Must not block."""


class Bus:
    """One process's end of the bus. What it publishes reaches its own subscribers at once, without Redis."""

    def __init__(self, url: str, secret: str) -> None:
        self._places = places(url)
        self._seal = Seal(secret)
        self._handlers: dict[str, tuple[OnMessage, ...]] = {}
        self._kinds: Counter[bytes] = Counter()
        """Of the channels that are heard here."""
        self._links: list[Link] = []
        self._outgoing = Outgoing()
        self.connected = asyncio.Event()
        """Set while messages make the round trip to all servers and back."""
        self.away = asyncio.Event()
        """Set once they have not made it for ``GRACE``, until they do again."""
        self._grace: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Bus"]:
        """Be connected while the block runs, and again whenever Redis comes back."""
        self._away_after(GRACE)
        task = asyncio.create_task(self._run(), name="bus")
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            self._here()

    def has_others(self, channel: str) -> bool:
        """Whether another process listens to channels of this kind, as far as is known: else nothing is sent there."""
        return any(link.has_others(channel) for link in self._links)

    def publish(self, channel: str, message: Message) -> None:
        """Tell this process's subscribers at once and the others soon, or never."""
        self._deliver(channel, message)
        link = self._links[0] if len(self._links) == 1 else self._link(channel)
        if link is not None and not link.has_others(channel):
            return
        if link is not None and link.is_open:  # then nothing waits for it
            self._send(link, channel, message)
            return
        body = message if isinstance(message, bytes) else message.encode()
        self._outgoing.keep(Kept(time.monotonic(), channel, body))

    def subscribe(self, channel: str, on_message: OnMessage) -> Callable[[], None]:
        """Hear ``channel`` until the returned function is called."""
        handlers = self._handlers.get(channel, ())
        self._handlers[channel] = (*handlers, on_message)
        link = self._link(channel)
        if not handlers and link is not None:
            link.hear(channel)
        if not handlers:
            kind = kind_of(channel)
            self._kinds[kind] += 1
            if self._kinds[kind] == 1:  # before it is joined: those who publish have to know
                for each in self._links:
                    each.beat(self._kinds)

        def unsubscribe() -> None:
            left = tuple(handler for handler in self._handlers.get(channel, ()) if handler is not on_message)
            if left:
                self._handlers[channel] = left
            elif self._handlers.pop(channel, None) is not None:
                self._forget(channel)

        return unsubscribe

    def _forget(self, channel: str) -> None:
        kind = kind_of(channel)
        self._kinds[kind] -= 1
        if not self._kinds[kind]:
            del self._kinds[kind]
        if (link := self._link(channel)) is not None:
            link.hear(channel, no_more=True)

    def _link(self, channel: str) -> "Link | None":
        """The way to the server of a channel, if there is one now."""
        if len(self._links) < 2:  # noqa: PLR2004 - as with one server
            return self._links[0] if self._links else None
        slot = key_slot(wire_name(channel))
        return next((link for link in self._links if link.owns(slot)), None)

    def _deliver(self, channel: str, message: Message) -> None:
        for handler in self._handlers.get(channel, ()):
            try:
                handler(message)
            except Exception:
                log.exception("bus_handler_failed", channel=channel)

    def _send(self, link: "Link", channel: str, message: Message) -> None:
        try:
            if failpoints.armed:
                failpoints.pass_by("bus.send")
            link.send(channel, message if isinstance(message, bytes) else message.encode())
        except failpoints.Injected:
            DROPPED.labels("injected").inc()

    def _drain(self) -> None:
        """Send what waited for a way that is open now, but what is too old."""
        for message in self._outgoing.take():
            link = self._link(message.channel)
            if link is None or not link.is_open:
                self._outgoing.keep(message)
            elif link.has_others(message.channel):
                self._send(link, message.channel, message.body)

    def _heard(self, wire: bytes, data: bytes) -> None:
        """A message came from Redis."""
        body = self._seal.open(wire, data)
        if body is None:
            return
        try:
            if failpoints.armed:
                failpoints.pass_by("bus.receive")
        except failpoints.Injected:
            DROPPED.labels("injected").inc()
        else:
            self._deliver(wire.decode().removeprefix(PREFIX), body)

    async def _run(self) -> None:
        """Connect, for ever."""
        delay = 0.05
        while True:
            started = time.monotonic()
            try:
                await self._connected()
            except BROKEN as error:
                log.warning("bus_lost", error=type(error).__name__)
            except Exception:  # a fault of ours must not end the bus for good
                log.exception("bus_failed")
            finally:
                self._disconnected()
            if time.monotonic() - started > STEADY:
                delay = 0.05
            await asyncio.sleep(delay + random.uniform(0, delay))
            delay = min(delay * 2, 1.0)

    async def _connected(self) -> None:
        """Be connected to every server; returns by raising when one is lost."""
        shards = await self._places.find()
        links = [Link(shard, self._seal, self._heard, self._drain, sharded=self._places.sharded) for shard in shards]
        try:
            for link in links:
                await link.open(self._kinds)
            self._links = links
            for channel in self._handlers:
                if (way := self._link(channel)) is not None:
                    way.hear(channel)
            self._drain()
            async with asyncio.timeout(SILENT):
                await asyncio.gather(*(link.echo.wait() for link in links))
            self.connected.set()
            self._here()
            UP.set(1)
            await self._watch(links)
        finally:
            for link in links:
                link.close()

    async def _watch(self, links: "list[Link]") -> None:
        """Beat until a server is gone or silent."""
        while True:
            for link in links:
                link.beat(self._kinds)
            gone = [line.closed for link in links for line in link.lines]
            done, _ = await asyncio.wait(gone, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
            if done:
                raise ConnectionResetError("a server closed the connection")
            if any(link.silent_for > SILENT for link in links):
                raise TimeoutError("a server is silent")

    def _disconnected(self) -> None:
        if self.connected.is_set():
            silent = max(link.silent_for for link in self._links)
            self._away_after(max(BEAT, GRACE - silent))  # the first retry has its chance in any case
        self._links = []
        self.connected.clear()
        UP.set(0)

    def _away_after(self, seconds: float) -> None:
        self._grace = asyncio.get_running_loop().call_later(seconds, self.away.set)

    def _here(self) -> None:
        self.away.clear()
        if self._grace is not None:
            self._grace.cancel()


class Link:
    """One server: a connection that publishes and one that hears.

    Every process beats there, once a second and when it comes. One's own beat proves the round trip; those of others
    say what kinds of channels they listen to: what nobody else does is not sent.
    """

    def __init__(
        self, shard: Shard, seal: Seal, on_heard: Callable[[bytes, bytes], None], on_drained: Callable[[], None],
        *, sharded: bool,
    ) -> None:  # fmt: skip
        self._shard = shard
        self._seal = seal
        self._sender = Sender()
        self._on_heard = on_heard
        self._on_drained = on_drained
        self._sharded = sharded
        self._publish, self._subscribe, self._unsubscribe = (
            (b"SPUBLISH", b"SSUBSCRIBE", b"SUNSUBSCRIBE") if sharded else (b"PUBLISH", b"SUBSCRIBE", b"UNSUBSCRIBE")
        )
        self._beats = self._beat_channel()
        self._loop = asyncio.get_running_loop()  # once: on CPython 3.11 each time is a system call
        self._own_at = self._opened_at = 0.0
        self._others_at: dict[bytes, float] = {}
        """When another process last said that it listens to a kind of channels."""
        self._others: set[bytes] | None = None
        """The kinds of which that holds, looked through with each beat; None while it is not known."""
        self._written: list[bytes] = []
        """Of this turn of the loop."""
        self.echo = asyncio.Event()
        """Set once a message has made the round trip."""
        self.lines: list[RedisLine] = []

    def _beat_channel(self) -> bytes:
        """The channel of this server on which all processes beat."""
        names = (wire_name(f"beat:{number}") for number in itertools.count())
        return next(wire for wire in names if self.owns(key_slot(wire)))

    async def open(self, kinds: Iterable[bytes]) -> None:
        """Connect.

        Raises:
            OSError: the server cannot be reached, or refuses us.
            TimeoutError: it does not answer.
        """
        for _ in range(2):
            self.lines.append(await RedisLine.to(self._shard.place, self._take, self._on_drained))
        out, heard = self.lines
        if not self._sharded:
            out.write(command(b"CLIENT", b"REPLY", b"OFF"))  # nobody waits for the count of receivers
        self._seal.remember_own(self._sender)
        await heard.subscribe(self._subscribe, self._beats)  # before the beat, which goes over the other connection
        self._own_at = self._opened_at = time.monotonic()
        self.beat(kinds)

    @property
    def is_open(self) -> bool:
        """Whether a message would go out now."""
        return bool(self.lines) and self.lines[0].is_open

    @property
    def silent_for(self) -> float:
        """Seconds since one's own beat came back."""
        return time.monotonic() - self._own_at

    def has_others(self, channel: str) -> bool:
        """Whether another process listens to such channels, as far as is known: at first, that is not known."""
        return self._others is None or kind_of(channel) in self._others

    def owns(self, slot: int) -> bool:
        """Whether channels of a hash slot are this server's."""
        return any(slot in slots for slots in self._shard.slots)

    def send(self, channel: str, body: bytes) -> None:
        """Publish."""
        self._write(wire_name(channel), body)
        SENT.value += 1

    def _write(self, wire: bytes, body: bytes) -> None:
        """Publish with all else of this turn of the loop, in one go."""
        if not self._written:
            self._loop.call_soon(self._flush)
        self._written.append(command(self._publish, wire, self._seal.close(self._sender, wire, body)))

    def _flush(self) -> None:
        written, self._written = self._written, []
        self.lines[0].write(b"".join(written))

    def beat(self, kinds: Iterable[bytes]) -> None:
        """Let all processes know of this one, and what it listens to."""
        oldest = time.monotonic() - SILENT
        if self._opened_at < oldest:
            self._others = {kind for kind, heard_at in self._others_at.items() if heard_at > oldest}
        self._write(self._beats, b" ".join(kinds))

    def hear(self, channel: str, *, no_more: bool = False) -> None:
        """Hear a channel from now on, or no more."""
        if len(self.lines) > 1:
            self.lines[1].hear(self._unsubscribe if no_more else self._subscribe, wire_name(channel))

    def _take(self, wire: bytes, data: bytes) -> None:
        if wire != self._beats:
            self._on_heard(wire, data)
        elif self._seal.is_own(wire, data):
            self._own_at = time.monotonic()
            self.echo.set()
        else:
            now = time.monotonic()
            for kind in (self._seal.open(wire, data) or b"").split():
                self._others_at[kind] = now
                if self._others is not None:
                    self._others.add(kind)

    def close(self) -> None:
        """Send what is written, and end."""
        if self._written:
            self._flush()
        for line in self.lines:
            line.close()


@functools.lru_cache(65_536)
def kind_of(channel: str) -> bytes:
    """What a channel ``tenant:kind:id`` is about; one without a tenant is a kind of its own."""
    return channel.split(":", 2)[1 if ":" in channel else 0].encode()


def wire_name(channel: str) -> bytes:
    """A channel's name in Redis."""
    return f"{PREFIX}{channel}".encode()
