"""A checkpoint that is not what was stored any more is seen, and passed over."""

from migrations.tenancy import run

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Keep the hash of the bytes beside them; what a former version stores has none, and is believed."""
    run("ALTER TABLE document_checkpoints ADD COLUMN checksum bytea")
