"""What rooms does when something was announced."""

from core.call import Call
from core.listeners import Listeners
from rooms import service
from rooms.events import SessionEnded

listeners = Listeners("rooms")


@listeners.on(SessionEnded)
async def make_summary(call: Call, event: SessionEnded) -> None:
    """Keep the summary of a session that is over."""
    async with call.transaction() as tx:
        await service.make_summary(tx, event.room_id, event.session_id)
