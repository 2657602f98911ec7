"""Media's statements."""

from uuid import UUID

from core.db import Transaction
from core.model import UserId
from media.models import Cover, PocFacts


async def hold_poc(tx: Transaction, poc_id: UUID) -> None:
    """Let one transaction at a time work on that POC's picture, until it ends."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended('cover:' || $1::uuid::text, 0))", poc_id)


async def get_facts(tx: Transaction, poc_id: UUID) -> PocFacts | None:
    """What the picture shows of the POC, or None if it is deleted."""
    return await tx.one(
        PocFacts,
        """
        SELECT revision, name, languages, authors, excerpt_name, excerpt FROM catalog_poc_facts
        WHERE tenant_id = $1 AND poc_id = $2
        """,
        tx.tenant_id, poc_id,
    )  # fmt: skip


async def get_cover(tx: Transaction, poc_id: UUID) -> Cover | None:
    """The POC's picture, whoever may see it."""
    return await tx.one(
        Cover,
        "SELECT poc_id, revision, key, bytes, width, height FROM covers WHERE tenant_id = $1 AND poc_id = $2",
        tx.tenant_id, poc_id,
    )  # fmt: skip


async def get_visible_cover(tx: Transaction, viewer_id: UserId, poc_id: UUID) -> Cover | None:
    """The POC's picture, if the POC is there and ``viewer_id`` may see it."""
    return await tx.one(
        Cover,
        """
        SELECT c.poc_id, c.revision, c.key, c.bytes, c.width, c.height
        FROM covers c JOIN catalog_poc_facts p ON p.tenant_id = c.tenant_id AND p.poc_id = c.poc_id
        WHERE c.tenant_id = $1 AND c.poc_id = $2 AND (p.visibility = 'tenant' OR p.owner_id = $3)
        """,
        tx.tenant_id, poc_id, viewer_id,
    )  # fmt: skip


async def put_cover(tx: Transaction, cover: Cover) -> None:
    """Write the POC's one picture."""
    await tx.run(
        """
        INSERT INTO covers (tenant_id, poc_id, revision, key, bytes, width, height) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (tenant_id, poc_id) DO UPDATE
        SET revision = excluded.revision, key = excluded.key, bytes = excluded.bytes, width = excluded.width,
            height = excluded.height, created_at = clock_timestamp()
        """,
        tx.tenant_id, cover.poc_id, cover.revision, cover.key, cover.bytes, cover.width, cover.height,
    )  # fmt: skip


async def delete_cover(tx: Transaction, poc_id: UUID) -> None:
    """Forget the POC's picture."""
    await tx.run("DELETE FROM covers WHERE tenant_id = $1 AND poc_id = $2", tx.tenant_id, poc_id)
