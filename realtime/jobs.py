"""The gateway's long work."""

from core import failpoints
from core.bus import Bus
from core.call import Call
from core.db import Database
from core.jobs import Jobs
from realtime import service
from realtime.models import MakeCheckpoint
from realtime.settings import RealtimeSettings

jobs = Jobs("realtime")


@jobs.on(MakeCheckpoint)
async def make_checkpoint(call: Call, input: MakeCheckpoint) -> None:
    """Merge a document's log, so that opening it need not replay it."""
    settings = call.get(RealtimeSettings)
    made = await service.make_checkpoint(call.get(Database), settings, call.actor.tenant_id, input.document_id)
    if made is None:
        return
    if failpoints.armed:
        await failpoints.reach("checkpoint.keep")
    async with call.transaction() as tx:
        await service.keep_checkpoint(tx, call.get(Bus), input.document_id, made)
    if failpoints.armed:
        await failpoints.reach("checkpoint.kept")
