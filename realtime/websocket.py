"""The server's end of one WebSocket (RFC 6455), on the bare transport: no task and no queue for each connection.

It reads strictly, writes frames that were made once for all receivers, and is cut off when its peer does not read.
Extensions are refused: deflating small messages costs three times the processor and the memory. The handshake is
``handshake.py``'s.
"""

import asyncio
import os
import struct
from collections.abc import Callable

import structlog

from realtime.buckets import Bucket
from realtime.metrics import RECEIVED_BYTES, SENT_BYTES
from realtime.wsframes import (
    BINARY,
    CLOSE,
    CONTINUATION,
    CONTROL_MAX,
    FIN,
    INTERNAL,
    LENGTH,
    LENGTH_16,
    MASKED,
    NORMAL,
    OPCODE,
    PING,
    POLICY,
    PONG,
    PROTOCOL_ERROR,
    RESERVED,
    TEXT,
    TOO_BIG,
    WHOLE_BINARY,
    WHOLE_TEXT,
    Violation,
    close_code,
    frame_of,
    long_length,
    text_of,
    unmask,
)

log = structlog.get_logger()

CLOSE_WAIT = 1.0
"""Seconds that the peer has for its half of the closing handshake."""
PIECES_PER_SECOND, PIECES_BURST = 20, 200
"""Frames of a peer that are no whole message, such as pings, of which a message's own bounds know nothing."""
OnMessage = Callable[[str | bytes], None]


class Flusher:
    """Sends, at the end of a turn of the loop, what its sockets were given in it: one system call for each socket.

    Sending sooner, at the end of the first read, costs a busy room two thirds of its speed: those who are answered one
    by one come back one by one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.waiting: list[WebSocket] = []
        """Those that have something to send; ``flush`` is to be called soon if there are any."""

    def flush(self) -> None:
        """Send it."""
        waiting, self.waiting = self.waiting, []
        sent = 0
        for socket in waiting:
            try:
                sent += socket.flush()
            except Exception:  # of one socket, which must not keep the others waiting
                log.exception("flush_failed")
        SENT_BYTES.value += sent


_last: list[Flusher] = []
"""The last loop's: asking for the running loop costs a system call (CPython 3.11), so sockets ask once."""


def _flusher() -> Flusher:
    """The running loop's."""
    loop = asyncio.get_running_loop()
    if not _last or _last[0].loop is not loop:
        _last[:] = [Flusher(loop)]
    return _last[0]


class WebSocket(asyncio.Protocol):
    """One connection. The callbacks run inside the loop's reading: they must not block.

    Args:
        transport: the connection, after the handshake was answered.
        max_message: bytes of one message, all of its fragments together; a longer one ends the connection (1009).
        on_message: gets each message whole, text as ``str`` and binary as ``bytes``, in order.
        on_closed: runs once when the connection is gone, whoever ended it.
    """

    __slots__ = (
        "_closing", "_cut", "_fd", "_flusher", "_fragments", "_max_message", "_more", "_needed", "_opcode", "_out",
        "_pieces", "_rest", "_transport", "is_behind", "on_closed", "on_message", "on_read", "on_slow", "violation",
    )  # fmt: skip

    def __init__(
        self, transport: asyncio.Transport, *, max_message: int, on_message: OnMessage, on_closed: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._fd = _descriptor(transport)
        self.is_behind = True
        """Whether something may wait in the transport for the peer to read; it goes first then."""
        self._max_message = max_message
        self.on_message = on_message
        self.on_closed = on_closed
        self.on_read: Callable[[], None] | None = None
        """Runs behind the last of the messages that came at one go."""
        self.on_slow: Callable[[], None] | None = None
        self.violation: str | None = None
        """What of the peer's was not as RFC 6455 has it; the connection ends with it."""
        self._flusher = _flusher()
        self._out: bytes | None = None
        """What was written in this turn of the loop."""
        self._more: list[bytes] | None = None
        """The same, if it was more than once."""
        self._rest: bytes | bytearray = b""
        self._needed = 0
        """Bytes that ``_rest`` must have before there is anything to read in it."""
        self._opcode = CONTINUATION
        """Of the message whose fragments are being collected; CONTINUATION when there is none."""
        self._fragments: bytearray | None = None
        self._pieces: Bucket | None = None
        """Counts frames that are no whole message; most peers send none."""
        self._closing = False
        self._cut: asyncio.TimerHandle | None = None

    # Out

    @property
    def backlog(self) -> int:
        """Bytes that the kernel has not taken yet."""
        waiting = self._transport.get_write_buffer_size() if self.is_behind else 0
        if self._more is not None:
            return waiting + sum(map(len, self._more))
        return waiting if self._out is None else waiting + len(self._out)

    def limit_backlog(self, size: int, on_slow: Callable[[], None]) -> None:
        """Run ``on_slow`` when more than ``size`` bytes wait for the peer to read."""
        self.on_slow = on_slow
        self._transport.set_write_buffer_limits(high=size)

    def write(self, frames: bytes) -> None:
        """Send ready frames. All writes of one turn of the loop leave in one system call."""
        if self._closing:
            return
        if self._out is None:
            self._out = frames
            flusher = self._flusher
            if not flusher.waiting:
                flusher.loop.call_soon(flusher.flush)
            flusher.waiting.append(self)
        elif self._more is None:
            self._more = [self._out, frames]
        else:
            self._more.append(frames)

    def flush(self) -> int:
        """Send what was written, and say how many bytes that are; the flusher does it at the end of the turn.

        The kernel gets it from here. What it does not take goes to the transport, which waits until it does.
        """
        frames = self._out
        if frames is None:
            return 0
        self._out = None
        if self._more is not None:
            frames, self._more = b"".join(self._more), None
        size = len(frames)
        if self.is_behind:
            if self._fd < 0 or self._transport.get_write_buffer_size():
                self._transport.write(frames)
                return size
            self.is_behind = False
        try:
            taken = os.write(self._fd, frames)
        except BlockingIOError:
            taken = 0
        except OSError:  # the connection broke: the transport says so
            self._transport.abort()
            return 0
        if taken < size:
            self.is_behind = True
            self._transport.write(frames[taken:])
        return size

    def close(self, code: int = NORMAL, reason: str = "", *, wait: float = CLOSE_WAIT) -> None:
        """Begin the closing handshake (§7.1.2); who has not taken part after ``wait`` seconds is cut off."""
        if self._closing:
            return
        self.write(frame_of(FIN | CLOSE, struct.pack("!H", code) + reason.encode()[: CONTROL_MAX - 2]))
        self._closing = True
        if wait:
            self.resume()  # or the answer is never read
            self._cut = asyncio.get_running_loop().call_later(wait, self._transport.abort)
        else:
            SENT_BYTES.value += self.flush()
            self._transport.close()

    def abort(self) -> None:
        """Cut the connection off, whatever was not sent."""
        self._closing = True
        self._out = self._more = None
        self._transport.abort()

    def pause(self) -> None:
        """Read no more from the peer until ``resume``; its own buffers fill."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Go on reading."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    @property
    def is_read(self) -> bool:
        """Whether what the peer sends is read now."""
        return self._transport.is_reading()

    def prepend(self, data: bytes) -> None:
        """Read ``data``, which came with the handshake, before anything else and after this turn of the loop."""
        self._rest = data
        asyncio.get_running_loop().call_soon(self.data_received, b"")

    # In: what the transport calls

    def pause_writing(self) -> None:
        """The peer does not read."""
        if self.on_slow is not None:
            self.on_slow()

    def resume_writing(self) -> None:
        """The peer reads again."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        del exc
        self._closing = True
        self._out = self._more = None
        self._fd, self.is_behind = -1, True  # the number may soon be another connection's
        if self._cut is not None:
            self._cut.cancel()
        on_closed, self.on_message, self.on_closed, self.on_slow = self.on_closed, _ignore, _nothing, None
        self.on_read = None
        try:
            on_closed()
        except Exception:
            log.exception("websocket_end_failed")

    def eof_received(self) -> bool:
        """The peer sends nothing more: close."""
        SENT_BYTES.value += self.flush()
        return False

    def data_received(self, data: bytes) -> None:
        """Bytes came: hand on every message that is whole."""
        RECEIVED_BYTES.value += len(data)
        if self._rest:
            if isinstance(self._rest, bytes):
                self._rest = bytearray(self._rest)
            self._rest += data
            if len(self._rest) < self._needed:
                return
            data, self._rest = bytes(self._rest), b""
        try:
            try:
                self._rest = self._read(data)
            finally:
                if self.on_read is not None:
                    self.on_read()
        except Violation as violation:
            self.violation = violation.reason
            self.close(violation.code, violation.reason)
            self._rest = b""
        except Exception:
            log.exception("websocket_message_failed")
            self.close(INTERNAL)

    def _read(self, data: bytes) -> bytes:
        """Read the whole frames in ``data``; what is left is the beginning of the next one."""
        at, end = 0, len(data)
        while end - at >= 2:  # noqa: PLR2004 - the shortest header
            first, second = data[at], data[at + 1]
            length, key_at = second & LENGTH, at + 2
            if length >= LENGTH_16:
                key_at += 2 if length == LENGTH_16 else 8
                if end < key_at:
                    self._needed = key_at - at
                    break
                length = long_length(data[at + 2 : key_at])
            is_whole = WHOLE_TEXT <= first <= WHOLE_BINARY and second >= MASKED and self._fragments is None
            if not is_whole:
                self._check(first, second, length)
            elif length > self._max_message:
                raise Violation(TOO_BIG, "too long")
            body_at = key_at + 4
            stop = body_at + length
            if stop > end:
                self._needed = stop - at
                break
            body = unmask(data[key_at:body_at], data[body_at:stop])
            at = stop
            if not is_whole or self._closing:
                self._take(first, body)
            else:
                self.on_message(body if first == WHOLE_BINARY else text_of(body))
        else:
            self._needed = 2
        return data[at:]

    def _check(self, first: int, second: int, length: int) -> None:
        """Refuse a frame by its header, before its body is collected."""
        opcode = first & OPCODE
        if first & RESERVED or not second & MASKED or BINARY < opcode < CLOSE or opcode > PONG:
            raise Violation(PROTOCOL_ERROR, "bad frame")
        if opcode >= CLOSE:
            if length > CONTROL_MAX or not first & FIN:
                raise Violation(PROTOCOL_ERROR, "bad control frame")
        elif (opcode == CONTINUATION) != (self._fragments is not None):
            raise Violation(PROTOCOL_ERROR, "fragments out of order")
        elif len(self._fragments or b"") + length > self._max_message:
            raise Violation(TOO_BIG, "too long")

    def _take(self, first: int, body: bytes) -> None:
        """Take a frame that is no whole message, or comes after the end."""
        if self._pieces is None:
            self._pieces = Bucket(PIECES_PER_SECOND, PIECES_BURST)
        if not self._closing and not self._pieces.take():
            raise Violation(POLICY, "too many frames that are no message")
        opcode = first & OPCODE
        if opcode >= CLOSE:
            self._control(opcode, body)
            return
        if opcode != CONTINUATION:
            self._opcode = opcode
        if not first & FIN:
            self._fragments = self._fragments or bytearray()
            self._fragments += body
            return
        if self._fragments is not None:
            body, self._fragments = bytes(self._fragments) + body, None
        if not self._closing:
            self.on_message(text_of(body) if self._opcode == TEXT else body)

    def _control(self, opcode: int, body: bytes) -> None:
        if opcode == PING:
            self.write(frame_of(FIN | PONG, body))
        elif opcode == CLOSE:
            code = close_code(body)
            if not self._closing:
                self.write(frame_of(FIN | CLOSE, struct.pack("!H", code) if body else b""))
                self._closing = True
            SENT_BYTES.value += self.flush()
            if self._cut is None and self.backlog:  # which it may never read
                self._cut = asyncio.get_running_loop().call_later(CLOSE_WAIT, self._transport.abort)
            self._transport.close()


def _descriptor(transport: asyncio.Transport) -> int:
    """The number of a connection that takes bytes as they are; -1 where they are encrypted on the way."""
    socket = transport.get_extra_info("socket")
    return -1 if socket is None or transport.get_extra_info("sslcontext") is not None else int(socket.fileno())


def _ignore(message: str | bytes) -> None:
    """What comes after the end."""


def _nothing() -> None:
    """The end was told already."""
