"""Raw clients of the wire: Engine.IO over plain HTTP, and whatever frames a test likes over TCP."""

import asyncio
import base64
import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from realtime.conformance import application
from realtime.engine import Engine
from realtime.engineio import EngineSocket
from realtime.gateway import SocketServer

PATIENCE = 10.0
SLOW = 60.0
"""Seconds between pings where a test does not speak of them."""
ENGINE, SOCKET, MSGPACK = "/engine.io/", "/socket.io/", "/socket.io-msgpack/"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, MASKED = 0x80, 0x80
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Server:
    """The conformance server, and a look inside it."""

    def __init__(self, port: int, app: web.Application) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._app = app

    def engine(self, path: str = ENGINE) -> Engine:
        """What serves ``path``."""
        for route in self._app.router.routes():
            found = getattr(route.handler, "__self__", None)
            if route.resource is not None and route.resource.canonical == path:
                return found._engine if isinstance(found, SocketServer) else found  # type: ignore[return-value]  # it is
        raise KeyError(path)

    def socket(self, sid: str, path: str = ENGINE) -> EngineSocket | None:
        """A session, while it lasts."""
        return self.engine(path)._sockets.get(sid)


@contextlib.asynccontextmanager
async def serving(ping_interval: float = SLOW, ping_timeout: float = SLOW) -> AsyncIterator[Server]:
    """A conformance server on a free port."""
    app = application(ping_interval, ping_timeout)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # it is started
    server = Server(port, app)
    try:
        yield server
    finally:
        for path in (ENGINE, SOCKET, MSGPACK):
            server.engine(path).close("over")
        await runner.cleanup()


def frame(
    body: str | bytes, opcode: int | None = None, *, fin: bool = True, reserved: int = 0, is_masked: bool = True
) -> bytes:
    """A client's frame, as wrong as a test wants it."""
    if opcode is None:
        opcode = TEXT if isinstance(body, str) else BINARY
    body = body.encode() if isinstance(body, str) else body
    length = len(body)
    if length < 126:
        size = bytes((length,))
    else:
        size = b"\x7e" + length.to_bytes(2, "big") if length < 1 << 16 else b"\x7f" + length.to_bytes(8, "big")
    head = bytes((FIN * fin | reserved | opcode, size[0] | MASKED * is_masked)) + size[1:]
    if not is_masked:
        return head + body
    mask = os.urandom(4)
    stream = (mask * (length // 4 + 1))[:length]
    return head + mask + (int.from_bytes(body, "big") ^ int.from_bytes(stream, "big")).to_bytes(length, "big")


class Wire:
    """One TCP connection that asked for WebSocket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}

    def send(self, *frames: bytes) -> None:
        """Write, all at once."""
        self.writer.write(b"".join(frames))

    def say(self, *messages: str | bytes) -> None:
        """Send messages, a frame each."""
        self.send(*map(frame, messages))

    async def answered(self) -> "Wire":
        """Read the answer to the handshake."""
        async with asyncio.timeout(PATIENCE):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.status = int(head[0].split()[1])
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        return self

    async def frame(self) -> tuple[int, bytes] | None:
        """The next frame's opcode and body, or None at the end. A server's are whole, plain and in the fewest bytes."""
        async with asyncio.timeout(PATIENCE):
            try:
                first, length = await self._reader.readexactly(2)
                assert first & 0xF0 == FIN, "a fragment, or reserved bits"
                assert length < MASKED, "a masked frame"
                if length >= 126:
                    least = {126: 126, 127: 1 << 16}[length]
                    length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8), "big")
                    assert length >= least
                return first & 0x0F, await self._reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return None

    async def hear(self) -> str | bytes:
        """The next message."""
        found = await self.frame()
        assert found is not None, "the connection is gone"
        assert found[0] in {TEXT, BINARY}, found
        return found[1].decode() if found[0] == TEXT else found[1]

    async def end(self) -> int | None:
        """The code of the server's close frame, after which it must hang up; None if it hung up without one."""
        code = None
        while (found := await self.frame()) is not None:
            if found[0] == CLOSE:
                code = int.from_bytes(found[1][:2], "big") if found[1] else 1005
                self.send(frame(found[1], CLOSE))
        return code

    async def hang_up(self) -> None:
        """Go without a word."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Wires:
    """Opens connections, and hangs them all up in the end."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._open: list[Wire] = []

    async def connect(self) -> Wire:
        """A connection on which nothing was said."""
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self._server.port))
        self._open.append(wire)
        return wire

    async def ask(
        self,
        path: str = ENGINE,
        query: str = "EIO=4&transport=websocket",
        *,
        behind: bytes = b"",
        headers: dict[str, str | None] | None = None,
    ) -> Wire:
        """Ask for WebSocket; ``headers`` replace, or with None remove, the usual ones."""
        wire = await self.connect()
        usual: dict[str, str | None] = {
            "Host": urlsplit(self._server.url).netloc, "Upgrade": "websocket", "Connection": "Upgrade",
            "Sec-WebSocket-Key": KEY, "Sec-WebSocket-Version": "13",
        }  # fmt: skip
        lines = [f"{name}: {value}" for name, value in (usual | (headers or {})).items() if value is not None]
        wire.send("\r\n".join([f"GET {path}?{query} HTTP/1.1", *lines, "", ""]).encode() + behind)
        return await wire.answered()

    async def open(self, path: str = ENGINE, sid: str | None = None) -> Wire:
        """A WebSocket of a new session, which has said hello; or one beside the session ``sid``."""
        wire = await self.ask(path, "EIO=4&transport=websocket" + (f"&sid={sid}" if sid else ""))
        assert wire.status == 101
        if sid is None:
            assert str(await wire.hear()).startswith("0{")
        return wire

    async def hang_up(self) -> None:
        """Close all that were opened."""
        for wire in self._open:
            await wire.hang_up()


class Polling:
    """One session over HTTP long-polling."""

    def __init__(self, server: Server, http: aiohttp.ClientSession, path: str = ENGINE) -> None:
        self.path = path
        self.sid = ""
        self.hello: dict[str, Any] = {}
        self._url = f"{server.url}{path}?EIO=4&transport=polling"
        self._http = http

    async def open(self) -> "Polling":
        """Begin the session."""
        status, text = await self.get()
        assert (status, text[0]) == (200, "0")
        self.hello = json.loads(text[1:])
        self.sid = self.hello["sid"]
        self._url += f"&sid={self.sid}"
        return self

    async def ask(self, method: str, body: str | bytes | None = None) -> tuple[int, str]:
        """One request: its status and text."""
        data = body.encode() if isinstance(body, str) else body
        async with asyncio.timeout(PATIENCE), self._http.request(method, self._url, data=data) as answer:
            return answer.status, await answer.text()

    async def get(self) -> tuple[int, str]:
        """Receive."""
        return await self.ask("GET")

    async def post(self, body: str | bytes) -> tuple[int, str]:
        """Send."""
        return await self.ask("POST", body)

    async def is_over(self) -> bool:
        """Whether the session is not known any more, for any request."""
        return (await self.get())[0] == (await self.post("4a"))[0] == 400

    async def waiting(self, server: Server) -> "asyncio.Task[tuple[int, str]]":
        """A request to receive that the server has, and does not answer yet."""
        task = asyncio.create_task(self.get())
        async with asyncio.timeout(PATIENCE):
            while (socket := server.socket(self.sid, self.path)) is None or socket._poll is None:
                await asyncio.sleep(0.001)
        return task


def base64_of(data: bytes) -> str:
    """As a payload carries binary."""
    return "b" + base64.b64encode(data).decode()
