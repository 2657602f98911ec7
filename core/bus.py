"""Hints between processes over Redis pub/sub: versioned, signed, and allowed to get lost.

Truth is in PostgreSQL; every reader of a hint can do without it. A message is ``v1 | node | counter | HMAC | body``;
what is forged, of another installation, or older than what its sender already sent is dropped and counted.
"""

import asyncio
import contextlib
import hashlib
import hmac
import random
import secrets
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import redis.asyncio as redis
import structlog
from prometheus_client import Counter, Gauge
from redis.exceptions import RedisError

log = structlog.get_logger()

DROPPED = Counter("dojo_bus_dropped", "Messages not believed or not sent, by reason.", ["reason"])
SENT = Counter("dojo_bus_sent", "Messages published.")
UP = Gauge("dojo_bus_up", "1 while Redis is connected.")

VERSION = 1
HEADER = struct.Struct(">B8sQ16s")
QUEUE_MAX = 10_000
NODES_MAX = 1_000
PIPELINE_MAX = 200
STEADY = 5.0
"""Seconds that a connection must have held for the next retry to be quick again."""
PREFIX = "dojo:"

OnMessage = Callable[[bytes], None]


class Bus:
    """One process's end of the bus. What it publishes reaches its own subscribers at once, without Redis."""

    def __init__(self, url: str, secret: str) -> None:
        self._url = url
        self._key = hashlib.sha256(b"bus" + secret.encode()).digest()
        self._node = secrets.token_bytes(8)
        self._counter = 0
        self._seen: dict[bytes, int] = {}
        self._handlers: dict[str, list[OnMessage]] = {}
        self._outgoing: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(QUEUE_MAX)
        self._changes: asyncio.Queue[str] = asyncio.Queue()
        self.connected = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Bus"]:
        """Be connected while the block runs, and again whenever Redis comes back."""
        tasks = [asyncio.create_task(self._forever(self._send)), asyncio.create_task(self._forever(self._receive))]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def publish(self, channel: str, body: bytes) -> None:
        """Tell this process's subscribers at once and the others soon, or never."""
        self._deliver(channel, body)
        try:
            self._outgoing.put_nowait((channel, self._sealed(channel, body)))
        except asyncio.QueueFull:
            DROPPED.labels("queue-full").inc()

    def subscribe(self, channel: str, on_message: OnMessage) -> Callable[[], None]:
        """Hear ``channel`` until the returned function is called. ``on_message`` must not block."""
        self._handlers.setdefault(channel, []).append(on_message)
        self._changes.put_nowait(channel)

        def unsubscribe() -> None:
            handlers = self._handlers.get(channel, [])
            if on_message in handlers:
                handlers.remove(on_message)
            if not handlers:
                self._handlers.pop(channel, None)
                self._changes.put_nowait(channel)

        return unsubscribe

    def _deliver(self, channel: str, body: bytes) -> None:
        for handler in tuple(self._handlers.get(channel, ())):
            try:
                handler(body)
            except Exception:
                log.exception("bus_handler_failed", channel=channel)

    def _mac(self, channel: str, counter: int, node: bytes, body: bytes) -> bytes:
        head = struct.pack(">B8sQ", VERSION, node, counter) + channel.encode() + b"\0"
        return hmac.digest(self._key, head + body, "sha256")[:16]

    def _sealed(self, channel: str, body: bytes) -> bytes:
        self._counter += 1
        mac = self._mac(channel, self._counter, self._node, body)
        return HEADER.pack(VERSION, self._node, self._counter, mac) + body

    def _open(self, channel: str, message: bytes) -> bytes | None:
        """The body of a believable message of another process."""
        if len(message) < HEADER.size or message[0] != VERSION:
            DROPPED.labels("garbage").inc()
            return None
        _, node, counter, mac = HEADER.unpack_from(message)
        body = message[HEADER.size :]
        if node == self._node:
            return None
        if not hmac.compare_digest(mac, self._mac(channel, counter, node, body)):
            DROPPED.labels("forged").inc()
            return None
        if counter <= self._seen.get(node, 0):
            DROPPED.labels("replayed").inc()
            return None
        if len(self._seen) >= NODES_MAX:
            self._seen.pop(next(iter(self._seen)))
        self._seen[node] = counter
        return body

    async def _forever(self, work: "Callable[[redis.Redis], Awaitable[None]]") -> None:
        delay = 0.05
        while True:
            client = redis.Redis.from_url(
                self._url, socket_connect_timeout=2, socket_timeout=None, health_check_interval=10
            )
            started = asyncio.get_running_loop().time()
            try:
                await work(client)
            except (RedisError, OSError, TimeoutError) as error:
                UP.set(0)
                self.connected.clear()
                if asyncio.get_running_loop().time() - started > STEADY:
                    delay = 0.05
                log.warning("bus_lost", error=type(error).__name__)
            except Exception:  # a fault of ours must not end the bus for good
                log.exception("bus_failed")
            finally:
                with contextlib.suppress(Exception):
                    await client.aclose()
            await asyncio.sleep(delay + random.uniform(0, delay))
            delay = min(delay * 2, 1.0)

    async def _send(self, client: "redis.Redis") -> None:
        while True:
            channel, message = await self._outgoing.get()
            pipe = client.pipeline(transaction=False)
            pipe.publish(PREFIX + channel, message)
            count = 1
            while count < PIPELINE_MAX and not self._outgoing.empty():
                channel, message = self._outgoing.get_nowait()
                pipe.publish(PREFIX + channel, message)
                count += 1
            async with asyncio.timeout(5):  # not wait_for: before Python 3.12 it can swallow being cancelled
                await pipe.execute()
            SENT.inc(count)

    async def _receive(self, client: "redis.Redis") -> None:
        async with client.pubsub() as pubsub:
            await pubsub.subscribe(PREFIX + "all", *(PREFIX + channel for channel in self._handlers))
            UP.set(1)
            self.connected.set()
            changes = asyncio.create_task(self._follow_changes(pubsub))
            try:
                async for message in pubsub.listen():
                    if message["type"] != "message":
                        continue
                    channel = message["channel"].decode().removeprefix(PREFIX)
                    body = self._open(channel, message["data"])
                    if body is not None:
                        self._deliver(channel, body)
            finally:
                changes.cancel()
        raise ConnectionError("subscription ended")

    async def _follow_changes(self, pubsub: "redis.client.PubSub") -> None:
        while True:
            channel = await self._changes.get()
            if channel in self._handlers:
                await pubsub.subscribe(PREFIX + channel)
            else:
                await pubsub.unsubscribe(PREFIX + channel)
