"""A TCP line to a server, which a test can cut, slow down and block."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit


class Line:
    """A TCP line to a server that can be cut and mended. What it carries arrives ``lag`` seconds late."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._port = self._parts.port
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server
        self._flows = asyncio.Event()
        self._flows.set()
        self._stranded: list[asyncio.Event] = []
        self.is_cut = False
        self.lag = 0.0

    @property
    def url(self) -> str:
        """The server's address by way of this line."""
        port = self._server.sockets[0].getsockname()[1]
        return self._parts._replace(netloc=self._parts.netloc.replace(f":{self._parts.port}", f":{port}")).geturl()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        try:
            yield self
        finally:
            self.cut()
            for flows in (*self._stranded, self._flows):
                flows.set()
            self._server.close()

    def cut(self) -> None:
        """Break all connections and refuse new ones."""
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Let new connections through."""
        self.is_cut = False

    def lead_to(self, port: int) -> None:
        """Break all connections; new ones go to another port of the same host."""
        self.cut()
        self._port = port
        self.mend()

    def block(self) -> None:
        """Carry nothing, and hang up on nobody."""
        self._flows.clear()

    def unblock(self) -> None:
        """Carry everything, also what was held up."""
        self._flows.set()

    def strand(self) -> None:
        """Never carry anything again for the connections that there are, and hang up on nobody; new ones are well."""
        self.block()
        self._stranded.append(self._flows)
        self._flows = asyncio.Event()
        self._flows.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self._parts.hostname, self._port)
        self._writers |= {writer, back}
        flows = self._flows
        await asyncio.gather(self._copy(reader, back, flows), self._copy(there, writer, flows))
        self._writers -= {writer, back}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                if self.lag:
                    await asyncio.sleep(self.lag)
                await flows.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()
