"""What is appended before what it stands on is known to be stored."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import pytest
from prometheus_client import REGISTRY

from core import eventlog, failpoints
from core.db import Database, Transaction
from core.errors import Unavailable
from core.eventlog import NewEntry
from core.logwriter import PENDING_MAX, LogWriter
from core.model import TenantId, new_id
from tests.conftest import DatabaseUrls
from tests.core.waiting import PATIENCE


@pytest.fixture
async def writer(database_urls: DatabaseUrls) -> AsyncIterator[LogWriter]:
    """A running writer."""
    async with LogWriter(database_urls.app).running() as writer:
        yield writer
    failpoints.arm("")


@pytest.fixture
async def stream(database: Database, new_tenant: Callable[[], Awaitable[TenantId]]) -> tuple[TenantId, UUID]:
    """An empty stream, and whose it is."""
    tenant, stream_id = await new_tenant(), new_id()
    async with database.transaction(tenant) as tx:
        await eventlog.create_stream(tx, stream_id)
    return tenant, stream_id


def entry(stream: tuple[TenantId, UUID], expected: int | None) -> NewEntry:
    """An entry for a stream that is at ``expected``."""
    return NewEntry(*stream, new_id(), "said", new_id(), "{}", expected=expected)


async def stored(database: Database, stream: tuple[TenantId, UUID]) -> list[UUID]:
    """The operations in the stream."""
    async with database.transaction(stream[0]) as tx:
        return [each.op_id for each in await eventlog.read(tx, stream[1], 0)]


async def until_somebody_waits_for(tx: Transaction, database: Database) -> None:
    """Wait until another session waits for a lock that this unit of work holds."""
    holder = await tx.value(int, "SELECT pg_backend_pid()")
    waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND $1 = ANY (pg_blocking_pids(pid)))"
    async with asyncio.timeout(PATIENCE), database.system() as look:
        while not await look.value(bool, waits, holder):
            await asyncio.sleep(0.01)


async def test_more_than_the_log_can_hold_back_is_refused_at_once(
    writer: LogWriter, stream: tuple[TenantId, UUID]
) -> None:
    group = [entry(stream, None) for _ in range(1_000)]
    for _ in range(PENDING_MAX // len(group)):
        writer.offer(group)
    assert REGISTRY.get_sample_value("dojo_log_pending") == PENDING_MAX
    with pytest.raises(Unavailable):
        writer.offer([entry(stream, None)])


async def test_entries_that_follow_each_other_are_stored_in_one_flight(
    writer: LogWriter, database: Database, stream: tuple[TenantId, UUID]
) -> None:
    entries = [entry(stream, number) for number in range(20)]
    group = None
    groups = [group := writer.offer([each], group) for each in entries]
    answers = [await each.answers for each in groups]
    assert [(answer.outcome, answer.seq) for [answer] in answers] == [("new", seq) for seq in range(1, 21)]
    assert await stored(database, stream) == [each.op_id for each in entries]


async def test_what_stands_on_a_refused_entry_is_refused_though_its_number_would_fit(
    writer: LogWriter, database: Database, stream: tuple[TenantId, UUID]
) -> None:
    """Somebody else's entry has taken the number on which the second one counts: only its content is another."""
    other = entry(stream, None)
    first, second, third = entry(stream, 0), entry(stream, 1), entry(stream, 2)
    async with database.transaction(stream[0]) as tx:
        await eventlog.append(tx, [other])
        leader = writer.offer([first])
        await until_somebody_waits_for(tx, database)
        followers = [follower := writer.offer([second], leader), writer.offer([third], follower)]
    outcomes = [(await group.answers)[0].outcome for group in (leader, *followers)]
    assert outcomes == ["refused"] * 3
    assert await stored(database, stream) == [other.op_id]


async def test_what_stands_on_an_entry_of_unknown_fate_is_not_stored(
    writer: LogWriter, database: Database, stream: tuple[TenantId, UUID]
) -> None:
    failpoints.arm("log.committed=once:error")
    first, second = entry(stream, 0), entry(stream, 1)
    async with database.transaction(stream[0]) as tx:
        await eventlog.append(tx, [entry(stream, 99)])  # refused: it takes the stream's lock, and stores nothing
        leader = writer.offer([first])
        await until_somebody_waits_for(tx, database)
        follower = writer.offer([second], leader)
    with pytest.raises(Unavailable):
        await leader.answers
    assert (await follower.answers)[0].outcome == "refused"
    assert await stored(database, stream) == [first.op_id]
    assert (await writer.append([first]))[0].outcome == "repeat"


async def test_bad_data_takes_with_it_only_what_stands_on_it(
    writer: LogWriter, database: Database, stream: tuple[TenantId, UUID]
) -> None:
    bad = entry(stream, 0)._replace(payload='"\\u0000"')
    good = entry(stream, 1)
    apart = entry(stream, None)
    leader = writer.offer([bad])
    follower, stranger = writer.offer([good], leader), writer.offer([apart])
    with pytest.raises(ValueError, match="0000"):
        await leader.answers
    assert (await follower.answers)[0].outcome == "refused"
    assert (await stranger.answers)[0].outcome == "new"
    assert await stored(database, stream) == [apart.op_id]
