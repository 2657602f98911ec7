"""Real servers for every test: PostgreSQL, Redis and LiveKit, started once, on free ports, in a temporary folder."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import NamedTuple

import asyncpg
import psycopg
import pytest

from app.embedded import LiveKit, Postgres, Redis, free_media_port
from app.folder import Folder
from app.livekit_binary import find_or_build
from app.migrate import migrate
from app.parts import free_port, running
from app.provision import make_database, provision
from core.db import Database
from core.model import TenantId, new_id
from core.settings import CoreSettings


class DatabaseUrls(NamedTuple):
    """One migrated database, as its administrator, as the migrator and as the app role."""

    admin: str
    migration: str
    app: str

    @property
    def everything(self) -> str:
        """The database itself as the administrator, who sees all tenants."""
        return self.admin.rpartition("/")[0] + "/" + self.app.rpartition("/")[2]


class Servers(NamedTuple):
    """What the session runs on."""

    folder: Folder
    database: DatabaseUrls
    redis_url: str


class LiveKitServer(NamedTuple):
    """A LiveKit server that tells ``http://127.0.0.1:{webhook_port}/hooks/livekit`` what happens in it."""

    url: str
    key: str
    secret: str
    webhook_port: int


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """PostgreSQL with a migrated database, and Redis, for the whole session."""
    folder = Folder(tmp_path_factory.mktemp("servers"))
    postgres = Postgres(folder, free_port(), durable=False)
    redis = Redis(folder, free_port())
    with running(postgres.part()), running(redis.part()):
        provision(postgres.admin_url, postgres.migration_url, postgres.app_url)
        migrate(postgres.migration_url)
        with psycopg.connect(postgres.admin_url, autocommit=True) as connection:
            make_database(connection, "template", template="dojo")
        urls = DatabaseUrls(postgres.admin_url, postgres.migration_url, postgres.app_url)
        yield Servers(folder, urls, redis.url)


@pytest.fixture(scope="session")
def database_urls(servers: Servers) -> DatabaseUrls:
    """The session's database; tests share it, so each makes tenants of its own."""
    return servers.database


@pytest.fixture
def new_database(servers: Servers) -> Iterator[Callable[[], DatabaseUrls]]:
    """Makes migrated databases without any row, for tests that look at all tenants."""
    made: list[str] = []

    def make() -> DatabaseUrls:
        name = f"fresh_{new_id().hex}"
        with psycopg.connect(servers.database.admin, autocommit=True) as connection:
            make_database(connection, name, template="template")
        made.append(name)
        _, migration, app = (url.rpartition("/")[0] + "/" + name for url in servers.database)
        return DatabaseUrls(servers.database.admin, migration, app)

    yield make
    with psycopg.connect(servers.database.admin, autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def redis_url(servers: Servers) -> str:
    """The session's Redis."""
    return servers.redis_url


@pytest.fixture(scope="session")
def livekit(servers: Servers) -> Iterator[LiveKitServer]:
    """A LiveKit server for the whole session."""
    webhook_port = free_port()
    webhook = f"http://127.0.0.1:{webhook_port}/hooks/livekit"
    server = LiveKit(servers.folder, find_or_build(), free_port(), free_media_port(), webhook)
    with running(server.part()):
        yield LiveKitServer(server.url, server.key, server.secret, webhook_port)


@pytest.fixture
def settings(servers: Servers) -> CoreSettings:
    """The settings of a process on the session's servers; change them with ``model_copy(update=…)``."""
    return CoreSettings.model_validate(
        {
            "database_url": servers.database.app,
            "redis_url": servers.redis_url,
            "secret": servers.folder.secret("signing"),
            "signing_keys": servers.folder.keys,
            "public_url": "http://127.0.0.1:8080",
            "data_dir": servers.folder.files,
            "log_json": False,
        }
    )


@pytest.fixture
async def database(database_urls: DatabaseUrls) -> AsyncIterator[Database]:
    """The session's database as the app role."""
    database = Database(database_urls.app, size=8)
    yield database
    await database.close()


@pytest.fixture
async def owner_connection(database_urls: DatabaseUrls) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection as the tables' owner; forced row-level security holds for it too."""
    connection = await asyncpg.connect(database_urls.migration)
    await connection.execute("SET ROLE dojo_owner")
    yield connection
    await connection.close()


@pytest.fixture
def new_tenant(database: Database) -> Callable[[], Awaitable[TenantId]]:
    """Makes tenants: rows of theirs meet nobody else's, so there is nothing to clean up."""

    async def make(name: str = "Dojo") -> TenantId:
        tenant_id = TenantId(new_id())
        async with database.transaction(tenant_id) as tx:
            await tx.run("INSERT INTO tenants (tenant_id, name) VALUES ($1, $2)", tenant_id, name)
        return tenant_id

    return make
