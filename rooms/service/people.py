"""Being in a dojo: entering, commands, signals."""

import random
import time
from collections.abc import Awaitable

from prometheus_client import Counter

from core.bus import Bus
from core.call import Principal
from core.db import Transaction
from core.eventlog import Head
from core.model import NIL, TenantId, UserId, new_id
from core.sockets import signal
from rooms import queries
from rooms.answers import Entered, Numbered
from rooms.channels import room_channel
from rooms.commands import AdmitPeople, EnterRoom, RemovePerson, ReportLight, SendChat, SendSignal
from rooms.decide import Actor, Command, decide
from rooms.decide import lose_connection as connection_lost
from rooms.errors import Banned, NotAdmitted, RoomClosed
from rooms.events import RoomSignal
from rooms.held import Also, Done, Order
from rooms.live import LiveRooms
from rooms.log import read_page, seen_entry
from rooms.models import Participant, RoomId
from rooms.rows import LightRow
from rooms.service.plans import existing, runs_organisation
from rooms.state import Person, RoomState, seen_by

JOINS = Counter(
    "dojo_room_joins", "People who came in, by what they had to be told: nothing, tail, snapshot.", ["told"]
)
PARTICIPANTS_MAX = 1_000


def in_dojo(principal: Principal) -> Actor:
    """A caller as the dojo's rules see them."""
    return Actor(
        user_id=principal.user_id,
        name=principal.name,
        guest=principal.role == "guest",
        admin=runs_organisation(principal),
    )


def give(live: LiveRooms, actor: Principal, command: Command, also: Also | None = None) -> Awaitable[Numbered]:
    """Give a command to a dojo; repeating its ``op_id`` repeats nothing.

    Raises:
        Problem: the dojo's rules refuse it.
    """
    order = _order(actor, command, also)
    begun = live.begin(actor.tenant_id, command.room_id, order)
    return (
        _numbered(live, actor, command, order)
        if begun is None
        else begun.mapped(lambda done: Numbered.trusted(seq=done.seq))
    )


async def _numbered(live: LiveRooms, actor: Principal, command: Command, order: Order) -> Numbered:
    return Numbered(seq=(await live.execute(actor.tenant_id, command.room_id, order)).seq)


def _order(actor: Principal, command: Command, also: Also | None = None) -> Order:
    actor.require("rooms:join")
    actor.require_reach(command.room_id)
    seed = random.getrandbits(64)
    me = in_dojo(actor)
    return Order(command.op_id, actor.user_id, lambda state, now: decide(state, command, me, now, seed), also)


async def _carry_out(live: LiveRooms, tenant_id: TenantId, room_id: RoomId, order: Order) -> Done:
    begun = live.begin(tenant_id, room_id, order)
    if begun is None and live.seen(tenant_id, room_id) is None:
        await live.glance(tenant_id, room_id)
        begun = live.begin(tenant_id, room_id, order)
    return await (live.execute(tenant_id, room_id, order) if begun is None else begun)


async def enter_room(live: LiveRooms, actor: Principal, command: EnterRoom) -> Head | None:
    """Come in or knock; where the log stood when they were in, or None: they wait. Twice is once, whatever the ``op_id``.

    Raises:
        RoomClosed: no session is held.
        RoomFull: all seats are taken.
        Banned: they were removed for good.
        NotInvited: guests are not let in here.
    """
    order = _order(actor, command.replace(op_id=new_id()))
    done = await _carry_out(live, actor.tenant_id, command.room_id, order)
    # By the state that this left: who is let in a moment later has a kept seat, and is not in until they come again.
    person = done.state.people.get(actor.user_id)
    return Head(done.state.seq, done.state.epoch) if person is not None and person.seated else None


async def snapshot(live: LiveRooms, actor: Principal, command: EnterRoom, heard: Head) -> Entered:
    """What someone who is in needs to show the dojo: what they missed, or all of it.

    Args:
        heard: what their connection hears begins behind it. The state must not be older, or an event were lost; that
            it follows on all that came before they entered is sure, because their entering was decided on that.
    """
    state = live.seen(actor.tenant_id, command.room_id)
    if state is None or state.epoch != heard.epoch or state.seq < heard.seq:
        state = await live.state(actor.tenant_id, command.room_id)
    seated(state, actor.user_id)
    if command.seq is None or command.epoch != state.epoch or not state.opened_seq <= command.seq <= state.seq:
        JOINS.labels("snapshot").inc()
        return Entered(status="in", snapshot=seen_by(state, actor.user_id), server_time=time.time())
    async with live.transaction(actor.tenant_id) as tx:
        entries = await read_page(tx, command.room_id, command.seq)
    more = bool(entries) and entries[-1].seq < state.seq
    if not more:
        JOINS.labels("tail" if entries else "nothing").inc()
    tail = tuple(seen_entry(command.room_id, state.epoch, entry, actor.user_id) for entry in entries)
    return Entered(status="in", events=tail, more=more, server_time=time.time())


def seated(state: RoomState, person_id: UserId) -> Person:
    """Someone who holds a seat in a session that is held.

    Raises:
        RoomClosed: none is held.
        Banned: they were removed for good.
        NotAdmitted: they wait, left, or never came.
    """
    if not state.is_open:
        raise RoomClosed
    if person_id in state.banned:
        raise Banned
    person = state.people.get(person_id)
    if person is None or not person.seated:
        raise NotAdmitted
    return person


async def lose_connection(live: LiveRooms, tenant_id: TenantId, room_id: RoomId, person_id: UserId) -> None:
    """Someone's last connection broke."""
    order = Order(new_id(), UserId(NIL), lambda state, now: connection_lost(state, person_id, now))
    await _carry_out(live, tenant_id, room_id, order)


async def add_participant(live: LiveRooms, actor: Principal, room_id: RoomId, person_id: UserId) -> Numbered:
    """Let someone in who waits."""
    return await give(live, actor, AdmitPeople(room_id=room_id, op_id=new_id(), person_ids=(person_id,)))


async def remove_participant(
    live: LiveRooms, actor: Principal, room_id: RoomId, person_id: UserId, *, ban: bool = False
) -> Numbered:
    """Remove someone; with ``ban`` for good."""
    return await give(live, actor, RemovePerson(room_id=room_id, op_id=new_id(), person_id=person_id, ban=ban))


async def broadcast_message(live: LiveRooms, actor: Principal, room_id: RoomId, text: str) -> Numbered:
    """Say something to everybody in the dojo."""
    return await give(live, actor, SendChat(room_id=room_id, op_id=new_id(), text=text))


async def report_light(live: LiveRooms, actor: Principal, command: ReportLight) -> Numbered:
    """Report a test run, and keep the files that it ran with the names of who made them."""

    async def keep(tx: Transaction, state: RoomState) -> None:
        if state.session_id is None or not state.lights:
            raise RuntimeError("a light was reported in a session")
        row = LightRow(
            session_id=state.session_id,
            colour=command.colour,
            at=state.lights[-1].at,
            authors=authors(state),
            files=command.files,
        )
        await queries.insert_light(tx, command.room_id, state.session_id, command.light_id, row)

    return await give(live, actor, command, keep)


def authors(state: RoomState) -> tuple[str, ...]:
    """Who took part in making the code so far, by when they came."""
    people = sorted(state.people.values(), key=lambda person: (person.joined_at, str(person.id)))
    made = [person.name for person in people if person.presence != "waiting" and person.role != "spectator"]
    return tuple(dict.fromkeys(made))


def send_signal(live: LiveRooms, bus: Bus, actor: Principal, command: SendSignal) -> Awaitable[None] | None:
    """Send a passing word to everybody in the dojo: at once, or after the dojo was read."""
    actor.require("rooms:join")
    actor.require_reach(command.room_id)
    state = live.seen(actor.tenant_id, command.room_id)
    if state is None:
        return _send_later(live, bus, actor, command)
    _pass_on(state, bus, actor, command)
    return None


async def _send_later(live: LiveRooms, bus: Bus, actor: Principal, command: SendSignal) -> None:
    _pass_on(await live.glance(actor.tenant_id, command.room_id), bus, actor, command)


def _pass_on(state: RoomState, bus: Bus, actor: Principal, command: SendSignal) -> None:
    seated(state, actor.user_id)
    passing = RoomSignal.trusted(room_id=command.room_id, kind=command.kind, value=command.value, by=actor.user_id)
    signal(bus, room_channel(actor.tenant_id, command.room_id), "room:signal", passing)


async def list_participants(tx: Transaction, actor: Principal, room_id: RoomId) -> tuple[Participant, ...]:
    """Who was in a dojo."""
    actor.require("rooms:read")
    actor.require_reach(room_id)
    await existing(tx, room_id)
    return tuple(await queries.list_participants(tx, room_id, PARTICIPANTS_MAX))
