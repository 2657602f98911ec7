"""One process's rooms, and people who use them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from core.call import AccountRole, Call, Principal, Resources
from core.eventlog import Head
from core.model import TenantId, UserId, new_id
from core.sockets import Channel, SocketCall
from identity.roles import SCOPES
from rooms import service
from rooms.answers import Numbered
from rooms.commands import EnterRoom, InRoom, ReportLight
from rooms.follow import MediaFollower
from rooms.live import LiveRooms
from rooms.models import LightId, NewRoom, Room, RoomId, SourceFile
from rooms.state import RoomState


def principal(tenant_id: TenantId, name: str, role: AccountRole, bound_to: UUID | None = None) -> Principal:
    """Someone whose token was verified."""
    return Principal(
        tenant_id=tenant_id,
        user_id=UserId(new_id()),
        name=name,
        role=role,
        scopes=SCOPES[role],
        sign_in_id=new_id(),
        bound_to=bound_to,
        expires_at=4_000_000_000,
    )


def guest(room: Room, tenant_id: TenantId, name: str = "Gil") -> Principal:
    """A guest of one dojo."""
    return principal(tenant_id, name, "guest", room.id)


class Socket:
    """A connection that notes what it hears."""

    def __init__(self) -> None:
        self.id = new_id()
        self.address = "127.0.0.1"
        self.channels: set[str] = set()
        self.present: set[str] = set()

    async def subscribe(self, channel: Channel, entered: Head | None = None) -> Head:
        """Hear the channel."""
        del entered
        self.channels.add(channel.name())
        return Head(0, 0)

    async def unsubscribe(self, channel: Channel) -> None:
        """Hear it no longer."""
        self.channels.discard(channel.name())

    async def enter(self, channel: Channel) -> None:
        """Be present."""
        self.present.add(channel.name())

    async def leave(self, channel: Channel) -> None:
        """Be present no longer."""
        self.present.discard(channel.name())

    def renew(self, principal: Principal) -> None:
        """Nothing expires here."""


class House:
    """The parts of one process that holds dojos."""

    def __init__(self, resources: Resources, live: LiveRooms, follower: MediaFollower | None) -> None:
        self.resources = resources
        self.live = live
        self.follower = follower

    def call(self, who: Principal) -> Call:
        """A call of ``who`` over HTTP."""
        return Call(self.resources, who)

    def socket_call(self, who: Principal, socket: Socket) -> SocketCall:
        """A call of ``who`` over a socket."""
        return SocketCall(self.resources, who, socket)

    async def create(self, who: Principal, **values: Any) -> Room:
        """A dojo of ``who``."""
        new = NewRoom.model_validate({"kata": "fizzbuzz", **values})
        async with self.call(who).transaction() as tx:
            return await service.create_room(tx, who, new, self.live.timing)

    async def enter(self, who: Principal, room: Room) -> bool:
        """Come in, or knock; says whether they are in."""
        return await service.enter_room(self.live, who, EnterRoom(room_id=room.id, op_id=new_id())) is not None

    async def give(self, who: Principal, room: Room, command: type[InRoom], **values: Any) -> Numbered:
        """Give a command."""
        return await service.give(self.live, who, command(room_id=room.id, op_id=new_id(), **values))

    async def state(self, who: Principal, room_id: RoomId) -> RoomState:
        """The newest state."""
        return await self.live.state(who.tenant_id, room_id)


FILES = (SourceFile(name="b.py", text="é = 1\n"), SourceFile(name="a.py", text=""))


async def report(house: House, who: Principal, room: Room, colour: str = "green") -> LightId:
    """A test run."""
    light_id = LightId(new_id())
    command = ReportLight.model_validate(
        {
            "room_id": room.id, "op_id": new_id(), "light_id": light_id, "colour": colour, "seconds": 0.5, "passed": 2,
            "files": FILES,
        }
    )  # fmt: skip
    await service.report_light(house.live, who, command)
    return light_id


async def eventually(found: Callable[[], Awaitable[bool]], seconds: float = 10) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not await found():
            await asyncio.sleep(0.02)
