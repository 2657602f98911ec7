"""Tables that follow the log: written in the same unit of work as the events that change them.

The table of participants follows by itself: a trigger of the log's, so that who comes and goes needs no unit of work.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from core.db import Transaction
from rooms import events, queries
from rooms.events import RoomEvent, SessionEnded
from rooms.rows import SessionRow
from rooms.state import RoomState

PROJECTED = frozenset({events.SessionOpened, events.SessionClosed})
"""Events that need a unit of work; all others go to the log alone."""


def needs_tables(made: Sequence[RoomEvent]) -> bool:
    """Whether some of these events change tables."""
    return not PROJECTED.isdisjoint(map(type, made))


async def project(tx: Transaction, before: RoomState, after: RoomState, made: Sequence[RoomEvent]) -> None:
    """Change the tables as the events, which led from ``before`` to ``after``, say."""
    for seq, event in enumerate(made, before.seq + 1):
        match event:
            case events.SessionOpened():
                await begin(tx, before, seq, event)
                await queries.save_snapshot(tx, after)
            case events.SessionClosed():
                await end(tx, before, event)


async def begin(tx: Transaction, before: RoomState, seq: int, event: events.SessionOpened) -> None:
    """A session's row, and the dojo's."""
    row = SessionRow(
        id=event.session_id,
        room_id=before.room_id,
        started_at=datetime.fromtimestamp(event.at, UTC),
        ended_at=None,
        end_reason=None,
        document_id=event.document_id,
        opened_seq=seq,
    )
    await queries.insert_session(tx, before.room_id, row)
    await queries.mark_open(tx, before.room_id, event.session_id)


async def end(tx: Transaction, before: RoomState, event: events.SessionClosed) -> None:
    """The session is over: nobody is connected, no track is there, the summary can be made."""
    await queries.end_session(tx, event.session_id, event.at, event.reason)
    await queries.mark_closed(tx, before.room_id)
    await queries.disconnect_all(tx, before.room_id)
    await queries.end_tracks(tx, event.session_id, None)
    await queries.forget_webhooks(tx)
    await tx.publish(SessionEnded(room_id=before.room_id, session_id=event.session_id))
