"""Socket.IO packets, version 5 of the protocol: read strictly, written in either parser's encoding.

``JsonReader`` is the default parser of the protocol's text ("Packet encoding"); ``MsgpackReader`` that of
``socket.io-msgpack-parser``: one map for each packet, binary as it is.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import msgpack

Parser = Literal["json", "msgpack"]
PATHS: Final[dict[Parser, str]] = {"json": "/socket.io/", "msgpack": "/socket.io-msgpack/"}
"""Where clients with each parser connect."""
CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK = range(7)
FROM_CLIENT: Final = frozenset((CONNECT, DISCONNECT, EVENT))
"""No ACK: the server asks for none."""
RESERVED: Final = frozenset(
    ("connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener")
)
"""Names that a client may not use for its events: they mean something in every implementation."""
MAIN: Final = "/"
MAX_ATTACHMENTS = 10
HEAD: Final = re.compile(r"([0-6])(?:(\d{1,3})-)?(?:(/[^,]*)(?:,|$))?(\d{1,16})?", re.ASCII)
SIMPLE_EVENT: Final = re.compile(r'2(\d{1,16})?\["([^"\\\x00-\x1f]+)"(?:,|\]$)', re.ASCII)
"""What nearly every packet is: an event of the main namespace, without attachments."""


def _no_number(word: str) -> None:
    """Refuse what Python reads and JSON has not: NaN and the infinities."""
    raise ValueError(word)


DECODE: Final = json.JSONDecoder(parse_constant=_no_number).decode


class Malformed(Exception):
    """This is no packet of the protocol."""


class Event(NamedTuple):
    """What a client sent: an event, or a packet that means something to the connection itself."""

    kind: int
    namespace: str
    number: int | None
    """Which acknowledgement is wanted."""
    name: str
    """Of an event."""
    body: str
    """JSON text of an event's arguments, without the brackets; it may not be JSON if nobody has read it yet."""
    data: Any
    """What was read: an event's arguments if they did not come as text, or another packet's payload."""

    def args(self) -> list[Any]:
        """The arguments.

        Raises:
            Malformed: the text is no JSON.
        """
        if self.data is None:
            return list(_loads(f"[0,{self.body}]")[1:]) if self.body else []
        return list(self.data)


def _loads(text: str) -> Any:
    try:
        return DECODE(text)
    except (ValueError, RecursionError) as error:
        raise Malformed("json") from error


class JsonReader:
    """Reads the packets of one connection; a binary event's attachments follow it."""

    __slots__ = ("_attachments", "_bytes", "_max_bytes", "_waiting")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting: Event | None = None
        self._attachments: list[bytes] = []
        self._bytes = 0

    def read(self, message: str | bytes) -> Event | None:
        """The packet that is whole with this message, if one is.

        Raises:
            Malformed: the connection cannot go on.
        """
        if isinstance(message, bytes):
            return self._attach(message)
        if self._waiting is not None:
            raise Malformed("attachment missing")
        match = SIMPLE_EVENT.match(message)
        if match is not None and message[-1] == "]" and not message.endswith(",]"):
            number, name = match.groups()
            if name in RESERVED:
                raise Malformed("reserved name")
            return Event(EVENT, MAIN, None if number is None else int(number), name, message[match.end() : -1], None)
        match = HEAD.match(message)
        if match is None:
            raise Malformed("head")
        kind, count, namespace, number = match.groups()
        return self._packet(
            int(kind), count, namespace or MAIN, None if number is None else int(number), message[match.end() :]
        )

    def _packet(self, kind: int, count: str | None, namespace: str, number: int | None, rest: str) -> Event | None:
        payload = _loads(rest) if rest else None
        if kind == BINARY_EVENT:
            wanted = int(count or 0)
            if not 0 < wanted <= MAX_ATTACHMENTS:
                raise Malformed("attachments")
            self._waiting = Event(EVENT, namespace, number, str(wanted), "", payload)
            return None
        if count is not None:
            raise Malformed("attachments")
        return checked(kind, namespace, number, payload)

    def _attach(self, message: bytes) -> Event | None:
        waiting = self._waiting
        if waiting is None:
            raise Malformed("attachment of nothing")
        self._attachments.append(message)
        self._bytes += len(message)
        if self._bytes > self._max_bytes:
            raise Malformed("attachments too long")
        if len(self._attachments) < int(waiting.name):
            return None
        try:
            payload = _joined(waiting.data, self._attachments)
        except RecursionError as error:
            raise Malformed("too deep") from error
        self._waiting, self._attachments, self._bytes = None, [], 0
        return checked(waiting.kind, waiting.namespace, waiting.number, payload)


class MsgpackReader:
    """Reads the packets of one connection."""

    __slots__ = ()

    def read(self, message: str | bytes) -> Event | None:
        """The packet in this message.

        Raises:
            Malformed: the connection cannot go on.
        """
        if isinstance(message, str):
            raise Malformed("text")
        try:
            packet = msgpack.unpackb(message)
        except (ValueError, TypeError, RecursionError, msgpack.UnpackException) as error:
            raise Malformed("msgpack") from error
        if not isinstance(packet, dict):
            raise Malformed("msgpack")
        kind, namespace, number = packet.get("type"), packet.get("nsp", MAIN), packet.get("id")
        if type(kind) is not int or not isinstance(namespace, str):
            raise Malformed("msgpack")
        if number is not None and (type(number) is not int or number < 0):
            raise Malformed("msgpack")
        return checked(kind, namespace, number, packet.get("data"))


def checked(kind: int, namespace: str, number: int | None, payload: Any) -> Event:
    """A packet with a payload that fits its type ("Exchange protocol").

    Raises:
        Malformed: it does not.
    """
    if kind not in FROM_CLIENT:
        raise Malformed("type")
    if kind == EVENT:
        if not isinstance(payload, list) or not payload or not isinstance(payload[0], str):
            raise Malformed("event")
        if payload[0] in RESERVED:
            raise Malformed("reserved name")
        return Event(EVENT, namespace, number, payload[0], "", payload[1:])
    if payload is not None and not (kind == CONNECT and isinstance(payload, dict)):
        raise Malformed("payload")
    return Event(kind, namespace, number, "", "", payload)


def _joined(value: Any, attachments: list[bytes]) -> Any:
    """``value`` with its placeholders replaced."""
    if isinstance(value, list):
        return [_joined(each, attachments) for each in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            at = value.get("num")
            if type(at) is not int or not 0 <= at < len(attachments):
                raise Malformed("placeholder")
            return attachments[at]
        return {key: _joined(each, attachments) for key, each in value.items()}
    return value


def _parted(value: Any, attachments: list[bytes]) -> Any:
    """``value`` with placeholders for its binary parts, which are added to ``attachments``."""
    if isinstance(value, bytes):
        attachments.append(value)
        return {"_placeholder": True, "num": len(attachments) - 1}
    if isinstance(value, list | tuple):
        return [_parted(each, attachments) for each in value]
    if isinstance(value, dict):
        return {key: _parted(each, attachments) for key, each in value.items()}
    return value


def as_json(value: Any) -> str:
    """``value`` as compact JSON text, which UTF-8 can carry: half of a surrogate pair is escaped."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return json.dumps(value, separators=(",", ":"))
    return text


def encode(
    parser: Parser, kind: int, *, namespace: str = MAIN, data: Any = None, number: int | None = None
) -> list[str | bytes]:
    """A packet, as the messages that carry it."""
    if parser == "msgpack":
        packet = {"type": kind, "nsp": namespace}
        packet |= {} if data is None else {"data": data}
        packet |= {} if number is None else {"id": number}
        return [msgpack.packb(packet)]
    attachments: list[bytes] = []
    data = _parted(data, attachments)
    if attachments:
        kind += BINARY_EVENT - EVENT
    text = str(kind)
    text += f"{len(attachments)}-" if attachments else ""
    text += f"{namespace}," if namespace != MAIN else ""
    text += "" if number is None else str(number)
    text += "" if data is None else as_json(data)
    return [text, *attachments]


def answer(parser: Parser, number: int, body: str) -> str | bytes:
    """An acknowledgement in the main namespace of one argument, given as JSON text."""
    if parser == "json":
        return f"{ACK}{number}[{body}]"
    packed: bytes = msgpack.packb({"type": ACK, "nsp": MAIN, "id": number, "data": [json.loads(body)]})
    return packed


READERS: Final[dict[Parser, Callable[[int], JsonReader | MsgpackReader]]] = {
    "json": JsonReader,
    "msgpack": lambda _: MsgpackReader(),
}
