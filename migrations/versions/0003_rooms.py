"""Dojos, their sessions, people, tracks, lights and summaries."""

from migrations.tenancy import definer, run, tenant_table

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables of the package ``rooms``."""
    rooms()
    people_and_tracks()
    results()
    lookups()


def rooms() -> None:
    """A dojo, its sessions, and the snapshot from which a process folds the log on.

    A dojo's id is its log stream's, a session's ``document_id`` that of its shared text.
    """
    run(
        """
        CREATE TABLE rooms (
            tenant_id uuid NOT NULL REFERENCES tenants,
            id uuid NOT NULL,
            owner_id uuid NOT NULL,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
            code text NOT NULL CHECK (length(code) BETWEEN 8 AND 32),
            kata text NOT NULL,
            language text NOT NULL,
            turn_seconds double precision NOT NULL CHECK (turn_seconds BETWEEN 5 AND 3600),
            access text NOT NULL CHECK (access IN ('link', 'signed-in', 'members')),
            capacity int NOT NULL CHECK (capacity BETWEEN 1 AND 500),
            created_at timestamptz NOT NULL DEFAULT now(),
            starts_at timestamptz,
            is_active boolean NOT NULL DEFAULT false,
            session_id uuid,
            PRIMARY KEY (tenant_id, id),
            UNIQUE (tenant_id, code),
            FOREIGN KEY (tenant_id, id) REFERENCES log_streams (tenant_id, stream_id)
        );
        CREATE INDEX rooms_code ON rooms (code);

        CREATE TABLE sessions (
            tenant_id uuid NOT NULL,
            id uuid NOT NULL,
            room_id uuid NOT NULL,
            document_id uuid NOT NULL,
            opened_seq bigint NOT NULL,
            started_at timestamptz NOT NULL,
            ended_at timestamptz,
            end_reason text CHECK (end_reason IN ('host', 'empty')),
            PRIMARY KEY (tenant_id, id),
            FOREIGN KEY (tenant_id, room_id) REFERENCES rooms (tenant_id, id),
            FOREIGN KEY (tenant_id, document_id) REFERENCES log_streams (tenant_id, stream_id),
            CHECK ((ended_at IS NULL) = (end_reason IS NULL))
        );
        CREATE UNIQUE INDEX sessions_open ON sessions (tenant_id, room_id) WHERE ended_at IS NULL;
        CREATE INDEX sessions_room ON sessions (tenant_id, room_id, id);
        CREATE INDEX sessions_id ON sessions (id);

        CREATE TABLE room_snapshots (
            tenant_id uuid NOT NULL,
            room_id uuid NOT NULL,
            seq bigint NOT NULL,
            state jsonb NOT NULL,
            PRIMARY KEY (tenant_id, room_id),
            FOREIGN KEY (tenant_id, room_id) REFERENCES rooms (tenant_id, id)
        );
        """
    )
    tenant_table("rooms", system="SELECT")
    tenant_table("sessions", system="SELECT")
    tenant_table("room_snapshots")


def people_and_tracks() -> None:
    """Who was in a dojo, and the media tracks that LiveKit carries; a track that ended stays as a mark."""
    run(
        """
        CREATE TABLE participants (
            tenant_id uuid NOT NULL,
            room_id uuid NOT NULL,
            identity uuid NOT NULL,
            name text NOT NULL,
            role text NOT NULL,
            joined_at timestamptz NOT NULL,
            is_connected boolean NOT NULL,
            PRIMARY KEY (tenant_id, room_id, identity),
            FOREIGN KEY (tenant_id, room_id) REFERENCES rooms (tenant_id, id)
        );

        CREATE TABLE tracks (
            tenant_id uuid NOT NULL,
            session_id uuid NOT NULL,
            id text NOT NULL CHECK (length(id) BETWEEN 1 AND 80),
            room_id uuid NOT NULL,
            participant_id uuid NOT NULL,
            kind text NOT NULL CHECK (kind IN ('audio', 'video')),
            codec text NOT NULL,
            is_started boolean NOT NULL DEFAULT true,
            created_at timestamptz NOT NULL DEFAULT now(),
            ended_at timestamptz,
            PRIMARY KEY (tenant_id, session_id, id),
            FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
        );

        CREATE TABLE webhook_events (
            tenant_id uuid NOT NULL REFERENCES tenants,
            id text NOT NULL CHECK (length(id) BETWEEN 1 AND 80),
            received_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (tenant_id, id)
        );
        CREATE INDEX webhook_events_age ON webhook_events (tenant_id, received_at);
        """
    )
    tenant_table("participants")
    tenant_table("tracks")
    tenant_table("webhook_events")


def results() -> None:
    """The files of each test run, and what happened in a session."""
    run(
        """
        CREATE TABLE lights (
            tenant_id uuid NOT NULL,
            room_id uuid NOT NULL,
            id uuid NOT NULL,
            session_id uuid NOT NULL,
            colour text NOT NULL CHECK (colour IN ('red', 'amber', 'green', 'timeout')),
            at double precision NOT NULL,
            authors text[] NOT NULL,
            files jsonb NOT NULL,
            PRIMARY KEY (tenant_id, room_id, id),
            FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
        );

        CREATE TABLE session_summaries (
            tenant_id uuid NOT NULL,
            session_id uuid NOT NULL,
            summary jsonb NOT NULL,
            PRIMARY KEY (tenant_id, session_id),
            FOREIGN KEY (tenant_id, session_id) REFERENCES sessions (tenant_id, id)
        );
        """
    )
    tenant_table("lights")
    tenant_table("session_summaries")


def lookups() -> None:
    """What is asked before the tenant is known: a link's code, and LiveKit's room name, which is a session's id."""
    run(
        """
        CREATE FUNCTION find_room_link(p_code text)
        RETURNS TABLE (
            tenant_id uuid, room_id uuid, name text, organisation text, kata text, language text, access text,
            is_active boolean
        )
        LANGUAGE sql STABLE AS $$
            SELECT r.tenant_id, r.id, r.name, t.name, r.kata, r.language, r.access, r.is_active
            FROM rooms r JOIN tenants t ON t.tenant_id = r.tenant_id
            WHERE r.code = p_code LIMIT 1
        $$;

        CREATE FUNCTION find_session(p_session uuid)
        RETURNS TABLE (tenant_id uuid, room_id uuid, session_id uuid, is_open boolean)
        LANGUAGE sql STABLE AS $$
            SELECT s.tenant_id, s.room_id, s.id, s.ended_at IS NULL FROM sessions s WHERE s.id = p_session
        $$;
        """
    )
    definer("find_room_link(text)")
    definer("find_session(uuid)")
