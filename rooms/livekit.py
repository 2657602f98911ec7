"""The one file that speaks with LiveKit: tokens for people, its rooms and participants, its webhooks.

A grant that is left out means *allowed* to LiveKit, and an empty room means *any* room: so every grant is stated, and
the room is always the session's id.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

import aiohttp
import structlog
from livekit import api

from core.errors import Unauthenticated, Unavailable
from core.model import UserId
from rooms.models import MediaToken, NewTrack, SessionId, TrackKind
from rooms.permissions import Source
from rooms.settings import LiveKitSettings

log = structlog.get_logger()

T = TypeVar("T")

TIMEOUT = 5.0
KEPT = 6 * 3600
"""Seconds that LiveKit keeps an empty room; we end it ourselves, long before."""

TRACK_SOURCES: dict[Source, api.TrackSource.ValueType] = {
    "microphone": api.TrackSource.MICROPHONE,
    "camera": api.TrackSource.CAMERA,
    "screen_share": api.TrackSource.SCREEN_SHARE,
    "screen_share_audio": api.TrackSource.SCREEN_SHARE_AUDIO,
}


class MediaPerson(NamedTuple):
    """Someone who is connected to a LiveKit room."""

    identity: str
    sources: frozenset[Source]
    tracks: tuple[NewTrack, ...]


class MediaEvent(NamedTuple):
    """A verified webhook, in our words."""

    id: str
    kind: str
    session_id: SessionId
    identity: str | None
    track: NewTrack | None


class LiveKit:
    """A LiveKit server, reached with our key."""

    def __init__(self, url: str, public_url: str, key: str, secret: str, token_ttl: float) -> None:
        self._public_url = public_url.rstrip("/")
        self._key = key
        self._secret = secret
        self._ttl = token_ttl
        self._url = url
        self._api: api.LiveKitAPI | None = None
        self._webhooks = api.WebhookReceiver(api.TokenVerifier(key, secret))

    @classmethod
    def of(cls, settings: LiveKitSettings) -> "LiveKit | None":
        """The server that ``settings`` name, if they name one."""
        if settings.url is None or settings.api_key is None or settings.api_secret is None:
            return None
        public = settings.public_url or settings.url
        secret = settings.api_secret.get_secret_value()
        return cls(str(settings.url), str(public), settings.api_key, secret, settings.token_ttl)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["LiveKit"]:
        """Be able to call the server while the block runs."""
        self._api = api.LiveKitAPI(self._url, self._key, self._secret, failover=False)
        try:
            yield self
        finally:
            await self._api.aclose()

    def token(self, session_id: SessionId, user_id: UserId, name: str, sources: Sequence[Source]) -> MediaToken:
        """A token that opens a connection to the session's room within the next minutes, and may send ``sources``."""
        grants = api.VideoGrants(
            room_join=True,
            room=str(session_id),
            can_subscribe=True,
            can_publish=bool(sources),
            can_publish_sources=list(sources),
            can_publish_data=False,
            can_update_own_metadata=False,
            can_subscribe_metrics=False,
            can_manage_agent_session=False,
            room_create=False,
            room_list=False,
            room_record=False,
            room_admin=False,
            ingress_admin=False,
            hidden=False,
            recorder=False,
            agent=False,
        )
        token = (
            api.AccessToken(self._key, self._secret)
            .with_identity(str(user_id))
            .with_name(name)
            .with_ttl(timedelta(seconds=self._ttl))
            .with_grants(grants)
        )
        return MediaToken(url=self._public_url, token=token.to_jwt(), expires_at=time.time() + self._ttl)

    async def ensure_room(self, session_id: SessionId, capacity: int) -> None:
        """Have a room for the session; creating one that exists changes nothing."""
        request = api.CreateRoomRequest(
            name=str(session_id), empty_timeout=KEPT, departure_timeout=KEPT, max_participants=capacity + 2
        )
        await self._ask(self._server.room.create_room(request))

    async def end_room(self, session_id: SessionId) -> None:
        """End the session's room for everybody; old tokens cannot bring it back."""
        with _missing_is_fine():
            await self._ask(self._server.room.delete_room(api.DeleteRoomRequest(room=str(session_id))))

    async def remove(self, session_id: SessionId, identity: str) -> None:
        """End someone's connection. Their token still opens another until it expires: sweep, or ask again later."""
        with _missing_is_fine():
            request = api.RoomParticipantIdentity(room=str(session_id), identity=identity)
            await self._ask(self._server.room.remove_participant(request))

    async def permit(self, session_id: SessionId, identity: str, sources: Sequence[Source]) -> None:
        """Let someone send ``sources`` and nothing else; what they send beyond ends at once."""
        permission = api.ParticipantPermission(
            can_subscribe=True,
            can_publish=bool(sources),
            can_publish_sources=[TRACK_SOURCES[source] for source in sources],
            can_publish_data=False,
            can_update_metadata=False,
            can_subscribe_metrics=False,
            can_manage_agent_session=False,
            hidden=False,
        )
        with _missing_is_fine():
            request = api.UpdateParticipantRequest(room=str(session_id), identity=identity, permission=permission)
            await self._ask(self._server.room.update_participant(request))

    async def rooms(self) -> frozenset[UUID]:
        """Every room on the server whose name is an id; others are not ours."""
        answer = await self._ask(self._server.room.list_rooms(api.ListRoomsRequest()))
        return frozenset(found for room in answer.rooms if (found := _as_id(room.name)) is not None)

    async def people(self, session_id: SessionId) -> list[MediaPerson]:
        """Who is connected to the session's room; nobody, if there is no room."""
        with _missing_is_fine():
            answer = await self._ask(
                self._server.room.list_participants(api.ListParticipantsRequest(room=str(session_id)))
            )
            return [_person(info) for info in answer.participants]
        return []

    def read_webhook(self, body: bytes, authorization: str) -> MediaEvent | None:
        """What a webhook says; None if it concerns no room of ours.

        Raises:
            Unauthenticated: LiveKit did not sign exactly this.
        """
        try:
            event = self._webhooks.receive(body.decode(), authorization)
        except Exception as error:  # the receiver raises bare exceptions, and those of three libraries
            raise Unauthenticated("This is not signed by our LiveKit.") from error
        session_id = _as_id(event.room.name)
        if session_id is None or not event.id:
            return None
        has_track = event.HasField("track")
        return MediaEvent(
            id=event.id,
            kind=event.event,
            session_id=SessionId(session_id),
            identity=event.participant.identity or None if event.HasField("participant") else None,
            track=_track(event.track) if has_track else None,
        )

    @property
    def _server(self) -> api.LiveKitAPI:
        if self._api is None:
            raise Unavailable("LiveKit is not open in this process.")
        return self._api

    @staticmethod
    async def _ask(answer: Awaitable[T]) -> T:
        """The server's answer.

        Raises:
            Unavailable: it gives none, or refuses.
            KeyError: the room or person is not there.
        """
        try:
            async with asyncio.timeout(TIMEOUT):  # the library asks its session to wait for ever
                return await answer
        except api.TwirpError as error:
            if error.code == "not_found":
                raise KeyError(error.message) from error
            log.warning("livekit_refused", code=error.code)
            raise Unavailable("LiveKit refuses.", retry_after=5) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable("LiveKit is not answering.", retry_after=5) from error


def _missing_is_fine() -> contextlib.suppress:
    """What is not there need not be ended or changed."""
    return contextlib.suppress(KeyError)


def _as_id(name: str) -> UUID | None:
    try:
        return UUID(name)
    except ValueError:
        return None


def _kind(track: api.TrackInfo) -> TrackKind:
    return "audio" if track.type == api.TrackType.AUDIO else "video"


def _track(track: api.TrackInfo) -> NewTrack:
    return NewTrack(id=track.sid, kind=_kind(track), codec=track.mime_type.rpartition("/")[2].lower())


def _person(info: api.ParticipantInfo) -> MediaPerson:
    allowed = frozenset(name for name, value in TRACK_SOURCES.items() if value in info.permission.can_publish_sources)
    return MediaPerson(
        identity=info.identity,
        sources=allowed if info.permission.can_publish else frozenset(),
        tracks=tuple(_track(track) for track in info.tracks),
    )
