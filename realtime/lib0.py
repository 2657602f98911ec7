"""The binary encoding of ``lib0`` (what Yjs speaks): a reader that checks every bound, and a writer.

Numbers are little-endian base-128 (``varuint``), strings and buffers carry their length in bytes.
The reader takes only what the encoder can have written: no padded numbers, no number beyond 2^53,
no length beyond the end.
"""

import json
import struct
from typing import Any, Final

MAX_SAFE: Final = 2**53 - 1
_MAX_VARUINT_BYTES: Final = 8
_FLOAT32: Final = struct.Struct(">f")
_FLOAT64: Final = struct.Struct(">d")


class Malformed(ValueError):
    """These bytes are not what they claim to be; ``reason`` says why, in one slug."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Reader:
    """Reads from ``data`` and never past its end; every method raises ``Malformed``."""

    __slots__ = ("_parts", "data", "end", "position")

    def __init__(self, data: bytes, *, max_parts: int = 1_000_000) -> None:
        self.data = data
        self.position = 0
        self.end = len(data)
        self._parts = max_parts

    @property
    def remaining(self) -> int:
        """How many bytes are left."""
        return self.end - self.position

    def spend(self, parts: int = 1) -> None:
        """Count ``parts`` against what this message may consist of, so that reading takes bounded time."""
        self._parts -= parts
        if self._parts < 0:
            raise Malformed("too-many-parts")

    def byte(self) -> int:
        """One byte."""
        position = self.position
        if position >= self.end:
            raise Malformed("truncated")
        self.position = position + 1
        return self.data[position]

    def varuint(self) -> int:
        """A number from 0 to 2^53 - 1."""
        data, position = self.data, self.position
        if position >= self.end:
            raise Malformed("truncated")
        byte = data[position]
        if byte < 128:  # noqa: PLR2004 - the continuation bit; the common case first
            self.position = position + 1
            return byte
        value, shift = byte & 127, 7
        last = min(self.end, position + _MAX_VARUINT_BYTES)
        for at in range(position + 1, last):
            byte = data[at]
            value |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 - the last byte of a varuint
                if byte == 0:
                    raise Malformed("padded-number")
                if value > MAX_SAFE:
                    raise Malformed("number-too-large")
                self.position = at + 1
                return value
            shift += 7
        raise Malformed("truncated" if last == self.end else "number-too-large")

    def varuints(self, count: int) -> list[int]:
        """So many numbers, unchecked but for the end: for bytes that were read strictly before."""
        found: list[int] = []
        value = shift = 0
        for byte in memoryview(self.data)[self.position :]:
            if len(found) == count:
                break
            self.position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:  # noqa: PLR2004 - the last byte of a varuint
                found.append(value)
                value = shift = 0
        if len(found) < count:
            raise Malformed("truncated")
        return found

    def count(self) -> int:
        """How many parts follow; each takes at least a byte, so there cannot be more than bytes."""
        count = self.varuint()
        if count > self.end - self.position:
            raise Malformed("count-beyond-end")
        return count

    def buffer(self) -> bytes:
        """A buffer with its length before it."""
        return self.take(self.varuint())

    def take(self, length: int) -> bytes:
        """The next ``length`` bytes."""
        start = self.position
        stop = start + length
        if stop > self.end:
            raise Malformed("truncated")
        self.position = stop
        return self.data[start:stop]

    def string(self) -> str:
        """UTF-8 text with its length in bytes before it."""
        try:
            return self.buffer().decode()
        except UnicodeDecodeError:
            raise Malformed("not-utf8") from None

    def varint(self) -> int:
        """A signed number: sign in bit 7 and continuation in bit 8 of the first byte."""
        byte = self.byte()
        value, shift, more = byte & 63, 6, byte & 128
        while more:
            following = self.byte()
            value |= (following & 127) << shift
            shift += 7
            more = following & 128
            if shift > 55 or value > MAX_SAFE:  # noqa: PLR2004 - eight bytes hold 2^53
                raise Malformed("number-too-large")
            if not more and following == 0:
                raise Malformed("padded-number")
        return -value if byte & 64 else value

    def skip_json(self, *, max_depth: int) -> None:
        """A string holding JSON that every peer's parser takes."""
        check_json(self.string(), max_depth=max_depth)

    def skip_any(self, *, max_depth: int) -> int:
        """Any value of ``lib0``, read and thrown away; answers its type byte."""
        self.spend()
        if max_depth < 0:
            raise Malformed("too-deep")
        kind = self.byte()
        if kind in _SIZES:
            self.take(_SIZES[kind])
        elif kind == ANY_INTEGER:
            self.varint()
        elif kind == ANY_STRING:
            self.string()
        elif kind == ANY_BYTES:
            self.buffer()
        elif kind in {ANY_OBJECT, ANY_ARRAY}:
            for _ in range(self.count()):
                if kind == ANY_OBJECT:
                    self.string()
                self.skip_any(max_depth=max_depth - 1)
        else:
            raise Malformed("unknown-value-type")
        return kind

    def finish(self) -> None:
        """Nothing may follow."""
        if self.position != self.end:
            raise Malformed("trailing-bytes")


ANY_BYTES: Final = 116
ANY_ARRAY: Final = 117
ANY_OBJECT: Final = 118
ANY_STRING: Final = 119
ANY_INTEGER: Final = 125
_SIZES: Final = {127: 0, 126: 0, 124: _FLOAT32.size, 123: _FLOAT64.size, 122: 8, 121: 0, 120: 0}
"""Bytes after the type byte: undefined, null, float32, float64, bigint, false, true."""


def check_json(text: str, *, max_depth: int) -> Any:
    """The value of ``text``, if browsers, Rust and Python read it alike.

    Raises:
        Malformed: not JSON (RFC 8259), deeper than ``max_depth``, or holding what some parser
            refuses: numbers beyond a double, escaped halves of surrogate pairs.
    """
    if _depth(text) > max_depth:
        raise Malformed("too-deep")
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise Malformed("not-json") from None
    return value


def _depth(text: str) -> int:
    """An upper bound of how deep ``text`` nests; brackets in strings count too, which is rare and harmless."""
    openings = text.count("[") + text.count("{")
    if openings <= 16:  # noqa: PLR2004 - cannot be deeper than this: no need to walk
        return openings
    depth = deepest = 0
    in_string = escaped = False
    for character in text:
        if in_string:
            in_string = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            in_string = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _no_constant(word: str) -> float:
    raise ValueError(word)


def _finite(word: str) -> float:
    value = float(word)
    if value in {float("inf"), float("-inf")}:
        raise ValueError(word)
    return value


def varuint(value: int) -> bytes:
    """``value`` as the reader's ``varuint`` takes it."""
    return _SHORT[value] if value < _SHORT_NUMBERS else _long(value)


def _long(value: int) -> bytes:
    out = bytearray()
    while value > 127:  # noqa: PLR2004 - seven bits a byte
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


_SHORT_NUMBERS: Final = 16_384
_SHORT: Final = tuple(map(_long, range(_SHORT_NUMBERS)))
"""Those of one and two bytes, which nearly all are: they are looked up in a tenth of the time that writing them takes."""


def varbytes(value: bytes) -> bytes:
    """A buffer with its length before it."""
    return varuint(len(value)) + value


def varstring(value: str) -> bytes:
    """UTF-8 text with its length in bytes before it."""
    return varbytes(value.encode())
