"""Tenants, outbox and event log."""

from migrations.tenancy import definer, run, tenant_table

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create what every package stands on."""
    tenants()
    outbox()
    log_tables()
    log_functions()


def tenants() -> None:
    """The tenant of the transaction, and the table of tenants."""
    run(
        """
        CREATE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE
            SET search_path = pg_catalog
            AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;

        CREATE TABLE tenants (
            tenant_id uuid NOT NULL PRIMARY KEY,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
            created_at timestamptz NOT NULL DEFAULT now()
        );
        """
    )
    tenant_table("tenants", system="SELECT")


def outbox() -> None:
    """Domain events waiting for their listeners; a row leaves when all of them have handled it."""
    run(
        """
        CREATE TABLE outbox (
            tenant_id uuid NOT NULL REFERENCES tenants,
            id uuid NOT NULL,
            kind text NOT NULL,
            payload jsonb NOT NULL,
            handled text[] NOT NULL DEFAULT '{}',
            attempts int NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT now(),
            due_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant_id, id)
        );
        CREATE INDEX outbox_due ON outbox (due_at) WHERE due_at < 'infinity';
        """
    )
    tenant_table("outbox", system="SELECT, UPDATE, DELETE")
    run(
        """
        CREATE FUNCTION take_outbox(p_limit int, p_max_attempts int)
        RETURNS TABLE (tenant_id uuid, id uuid, kind text, payload jsonb, handled text[], attempts int)
        LANGUAGE sql AS $$
            UPDATE outbox o
            SET attempts = o.attempts + 1,
                due_at = CASE WHEN o.attempts + 1 >= p_max_attempts THEN 'infinity'::timestamptz
                              ELSE clock_timestamp() + least(600, 15 * 2 ^ o.attempts) * interval '1 second' END
            FROM (
                SELECT due.tenant_id, due.id FROM outbox due
                WHERE due.due_at <= clock_timestamp()
                ORDER BY due.due_at LIMIT p_limit FOR UPDATE SKIP LOCKED
            ) taken
            WHERE o.tenant_id = taken.tenant_id AND o.id = taken.id
            RETURNING o.tenant_id, o.id, o.kind, o.payload, o.handled, o.attempts
        $$;
        """
    )
    definer("take_outbox(int, int)")


def log_tables() -> None:
    """Streams with their heads, and their numbered entries.

    ``due_at`` is the stream's next deadline in seconds since the epoch, infinity for none. ``holder_id`` is the one
    actor whose binary entries are taken (the write lease); null takes everybody's.
    """
    run(
        """
        CREATE TABLE log_streams (
            tenant_id uuid NOT NULL REFERENCES tenants,
            stream_id uuid NOT NULL,
            epoch int NOT NULL DEFAULT 1,
            last_seq bigint NOT NULL DEFAULT 0,
            due_at double precision NOT NULL DEFAULT 'infinity',
            holder_id uuid,
            PRIMARY KEY (tenant_id, stream_id)
        ) WITH (fillfactor = 50);
        CREATE INDEX log_streams_due ON log_streams (due_at) WHERE due_at < 'infinity';

        CREATE TABLE log_entries (
            tenant_id uuid NOT NULL,
            stream_id uuid NOT NULL,
            seq bigint NOT NULL,
            op_id uuid NOT NULL,
            kind text NOT NULL,
            actor_id uuid NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            audience uuid[],
            expels uuid,
            payload jsonb,
            data bytea,
            PRIMARY KEY (tenant_id, stream_id, seq),
            UNIQUE (tenant_id, stream_id, op_id),
            FOREIGN KEY (tenant_id, stream_id) REFERENCES log_streams
        );
        """
    )
    tenant_table("log_streams", app="SELECT, INSERT", system="SELECT, UPDATE")
    tenant_table("log_entries", app="SELECT", system="SELECT, INSERT")


def log_functions() -> None:
    """Append a batch to many streams; look at heads and deadlines of many tenants."""
    run(
        """
        CREATE FUNCTION append_log(
            p_tenants uuid[], p_streams uuid[], p_ops uuid[], p_kinds text[], p_actors uuid[],
            p_payloads text[], p_datas bytea[], p_audiences text[], p_expels uuid[],
            p_expected bigint[], p_dues double precision[], p_fences uuid[], p_holders uuid[]
        ) RETURNS TABLE (n int, outcome text, seq bigint, epoch int, at double precision)
        LANGUAGE plpgsql AS $$
        DECLARE
            v record;
            v_stream log_streams;
            v_refused boolean;
            v_seq bigint;
        BEGIN
            -- One order of locks for everybody, or two processes deadlock.
            PERFORM 1 FROM log_streams s
            WHERE (s.tenant_id, s.stream_id) IN (
                SELECT u.t, u.s FROM unnest(p_tenants, p_streams) u(t, s)
                UNION SELECT u.t, u.s FROM unnest(p_tenants, p_fences) u(t, s) WHERE u.s IS NOT NULL
            )
            ORDER BY s.tenant_id, s.stream_id FOR UPDATE;

            FOR v IN SELECT o::int AS i, u.t, u.s
                     FROM unnest(p_tenants, p_streams) WITH ORDINALITY u(t, s, o) ORDER BY u.t, u.s, o LOOP
                IF v_stream.stream_id IS DISTINCT FROM v.s OR v_stream.tenant_id IS DISTINCT FROM v.t THEN
                    v_stream := NULL;
                    SELECT * INTO v_stream FROM log_streams s WHERE s.tenant_id = v.t AND s.stream_id = v.s;
                    v_refused := false;
                END IF;
                n := v.i;
                epoch := v_stream.epoch;
                at := NULL;
                IF v_stream.stream_id IS NULL THEN
                    outcome := 'missing'; seq := 0;
                    RETURN NEXT; CONTINUE;
                END IF;
                -- After the lock and in a statement of its own: it must see what others just committed.
                SELECT e.seq, extract(epoch FROM e.at) INTO v_seq, at FROM log_entries e
                WHERE e.tenant_id = v.t AND e.stream_id = v.s AND e.op_id = p_ops[v.i];
                IF FOUND THEN
                    outcome := 'repeat'; seq := v_seq;
                ELSIF p_datas[v.i] IS NOT NULL AND v_stream.holder_id IS NOT NULL
                      AND v_stream.holder_id <> p_actors[v.i] THEN
                    outcome := 'fenced'; seq := v_stream.last_seq;
                ELSIF v_refused OR p_expected[v.i] <> v_stream.last_seq THEN
                    v_refused := true;  -- what comes later was decided on the same stale state
                    outcome := 'refused'; seq := v_stream.last_seq;
                ELSE
                    v_stream.last_seq := v_stream.last_seq + 1;
                    INSERT INTO log_entries (tenant_id, stream_id, seq, op_id, kind, actor_id, audience, expels, payload, data)
                    VALUES (v.t, v.s, v_stream.last_seq, p_ops[v.i], p_kinds[v.i], p_actors[v.i],
                            p_audiences[v.i]::uuid[], p_expels[v.i], p_payloads[v.i]::jsonb, p_datas[v.i])
                    RETURNING extract(epoch FROM log_entries.at) INTO at;
                    UPDATE log_streams s
                    SET last_seq = v_stream.last_seq, due_at = coalesce(p_dues[v.i], s.due_at)
                    WHERE s.tenant_id = v.t AND s.stream_id = v.s;
                    IF p_fences[v.i] IS NOT NULL THEN
                        UPDATE log_streams s SET holder_id = p_holders[v.i]
                        WHERE s.tenant_id = v.t AND s.stream_id = p_fences[v.i];
                    END IF;
                    outcome := 'new'; seq := v_stream.last_seq;
                END IF;
                RETURN NEXT;
            END LOOP;
        END $$;

        CREATE FUNCTION log_heads(p_streams uuid[])
        RETURNS TABLE (stream_id uuid, last_seq bigint, epoch int)
        LANGUAGE sql STABLE AS $$
            SELECT s.stream_id, s.last_seq, s.epoch FROM log_streams s WHERE s.stream_id = ANY (p_streams)
        $$;

        CREATE FUNCTION log_due(p_now double precision, p_limit int)
        RETURNS TABLE (tenant_id uuid, stream_id uuid, due_at double precision)
        LANGUAGE sql STABLE AS $$
            SELECT s.tenant_id, s.stream_id, s.due_at FROM log_streams s
            WHERE s.due_at <= p_now AND s.due_at < 'infinity' ORDER BY s.due_at LIMIT p_limit
        $$;
        CREATE INDEX log_streams_id ON log_streams (stream_id);
        """
    )
    definer(
        "append_log(uuid[], uuid[], uuid[], text[], uuid[], text[], bytea[], text[], uuid[],"
        " bigint[], double precision[], uuid[], uuid[])"
    )
    definer("log_heads(uuid[])")
    definer("log_due(double precision, int)")
