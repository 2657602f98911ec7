"""The program that applies a document's updates, in a process of its own that may die of them.

It is run by its path, so that it loads nothing but the decoder. Standard input: seconds and bytes that it may use, then
updates, each with its length before it. Standard output: the digest of what they make, the digest of what the merged
state makes of a fresh document, and the merged state.
"""

import hashlib
import json
import resource
import signal
import struct
import sys
from typing import Any

from pycrdt import Array, Doc, Map, Text

LIMITS = struct.Struct(">IQ")
LENGTH = struct.Struct(">I")


def main() -> None:
    """Replay, within the limits that come first."""
    seconds, memory = LIMITS.unpack(sys.stdin.buffer.read(LIMITS.size))
    bound(seconds, memory)
    whole: Doc[Any] = Doc()
    with whole.transaction():
        while head := sys.stdin.buffer.read(LENGTH.size):
            whole.apply_update(sys.stdin.buffer.read(LENGTH.unpack(head)[0]))
    state = whole.get_update()
    fresh: Doc[Any] = Doc()
    fresh.apply_update(state)
    sys.stdout.buffer.write(digest(whole) + digest(fresh) + state)


def bound(seconds: int, memory: int) -> None:
    """Die rather than use more than this; write no file."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    signal.alarm(2 * seconds)  # also when nobody is left to end us


def digest(document: "Doc[Any]") -> bytes:
    """The hash of all that can be seen in a document, and of how far it knows each client."""
    seen = hashlib.sha256()
    for name in sorted(document.keys()):
        # An update does not say of which kind a root is. Seen as text it shows its items, as a map its keys; seen as
        # an array, a text can keep the decoder busy for ever.
        views = [name, document.get(name, type=Text).diff(), plain(document.get(name, type=Map))]
        seen.update(json.dumps(views, sort_keys=True, default=plain).encode())
    seen.update(b"".join(sorted(entries(document.get_state()))))
    return seen.digest()


def plain(value: object) -> object:
    """A shared type inside another, as JSON can say it."""
    if isinstance(value, Map):
        return dict(value.items())
    if isinstance(value, Text):
        return value.diff()
    if isinstance(value, Array):
        return list(value)
    if isinstance(value, bytes):
        return value.hex()
    return type(value).__name__


def entries(data: bytes) -> "list[bytes]":
    """The entries of a state vector, each as its bytes: two numbers of seven bits a byte."""
    found, start, numbers = [], 0, -1
    for at, byte in enumerate(data, 1):
        if byte < 128:  # noqa: PLR2004 - the last byte of a number
            numbers += 1
            if numbers % 2 == 0:
                found.append(data[start:at])
                start = at
            elif numbers == 0:
                start = at
    return found


if __name__ == "__main__":
    main()
