"""A unit of work and the log's writer while PostgreSQL cannot be used, and right after."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from core.db import Database
from core.errors import Unavailable
from core.eventlog import NewEntry, create_stream, read
from core.logwriter import LogWriter
from core.model import TenantId, new_id
from tests.conftest import DatabaseUrls
from tests.line import Line
from tests.postgres import FAULTS

SOON = 4.0
"""Seconds until somebody who cannot be served is told so."""
BACK_WITHIN = 10.0
POOL = 4
RENAME = "UPDATE tenants SET name = 'Renamed' WHERE tenant_id = $1"

NewPool = Callable[..., Database]


@pytest.fixture
def database_urls(new_database: Callable[[], DatabaseUrls]) -> DatabaseUrls:
    """A database of the test's own."""
    return new_database()


@pytest.fixture
async def tenant(new_tenant: Callable[[], object]) -> TenantId:
    """Its only tenant."""
    return TenantId(await new_tenant())  # type: ignore[misc]  # the fixture's own type


@pytest.fixture
async def stream(database: Database, tenant: TenantId) -> UUID:
    """An empty stream."""
    stream_id = new_id()
    async with database.transaction(tenant) as tx:
        await create_stream(tx, stream_id)
    return stream_id


@pytest.fixture
async def line(database_urls: DatabaseUrls) -> AsyncIterator[Line]:
    """The line to it."""
    async with Line(database_urls.app).open() as line:
        yield line


@pytest.fixture
async def pool() -> AsyncIterator[NewPool]:
    """Makes pools, and closes them."""
    made: list[Database] = []

    def make(url: str, **bounds: Any) -> Database:
        made.append(Database(url, **{"size": POOL, **bounds}))
        return made[-1]

    yield make
    for database in made:
        await database.close()


async def write(database: Database, tenant: TenantId) -> None:
    """A unit of work that writes."""
    async with database.transaction(tenant) as tx:
        await tx.run(RENAME, tenant)


async def count(database: Database, tenant: TenantId) -> int | None:
    """One that reads."""
    async with database.transaction(tenant) as tx:
        return await tx.value(int, "SELECT count(*) FROM tenants")


async def until_well(work: Callable[[], object]) -> None:
    """Wait until something works, again and again."""
    async with asyncio.timeout(BACK_WITHIN):
        while True:
            try:
                await work()  # type: ignore[misc]  # a coroutine, whatever it comes to
            except Unavailable:
                await asyncio.sleep(0.05)
            else:
                return


def entry(tenant: TenantId, stream: UUID) -> NewEntry:
    """Something to append."""
    return NewEntry(tenant, stream, new_id(), "said", new_id(), '{"n": 1}')


async def fill(database: Database, tenant: TenantId) -> None:
    """Open all connections of the pool."""
    everybody_in = asyncio.Barrier(POOL)

    async def one() -> None:
        async with database.transaction(tenant):
            await everybody_in.wait()

    await asyncio.gather(*(one() for _ in range(POOL)))


@pytest.mark.parametrize("fault", FAULTS)
async def test_all_connections_of_the_pool_are_well_after_the_fault(
    pool: NewPool, database_urls: DatabaseUrls, tenant: TenantId, fault: str
) -> None:
    database = pool(database_urls.app)
    await fill(database, tenant)
    with FAULTS[fault](database_urls):
        for _ in range(2 * POOL):
            with pytest.raises(Unavailable):
                async with asyncio.timeout(SOON):
                    await write(database, tenant)
        if fault != "full":
            await fill(database, tenant)
            assert await count(database, tenant) == 1
    await until_well(lambda: write(database, tenant))
    await asyncio.gather(*(write(database, tenant) for _ in range(2 * POOL)))


@pytest.mark.parametrize("fault", FAULTS)
async def test_log_acknowledges_nothing_meanwhile_and_all_of_it_afterwards(
    database: Database, database_urls: DatabaseUrls, tenant: TenantId, stream: UUID, fault: str
) -> None:
    entries = [entry(tenant, stream) for _ in range(3)]
    async with LogWriter(database_urls.app).running() as writer:
        await writer.append([entries[0]])
        with FAULTS[fault](database_urls):
            for each in entries[1:]:
                with pytest.raises(Unavailable):
                    async with asyncio.timeout(SOON):
                        await writer.append([each])
        await until_well(lambda: writer.append([entries[1]]))
        answers = [(await writer.append([each]))[0] for each in entries]
    assert [(each.outcome, each.seq) for each in answers] == [("repeat", 1), ("repeat", 2), ("new", 3)]

    async def stored() -> None:
        async with database.transaction(tenant) as tx:
            assert [each.op_id for each in await read(tx, stream, 0)] == [each.op_id for each in entries]

    await until_well(stored)


async def test_one_stranded_connection_tells_of_all(pool: NewPool, line: Line, tenant: TenantId) -> None:
    database = pool(line.url, timeout=0.5)
    await fill(database, tenant)
    line.strand()
    with pytest.raises(Unavailable):
        async with asyncio.timeout(SOON):
            await write(database, tenant)
    async with asyncio.timeout(SOON):
        await asyncio.gather(*(write(database, tenant) for _ in range(POOL)))


async def test_writer_leaves_a_stranded_connection(line: Line, tenant: TenantId, stream: UUID) -> None:
    stuck = entry(tenant, stream)
    async with LogWriter(line.url, timeout=0.5).running() as writer:
        await writer.append([entry(tenant, stream)])
        line.strand()
        with pytest.raises(Unavailable):
            async with asyncio.timeout(SOON):
                await writer.append([stuck])
        async with asyncio.timeout(SOON):
            (answer,) = await writer.append([stuck])
    assert (answer.outcome, answer.seq) == ("new", 2)


async def test_who_is_cancelled_while_the_line_is_blocked_does_not_wait(
    pool: NewPool, line: Line, tenant: TenantId
) -> None:
    database = pool(line.url, size=1)
    at_work = asyncio.Event()

    async def write_twice() -> None:
        async with database.transaction(tenant) as tx:
            await tx.run(RENAME, tenant)
            line.block()
            at_work.set()
            await tx.run(RENAME, tenant)

    waiting = asyncio.create_task(write_twice())
    await at_work.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(SOON):
            await waiting
    line.unblock()
    await until_well(lambda: write(database, tenant))
