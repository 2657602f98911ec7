"""Parts that go away: nothing acknowledged is lost, nothing unstored is acknowledged, and all is well when they return."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from core.bus import Bus
from core.db import Database
from core.eventlog import read
from core.model import TenantId
from core.settings import CoreSettings
from core.tokens import Tokens
from tests.realtime.conftest import Connect, NewGateway, Person, until, until_async
from tests.realtime.peers import Peer, editor_pass


class Line:
    """A TCP line to a server that can be cut and mended."""

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server
        self.is_cut = False

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
            self._server.close()

    def cut(self) -> None:
        """Break all connections and refuse new ones."""
        self.is_cut = True
        for writer in self._writers:
            writer.transport.abort()

    def mend(self) -> None:
        """Let new connections through."""
        self.is_cut = False

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_cut:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        self._writers |= {writer, back}
        await asyncio.gather(self._copy(reader, back), self._copy(there, writer))
        self._writers -= {writer, back}

    @staticmethod
    async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@pytest.fixture
async def database_line(settings: CoreSettings) -> AsyncIterator[Line]:
    """The line to PostgreSQL."""
    async with Line(str(settings.database_url)).open() as line:
        yield line


@pytest.fixture
async def bus_line(settings: CoreSettings) -> AsyncIterator[Line]:
    """The line to Redis."""
    async with Line(str(settings.redis_url)).open() as line:
        yield line


async def test_events_arrive_without_redis_and_at_once_when_it_is_back(
    new_gateway: NewGateway, bus_line: Line, connect: Connect, person: Person, room_id: UUID
) -> None:
    gateways = [await new_gateway(core={"redis_url": bus_line.url}) for _ in range(2)]
    ana, bob = [await connect(gateway, person("P")) for gateway in gateways]
    for client in (ana, bob):
        await client.call("room:enter", room_id=room_id)
    bus_line.cut()
    for number in range(10):
        assert (await ana.call("chat:send", room_id=room_id, text=str(number)))["ok"]
    await bob.has_events(10)
    bus_line.mend()
    await until(lambda: all(gateway.resources.get(Bus).connected.is_set() for gateway in gateways))
    await ana.call("chat:send", room_id=room_id, text="10")
    await bob.has_events(11)
    assert bob.texts() == ana.texts() == [str(number) for number in range(11)]


async def test_edits_arrive_without_redis(
    new_gateway: NewGateway,
    bus_line: Line,
    person: Person,
    tokens: Tokens,
    room_id: UUID,
    document_in: Callable[[], Awaitable[UUID]],
) -> None:
    gateways = [await new_gateway(core={"redis_url": bus_line.url}) for _ in range(2)]
    document_id = await document_in()
    ana, bob = [
        Peer(gateway, document_id, editor_pass(tokens, person("P"), document_id, room_id)) for gateway in gateways
    ]
    for peer in (ana, bob):
        await peer.synced()
    bus_line.cut()
    for letter in "abc":
        assert await ana.answer(await ana.type(letter)) == "ack"
    await until(lambda: str(bob) == "abc")
    assert await bob.answer(await bob.type("d")) == "ack"
    await until(lambda: str(ana) == "abcd")
    for peer in (ana, bob):
        await peer.close()


async def test_without_postgresql_nothing_is_acknowledged_and_all_goes_on_when_it_is_back(
    new_gateway: NewGateway, database_line: Line, connect: Connect, person: Person, room_id: UUID,
    database: Database, tenant_id: TenantId,
) -> None:  # fmt: skip
    gateway = await new_gateway(core={"database_url": database_line.url})
    ana, bob = await connect(gateway, person("Ana")), await connect(gateway, person("Bob"))
    for client in (ana, bob):
        await client.call("room:enter", room_id=room_id)
    assert (await ana.call("chat:send", room_id=room_id, text="before"))["ok"]
    await bob.has_events(1)
    database_line.cut()
    refused = await ana.call("chat:send", room_id=room_id, text="during")
    assert refused["problem"]["code"] == "unavailable"
    database_line.mend()

    async def is_said() -> bool:
        return bool((await ana.call("chat:send", room_id=room_id, text="after"))["ok"])

    await until_async(is_said)
    await until(lambda: "after" in bob.texts())
    async with database.transaction(tenant_id) as tx:
        kept = [each.payload["text"] for each in await read(tx, room_id, 0) if each.payload and "text" in each.payload]
    assert kept == [text for text in bob.texts() if text]


async def test_edits_wait_for_postgresql_and_are_stored_once(
    new_gateway: NewGateway, database_line: Line, person: Person, tokens: Tokens, room_id: UUID,
    document_in: Callable[[], Awaitable[UUID]], database: Database, tenant_id: TenantId,
) -> None:  # fmt: skip
    gateway = await new_gateway(core={"database_url": database_line.url})
    document_id = await document_in()
    word = editor_pass(tokens, person("Ana"), document_id, room_id)
    ana, bob = Peer(gateway, document_id, word), Peer(gateway, document_id, word)
    for peer in (ana, bob):
        await peer.synced()
    await ana.answer(await ana.type("a"))
    database_line.cut()
    waiting = [await ana.type(letter) for letter in "bcdef"]
    assert not set(waiting) & set(ana.answers)
    assert str(bob) in {"", "a"}
    database_line.mend()
    assert [await ana.answer(number) for number in waiting] == ["ack"] * 5
    await until(lambda: str(bob) == "abcdef")
    async with database.transaction(tenant_id) as tx:
        assert len(await read(tx, document_id, 0)) == 6
    for peer in (ana, bob):
        await peer.close()
