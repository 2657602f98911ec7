"""Gateways, and who is connected to what through them; reading many logs at once."""

from migrations.tenancy import definer, run, tenant_table

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables of presence and the functions that see all tenants."""
    presence()
    functions()


def presence() -> None:
    """A gateway that is not heard of is dead, and the connections through it are ghosts.

    A row leaves only in the step in which the channel's package was told, so a crash in between leaves a ghost.
    """
    run(
        """
        CREATE TABLE gateway_nodes (
            node_id uuid NOT NULL PRIMARY KEY,
            seen_at timestamptz NOT NULL DEFAULT now(),
            is_dead boolean NOT NULL DEFAULT false
        );
        GRANT SELECT, INSERT, UPDATE, DELETE ON gateway_nodes TO dojo_app;
        GRANT SELECT ON gateway_nodes TO dojo_system;

        CREATE TABLE connections (
            tenant_id uuid NOT NULL REFERENCES tenants,
            kind text NOT NULL,
            resource_id uuid NOT NULL,
            user_id uuid NOT NULL,
            connection_id uuid NOT NULL,
            node_id uuid NOT NULL,
            PRIMARY KEY (tenant_id, kind, resource_id, user_id, connection_id)
        );
        CREATE INDEX connections_node ON connections (node_id);
        """
    )
    tenant_table("connections", system="SELECT")


def functions() -> None:
    """What a gateway asks for all tenants at once."""
    run(
        """
        CREATE FUNCTION ghost_connections(p_limit int)
        RETURNS TABLE (tenant_id uuid, kind text, resource_id uuid, user_id uuid, connection_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT c.tenant_id, c.kind, c.resource_id, c.user_id, c.connection_id
            FROM connections c LEFT JOIN gateway_nodes n ON n.node_id = c.node_id
            WHERE n.node_id IS NULL OR n.is_dead
            ORDER BY c.tenant_id, c.kind, c.resource_id, c.user_id LIMIT p_limit
        $$;

        CREATE FUNCTION log_tails(p_tenants uuid[], p_streams uuid[], p_since bigint[], p_limit int)
        RETURNS TABLE (
            stream_id uuid, epoch int, seq bigint, op_id uuid, kind text, actor_id uuid, at double precision,
            audience uuid[], expels uuid, payload jsonb, data bytea
        )
        LANGUAGE sql STABLE AS $$
            SELECT s.stream_id, s.epoch, e.seq, e.op_id, e.kind, e.actor_id, extract(epoch FROM e.at)::float8,
                   e.audience, e.expels, e.payload, e.data
            FROM unnest(p_tenants, p_streams, p_since) wanted(tenant_id, stream_id, since)
            JOIN log_streams s ON s.tenant_id = wanted.tenant_id AND s.stream_id = wanted.stream_id
            CROSS JOIN LATERAL (
                SELECT * FROM log_entries l
                WHERE l.tenant_id = s.tenant_id AND l.stream_id = s.stream_id AND l.seq > wanted.since
                ORDER BY l.seq LIMIT p_limit
            ) e
            ORDER BY s.stream_id, e.seq
        $$;
        """
    )
    definer("ghost_connections(int)")
    definer("log_tails(uuid[], uuid[], bigint[], int)")
