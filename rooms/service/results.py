"""What a session leaves: its text, its summary, its test runs."""

import time

from core import eventlog
from core.call import Principal
from core.db import Transaction
from core.model import UserId
from core.tokens import Tokens
from rooms import queries
from rooms.errors import LightNotFound, RoomClosed, SessionNotFound
from rooms.events import Provenance, RoomEvent, SessionClosed, SessionOpened
from rooms.live import LiveRooms
from rooms.log import PAGE, event_of
from rooms.models import (
    EditorGrant,
    EditorPass,
    LightFiles,
    LightId,
    RoomId,
    Session,
    SessionId,
    SessionSummary,
)
from rooms.rows import SessionRow
from rooms.service.people import seated
from rooms.service.plans import existing
from rooms.summary import summarise

EDITOR_PASS_TTL = 120.0
PROVENANCE_TTL = 3600.0
SESSIONS_MAX = 100


async def editor_pass(live: LiveRooms, tokens: Tokens, actor: Principal, room_id: RoomId) -> EditorPass:
    """A pass that opens the shared document on any gateway.

    Raises:
        NotAdmitted: ``actor`` holds no seat.
        RoomClosed: no session is held.
    """
    actor.require("rooms:join")
    actor.require_reach(room_id)
    state = await live.state(actor.tenant_id, room_id)
    person = seated(state, actor.user_id)
    if state.document_id is None:
        raise RoomClosed
    may_write = person.role != "spectator"
    grant = EditorGrant(
        tenant_id=actor.tenant_id,
        room_id=room_id,
        document_id=state.document_id,
        user_id=UserId(actor.user_id),
        sign_in_id=actor.sign_in_id,
        name=person.name,
        may_write=may_write,
        seq=state.seq,
    )
    return EditorPass(
        path=f"/yjs/{state.document_id}",
        word=tokens.make_pass(grant, ttl=EDITOR_PASS_TTL, since=("seq",)),
        document_id=state.document_id,
        may_write=may_write,
        expires_at=time.time() + EDITOR_PASS_TTL,
    )


async def list_sessions(tx: Transaction, actor: Principal, room_id: RoomId) -> tuple[Session, ...]:
    """The last sessions of a dojo, newest first."""
    actor.require("rooms:read")
    actor.require_reach(room_id)
    await existing(tx, room_id)
    return tuple(await queries.list_sessions(tx, room_id, SESSIONS_MAX))


async def get_summary(tx: Transaction, actor: Principal, room_id: RoomId, session_id: SessionId) -> SessionSummary:
    """What happened in a session; of one that is held, so far.

    Raises:
        SessionNotFound: the dojo had no such session.
    """
    actor.require("rooms:read")
    actor.require_reach(room_id)
    session = await queries.session_by_id(tx, room_id, session_id)
    if session is None:
        raise SessionNotFound
    return await queries.summary_by_session(tx, session_id) or await summary_of(tx, session)


async def make_summary(tx: Transaction, room_id: RoomId, session_id: SessionId) -> None:
    """Keep the summary of a session that is over; doing it twice changes nothing."""
    session = await queries.session_by_id(tx, room_id, session_id)
    if session is not None:
        await queries.insert_summary(tx, await summary_of(tx, session))


async def summary_of(tx: Transaction, session: SessionRow) -> SessionSummary:
    """The summary, from the session's part of the log."""
    told: list[tuple[float, RoomEvent]] = []
    since = session.opened_seq - 1
    while page := await eventlog.read(tx, session.room_id, since, PAGE):
        for entry in page:
            event = event_of(entry)
            if isinstance(event, SessionOpened) and told:
                return summarise(session, told, time.time())
            told.append((entry.at, event))
            if isinstance(event, SessionClosed):
                return summarise(session, told, time.time())
        since = page[-1].seq
    return summarise(session, told, time.time())


async def get_light(
    tx: Transaction, tokens: Tokens, actor: Principal, room_id: RoomId, light_id: LightId
) -> LightFiles:
    """The files of a test run, with the dojo's word for where they come from.

    Raises:
        LightNotFound: there is no such test run in this dojo.
    """
    actor.require("rooms:read")
    actor.require_reach(room_id)
    room = await existing(tx, room_id)
    row = await queries.light_by_id(tx, room_id, light_id)
    if row is None:
        raise LightNotFound
    provenance = Provenance(
        tenant_id=actor.tenant_id,
        room_id=room_id,
        session_id=row.session_id,
        light_id=light_id,
        dojo=room.name,
        kata=room.kata,
        language=room.language,
        colour=row.colour,
        authors=row.authors,
        files_sha256=Provenance.digest((file.name, file.text) for file in row.files),
    )
    word = tokens.make_pass(provenance, ttl=PROVENANCE_TTL)
    return LightFiles(light_id=light_id, colour=row.colour, at=row.at, files=row.files, provenance=word)
