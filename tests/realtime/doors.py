"""A small package with the doors that a gateway needs to be tried: rooms with a chat, and nothing else."""

import asyncio
import json
from collections.abc import Awaitable
from typing import Any
from uuid import UUID

from core.bus import Bus
from core.call import Principal, Resources
from core.db import Database, Transaction
from core.errors import Forbidden
from core.eventlog import NewEntry, as_stored, create_stream, read
from core.logwriter import LogWriter
from core.model import Model, TenantId, UserId, new_id
from core.process import Package
from core.sockets import Channel, SocketCall, Sockets, announce, signal

sockets = Sockets("house")


class ToRoom(Model):
    """Which room."""

    room_id: UUID


class Say(ToRoom):
    """Words, and who may read them."""

    text: str
    op_id: UUID | None = None
    to: UserId | None = None
    expels: UserId | None = None
    kind: str = "said"


class Word(Model):
    """A passing word."""

    room_id: UUID
    value: str


class Done(Model):
    """Where the log stands."""

    seq: int


def room(tenant_id: TenantId, room_id: UUID) -> Channel:
    """A room's channel."""
    return Channel(tenant_id=tenant_id, kind="room", id=room_id)


async def new_room(database: Database, tenant_id: TenantId) -> UUID:
    """A stream to talk in."""
    async with database.transaction(tenant_id) as tx:
        room_id = new_id()
        await create_stream(tx, room_id)
    return room_id


async def end_sign_in(tx: Transaction, who: Principal, *, by_time: bool = False) -> None:
    """Let the database know that somebody signed out, or that their time is over."""
    await tx.run("INSERT INTO users (user_id, name) VALUES ($1, $2)", who.user_id, who.name)
    await tx.run(
        """
        INSERT INTO sign_ins (sign_in_id, user_id, tenant_id, agent, family_hash, current_hashes, expires_at, ended_at)
        VALUES ($1, $2, $3, '', sha256($4), ARRAY[sha256($4)],
            CASE WHEN $5 THEN now() ELSE now() + interval '1 day' END, CASE WHEN $5 THEN NULL ELSE now() END)
        """,
        who.sign_in_id, who.user_id, tx.tenant_id, who.user_id.bytes, by_time,
    )  # fmt: skip


async def append(
    resources: Resources, channel: Channel, actor_id: UUID, kind: str, payload: dict[str, Any], **more: Any
) -> int:
    """Append, then announce."""
    more.setdefault("op_id", new_id())
    entry = NewEntry(
        tenant_id=channel.tenant_id,
        stream_id=channel.id,
        kind=kind,
        actor_id=actor_id,
        payload=json.dumps(payload, ensure_ascii=False),
        **more,
    )
    (answer,) = await resources.get(LogWriter).append([entry])
    if answer.outcome == "new":  # another tenant's room has no log here
        announce(resources.get(Bus), channel, answer.epoch, as_stored([entry], [answer]))
    return answer.seq


@sockets.on("room:enter")
async def enter_room(call: SocketCall, payload: ToRoom) -> Done:
    """Come in."""
    channel = room(call.actor.tenant_id, payload.room_id)
    await call.connection.subscribe(channel)
    await call.connection.enter(channel)
    async with call.transaction() as tx:
        entries = await read(tx, channel.id, 0, 500)
    return Done(seq=len(entries))


@sockets.on("room:leave")
async def leave_room(call: SocketCall, payload: ToRoom) -> None:
    """Go."""
    channel = room(call.actor.tenant_id, payload.room_id)
    await call.connection.unsubscribe(channel)
    await call.connection.leave(channel)


@sockets.on("chat:send")
async def send_chat(call: SocketCall, payload: Say) -> Done:
    """Say something."""
    channel = room(call.actor.tenant_id, payload.room_id)
    more = {"audience": (call.actor.user_id, payload.to)} if payload.to else {}
    said: dict[str, Any] = {"text": payload.text}
    if payload.expels:
        said |= {"person_id": str(payload.expels), "banned": True}
    op_id = payload.op_id or new_id()
    seq = await append(
        call.resources, channel, call.actor.user_id, payload.kind, said, op_id=op_id, expels=payload.expels, **more
    )
    return Done(seq=seq)


@sockets.on("chat:offer")
def offer_chat(call: SocketCall, payload: Say) -> Awaitable[Done]:
    """Say something to the log alone, without a task."""
    actor, said = call.actor, json.dumps({"text": payload.text})
    entry = NewEntry(
        actor.tenant_id, payload.room_id, payload.op_id or new_id(), payload.kind, actor.user_id, payload=said
    )
    return call.get(LogWriter).offer([entry]).answers.mapped(lambda answers: Done(seq=answers[0].seq))


@sockets.on("signal:send")
async def send_signal(call: SocketCall, payload: Word) -> None:
    """Say something that passes."""
    signal(call.get(Bus), room(call.actor.tenant_id, payload.room_id), "room:signal", payload)


@sockets.on("door:closed")
async def use_closed_door(call: SocketCall, payload: ToRoom) -> None:
    """Never let anybody through."""
    raise Forbidden("Not here.")


@sockets.on("door:broken")
async def use_broken_door(call: SocketCall, payload: ToRoom) -> None:
    """Fail in a way nobody thought of."""
    raise ZeroDivisionError


@sockets.on("door:slow")
async def use_slow_door(call: SocketCall, payload: ToRoom) -> str:
    """Take a while."""
    await asyncio.sleep(0.05)
    return "slow"


@sockets.gone("room")
async def lose_person(resources: Resources, channel: Channel, user_id: UserId) -> None:
    """Note in the log that somebody's last connection is gone."""
    await append(resources, channel, user_id, "person_lost", {"person_id": str(user_id)})


package = Package(name="house", sockets=sockets)
