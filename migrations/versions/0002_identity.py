"""People, their sign-ins, memberships and invitations."""

from migrations.tenancy import definer, run, tenant_table

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables of the package ``identity``."""
    people()
    memberships()
    invitations()


def people() -> None:
    """The two global tables: a person exists outside every tenant, and a sign-in is found before its tenant is.

    ``family_hash``, ``current_hashes`` and ``previous_hash`` are SHA-256 of the parts of refresh tokens.
    """
    run(
        """
        CREATE TABLE users (
            user_id uuid NOT NULL PRIMARY KEY,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
            email text UNIQUE CHECK (length(email) <= 254),
            password_hash text,
            last_tenant_id uuid REFERENCES tenants,
            created_at timestamptz NOT NULL DEFAULT now(),
            CHECK ((email IS NULL) = (password_hash IS NULL))
        );
        GRANT SELECT, INSERT, UPDATE (name, password_hash, last_tenant_id) ON users TO dojo_app;

        CREATE TABLE sign_ins (
            sign_in_id uuid NOT NULL PRIMARY KEY,
            user_id uuid NOT NULL REFERENCES users,
            tenant_id uuid NOT NULL REFERENCES tenants,
            bound_to uuid,
            agent text NOT NULL,
            family_hash bytea NOT NULL UNIQUE CHECK (octet_length(family_hash) = 32),
            current_hashes bytea[] NOT NULL CHECK (cardinality(current_hashes) BETWEEN 1 AND 8),
            previous_hash bytea CHECK (octet_length(previous_hash) = 32),
            rotated_at timestamptz NOT NULL DEFAULT now(),
            created_at timestamptz NOT NULL DEFAULT now(),
            seen_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            ended_at timestamptz
        );
        CREATE INDEX sign_ins_user ON sign_ins (user_id, seen_at DESC) WHERE ended_at IS NULL;
        GRANT SELECT, INSERT ON sign_ins TO dojo_app;
        GRANT UPDATE (tenant_id, current_hashes, previous_hash, rotated_at, seen_at, expires_at, ended_at)
            ON sign_ins TO dojo_app;
        GRANT SELECT ON sign_ins TO dojo_system;

        CREATE FUNCTION ended_sign_ins(p_sign_ins uuid[]) RETURNS SETOF uuid
        LANGUAGE sql STABLE AS $$
            SELECT s.sign_in_id FROM sign_ins s WHERE s.sign_in_id = ANY (p_sign_ins) AND s.ended_at IS NOT NULL
        $$;
        """
    )
    definer("ended_sign_ins(uuid[])")


def memberships() -> None:
    """Who belongs to which tenant; a person's own list is asked for before one is chosen."""
    run(
        """
        CREATE TABLE memberships (
            tenant_id uuid NOT NULL REFERENCES tenants,
            user_id uuid NOT NULL REFERENCES users,
            role text NOT NULL CHECK (role IN ('owner', 'admin', 'host', 'member')),
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant_id, user_id)
        );
        CREATE INDEX memberships_user ON memberships (user_id);
        """
    )
    tenant_table("memberships", system="SELECT")
    run(
        """
        CREATE FUNCTION memberships_of(p_user uuid)
        RETURNS TABLE (tenant_id uuid, organisation text, role text)
        LANGUAGE sql STABLE AS $$
            SELECT m.tenant_id, t.name, m.role
            FROM memberships m JOIN tenants t ON t.tenant_id = m.tenant_id
            WHERE m.user_id = p_user ORDER BY t.name, m.tenant_id LIMIT 200
        $$;
        """
    )
    definer("memberships_of(uuid)")


def invitations() -> None:
    """Invitations, found by the hash of their word before their tenant is known."""
    run(
        """
        CREATE TABLE invitations (
            tenant_id uuid NOT NULL REFERENCES tenants,
            invitation_id uuid NOT NULL,
            email text NOT NULL CHECK (length(email) <= 254),
            role text NOT NULL CHECK (role IN ('admin', 'host', 'member')),
            word_hash bytea NOT NULL CHECK (octet_length(word_hash) = 32),
            invited_by uuid NOT NULL REFERENCES users,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            accepted_at timestamptz,
            accepted_by uuid REFERENCES users,
            PRIMARY KEY (tenant_id, invitation_id)
        );
        CREATE INDEX invitations_word ON invitations (word_hash);
        """
    )
    tenant_table("invitations", app="SELECT, INSERT, UPDATE", system="SELECT")
    run(
        """
        CREATE FUNCTION invitation_of(p_word_hash bytea)
        RETURNS TABLE (tenant_id uuid, id uuid, organisation text, email text, role text, used boolean, expired boolean)
        LANGUAGE sql STABLE AS $$
            SELECT i.tenant_id, i.invitation_id, t.name, i.email, i.role,
                   i.accepted_at IS NOT NULL, i.expires_at <= clock_timestamp()
            FROM invitations i JOIN tenants t ON t.tenant_id = i.tenant_id
            WHERE i.word_hash = p_word_hash
        $$;
        """
    )
    definer("invitation_of(bytea)")
