"""What every migration says the same way: plain SQL, tenant tables, definer functions.

Roles: ``dojo_owner`` owns the tables and does not log in; ``dojo_migrator`` logs in and is a member of it;
``dojo_app`` is what our processes are and owns nothing; ``dojo_system`` does not log in and owns the reviewed
SECURITY DEFINER functions that see more than one tenant.
"""

from alembic import op


def run(sql: str) -> None:
    """Run SQL as it is: several statements, no parameters, ``%`` and ``:`` mean themselves."""
    op.get_bind().exec_driver_sql(sql, execution_options={"no_parameters": True})


def tenant_table(name: str, *, app: str = "SELECT, INSERT, UPDATE, DELETE", system: str = "") -> None:
    """Put ``name`` under row-level security and grant it.

    Args:
        name: a table with a ``tenant_id`` column.
        app: what the app role may do with its tenant's rows.
        system: what definer functions may do with everybody's rows; most tables: nothing.
    """
    run(
        f"""
        ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;
        ALTER TABLE {name} FORCE ROW LEVEL SECURITY;
        CREATE POLICY tenant ON {name} TO dojo_app, dojo_owner
            USING (tenant_id = (SELECT current_tenant()))
            WITH CHECK (tenant_id = (SELECT current_tenant()));
        GRANT {app} ON {name} TO dojo_app;
        """
    )
    if system:
        run(
            f"""
            CREATE POLICY system ON {name} TO dojo_system USING (true) WITH CHECK (true);
            GRANT {system} ON {name} TO dojo_system;
            """
        )


def definer(signature: str) -> None:
    """Make the function ``signature`` run as ``dojo_system``, for the app role alone."""
    run(
        f"""
        ALTER FUNCTION {signature} SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp;
        REVOKE ALL ON FUNCTION {signature} FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION {signature} TO dojo_app;
        ALTER FUNCTION {signature} OWNER TO dojo_system;  -- last: its former owner can no longer revoke
        """
    )
