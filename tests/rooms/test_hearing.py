"""Who hears a dojo, and who does not any more, at whichever gateway they are."""

import pytest

from app.parts import free_port
from core.call import Principal
from core.settings import CoreSettings
from rooms import service
from tests.rooms.browsers import Client, clients, gateway
from tests.rooms.house import House, eventually, guest, principal


async def test_nobody_is_told_what_came_before_the_session(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    async with clients(house, room, gateways, ana, bea) as (host, member):
        await host.enter()
        await host.send("chat:send", text="among us")
        before = (await house.state(ana, room.id)).seq
        await host.send("session:close")
        await service.open_room(house.live, ana, room.id)
        for seq in (0, before, before + 1, -1):
            answer = (await member.send("room:enter", epoch=1, seq=seq))["data"]
            assert answer["events"] == []
            assert answer["snapshot"]["chat"] == []


async def test_banned_person_is_out_on_another_gateway(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    async with clients(house, room, gateways, ana, bea) as (host, member):
        await host.enter()
        await member.enter()
        await host.send("person:remove", person_id=str(bea.user_id), ban=True)

        async def out() -> bool:
            return member.told == ["banned"]

        await eventually(out)
        for name, values in (("chat:send", {"text": "still here"}), ("room:enter", {})):
            assert (await member.send(name, **values))["problem"]["code"] in {"not-admitted", "banned"}


async def said_meanwhile(host: Client, witness: Client) -> None:
    """Let the host say something that ``witness`` hears, and with them everybody at their gateway who may."""
    answer = await host.send("chat:send", text="now between us")
    await witness.reaches(answer["data"]["seq"])


async def test_who_leaves_in_one_window_hears_no_more_in_any(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal
) -> None:
    room = await house.create(ana)
    eva = principal(ana.tenant_id, "Eva", "member")
    async with clients(house, room, gateways, ana, eva, bea, bea) as (host, witness, one, other):
        for each in (host, witness, one, other):
            assert await each.enter() == "in"
        await one.send("room:leave")

        async def out() -> bool:
            return other.told == ["left"]

        await eventually(out)
        await said_meanwhile(host, witness)
        assert (await other.send("chat:send", text="?"))["problem"]["code"] == "not-admitted"
        assert other.kinds[-1] == "person_left"
        assert await other.enter() == "in"  # and, once they come in again, everything as before
        await said_meanwhile(host, other)


async def test_nobody_hears_the_next_session_before_they_are_let_in(
    house: House, gateways: tuple[str, str], ana: Principal
) -> None:
    room = await house.create(ana)
    gil, eva = guest(room, ana.tenant_id), principal(ana.tenant_id, "Eva", "member")
    async with clients(house, room, gateways, ana, gil, ana, eva) as (host, visitor, _, witness):
        for each in (host, witness):
            await each.enter()
        await visitor.enter()
        await host.send("people:admit")
        assert await visitor.enter() == "in"
        await host.send("session:close")
        await service.open_room(house.live, ana, room.id)
        for each in (host, witness):
            await each.enter()
        assert await visitor.enter() == "waiting"
        await said_meanwhile(host, witness)
        assert (await visitor.send("chat:send", text="?"))["problem"]["code"] == "not-admitted"
        assert visitor.kinds[-1] == "session_closed"
        assert "closed" not in visitor.told


async def test_who_may_be_in_no_further_dojo_takes_no_seat_in_it(
    house: House, gateways: tuple[str, str], ana: Principal, bea: Principal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.sessions.MAX_CHANNELS", 1)
    first, second = await house.create(ana), await house.create(ana, name="Another")
    async with clients(house, first, gateways, bea) as (member,):
        assert await member.enter() == "in"
        answer = await member.send("room:enter", room_id=str(second.id))
        assert answer["problem"]["code"] == "forbidden"
        assert bea.user_id not in (await house.state(ana, second.id)).people


async def test_who_leads_no_more_is_refused_at_another_gateway_at_once(
    house: House, settings: CoreSettings, ana: Principal, bea: Principal
) -> None:
    """It is decided on the log itself, which needs no messenger: there is none here."""
    alone = settings.model_copy(update={"redis_url": f"redis://127.0.0.1:{free_port()}/0"})
    room = await house.create(ana)
    async with (
        gateway(alone, poll_interval=600) as one,
        gateway(alone, poll_interval=600) as two,
        clients(house, room, (one, two), ana, bea) as (host, other),
    ):
        for client in (host, other):
            await client.enter()
        assert (await host.send("person:role", person_id=str(bea.user_id), role="host"))["ok"]
        assert (await other.send("rotation:start", turn_seconds=60))["ok"]
        assert (await host.send("person:role", person_id=str(bea.user_id), role="participant"))["ok"]
        before = (await house.state(ana, room.id)).seq
        assert (await other.send("rotation:control", action="stop"))["problem"]["code"] == "hosts-only"
        assert (await house.state(ana, room.id)).seq == before
