"""Brings the schema to the newest revision; one migrator at a time, as the tables' owner."""

from importlib.util import find_spec

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

LOCK = 0x646F_6A6F
"""The advisory lock that migrators of one database queue for."""


def migrate(url: str) -> str:
    """Apply the revisions that the database lacks; the newest one's name.

    Args:
        url: the database's address as ``dojo_migrator``.
    """
    with connect(url) as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.execute(text("SET ROLE dojo_owner"))
        connection.commit()
        configuration = config()
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
        connection.commit()
        return current(connection)


def begin_epoch(url: str) -> int:
    """Say that the database was restored: what anybody was told of its logs no longer holds; how many logs there are.

    The epoch is the time, in minutes, and not the next number: none had it before, also not in a life that the backup
    knows nothing of.

    Args:
        url: the database's address as ``dojo_migrator``.
    """
    with connect(url) as connection:
        connection.execute(text("SET ROLE dojo_system"))  # which sees the logs of all tenants
        begin = "UPDATE log_streams SET epoch = greatest(epoch + 1, (extract(epoch FROM clock_timestamp()) / 60)::int)"
        logs = connection.execute(text(begin)).rowcount
        connection.commit()
        return logs


def pending(url: str) -> list[str]:
    """The revisions that the database lacks, oldest first."""
    with connect(url) as connection:
        connection.execute(text("SET ROLE dojo_owner"))
        script = ScriptDirectory.from_config(config())
        lower = current(connection) or "base"
        return [revision.revision for revision in reversed(list(script.iterate_revisions("head", lower)))]


def current(connection: Connection) -> str:
    """The revision that the database is at; empty for none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def connect(url: str) -> Connection:
    """A connection of SQLAlchemy's, which Alembic wants, over psycopg; closing it ends it."""
    return create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), poolclass=NullPool).connect()


def config() -> Config:
    """Alembic's settings: where the revisions lie."""
    spec = find_spec("migrations")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("migrations")
    configuration = Config()
    configuration.set_main_option("script_location", spec.submodule_search_locations[0].replace("%", "%%"))
    return configuration
