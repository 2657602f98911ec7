"""All SQL of rooms, but what the log itself needs: one function, one statement."""

from collections.abc import Sequence
from uuid import UUID

from core.db import Queries, Transaction
from core.eventlog import Head
from core.model import UserId
from rooms.models import (
    LightId,
    NewTrack,
    Participant,
    Room,
    RoomChange,
    RoomFilter,
    RoomId,
    Session,
    SessionId,
    SessionSummary,
    Track,
)
from rooms.rows import LightRow, LinkedRoom, SessionPlace, SessionRow, Snapshot, SummaryRow
from rooms.state import RoomState

ROOM = """
    id, name, code, kata, language, turn_seconds, access, capacity, owner_id, created_at, starts_at, is_active, session_id
"""


async def insert_room(tx: Transaction, room: Room) -> Room | None:
    """The stored dojo, or None if another of the tenant has its code."""
    return await tx.one(
        Room,
        f"""
        INSERT INTO rooms
            (tenant_id, id, owner_id, name, code, kata, language, turn_seconds, access, capacity, starts_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (tenant_id, code) DO NOTHING
        RETURNING {ROOM}
        """,  # noqa: S608 - a constant list of columns
        tx.tenant_id, room.id, room.owner_id, room.name, room.code, room.kata, room.language, room.turn_seconds,
        room.access, room.capacity, room.starts_at,
    )  # fmt: skip


async def room_by_id(tx: Transaction, room_id: RoomId) -> Room | None:
    """A dojo of the tenant."""
    return await tx.one(
        Room,
        f"SELECT {ROOM} FROM rooms WHERE tenant_id = $1 AND id = $2",  # noqa: S608 - a constant list of columns
        tx.tenant_id, room_id,
    )  # fmt: skip


async def list_rooms(
    tx: Transaction, state: RoomFilter, only: UUID | None, before: UUID | None, limit: int
) -> list[Room]:
    """Dojos, newest first, older than ``before``; ``only`` is the one that a guest may see."""
    return await tx.all(
        Room,
        f"""
        SELECT {ROOM} FROM rooms
        WHERE tenant_id = $1 AND ($3::uuid IS NULL OR id = $3) AND ($4::uuid IS NULL OR id < $4)
          AND CASE $2 WHEN 'open' THEN is_active
                      WHEN 'planned' THEN NOT is_active AND session_id IS NULL
                      WHEN 'ended' THEN NOT is_active AND session_id IS NOT NULL
                      ELSE true END
        ORDER BY id DESC LIMIT $5
        """,  # noqa: S608 - a constant list of columns
        tx.tenant_id, state, only, before, limit,
    )  # fmt: skip


async def change_room(tx: Transaction, room_id: RoomId, change: RoomChange) -> None:
    """Store what is new of a dojo's plan."""
    await tx.run(
        """
        UPDATE rooms SET name = coalesce($3, name), turn_seconds = coalesce($4, turn_seconds),
            access = coalesce($5, access), capacity = coalesce($6, capacity), starts_at = coalesce($7, starts_at)
        WHERE tenant_id = $1 AND id = $2
        """,
        tx.tenant_id, room_id, change.name, change.turn_seconds, change.access, change.capacity, change.starts_at,
    )  # fmt: skip


async def find_link(queries: Queries, code: str) -> LinkedRoom | None:
    """The dojo of any tenant that a link's code names."""
    return await queries.one(LinkedRoom, "SELECT * FROM find_room_link($1)", code)


async def insert_session(tx: Transaction, room_id: RoomId, row: SessionRow) -> None:
    """A session begins."""
    await tx.run(
        """
        INSERT INTO sessions (tenant_id, id, room_id, document_id, opened_seq, started_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        tx.tenant_id, row.id, room_id, row.document_id, row.opened_seq, row.started_at,
    )  # fmt: skip


async def mark_open(tx: Transaction, room_id: RoomId, session_id: SessionId) -> None:
    """The dojo is being held."""
    await tx.run(
        "UPDATE rooms SET is_active = true, session_id = $3 WHERE tenant_id = $1 AND id = $2",
        tx.tenant_id, room_id, session_id,
    )  # fmt: skip


async def mark_closed(tx: Transaction, room_id: RoomId) -> None:
    """The dojo is not held any more."""
    await tx.run("UPDATE rooms SET is_active = false WHERE tenant_id = $1 AND id = $2", tx.tenant_id, room_id)


async def end_session(tx: Transaction, session_id: SessionId, at: float, reason: str) -> None:
    """A session is over."""
    await tx.run(
        """
        UPDATE sessions SET ended_at = greatest(to_timestamp($3), started_at), end_reason = $4
        WHERE tenant_id = $1 AND id = $2
        """,
        tx.tenant_id, session_id, at, reason,
    )  # fmt: skip


async def session_by_id(tx: Transaction, room_id: RoomId, session_id: SessionId) -> SessionRow | None:
    """A session of a dojo."""
    return await tx.one(
        SessionRow,
        """
        SELECT id, room_id, started_at, ended_at, end_reason, document_id, opened_seq
        FROM sessions WHERE tenant_id = $1 AND room_id = $2 AND id = $3
        """,
        tx.tenant_id, room_id, session_id,
    )  # fmt: skip


async def list_sessions(tx: Transaction, room_id: RoomId, limit: int) -> list[Session]:
    """The last sessions of a dojo, newest first."""
    return await tx.all(
        Session,
        """
        SELECT id, room_id, started_at, ended_at, end_reason
        FROM sessions WHERE tenant_id = $1 AND room_id = $2 ORDER BY id DESC LIMIT $3
        """,
        tx.tenant_id, room_id, limit,
    )  # fmt: skip


async def find_session(queries: Queries, session_id: UUID) -> SessionPlace | None:
    """Where a session of any tenant belongs."""
    return await queries.one(SessionPlace, "SELECT * FROM find_session($1)", session_id)


async def head_and_snapshot(tx: Transaction, room_id: RoomId) -> tuple[Head, Snapshot | None] | None:
    """Where a dojo's log stands, and where a fold of it may begin; None if the tenant has no such dojo."""
    rows = await tx.rows(
        """
        SELECT s.last_seq, s.epoch, k.seq, k.state
        FROM rooms r
        JOIN log_streams s ON s.tenant_id = r.tenant_id AND s.stream_id = r.id
        LEFT JOIN room_snapshots k ON k.tenant_id = r.tenant_id AND k.room_id = r.id
        WHERE r.tenant_id = $1 AND r.id = $2
        """,
        tx.tenant_id, room_id,
    )  # fmt: skip
    if not rows:
        return None
    last_seq, epoch, seq, state = rows[0]
    return Head(last_seq, epoch), None if seq is None else Snapshot(seq=seq, state=state)


async def save_snapshot(tx: Transaction, state: RoomState) -> None:
    """Keep a state to fold on from, unless there is a later one."""
    await tx.run(
        """
        INSERT INTO room_snapshots (tenant_id, room_id, seq, state) VALUES ($1, $2, $3, $4)
        ON CONFLICT (tenant_id, room_id) DO UPDATE SET seq = excluded.seq, state = excluded.state
        WHERE room_snapshots.seq < excluded.seq
        """,
        tx.tenant_id, state.room_id, state.seq, state.model_dump(mode="json"),
    )  # fmt: skip


async def disconnect_all(tx: Transaction, room_id: RoomId) -> None:
    """Nobody is connected now."""
    await tx.run(
        "UPDATE participants SET is_connected = false WHERE tenant_id = $1 AND room_id = $2 AND is_connected",
        tx.tenant_id, room_id,
    )  # fmt: skip


async def list_participants(tx: Transaction, room_id: RoomId, limit: int) -> list[Participant]:
    """Who was in a dojo, by when they first joined."""
    return await tx.all(
        Participant,
        """
        SELECT room_id, identity, name, role, joined_at, is_connected
        FROM participants WHERE tenant_id = $1 AND room_id = $2 ORDER BY joined_at, identity LIMIT $3
        """,
        tx.tenant_id, room_id, limit,
    )  # fmt: skip


async def insert_track(
    tx: Transaction, room_id: RoomId, session_id: SessionId, person_id: UserId, track: NewTrack
) -> Track | None:
    """A track is there; None if it is known, be it as ended: LiveKit promises no order."""
    return await tx.one(
        Track,
        """
        INSERT INTO tracks (tenant_id, session_id, id, room_id, participant_id, kind, codec)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (tenant_id, session_id, id) DO NOTHING
        RETURNING id, room_id, participant_id, kind, codec, created_at
        """,
        tx.tenant_id, session_id, track.id, room_id, person_id, track.kind, track.codec,
    )  # fmt: skip


async def end_track(
    tx: Transaction, room_id: RoomId, session_id: SessionId, person_id: UserId, track: NewTrack
) -> None:
    """A track is over; the mark stays, should its beginning be told later."""
    await tx.run(
        """
        INSERT INTO tracks (tenant_id, session_id, id, room_id, participant_id, kind, codec, ended_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, now())
        ON CONFLICT (tenant_id, session_id, id) DO UPDATE SET ended_at = coalesce(tracks.ended_at, now())
        """,
        tx.tenant_id, session_id, track.id, room_id, person_id, track.kind, track.codec,
    )  # fmt: skip


async def end_tracks(tx: Transaction, session_id: SessionId, person_id: UserId | None) -> int:
    """All tracks of a person, or of the session, are over."""
    return await tx.run(
        """
        UPDATE tracks SET ended_at = now()
        WHERE tenant_id = $1 AND session_id = $2 AND ended_at IS NULL AND ($3::uuid IS NULL OR participant_id = $3)
        """,
        tx.tenant_id, session_id, person_id,
    )  # fmt: skip


async def end_tracks_but(tx: Transaction, session_id: SessionId, kept: Sequence[str]) -> int:
    """All tracks of the session but ``kept`` are over."""
    return await tx.run(
        """
        UPDATE tracks SET ended_at = now()
        WHERE tenant_id = $1 AND session_id = $2 AND ended_at IS NULL AND NOT id = ANY ($3::text[])
        """,
        tx.tenant_id, session_id, list(kept),
    )  # fmt: skip


async def set_track_started(
    tx: Transaction, session_id: SessionId, track_id: str, person_id: UserId, *, started: bool
) -> Track | None:
    """The track of this person, running or standing; None if they have none of this id."""
    return await tx.one(
        Track,
        """
        UPDATE tracks SET is_started = $5
        WHERE tenant_id = $1 AND session_id = $2 AND id = $3 AND participant_id = $4 AND ended_at IS NULL
        RETURNING id, room_id, participant_id, kind, codec, created_at
        """,
        tx.tenant_id, session_id, track_id, person_id, started,
    )  # fmt: skip


async def remember_webhook(tx: Transaction, event_id: str) -> bool:
    """Whether this webhook is new."""
    return bool(
        await tx.run(
            "INSERT INTO webhook_events (tenant_id, id) VALUES ($1, $2) ON CONFLICT DO NOTHING", tx.tenant_id, event_id
        )
    )


async def forget_webhooks(tx: Transaction) -> None:
    """LiveKit repeats within minutes; a day is plenty."""
    await tx.run(
        "DELETE FROM webhook_events WHERE tenant_id = $1 AND received_at < now() - interval '1 day'", tx.tenant_id
    )


async def insert_light(
    tx: Transaction, room_id: RoomId, session_id: SessionId, light_id: LightId, row: LightRow
) -> None:
    """Keep the files of a test run."""
    await tx.run(
        """
        INSERT INTO lights (tenant_id, room_id, id, session_id, colour, at, authors, files)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
        """,
        tx.tenant_id, room_id, light_id, session_id, row.colour, row.at, list(row.authors),
        [file.model_dump() for file in row.files],
    )  # fmt: skip


async def light_by_id(tx: Transaction, room_id: RoomId, light_id: LightId) -> LightRow | None:
    """A test run's files."""
    return await tx.one(
        LightRow,
        "SELECT session_id, colour, at, authors, files FROM lights WHERE tenant_id = $1 AND room_id = $2 AND id = $3",
        tx.tenant_id, room_id, light_id,
    )  # fmt: skip


async def insert_summary(tx: Transaction, summary: SessionSummary) -> None:
    """Keep a session's summary; a second one changes nothing."""
    await tx.run(
        """
        INSERT INTO session_summaries (tenant_id, session_id, summary) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING
        """,
        tx.tenant_id, summary.session_id, summary.model_dump(mode="json"),
    )  # fmt: skip


async def summary_by_session(tx: Transaction, session_id: SessionId) -> SessionSummary | None:
    """A session's summary, once it is made."""
    row = await tx.one(
        SummaryRow,
        "SELECT summary FROM session_summaries WHERE tenant_id = $1 AND session_id = $2",
        tx.tenant_id, session_id,
    )  # fmt: skip
    return None if row is None else row.summary
