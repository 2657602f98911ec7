"""The one way to PostgreSQL: units of work in one tenant, under row-level security.

The tenant is set for the transaction only (``set_config(..., is_local => true)``), so a pooled
connection cannot carry it to the next caller.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Counter

from core.errors import Unavailable
from core.model import Model, TenantId, new_id

M = TypeVar("M", bound=Model)
T = TypeVar("T")

log = structlog.get_logger()


class ConnectionLost(Exception):
    """The line to PostgreSQL broke, or did not answer in time."""


LOST = (
    ConnectionLost,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection broke between two steps of the client's own
    asyncpg.PostgresConnectionError,
    asyncpg.ReadOnlySQLTransactionError,  # it leads to a standby, and stays there when there is a primary again
)
"""What says that a connection is of no use any more, and those that were opened with it may not be."""

GONE = (
    *LOST,
    asyncpg.OperatorInterventionError,  # it stops, starts, crashed, or cancelled the statement
    asyncpg.InsufficientResourcesError,  # disk, memory or connections are used up
)
"""What says that the server cannot be used now, as opposed to a wrong statement."""

GIVEN_UP = Counter("dojo_database_given_up", "Connections that broke, or on which a statement or commit took too long.")

ACQUIRE_TIMEOUT = 2.0
STATEMENT_TIMEOUT = 10.0
"""Seconds after which a statement is given up, where nothing else is said."""
ROLLBACK_TIMEOUT = 1.0


async def asked(answer: Awaitable[T]) -> T:
    """What PostgreSQL says; apart from what else can go wrong in a unit of work, such as with a file.

    Raises:
        ConnectionLost: it does not say anything.
    """
    try:
        return await answer
    except (OSError, TimeoutError) as error:
        raise ConnectionLost(str(error)) from error


class Queries:
    """Statements on one connection. ``sql`` is always a literal; values are parameters."""

    def __init__(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
        self._connection = connection

    async def one(self, model: type[M], sql: str, *args: object) -> M | None:
        """The first row as ``model``, or None."""
        row = await asked(self._connection.fetchrow(sql, *args))
        return None if row is None else model.model_validate(dict(row))

    async def all(self, model: type[M], sql: str, *args: object) -> list[M]:
        """All rows as ``model``; the statement carries its own LIMIT."""
        rows = await asked(self._connection.fetch(sql, *args))
        return [model.model_validate(dict(row)) for row in rows]

    async def value(self, kind: type[T], sql: str, *args: object) -> T | None:
        """The first column of the first row, or None."""
        found = await asked(self._connection.fetchval(sql, *args))
        if found is not None and not isinstance(found, kind):
            raise TypeError(f"expected {kind.__name__}, the statement gave {type(found).__name__}")
        return found

    async def rows(self, sql: str, *args: object) -> list[tuple[Any, ...]]:
        """All rows as tuples, for shapes that are nobody's model."""
        return [tuple(row) for row in await asked(self._connection.fetch(sql, *args))]

    async def run(self, sql: str, *args: object) -> int:
        """The number of rows that the statement wrote."""
        status = await asked(self._connection.execute(sql, *args))
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0


class Transaction(Queries):
    """One tenant's unit of work: everything in it happens, or nothing."""

    def __init__(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", tenant_id: TenantId) -> None:
        super().__init__(connection)
        self.tenant_id = tenant_id
        self._after_commit: list[Callable[[], Awaitable[None]]] = []

    async def publish(self, event: Model, *, once: UUID | None = None) -> None:
        """Announce a domain event: it is told to its listeners if, and only if, this commits.

        Args:
            once: what was announced under this id, and is not handled yet, is not announced again.
        """
        await self.run(
            "INSERT INTO outbox (tenant_id, id, kind, payload) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            self.tenant_id,
            once or new_id(),
            type(event).__name__,
            event.model_dump(mode="json"),
        )

    def after_commit(self, hint: Callable[[], Awaitable[None]]) -> None:
        """Run ``hint`` once this is committed; whatever it does may be lost without harm."""
        self._after_commit.append(hint)

    async def committed(self) -> None:
        """Run the hints; called by ``Database`` alone."""
        for hint in self._after_commit:
            try:
                await hint()
            except Exception:  # the work is committed: a lost hint is healed by its reader
                log.warning("after_commit_failed", exc_info=True)


class Database:
    """A bounded pool of connections as the app role; ``timeout`` is for one statement, in seconds."""

    def __init__(self, url: str, *, size: int = 8, timeout: float = STATEMENT_TIMEOUT) -> None:
        self._url = url
        self._size = size
        self._timeout = timeout
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    async def close(self) -> None:
        """Close the pool; connections in use have a second to finish."""
        if self._pool is not None:
            try:
                async with asyncio.timeout(1):  # not wait_for: before Python 3.12 it can swallow being cancelled
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    async def ping(self) -> None:
        """Prove that a statement can be run.

        Raises:
            Unavailable: it cannot.
        """
        async with self.system() as queries:
            await queries.run("SELECT 1")

    @asynccontextmanager
    async def transaction(self, tenant_id: TenantId) -> AsyncIterator[Transaction]:
        """A unit of work in ``tenant_id``.

        Raises:
            Unavailable: PostgreSQL cannot be used now; nothing was written, except that a
                connection lost in COMMIT leaves the outcome unknown (retry with the same ``op_id``).
        """
        begin = f"BEGIN; SELECT set_config('app.tenant_id', '{UUID(int=tenant_id.int)}', true)"  # one round trip
        async with self._unit(begin) as connection:
            work = Transaction(connection, tenant_id)
            yield work
        await work.committed()

    @asynccontextmanager
    async def system(self) -> AsyncIterator[Queries]:
        """Statements outside every tenant: global tables and reviewed SECURITY DEFINER functions only.

        Row-level security shows no tenant's row here.
        """
        async with self._unit("BEGIN") as connection:
            yield Queries(connection)

    @asynccontextmanager
    async def statements(self) -> AsyncIterator[Queries]:
        """As ``system``, but each statement is a unit of its own, which spares two round trips.

        Raises:
            Unavailable: PostgreSQL cannot be used now; what the statement that failed did is unknown.
        """
        async with self._connection() as connection:
            yield Queries(connection)

    @asynccontextmanager
    async def _unit(self, begin: str) -> "AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]":
        """All of the block, or nothing of it."""
        async with self._connection() as connection:
            try:
                await asked(connection.execute(begin))
                yield connection
            except LOST:  # with the connection goes what was done on it
                raise
            except BaseException:
                await asked(connection.execute("ROLLBACK", timeout=ROLLBACK_TIMEOUT))
                raise
            if await asked(connection.execute("COMMIT")) != "COMMIT":
                raise RuntimeError("a statement had failed and nobody minded: nothing was written")

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[asyncpg.pool.PoolConnectionProxy[asyncpg.Record]]":
        try:
            pool = await asked(self._open())
            connection = await asked(pool.acquire(timeout=ACQUIRE_TIMEOUT))
            try:
                yield connection
            except LOST:
                GIVEN_UP.inc()
                await pool.expire_connections()
                with suppress(asyncpg.InterfaceError):  # it broke, and the pool has it back
                    connection.terminate()
                raise
            finally:
                await asked(pool.release(connection))
        except GONE as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # the rollback failed: that must not hide the cancelling
                raise asyncio.CancelledError from error
            raise Unavailable("The database is not answering.", retry_after=2) from error

    async def _open(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=self._size,
                    timeout=ACQUIRE_TIMEOUT,
                    command_timeout=self._timeout,
                    init=use_json,
                )
            return self._pool


async def use_json(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let jsonb columns and parameters be Python values."""
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
