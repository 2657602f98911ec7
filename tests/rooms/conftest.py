"""A house with the rooms package in it: real PostgreSQL and Redis, one tenant, and people with tokens' worth of rights."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager

import pytest

from core.bus import Bus
from core.call import Principal, Resources
from core.db import Database
from core.logwriter import LogWriter
from core.model import TenantId
from core.settings import CoreSettings
from core.tokens import Tokens
from rooms.decide import Timing
from rooms.follow import MediaFollower
from rooms.live import LiveRooms
from rooms.livekit import LiveKit
from rooms.media import Media
from tests.conftest import DatabaseUrls
from tests.rooms.browsers import gateway
from tests.rooms.house import House, principal

NewHouse = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def new_house(database: Database, database_urls: DatabaseUrls, settings: CoreSettings) -> NewHouse:
    """Makes the parts of one process that holds dojos; two of them are two processes."""

    @asynccontextmanager
    async def make(livekit: LiveKit | None = None, timing: Timing | None = None) -> AsyncIterator[House]:
        secret = settings.secret.get_secret_value()
        async with AsyncExitStack() as stack:
            bus = await stack.enter_async_context(Bus(str(settings.redis_url), secret).running())
            writer = await stack.enter_async_context(LogWriter(database_urls.app).running())
            follower = None
            if livekit is not None:
                await stack.enter_async_context(livekit.running())
                follower = await stack.enter_async_context(MediaFollower(livekit).running())
            live = LiveRooms(database, writer, bus, follower, timing)
            tokens = Tokens.load(settings.signing_keys, secret, settings.public_url)
            resources = Resources()
            for kind, value in (
                (Database, database), (Bus, bus), (LogWriter, writer), (LiveRooms, live), (Tokens, tokens),
                (Media, Media(livekit)), (CoreSettings, settings),
            ):  # fmt: skip
                resources.provide(kind, value)
            yield House(resources, live, follower)

    return make


@pytest.fixture
async def house(new_house: NewHouse) -> AsyncIterator[House]:
    """One process without LiveKit."""
    async with new_house() as made:
        yield made


@pytest.fixture
async def tenant_id(new_tenant: Callable[..., Awaitable[TenantId]]) -> TenantId:
    """A new organisation."""
    return await new_tenant("Dojo Friends")


@pytest.fixture
def ana(tenant_id: TenantId) -> Principal:
    """A member who holds dojos."""
    return principal(tenant_id, "Ana", "member")


@pytest.fixture
def bea(tenant_id: TenantId) -> Principal:
    """Another member."""
    return principal(tenant_id, "Bea", "member")


@pytest.fixture
async def gateways(settings: CoreSettings) -> AsyncIterator[tuple[str, str]]:
    """Two of them."""
    async with gateway(settings) as one, gateway(settings) as two:
        yield one, two
