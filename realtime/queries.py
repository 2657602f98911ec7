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


async def lock_person(tx: Transaction, channel: Channel, user_id: UserId) -> None:
    """Let one unit of work at a time decide whether a person is connected to a channel."""
    await tx.run("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{channel.name()}:{user_id}")


async def insert_connection(
    tx: Transaction, channel: Channel, user_id: UserId, connection_id: UUID, node_id: UUID
) -> None:
    """Note that a person is connected."""
    await tx.run(
        """
        INSERT INTO connections (tenant_id, kind, resource_id, user_id, connection_id, node_id)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (tenant_id, kind, resource_id, user_id, connection_id) DO NOTHING
        """,
        tx.tenant_id, channel.kind, channel.id, user_id, connection_id, node_id,
    )  # fmt: skip


async def delete_connection(tx: Transaction, channel: Channel, user_id: UserId, connection_id: UUID) -> int:
    """Forget a connection; 0 when it was forgotten before."""
    return await tx.run(
        """
        DELETE FROM connections
        WHERE tenant_id = $1 AND kind = $2 AND resource_id = $3 AND user_id = $4 AND connection_id = $5
        """,
        tx.tenant_id, channel.kind, channel.id, user_id, connection_id,
    )  # fmt: skip


async def is_connected(tx: Transaction, channel: Channel, user_id: UserId, *, besides: UUID) -> bool:
    """Whether a living gateway holds a connection of the person to the channel, other than ``besides``."""
    found = await tx.value(
        bool,
        """
        SELECT EXISTS (
            SELECT FROM connections c JOIN gateway_nodes n ON n.node_id = c.node_id AND NOT n.is_dead
            WHERE c.tenant_id = $1 AND c.kind = $2 AND c.resource_id = $3 AND c.user_id = $4 AND c.connection_id <> $5
        )
        """,
        tx.tenant_id, channel.kind, channel.id, user_id, besides,
    )  # fmt: skip
    return bool(found)


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
    return [row[0] for row in await db.rows("SELECT ended_sign_ins($1::uuid[])", list(sign_in_ids))]


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


async def newest_checkpoint(tx: Transaction, stream_id: UUID, epoch: int, up_to: int) -> Checkpoint | None:
    """The last checkpoint of the log's present life."""
    rows = await tx.rows(
        """
        SELECT seq, state, clients FROM document_checkpoints
        WHERE tenant_id = $1 AND stream_id = $2 AND epoch = $3 AND seq <= $4 ORDER BY seq DESC LIMIT 1
        """,
        tx.tenant_id, stream_id, epoch, up_to,
    )  # fmt: skip
    if not rows:
        return None
    seq, state, clients = rows[0]
    kept = [Kept(client, UUID(owner), start, pieces) for client, owner, start, pieces in clients]
    return Checkpoint(seq, state, kept)


async def insert_checkpoint(
    tx: Transaction, stream_id: UUID, epoch: int, checkpoint: Checkpoint, digest: bytes
) -> None:
    """Keep a checkpoint; one that is there stays."""
    await tx.run(
        """
        INSERT INTO document_checkpoints (tenant_id, stream_id, epoch, seq, state, digest, clients)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
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
