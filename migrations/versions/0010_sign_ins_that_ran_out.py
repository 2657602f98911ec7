"""A sign-in whose time is over is as ended as one that was ended: its connections end, the editor's too."""

from migrations.tenancy import definer, run

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Sockets end with their tokens anyway; an editor is asked for its pass once.

    Gateways of a former version ask ``ended_sign_ins``, which does not look at the time.
    """
    run(
        """
        CREATE FUNCTION sign_ins_over(p_sign_ins uuid[]) RETURNS SETOF uuid
        LANGUAGE sql STABLE AS $$
            SELECT s.sign_in_id FROM sign_ins s
            WHERE s.sign_in_id = ANY (p_sign_ins) AND (s.ended_at IS NOT NULL OR s.expires_at <= clock_timestamp())
        $$;
        """
    )
    definer("sign_ins_over(uuid[])")
