"""Who may no longer be in a room, or no longer write, is sent away at the other gateways too, by each messenger alone."""

from uuid import UUID

import pytest

from app.parts import free_port
from core.model import TenantId, new_id
from realtime.settings import RealtimeSettings
from tests.realtime import doors
from tests.realtime.conftest import NEVER_LOOK, Connect, Gateway, NewGateway, Person, on_the_bus, until
from tests.realtime.peers import Sit

pytestmark = pytest.mark.usefixtures("judged")


@pytest.fixture(params=["the bus", "a look at the logs"])
async def apart(request: pytest.FixtureRequest, new_gateway: NewGateway) -> tuple[Gateway, Gateway]:
    """Two gateways, and one messenger between them; the looks are as seldom as they are shipped."""
    if request.param == "the bus":
        gateways = await new_gateway(**NEVER_LOOK), await new_gateway(**NEVER_LOOK)
        await on_the_bus(*gateways)
        return gateways
    nowhere = {"redis_url": f"redis://127.0.0.1:{free_port()}/0"}
    poll_interval = RealtimeSettings().poll_interval
    one, two = [await new_gateway(nowhere, poll_interval=poll_interval) for _ in range(2)]
    return one, two


async def test_who_is_banned_is_out_of_the_room_and_of_its_text(
    apart: tuple[Gateway, Gateway], connect: Connect, sit: Sit, person: Person, room_id: UUID
) -> None:
    here, there = apart
    banned = person("Bob")
    host, guest = await connect(here, person("Host")), await connect(there, banned)
    for client in (host, guest):
        assert (await client.call("room:enter", room_id=room_id))["ok"]
    writer, other = await sit(there, banned), await sit(there, person("Eve"))
    ban = {"kind": "person_removed", "expels": banned.user_id}
    assert (await host.call("chat:send", room_id=room_id, text="out", **ban))["ok"]
    await until(lambda: guest.events("room:expelled"))
    assert await writer.closed() == 4403
    assert await (await sit(there, banned)).closed() == 4403
    assert await other.answer(await other.type("I stay")) == "ack"


async def test_who_becomes_a_spectator_writes_no_more(
    apart: tuple[Gateway, Gateway], sit: Sit, person: Person, tenant_id: TenantId, room_id: UUID
) -> None:
    here, there = apart
    lowered = person("Bob")
    writer, other = await sit(there, lowered), await sit(there, person("Eve"))
    change = {"person_id": str(lowered.user_id), "role": "spectator"}
    await doors.append(here.resources, doors.room(tenant_id, room_id), new_id(), "role_changed", change)
    assert await writer.closed() == 4401
    again = await sit(there, lowered)
    assert await again.answer(await again.type("no")) == "read-only"
    await again.close()  # with a text that nobody else has
    assert await other.answer(await other.type("I stay")) == "ack"
