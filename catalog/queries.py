"""The catalogue's statements."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from catalog.models import NewPoc, Origin, Poc, PocId, PocQuery, PocSummary
from catalog.words import Search
from core.db import Transaction
from core.model import Model, UserId, new_id

What = Literal["created", "changed", "deleted", "restored"]


class Hit(Model):
    """A POC found, and how well it fits; 0 when no words were asked for."""

    id: PocId
    rank: float


class Found(Model):
    """One page of hits, best first, with counts over all that was found."""

    total: int
    hits: tuple[Hit, ...]
    languages: tuple[dict[str, Any], ...]
    tags: tuple[dict[str, Any], ...]


class After(Model):
    """The last POC of the page before."""

    rank: float
    at: datetime
    id: UUID


class Authored(Model):
    """Who made a POC and where it comes from."""

    authors: tuple[str, ...]
    origin: Origin | None


async def insert_poc(tx: Transaction, owner_id: UserId, new: NewPoc, made: Authored, search: str) -> PocId | None:
    """The new POC's id, or None if its owner has already kept that light."""
    return _poc_id(
        await tx.value(
            UUID,
            """
            INSERT INTO pocs (tenant_id, id, owner_id, name, description, languages, tags, authors, visibility,
                              files, origin, light_id, search)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::text::tsvector)
            ON CONFLICT (tenant_id, owner_id, light_id) WHERE deleted_at IS NULL DO NOTHING
            RETURNING id
            """,
            tx.tenant_id, new_id(), owner_id, new.name, new.description, new.languages, new.tags, made.authors,
            new.visibility, [file.model_dump() for file in new.files],
            made.origin.model_dump(mode="json") if made.origin else None,
            made.origin.light_id if made.origin else None, search,
        )
    )  # fmt: skip


async def find_kept(tx: Transaction, owner_id: UserId, light_id: UUID) -> PocId | None:
    """The POC that ``owner_id`` keeps of that light."""
    return _poc_id(
        await tx.value(
            UUID,
            """
            SELECT id FROM pocs
            WHERE tenant_id = $1 AND owner_id = $2 AND light_id = $3 AND deleted_at IS NULL
            """,
            tx.tenant_id, owner_id, light_id,
        )
    )  # fmt: skip


async def get_poc(tx: Transaction, viewer_id: UserId, poc_id: PocId) -> Poc | None:
    """The POC, if it is there and ``viewer_id`` may see it."""
    return await tx.one(
        Poc,
        """
        SELECT p.id, p.name, p.description, p.languages, p.tags, p.authors, p.owner_id, p.visibility, p.created_at,
               p.revision, p.files, p.origin, EXISTS (
                   SELECT FROM favourites f WHERE f.tenant_id = $1 AND f.user_id = $2 AND f.poc_id = p.id
               ) AS favourite
        FROM pocs p
        WHERE p.tenant_id = $1 AND p.id = $3 AND p.deleted_at IS NULL
          AND (p.visibility = 'tenant' OR p.owner_id = $2)
        """,
        tx.tenant_id, viewer_id, poc_id,
    )  # fmt: skip


async def lock_poc(tx: Transaction, viewer_id: UserId, poc_id: PocId, *, deleted: bool) -> Poc | None:
    """The POC as ``get_poc`` gives it, or the deleted one, held until the transaction ends."""
    return await tx.one(
        Poc,
        """
        SELECT p.id, p.name, p.description, p.languages, p.tags, p.authors, p.owner_id, p.visibility, p.created_at,
               p.revision, p.files, p.origin, EXISTS (
                   SELECT FROM favourites f WHERE f.tenant_id = $1 AND f.user_id = $2 AND f.poc_id = p.id
               ) AS favourite
        FROM pocs p
        WHERE p.tenant_id = $1 AND p.id = $3 AND (p.deleted_at IS NOT NULL) = $4
          AND (p.visibility = 'tenant' OR p.owner_id = $2)
        FOR UPDATE OF p
        """,
        tx.tenant_id, viewer_id, poc_id, deleted,
    )  # fmt: skip


async def update_poc(tx: Transaction, poc: Poc, search: str) -> None:
    """Write what may change of ``poc``, with its new revision."""
    await tx.run(
        """
        UPDATE pocs
        SET name = $3, description = $4, languages = $5, tags = $6, visibility = $7, revision = $8,
            search = $9::text::tsvector, updated_at = clock_timestamp()
        WHERE tenant_id = $1 AND id = $2
        """,
        tx.tenant_id, poc.id, poc.name, poc.description, poc.languages, poc.tags, poc.visibility, poc.revision,
        search,
    )  # fmt: skip


async def mark_deleted(tx: Transaction, poc_id: PocId) -> None:
    """Hide the POC; its revision goes up."""
    await tx.run(
        """
        UPDATE pocs SET deleted_at = clock_timestamp(), updated_at = clock_timestamp(), revision = revision + 1
        WHERE tenant_id = $1 AND id = $2
        """,
        tx.tenant_id, poc_id,
    )  # fmt: skip


async def mark_restored(tx: Transaction, poc_id: PocId) -> int:
    """Show the deleted POC again, its revision goes up; 0 if its owner has kept the same light once more."""
    return await tx.run(
        """
        UPDATE pocs p SET deleted_at = NULL, updated_at = clock_timestamp(), revision = revision + 1
        WHERE p.tenant_id = $1 AND p.id = $2 AND NOT EXISTS (
            SELECT FROM pocs other
            WHERE other.tenant_id = $1 AND other.owner_id = p.owner_id AND other.light_id = p.light_id
              AND other.deleted_at IS NULL)
        """,
        tx.tenant_id, poc_id,
    )  # fmt: skip


async def insert_version(tx: Transaction, poc_id: PocId, by_id: UserId, what: What) -> None:
    """Keep the POC as it is now; the files only where they are new."""
    await tx.run(
        """
        INSERT INTO poc_versions (tenant_id, poc_id, revision, what, by_id, name, description, languages, tags,
                                  visibility, files)
        SELECT tenant_id, id, revision, $3, $4, name, description, languages, tags, visibility,
               CASE WHEN $3 = 'created' THEN files END
        FROM pocs WHERE tenant_id = $1 AND id = $2
        """,
        tx.tenant_id, poc_id, what, by_id,
    )  # fmt: skip


async def insert_favourite(tx: Transaction, user_id: UserId, poc_id: PocId) -> None:
    """Remember that ``user_id`` likes the POC."""
    await tx.run(
        "INSERT INTO favourites (tenant_id, user_id, poc_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        tx.tenant_id, user_id, poc_id,
    )  # fmt: skip


async def delete_favourite(tx: Transaction, user_id: UserId, poc_id: PocId) -> None:
    """Forget it."""
    await tx.run(
        "DELETE FROM favourites WHERE tenant_id = $1 AND user_id = $2 AND poc_id = $3",
        tx.tenant_id, user_id, poc_id,
    )  # fmt: skip


async def search_pocs(
    tx: Transaction, viewer_id: UserId, words: Search | None, asked: PocQuery, after: After | None
) -> Found:
    """What ``viewer_id`` may see of what was asked for, after the page before."""
    found = await tx.value(
        dict,
        "SELECT search_pocs($1, $2::text::tsquery, $3::text::tsquery, $4, $5, $6, $7, $8, $9, $10)",
        viewer_id, words.match if words else None, words.rank if words else None, asked.language, asked.tag,
        asked.only, after.rank if after else None, after.at if after else None, after.id if after else None,
        asked.limit,
    )  # fmt: skip
    return Found.model_validate(found)


async def list_summaries(tx: Transaction, viewer_id: UserId, ids: list[PocId]) -> list[PocSummary]:
    """Those of ``ids`` (at most 100) that ``viewer_id`` may see, in the order of ``ids``."""
    return await tx.all(
        PocSummary,
        """
        SELECT p.id, p.name, p.description, p.languages, p.tags, p.authors, p.owner_id, p.visibility, p.created_at,
               p.revision, EXISTS (
                   SELECT FROM favourites f WHERE f.tenant_id = $1 AND f.user_id = $2 AND f.poc_id = p.id
               ) AS favourite
        FROM pocs p
        WHERE p.tenant_id = $1 AND p.id = ANY ($3::uuid[]) AND p.deleted_at IS NULL
          AND (p.visibility = 'tenant' OR p.owner_id = $2)
        ORDER BY array_position($3::uuid[], p.id) LIMIT 100
        """,
        tx.tenant_id, viewer_id, ids,
    )  # fmt: skip


def _poc_id(found: UUID | None) -> PocId | None:
    return None if found is None else PocId(found)
