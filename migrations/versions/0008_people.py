"""Coming and going in crowds: participants follow the log by themselves, and presence is noted for many at once."""

from migrations.tenancy import definer, run

revision = "0008"
down_revision = "0007"

ARRAYS = "uuid[], text[], uuid[], uuid[], uuid[]"


def upgrade() -> None:
    """Create the trigger of participants and the functions of presence."""
    participants()
    presence()


def participants() -> None:
    """Who is, or was, in a room is what its log says, from the same step on: whoever appends need not know the table.

    Other streams may use the same words; they have no room.
    """
    run(
        """
        CREATE POLICY system ON participants TO dojo_system USING (true) WITH CHECK (true);
        GRANT SELECT, INSERT, UPDATE ON participants TO dojo_system;

        CREATE FUNCTION follow_people() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            v_person uuid := NEW.payload->>'person_id';
        BEGIN
            IF NEW.kind = 'person_entered' THEN
                INSERT INTO participants AS p (tenant_id, room_id, identity, name, role, joined_at, is_connected)
                SELECT r.tenant_id, r.id, v_person, NEW.payload->>'name', NEW.payload->>'role',
                       to_timestamp((NEW.payload->>'at')::double precision), true
                FROM rooms r WHERE r.tenant_id = NEW.tenant_id AND r.id = NEW.stream_id
                ON CONFLICT (tenant_id, room_id, identity)  -- who was in before keeps when they first joined
                    DO UPDATE SET name = excluded.name, role = excluded.role, is_connected = true;
            ELSIF NEW.kind = 'role_changed' THEN
                UPDATE participants p SET role = NEW.payload->>'role'
                WHERE p.tenant_id = NEW.tenant_id AND p.room_id = NEW.stream_id AND p.identity = v_person;
            ELSE
                UPDATE participants p SET is_connected = false
                WHERE p.tenant_id = NEW.tenant_id AND p.room_id = NEW.stream_id AND p.identity = v_person;
            END IF;
            RETURN NULL;
        END $$;

        CREATE TRIGGER follow_people AFTER INSERT ON log_entries FOR EACH ROW
            WHEN (NEW.kind IN ('person_entered', 'person_lost', 'person_left', 'person_removed', 'role_changed'))
            EXECUTE FUNCTION follow_people();
        """
    )


def presence() -> None:
    """Connections of many tenants in one call; entering and leaving of a person to a channel follow each other.

    Their lock is held until the end of the unit of work. A call for many does not wait for one that is held elsewhere:
    it answers ``busy``, and the caller asks for that one alone, with ``p_wait``. So nobody waits for another's lock
    while holding one, and one slow package does not keep all others waiting.
    """
    run(
        """
        GRANT INSERT, DELETE ON connections TO dojo_system;

        CREATE FUNCTION lock_person(p_tenant uuid, p_kind text, p_resource uuid, p_user uuid, p_wait boolean)
        RETURNS boolean LANGUAGE plpgsql AS $$
        DECLARE
            v_key bigint := hashtextextended(p_tenant || ':' || p_kind || ':' || p_resource || ':' || p_user, 0);
        BEGIN
            IF NOT p_wait THEN
                RETURN pg_try_advisory_xact_lock(v_key);
            END IF;
            PERFORM pg_advisory_xact_lock(v_key);
            RETURN true;
        END $$;
        REVOKE ALL ON FUNCTION lock_person(uuid, text, uuid, uuid, boolean) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION lock_person(uuid, text, uuid, uuid, boolean) TO dojo_system;

        CREATE FUNCTION enter_connections(
            p_tenants uuid[], p_kinds text[], p_resources uuid[], p_users uuid[], p_connections uuid[],
            p_node uuid, p_wait boolean
        ) RETURNS SETOF uuid  -- those that are busy
        LANGUAGE plpgsql AS $$
        DECLARE
            v record;
        BEGIN
            FOR v IN SELECT * FROM unnest(p_tenants, p_kinds, p_resources, p_users, p_connections)
                     AS u(tenant, kind, resource, person, connection) LOOP
                IF lock_person(v.tenant, v.kind, v.resource, v.person, p_wait) THEN
                    INSERT INTO connections (tenant_id, kind, resource_id, user_id, connection_id, node_id)
                    VALUES (v.tenant, v.kind, v.resource, v.person, v.connection, p_node) ON CONFLICT DO NOTHING;
                ELSE
                    RETURN NEXT v.connection;
                END IF;
            END LOOP;
        END $$;

        -- One after another: of a person's two that end together, the second is the last. Its row stays until the
        -- channel's package was told (end_connections).
        CREATE FUNCTION begin_leaving(
            p_tenants uuid[], p_kinds text[], p_resources uuid[], p_users uuid[], p_connections uuid[], p_wait boolean
        ) RETURNS TABLE (connection uuid, outcome text)  -- busy, last; others are done
        LANGUAGE plpgsql AS $$
        DECLARE
            v record;
        BEGIN
            FOR v IN SELECT * FROM unnest(p_tenants, p_kinds, p_resources, p_users, p_connections)
                     AS u(tenant, kind, resource, person, conn) LOOP
                connection := v.conn;
                IF NOT lock_person(v.tenant, v.kind, v.resource, v.person, p_wait) THEN
                    outcome := 'busy';
                    RETURN NEXT;
                ELSIF EXISTS (
                    SELECT FROM connections c JOIN gateway_nodes n ON n.node_id = c.node_id AND NOT n.is_dead
                    WHERE c.tenant_id = v.tenant AND c.kind = v.kind AND c.resource_id = v.resource
                      AND c.user_id = v.person AND c.connection_id <> v.conn
                ) THEN
                    DELETE FROM connections c WHERE c.tenant_id = v.tenant AND c.kind = v.kind
                        AND c.resource_id = v.resource AND c.user_id = v.person AND c.connection_id = v.conn;
                ELSIF EXISTS (
                    SELECT FROM connections c WHERE c.tenant_id = v.tenant AND c.kind = v.kind
                        AND c.resource_id = v.resource AND c.user_id = v.person AND c.connection_id = v.conn
                ) THEN
                    outcome := 'last';
                    RETURN NEXT;
                END IF;
            END LOOP;
        END $$;

        CREATE FUNCTION end_connections(
            p_tenants uuid[], p_kinds text[], p_resources uuid[], p_users uuid[], p_connections uuid[]
        ) RETURNS void LANGUAGE sql AS $$
            DELETE FROM connections c
            USING unnest(p_tenants, p_kinds, p_resources, p_users, p_connections) AS u(tenant, kind, resource, person, conn)
            WHERE c.tenant_id = u.tenant AND c.kind = u.kind AND c.resource_id = u.resource
              AND c.user_id = u.person AND c.connection_id = u.conn
        $$;
        """
    )
    definer(f"enter_connections({ARRAYS}, uuid, boolean)")
    definer(f"begin_leaving({ARRAYS}, boolean)")
    definer(f"end_connections({ARRAYS})")
