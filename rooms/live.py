"""The dojos that this process holds: decide on the folded state, append, fold, announce.

Every decision states the number that it was made on, so two processes never decide on the same state: the second is
refused, reads what the first did, and decides again. Decisions of one process do not wait for each other's commit: the
next is made on the state that the former ones will lead to, and is refused with them (``held.py``). A dojo that is not
held is folded from its snapshot and the log.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import structlog
from prometheus_client import Gauge
from pydantic import ValidationError

from core import eventlog, failpoints
from core.bus import Bus
from core.call import Clock
from core.db import Database, Transaction
from core.deferred import Deferred
from core.errors import Problem, Unavailable
from core.eventlog import Appended, Entry, as_stored
from core.logwriter import LogWriter
from core.model import NIL, TenantId, UserId, new_id
from core.sockets import announce, signal
from rooms import queries
from rooms.bells import Bells
from rooms.channels import lobby_channel
from rooms.decide import Timing, deadline, same_clock, tick
from rooms.errors import RoomNotFound
from rooms.events import LobbyChanged, RoomEvent
from rooms.follow import MediaFollower
from rooms.held import OPS_KEPT, Done, Flight, Held, Key, Order
from rooms.lobby import lobby_changes
from rooms.log import fold, new_entries, read_after
from rooms.models import RoomId
from rooms.permissions import media_changes
from rooms.projection import needs_tables, project
from rooms.state import RoomState

log = structlog.get_logger()

HELD = Gauge("dojo_room_held", "Dojos whose state is held in memory.")
HELD_MAX = 2_000
TRIES = 12
SNAPSHOT_EVERY = 500


class _Repeat(Exception):
    """The operation was stored before."""


class _Refused(Exception):
    """Another process appended first."""


class LiveRooms:
    """Holds dojos, and rings their bells."""

    def __init__(
        self,
        database: Database,
        writer: LogWriter,
        bus: Bus,
        follower: MediaFollower | None = None,
        timing: Timing | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._database = database
        self._writer = writer
        self._bus = bus
        self._follower = follower
        self.timing = timing or Timing()
        self._clock = clock
        self._rooms: OrderedDict[Key, Held] = OrderedDict()
        self._bells = Bells(database, clock, self._ring)
        self._again: set[asyncio.Task[None]] = set()
        """What is decided anew, because something else came first."""
        HELD.set_function(lambda: len(self._rooms))

    def now(self) -> float:
        """The time by which dojos live."""
        return self._clock()

    def transaction(self, tenant_id: TenantId) -> contextlib.AbstractAsyncContextManager[Transaction]:
        """A unit of work of a tenant; not around the other methods, which take their own connection."""
        return self._database.transaction(tenant_id)

    def begin(self, tenant_id: TenantId, room_id: RoomId, order: Order) -> Deferred[Done] | None:
        """Decide now, on what all that is on its way will lead to; None for what ``execute`` has to do.

        Raises:
            Unavailable: too much is on its way.
        """
        held = self._rooms.get((tenant_id.int, room_id.int))
        before = None if held is None else held.ahead
        if held is None or before is None or order.also is not None or order.op_id.int in held.ops:
            return None
        try:
            made = order.decide(before, self._clock())
        except Problem:  # perhaps not on the newest state
            return None
        if not made or needs_tables(made) or (before.seq + len(made)) // SNAPSHOT_EVERY != before.seq // SNAPSHOT_EVERY:
            return None
        entries, after = new_entries(held.tenant_id, before, order.op_id, order.actor_id, made, self.timing)
        if failpoints.armed:
            failpoints.pass_by("rooms.commit")
        group = self._writer.offer(entries, held.follows)
        flight = Flight(order, before, after, made, entries, group, Deferred())
        held.depart(flight)
        self._rooms.move_to_end(held.key)
        group.answers.then(lambda outcome: self._landed(held, flight, outcome))
        return flight.done

    def _landed(self, held: Held, flight: Flight, outcome: list[Appended] | Exception) -> None:
        """The log has answered: tell everybody, or decide again on what came first."""
        is_new = not isinstance(outcome, Exception) and all(answer.outcome == "new" for answer in outcome)
        held.land(flight, is_new=is_new)
        if isinstance(outcome, Exception):
            flight.done.settle(outcome)
        elif not is_new:
            task = asyncio.create_task(self._decide_again(held, flight))
            self._again.add(task)
            task.add_done_callback(self._again.discard)
        else:
            done: Done | Exception = Done(flight.after.seq, flight.made, flight.after)
            try:
                self._stored(held, flight, as_stored(flight.entries, outcome))
            except failpoints.Injected as error:
                done = error
            except Exception:  # it is stored: who waits for it must hear that, and the others find it in the log
                log.exception("telling_failed", room_id=str(held.room_id))
            flight.done.settle(done)

    def _stored(self, held: Held, flight: Flight, stored: Sequence[Entry]) -> None:
        held.remember(flight.order.op_id)
        if not same_clock(flight.before, flight.after):
            self._schedule(held, flight.after)
        if failpoints.armed:
            failpoints.pass_by("rooms.committed")
        self._tell(held, flight.before, flight.after, flight.made, stored)

    async def _decide_again(self, held: Held, flight: Flight) -> None:
        try:
            flight.done.settle(await self.execute(held.tenant_id, held.room_id, flight.order))
        except Exception as error:  # noqa: BLE001 - whoever waits for it is told
            flight.done.settle(error)

    async def execute(self, tenant_id: TenantId, room_id: RoomId, order: Order) -> Done:
        """Decide and store; a repeated ``op_id`` repeats nothing.

        Raises:
            RoomNotFound: the tenant has no such dojo.
            Problem: what the decision raised, on the newest state.
            Unavailable: the outcome may be unknown; offer it again with the same ``op_id``.
        """
        held = self._held(tenant_id, room_id)
        async with self._alone(held):
            for _ in range(TRIES):
                try:
                    done = await self._try(held, order)
                except _Repeat:
                    return await self._repeated(held, order.op_id)
                except _Refused:
                    await self._catch_up(held)
                    continue
                if done is not None:
                    return done
            raise Unavailable("Too much happens at once in this dojo; try again.", retry_after=1)

    async def state(self, tenant_id: TenantId, room_id: RoomId) -> RoomState:
        """The newest state.

        Raises:
            RoomNotFound: the tenant has no such dojo.
        """
        held = self._held(tenant_id, room_id)
        async with self._alone(held):
            return await self._caught_up(held)

    def seen(self, tenant_id: TenantId, room_id: RoomId) -> RoomState | None:
        """What ``glance`` would say, if it need not wait."""
        held = self._rooms.get((tenant_id.int, room_id.int))
        return None if held is None else held.state

    async def glance(self, tenant_id: TenantId, room_id: RoomId) -> RoomState:
        """The state as this process last saw it, for what may be a moment late."""
        held = self._held(tenant_id, room_id)
        if held.state is None:
            async with held.lock:  # and no longer, so that who waits for the same reading goes on at once
                if held.state is None:
                    await held.landed()
                    await self._load_once(held)
        return self._state_of(held)

    async def _try(self, held: Held, order: Order) -> Done | None:
        """One attempt; None where a look at the newest state changed the ground."""
        before = self._state_of(held)
        if order.op_id.int in held.ops:
            raise _Repeat
        try:
            made = order.decide(before, self._clock())
        except Problem:
            if await self._catch_up(held):
                return None
            await self._raise_repeat(held, order)
            raise
        if not made:
            return None if await self._catch_up(held) else Done(before.seq, (), before)
        after, stored = await self._append(held, before, order, made)
        held.state = after
        held.remember(order.op_id)
        if not same_clock(before, after):
            self._schedule(held, after)
        if failpoints.armed:
            await failpoints.reach("rooms.committed")
        self._tell(held, before, after, made, stored)
        if after.seq // SNAPSHOT_EVERY != before.seq // SNAPSHOT_EVERY:
            await self._keep(held.tenant_id, after)
        return Done(after.seq, made, after)

    async def _keep(self, tenant_id: TenantId, state: RoomState) -> None:
        """Spare the next reader a part of the log; without it, that part is read."""
        try:
            async with self._database.transaction(tenant_id) as tx:
                await queries.save_snapshot(tx, state)
        except Unavailable:
            log.warning("snapshot_not_saved", room_id=str(state.room_id))

    async def _append(
        self, held: Held, before: RoomState, order: Order, made: tuple[RoomEvent, ...]
    ) -> tuple[RoomState, list[Entry]]:
        entries, after = new_entries(held.tenant_id, before, order.op_id, order.actor_id, made, self.timing)
        if failpoints.armed:
            await failpoints.reach("rooms.commit")
        if not needs_tables(made) and order.also is None:
            answers = await self._writer.append(entries)
            _check(answers)
            return after, as_stored(entries, answers)
        async with self._database.transaction(held.tenant_id) as tx:
            answers = await eventlog.append(tx, entries)
            _check(answers)
            if order.also is not None:
                await order.also(tx, after)
            await project(tx, before, after, made)
        return after, as_stored(entries, answers)

    async def _raise_repeat(self, held: Held, order: Order) -> None:
        """What does not fit any more may be what this very operation did before."""
        async with self._database.transaction(held.tenant_id) as tx:
            if await eventlog.find(tx, held.room_id, order.op_id) is not None:
                raise _Repeat

    async def _repeated(self, held: Held, op_id: UUID) -> Done:
        """The same answer once more."""
        state = await self._caught_up(held)
        async with self._database.transaction(held.tenant_id) as tx:
            seq = await eventlog.find(tx, held.room_id, op_id)
        if seq is None:
            raise Unavailable("The log of this dojo is another one now; try again.", retry_after=1)
        return Done(seq, (), state)

    def _held(self, tenant_id: TenantId, room_id: RoomId) -> Held:
        """The dojo's place here; what is done with it is done under its lock."""
        key = (tenant_id.int, room_id.int)
        held = self._rooms.get(key)
        if held is None:
            held = self._rooms[key] = Held(tenant_id, room_id)
            self._let_go()
        self._rooms.move_to_end(key)
        return held

    @contextlib.asynccontextmanager
    async def _alone(self, held: Held) -> AsyncIterator[None]:
        """Nothing of the dojo is on its way while the block runs, and its state is read."""
        async with held.lock:
            await held.landed()
            await self._load_once(held)
            yield

    async def _load_once(self, held: Held) -> None:
        if held.state is None:
            try:
                await self._load(held)
            except BaseException:
                if self._rooms.get(held.key) is held:
                    del self._rooms[held.key]
                raise

    def _let_go(self) -> None:
        """Forget dojos that were not used for longest; the log has them."""
        if len(self._rooms) > HELD_MAX:
            idle = [key for key, held in self._rooms.items() if held.is_idle]
            for key in idle[: len(self._rooms) - HELD_MAX]:
                del self._rooms[key]
                self._bells.expect(key, None)

    async def _load(self, held: Held) -> None:
        async with self._database.transaction(held.tenant_id) as tx:
            found = await queries.head_and_snapshot(tx, held.room_id)
            if found is None:
                raise RoomNotFound
            head, kept = found
            base = RoomState(room_id=held.room_id, epoch=head.epoch)
            if kept is not None and kept.seq <= head.seq:
                try:
                    base = RoomState.model_validate({**kept.state, "epoch": head.epoch})
                except ValidationError:
                    log.warning("snapshot_of_another_version", room_id=str(held.room_id))
            entries = await read_after(tx, held.room_id, base.seq)
        held.state = fold(base, entries)
        for entry in entries[-OPS_KEPT:]:
            held.remember(entry.op_id)
        self._schedule(held, held.state)

    async def _catch_up(self, held: Held) -> bool:
        """Fold what other processes appended; says whether there was anything."""
        state = self._state_of(held)
        async with self._database.transaction(held.tenant_id) as tx:
            head = await eventlog.head(tx, held.room_id)
            if head is not None and (head.seq, head.epoch) == (state.seq, state.epoch):
                return False
            entries = await read_after(tx, held.room_id, state.seq)
        if head is None or head.epoch != state.epoch or head.seq < state.seq:
            held.state = None
            held.ops.clear()
            await self._load(held)
            return True
        held.state = fold(state, entries)
        for entry in entries[-OPS_KEPT:]:
            held.remember(entry.op_id)
        self._schedule(held, held.state)
        return True

    async def _caught_up(self, held: Held) -> RoomState:
        await self._catch_up(held)
        return self._state_of(held)

    @staticmethod
    def _state_of(held: Held) -> RoomState:
        if held.state is None:
            raise RoomNotFound
        return held.state

    def _tell(
        self, held: Held, before: RoomState, after: RoomState, made: Sequence[RoomEvent], stored: Sequence[Entry]
    ) -> None:
        """Hints, after the commit: all of them may be lost."""
        announce(self._bus, held.channel, after.epoch, stored)
        for outcome, to in lobby_changes(before, made):
            lobby = lobby_channel(held.tenant_id, held.room_id)
            signal(self._bus, lobby, "lobby:changed", LobbyChanged(room_id=held.room_id, outcome=outcome), to=to)
        if self._follower is not None:
            self._follower.follow(media_changes(before, after))

    # The clock

    def _schedule(self, held: Held, state: RoomState) -> None:
        self._bells.expect(held.key, deadline(state, self.timing))

    async def keep_time(self) -> None:
        """Ring bells and give up seats when they are due, until cancelled."""
        await self._bells.keep_time()

    async def _ring(self, key: Key) -> None:
        tenant_id, room_id = TenantId(UUID(int=key[0])), RoomId(UUID(int=key[1]))
        order = Order(new_id(), UserId(NIL), lambda state, now: tick(state, now, self.timing))
        try:
            await self.execute(tenant_id, room_id, order)
        except Problem as problem:
            log.warning("bell_late", room_id=str(room_id), problem=problem.slug)
        except Exception:
            log.exception("bell_failed", room_id=str(room_id))
        self._bells.postpone(key)


def _check(answers: Sequence[Appended]) -> None:
    """All entries are new, or nothing counts."""
    if answers[0].outcome == "repeat":
        raise _Repeat
    if answers[0].outcome == "missing":
        raise RoomNotFound
    if any(answer.outcome != "new" for answer in answers):
        raise _Refused
