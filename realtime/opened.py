"""A shared document that is open on this node: its connections, its awareness, and what it knows of its room."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from core.model import UserId
from core.sockets import Channel, Told
from realtime.awareness import Presences, Said
from realtime.connection import EXPIRED, NOT_ALLOWED, EditorConnection, said_frame
from realtime.document import Document
from realtime.frames import Frame
from realtime.metrics import DELIVERIES
from realtime.models import EditorGrant

COALESCE = 0.03
"""Seconds in which cursor moves are gathered."""
SAID = DELIVERIES.labels("awareness")
PERSON: Final = frozenset(("person_removed", "person_left", "role_changed", "person_admitted", "person_entered"))
OUTDATING: Final = ("person_removed", "person_left", "role_changed")
"""After these, a pass that its person had before says too much."""
KEYBOARD: Final = {"turn_started": False, "rotation_stopped": True, "session_closed": False}
"""Events of a room after which everybody may write, or one person at most. It is the database that decides; who is told
late only shows too much or too late (``Document.is_free``)."""


class OpenDocument:
    """A document with its connections, its awareness, and what it knows of its room's people."""

    def __init__(self, document: Document, room: Channel) -> None:
        self.document = document
        self.room = room
        self.channel = Channel(tenant_id=document.tenant_id, kind="document", id=document.id)
        self.readers: set[EditorConnection] = set()
        self.presences = Presences()
        self.opening: asyncio.Task[None] | None = None
        self.refreshing: asyncio.Task[bool] | None = None
        self.resting: asyncio.Task[None] | None = None
        """Going over to a newer checkpoint."""
        self.asks_at = 0
        """Bytes since the checkpoint at which the next one is asked for."""
        self.unsubscribe: Callable[[], None] = lambda: None
        self.others_at = 0.0
        """When another gateway last said that it has the document open; 0 for never."""
        self.hears_from = 0
        """The entry of the room's log after which it hears all."""
        self.user_id: UserId | None = None
        self._out: set[UserId] = set()
        self._spectators: dict[UserId, bool] = {}
        self._moved: dict[int, Said] = {}

    def may_read(self, user_id: UserId) -> bool:
        """Whether they were neither put out nor left since this was opened; for before, see ``Shelf.is_outdated``."""
        return user_id not in self._out

    def may_write(self, grant: EditorGrant) -> bool:
        """What the pass says, unless their role was changed since."""
        return grant.may_write and not self._spectators.get(grant.user_id, False)

    def hear(self, channel: Channel, entry: Told, frame: Frame) -> None:
        """Something happened in the room: who left, was put out, or got another role is sent away for a new pass."""
        del channel, frame
        if entry.kind in KEYBOARD:
            self.document.is_free = KEYBOARD[entry.kind]
        if entry.kind not in PERSON:
            return
        payload = entry.payload or {}
        person_id = payload.get("person_id")
        if person_id is None:
            return
        user_id = UserId(UUID(person_id))
        if entry.kind == "person_removed":
            self._out.add(user_id)
            self._dismiss(user_id, NOT_ALLOWED, "removed")
        elif entry.kind == "person_left":
            self._out.add(user_id)
            self._dismiss(user_id, EXPIRED, "left")
        elif entry.kind == "role_changed":
            self._spectators[user_id] = payload.get("role") == "spectator"
            self._dismiss(user_id, EXPIRED, "role changed")
        else:
            self._out.discard(user_id)

    def _dismiss(self, user_id: UserId, code: int, reason: str) -> None:
        for reader in tuple(self.readers):
            if reader.user_id == user_id:
                reader.dismiss(code, reason)

    def pass_on(self, channel: Channel, frame: Frame) -> None:
        """Signals of the room are not for the editor."""

    def expelled(self, channel: Channel, entry: Told) -> None:
        """Never: this belongs to nobody."""

    def restart(self, channel: Channel) -> None:
        """The room's log was restored; the document's own says so itself."""

    def show(self, said: Sequence[Said]) -> None:
        """Pass awareness on to the connections here, gathered over some milliseconds."""
        if said and not self._moved:
            asyncio.get_running_loop().call_later(COALESCE, self._show)
        for each in said:
            self._moved[each[0]] = each

    def _show(self) -> None:
        moved, self._moved = self._moved, {}
        everything = said_frame(list(moved.values()))
        for reader in self.readers:
            own = self.presences.own(reader.id)
            if own not in moved:
                reader.said(everything)
            elif len(moved) > 1:
                reader.said(said_frame([each for each in moved.values() if each[0] != own]))
        SAID.inc(len(self.readers))

    def dismiss_all(self, code: int, reason: str) -> None:
        """End all connections."""
        for reader in tuple(self.readers):
            reader.dismiss(code, reason)
