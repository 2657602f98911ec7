"""The channels of a dojo."""

from functools import lru_cache
from uuid import UUID, uuid5

from core.model import TenantId
from core.sockets import Channel
from rooms.models import RoomId


def room_channel(tenant_id: TenantId, room_id: RoomId) -> Channel:
    """The dojo's numbered events, and passing signals, for those who are in."""
    return _room_channel(tenant_id.int, room_id.int)


@lru_cache(4096)
def _room_channel(tenant: int, room: int) -> Channel:
    return Channel(tenant_id=TenantId(UUID(int=tenant)), kind="room", id=UUID(int=room))


def lobby_channel(tenant_id: TenantId, room_id: RoomId) -> Channel:
    """Signals for those who wait. Its id is not the dojo's: it must not be taken for the dojo's log."""
    return Channel(tenant_id=tenant_id, kind="lobby", id=uuid5(room_id, "lobby"))
