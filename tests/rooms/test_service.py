"""A dojo's plan, its people in tables, its lights and its summary."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from core.call import Principal
from core.errors import Forbidden, NotFound
from core.model import TenantId, new_id
from core.tokens import Tokens
from identity.events import GuestGrant
from rooms import errors, service
from rooms.commands import (
    AdmitPeople,
    ChangeRole,
    LeaveRoom,
    RemovePerson,
    SendChat,
    StartRotation,
)
from rooms.events import Provenance
from rooms.models import (
    EditorGrant,
    LightFiles,
    LightId,
    NewRoom,
    NewTrack,
    Room,
    RoomChange,
    RoomQuery,
)
from tests.rooms.house import FILES, House, guest, principal, report


async def light(house: House, who: Principal, room: Room, light_id: LightId) -> LightFiles:
    """Its files."""
    async with house.call(who).transaction() as tx:
        return await service.get_light(tx, house.resources.get(Tokens), who, room.id, light_id)


async def test_create_room_names_itself_after_its_kata(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    assert room.name == f"FizzBuzz {datetime.now(UTC).date().isoformat()}"
    assert (room.owner_id, room.is_active, len(room.code)) == (ana.user_id, True, 12)


async def test_create_room_refuses_an_unknown_kata(house: House, ana: Principal) -> None:
    with pytest.raises(errors.UnknownKata):
        await house.create(ana, kata="../etc/passwd")


async def test_create_room_refuses_guests(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    with pytest.raises(Forbidden):
        await house.create(guest(room, ana.tenant_id))


@pytest.mark.parametrize("change", [{"capacity": 0}, {"turn_seconds": 1}, {"name": " "}, {"language": "cobol"}])
def test_new_room_refuses_nonsense(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NewRoom.model_validate({"kata": "fizzbuzz", **change})


async def test_planned_room_is_opened_later(house: House, ana: Principal) -> None:
    room = await house.create(ana, starts_at=datetime.now(UTC) + timedelta(days=1))
    assert (room.is_active, room.session_id) == (False, None)
    with pytest.raises(errors.RoomClosed):
        await house.enter(ana, room)
    opened = await service.open_room(house.live, ana, room.id)
    assert opened.is_active
    await house.enter(ana, room)
    with pytest.raises(errors.RoomAlreadyOpen):
        await service.open_room(house.live, ana, room.id)


async def test_room_is_held_many_times(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.give(ana, room, SendChat, text="first")
    closed = await service.close_room(house.live, ana, room.id)
    assert not closed.is_active
    again = await service.open_room(house.live, ana, room.id)
    assert again.session_id != room.session_id
    state = await house.state(ana, room.id)
    assert (state.is_open, state.chat, state.people) == (True, (), {})
    async with house.call(ana).transaction() as tx:
        sessions = await service.list_sessions(tx, ana, room.id)
    assert [session.end_reason for session in sessions] == [None, "host"]


async def test_ban_outlives_the_session(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.enter(bea, room)
    await house.give(ana, room, RemovePerson, person_id=bea.user_id, ban=True)
    await service.close_room(house.live, ana, room.id)
    await service.open_room(house.live, ana, room.id)
    with pytest.raises(errors.Banned):
        await house.enter(bea, room)


async def test_close_room_is_for_owner_hosts_and_admins(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    with pytest.raises(errors.NotYourRoom):
        await service.close_room(house.live, bea, room.id)
    with pytest.raises(Forbidden):
        await service.close_room(house.live, guest(room, ana.tenant_id), room.id)
    await house.enter(ana, room)
    await house.enter(bea, room)
    await house.give(ana, room, ChangeRole, person_id=bea.user_id, role="cohost")
    await service.close_room(house.live, bea, room.id)
    await service.open_room(house.live, principal(ana.tenant_id, "Ada", "admin"), room.id)
    await service.close_room(house.live, ana, room.id)
    assert not (await service.close_room(house.live, ana, room.id)).is_active


async def test_admin_leads_a_dojo_that_nobody_leads(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    ada = principal(ana.tenant_id, "Ada", "admin")
    await house.enter(ada, room)
    assert (await house.state(ana, room.id)).people[ada.user_id].role == "cohost"


async def test_change_room_reaches_the_session(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    changed = await service.change_room(
        house.live, ana, room.id, RoomChange(name="Katas", capacity=1, access="members")
    )
    state = await house.state(ana, room.id)
    assert (changed.name, state.name, state.capacity, state.access) == ("Katas", "Katas", 1, "members")
    with pytest.raises(errors.RoomFull):
        await house.enter(bea, room)
    with pytest.raises(errors.NotYourRoom):
        await service.change_room(house.live, bea, room.id, RoomChange(name="Mine"))


async def test_change_room_cannot_take_seats_away(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.enter(bea, room)
    with pytest.raises(errors.SeatsTaken):
        await service.change_room(house.live, ana, room.id, RoomChange(capacity=1))
    async with house.call(ana).transaction() as tx:
        assert (await service.get_room(tx, ana, room.id)).capacity == 30


async def test_list_rooms_pages_newest_first(house: House, ana: Principal) -> None:
    rooms = [await house.create(ana) for _ in range(3)]
    await service.close_room(house.live, ana, rooms[0].id)
    planned = await house.create(ana, starts_at=datetime.now(UTC) + timedelta(days=1))
    async with house.call(ana).transaction() as tx:
        first = await service.list_rooms(tx, ana, RoomQuery(limit=2))
        query = RoomQuery.model_validate({"limit": 2, "cursor": first.cursor})
        second = await service.list_rooms(tx, ana, query)
        states = {
            state: [item.id for item in (await service.list_rooms(tx, ana, RoomQuery(state=state))).items]
            for state in ("open", "planned", "ended")
        }
    assert [item.id for item in first.items + second.items] == [planned.id, *(room.id for room in reversed(rooms))]
    assert second.cursor is None
    assert states == {"open": [rooms[2].id, rooms[1].id], "planned": [planned.id], "ended": [rooms[0].id]}


async def test_guest_sees_their_dojo_alone(house: House, ana: Principal) -> None:
    room, other = await house.create(ana), await house.create(ana)
    gil = guest(room, ana.tenant_id)
    async with house.call(gil).transaction() as tx:
        assert [item.id for item in (await service.list_rooms(tx, gil, RoomQuery())).items] == [room.id]
        with pytest.raises(NotFound):
            await service.get_room(tx, gil, other.id)
    with pytest.raises(NotFound):
        await house.enter(gil, other)


async def test_other_tenants_room_is_not_found(
    house: House, ana: Principal, new_tenant: Callable[[], Awaitable[TenantId]]
) -> None:
    room = await house.create(ana)
    eve = principal(await new_tenant(), "Eve", "owner")
    async with house.call(eve).transaction() as tx:
        assert (await service.list_rooms(tx, eve, RoomQuery())).items == ()
        with pytest.raises(errors.RoomNotFound):
            await service.get_room(tx, eve, room.id)
    with pytest.raises(errors.RoomNotFound):
        await house.enter(eve, room)
    with pytest.raises(errors.RoomNotFound):
        await service.close_room(house.live, eve, room.id)


async def test_link_gives_a_guest_pass_where_guests_are_let_in(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    members = await house.create(ana, access="members")
    call, tokens = house.call(ana), house.resources.get(Tokens)
    async with call.transaction():
        pass
    link = await service.get_link(house.live._database, tokens, room.code)
    assert (link.room_id, link.organisation, link.is_active) == (room.id, "Dojo Friends", True)
    grant = tokens.read_pass(GuestGrant, link.guest_pass or "")
    assert (grant.tenant_id, grant.bound_to) == (ana.tenant_id, room.id)
    closed = await service.get_link(house.live._database, tokens, members.code)
    assert closed.guest_pass is None
    with pytest.raises(errors.LinkNotFound):
        await service.get_link(house.live._database, tokens, "nowhere")


async def test_participants_table_follows(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    gil = guest(room, ana.tenant_id)
    for who in (ana, bea, gil):
        await house.enter(who, room)
    await house.give(ana, room, AdmitPeople)
    await house.enter(gil, room)
    await house.give(ana, room, ChangeRole, person_id=gil.user_id, role="spectator")
    await house.give(bea, room, LeaveRoom)
    async with house.call(ana).transaction() as tx:
        people = await service.list_participants(tx, ana, room.id)
    assert [(person.name, person.role, person.is_connected) for person in people] == [
        ("Ana", "host", True),
        ("Bea", "participant", False),
        ("Gil", "spectator", True),
    ]
    await service.close_room(house.live, ana, room.id)
    async with house.call(ana).transaction() as tx:
        assert not any(person.is_connected for person in await service.list_participants(tx, ana, room.id))


async def test_contract_names_of_people_work(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    gil = guest(room, ana.tenant_id)
    await house.enter(ana, room)
    await house.enter(gil, room)
    await service.add_participant(house.live, ana, room.id, gil.user_id)
    await house.enter(gil, room)
    await service.broadcast_message(house.live, ana, room.id, "welcome")
    await service.remove_participant(house.live, ana, room.id, gil.user_id, ban=True)
    state = await house.state(ana, room.id)
    assert (state.chat[-1].text, gil.user_id in state.banned) == ("welcome", True)


async def test_editor_pass_says_who_may_write(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    tokens = house.resources.get(Tokens)
    with pytest.raises(errors.NotAdmitted):
        await service.editor_pass(house.live, tokens, ana, room.id)
    await house.enter(ana, room)
    await house.enter(bea, room)
    await house.give(ana, room, ChangeRole, person_id=bea.user_id, role="spectator")
    for who, may_write in ((ana, True), (bea, False)):
        made = await service.editor_pass(house.live, tokens, who, room.id)
        grant = tokens.read_pass(EditorGrant, made.word)
        assert (grant.user_id, grant.name, grant.may_write, made.may_write) == (
            who.user_id, who.name, may_write, may_write,
        )  # fmt: skip
        assert made.path == f"/yjs/{grant.document_id}"
    await house.give(ana, room, RemovePerson, person_id=bea.user_id, ban=True)
    with pytest.raises(errors.Banned):
        await service.editor_pass(house.live, tokens, bea, room.id)
    await service.close_room(house.live, ana, room.id)
    with pytest.raises(errors.RoomClosed):
        await service.editor_pass(house.live, tokens, ana, room.id)


async def test_light_keeps_its_files_and_authors(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.enter(bea, room)
    light_id = await report(house, ana, room)
    kept = await light(house, bea, room, light_id)
    assert kept.files == FILES
    said = house.resources.get(Tokens).read_pass(Provenance, kept.provenance)
    assert (said.authors, said.colour, said.kata, said.tenant_id) == (
        ("Ana", "Bea"),
        "green",
        "fizzbuzz",
        ana.tenant_id,
    )
    assert said.files_sha256 == Provenance.digest((file.name, file.text) for file in FILES)
    with pytest.raises(errors.LightNotFound):
        await light(house, bea, room, LightId(new_id()))


async def test_refused_light_keeps_nothing(house: House, ana: Principal, bea: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    await house.enter(bea, room)
    await house.give(ana, room, StartRotation)
    with pytest.raises(errors.NotYourTurn):
        await report(house, bea, room)
    async with house.call(ana).transaction() as tx:
        assert await tx.rows("SELECT id FROM lights WHERE tenant_id = $1", tx.tenant_id) == []


async def test_tracks_are_published_started_stopped_and_unpublished(
    house: House, ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    new = NewTrack(id="TR_1", kind="audio", codec="opus")
    async with house.call(ana).transaction() as tx:
        track = await service.publish_track(tx, ana, room.id, new)
        assert (track.participant_id, track.codec) == (ana.user_id, "opus")
        await service.stop_track(tx, ana, room.id, "TR_1")
        await service.start_track(tx, ana, room.id, "TR_1")
        with pytest.raises(errors.TrackNotFound):
            await service.stop_track(tx, bea, room.id, "TR_1")
        await service.unpublish_track(tx, ana, room.id, "TR_1")
        with pytest.raises(errors.TrackNotFound):
            await service.start_track(tx, ana, room.id, "TR_1")


async def test_who_is_told_to_be_in_while_hosts_let_people_in_is_here(house: House, ana: Principal) -> None:
    room = await house.create(ana)
    await house.enter(ana, room)
    guests = [guest(room, ana.tenant_id) for _ in range(20)]
    admissions = [house.give(ana, room, AdmitPeople) for _ in guests]
    entering = [house.enter(who, room) for who in guests]
    mixed = [each for pair in zip(entering, admissions, strict=True) for each in pair]
    told = (await asyncio.gather(*mixed))[::2]
    people = (await house.state(ana, room.id)).people
    assert [people[who.user_id].presence == "here" for who in guests] == told
