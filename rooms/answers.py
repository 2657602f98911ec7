"""What a dojo answers over Socket.IO."""

from typing import Literal

from core.model import Instant, Model
from rooms.events import RoomEntry
from rooms.state import RoomState


class Entered(Model):
    """In the dojo, or waiting at its door.

    A client that said what it has gets the events it missed in this session, in pages; any other a snapshot.
    """

    status: Literal["waiting", "in"]
    snapshot: RoomState | None = None
    events: tuple[RoomEntry, ...] = ()
    more: bool = False
    """There are more than these: enter again with the number of the last one. What happens now comes meanwhile."""
    server_time: Instant


class Numbered(Model):
    """Done: ``seq`` is the number of the last event that it made, or where the dojo stands if it made none."""

    seq: int
