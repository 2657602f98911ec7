"""What makes a message of the bus believable: a version, its sender's count, and a MAC over all of it.

``version | sender | counter | MAC | body``; the MAC is a keyed BLAKE2b (RFC 7693) and covers the channel too. A sender
counts in nanoseconds since the Unix epoch, or by one where its clock stands: so its numbers grow, and say how old a
message is to who has never heard of its sender. The machines' clocks must agree to within ``FRESH``.
"""

import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable

from prometheus_client import Counter, Gauge

DROPPED = Counter("dojo_bus_dropped", "Messages not believed or not sent, by reason.", ["reason"])
SENDERS = Gauge("dojo_bus_senders", "Senders whose last number is remembered.")

VERSION = 2
HEADER = struct.Struct(">B8sQ16s")
SIGNED = struct.Struct(">B8sQ")
MAC_SIZE = 16
SENDERS_MAX = 1_000
FRESH = 30_000_000_000
"""Nanoseconds after which a message is not believed: it may be a recording."""
FORMER_COUNTS = 1 << 60
"""Numbers below it are no times: the former version counts from one."""


class Sender:
    """One source of numbered messages: a connection for publishing."""

    def __init__(self) -> None:
        self.id = secrets.token_bytes(8)
        self.counter = 0


class Seal:
    """Signs what this process sends, and judges what it hears."""

    def __init__(self, secret: str, clock: Callable[[], int] = time.time_ns) -> None:
        key = hashlib.sha256(b"bus" + secret.encode()).digest()
        self._keyed = hashlib.blake2b(key=key, digest_size=MAC_SIZE)
        self._clock = clock
        self._seen: dict[bytes, int] = {}
        """The last number of each sender, the one that was silent for longest first."""
        self._own: dict[bytes, int] = {}
        """This process' own senders, each with the number of its last beat that came back."""
        SENDERS.set_function(lambda: len(self._seen))

    def remember_own(self, sender: Sender) -> None:
        """Know what comes back from this process itself; former connections' words may still be under way."""
        if len(self._own) >= SENDERS_MAX:
            self._own.clear()
        self._own[sender.id] = 0

    def close(self, sender: Sender, wire: bytes, body: bytes) -> bytes:
        """The next message of ``sender`` on a channel."""
        sender.counter = max(sender.counter + 1, self._clock())
        signed = SIGNED.pack(VERSION, sender.id, sender.counter)
        return signed + self._mac(signed, wire, body) + body

    def open(self, wire: bytes, message: bytes) -> bytes | None:
        """The body of a believable message of another process."""
        if message[1:9] in self._own:
            return None
        if len(message) < HEADER.size or message[0] != VERSION:
            DROPPED.labels("garbage").inc()
            return None
        _, sender, counter, _ = HEADER.unpack_from(message)
        body = message[HEADER.size :]
        if not self.is_genuine(wire, message, body):
            DROPPED.labels("forged").inc()
            return None
        if counter <= self._seen.get(sender, 0):
            DROPPED.labels("replayed").inc()
            return None
        if FORMER_COUNTS <= counter < self._clock() - FRESH:
            DROPPED.labels("stale").inc()
            return None
        if self._seen.pop(sender, None) is None and len(self._seen) >= SENDERS_MAX:
            self._seen.pop(next(iter(self._seen)))
        self._seen[sender] = counter
        return body

    def is_own(self, wire: bytes, message: bytes) -> bool:
        """Whether this process sent it, and hears it for the first time: a recording proves no way."""
        sender = message[1:9]
        if sender not in self._own:
            return False
        if len(message) < HEADER.size or not self.is_genuine(wire, message, message[HEADER.size :]):
            DROPPED.labels("forged").inc()
            return False
        counter = HEADER.unpack_from(message)[2]
        if counter <= self._own[sender]:
            DROPPED.labels("replayed").inc()
            return False
        self._own[sender] = counter
        return True

    def is_genuine(self, wire: bytes, message: bytes, body: bytes) -> bool:
        """Whether somebody who knows the secret signed it for this channel."""
        mac = self._mac(message[: SIGNED.size], wire, body)
        return hmac.compare_digest(message[SIGNED.size : HEADER.size], mac)

    def _mac(self, signed: bytes, wire: bytes, body: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(b"%b%b\0%b" % (signed, wire, body))
        return keyed.digest()
