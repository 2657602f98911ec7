"""A gateway of the product with a dojo, and what would do for each event that is sent to it."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import aiohttp

from app.packages import doors
from core.call import AccountRole, Principal
from core.db import Database
from core.eventlog import head
from core.model import TenantId, UserId, new_id
from core.process import Process
from core.sockets import SocketEvent
from core.tokens import Tokens
from identity.roles import SCOPES
from rooms import service
from rooms.live import LiveRooms
from rooms.models import NewRoom, Room
from tests.scenarios.programs import Wire

SOMEBODY = str(new_id())
PAYLOADS: dict[str, dict[str, Any]] = {
    "away:set": {"away": True},
    "chat:send": {"text": "hello"},
    "file:add": {"name": "more.py"},
    "file:remove": {"file_id": "f1"},
    "file:rename": {"file_id": "f1", "name": "more.py"},
    "hand:set": {"raised": True},
    "keyboard:ask": {},
    "light:report": {"light_id": SOMEBODY, "colour": "green", "seconds": 1, "files": [{"name": "a.py", "text": ""}]},
    "people:admit": {},
    "person:deny": {"person_id": SOMEBODY},
    "person:remove": {"person_id": SOMEBODY},
    "person:role": {"person_id": SOMEBODY, "role": "cohost"},
    "person:speech": {"person_id": SOMEBODY, "may_speak": False},
    "phase:set": {"phase": "break"},
    "room:enter": {},
    "room:leave": {},
    "rotation:control": {"action": "pause"},
    "rotation:extend": {"seconds": 60},
    "rotation:reorder": {"order": [SOMEBODY]},
    "rotation:start": {},
    "session:close": {},
    "signal:send": {"kind": "reaction", "value": "x"},
}
"""What would do for each event that is sent to a room, besides the room and the ``op_id``."""
WITHOUT_ROOM = {"session:renew"}
WITHOUT_OP = {"signal:send"}


def all_events() -> Iterator[SocketEvent]:
    """Every event of every package."""
    for package in doors():
        if package.sockets is not None:
            yield from package.sockets.items


IN_ROOMS = sorted(event.name for event in all_events() if "room_id" in event.payload.model_fields)


class Place(NamedTuple):
    """A gateway, and a dojo that is being held on it."""

    process: Process
    url: str
    http: aiohttp.ClientSession
    room: Room
    host: Principal
    heard: list[tuple[str, Any]]

    @property
    def tenant_id(self) -> TenantId:
        """Whose dojo it is."""
        return self.host.tenant_id

    def token(self, who: Principal) -> str:
        """Their access token."""
        return self.process.resources.get(Tokens).access(who)

    async def connect(self, who: Principal) -> Wire:
        """A connection of theirs."""
        return await Wire.open(self.http, self.url, self.token(who), lambda *heard: self.heard.append(heard))

    async def last(self) -> int:
        """The number of the last thing that happened in the dojo."""
        async with self.process.resources.get(Database).transaction(self.tenant_id) as tx:
            found = await head(tx, self.room.id)
        assert found is not None
        return found.seq


def somebody(tenant_id: TenantId, role: AccountRole, **changes: Any) -> Principal:
    """Whose token is good."""
    principal = Principal(
        tenant_id=tenant_id,
        user_id=UserId(new_id()),
        name="Eve",
        role=role,
        scopes=SCOPES[role],
        sign_in_id=new_id(),
        expires_at=int(time.time() + 300),
    )
    return principal.model_copy(update=changes)


async def a_tenant(process: Process) -> TenantId:
    """A new organisation."""
    tenant_id = TenantId(new_id())
    async with process.resources.get(Database).transaction(tenant_id) as tx:
        await tx.run("INSERT INTO tenants (tenant_id, name) VALUES ($1, 'T')", tenant_id)
    return tenant_id


async def a_room(process: Process, host: Principal, **values: Any) -> Room:
    """A dojo that is being held."""
    live = process.resources.get(LiveRooms)
    async with live.transaction(host.tenant_id) as tx:
        return await service.create_room(tx, host, NewRoom(kata="fizzbuzz", **values), live.timing)


def payload_of(name: str, room: Room) -> dict[str, Any]:
    """What would do."""
    op = {} if name in WITHOUT_OP else {"op_id": str(new_id())}
    return {"room_id": str(room.id), **op, **PAYLOADS[name]}
