"""The roles and the database that PostgreSQL must have before the first migration, made by its administrator.

``dojo_owner`` owns the tables and cannot log in; ``dojo_migrator`` may become it; ``dojo_app`` owns nothing;
``dojo_system`` owns the reviewed SECURITY DEFINER functions and cannot log in.
Running it again changes passwords only.
"""

from urllib.parse import unquote, urlsplit

import psycopg
from psycopg import sql

ROLES = """
DO $roles$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dojo_owner') THEN
        CREATE ROLE dojo_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dojo_system') THEN
        CREATE ROLE dojo_system NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dojo_migrator') THEN
        CREATE ROLE dojo_migrator NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dojo_app') THEN
        CREATE ROLE dojo_app;
    END IF;
    ALTER ROLE dojo_owner NOLOGIN NOCREATEDB NOCREATEROLE;
    ALTER ROLE dojo_system NOLOGIN NOCREATEDB NOCREATEROLE;
    GRANT dojo_system TO dojo_owner WITH INHERIT FALSE, SET TRUE;
    GRANT dojo_owner TO dojo_migrator WITH INHERIT FALSE, SET TRUE;
    GRANT dojo_owner TO CURRENT_USER WITH INHERIT TRUE, SET TRUE;
END
$roles$
"""


class ProvisionFailed(Exception):
    """The addresses do not fit together; the message says how."""


def provision(admin_url: str, migration_url: str, app_url: str) -> None:
    """Make roles, passwords and database as the addresses say.

    Args:
        admin_url: an administrator of the server, in any database but ours.
        migration_url: names ``dojo_migrator``, its password and our database.
        app_url: names ``dojo_app``, its password and the same database.

    Raises:
        ProvisionFailed: an address names another role, no password or another database.
    """
    name = database_name(migration_url)
    if database_name(app_url) != name:
        raise ProvisionFailed("the migration and the app address name different databases")
    passwords = {"dojo_migrator": password(migration_url, "dojo_migrator"), "dojo_app": password(app_url, "dojo_app")}
    with psycopg.connect(admin_url, autocommit=True, connect_timeout=10) as connection:
        connection.execute(ROLES)
        for role, word in passwords.items():
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), word))
        make_database(connection, name)
    open_schema(migration_url)


def open_schema(migration_url: str) -> None:
    """Let ``dojo_system`` own functions in our database."""
    with psycopg.connect(migration_url, connect_timeout=10) as connection:
        connection.execute("SET ROLE dojo_owner")
        connection.execute("GRANT CREATE ON SCHEMA public TO dojo_system")


def make_database(connection: "psycopg.Connection[tuple[object, ...]]", name: str, template: str = "template0") -> None:
    """Create the database ``name``, owned by ``dojo_owner`` and closed to everyone else, unless it exists."""
    database = sql.Identifier(name)
    known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone()
    if known is None:
        statement = sql.SQL("CREATE DATABASE {} OWNER dojo_owner TEMPLATE {} ENCODING 'UTF8'")
        connection.execute(statement.format(database, sql.Identifier(template)))
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO dojo_app, dojo_migrator").format(database))


def database_name(url: str) -> str:
    """The database that ``url`` names."""
    return unquote(urlsplit(url).path.lstrip("/"))


def password(url: str, role: str) -> str:
    """The password in ``url``, which must be ``role``'s."""
    parts = urlsplit(url)
    if parts.username != role or not parts.password:
        raise ProvisionFailed(f"the address must name {role} and its password")
    return unquote(parts.password)
