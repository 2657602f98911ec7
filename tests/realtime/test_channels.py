"""What someone who joins a channel hears of it, whatever happens at that very moment, and to the others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from core.bus import Bus
from core.db import Database, Queries
from core.errors import Unavailable
from core.eventlog import Head, NewEntry
from core.logwriter import LogWriter
from core.model import TenantId, UserId, new_id
from core.sockets import Channel, LogHint, Told
from realtime.channels import Channels
from realtime.frames import Frame
from tests.conftest import DatabaseUrls
from tests.realtime import doors
from tests.realtime.conftest import Gateway, until


class Late(Database):
    """Its statements are answered when it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.has_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    @contextlib.asynccontextmanager
    async def statements(self) -> AsyncIterator[Queries]:
        async with super().statements() as queries:
            yield queries
            self.has_asked.set()
            await self.may_answer.wait()


class Ear:
    """Hears a channel."""

    def __init__(self, user_id: UserId | None = None) -> None:
        self.user_id = user_id
        self.heard: list[int] = []
        self.is_out = False

    def hear(self, channel: Channel, entry: Told, frame: Frame) -> None:
        """An entry came."""
        del channel, frame
        self.heard.append(entry.seq)

    def pass_on(self, channel: Channel, frame: Frame) -> None:
        """A signal came."""

    def expelled(self, channel: Channel, entry: Told) -> None:
        """It does not hear the channel any more."""
        del channel, entry
        self.is_out = True

    def restart(self, channel: Channel) -> None:
        """The log stays."""


async def test_what_is_stored_while_a_channel_is_opened_does_not_wait_for_the_slow_look(
    gateway: Gateway, database_urls: DatabaseUrls, tenant_id: TenantId, room_id: UUID
) -> None:
    database, channel, ear = Late(database_urls.app), doors.room(tenant_id, room_id), Ear()
    async with Channels(database, gateway.resources.get(Bus), poll_interval=3_600).running() as channels:
        joining = asyncio.create_task(channels.join(channel, ear))
        await database.has_asked.wait()
        await doors.append(gateway.resources, channel, new_id(), "chat_sent", {"text": "meanwhile"})
        database.may_answer.set()
        head = await joining
        await until(lambda: head.seq + len(ear.heard) == 1)
    await database.close()


async def test_having_been_put_out_before_one_came_in_again_puts_nobody_out(
    gateway: Gateway, database_urls: DatabaseUrls, tenant_id: TenantId, room_id: UUID
) -> None:
    """What is told of it may come later than they do."""
    database, channel, ana = Database(database_urls.app), doors.room(tenant_id, room_id), UserId(new_id())
    async with Channels(database, gateway.resources.get(Bus), poll_interval=0.05).running() as channels:
        former, ear = Ear(ana), Ear(ana)
        epoch = (await channels.join(channel, former)).epoch
        said = [
            NewEntry(tenant_id, room_id, new_id(), kind, ana, "{}", expels=expels)
            for kind, expels in (("person_left", ana), ("person_entered", None), ("chat_sent", None))
        ]
        await gateway.resources.get(LogWriter).append(said)
        head = await channels.join(channel, ear, Head(2, epoch))
        await until(lambda: ear.heard == [3])
        assert (head, ear.is_out) == (Head(2, epoch), False)
        assert (former.heard, former.is_out) == ([1], True)
    await database.close()


@pytest.mark.parametrize("is_private", [False, True])
async def test_listener_that_fails_keeps_no_entry_from_the_others(
    gateway: Gateway, database: Database, tenant_id: TenantId, room_id: UUID, is_private: bool
) -> None:
    channel, ear = doors.room(tenant_id, room_id), Ear()
    more = {"audience": (new_id(),)} if is_private else {}
    async with Channels(database, gateway.resources.get(Bus), poll_interval=3_600).running() as channels:
        for listener in (Deaf(), ear):
            await channels.join(channel, listener)
        with capture_logs() as lines:
            for _ in range(2):
                await doors.append(gateway.resources, channel, new_id(), "chat_sent", {"text": "heard"}, **more)
            await until(lambda: ear.heard == [1, 2])
    assert [line["event"] for line in lines] == ["hearing_failed"] * 2


class Deaf(Ear):
    """Fails to hear."""

    def hear(self, channel: Channel, entry: Told, frame: Frame) -> None:
        """An entry came."""
        del channel, entry, frame
        raise ZeroDivisionError


class FailsOnce(Database):
    """Its first statement fails in a way nobody thought of."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._has_failed = False

    @contextlib.asynccontextmanager
    async def statements(self) -> AsyncIterator[Queries]:
        if not self._has_failed:
            self._has_failed = True
            raise ZeroDivisionError
        async with super().statements() as queries:
            yield queries


async def test_channel_that_could_not_be_opened_is_opened_anew(
    gateway: Gateway, database_urls: DatabaseUrls, tenant_id: TenantId, room_id: UUID
) -> None:
    database, channel, ear = FailsOnce(database_urls.app), doors.room(tenant_id, room_id), Ear()
    async with Channels(database, gateway.resources.get(Bus), poll_interval=3_600).running() as channels:
        with pytest.raises(ZeroDivisionError):
            await channels.join(channel, ear)
        assert opened() == 0
        assert (await channels.join(channel, ear)).seq == 0
        await doors.append(gateway.resources, channel, new_id(), "chat_sent", {"text": "heard"})
        await until(lambda: ear.heard == [1])
    await database.close()


def opened() -> float:
    """Channels that are open."""
    return REGISTRY.get_sample_value("dojo_gateway_channels") or 0.0


@pytest.mark.parametrize("is_alone", [True, False])
async def test_who_goes_while_a_channel_is_opened_leaves_nothing_behind(
    gateway: Gateway, database_urls: DatabaseUrls, tenant_id: TenantId, room_id: UUID, is_alone: bool
) -> None:
    database, channel, ear = Late(database_urls.app), doors.room(tenant_id, room_id), Ear()
    async with Channels(database, gateway.resources.get(Bus), poll_interval=3_600).running() as channels:
        going = asyncio.create_task(channels.join(channel, Ear()))
        staying = None if is_alone else asyncio.create_task(channels.join(channel, ear))
        await database.has_asked.wait()
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        database.may_answer.set()
        if staying is None:
            assert opened() == 0
        else:
            await staying
            await doors.append(gateway.resources, channel, new_id(), "chat_sent", {"text": "heard"})
            await until(lambda: ear.heard == [1])
    await database.close()


class BreaksOff(Database):
    """Its first unit of work ends in a broken line, when it is told to."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.has_asked, self.may_break = asyncio.Event(), asyncio.Event()

    @contextlib.asynccontextmanager
    async def system(self) -> AsyncIterator[Queries]:
        if not self.has_asked.is_set():
            self.has_asked.set()
            await self.may_break.wait()
            raise Unavailable
        async with super().system() as queries:
            yield queries


async def test_closed_channel_does_not_take_the_place_of_its_successor(
    gateway: Gateway, database_urls: DatabaseUrls, tenant_id: TenantId, room_id: UUID
) -> None:
    """Its reading breaks off after it was closed and opened anew; what the new one is to read is not forgotten."""
    database, channel, bus = BreaksOff(database_urls.app), doors.room(tenant_id, room_id), gateway.resources.get(Bus)
    log, first, second = gateway.resources.get(LogWriter), Ear(), Ear()

    async def grow() -> None:
        silent = NewEntry(tenant_id, room_id, new_id(), "chat_sent", new_id(), payload="{}")
        (answer,) = await log.append([silent])
        bus.publish(channel.name(), LogHint(answer.seq, answer.epoch, ()))

    async with Channels(database, bus, poll_interval=3_600).running() as channels:
        await channels.join(channel, first)
        await grow()
        await database.has_asked.wait()
        channels.leave(channel, first)
        assert (await channels.join(channel, second)).seq == 1
        await grow()
        database.may_break.set()
        await until(lambda: second.heard == [2])
    assert first.heard == []
    await database.close()
