"""The HTTP door of rooms."""

from core.call import Call
from core.db import Database
from core.errors import Forbidden, Invalid, Unauthenticated
from core.routes import PUBLIC, HttpCall, Routes
from core.tokens import Tokens
from rooms import errors, kata, service
from rooms.answers import Numbered
from rooms.commands import ReportLight
from rooms.live import LiveRooms
from rooms.media import Media
from rooms.models import (
    EditorPass,
    Kata,
    KataSummary,
    LightFiles,
    LightId,
    MediaToken,
    NewRoom,
    Participant,
    Room,
    RoomChange,
    RoomId,
    RoomLink,
    RoomPage,
    RoomQuery,
    Session,
    SessionId,
    SessionSummary,
)

routes = Routes("rooms")
hooks = Routes("rooms", prefix="/hooks")

READ, JOIN, WRITE = "rooms:read", "rooms:join", "rooms:write"


@routes.add("GET", "/kata", access=PUBLIC)
async def list_kata(call: Call) -> tuple[KataSummary, ...]:
    """The built-in kata, the easy ones first."""
    return kata.list_kata()


@routes.add("GET", "/kata/{slug}", access=PUBLIC, problems=[errors.UnknownKata])
async def get_kata(call: Call, slug: str) -> Kata:
    """A kata with its starter files."""
    return kata.get_kata(slug)


@routes.add("POST", "/rooms", access=WRITE, status=201, problems=[Forbidden, Invalid, errors.UnknownKata])
async def create_room(call: Call, body: NewRoom) -> Room:
    """Create a dojo; it is held at once unless it is planned for later."""
    async with call.transaction() as tx:
        return await service.create_room(tx, call.actor, body, call.get(LiveRooms).timing)


@routes.add("GET", "/rooms", access=READ)
async def list_rooms(call: Call, query: RoomQuery) -> RoomPage:
    """Dojos of the organisation, newest first."""
    async with call.transaction() as tx:
        return await service.list_rooms(tx, call.actor, query)


@routes.add("GET", "/rooms/{room_id}", access=READ, problems=[errors.RoomNotFound])
async def get_room(call: Call, room_id: RoomId) -> Room:
    """A dojo."""
    async with call.transaction() as tx:
        return await service.get_room(tx, call.actor, room_id)


@routes.add(
    "PATCH", "/rooms/{room_id}", access=WRITE, problems=[errors.RoomNotFound, errors.NotYourRoom, errors.SeatsTaken]
)
async def change_room(call: Call, room_id: RoomId, body: RoomChange) -> Room:
    """Change a dojo's plan."""
    return await service.change_room(call.get(LiveRooms), call.actor, room_id, body)


@routes.add(
    "POST",
    "/rooms/{room_id}/open",
    access=WRITE,
    problems=[errors.RoomNotFound, errors.NotYourRoom, errors.RoomAlreadyOpen],
)
async def open_room(call: Call, room_id: RoomId) -> Room:
    """Hold a dojo again: a new session."""
    return await service.open_room(call.get(LiveRooms), call.actor, room_id)


@routes.add("POST", "/rooms/{room_id}/close", access=JOIN, problems=[errors.RoomNotFound, errors.NotYourRoom])
async def close_room(call: Call, room_id: RoomId) -> Room:
    """End the session that is held, for everybody."""
    return await service.close_room(call.get(LiveRooms), call.actor, room_id)


@routes.add("GET", "/links/{code}", access=PUBLIC, problems=[errors.LinkNotFound])
async def get_link(call: Call, code: str) -> RoomLink:
    """What a link leads to, before signing in."""
    return await service.get_link(call.get(Database), call.get(Tokens), code)


@routes.add(
    "POST",
    "/rooms/{room_id}/media-token",
    access=JOIN,
    problems=[errors.RoomNotFound, errors.NotAdmitted, errors.Banned, errors.RoomClosed, errors.NoMedia],
)
async def create_media_token(call: Call, room_id: RoomId) -> MediaToken:
    """A token for the dojo's audio and video."""
    return await service.media_token(call.get(LiveRooms), call.get(Media).livekit, call.actor, room_id)


@routes.add(
    "POST",
    "/rooms/{room_id}/editor-pass",
    access=JOIN,
    problems=[errors.RoomNotFound, errors.NotAdmitted, errors.Banned, errors.RoomClosed],
)
async def create_editor_pass(call: Call, room_id: RoomId) -> EditorPass:
    """A pass for the dojo's shared text."""
    return await service.editor_pass(call.get(LiveRooms), call.get(Tokens), call.actor, room_id)


@routes.add("GET", "/rooms/{room_id}/sessions", access=READ, problems=[errors.RoomNotFound])
async def list_sessions(call: Call, room_id: RoomId) -> tuple[Session, ...]:
    """A dojo's sessions, newest first."""
    async with call.transaction() as tx:
        return await service.list_sessions(tx, call.actor, room_id)


@routes.add("GET", "/rooms/{room_id}/sessions/{session_id}/summary", access=READ, problems=[errors.SessionNotFound])
async def get_summary(call: Call, room_id: RoomId, session_id: SessionId) -> SessionSummary:
    """What happened in a session."""
    async with call.transaction() as tx:
        return await service.get_summary(tx, call.actor, room_id, session_id)


@routes.add(
    "POST",
    "/rooms/{room_id}/lights",
    access=JOIN,
    status=201,
    problems=[
        errors.RoomNotFound,
        errors.RoomClosed,
        errors.NotAdmitted,
        errors.NotYourTurn,
        errors.OnlyWatching,
        errors.FilesTooLarge,
    ],
)
async def create_light(call: Call, room_id: RoomId, body: ReportLight) -> Numbered:
    """Say how a test run ended, as ``light:report`` does: for files that are too large for a socket's packet."""
    if body.room_id != room_id:
        raise errors.RoomNotFound("The address and the body name different dojos.")
    return await service.report_light(call.get(LiveRooms), call.actor, body)


@routes.add("GET", "/rooms/{room_id}/lights/{light_id}", access=READ, problems=[errors.LightNotFound])
async def get_light(call: Call, room_id: RoomId, light_id: LightId) -> LightFiles:
    """The files of a test run."""
    async with call.transaction() as tx:
        return await service.get_light(tx, call.get(Tokens), call.actor, room_id, light_id)


@routes.add("GET", "/rooms/{room_id}/participants", access=READ, problems=[errors.RoomNotFound])
async def list_participants(call: Call, room_id: RoomId) -> tuple[Participant, ...]:
    """Who was in a dojo."""
    async with call.transaction() as tx:
        return await service.list_participants(tx, call.actor, room_id)


@hooks.add("POST", "/livekit", access=PUBLIC, rate="hook", problems=[Unauthenticated, errors.NoMedia])
async def receive_livekit_webhook(call: HttpCall) -> None:
    """What LiveKit says about its rooms."""
    authorization = call.header("Authorization") or ""
    livekit = call.get(Media).livekit
    await service.receive_webhook(
        call.get(LiveRooms), call.get(Database), livekit, await call.raw_body(), authorization
    )
