"""An entry says in which life of its log it was decided on: what belongs to one before a restore is not taken into the next."""

from migrations.tenancy import definer, run

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Append as before, with one array more; what names another epoch is refused, and so is what follows it.

    Processes of a former version call the function without it, which stays for them.
    """
    run(
        """
        CREATE FUNCTION append_log(
            p_tenants uuid[], p_streams uuid[], p_ops uuid[], p_kinds text[], p_actors uuid[],
            p_payloads text[], p_datas bytea[], p_audiences text[], p_expels uuid[],
            p_expected bigint[], p_epochs int[], p_dues double precision[], p_fences uuid[], p_holders uuid[]
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
                ELSIF v_refused OR p_epochs[v.i] <> v_stream.epoch OR p_expected[v.i] <> v_stream.last_seq THEN
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
        """
    )
    definer(
        "append_log(uuid[], uuid[], uuid[], text[], uuid[], text[], bytea[], text[], uuid[],"
        " bigint[], int[], double precision[], uuid[], uuid[])"
    )
