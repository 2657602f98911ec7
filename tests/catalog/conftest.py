"""People, and a catalogue that they reach over HTTP."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import catalog
from core.call import AccountRole, Principal
from core.db import Database
from core.model import TenantId, UserId, new_id
from core.process import Process, resources_of, web_application
from core.settings import CoreSettings
from core.tokens import Tokens

SCOPES = frozenset({"pocs:read", "pocs:write"})


def person(tenant_id: TenantId, name: str, role: AccountRole = "member", scopes: frozenset[str] = SCOPES) -> Principal:
    return Principal(
        tenant_id=tenant_id,
        user_id=UserId(new_id()),
        name=name,
        role=role,
        scopes=scopes,
        sign_in_id=UUID(int=1),
        expires_at=time.time() + 600,
    )


@pytest.fixture
async def tenant_id(new_tenant: Callable[[], Awaitable[TenantId]]) -> TenantId:
    return await new_tenant()


@pytest.fixture
def alice(tenant_id: TenantId) -> Principal:
    return person(tenant_id, "Alice")


@pytest.fixture
def bob(tenant_id: TenantId) -> Principal:
    return person(tenant_id, "Bob")


@pytest.fixture
def admin(tenant_id: TenantId) -> Principal:
    return person(tenant_id, "Ada", "admin")


@pytest.fixture
async def eve(new_tenant: Callable[[], Awaitable[TenantId]]) -> Principal:
    """The owner of another organisation."""
    return person(await new_tenant(), "Eve", "owner")


@pytest.fixture
def tokens(settings: CoreSettings) -> Tokens:
    return Tokens.load(settings.signing_keys, settings.secret.get_secret_value(), settings.public_url)


@pytest.fixture
async def client(settings: CoreSettings, database: Database) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """The catalogue's routes as the web process serves them."""
    process = Process(settings, [catalog.package], frozenset({"catalog"}))
    async with resources_of(process), TestClient(TestServer(web_application(process))) as client:
        yield client
