"""WebSocket frames (RFC 6455 §5): written whole, taken apart strictly."""

import struct
from typing import Final

NORMAL, GOING_AWAY, PROTOCOL_ERROR, NOT_UTF8, POLICY, TOO_BIG, INTERNAL = 1000, 1001, 1002, 1007, 1008, 1009, 1011
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
WHOLE_TEXT, WHOLE_BINARY = 0x81, 0x82
FIN, RESERVED, OPCODE, MASKED, LENGTH = 0x80, 0x70, 0x0F, 0x80, 0x7F
CONTROL_MAX = 125
LENGTH_16, LENGTH_64 = 126, 127
CODES: Final = frozenset((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014))
PRIVATE_CODES: Final = range(3000, 5000)

_TEXT_HEADS, _BINARY_HEADS = (
    [bytes((first, size)) for size in range(LENGTH_16)] for first in (WHOLE_TEXT, WHOLE_BINARY)
)
"""Headers by length."""
_number = int.from_bytes


class Violation(Exception):
    """The peer broke the protocol: the connection ends with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def frame(message: str | bytes) -> bytes:
    """One message as a whole frame (§5.2: unfragmented, from a server, so unmasked)."""
    if isinstance(message, bytes):
        return _BINARY_HEADS[len(message)] + message if len(message) < LENGTH_16 else frame_of(WHOLE_BINARY, message)
    body = message.encode()
    return _TEXT_HEADS[len(body)] + body if len(body) < LENGTH_16 else frame_of(WHOLE_TEXT, body)


def frame_of(first: int, body: bytes) -> bytes:
    """A frame with ``first`` for its first byte."""
    length = len(body)
    if length < LENGTH_16:
        return b"%c%c%b" % (first, length, body)
    if length < 1 << 16:
        return b"%c%c%c%c%b" % (first, LENGTH_16, length >> 8, length & 0xFF, body)
    return struct.pack("!BBQ", first, LENGTH_64, length) + body


def unmask(key: bytes, body: bytes) -> bytes:
    """A masked body as it was (§5.3), a whole message at once: one big exclusive-or is the fastest that plain Python does."""
    size = len(body)
    stream = (key * (size // 4 + 1))[:size]
    return (_number(body, "little") ^ _number(stream, "little")).to_bytes(size, "little")


def long_length(size: bytes) -> int:
    """A length that did not fit its seven bits; refuses one that is not in the fewest bytes (§5.2)."""
    length = int.from_bytes(size, "big")
    if length < (LENGTH_16 if len(size) == 2 else 1 << 16):  # noqa: PLR2004 - the shorter of the two forms
        raise Violation(PROTOCOL_ERROR, "length too long")
    return length


def text_of(body: bytes) -> str:
    """The text of a message; refuses what is not UTF-8 (§8.1)."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Violation(NOT_UTF8, "not UTF-8") from error


def close_code(body: bytes) -> int:
    """The code in a close frame (§7.4); refuses what may not be sent."""
    if not body:
        return NORMAL
    code = int.from_bytes(body[:2], "big")
    if len(body) < 2 or not (code in CODES or code in PRIVATE_CODES):  # noqa: PLR2004 - a code has two bytes
        raise Violation(PROTOCOL_ERROR, "bad close code")
    text_of(body[2:])
    return code
