"""The process's LiveKit, where there is one."""

from dataclasses import dataclass

from rooms.livekit import LiveKit


@dataclass(frozen=True)
class Media:
    """Without ``livekit`` a dojo works, minus audio and video."""

    livekit: LiveKit | None
