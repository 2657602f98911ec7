"""Units of work: one tenant each, all or nothing, and a clear word when PostgreSQL is away."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from prometheus_client import REGISTRY

from core.db import Database
from core.errors import Unavailable
from core.model import Model, TenantId
from core.settings import CoreSettings
from tests.conftest import DatabaseUrls
from tests.line import Line

NewTenant = Callable[[], Awaitable[TenantId]]


class Named(Model):
    """A tenant's name."""

    name: str


async def test_transaction_sees_its_own_tenant_only(database: Database, new_tenant: NewTenant) -> None:
    alpha, beta = await new_tenant(), await new_tenant()
    async with database.transaction(alpha) as tx:
        rows = await tx.rows("SELECT tenant_id FROM tenants")
    assert rows == [(alpha,)]
    async with database.transaction(beta) as tx:
        assert await tx.one(Named, "SELECT name FROM tenants WHERE tenant_id = $1", alpha) is None


async def test_transaction_refuses_to_write_into_another_tenant(database: Database, new_tenant: NewTenant) -> None:
    alpha, beta = await new_tenant(), await new_tenant()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction(alpha) as tx:
            await tx.run("INSERT INTO outbox (tenant_id, id, kind, payload) VALUES ($1, $1, 'x', '{}')", beta)


async def test_system_sees_no_tenant_even_after_one_used_the_connection(
    database_urls: DatabaseUrls, new_tenant: NewTenant
) -> None:
    alpha = await new_tenant()
    database = Database(database_urls.app, size=1)
    async with database.transaction(alpha) as tx:
        assert await tx.rows("SELECT 1 FROM tenants") == [(1,)]
    async with database.system() as queries:
        assert await queries.rows("SELECT 1 FROM tenants") == []
    await database.close()


async def test_cancelled_transaction_leaves_no_tenant_behind(
    database_urls: DatabaseUrls, new_tenant: NewTenant
) -> None:
    alpha = await new_tenant()
    database = Database(database_urls.app, size=1)
    inside = asyncio.Event()

    async def hang() -> None:
        async with database.transaction(alpha) as tx:
            inside.set()
            await tx.run("SELECT pg_sleep(30)")

    task = asyncio.create_task(hang())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.system() as queries:
        assert await queries.rows("SELECT 1 FROM tenants") == []
    await database.close()


async def test_failed_transaction_writes_nothing_and_runs_no_hint(database: Database, new_tenant: NewTenant) -> None:
    alpha = await new_tenant()
    hints: list[str] = []

    async def hint() -> None:
        hints.append("ran")

    with pytest.raises(ZeroDivisionError):
        async with database.transaction(alpha) as tx:
            await tx.publish(Named(name="never"))
            tx.after_commit(hint)
            raise ZeroDivisionError
    async with database.transaction(alpha) as tx:
        assert await tx.rows("SELECT 1 FROM outbox") == []
    assert hints == []


async def test_after_commit_hint_that_fails_harms_nobody(database: Database, new_tenant: NewTenant) -> None:
    alpha = await new_tenant()
    ran: list[str] = []

    async def broken() -> None:
        raise OSError("bus")

    async def fine() -> None:
        ran.append("fine")

    async with database.transaction(alpha) as tx:
        tx.after_commit(broken)
        tx.after_commit(fine)
    assert ran == ["fine"]


async def test_transaction_without_postgresql_is_unavailable() -> None:
    database = Database("postgresql://dojo_app:x@127.0.0.1:9/dojo")
    with pytest.raises(Unavailable) as caught:
        async with database.system():
            pytest.fail("there is no server")
    assert caught.value.retry_after


async def test_cancelled_transaction_is_cancelled_even_when_postgresql_goes_away(
    settings: CoreSettings, new_tenant: NewTenant
) -> None:
    tenant = await new_tenant()
    async with Line(str(settings.database_url)).open() as line:
        database = Database(line.url, size=1)
        inside = asyncio.Event()

        async def wait() -> None:
            async with database.transaction(tenant) as tx:
                inside.set()
                await tx.run("SELECT pg_sleep(60)")

        task = asyncio.create_task(wait())
        await inside.wait()
        await asyncio.sleep(0)  # let it send the statement
        task.cancel()
        line.cut()
        with pytest.raises(asyncio.CancelledError):
            await task
        await database.close()


@pytest.mark.parametrize("fault", ["file", "time"])
async def test_fault_of_the_work_itself_is_not_the_databases(
    database_urls: DatabaseUrls, new_tenant: NewTenant, fault: str
) -> None:
    """The caller gets what it raised, nothing is written, and the connection is kept."""
    tenant, database = await new_tenant(), Database(database_urls.app, size=1)
    async with database.system() as queries:
        connection = await queries.value(int, "SELECT pg_backend_pid()")
    given_up = REGISTRY.get_sample_value("dojo_database_given_up_total")
    with pytest.raises((PermissionError, TimeoutError)):
        async with database.transaction(tenant) as tx:
            await tx.publish(Named(name="x"))
            if fault == "file":
                raise PermissionError("a file of ours")
            async with asyncio.timeout(0.05):
                await tx.run("SELECT pg_sleep(30)")
    async with database.transaction(tenant) as tx:
        assert await tx.value(int, "SELECT pg_backend_pid()") == connection
        assert await tx.rows("SELECT 1 FROM outbox") == []
    assert REGISTRY.get_sample_value("dojo_database_given_up_total") == given_up
    await database.close()


async def test_value_of_another_type_is_an_error(database: Database) -> None:
    async with database.system() as queries:
        with pytest.raises(TypeError, match="expected int"):
            await queries.value(int, "SELECT 'text'")


async def test_unit_of_work_with_a_swallowed_error_is_not_taken_for_done(
    database: Database, new_tenant: Callable[[], Awaitable[TenantId]]
) -> None:
    with pytest.raises(RuntimeError, match="nothing was written"):
        async with database.transaction(await new_tenant()) as tx:
            with contextlib.suppress(asyncpg.PostgresError):
                await tx.run("SELECT 1 / 0")
