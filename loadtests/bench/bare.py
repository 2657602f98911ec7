"""Bare sockets: what the same messages cost when nothing is done but reading, writing, and waiting for both.

No loop, no library, no check of anything: a frame is taken apart with the generator's own shape in mind, put together
once, and written to everybody in the room. What is left is the kernel's share, and the least that Python adds to it.
"""

import base64
import hashlib
import json
import select
import socket
import struct
import sys
from dataclasses import dataclass, field
from typing import Any

from loadtests.bench.stock import chat_of

ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


@dataclass
class Person:
    """One connection."""

    line: socket.socket
    by: str = ""
    room: list[socket.socket] = field(default_factory=list)
    rest: bytes = b""


def framed(text: bytes) -> bytes:
    """A text frame from a server, at most 64 kB (RFC 6455, section 5.2)."""
    size = len(text)
    return (bytes((0x81, size)) if size < 126 else struct.pack("!BBH", 0x81, 126, size)) + text


def frames(data: bytes) -> tuple[list[bytes], bytes]:
    """The texts of whole frames of a client, unmasked, and what comes after the last."""
    texts: list[bytes] = []
    at = 0
    while len(data) - at >= 6:
        size, head = data[at + 1] & 127, at + 2
        if size == 126:
            size, head = int.from_bytes(data[head : head + 2]), head + 2
        if len(data) < head + 4 + size:
            break
        body, times = data[head + 4 : head + 4 + size], size // 4 + 1
        mask = int.from_bytes((data[head : head + 4] * times)[:size])
        texts.append((int.from_bytes(body) ^ mask).to_bytes(size))
        at = head + 4 + size
    return texts, data[at:]


def _written(words: object) -> bytes:
    return json.dumps(words, separators=(",", ":")).encode()


class Bare:
    """The server."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=1024)
        self._epoll = select.epoll()
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        self._people: dict[int, Person] = {}
        self._rooms: dict[str, list[socket.socket]] = {}
        self._seq = 0

    def run(self) -> None:
        """Serve for ever."""
        while True:
            for fileno, _ in self._epoll.poll():
                if fileno == self._listener.fileno():
                    self._accept()
                elif person := self._people.get(fileno):
                    try:
                        self._read(person)
                    except ConnectionError:  # a run is over
                        self._leave(person)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._people[connection.fileno()] = Person(connection)
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    def _read(self, person: Person) -> None:
        data = person.line.recv(65536)
        if not data:
            self._leave(person)
        elif data.startswith(b"GET"):
            key = next(line for line in data.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
            accept = base64.b64encode(hashlib.sha1(key[18:].strip() + ACCEPT, usedforsecurity=False).digest())
            person.line.send(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + framed(b"0{}")
            )
        else:
            texts, person.rest = frames(person.rest + data)
            for text in texts:
                self._take(person, text)

    def _take(self, person: Person, text: bytes) -> None:
        if text.startswith(b"40"):
            person.by = json.loads(text[2:])["token"]
            person.line.send(framed(b"40{}"))
        elif text.startswith(b"42"):
            start = text.index(b"[")
            event, payload = json.loads(text[start:])
            data = self._do(person, event, payload)
            answer = b"43" + text[2:start] + _written([{"ok": True, "data": data}])
            person.line.send(framed(answer))

    def _do(self, person: Person, event: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        if event == "room:enter":
            person.room = self._rooms.setdefault(payload["room_id"], [])
            person.room.append(person.line)
            return {"status": "in"}
        if event == "chat:send":
            self._seq += 1
            self._send(person, "room:event", chat_of(payload, person.by, self._seq))
            return {"seq": self._seq}
        self._send(person, "room:signal", payload | {"by": person.by})
        return None

    @staticmethod
    def _send(person: Person, event: str, words: dict[str, Any]) -> None:
        frame = framed(b"42" + _written([event, words]))
        for each in person.room:
            each.send(frame)

    def _leave(self, person: Person) -> None:
        if person.line in person.room:
            person.room.remove(person.line)
        del self._people[person.line.fileno()]
        person.line.close()


if __name__ == "__main__":
    Bare(int(sys.argv[1])).run()
