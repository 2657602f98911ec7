"""What media does: draw a POC's picture, show it to those who may see the POC, remove it with the POC."""

import asyncio
from uuid import UUID

from core.call import Principal
from core.db import Transaction
from core.routes import Download
from media import queries
from media.cards import HEIGHT, WIDTH, Card, draw_card
from media.errors import CoverNotFound
from media.models import Cover, RenderCover
from media.storage import Key, Storage, folder_of, key_in

READ = "pocs:read"
COVER_MAX_AGE = 60


async def request_cover(tx: Transaction, poc_id: UUID, revision: int) -> None:
    """Ask a worker for the picture of a POC that changed."""
    await tx.publish(RenderCover(poc_id=poc_id, revision=revision))


async def render_cover(tx: Transaction, storage: Storage, asked: RenderCover) -> None:
    """Draw the POC as it is now, unless that was done or the POC is gone."""
    await queries.hold_poc(tx, asked.poc_id)
    facts = await queries.get_facts(tx, asked.poc_id)
    former = await queries.get_cover(tx, asked.poc_id)
    if facts is None or (former is not None and former.revision >= facts.revision):
        return
    card = Card(
        name=facts.name,
        languages=facts.languages,
        authors=facts.authors,
        file_name=facts.excerpt_name,
        code=facts.excerpt,
    )
    picture = await asyncio.to_thread(draw_card, card)
    key = key_in(folder_of(tx.tenant_id, "covers", asked.poc_id), f"{facts.revision}.png")
    await asyncio.to_thread(storage.write, key, picture)
    await queries.put_cover(
        tx,
        Cover(poc_id=asked.poc_id, revision=facts.revision, key=key, bytes=len(picture), width=WIDTH, height=HEIGHT),
    )
    if former is not None:
        replaced = Key(former.key)
        tx.after_commit(lambda: asyncio.to_thread(storage.remove, replaced))


async def remove_cover(tx: Transaction, storage: Storage, poc_id: UUID) -> None:
    """Remove the picture of a POC that was deleted, with its files; a POC that was restored meanwhile keeps it."""
    await queries.hold_poc(tx, poc_id)
    if await queries.get_facts(tx, poc_id) is not None:
        return
    await queries.delete_cover(tx, poc_id)
    await asyncio.to_thread(storage.remove_all, folder_of(tx.tenant_id, "covers", poc_id))


async def get_cover(tx: Transaction, storage: Storage, actor: Principal, poc_id: UUID) -> Download:
    """The picture of a POC that ``actor`` may see.

    Raises:
        CoverNotFound: there is none yet, or the POC is not there for ``actor``.
    """
    actor.require(READ)
    cover = await queries.get_visible_cover(tx, actor.user_id, poc_id)
    picture = await asyncio.to_thread(storage.read, Key(cover.key)) if cover else None
    if cover is None or picture is None:
        raise CoverNotFound
    return Download(picture, "image/png", max_age=COVER_MAX_AGE, etag=f"{cover.poc_id}.{cover.revision}")
