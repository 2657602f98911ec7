"""What someone who joins a channel hears of it, whatever happens at that very moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

from core.bus import Bus
from core.db import Database, Queries
from core.eventlog import Head, NewEntry
from core.logwriter import LogWriter
from core.model import TenantId, UserId, new_id
from core.sockets import Channel, Told
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
