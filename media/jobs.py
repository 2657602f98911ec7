"""Media's long work."""

from core.call import Call
from core.jobs import Jobs
from media import service
from media.models import RenderCover
from media.storage import Storage

jobs = Jobs("media")


@jobs.on(RenderCover)
async def render_cover(call: Call, input: RenderCover) -> None:
    """Draw a POC's picture."""
    async with call.transaction() as tx:
        await service.render_cover(tx, call.get(Storage), input)
