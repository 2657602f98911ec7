"""Media over HTTP."""

from uuid import UUID

from core.call import Call
from core.routes import Download, Routes
from media import service
from media.errors import CoverNotFound
from media.storage import Storage

routes = Routes("media")


@routes.add("GET", "/covers/{poc_id}", access=service.READ, problems=[CoverNotFound])
async def get_cover(call: Call, poc_id: UUID) -> Download:
    """The picture of a POC: its name, languages, authors and first lines, PNG of 1200 by 630 pixels."""
    async with call.transaction() as tx:
        return await service.get_cover(tx, call.get(Storage), call.actor, poc_id)
