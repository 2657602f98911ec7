"""The live state of a dojo, folded from its numbered events. What may happen is decided in ``rooms.decide``."""

from rooms.state.fold import evolve
from rooms.state.model import (
    CHAT_KEPT,
    LIGHTS_KEPT,
    Lease,
    Person,
    RoomState,
    Rotation,
    may_see,
    seen_by,
)

__all__ = ["CHAT_KEPT", "LIGHTS_KEPT", "Lease", "Person", "RoomState", "Rotation", "evolve", "may_see", "seen_by"]
