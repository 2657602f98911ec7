"""A PostgreSQL that is there and cannot be used."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Identifier

from tests.conftest import DatabaseUrls

END = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"


@contextmanager
def read_only(urls: DatabaseUrls) -> Iterator[None]:
    """As after a failover to a standby: sessions end, and new ones cannot write, for as long as they last."""
    with _altered(urls, "SET default_transaction_read_only = on", "RESET default_transaction_read_only"):
        yield


@contextmanager
def full(urls: DatabaseUrls) -> Iterator[None]:
    """As when others took all connections: sessions end, and new ones are refused."""
    with _altered(urls, "CONNECTION LIMIT 0", "CONNECTION LIMIT -1"):
        yield


@contextmanager
def _altered(urls: DatabaseUrls, change: str, back: str) -> Iterator[None]:
    name = urls.app.rpartition("/")[2]
    with psycopg.connect(urls.admin, autocommit=True) as connection:
        alter = SQL("ALTER DATABASE {} ").format(Identifier(name))
        connection.execute(alter + SQL(change))
        connection.execute(END, (name,))
        try:
            yield
        finally:
            connection.execute(alter + SQL(back))


@contextmanager
def disk_full(urls: DatabaseUrls) -> Iterator[None]:
    """As when there is no more space: sessions go on, and whatever makes a log or a table of tenants longer fails."""
    with psycopg.connect(urls.everything, autocommit=True) as connection:
        connection.execute(
            """
            CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER no_space BEFORE INSERT ON log_entries FOR EACH ROW EXECUTE FUNCTION no_space();
            CREATE TRIGGER no_space BEFORE UPDATE ON tenants FOR EACH ROW EXECUTE FUNCTION no_space()
            """
        )
        try:
            yield
        finally:
            connection.execute("DROP FUNCTION no_space() CASCADE")


@contextmanager
def locked(urls: DatabaseUrls, stream_id: UUID) -> Iterator[None]:
    """Nothing is appended to a stream: who wants to has to wait."""
    with psycopg.connect(urls.everything) as connection:
        connection.execute("SELECT 1 FROM log_streams WHERE stream_id = %s FOR UPDATE", (stream_id,))
        yield


@asynccontextmanager
async def no_new_node(urls: DatabaseUrls) -> "AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]":
    """No gateway can begin: PostgreSQL says that it cannot now. The connection commits each statement."""
    async with await psycopg.AsyncConnection.connect(urls.everything, autocommit=True) as connection:
        await connection.execute(
            """
            CREATE FUNCTION not_now() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = 'cannot_connect_now'; END $$;
            CREATE TRIGGER not_now BEFORE INSERT ON gateway_nodes FOR EACH ROW EXECUTE FUNCTION not_now()
            """
        )
        try:
            yield connection
        finally:
            await connection.execute("DROP FUNCTION not_now() CASCADE")


FAULTS = {"read-only": read_only, "full": full, "disk-full": disk_full}
