"""Audio and video: tokens, tracks, and what LiveKit tells us or forgot to tell."""

from uuid import UUID

import structlog

from core.call import Principal
from core.db import Database, Transaction
from core.errors import Forbidden
from core.model import UserId
from rooms import queries
from rooms.errors import NoMedia, RoomClosed, TrackNotFound
from rooms.live import LiveRooms
from rooms.livekit import LiveKit, MediaEvent, MediaPerson
from rooms.models import MediaToken, NewTrack, RoomId, SessionId, Track
from rooms.permissions import sources
from rooms.rows import SessionPlace
from rooms.service.people import seated
from rooms.service.plans import existing
from rooms.state import RoomState

log = structlog.get_logger()


async def media_token(live: LiveRooms, livekit: LiveKit | None, actor: Principal, room_id: RoomId) -> MediaToken:
    """A token for the dojo's audio and video, after the same checks as for being in it.

    Raises:
        NoMedia: there is no LiveKit here.
        NotAdmitted: ``actor`` holds no seat.
        Banned: ``actor`` was removed for good.
    """
    actor.require("rooms:join")
    actor.require_reach(room_id)
    state = await live.state(actor.tenant_id, room_id)
    person = seated(state, actor.user_id)
    if livekit is None:
        raise NoMedia
    if state.session_id is None:
        raise RoomClosed
    await livekit.ensure_room(state.session_id, state.capacity)
    return livekit.token(state.session_id, person.id, person.name, sources(state, person))


async def session_of(tx: Transaction, actor: Principal, room_id: RoomId) -> SessionId:
    """The dojo's session that is held."""
    actor.require("rooms:join")
    actor.require_reach(room_id)
    room = await existing(tx, room_id)
    if not room.is_active or room.session_id is None:
        raise RoomClosed
    return room.session_id


async def publish_track(tx: Transaction, actor: Principal, room_id: RoomId, new: NewTrack) -> Track:
    """Note a track of ``actor``.

    Raises:
        RoomClosed: no session is held.
        Forbidden: a track of this id is there already, or was.
    """
    session_id = await session_of(tx, actor, room_id)
    track = await queries.insert_track(tx, room_id, session_id, actor.user_id, new)
    if track is None:
        raise Forbidden("This track is known already.")
    return track


async def unpublish_track(tx: Transaction, actor: Principal, room_id: RoomId, track_id: str) -> None:
    """Note that a track of ``actor`` is over."""
    session_id = await session_of(tx, actor, room_id)
    track = await queries.set_track_started(tx, session_id, track_id, actor.user_id, started=False)
    if track is None:
        raise TrackNotFound
    ended = NewTrack(id=track.id, kind=track.kind, codec=track.codec)
    await queries.end_track(tx, room_id, session_id, actor.user_id, ended)


async def start_track(tx: Transaction, actor: Principal, room_id: RoomId, track_id: str) -> Track:
    """Note that a track of ``actor`` runs."""
    session_id = await session_of(tx, actor, room_id)
    track = await queries.set_track_started(tx, session_id, track_id, actor.user_id, started=True)
    if track is None:
        raise TrackNotFound
    return track


async def stop_track(tx: Transaction, actor: Principal, room_id: RoomId, track_id: str) -> Track:
    """Note that a track of ``actor`` stands still."""
    session_id = await session_of(tx, actor, room_id)
    track = await queries.set_track_started(tx, session_id, track_id, actor.user_id, started=False)
    if track is None:
        raise TrackNotFound
    return track


async def receive_webhook(
    live: LiveRooms, database: Database, livekit: LiveKit | None, body: bytes, authorization: str
) -> None:
    """Take what LiveKit says: once, in whatever order it comes. What is not about our sessions is ignored.

    Raises:
        NoMedia: there is no LiveKit here.
        Unauthenticated: it is not signed by our LiveKit.
    """
    if livekit is None:
        raise NoMedia
    event = livekit.read_webhook(body, authorization)
    if event is None:
        return
    async with database.system() as system:
        place = await queries.find_session(system, event.session_id)
    if place is None:
        return
    async with live.transaction(place.tenant_id) as tx:
        if not await queries.remember_webhook(tx, event.id):
            return
        await note_tracks(tx, place, event)
    if event.kind == "participant_joined" and event.identity is not None:
        state = await live.state(place.tenant_id, place.room_id)
        await sweep(livekit, state, place, event.identity)


async def note_tracks(tx: Transaction, place: SessionPlace, event: MediaEvent) -> None:
    """The table of tracks follows what LiveKit says."""
    person_id = person_of(event.identity)
    if event.kind == "room_finished":
        await queries.end_tracks(tx, place.session_id, None)
    elif person_id is None:
        return
    elif event.kind == "participant_left":
        await queries.end_tracks(tx, place.session_id, person_id)
    elif event.kind == "track_published" and event.track is not None and place.is_open:
        await queries.insert_track(tx, place.room_id, place.session_id, person_id, event.track)
    elif event.kind == "track_unpublished" and event.track is not None:
        await queries.end_track(tx, place.room_id, place.session_id, person_id, event.track)


def person_of(identity: str | None) -> UserId | None:
    """Whose connection it is; None for a recorder or another helper of LiveKit's own."""
    try:
        return UserId(UUID(identity or ""))
    except ValueError:
        return None


async def sweep(livekit: LiveKit, state: RoomState, place: SessionPlace, identity: str) -> bool:
    """Whether ``identity`` may stay; who holds no seat is put out, however good their token."""
    person_id = person_of(identity)
    if person_id is None:
        return True
    person = state.people.get(person_id)
    if state.is_open and state.session_id == place.session_id and person is not None and person.seated:
        return True
    log.info("media_swept", room_id=str(place.room_id))
    await livekit.remove(place.session_id, identity)
    return False


async def reconcile(live: LiveRooms, database: Database, livekit: LiveKit) -> None:
    """Make LiveKit and us agree: rooms of ended sessions end, people without a seat go, permissions and tracks fit."""
    for session_id in await livekit.rooms():
        async with database.system() as system:
            place = await queries.find_session(system, session_id)
        if place is None:
            continue
        if place.is_open:
            await reconcile_session(live, livekit, place)
        else:
            await livekit.end_room(place.session_id)


async def reconcile_session(live: LiveRooms, livekit: LiveKit, place: SessionPlace) -> None:
    """Make one session and its LiveKit room agree."""
    people = await livekit.people(place.session_id)
    state = await live.state(place.tenant_id, place.room_id)
    staying = [person for person in people if await sweep(livekit, state, place, person.identity)]
    for media_person in staying:
        person = state.people.get(person_of(media_person.identity) or UserId(UUID(int=0)))
        if person is not None and media_person.sources != frozenset(sources(state, person)):
            await livekit.permit(place.session_id, media_person.identity, sources(state, person))
    async with live.transaction(place.tenant_id) as tx:
        await note_present(tx, place, staying)
        await queries.forget_webhooks(tx)


async def note_present(tx: Transaction, place: SessionPlace, people: list[MediaPerson]) -> None:
    """The table of tracks is what LiveKit carries now."""
    present = [(person_of(person.identity), track) for person in people for track in person.tracks]
    for person_id, track in present:
        if person_id is not None:
            await queries.insert_track(tx, place.room_id, place.session_id, person_id, track)
    await queries.end_tracks_but(tx, place.session_id, [track.id for _, track in present])
