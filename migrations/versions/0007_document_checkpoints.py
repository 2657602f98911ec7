"""What a shared document has become, so that opening it does not replay its whole log."""

from migrations.tenancy import run, tenant_table

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table of checkpoints.

    A row can always be made again from ``log_entries``, which stays the truth: rows are added and removed, never
    changed. ``clients`` says whose the client ids are and where their items lie in ``state``, so that a gateway
    need not read it.
    """
    run(
        """
        CREATE TABLE document_checkpoints (
            tenant_id uuid NOT NULL,
            stream_id uuid NOT NULL,
            epoch int NOT NULL,
            seq bigint NOT NULL CHECK (seq > 0),
            state bytea NOT NULL,
            digest bytea NOT NULL,
            clients jsonb NOT NULL,
            made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, stream_id, epoch, seq),
            FOREIGN KEY (tenant_id, stream_id) REFERENCES log_streams (tenant_id, stream_id)
        );
        ALTER TABLE document_checkpoints ALTER COLUMN state SET STORAGE EXTERNAL;
        """
    )
    tenant_table("document_checkpoints", app="SELECT, INSERT, DELETE")
