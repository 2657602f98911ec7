"""Gateways on real PostgreSQL and Redis, people with tokens, and clients to talk with."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import aiohttp
import psycopg
import pytest
import socketio
from aiohttp import web
from prometheus_client import REGISTRY

from core.bus import Bus
from core.call import Principal, Resources
from core.db import Database
from core.model import TenantId, UserId, new_id
from core.process import Process, drain, resources_of, runner_of, web_application
from core.settings import CoreSettings
from core.tokens import Tokens
from loadtests.facts import Fact
from realtime import package as realtime
from realtime.settings import RealtimeSettings
from tests.conftest import DatabaseUrls
from tests.realtime import doors
from tests.realtime.noted import judge, received, sent, told
from tests.realtime.wire import ENGINE, Polling, Server, Wires, serving

PATIENCE = 10.0
SITE = "http://127.0.0.1:8080"


async def until(condition: Callable[[], Any], patience: float = PATIENCE) -> Any:
    """What ``condition`` gives once it gives something."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
    return found


async def until_async(condition: Callable[[], Awaitable[Any]], patience: float = PATIENCE) -> Any:
    """The same for something that must be asked for."""
    deadline = time.monotonic() + patience
    while not (found := await condition()):
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.02)
    return found


def counted(name: str, **labels: str) -> float:
    """What ``dojo_gateway_{name}`` counts."""
    return REGISTRY.get_sample_value(f"dojo_gateway_{name}_total", labels) or 0.0


@contextlib.asynccontextmanager
async def seen(name: str, **labels: str) -> AsyncIterator[None]:
    """What happens in the block, or in the decorated test, is counted by ``dojo_gateway_{name}``."""
    before = counted(name, **labels)
    yield
    await until(lambda: counted(name, **labels) > before)


class Client:
    """A Socket.IO client that writes down what it hears."""

    def __init__(self, url: str, who: Principal | None, token: str | None, path: str, transports: list[str]) -> None:
        self.name = str(who and who.user_id)
        self.rooms: set[str] = set()
        self.facts: list[Fact] = []
        """What they did, were told and heard, for the history checker."""
        self.heard: list[tuple[str, Any]] = []
        self.refused: list[Any] = []
        self.is_gone = asyncio.Event()
        serializer = "msgpack" if "msgpack" in path else "default"
        self.socket = socketio.AsyncClient(reconnection=False, serializer=serializer)
        self.socket.on("*", self._hear)
        self.socket.on("connect_error", self.refused.append)
        self.socket.on("disconnect", lambda *_: self.is_gone.set())
        self._how = {"url": url, "auth": {"token": token}, "socketio_path": path, "transports": transports}

    async def connect(self) -> "Client":
        """Connect, or raise."""
        await self.socket.connect(**self._how, wait_timeout=5)
        return self

    async def call(self, event: str, **payload: Any) -> dict[str, Any]:
        """Send an event; the acknowledgement."""
        if event == "chat:send":
            payload.setdefault("op_id", new_id())
        plain = {name: str(value) if isinstance(value, UUID) else value for name, value in payload.items()}
        answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        def take(answer: dict[str, Any]) -> None:  # before what comes behind it is heard
            self.facts += told(self.name, event, plain, answer)
            if event == "room:enter" and answer["ok"]:
                self.rooms.add(plain["room_id"])
            if not answered.done():
                answered.set_result(answer)

        self.facts += sent(self.name, event, plain)
        await self.socket.emit(event, plain, callback=take)
        async with asyncio.timeout(PATIENCE):
            return await answered

    def _hear(self, name: str, data: Any = None) -> None:
        self.heard.append((name, data))
        if name == "room:event":
            self.facts.append(received(self.name, data))
        elif name == "room:expelled":
            self.rooms.discard(data["room_id"])

    def events(self, name: str = "room:event") -> list[Any]:
        """What was heard under ``name``."""
        return [data for heard, data in self.heard if heard == name]

    async def has_events(self, count: int, name: str = "room:event") -> list[Any]:
        """What was heard under ``name``, once there is so much."""
        await until(lambda: len(self.events(name)) >= count)
        return self.events(name)

    def texts(self) -> list[str | None]:
        """What was said, as far as it was shown."""
        return [(each["payload"] or {}).get("text") for each in self.events()]


@dataclass
class Gateway:
    """A running gateway."""

    url: str
    process: Process
    runner: web.AppRunner
    stop: Callable[[], Awaitable[None]]

    @property
    def resources(self) -> Resources:
        """Its clients."""
        return self.process.resources

    async def drain(self) -> None:
        """Be told to stop, and stop."""
        self.process.draining.set()
        await drain(self.process)
        await self.stop()


Connect = Callable[..., Awaitable[Client]]
NewGateway = Callable[..., Awaitable[Gateway]]
Person = Callable[..., Principal]


async def metric(http: aiohttp.ClientSession, gateway: Gateway, line: str) -> float:
    """The value that ``/metrics`` shows behind ``line``; 0 if it shows none."""
    async with http.get(f"{gateway.url}/metrics") as answer:
        lines = (await answer.text()).splitlines()
    return next((float(each.rpartition(" ")[2]) for each in lines if each.startswith(line + " ")), 0.0)


FAST: dict[str, Any] = {
    "poll_interval": 0.2,
    "beat_interval": 0.1,
    "dead_after": 1.0,
    "drain_spread": 0.2,
    "sign_in_poll": 0.3,
}
NEVER_LOOK: dict[str, Any] = {"poll_interval": 600.0, "sign_in_poll": 600.0}
"""With these, nothing is looked for in the database while a test lasts: other gateways are heard over the bus alone."""


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Plain HTTP."""
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def new_gateway(settings: CoreSettings) -> AsyncIterator[Callable[..., Awaitable[Gateway]]]:
    """Starts gateways on free ports; ``bounds`` are settings of the gateway, ``core`` of the process."""
    async with contextlib.AsyncExitStack() as everything:

        async def start(core: dict[str, Any] | None = None, **bounds: Any) -> Gateway:
            stack = contextlib.AsyncExitStack()
            process = Process(
                settings.model_copy(update=core or {}), (doors.package, realtime), frozenset({"realtime", "house"})
            )
            process.resources.provide(RealtimeSettings, RealtimeSettings(**{**FAST, **bounds}))
            await stack.enter_async_context(resources_of(process))
            runner = runner_of(web_application(process), shutdown_timeout=0.5)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]  # it is started
            everything.push_async_callback(stack.aclose)
            return Gateway(f"http://127.0.0.1:{port}", process, runner, stack.aclose)

        yield start


@pytest.fixture
async def gateway(new_gateway: Callable[..., Awaitable[Gateway]]) -> Gateway:
    """One gateway."""
    return await new_gateway()


@pytest.fixture
async def two_gateways(new_gateway: Callable[..., Awaitable[Gateway]]) -> tuple[Gateway, Gateway]:
    """Two gateways of one installation."""
    return await new_gateway(), await new_gateway()


async def on_the_bus(*gateways: Gateway) -> None:
    """Wait until the gateways hear each other."""
    await until(lambda: all(gateway.resources.get(Bus).connected.is_set() for gateway in gateways))


@pytest.fixture
async def bus_gateways(new_gateway: Callable[..., Awaitable[Gateway]]) -> tuple[Gateway, Gateway]:
    """Two gateways that hear of each other over the bus alone."""
    gateways = await new_gateway(**NEVER_LOOK), await new_gateway(**NEVER_LOOK)
    await on_the_bus(*gateways)
    return gateways


@pytest.fixture
def tokens(settings: CoreSettings) -> Tokens:
    """Makes tokens as the installation does."""
    return Tokens.load(settings.signing_keys, settings.secret.get_secret_value(), settings.public_url)


@pytest.fixture
async def tenant_id(new_tenant: Callable[..., Awaitable[TenantId]]) -> TenantId:
    """A tenant of the test's own."""
    return await new_tenant()


@pytest.fixture
def person(tenant_id: TenantId) -> Callable[..., Principal]:
    """Makes people of the tenant."""

    def make(name: str, *, ttl: float = 600, tenant: TenantId = tenant_id) -> Principal:
        return Principal(
            tenant_id=tenant,
            user_id=UserId(new_id()),
            name=name,
            role="member",
            scopes=frozenset(),
            sign_in_id=new_id(),
            expires_at=int(time.time() + ttl),
        )

    return make


@pytest.fixture
def clients() -> list[Client]:
    """All that were connected in this test."""
    return []


@pytest.fixture
async def connect(tokens: Tokens, clients: list[Client]) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """Connects people to gateways, and disconnects them in the end."""

    async def make(
        gateway: Gateway,
        who: Principal | str | None,
        *,
        path: str = "socket.io",
        transports: tuple[str, ...] = ("websocket",),
    ) -> Client:
        token = tokens.access(who) if isinstance(who, Principal) else who
        client = Client(gateway.url, who if isinstance(who, Principal) else None, token, path, list(transports))
        clients.append(client)
        return await client.connect()

    yield make
    for client in clients:
        with contextlib.suppress(Exception):
            await client.socket.disconnect()


@pytest.fixture
async def room_id(database: Database, tenant_id: TenantId) -> UUID:
    """A room to talk in."""
    return await doors.new_room(database, tenant_id)


@pytest.fixture
def document_in(database: Database, tenant_id: TenantId) -> Callable[[], Awaitable[UUID]]:
    """Makes empty documents."""

    async def make() -> UUID:
        return await doors.new_room(database, tenant_id)

    return make


@pytest.fixture
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A conformance server; a parameter is its ping interval and timeout."""
    async with serving(*getattr(request, "param", ())) as running:
        yield running


@pytest.fixture
async def wires(server: Server) -> AsyncIterator[Wires]:
    """Raw connections to it."""
    found = Wires(server)
    yield found
    await found.hang_up()


@pytest.fixture
async def poll(server: Server) -> AsyncIterator[Callable[..., Awaitable[Polling]]]:
    """Begins sessions of long-polling with it."""
    async with aiohttp.ClientSession() as http:
        yield lambda path=ENGINE: Polling(server, http, path).open()


@pytest.fixture
async def document_id(document_in: Callable[[], Awaitable[UUID]]) -> UUID:
    """An empty document."""
    return await document_in()


@pytest.fixture
def peers() -> list[Any]:
    """All that were seated in this test."""
    return []


@pytest.fixture
async def sit(
    tokens: Tokens, document_id: UUID, room_id: UUID, peers: list[Any]
) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Seats people at the document."""
    from tests.realtime.peers import Peer, editor_pass  # they need what is above

    async def make(
        gateway: Gateway, who: Principal, *, may_write: bool = True, doc: Any = None, numbered: bool = True
    ) -> Peer:
        word = editor_pass(tokens, who, document_id, room_id, may_write=may_write)
        peer = Peer(gateway, document_id, word, doc=doc, numbered=numbered)
        peers.append(peer)
        return await peer.synced()

    yield make
    for peer in peers:
        await peer.close()


async def forget(urls: DatabaseUrls, stream_id: UUID) -> None:
    """Take a log away altogether, as a backup does that is older than it."""
    async with await psycopg.AsyncConnection.connect(urls.everything) as connection:
        await connection.execute("DELETE FROM log_entries WHERE stream_id = %s", (stream_id,))
        await connection.execute("DELETE FROM log_streams WHERE stream_id = %s", (stream_id,))


async def lose(urls: DatabaseUrls, stream_id: UUID, entries: int) -> None:
    """Take the last entries off a log, as a backup that was made before them does."""
    async with await psycopg.AsyncConnection.connect(urls.everything) as connection:
        await connection.execute(
            "DELETE FROM log_entries e USING log_streams s WHERE s.stream_id = e.stream_id AND e.stream_id = %s"
            " AND e.seq > s.last_seq - %s", (stream_id, entries),
        )  # fmt: skip
        await connection.execute(
            "UPDATE log_streams SET last_seq = last_seq - %s WHERE stream_id = %s", (entries, stream_id)
        )


@pytest.fixture
def admin_url(database_urls: DatabaseUrls) -> str:
    """Where the logs are in the end."""
    return database_urls.everything


@pytest.fixture
async def judged(
    admin_url: str, new_gateway: Any, connect: Any, sit: Any, clients: list[Client], peers: list[Any]
) -> AsyncIterator[None]:
    """What everybody noted is compared with the logs in the end, while gateways and people are still there."""
    yield
    await judge(admin_url, clients, peers)
