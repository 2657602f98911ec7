"""SQL of the gateway: its nodes, the connections through them, and the tails of many logs."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from core.db import Queries, Transaction
from core.eventlog import Entry
from core.model import TenantId, UserId
from core.sockets import Channel
from realtime.history import Checkpoint, Kept


class Ghost(NamedTuple):
    """A connection that is no more, though nobody said so."""

    channel: Channel
    user_id: UserId
    connection_id: UUID


class Stored(NamedTuple):
    """A checkpoint as it was found."""

    checkpoint: Checkpoint
    is_sound: bool
    """Its bytes are those that were stored, as far as their hash was kept."""


class Tail(NamedTuple):
    """An entry of one of the streams asked for."""

    stream_id: UUID
    epoch: int
    entry: Entry


async def insert_node(db: Queries, node_id: UUID) -> None:
    """Begin the life of a gateway."""
    await db.run("INSERT INTO gateway_nodes (node_id) VALUES ($1) ON CONFLICT DO NOTHING", node_id)


async def beat(db: Queries, node_id: UUID) -> bool:
    """Say that the gateway lives; False when others have already taken it for dead."""
    found = await db.run(
        "UPDATE gateway_nodes SET seen_at = clock_timestamp() WHERE node_id = $1 AND NOT is_dead", node_id
    )
    return found == 1


async def has_other_nodes(db: Queries, node_id: UUID) -> bool:
    """Whether another gateway lives."""
    found = await db.value(
        bool, "SELECT EXISTS (SELECT FROM gateway_nodes WHERE node_id <> $1 AND NOT is_dead)", node_id
    )
    return bool(found)


async def say_cut(db: Queries, node_id: UUID, *, is_cut: bool) -> None:
    """Let the others know whether the gateway's line to the bus is cut."""
    await db.run("UPDATE gateway_nodes SET is_cut = $2 WHERE node_id = $1 AND is_cut <> $2", node_id, is_cut)


async def late_channels(db: Queries, node_id: UUID) -> list[Channel]:
    """Where people of the gateway sit together with people of another living one that is cut off."""
    rows = await db.rows("SELECT tenant_id, kind, resource_id FROM late_channels($1)", node_id)
    return [Channel(tenant_id=TenantId(tenant), kind=kind, id=resource) for tenant, kind, resource in rows]


async def bury_nodes(db: Queries, silent: float) -> int:
    """Mark gateways dead that were not heard of for ``silent`` seconds."""
    return await db.run(
        """
        UPDATE gateway_nodes SET is_dead = true
        WHERE NOT is_dead AND seen_at < clock_timestamp() - $1 * interval '1 second'
        """,
        silent,
    )


async def delete_node(db: Queries, node_id: UUID) -> None:
    """End the life of a gateway that closed its connections."""
    await db.run("DELETE FROM gateway_nodes WHERE node_id = $1", node_id)


async def delete_dead_nodes(db: Queries, kept: float) -> None:
    """Forget gateways that have been dead for ``kept`` seconds; a connection of theirs stays a ghost without."""
    await db.run(
        "DELETE FROM gateway_nodes WHERE is_dead AND seen_at < clock_timestamp() - $1 * interval '1 second'", kept
    )


async def enter_connections(db: Queries, node_id: UUID, entering: Sequence[Ghost], *, wait: bool) -> list[Ghost]:
    """Note that people are connected; those whose lock another unit of work holds are given back, unless ``wait``."""
    found = await db.rows(
        "SELECT enter_connections($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6, $7)",
        *_columns(entering), node_id, wait,
    )  # fmt: skip
    return _chosen(entering, {connection for (connection,) in found})


async def begin_leaving(db: Queries, leaving: Sequence[Ghost], *, wait: bool) -> tuple[list[Ghost], list[Ghost]]:
    """Forget connections that are not the last of their person to the channel, as living gateways know it.

    Returns:
        The last ones, whose rows stay until ``end_connections``, and the busy ones: another unit of work holds their
        lock. With ``wait`` there are none of these, and there must be only one that leaves.
    """
    found = await db.rows(
        "SELECT outcome, connection FROM begin_leaving($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6)",
        *_columns(leaving), wait,
    )  # fmt: skip
    told = {outcome: {connection for each, connection in found if each == outcome} for outcome in ("last", "busy")}
    return _chosen(leaving, told["last"]), _chosen(leaving, told["busy"])


async def end_connections(db: Queries, left: Sequence[Ghost]) -> None:
    """Forget connections, whoever else is there."""
    await db.run("SELECT end_connections($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[])", *_columns(left))


def _columns(connections: Sequence[Ghost]) -> tuple[list[object], ...]:
    return (
        [each.channel.tenant_id for each in connections],
        [each.channel.kind for each in connections],
        [each.channel.id for each in connections],
        [each.user_id for each in connections],
        [each.connection_id for each in connections],
    )


def _chosen(connections: Sequence[Ghost], ids: set[UUID]) -> list[Ghost]:
    return [each for each in connections if each.connection_id in ids] if ids else []


async def ghosts(db: Queries, limit: int = 200) -> list[Ghost]:
    """Connections through dead gateways."""
    rows = await db.rows(
        "SELECT tenant_id, kind, resource_id, user_id, connection_id FROM ghost_connections($1)", limit
    )
    return [
        Ghost(Channel(tenant_id=TenantId(tenant), kind=kind, id=resource), UserId(user), connection)
        for tenant, kind, resource, user, connection in rows
    ]


async def tails(db: Queries, wanted: Sequence[tuple[TenantId, UUID, int]], limit: int) -> list[Tail]:
    """The entries after the given number of each stream, at most ``limit`` of each, in order."""
    rows = await db.rows(
        """
        SELECT stream_id, epoch, seq, op_id, kind, actor_id, at, audience, expels, payload::text, data
        FROM log_tails($1::uuid[], $2::uuid[], $3::bigint[], $4)
        """,
        [tenant for tenant, _, _ in wanted], [stream for _, stream, _ in wanted], [seq for _, _, seq in wanted], limit,
    )  # fmt: skip
    return [Tail(row[0], row[1], Entry(*row[2:])) for row in rows]


async def ended_sign_ins(db: Queries, sign_in_ids: Sequence[UUID]) -> list[UUID]:
    """Which of these sign-ins are over; identity's published function."""
    return [row[0] for row in await db.rows("SELECT sign_ins_over($1::uuid[])", list(sign_in_ids))]


async def is_told_of(tx: Transaction, stream_id: UUID, since: int, kinds: Sequence[str], person_id: UserId) -> bool:
    """Whether a log has an event of some kinds about a person after entry ``since``."""
    found = await tx.value(
        bool,
        """
        SELECT EXISTS (
            SELECT FROM log_entries
            WHERE tenant_id = $1 AND stream_id = $2 AND seq > $3 AND kind = ANY ($4::text[]) AND payload ->> 'person_id' = $5
        )
        """,
        tx.tenant_id, stream_id, since, list(kinds), str(person_id),
    )  # fmt: skip
    return bool(found)


async def raw_updates(tx: Transaction, stream_id: UUID, since: int, limit: int) -> list[tuple[int, UUID, bytes | None]]:
    """Number, author and bytes of a document's entries after ``since``, in order."""
    rows = await tx.rows(
        """
        SELECT seq, actor_id, data FROM log_entries
        WHERE tenant_id = $1 AND stream_id = $2 AND seq > $3 ORDER BY seq LIMIT $4
        """,
        tx.tenant_id, stream_id, since, limit,
    )  # fmt: skip
    return [(seq, actor_id, data) for seq, actor_id, data in rows]


async def newest_checkpoint(tx: Transaction, stream_id: UUID, epoch: int, up_to: int) -> Stored | None:
    """The last checkpoint of the log's present life."""
    rows = await tx.rows(
        """
        SELECT seq, state, clients, coalesce(checksum = sha256(state), true) FROM document_checkpoints
        WHERE tenant_id = $1 AND stream_id = $2 AND epoch = $3 AND seq <= $4 ORDER BY seq DESC LIMIT 1
        """,
        tx.tenant_id, stream_id, epoch, up_to,
    )  # fmt: skip
    if not rows:
        return None
    seq, state, clients, is_sound = rows[0]
    kept = [Kept(client, UUID(owner), start, pieces) for client, owner, start, pieces in clients]
    return Stored(Checkpoint(seq, state, kept), is_sound)


async def insert_checkpoint(
    tx: Transaction, stream_id: UUID, epoch: int, checkpoint: Checkpoint, digest: bytes
) -> None:
    """Keep a checkpoint; one that is there stays."""
    await tx.run(
        """
        INSERT INTO document_checkpoints (tenant_id, stream_id, epoch, seq, state, digest, clients, checksum)
        VALUES ($1, $2, $3, $4, $5, $6, $7, sha256($5)) ON CONFLICT DO NOTHING
        """,
        tx.tenant_id, stream_id, epoch, checkpoint.seq, checkpoint.state, digest,
        [(client, str(owner), start, pieces) for client, owner, start, pieces in checkpoint.clients],
    )  # fmt: skip


async def delete_old_checkpoints(tx: Transaction, stream_id: UUID, kept: int) -> None:
    """Keep the newest ``kept`` of a document."""
    await tx.run(
        """
        DELETE FROM document_checkpoints WHERE tenant_id = $1 AND stream_id = $2 AND (epoch, seq) NOT IN (
            SELECT c.epoch, c.seq FROM document_checkpoints c WHERE c.tenant_id = $1 AND c.stream_id = $2
            ORDER BY c.epoch DESC, c.seq DESC LIMIT $3
        )
        """,
        tx.tenant_id, stream_id, kept,
    )  # fmt: skip
