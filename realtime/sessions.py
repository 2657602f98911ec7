"""One signed-in client on a Socket.IO connection: the ``Connection`` that doors use."""

import asyncio
import time
from collections.abc import Callable
from typing import Literal
from uuid import UUID

from core.call import Principal
from core.errors import Forbidden, Gone
from core.eventlog import Head
from core.model import UserId, new_id
from core.sockets import Channel, Told
from realtime.buckets import Bucket
from realtime.channels import Channels
from realtime.frames import Frame
from realtime.gateway import Wire
from realtime.metrics import DROPPED
from realtime.models import Expelled
from realtime.presence import Presence
from realtime.settings import RealtimeSettings

MAX_CHANNELS = 32
SIGNAL_BACKLOG = 131_072
"""Bytes waiting for a reader beyond which it gets no signals: they are worth nothing late."""
MAX_HELD = 2_000


class Session:
    """One client. What it subscribes to while a door works is held back until the door's answer is out."""

    def __init__(
        self, wire: Wire, principal: Principal, channels: Channels, presence: Presence, settings: RealtimeSettings,
    ) -> None:  # fmt: skip
        self.id: UUID = new_id()
        self.principal = principal
        self.wire = wire
        self.caller = str(principal.user_id)
        """By which its events are counted."""
        self.bucket = Bucket(settings.events_per_second, settings.event_burst)
        self.refusals = 0
        self.is_closed = False
        self._channels = channels
        self._presence = presence
        self._subscribed: dict[str, Channel] = {}
        self._entered: dict[str, Channel] = {}
        self._held: list[Frame] | None = None
        self._expiry: asyncio.TimerHandle | None = None
        self._watch_expiry()

    @property
    def address(self) -> str:
        """The peer's address."""
        return self.wire.address

    @property
    def user_id(self) -> UserId:
        """Whose connection it is."""
        return self.principal.user_id

    async def subscribe(self, channel: Channel, entered: Head | None = None) -> Head:
        """Hear the channel from now on."""
        self._subscribed[channel.name()] = channel
        head = await self._channels.join(channel, self, entered)
        if self.is_closed:
            self._channels.leave(channel, self)
            raise Gone("The connection is closed.")
        return head

    async def unsubscribe(self, channel: Channel) -> None:
        """Hear it no longer."""
        self._subscribed.pop(channel.name(), None)
        self._channels.leave(channel, self)

    async def enter(self, channel: Channel) -> None:
        """Be present in the channel; who is in too many may neither enter nor, so, hear another one."""
        if len(self._entered) >= MAX_CHANNELS and channel.name() not in self._entered:
            raise Forbidden(f"At most {MAX_CHANNELS} channels.")
        self._entered[channel.name()] = channel  # before: whatever comes of it, its end will be noticed
        try:
            await self._presence.enter(channel, self.user_id, self.id)
        finally:
            if self.is_closed:
                self._presence.lost(channel, self.user_id, self.id)
        if self.is_closed:
            raise Gone("The connection is closed.")

    async def leave(self, channel: Channel) -> None:
        """Be present no longer; the channel's package knows."""
        self._entered.pop(channel.name(), None)
        await self._presence.leave(channel, self.user_id, self.id)

    def renew(self, principal: Principal) -> None:
        """Go on under a new token.

        Raises:
            Forbidden: it is somebody else's, or of another sign-in.
        """
        old, new = self.principal, principal
        if (old.user_id, old.tenant_id, old.sign_in_id) != (new.user_id, new.tenant_id, new.sign_in_id):
            raise Forbidden("The token is of another sign-in.")
        self.principal = principal
        self._watch_expiry()

    def hear(self, channel: Channel, entry: Told, frame: Frame) -> None:
        """An entry of a channel came."""
        del channel, entry
        self.send(frame)

    def pass_on(self, channel: Channel, frame: Frame) -> None:
        """A signal came; a reader who is behind does without."""
        del channel
        wire = self.wire
        end = wire.end
        if self._held is None and end is not None and not end.is_behind:  # as nearly always
            end.write(frame.frame(wire.parser))
        elif wire.backlog > SIGNAL_BACKLOG:
            DROPPED.labels("backlog").inc()
        else:
            self.send(frame)

    def expelled(self, channel: Channel, entry: Told) -> None:
        """The channel is closed to this person."""
        self._subscribed.pop(channel.name(), None)
        entered = self._entered.pop(channel.name(), None)
        if entered is not None:
            self._presence.lost(channel, self.user_id, self.id)
        if channel.kind == "room" and (reason := why_expelled(entry)) is not None:
            body = Expelled(room_id=channel.id, reason=reason)
            self.send(Frame("room:expelled", body.model_dump_json()))

    def restart(self, channel: Channel) -> None:
        """The log was restored: come again for a snapshot."""
        del channel
        self.close("log-restored")

    def send(self, frame: Frame) -> None:
        """Queue a frame, behind the answer that is being made."""
        if self._held is None:
            self.wire.send(frame)
        elif len(self._held) < MAX_HELD:
            self._held.append(frame)
        else:
            self.close("slow")

    def hold(self) -> None:
        """Keep frames back."""
        self._held = []

    def release(self) -> None:
        """Send what was kept back."""
        held, self._held = self._held, None
        for frame in held or ():
            self.wire.send(frame)

    def close(self, reason: str, *, final: bool = False) -> None:
        """End the connection."""
        self.wire.close(reason, final=final)

    def ended(self) -> None:
        """The connection is gone: leave everything."""
        self.is_closed = True
        if self._expiry is not None:
            self._expiry.cancel()
        for channel in self._subscribed.values():
            self._channels.leave(channel, self)
        for channel in self._entered.values():
            self._presence.lost(channel, self.user_id, self.id)
        self._subscribed.clear()
        self._entered.clear()

    def _watch_expiry(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        left = max(0.0, self.principal.expires_at - time.time())
        close: Callable[[str], None] = self.close
        self._expiry = asyncio.get_running_loop().call_later(left, close, "expired")


def why_expelled(entry: Told) -> Literal["removed", "banned", "left"] | None:
    """What who is expelled from a room is told; None where the entry itself says it all."""
    if entry.kind == "person_removed":
        return "banned" if (entry.payload or {}).get("banned") else "removed"
    return "left" if entry.kind == "person_left" else None
