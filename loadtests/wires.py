"""Socket.IO and the editor's WebSocket for greenlets: blocking calls on sockets that gevent has made cooperative."""

import json
import socket
import struct
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import gevent
import websocket
from gevent.event import AsyncResult

from realtime import ysync
from realtime.lib0 import Reader, varbytes, varuint

PATIENCE = 10.0
"""Seconds to wait for anything that a server answers."""
SILENCE = 45.0
"""Seconds without a byte after which a server is gone; it pings more often."""
AT_ONCE = struct.pack("ii", 1, 0)


class Broken(Exception):
    """The connection is gone; what was not answered may have happened or not."""


class Line:
    """One WebSocket, read by a greenlet of its own."""

    def __init__(self, url: str) -> None:
        try:
            self._socket = websocket.create_connection(
                url,
                timeout=PATIENCE,
                sockopt=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
                skip_utf8_validation=True,
                suppress_origin=True,
            )
        except (OSError, websocket.WebSocketException) as error:
            raise Broken(type(error).__name__) from error
        self.is_open = True
        self.close_code = 0
        """With which the server closed it."""
        self._on_end: Callable[[], None] = lambda: None

    def receive(self) -> str | bytes:
        """The next message.

        Raises:
            Broken: there is none.
        """
        try:
            kind, data = self._socket.recv_data()
        except (OSError, websocket.WebSocketException) as error:
            self.close()
            raise Broken(type(error).__name__) from error
        if kind == websocket.ABNF.OPCODE_CLOSE:
            self.close_code = int.from_bytes(data[:2], "big")
            self.close()
            raise Broken(f"closed {self.close_code}")
        return data.decode() if kind == websocket.ABNF.OPCODE_TEXT else bytes(data)

    def send(self, message: str | bytes) -> None:
        """Send one message.

        Raises:
            Broken: it did not go; or perhaps it did.
        """
        try:
            if isinstance(message, str):
                self._socket.send(message)
            else:
                self._socket.send_binary(message)
        except (OSError, websocket.WebSocketException) as error:
            self.close()
            raise Broken(type(error).__name__) from error

    def listen(self, take: Callable[[Any], None], on_end: Callable[[], None]) -> None:
        """Hand each message to ``take`` from now on, and say once when there will be no more."""
        self._on_end = on_end
        self._socket.settimeout(SILENCE)
        gevent.spawn(self._listen, take)

    def close(self) -> None:
        """Hang up at once, without a word, as a network that breaks."""
        if self.is_open:
            self.is_open = False
            with_reset(self._socket.sock)
            self._on_end()

    def _listen(self, take: Callable[[Any], None]) -> None:
        try:
            while self.is_open:
                take(self.receive())
        except Broken:
            pass
        finally:
            self.close()


def with_reset(sock: socket.socket | None) -> None:
    """Close a TCP connection so that the other side sees it break."""
    if sock is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()


class SocketLine:
    """A Socket.IO connection (JSON, WebSocket only) of someone who said who they are."""

    def __init__(self, gateway: str, token: str, hear: Callable[[str, Any], None]) -> None:
        self._line = Line(f"{gateway.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket")
        self._hear = hear
        self._numbers = count(1)
        self._answers: dict[int, tuple[AsyncResult, Callable[[dict[str, Any]], None]]] = {}
        self._line.receive()
        self._line.send("40" + json.dumps({"token": token}))
        welcome = self._line.receive()
        if not (isinstance(welcome, str) and welcome.startswith("40")):
            self._line.close()
            raise Broken(f"not let in: {welcome!r}")
        self._line.listen(self._take, self._ended)

    @property
    def is_open(self) -> bool:
        """Whether nothing broke it."""
        return self._line.is_open

    def call(
        self, event: str, payload: dict[str, Any], note: Callable[[dict[str, Any]], None] = lambda _: None
    ) -> dict[str, Any]:
        """The acknowledgement of an event; ``note`` is told of it before anything that comes after it.

        Raises:
            Broken: there was none in time, and the connection is closed now.
        """
        if not self.is_open:
            raise Broken("closed before")
        number = next(self._numbers)
        result = AsyncResult()
        self._answers[number] = result, note
        self._line.send(f"42{number}" + json.dumps([event, payload], separators=(",", ":")))
        try:
            answer: dict[str, Any] = result.get(timeout=PATIENCE)
        except gevent.Timeout as error:
            self.close()
            raise Broken("no answer") from error
        return answer

    def close(self) -> None:
        """Hang up without a word."""
        self._line.close()

    def _ended(self) -> None:
        for result, _ in self._answers.values():
            result.set_exception(Broken("broken while waiting"))
        self._answers.clear()

    def _take(self, text: str) -> None:
        if text == "2":
            self._line.send("3")
        elif text.startswith("42"):
            event, payload = json.loads(text[2:])[:2]
            self._hear(event, payload)
        elif text.startswith("43"):
            bracket = text.index("[")
            (answer,) = json.loads(text[bracket:])
            result, note = self._answers.pop(int(text[2:bracket]))
            note(answer)
            result.set(answer)
        elif text.startswith("41"):
            self.close()


class EditorLine:
    """A connection to a shared document that wants its updates acknowledged."""

    def __init__(self, gateway: str, path: str, word: str) -> None:
        self._line = Line(f"{gateway.replace('http', 'ws', 1)}{path}?pass={word}")
        self._numbers = count(1)

    @property
    def is_open(self) -> bool:
        """Whether nothing broke it."""
        return self._line.is_open

    @property
    def close_code(self) -> int:
        """With which the server closed it, if it did."""
        return self._line.close_code

    def begin(self, vector: bytes, take: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        """Say what one has, and listen."""
        self._line.listen(take, on_end)
        self._line.send(b"\x64\x00\x01")
        self._line.send(b"\x00\x00" + varbytes(vector))

    def next_number(self) -> int:
        """The number of the next update, which the answer will name."""
        return next(self._numbers)

    def send(self, number: int, update: bytes) -> None:
        """Send an update."""
        self._line.send(bytes((ysync.OURS, ysync.NUMBERED)) + varuint(number) + varbytes(update))

    def close(self) -> None:
        """Hang up without a word."""
        self._line.close()


def read_editor(message: bytes) -> Iterator[tuple[str, int, bytes | str]]:
    """What the server says: ``(ask | update | ack | refused | other, number or step, data or code)``."""
    reader = Reader(message)
    while reader.remaining:
        kind = reader.varuint()
        if kind == ysync.SYNC:
            step = reader.varuint()
            yield ("ask" if step == ysync.STEP_1 else "update", step, reader.buffer())
        elif kind == ysync.OURS:
            answer, number = reader.varuint(), reader.varuint()
            yield ("ack", number, b"") if answer == ysync.ACK else ("refused", number, reader.string())
        else:
            yield ("other", kind, reader.buffer())
