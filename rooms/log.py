"""Between the log's entries and the dojo's events."""

from collections.abc import Sequence
from itertools import accumulate
from uuid import UUID

from core import eventlog
from core.db import Transaction
from core.eventlog import EVERYBODY, FOREVER, Entry, Fence, NewEntry
from core.model import NIL, TenantId, UserId
from rooms import events
from rooms.decide import Timing, deadline, same_clock
from rooms.events import RoomEntry, RoomEvent, room_event
from rooms.models import RoomId
from rooms.state import RoomState, evolve, may_see

PAGE = 500
PAGE_TEXT = 200_000
"""Characters of the events in one answer: at four bytes each it is below what may wait for a slow reader."""
GOING = (events.PersonLeft, events.PersonRemoved)
LEASING = frozenset({events.SessionClosed, events.TurnStarted, events.RotationStopped})
"""Events that move the right to write the shared text."""


def new_entries(
    tenant_id: TenantId, state: RoomState, op_id: UUID, actor_id: UserId, made: Sequence[RoomEvent], timing: Timing
) -> tuple[list[NewEntry], RoomState]:
    """The entries that follow ``state``, each expecting the one before, and the state after them.

    The last one carries the dojo's next deadline, if it may have moved.
    """
    before, entries = state, []
    for op, event in zip(eventlog.op_ids(op_id, len(made)), made, strict=True):
        expected = state.seq
        state = evolve(state, expected + 1, event)
        entry = NewEntry(
            tenant_id, state.room_id, op, event.kind, actor_id, event.model_dump_json(), None, audience(event),
            expels(event), expected, state.epoch, None, fence(state, event),
        )  # fmt: skip
        entries.append(entry)
    if entries and not same_clock(before, state):
        due = deadline(state, timing)
        entries[-1] = entries[-1]._replace(due=FOREVER if due is None else due)
    return entries, state


def audience(event: RoomEvent) -> tuple[UUID, ...] | None:
    """Who may see an event, if not everybody."""
    if type(event) is events.ChatSent and event.message.to is not None:
        return tuple({event.message.by, event.message.to})
    return None


def expels(event: RoomEvent) -> UUID | None:
    """Who hears the dojo no longer after an event, in whichever window: nobody, a person, or ``EVERYBODY``."""
    if isinstance(event, GOING):
        return event.person_id
    return EVERYBODY if type(event) is events.SessionClosed else None


def fence(state: RoomState, event: RoomEvent) -> Fence | None:
    """How an event moves the right to write the shared text; nobody has it once the session is over."""
    kind = type(event)
    if state.document_id is None or kind not in LEASING:
        return None
    return Fence(state.document_id, NIL if kind is events.SessionClosed else state.lease.holder)


async def read_after(tx: Transaction, room_id: RoomId, since: int) -> list[Entry]:
    """All entries after ``since``."""
    found: list[Entry] = []
    while True:
        page = await eventlog.read(tx, room_id, since, PAGE)
        found += page
        if len(page) < PAGE:
            return found
        since = page[-1].seq


async def read_page(tx: Transaction, room_id: RoomId, since: int) -> list[Entry]:
    """The next entries after ``since`` that one answer may hold, at least one if there is any."""
    page = await eventlog.read(tx, room_id, since, PAGE)
    lengths = accumulate(len(entry.text or "") for entry in page)
    return page[: max(1, sum(length <= PAGE_TEXT for length in lengths))]


def fold(state: RoomState, entries: Sequence[Entry]) -> RoomState:
    """``state`` with stored entries on top."""
    for entry in entries:
        state = evolve(state, entry.seq, event_of(entry))
    return state


def event_of(entry: Entry) -> RoomEvent:
    """The event in an entry."""
    return room_event.validate_json(entry.text or "null")


def seen_entry(room_id: RoomId, epoch: int, entry: Entry, person_id: UserId) -> RoomEntry:
    """An entry as ``person_id`` gets it."""
    event = event_of(entry)
    hidden = isinstance(event, events.ChatSent) and not may_see(event.message, person_id)
    return RoomEntry(
        room_id=room_id,
        epoch=epoch,
        seq=entry.seq,
        op_id=NIL if hidden else entry.op_id,
        kind="hidden" if hidden else entry.kind,
        actor_id=NIL if hidden else entry.actor_id,
        at=entry.at,
        payload=None if hidden else event,
    )
