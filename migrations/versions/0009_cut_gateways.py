"""Gateways that the others do not hear: what their people do comes late to everybody else."""

from migrations.tenancy import definer, run

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """A gateway says of itself that it is cut off, and the others ask whom of their people that concerns.

    ``late_channels``: where people sit both at the gateway and at a living one that is cut off. The ids come first, once:
    nearly always there are none, and then nothing else is looked at.
    """
    run(
        """
        ALTER TABLE gateway_nodes ADD COLUMN is_cut boolean NOT NULL DEFAULT false;  -- a former version does not say

        CREATE FUNCTION late_channels(p_node uuid)
        RETURNS TABLE (tenant_id uuid, kind text, resource_id uuid)
        LANGUAGE sql STABLE AS $$
            SELECT DISTINCT theirs.tenant_id, theirs.kind, theirs.resource_id
            FROM connections theirs
            WHERE theirs.node_id = ANY (ARRAY(
                SELECT n.node_id FROM gateway_nodes n WHERE n.is_cut AND NOT n.is_dead AND n.node_id <> p_node
            )) AND EXISTS (
                SELECT FROM connections own
                WHERE own.tenant_id = theirs.tenant_id AND own.kind = theirs.kind
                  AND own.resource_id = theirs.resource_id AND own.node_id = p_node
            )
        $$;
        """
    )
    definer("late_channels(uuid)")
