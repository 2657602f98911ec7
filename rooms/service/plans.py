"""A dojo's plan: create, find, change, open and close."""

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from core import eventlog
from core.call import Principal
from core.db import Database, Transaction
from core.eventlog import NewEntry
from core.model import NIL, UserId, new_id
from core.tokens import Tokens
from identity.events import GuestGrant
from rooms import queries
from rooms.decide import OpenSession, Timing, change_settings, close_session, open_session
from rooms.errors import LinkNotFound, NotYourRoom, RoomNotFound, UnknownKata
from rooms.events import RoomCreated, RoomEvent
from rooms.held import Also, Order
from rooms.kata import get_kata
from rooms.live import LiveRooms
from rooms.log import new_entries
from rooms.models import NewRoom, Room, RoomChange, RoomId, RoomLink, RoomPage, RoomQuery, SessionId, SourceFile
from rooms.projection import project
from rooms.seed import dojo_files, seed_update
from rooms.state import RoomState

CODE_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
CODE_LENGTH = 12
GUEST_PASS_TTL = 3600.0


async def create_room(tx: Transaction, actor: Principal, new: NewRoom, timing: Timing) -> Room:
    """Create a dojo owned by ``actor``, and hold it at once unless it is planned for later.

    Raises:
        Forbidden: ``actor`` lacks the scope ``rooms:write``.
        UnknownKata: the library has no such kata in this language.
    """
    actor.require("rooms:write")
    starters = starter_files(new.kata, new.language)
    room = Room(
        id=RoomId(new_id()),
        name=new.name or f"{get_kata(new.kata).title} {datetime.now(UTC).date().isoformat()}",
        code="".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)),
        kata=new.kata,
        language=new.language,
        turn_seconds=new.turn_seconds,
        access=new.access,
        capacity=new.capacity,
        owner_id=actor.user_id,
        created_at=datetime.now(UTC),
        starts_at=new.starts_at,
        is_active=False,
        session_id=None,
    )
    await eventlog.create_stream(tx, room.id)
    stored = await queries.insert_room(tx, room)
    if stored is None:
        raise RuntimeError("two dojos drew the same code of twelve letters")
    await tx.publish(RoomCreated(room_id=room.id, name=room.name))
    if new.starts_at is None:
        await begin(tx, actor.user_id, stored, starters, timing)
    return await existing(tx, room.id)


async def begin(tx: Transaction, by: UserId, room: Room, starters: Sequence[SourceFile], timing: Timing) -> None:
    """Open the first session in the unit of work that made the dojo: nobody else can know it yet."""
    before = RoomState(room_id=room.id)
    made = open_session(before, plan_of(room, by, starters), time.time())
    entries, after = new_entries(tx.tenant_id, before, new_id(), by, made, timing)
    await eventlog.append(tx, entries)
    await seeding(starters)(tx, after)
    await project(tx, before, after, made)


def plan_of(room: Room, by: UserId, starters: Sequence[SourceFile]) -> OpenSession:
    """A new session of a dojo."""
    return OpenSession(
        session_id=SessionId(new_id()),
        document_id=new_id(),
        by=by,
        owner_id=room.owner_id,
        name=room.name,
        kata=room.kata,
        language=room.language,
        access=room.access,
        capacity=room.capacity,
        turn_seconds=room.turn_seconds,
        files=dojo_files(starters),
    )


def seeding(starters: Sequence[SourceFile]) -> Also:
    """Writes the first update of a new session's document."""

    async def seed(tx: Transaction, state: RoomState) -> None:
        if state.document_id is None:
            raise RuntimeError("an open session has a document")
        await eventlog.create_stream(tx, state.document_id)
        entry = NewEntry(
            tenant_id=tx.tenant_id,
            stream_id=state.document_id,
            op_id=new_id(),
            kind="update",
            actor_id=NIL,
            data=seed_update(starters),
        )
        await eventlog.append(tx, [entry])

    return seed


def starter_files(kata: str, language: str) -> tuple[SourceFile, ...]:
    """What a session begins with."""
    starters = dict(get_kata(kata).files.items())
    for known, files in starters.items():
        if known == language:
            return files
    raise UnknownKata(f"{kata} is not there in {language}.")


async def existing(tx: Transaction, room_id: RoomId) -> Room:
    """A dojo of the tenant.

    Raises:
        RoomNotFound: there is none.
    """
    room = await queries.room_by_id(tx, room_id)
    if room is None:
        raise RoomNotFound
    return room


async def get_room(tx: Transaction, actor: Principal, room_id: RoomId) -> Room:
    """A dojo that ``actor`` may see: any of the organisation, or the one that a guest was let into."""
    actor.require("rooms:read")
    actor.require_reach(room_id)
    return await existing(tx, room_id)


async def list_rooms(tx: Transaction, actor: Principal, query: RoomQuery) -> RoomPage:
    """Dojos that ``actor`` may see, newest first."""
    actor.require("rooms:read")
    found = await queries.list_rooms(tx, query.state, actor.bound_to, query.cursor, query.limit + 1)
    items = tuple(found[: query.limit])
    return RoomPage(items=items, cursor=str(items[-1].id) if len(found) > query.limit else None)


async def get_link(database: Database, tokens: Tokens, code: str) -> RoomLink:
    """What a link leads to; where guests are let in, with a pass that makes one.

    Raises:
        LinkNotFound: no dojo has this code.
    """
    async with database.system() as system:
        found = await queries.find_link(system, code)
    if found is None:
        raise LinkNotFound
    guest_pass = None
    if found.access == "link":
        grant = GuestGrant(tenant_id=found.tenant_id, bound_to=found.room_id)
        guest_pass = tokens.make_pass(grant, ttl=GUEST_PASS_TTL)
    return RoomLink(
        room_id=found.room_id,
        name=found.name,
        organisation=found.organisation,
        kata=found.kata,
        language=found.language,
        access=found.access,
        is_active=found.is_active,
        guest_pass=guest_pass,
    )


def runs_organisation(actor: Principal) -> bool:
    """Whether ``actor`` may act on everybody's dojos."""
    return actor.role in {"owner", "admin"}


async def own_room(live: LiveRooms, actor: Principal, room_id: RoomId) -> Room:
    """A dojo that ``actor`` may change.

    Raises:
        NotYourRoom: somebody else owns it.
    """
    actor.require("rooms:write")
    actor.require_reach(room_id)
    async with live.transaction(actor.tenant_id) as tx:
        room = await existing(tx, room_id)
    if room.owner_id != actor.user_id and not runs_organisation(actor):
        raise NotYourRoom
    return room


async def change_room(live: LiveRooms, actor: Principal, room_id: RoomId, change: RoomChange) -> Room:
    """Change a dojo's plan, and tell the session that is held, in one step.

    Raises:
        SeatsTaken: more people are in it than it would have seats.
    """
    await own_room(live, actor, room_id)

    async def store(tx: Transaction, _: RoomState) -> None:
        await queries.change_room(tx, room_id, change)

    def decide(state: RoomState, _: float) -> tuple[RoomEvent, ...]:
        return change_settings(
            state,
            name=change.name,
            access=change.access,
            capacity=change.capacity,
            turn_seconds=change.turn_seconds,
        )

    done = await live.execute(actor.tenant_id, room_id, Order(new_id(), actor.user_id, decide, store))
    async with live.transaction(actor.tenant_id) as tx:
        if not done.made:
            await queries.change_room(tx, room_id, change)
        return await existing(tx, room_id)


async def open_room(live: LiveRooms, actor: Principal, room_id: RoomId) -> Room:
    """Hold a dojo again: a new session, with a new document.

    Raises:
        RoomAlreadyOpen: a session is being held.
    """
    room = await own_room(live, actor, room_id)
    starters = starter_files(room.kata, room.language)
    plan = plan_of(room, actor.user_id, starters)
    order = Order(new_id(), actor.user_id, lambda state, now: open_session(state, plan, now), seeding(starters))
    await live.execute(actor.tenant_id, room_id, order)
    async with live.transaction(actor.tenant_id) as tx:
        return await existing(tx, room_id)


async def close_room(live: LiveRooms, actor: Principal, room_id: RoomId) -> Room:
    """End the session that is held, if one is; its owner, a host in it or an administrator may.

    Raises:
        NotYourRoom: ``actor`` is none of them.
    """
    actor.require("rooms:join")
    actor.require_reach(room_id)
    state = await live.state(actor.tenant_id, room_id)
    person = state.people.get(actor.user_id)
    leads = person is not None and person.seated and person.leads
    if not leads:
        await own_room(live, actor, room_id)
    order = Order(new_id(), actor.user_id, close_session)
    await live.execute(actor.tenant_id, room_id, order)
    async with live.transaction(actor.tenant_id) as tx:
        return await existing(tx, room_id)
