"""A network that can die: an HTTP proxy that a browser goes through, cut and mended at will."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

CHUNK = 65_536


class Network:
    """What lies between a browser and our servers."""

    def __init__(self) -> None:
        self.alive = True
        self._streams: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The proxy's address."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @classmethod
    @asynccontextmanager
    async def running(cls) -> "AsyncIterator[Network]":
        """A network, up."""
        network = cls()
        network._server = await asyncio.start_server(network._serve, "127.0.0.1", 0)
        try:
            yield network
        finally:
            network.cut()
            network._server.close()

    def cut(self) -> None:
        """Everything that was connected breaks, and nothing new gets through."""
        self.alive = False
        for writer in tuple(self._streams):
            writer.transport.abort()

    def mend(self) -> None:
        """What is new gets through again."""
        self.alive = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._streams.add(writer)
        try:
            await self._pass(reader, writer)
        except (OSError, asyncio.IncompleteReadError, ValueError):
            pass
        finally:
            self._streams.discard(writer)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, version = head.split(b"\r\n", 1)[0].decode().split(" ")
        url = urlsplit(target if "://" in target else f"//{target}")
        if not self.alive or url.hostname != "127.0.0.1":  # the browser's own calls home lead nowhere
            writer.transport.abort()
            return
        up, down = await asyncio.open_connection(url.hostname, url.port or 80)
        self._streams.add(down)
        try:
            if method == "CONNECT":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            else:
                path = url.path + (f"?{url.query}" if url.query else "")
                headers = [
                    line
                    for line in head.split(b"\r\n")[1:]
                    if not line.lower().startswith((b"proxy-", b"connection:", b"keep-alive:"))
                ]
                first = f"{method} {path or '/'} {version}\r\nConnection: close\r\n".encode()
                down.write(first + b"\r\n".join(headers))
            await asyncio.gather(self._pipe(reader, down), self._pipe(up, writer))
        finally:
            self._streams.discard(down)
            down.close()

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                sink.write(chunk)
                await sink.drain()
        with contextlib.suppress(OSError):
            sink.write_eof()
