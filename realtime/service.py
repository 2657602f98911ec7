"""Checkpoints of shared documents: a log merged by a worker, so that nobody has to replay it.

The raw log stays the truth and stays whole; a checkpoint only spares its readers the beginning. It is made from the
former one and what follows it, in a child process that may die of what it reads (``replay.py``). A job that fails is
tried again by the outbox, more and more slowly, and in the end set aside; the document goes on without.
"""

from typing import NamedTuple
from uuid import UUID, uuid5

import structlog

from core.bus import Bus
from core.db import Database, Transaction
from core.eventlog import Head, head
from core.model import TenantId
from core.sockets import Channel
from realtime import queries
from realtime.history import Checkpoint, History
from realtime.metrics import CHECKPOINTS, DAMAGED
from realtime.models import MakeCheckpoint
from realtime.replay import Merged, ReplayFailed, merge
from realtime.settings import RealtimeSettings
from realtime.yupdate import InvalidUpdate, read_update

log = structlog.get_logger()

PAGE = 2_000
AT_ONCE = 67_108_864
"""Bytes of the log that one attempt takes in; the next one goes on."""
KEPT = 2
"""Checkpoints of a document: the newest, and the one that somebody may be reading."""
MADE = b"C"
"""On the document's channel: there is a new checkpoint."""


class Made(NamedTuple):
    """A checkpoint that is not stored yet."""

    epoch: int
    checkpoint: Checkpoint
    digest: bytes


class Opened(NamedTuple):
    """A document as the database has it, before its tail."""

    epoch: int
    seq: int
    """Where the history stands."""
    history: History


async def request_checkpoint(tx: Transaction, document_id: UUID, epoch: int, since: int) -> None:
    """Ask a worker for the checkpoint that follows the one at ``since``; a question that waits is not put twice."""
    await tx.publish(MakeCheckpoint(document_id=document_id), once=uuid5(document_id, f"{epoch}/{since}"))


async def open_document(tx: Transaction, document_id: UUID) -> Opened | None:
    """A document up to its newest checkpoint, if there is such a document."""
    at = await head(tx, document_id)
    if at is None:
        return None
    found = await _sound_checkpoint(tx, document_id, at)
    if found is not None:
        try:
            return Opened(at.epoch, found.seq, History.of(found))
        except (ValueError, IndexError):  # the log has it all
            log.exception("checkpoint_unreadable", document=str(document_id), seq=found.seq)
    return Opened(at.epoch, 0, History())


async def _sound_checkpoint(tx: Transaction, document_id: UUID, at: Head) -> Checkpoint | None:
    """The newest one that is what was stored; for what is damaged, the log has it all."""
    up_to = at.seq
    while (found := await queries.newest_checkpoint(tx, document_id, at.epoch, up_to)) is not None:
        if found.is_sound:
            return found.checkpoint
        up_to = found.checkpoint.seq - 1
        DAMAGED.inc()
        log.error("checkpoint_damaged", document=str(document_id), seq=found.checkpoint.seq)
    return None


async def make_checkpoint(
    database: Database, settings: RealtimeSettings, tenant_id: TenantId, document_id: UUID
) -> Made | None:
    """Merge what the log has beyond the last checkpoint; None when that is nothing.

    Raises:
        ReplayFailed: the log cannot be merged now, or ever.
    """
    async with database.transaction(tenant_id) as tx:
        at = await head(tx, document_id)
        former = at and await _sound_checkpoint(tx, document_id, at)
    if at is None:
        return None
    history = History.of(former) if former else History()
    updates = [former.state] if former else []
    since = seq = former.seq if former else 0
    while len(page := await _page(database, tenant_id, document_id, seq)) > 0 and history.size < AT_ONCE:
        for entry_seq, actor_id, data in page:
            if data is not None and _take(history, data, actor_id, document_id):
                updates.append(data)
            seq = entry_seq
    if seq == since or not history.vector:
        return None
    made = await _merged(history, updates, settings, document_id)
    return Made(at.epoch, history.keep(seq, made.state, made.summary), made.digest)


async def _page(
    database: Database, tenant_id: TenantId, document_id: UUID, since: int
) -> list[tuple[int, UUID, bytes | None]]:
    async with database.transaction(tenant_id) as tx:
        return await queries.raw_updates(tx, document_id, since, PAGE)


def _take(history: History, data: bytes, actor_id: UUID, document_id: UUID) -> bool:
    """Whether an entry changes the document; what the reader does not take, no gateway shows."""
    try:
        return history.take(data, read_update(data), actor_id)
    except InvalidUpdate as error:
        log.warning("stored_update_unreadable", document=str(document_id), reason=error.reason)
        return False


async def _merged(history: History, updates: list[bytes], settings: RealtimeSettings, document_id: UUID) -> Merged:
    try:
        made = await merge(updates, history, seconds=settings.replay_seconds, memory=settings.replay_memory)
    except ReplayFailed as failure:
        CHECKPOINTS.labels(failure.reason).inc()
        log.warning("checkpoint_failed", document=str(document_id), reason=failure.reason, updates=len(updates))
        raise
    CHECKPOINTS.labels("made").inc()
    return made


async def keep_checkpoint(tx: Transaction, bus: Bus, document_id: UUID, made: Made) -> None:
    """Store a checkpoint, let go of old ones, and tell the gateways that have the document open."""
    await queries.insert_checkpoint(tx, document_id, made.epoch, made.checkpoint, made.digest)
    await queries.delete_old_checkpoints(tx, document_id, KEPT)
    channel = Channel(tenant_id=tx.tenant_id, kind="document", id=document_id)

    async def tell() -> None:
        bus.publish(channel.name(), MADE)

    tx.after_commit(tell)
