"""Audio and video with a real LiveKit: tokens, kicks that stick, permissions, webhooks, reconciliation."""

import asyncio
import base64
import hashlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import jwt
import numpy as np
import pytest
from aiohttp import web
from livekit import api, rtc

from core.call import Principal
from core.db import Database
from core.errors import Unauthenticated, Unavailable
from core.limits import Limits
from core.model import new_id
from core.routes import Edge, edge_middleware
from core.settings import CoreSettings
from rooms import errors, service
from rooms.commands import ChangeRole, LeaveRoom, RemovePerson, SetSpeech
from rooms.livekit import LiveKit
from rooms.media import Media
from rooms.models import MediaToken, Room, SessionId
from rooms.routes import hooks
from tests.conftest import LiveKitServer
from tests.rooms.house import House, eventually

NewHouse = Callable[..., AbstractAsyncContextManager[House]]
SPEECH = {"microphone", "camera", "screen_share", "screen_share_audio"}


@pytest.fixture
async def studio(new_house: NewHouse, livekit: LiveKitServer) -> AsyncIterator[House]:
    """A house with LiveKit."""
    async with new_house(LiveKit(livekit.url, livekit.url, livekit.key, livekit.secret, 120)) as made:
        yield made


def server(house: House) -> LiveKit:
    """The house's LiveKit."""
    found = house.resources.get(Media).livekit
    assert found is not None
    return found


def session(room: Room) -> SessionId:
    """The session that is held."""
    assert room.session_id is not None
    return room.session_id


async def ask(house: House, who: Principal, room: Room) -> MediaToken:
    """A token."""
    return await service.media_token(house.live, server(house), who, room.id)


@asynccontextmanager
async def connected(token: MediaToken) -> AsyncIterator[rtc.Room]:
    """Connected to LiveKit."""
    room = rtc.Room()
    await room.connect(token.url, token.token)
    try:
        yield room
    finally:
        await room.disconnect()


async def speak(room: rtc.Room) -> rtc.LocalTrackPublication:
    """Publish a microphone."""
    source = rtc.AudioSource(48_000, 1)
    track = rtc.LocalAudioTrack.create_audio_track("voice", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
    publication = await room.local_participant.publish_track(track, options)
    frame = rtc.AudioFrame(np.zeros(480, dtype=np.int16).tobytes(), 48_000, 1, 480)
    await source.capture_frame(frame)
    return publication


def gone(room: rtc.Room) -> Callable[[], Awaitable[bool]]:
    """Whether the connection ended."""

    async def check() -> bool:
        return bool(room.connection_state == rtc.ConnectionState.CONN_DISCONNECTED)

    return check


async def test_without_livekit_there_is_a_clear_answer(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    with pytest.raises(errors.NoMedia):
        await service.media_token(house.live, None, ana, room.id)


async def test_token_says_everything_and_no_more(studio: House, livekit: LiveKitServer, ana: Principal) -> None:
    room = await studio.create(ana)
    await studio.enter(ana, room)
    token = await ask(studio, ana, room)
    claims = jwt.decode(token.token, livekit.secret, algorithms=["HS256"])
    video = claims["video"]
    assert (claims["sub"], video["room"], video["roomJoin"]) == (str(ana.user_id), str(room.session_id), True)
    assert set(video["canPublishSources"]) == SPEECH
    for grant in (
        "roomAdmin", "roomCreate", "roomList", "roomRecord", "ingressAdmin", "hidden", "recorder", "agent",
        "canPublishData", "canUpdateOwnMetadata",
    ):  # fmt: skip
        assert video[grant] is False
    assert 110 < claims["exp"] - time.time() <= 120


async def test_token_is_for_those_who_are_in(studio: House, ana: Principal, bea: Principal) -> None:
    room = await studio.create(ana)
    with pytest.raises(errors.NotAdmitted):
        await ask(studio, ana, room)
    await studio.enter(ana, room)
    await studio.enter(bea, room)
    await studio.give(ana, room, RemovePerson, person_id=bea.user_id, ban=True)
    with pytest.raises(errors.Banned):
        await ask(studio, bea, room)
    await service.close_room(studio.live, ana, room.id)
    with pytest.raises(errors.RoomClosed):
        await ask(studio, ana, room)


async def test_livekit_away_is_unavailable(new_house: NewHouse, ana: Principal) -> None:
    async with new_house(LiveKit("ws://127.0.0.1:9", "ws://127.0.0.1:9", "dojo", "s" * 32, 120)) as made:
        room = await made.create(ana)
        await made.enter(ana, room)
        with pytest.raises(Unavailable):
            await ask(made, ana, room)
        await service.close_room(made.live, ana, room.id)


async def test_livekit_that_never_answers_is_unavailable_soon(new_house: NewHouse, ana: Principal) -> None:
    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()

    silent = await asyncio.start_server(keep_silent, "127.0.0.1", 0)
    url = f"ws://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    async with silent, new_house(LiveKit(url, url, "dojo", "s" * 32, 120)) as made:
        room = await made.create(ana)
        await made.enter(ana, room)
        with pytest.raises(Unavailable):
            async with asyncio.timeout(8):
                await ask(made, ana, room)


async def test_removed_person_is_out_and_the_end_is_for_all(studio: House, ana: Principal, bea: Principal) -> None:
    room = await studio.create(ana)
    await studio.enter(ana, room)
    await studio.enter(bea, room)
    async with connected(await ask(studio, ana, room)) as mine, connected(await ask(studio, bea, room)) as theirs:
        await studio.give(ana, room, RemovePerson, person_id=bea.user_id, ban=True)
        await eventually(gone(theirs))
        await service.close_room(studio.live, ana, room.id)
        await eventually(gone(mine))
    assert session(room) not in await server(studio).rooms()


async def test_speech_taken_away_ends_the_track(studio: House, ana: Principal, bea: Principal) -> None:
    room = await studio.create(ana)
    await studio.enter(ana, room)
    await studio.enter(bea, room)
    async with connected(await ask(studio, bea, room)) as theirs:
        await speak(theirs)

        async def speaking() -> bool:
            return any(person.tracks for person in await server(studio).people(session(room)))

        async def silent() -> bool:
            return not await speaking()

        await eventually(speaking)
        await studio.give(ana, room, SetSpeech, person_id=bea.user_id, may_speak=False)
        await eventually(silent)
        (person,) = await server(studio).people(session(room))
        assert person.sources == SPEECH - {"microphone"}
        await studio.give(ana, room, ChangeRole, person_id=bea.user_id, role="spectator")
        assert studio.follower is not None
        await studio.follower.settled()
        (person,) = await server(studio).people(session(room))
        assert person.sources == frozenset()


async def test_reconcile_puts_out_who_has_no_seat(
    studio: House, new_house: NewHouse, ana: Principal, bea: Principal, database: Database
) -> None:
    room = await studio.create(ana)
    await studio.enter(ana, room)
    await studio.enter(bea, room)
    old = await ask(studio, bea, room)
    async with connected(await ask(studio, ana, room)) as mine:
        await speak(mine)
        await studio.give(bea, room, LeaveRoom)
        assert studio.follower is not None
        await studio.follower.settled()
        async with connected(old) as theirs:
            await service.reconcile(studio.live, database, server(studio))
            await eventually(gone(theirs))
        assert mine.connection_state == rtc.ConnectionState.CONN_CONNECTED
        async with studio.call(ana).transaction() as tx:
            tracks = await tx.rows("SELECT kind, codec FROM tracks WHERE tenant_id = $1", tx.tenant_id)
        assert tracks in ([("audio", "opus")], [("audio", "red")])  # red: opus, sent twice against loss
        async with new_house() as without:
            await service.close_room(without.live, ana, room.id)
        await service.reconcile(studio.live, database, server(studio))
        await eventually(gone(mine))


@asynccontextmanager
async def listening(house: House, port: int, settings: CoreSettings) -> AsyncIterator[None]:
    """The door for LiveKit's webhooks, where the session's LiveKit sends them."""
    house.resources.provide(Limits, Limits(str(settings.redis_url)))
    app = web.Application(middlewares=[edge_middleware])
    Edge(house.resources).mount(app, hooks.items)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def test_webhooks_keep_the_tracks_and_sweep_the_removed(
    studio: House, livekit: LiveKitServer, settings: CoreSettings, ana: Principal, bea: Principal
) -> None:
    room = await studio.create(ana)
    await studio.enter(ana, room)
    await studio.enter(bea, room)
    old = await ask(studio, bea, room)

    async def tracks() -> list[tuple[object, ...]]:
        async with studio.call(ana).transaction() as tx:
            return await tx.rows(
                "SELECT participant_id FROM tracks WHERE tenant_id = $1 AND ended_at IS NULL", tx.tenant_id
            )

    async def one() -> bool:
        return await tracks() == [(ana.user_id,)]

    async def none() -> bool:
        return await tracks() == []

    async with listening(studio, livekit.webhook_port, settings):
        async with connected(await ask(studio, ana, room)) as mine:
            publication = await speak(mine)
            await eventually(one)
            await mine.local_participant.unpublish_track(publication.sid)
            await eventually(none)
            await studio.give(ana, room, RemovePerson, person_id=bea.user_id, ban=True)
            async with connected(old) as theirs:
                await eventually(gone(theirs))
        await service.close_room(studio.live, ana, room.id)


def signed(livekit: LiveKitServer, event: dict[str, object], secret: str | None = None) -> tuple[bytes, str]:
    """A webhook as LiveKit signs it."""
    body = json.dumps(event).encode()
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    token = api.AccessToken(livekit.key, secret or livekit.secret).with_sha256(digest).to_jwt()
    return body, token


def track_event(room: Room, kind: str, event_id: str, who: Principal) -> dict[str, object]:
    """A webhook about a microphone."""
    return {
        "event": kind, "id": event_id, "room": {"name": str(room.session_id)},
        "participant": {"identity": str(who.user_id)},
        "track": {"sid": "TR_x", "type": "AUDIO", "mimeType": "audio/opus"},
    }  # fmt: skip


async def test_webhooks_come_in_any_order_and_twice(
    studio: House, livekit: LiveKitServer, database: Database, ana: Principal
) -> None:
    room = await studio.create(ana)
    for kind, event_id in (
        ("track_unpublished", "EV_2"), ("track_published", "EV_1"), ("track_published", "EV_1"),
    ):  # fmt: skip
        body, word = signed(livekit, track_event(room, kind, event_id + room.code, ana))
        await service.receive_webhook(studio.live, database, server(studio), body, word)
    async with studio.call(ana).transaction() as tx:
        rows = await tx.rows("SELECT ended_at IS NULL FROM tracks WHERE tenant_id = $1", tx.tenant_id)
        seen = await tx.rows("SELECT id FROM webhook_events WHERE tenant_id = $1", tx.tenant_id)
    assert (rows, len(seen)) == ([(False,)], 2)


async def test_webhook_about_nothing_of_ours_is_ignored(
    studio: House, livekit: LiveKitServer, database: Database
) -> None:
    for name in ("a room of somebody else", str(new_id())):
        body, word = signed(livekit, {"event": "room_started", "id": "EV_9", "room": {"name": name}})
        await service.receive_webhook(studio.live, database, server(studio), body, word)


@pytest.mark.parametrize("fault", ["secret", "body", "nothing", "garbage", "no-hash"])
async def test_webhook_that_livekit_did_not_sign_is_refused(
    studio: House, livekit: LiveKitServer, database: Database, ana: Principal, fault: str
) -> None:
    room = await studio.create(ana)
    body, word = signed(
        livekit, track_event(room, "track_published", "EV_3", ana), "x" * 40 if fault == "secret" else None
    )
    if fault == "body":
        body += b" "
    elif fault == "nothing":
        word = ""
    elif fault == "garbage":
        body, word = b"\xff\xfe", "a.b.c"
    elif fault == "no-hash":
        word = api.AccessToken(livekit.key, livekit.secret).to_jwt()
    with pytest.raises(Unauthenticated):
        await service.receive_webhook(studio.live, database, server(studio), body, word)
