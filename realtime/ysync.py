"""The messages of the ``y-websocket`` protocol, and our acknowledgements, as bytes.

A WebSocket message holds one or more of: ``[0, 0, state vector]`` (tell me what I miss), ``[0, 1,
update]`` (what you miss), ``[0, 2, update]`` (news), ``[1, states]`` (awareness), ``[3]`` (tell me
the awareness). Our own client adds ``[100, …]``: updates with a number, answered when they are stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from realtime.lib0 import Malformed, Reader, check_json, varbytes, varstring, varuint

SYNC: Final = 0
AWARENESS: Final = 1
QUERY_AWARENESS: Final = 3
OURS: Final = 100

STEP_1, STEP_2, UPDATE = range(3)
HELLO, NUMBERED, ACK, REFUSED = range(4)

UPDATE_HEAD: Final = bytes((SYNC, UPDATE))
ACK_HEAD: Final = bytes((OURS, ACK))

MAX_MESSAGES: Final = 64
"""In one WebSocket message; the clients we know send one."""
MAX_AWARENESS: Final = 8_192
"""Bytes of one client's state."""
MAX_AWARENESS_ENTRIES: Final = 1_000
MAX_AWARENESS_STAMP: Final = 512
"""Bytes that our stamp may add: clients repeat the stamped states of others."""
MAX_STATE_VECTOR_CLIENTS: Final = 50_000
_AWARENESS_DEPTH: Final = 12
GONE: Final = "null"


@dataclass(frozen=True, slots=True)
class AskState:
    """Sync step 1: the sender has this much; a state vector, not read yet."""

    vector: bytes


@dataclass(frozen=True, slots=True)
class Update:
    """An update, as news or as an answer, not read yet; ``number`` when the sender wants an answer to it."""

    data: bytes
    number: int | None = None


@dataclass(frozen=True, slots=True)
class AwarenessEntry:
    """One client's awareness; ``state`` is JSON, not read yet; ``null`` when the client is gone."""

    client: int
    clock: int
    state: str


@dataclass(frozen=True, slots=True)
class Awareness:
    """What clients say of themselves and, as ``y-websocket`` does, repeat of others."""

    entries: tuple[AwarenessEntry, ...]


@dataclass(frozen=True, slots=True)
class AskAwareness:
    """The sender wants everybody's awareness."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The sender is our client and wants acknowledgements."""


Message = AskState | Update | Awareness | AskAwareness | Hello


def read_messages(data: bytes) -> list[Message]:
    """The messages in one WebSocket message of a client.

    Raises:
        Malformed: it is not of this protocol.
    """
    reader = Reader(data)
    messages: list[Message] = []
    while reader.remaining:
        if len(messages) == MAX_MESSAGES:
            raise Malformed("too-many-messages")
        messages.append(_read_message(reader))
    return messages


def _read_message(reader: Reader) -> Message:
    kind = reader.varuint()
    if kind == SYNC:
        step = reader.varuint()
        if step == STEP_1:
            return AskState(reader.buffer())
        if step in (STEP_2, UPDATE):
            return Update(reader.buffer())
    elif kind == AWARENESS:
        return Awareness(read_awareness(reader.buffer()))
    elif kind == QUERY_AWARENESS:
        return AskAwareness()
    elif kind == OURS:
        return _read_ours(reader)
    raise Malformed("unknown-message")


def _read_ours(reader: Reader) -> Message:
    kind = reader.varuint()
    if kind == HELLO:
        reader.varuint()  # its version
        return Hello()
    if kind == NUMBERED:
        number = reader.varuint()
        return Update(reader.buffer(), number)
    raise Malformed("unknown-message")


def read_vector(data: bytes) -> dict[int, int]:
    """A state vector: how many clocks of each client someone has."""
    reader = Reader(data)
    count = reader.count()
    if count > MAX_STATE_VECTOR_CLIENTS:
        raise Malformed("too-many-clients")
    vector: dict[int, int] = {}
    for _ in range(count):
        client = reader.varuint()
        if client in vector:
            raise Malformed("client-twice")
        vector[client] = reader.varuint()
    reader.finish()
    return vector


def write_vector(vector: dict[int, int]) -> bytes:
    """``vector`` as bytes."""
    parts = [varuint(len(vector))]
    for client, clock in vector.items():
        parts += varuint(client), varuint(clock)
    return b"".join(parts)


def read_awareness(data: bytes) -> tuple[AwarenessEntry, ...]:
    """The entries of an awareness message."""
    reader = Reader(data)
    count = reader.count()
    if count > MAX_AWARENESS_ENTRIES:
        raise Malformed("awareness-too-large")
    entries: list[AwarenessEntry] = []
    for _ in range(count):
        client, clock, state = reader.varuint(), reader.varuint(), reader.buffer()
        if len(state) > MAX_AWARENESS + MAX_AWARENESS_STAMP:
            raise Malformed("awareness-too-large")
        try:
            entries.append(AwarenessEntry(client, clock, state.decode()))
        except UnicodeDecodeError:
            raise Malformed("not-utf8") from None
    reader.finish()
    return tuple(entries)


def read_awareness_state(state: str) -> dict[str, Any] | None:
    """A state as its client gave it: an object or, when it is gone, None."""
    if len(state) > MAX_AWARENESS:
        raise Malformed("awareness-too-large")
    value = check_json(state, max_depth=_AWARENESS_DEPTH)
    if value is not None and not isinstance(value, dict):
        raise Malformed("awareness-not-an-object")
    return value


def write_awareness(entries: Sequence[tuple[int, int, str]]) -> bytes:
    """An awareness message of ``(client, clock, state as JSON)``."""
    parts = [varuint(len(entries))]
    for client, clock, state in entries:
        parts += varuint(client), varuint(clock), varstring(state)
    return varuint(AWARENESS) + varbytes(b"".join(parts))


def write_ask_state(vector: dict[int, int]) -> bytes:
    """Sync step 1: send me what is missing in ``vector``."""
    return b"\x00\x00" + varbytes(write_vector(vector))


def write_answer(update: bytes) -> bytes:
    """Sync step 2: what you missed; a client counts as in sync after its first."""
    return b"\x00\x01" + varbytes(update)


def write_update(update: bytes) -> bytes:
    """News."""
    size = len(update)
    return (b"\x00\x02%c" % size if size < 128 else UPDATE_HEAD + varuint(size)) + update  # noqa: PLR2004 - one byte


def write_refused(number: int, code: str) -> bytes:
    """The numbered update will never be stored; the document of its sender is worth nothing now."""
    return bytes((OURS, REFUSED)) + varuint(number) + varstring(code)
