"""${message}."""

from migrations.tenancy import run

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    """Apply it."""
    run("""
    """)
