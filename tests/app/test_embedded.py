"""The embedded servers, as the fixtures and ``dojo up`` use them."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
from livekit.api import CreateRoomRequest, LiveKitAPI
from redis.asyncio import Redis
from redis.exceptions import AuthenticationError

from app.embedded import Postgres
from app.folder import Folder
from app.parts import free_port, running
from core.db import Database
from core.model import TenantId
from tests.conftest import DatabaseUrls, LiveKitServer


async def test_the_app_role_sees_its_tenant_alone(
    database: Database, new_tenant: Callable[[str], Awaitable[TenantId]]
) -> None:
    mine, _ = await new_tenant("Mine"), await new_tenant("Theirs")
    async with database.transaction(mine) as tx:
        assert await tx.rows("SELECT name FROM tenants") == [("Mine",)]


def test_fresh_databases_share_nothing(new_database: Callable[[], DatabaseUrls]) -> None:
    first, second = new_database(), new_database()
    with psycopg.connect(first.migration) as connection:
        connection.execute("SET ROLE dojo_owner")
        connection.execute("CREATE TABLE mine (a int)")
    with psycopg.connect(second.migration) as connection:
        assert connection.execute("SELECT to_regclass('mine')").fetchone() == (None,)


def test_postgres_wants_a_password(database_urls: DatabaseUrls) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(database_urls.app.replace("dojo_app:", "dojo_app:wrong"))


def test_postgres_recovers_from_a_kill_with_what_was_committed(tmp_path: Path) -> None:
    server = Postgres(Folder(tmp_path / "data"), free_port())
    with running(server.part()) as process:
        with psycopg.connect(server.admin_url) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS a")
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
    with running(server.part()), psycopg.connect(server.admin_url) as connection:
        assert connection.execute("SELECT a FROM kept").fetchone() == (1,)


async def test_redis_wants_its_password(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as client:
        assert await client.ping()
    with pytest.raises(AuthenticationError):
        async with Redis.from_url("redis://" + redis_url.rpartition("@")[2]) as client:
            await client.ping()


async def test_livekit_tells_our_webhook(livekit: LiveKitServer) -> None:
    told = asyncio.Event()

    async def hook(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (await reader.readline()).startswith(b"POST /hooks/livekit "):
            told.set()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    api = LiveKitAPI(livekit.url, livekit.key, livekit.secret)
    try:
        async with await asyncio.start_server(hook, "127.0.0.1", livekit.webhook_port):
            await api.room.create_room(CreateRoomRequest(name=f"webhook-{livekit.webhook_port}", empty_timeout=1))
            await asyncio.wait_for(told.wait(), 10)
    finally:
        await api.aclose()
