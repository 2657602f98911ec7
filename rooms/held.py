"""One dojo in this process: where it stands, and what of it is on its way to the log."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from uuid import UUID

from core.db import Transaction
from core.deferred import Deferred
from core.eventlog import NewEntry
from core.logwriter import Group
from core.model import TenantId, UserId
from rooms.channels import room_channel
from rooms.events import RoomEvent
from rooms.models import RoomId
from rooms.state import RoomState

OPS_KEPT = 256

Decision = Callable[[RoomState, float], tuple[RoomEvent, ...]]
"""From the state and the present time to what happens; runs again when another process was first."""
Also = Callable[[Transaction, RoomState], Awaitable[None]]
"""More to write in the same unit of work, before the tables that follow, given the state after the events."""
Key = tuple[int, int]
"""Of tenant and room. The hash of a UUID is a call; that of its number is not."""


class Order(NamedTuple):
    """One thing to decide."""

    op_id: UUID
    actor_id: UserId
    decide: Decision
    also: Also | None = None


class Done(NamedTuple):
    """What came of an order: the last number it made (or the present one), the events, the state after."""

    seq: int
    made: tuple[RoomEvent, ...]
    state: RoomState


class Flight(NamedTuple):
    """What was decided on the state that everything before it will lead to, and is not stored yet."""

    order: Order
    before: RoomState
    after: RoomState
    made: tuple[RoomEvent, ...]
    entries: list[NewEntry]
    group: Group
    done: Deferred[Done]


class Held:
    """``state`` is as stored, None until it is read; ``ahead`` is what it will be when all that flies has landed.

    Flights land in the order in which they left. When one fails, the later ones of this dojo do too, for each names the
    number that it follows on; until the last has come down, nothing more leaves.
    """

    def __init__(self, tenant_id: TenantId, room_id: RoomId) -> None:
        self.tenant_id = tenant_id
        self.room_id = room_id
        self.key: Key = (tenant_id.int, room_id.int)
        self.channel = room_channel(tenant_id, room_id)
        self.lock = asyncio.Lock()
        """For what cannot be decided ahead; its holder waits until nothing flies."""
        self.state: RoomState | None = None
        self.ops: OrderedDict[int, None] = OrderedDict()
        self._newest: Flight | None = None
        self._has_failed = False

    @property
    def ahead(self) -> RoomState | None:
        """What to decide on without waiting; None where that cannot be."""
        if self._newest is None:
            return None if self.lock.locked() else self.state
        return None if self._has_failed or self.lock.locked() else self._newest.after

    @property
    def follows(self) -> Group | None:
        """What must be stored for a decision on ``ahead`` to be right."""
        return None if self._newest is None else self._newest.group

    @property
    def is_idle(self) -> bool:
        """Whether it can be forgotten."""
        return self._newest is None and not self.lock.locked()

    def depart(self, flight: Flight) -> None:
        """A decision on ``ahead`` is on its way."""
        self._newest = flight

    def land(self, flight: Flight, *, is_new: bool) -> None:
        """The log has answered: ``state`` follows, if what it was decided on is what was stored."""
        if not is_new:
            self._has_failed = True
        elif self._has_failed:
            self.state = None  # it stands, but not on what it was decided on
        else:
            self.state = flight.after
        if self._newest is flight:
            self._newest, self._has_failed = None, False

    async def landed(self) -> None:
        """Wait until nothing flies; under the lock nothing more leaves."""
        if self._newest is not None:
            with contextlib.suppress(Exception):
                await self._newest.group.answers

    def remember(self, op_id: UUID) -> None:
        """So that a repeat is known without asking."""
        self.ops[op_id.int] = None
        if len(self.ops) > OPS_KEPT:
            self.ops.popitem(last=False)
