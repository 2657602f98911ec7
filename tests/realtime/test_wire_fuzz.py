"""Whatever bytes come, the readers of the wire say so in their own words; and what is well-formed is read as it was meant."""

import asyncio
import contextlib
import json
from itertools import pairwise
from typing import Any

import msgpack
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from realtime import socketio
from realtime.socketio import CONNECT, DISCONNECT, EVENT, RESERVED, Event, JsonReader, Malformed, MsgpackReader
from realtime.websocket import WebSocket
from realtime.wsframes import CLOSE
from tests.realtime.wire import BINARY, CONTINUATION, FIN, PING, TEXT, frame

MAX = 4_096
fuzz = settings(max_examples=100, deadline=None)

words = st.text(st.characters(codec="utf-8"), max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
names = words.filter(lambda name: name not in RESERVED)
namespaces = st.just("/") | st.text("abc/-_1", max_size=8).map("/{}".format)
numbers = st.none() | st.integers(0, 10**15)


def attached(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Arguments with at most ten parts of binary."""
    return st.lists(values | st.binary(max_size=8) | st.lists(st.binary(max_size=4), max_size=1), max_size=5)


def read_all(reader: JsonReader | MsgpackReader, messages: list[str | bytes]) -> list[Event]:
    """The packets in ``messages``, up to where they are malformed."""
    packets = []
    with contextlib.suppress(Malformed):
        for message in messages:
            event = reader.read(message)
            if event is not None:
                assert event.kind in {CONNECT, DISCONNECT, EVENT}
                event.args() if event.kind == EVENT else None
                packets.append(event)
    return packets


# Socket.IO, any bytes

heads = st.from_regex(r"[0-7]?([0-9]{0,3}-)?(/[a-z]*,?)?[0-9]{0,4}", fullmatch=True)
bodies = (
    plain.map(json.dumps) | st.text('[]{}",:\\ \n\t0-9eE.truefalsnNaI_placeholder', max_size=40) | st.text(max_size=20)
)


@fuzz
@given(st.lists(st.builds("{}{}".format, heads, bodies) | st.text(max_size=30) | st.binary(max_size=30), max_size=6))
def test_json_reader_takes_anything(messages: list[str | bytes]) -> None:
    read_all(JsonReader(MAX), messages)


@fuzz
@given(st.lists(st.binary(max_size=60) | plain.map(msgpack.packb) | st.text(max_size=10), max_size=4))
def test_msgpack_reader_takes_anything(messages: list[str | bytes]) -> None:
    read_all(MsgpackReader(), messages)


@fuzz
@given(names, attached(plain), namespaces, numbers, st.data())
def test_readers_take_packets_that_were_damaged(
    name: str, args: list[Any], namespace: str, number: int | None, data: st.DataObject
) -> None:
    for parser, reader in (("json", JsonReader(MAX)), ("msgpack", MsgpackReader())):
        messages = socketio.encode(parser, EVENT, namespace=namespace, data=[name, *args], number=number)  # type: ignore[arg-type]  # one of the two
        at = data.draw(st.integers(0, len(messages) - 1))
        message = messages[at]
        cut = data.draw(st.integers(0, len(message)))
        junk = data.draw(st.text(max_size=3) if isinstance(message, str) else st.binary(max_size=3))
        messages[at] = message[:cut] + junk + message[cut + data.draw(st.integers(0, 3)) :]  # type: ignore[operator]  # of one kind
        read_all(reader, messages)


# Socket.IO, well-formed packets


@fuzz
@given(st.sampled_from(["json", "msgpack"]), names, attached(plain), namespaces, numbers)
def test_events_are_read_as_they_were_written(
    parser: socketio.Parser, name: str, args: list[Any], namespace: str, number: int | None
) -> None:
    messages = socketio.encode(parser, EVENT, namespace=namespace, data=[name, *args], number=number)
    (event,) = read_all(socketio.READERS[parser](MAX), messages)
    assert (event.kind, event.namespace, event.number) == (EVENT, namespace, number)
    assert [event.name, *event.args()] == [name, *args]


@fuzz
@given(st.dictionaries(words, plain, max_size=3) | st.none(), namespaces)
def test_connects_are_read_as_they_were_written(payload: dict[str, Any] | None, namespace: str) -> None:
    for parser in socketio.READERS:
        (event,) = read_all(
            socketio.READERS[parser](MAX), socketio.encode(parser, CONNECT, namespace=namespace, data=payload)
        )
        assert (event.kind, event.namespace, event.data) == (CONNECT, namespace, payload)


@fuzz
@given(st.text(st.characters(), max_size=20))
def test_json_is_always_text_that_utf_8_carries(value: str) -> None:
    found = json.loads(socketio.as_json([value]).encode())[0]
    assert found.encode("utf-16", "surrogatepass") == value.encode("utf-16", "surrogatepass")


# WebSocket


class Line(asyncio.Transport):
    """The other end of a connection, in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.is_over = True

    abort = close

    def get_write_buffer_size(self) -> int:
        return 0

    def resume_reading(self) -> None:
        """It never stops."""


def deliver(chunks: list[bytes]) -> tuple[list[str | bytes], Line]:
    """What a WebSocket makes of ``chunks``; it must log no error of its own."""
    heard: list[str | bytes] = []

    async def run() -> Line:
        line = Line()
        socket = WebSocket(line, max_message=MAX, on_message=heard.append, on_closed=lambda: None)
        for chunk in chunks:
            if chunk and not line.is_over:
                socket.data_received(chunk)
                socket.flush()
        socket.connection_lost(None)
        return line

    with capture_logs() as logs:
        line = asyncio.run(run())
    assert not logs
    return heard, line


def cut(stream: bytes, marks: list[int]) -> list[bytes]:
    """``stream`` in pieces."""
    edges = [0, *sorted(mark % (len(stream) + 1) for mark in marks), len(stream)]
    return [stream[start:end] for start, end in pairwise(edges)]


marks = st.lists(st.integers(0, 10_000), max_size=6)
opcodes = st.sampled_from([CONTINUATION, TEXT, BINARY, CLOSE, PING, 0xA, 0x3, 0xF])
frames = st.builds(
    frame, st.binary(max_size=140) | words.map(str.encode), opcodes, fin=st.booleans(),
    reserved=st.sampled_from([0, 0, 0, 0x40]), is_masked=st.sampled_from([True, True, True, False]),
)  # fmt: skip


@fuzz
@given(st.lists(frames | st.binary(max_size=20), max_size=6).map(b"".join), marks)
def test_websocket_takes_anything(stream: bytes, marks: list[int]) -> None:
    whole, line = deliver([stream])
    parts, other = deliver(cut(stream, marks))
    assert parts == whole
    assert other.written == line.written, "the answer depends on how the bytes came"


@fuzz
@given(
    st.lists(st.text(st.characters(codec="utf-8"), max_size=200) | st.binary(max_size=MAX), max_size=4),
    marks,
    st.data(),
)
def test_messages_are_read_as_they_were_written(said: list[str | bytes], marks: list[int], data: st.DataObject) -> None:
    stream = b""
    for message in said:
        body = message.encode() if isinstance(message, str) else message
        first, *rest = cut(body, data.draw(st.lists(st.integers(0, MAX), max_size=3)))
        stream += frame(first, TEXT if isinstance(message, str) else BINARY, fin=not rest)
        for n, each in enumerate(rest, 1):
            stream += frame(b"", PING) + frame(each, CONTINUATION, fin=n == len(rest))
    heard, line = deliver(cut(stream, marks))
    assert heard == said
    assert not line.is_over
    assert bytes(line.written).replace(bytes((FIN | 0xA, 0)), b"") == b""
