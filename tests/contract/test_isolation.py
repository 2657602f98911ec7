"""The catalogue guard: no table, view, key, function or grant may let tenants meet."""

from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg
import pytest

from core.db import Database
from core.model import TenantId, new_id
from tests.conftest import DatabaseUrls

GLOBAL_TABLES = {"alembic_version", "users", "sign_ins", "gateway_nodes"}
"""Tables without a tenant: the schema's version, persons and their sign-ins, and our own processes."""

Connection = asyncpg.Connection


@pytest.fixture
async def catalogue(database_urls: DatabaseUrls) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection that sees all of the database's catalogue."""
    connection = await asyncpg.connect(database_urls.migration)
    yield connection
    await connection.close()


async def names(catalogue: Connection, sql: str) -> set[str]:
    """The first column."""
    return {row[0] for row in await catalogue.fetch(sql)}


async def test_every_tenant_table_forces_row_level_security(catalogue: Connection) -> None:
    bare = await names(
        catalogue,
        """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
        """,
    )
    assert bare <= GLOBAL_TABLES


async def test_every_policy_is_the_tenants_own_and_names_its_role(catalogue: Connection) -> None:
    rows = await catalogue.fetch(
        "SELECT tablename, policyname, roles::text[], qual, with_check FROM pg_policies WHERE schemaname = 'public'"
    )
    assert rows
    own = "(tenant_id = ( SELECT current_tenant() AS current_tenant))"
    for row in rows:
        if row["policyname"] == "system":
            assert row["roles"] == ["dojo_system"], row["tablename"]
        else:
            assert row["policyname"] == "tenant", row["tablename"]
            assert (row["qual"], row["with_check"]) == (own, own), row["tablename"]
            assert set(row["roles"]) == {"dojo_app", "dojo_owner"}, row["tablename"]


async def test_every_tenant_table_has_its_tenant_column_and_leads_its_keys_with_it(catalogue: Connection) -> None:
    tables = await names(
        catalogue, "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
    )
    for table in tables - GLOBAL_TABLES:
        required = await catalogue.fetchval(
            "SELECT attnotnull FROM pg_attribute WHERE attrelid = $1::regclass AND attname = 'tenant_id'", table
        )
        assert required, f"{table} has no tenant_id, or one that may be null"
    loose = await catalogue.fetch(
        """
        SELECT i.indrelid::regclass::text AS on_table, i.indexrelid::regclass::text AS name
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
        WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique AND a.attname <> 'tenant_id'
        """
    )
    assert {row["on_table"] for row in loose} <= GLOBAL_TABLES, [tuple(row) for row in loose]


async def test_every_foreign_key_between_tenant_tables_carries_the_tenant(catalogue: Connection) -> None:
    """A plain foreign key sees through row-level security, and so links one tenant's row to another's."""
    rows = await catalogue.fetch(
        """
        SELECT k.conrelid::regclass::text AS source, k.confrelid::regclass::text AS target,
               (SELECT array_agg(a.attname::text) FROM pg_attribute a
                WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) AS columns
        FROM pg_constraint k WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace
        """
    )
    assert rows
    for row in rows:
        if row["target"] not in GLOBAL_TABLES and row["source"] not in GLOBAL_TABLES:
            assert "tenant_id" in row["columns"], tuple(row)


async def test_app_role_owns_nothing_and_has_only_row_rights(catalogue: Connection) -> None:
    role = await catalogue.fetchrow(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = 'dojo_app'"
    )
    assert role is not None
    assert tuple(role) == (False, False, False, False, True)
    owned = await names(
        catalogue,
        "SELECT relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = 'dojo_app'",
    )
    assert owned == set()
    rights = await names(
        catalogue,
        """
        SELECT DISTINCT a.privilege_type FROM pg_class c, aclexplode(c.relacl) a
        WHERE a.grantee = 'dojo_app'::regrole AND c.relkind IN ('r', 'p', 'v')
        """,
    )
    assert {"SELECT"} < rights <= {"SELECT", "INSERT", "UPDATE", "DELETE"}
    memberships = await names(
        catalogue,
        """
        SELECT g.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
        WHERE r.rolname = 'dojo_app'
        """,
    )
    assert memberships == set()


async def test_owner_and_system_roles_do_not_log_in_and_bypass_nothing(catalogue: Connection) -> None:
    rows = await catalogue.fetch(
        "SELECT rolname, rolcanlogin, rolsuper, rolbypassrls FROM pg_roles WHERE rolname IN ('dojo_owner', 'dojo_system')"
    )
    assert sorted(tuple(row) for row in rows) == [
        ("dojo_owner", False, False, False),
        ("dojo_system", False, False, False),
    ]


async def test_every_definer_function_is_pinned_and_closed_to_the_public(catalogue: Connection) -> None:
    rows = await catalogue.fetch(
        """
        SELECT p.proname, r.rolname, p.proconfig, has_function_privilege('public', p.oid, 'EXECUTE') AS open
        FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
        WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace
        """
    )
    assert {row["proname"] for row in rows} >= {"append_log", "log_heads", "log_due", "take_outbox"}
    for row in rows:
        assert row["rolname"] == "dojo_system", row["proname"]
        assert "search_path=pg_catalog, public, pg_temp" in row["proconfig"], row["proname"]
        assert row["open"] is False, row["proname"]


async def test_every_view_runs_as_its_reader_and_none_is_materialised(catalogue: Connection) -> None:
    rows = await catalogue.fetch(
        "SELECT relname, relkind, reloptions FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace"
    )
    for row in rows:
        assert row["relkind"] == b"v", row["relname"]
        assert "security_invoker=true" in (row["reloptions"] or []), row["relname"]


async def test_public_may_not_create_in_the_schema(catalogue: Connection) -> None:
    assert await catalogue.fetchval("SELECT has_schema_privilege('public', 'public', 'CREATE')") is False


async def test_no_table_shows_a_row_without_a_tenant(
    catalogue: Connection, database: Database, new_tenant: Callable[[], Awaitable[TenantId]]
) -> None:
    """Live: with rows in ``tenants`` and ``outbox``, nobody's unit of work sees them without saying whose it is."""
    await new_tenant()
    tables = await names(
        catalogue, "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    readable = {
        table
        for table in tables - GLOBAL_TABLES
        if await catalogue.fetchval("SELECT has_table_privilege('dojo_app', $1, 'SELECT')", table)
    }
    for table in readable:
        async with database.system() as queries:
            assert await queries.rows(f"SELECT 1 FROM {table} LIMIT 1") == [], table  # noqa: S608 - names from the catalogue
        async with database.transaction(TenantId(new_id())) as tx:
            assert await tx.rows(f"SELECT 1 FROM {table} LIMIT 1") == [], table  # noqa: S608 - the same
