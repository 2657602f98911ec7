"""What media does when a POC changed."""

from catalog.events import PocChanged, PocDeleted
from core.call import Call
from core.listeners import Listeners
from media import service
from media.storage import Storage

listeners = Listeners("media")


@listeners.on(PocChanged)
async def request_cover(call: Call, event: PocChanged) -> None:
    """Ask for a new picture."""
    async with call.transaction() as tx:
        await service.request_cover(tx, event.poc_id, event.revision)


@listeners.on(PocDeleted)
async def remove_cover(call: Call, event: PocDeleted) -> None:
    """Remove the picture."""
    async with call.transaction() as tx:
        await service.remove_cover(tx, call.get(Storage), event.poc_id)
