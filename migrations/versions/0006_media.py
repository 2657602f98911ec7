"""Pictures of POCs."""

from migrations.tenancy import run, tenant_table

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the row that says where a POC's cover is; it refers to the catalogue's POC by id alone."""
    run(
        """
        CREATE TABLE covers (
            tenant_id uuid NOT NULL REFERENCES tenants,
            poc_id uuid NOT NULL,
            revision int NOT NULL,
            key text NOT NULL,
            bytes int NOT NULL,
            width int NOT NULL,
            height int NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (tenant_id, poc_id)
        );
        """
    )
    tenant_table("covers")
