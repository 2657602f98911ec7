"""The log: gapless numbers, each operation once, refusal by expectation, the write lease, and recovery."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import asyncpg
import pytest

from app.migrate import begin_epoch
from core import eventlog
from core.db import Database
from core.errors import Unavailable
from core.eventlog import FOREVER, Fence, NewEntry
from core.logwriter import LogWriter
from core.model import TenantId, new_id
from tests.conftest import DatabaseUrls

NewTenant = Callable[[], Awaitable[TenantId]]


@pytest.fixture
async def writer(database_urls: DatabaseUrls) -> AsyncIterator[LogWriter]:
    """A running writer."""
    async with LogWriter(database_urls.app).running() as writer:
        yield writer


@pytest.fixture
async def tenant(new_tenant: NewTenant) -> TenantId:
    """A tenant of this test's own."""
    return await new_tenant()


@pytest.fixture
async def stream(database: Database, tenant: TenantId) -> UUID:
    """An empty stream."""
    return await a_stream(database, tenant)


async def a_stream(database: Database, tenant: TenantId) -> UUID:
    """Another empty stream."""
    stream_id = new_id()
    async with database.transaction(tenant) as tx:
        await eventlog.create_stream(tx, stream_id)
    return stream_id


def entry(tenant: TenantId, stream: UUID, number: int = 0, **more: object) -> NewEntry:
    """An entry with a payload that says ``number``."""
    values = {"op_id": new_id(), "actor_id": new_id(), "payload": json.dumps({"n": number}), **more}
    return NewEntry(tenant_id=tenant, stream_id=stream, kind="said", **values)  # type: ignore[arg-type]  # by test


async def stored(database: Database, tenant: TenantId, stream: UUID) -> list[eventlog.Entry]:
    """Everything in the stream."""
    async with database.transaction(tenant) as tx:
        return await eventlog.read(tx, stream, 0, 10_000)


async def test_append_numbers_without_gap_from_many_writers(
    database: Database, database_urls: DatabaseUrls, tenant: TenantId
) -> None:
    streams = [await a_stream(database, tenant) for _ in range(5)]

    async def load(seed: int) -> None:
        chance = random.Random(seed)
        async with LogWriter(database_urls.app).running() as writer:
            for number in range(40):
                batch = [entry(tenant, chance.choice(streams), number) for _ in range(chance.randint(1, 5))]
                await writer.append(batch)

    await asyncio.gather(*(load(seed) for seed in range(4)))
    total = 0
    for stream in streams:
        entries = await stored(database, tenant, stream)
        assert [found.seq for found in entries] == list(range(1, len(entries) + 1))
        total += len(entries)
    assert total > 400


async def test_append_keeps_each_callers_order(
    database: Database, writer: LogWriter, tenant: TenantId, stream: UUID
) -> None:
    tasks = [asyncio.create_task(writer.append([entry(tenant, stream, number)])) for number in range(200)]
    await asyncio.gather(*tasks)
    assert [found.payload for found in await stored(database, tenant, stream)] == [{"n": n} for n in range(200)]


@pytest.mark.parametrize("together", [1, 5])
async def test_whatever_is_in_an_entry_comes_back_as_it_was(
    database: Database, writer: LogWriter, tenant: TenantId, stream: UUID, together: int
) -> None:
    """One entry goes as plain values, several as arrays in text, where signs have a meaning."""
    words = ["NULL", "", " ", '"', "\\", '\\"', "{a,b}", "a,b", "\n\t\r", "é😀\u2028", "'; --", "$1", "\\x41", "%s"]
    people = (new_id(), new_id())
    texts = [json.dumps(word, ensure_ascii=False) for word in words]
    new = [
        NewEntry(
            tenant, stream, new_id(), word or "said", new_id(), None if number % 3 == 2 else texts[number],
            None if number % 3 == 0 else word.encode() * number, people if number % 2 else None,
            people[0] if number % 5 == 0 else None,
        )
        for number, word in enumerate(words)
    ]  # fmt: skip
    answers = []
    for start in range(0, len(new), together):
        answers += await writer.append(new[start : start + together])
    found = await stored(database, tenant, stream)
    assert [
        (
            each.op_id,
            each.kind,
            each.actor_id,
            each.text,
            each.data,
            each.audience and tuple(each.audience),
            each.expels,
        )
        for each in found
    ] == [(each.op_id, *each[3:9]) for each in new]
    assert [(answer.outcome, answer.seq, answer.at) for answer in answers] == [
        ("new", each.seq, each.at) for each in found
    ]


@pytest.mark.parametrize("together", [1, 3])
async def test_entry_of_another_epoch_is_refused_with_what_follows(
    database: Database, writer: LogWriter, database_urls: DatabaseUrls, tenant: TenantId, stream: UUID, together: int
) -> None:
    """After a restore the numbers begin anew: the one that was expected may be there again."""
    old = [entry(tenant, stream, number, epoch=1) for number in range(together)]
    assert {answer.outcome for answer in await writer.append(old)} == {"new"}
    await asyncio.to_thread(begin_epoch, database_urls.migration)
    late = [entry(tenant, stream, expected=together, epoch=1), *(entry(tenant, stream) for _ in range(together - 1))]
    answers = await writer.append(late)
    assert {answer.outcome for answer in answers} == {"refused"}
    (again,) = await writer.append([entry(tenant, stream, epoch=answers[0].epoch)])
    assert (again.outcome, again.seq) == ("new", together + 1)
    assert [answer.outcome for answer in await writer.append(old)] == ["repeat"] * together
    assert len(await stored(database, tenant, stream)) == together + 1


async def test_repeated_operation_is_stored_once(
    database: Database, writer: LogWriter, tenant: TenantId, stream: UUID
) -> None:
    first = entry(tenant, stream)
    (one,) = await writer.append([first])
    (two, three) = await writer.append([first, entry(tenant, stream)])
    assert (one.outcome, two.outcome, three.outcome) == ("new", "repeat", "new")
    assert (one.seq, two.seq, three.seq) == (1, 1, 2)
    assert len(await stored(database, tenant, stream)) == 2


async def test_stale_expectation_is_refused_with_all_that_follows_in_the_call(
    database: Database, writer: LogWriter, tenant: TenantId, stream: UUID
) -> None:
    other = await a_stream(database, tenant)
    await writer.append([entry(tenant, stream)])
    answers = await writer.append(
        [entry(tenant, stream, expected=0), entry(tenant, stream), entry(tenant, other, expected=0)]
    )
    assert [answer.outcome for answer in answers] == ["refused", "refused", "new"]
    assert answers[0].seq == 1
    assert len(await stored(database, tenant, stream)) == 1


async def test_repeat_is_known_even_where_its_expectation_is_stale(
    writer: LogWriter, tenant: TenantId, stream: UUID
) -> None:
    first = entry(tenant, stream, expected=0)
    await writer.append([first])
    await writer.append([entry(tenant, stream)])
    (again,) = await writer.append([first])
    assert (again.outcome, again.seq) == ("repeat", 1)


async def test_lease_moves_with_the_event_and_fences_everybody_else(
    database: Database, writer: LogWriter, tenant: TenantId, stream: UUID
) -> None:
    document, ana, bo = await a_stream(database, tenant), new_id(), new_id()
    free = entry(tenant, document, payload=None, data=b"1", actor_id=bo)
    moved = entry(tenant, stream, fence=Fence(document, ana))
    by_bo = entry(tenant, document, payload=None, data=b"2", actor_id=bo)
    by_ana = entry(tenant, document, payload=None, data=b"3", actor_id=ana)
    await writer.append([free])
    await writer.append([moved])
    answers = await writer.append([by_bo, by_ana])
    assert [answer.outcome for answer in answers] == ["fenced", "new"]
    await writer.append([entry(tenant, stream, fence=Fence(document, None))])
    (freed,) = await writer.append([by_bo])
    assert freed.outcome == "new"
    assert [found.data for found in await stored(database, tenant, document)] == [b"1", b"3", b"2"]


async def test_refused_event_moves_no_lease(
    database: Database, writer: LogWriter, tenant: TenantId, stream: UUID
) -> None:
    document = await a_stream(database, tenant)
    await writer.append([entry(tenant, stream)])
    await writer.append([entry(tenant, stream, expected=0, fence=Fence(document, new_id()))])
    async with database.transaction(tenant) as tx:
        assert await eventlog.holder(tx, document) is None


async def test_deadline_is_found_once_due_and_can_be_cleared(
    database: Database, writer: LogWriter, tenant: TenantId, stream: UUID
) -> None:
    await writer.append([entry(tenant, stream, due=100.0)])
    async with database.system() as queries:
        assert (tenant, stream, 100.0) in await eventlog.due(queries, 100.0, 10_000)
        assert stream not in [found.stream_id for found in await eventlog.due(queries, 99.0, 10_000)]
    await writer.append([entry(tenant, stream, due=FOREVER)])
    async with database.system() as queries:
        assert stream not in [found.stream_id for found in await eventlog.due(queries, 1e12, 10_000)]


@pytest.mark.parametrize("together", [1, 3])
async def test_each_entry_moves_its_own_lease_and_deadline(
    database: Database, writer: LogWriter, tenant: TenantId, together: int
) -> None:
    moments = [1_234_567_890.123456, FOREVER, None, 0.000001, None, 4_102_444_800.654321]
    rooms = [await a_stream(database, tenant) for _ in moments]
    documents = [await a_stream(database, tenant) for _ in moments]
    ana, bo = new_id(), new_id()
    for document in documents[::2]:
        await writer.append([entry(tenant, rooms[0], fence=Fence(document, ana))])
    holders = [bo, bo, ana, None, None, bo]
    fences = [
        None if holder == ana else Fence(document, holder) for document, holder in zip(documents, holders, strict=True)
    ]
    new = [entry(tenant, room, due=due, fence=fence) for room, due, fence in zip(rooms, moments, fences, strict=True)]
    for start in range(0, len(new), together):
        await writer.append(new[start : start + together])
    async with database.transaction(tenant) as tx:
        found = [await eventlog.holder(tx, document) for document in documents]
    assert found == holders
    async with database.system() as queries:
        due = {each.stream_id: each.at for each in await eventlog.due(queries, 1e10, 10_000)}
    assert [due.get(room) for room in rooms] == [None if moment == FOREVER else moment for moment in moments]


async def test_poisoned_entry_fails_alone(
    database: Database, writer: LogWriter, tenant: TenantId, stream: UUID
) -> None:
    good = [asyncio.create_task(writer.append([entry(tenant, stream, n)])) for n in range(3)]
    bad = asyncio.create_task(writer.append([entry(tenant, stream, payload='{"n": "\\u0000"}')]))
    more = [asyncio.create_task(writer.append([entry(tenant, stream, n)])) for n in range(3, 6)]
    with pytest.raises(ValueError, match="u0000"):
        await bad
    await asyncio.gather(*good, *more)
    assert len(await stored(database, tenant, stream)) == 6


async def test_unknown_stream_and_another_tenants_are_missing(
    writer: LogWriter, new_tenant: NewTenant, tenant: TenantId, stream: UUID
) -> None:
    foreign = await new_tenant()
    answers = await writer.append([entry(tenant, new_id()), entry(foreign, stream)])
    assert [answer.outcome for answer in answers] == ["missing", "missing"]


async def test_app_role_cannot_write_the_log_past_the_function(
    database: Database, tenant: TenantId, stream: UUID
) -> None:
    for statement in (
        "INSERT INTO log_entries (tenant_id, stream_id, seq, op_id, kind, actor_id) VALUES ($1, $2, 9, $2, 'x', $2)",
        "UPDATE log_streams SET last_seq = 9 WHERE tenant_id = $1 AND stream_id = $2",
        "DELETE FROM log_entries WHERE tenant_id = $1 AND stream_id = $2",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with database.transaction(tenant) as tx:
                await tx.run(statement, tenant, stream)


async def test_append_in_a_transaction_that_fails_is_not_there(
    database: Database, tenant: TenantId, stream: UUID
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with database.transaction(tenant) as tx:
            await eventlog.append(tx, [entry(tenant, stream)])
            raise ZeroDivisionError
    assert await stored(database, tenant, stream) == []


async def test_writer_whose_connection_died_stores_each_operation_once(
    database: Database, database_urls: DatabaseUrls, writer: LogWriter, tenant: TenantId, stream: UUID
) -> None:
    """Killing the backend in mid-run makes some answers unknown; the same operations again make it right."""
    admin = await asyncpg.connect(database_urls.admin)
    wanted = [entry(tenant, stream, number) for number in range(300)]

    async def offer(one: NewEntry) -> None:
        while True:
            try:
                (answer,) = await writer.append([one])
            except Unavailable:
                continue
            assert answer.outcome in {"new", "repeat"}
            return

    tasks = [asyncio.create_task(offer(one)) for one in wanted]
    await offer(entry(tenant, stream, -1))
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%append_log%' AND pid <> pg_backend_pid()"
    )
    await asyncio.gather(*tasks)
    await admin.close()
    found = await stored(database, tenant, stream)
    assert len(found) == 301
    assert {one.op_id for one in wanted} <= {one.op_id for one in found}


async def test_writer_outlives_what_nobody_thought_of(
    new_database: Callable[[], DatabaseUrls],
) -> None:
    urls = new_database()
    database, admin = Database(urls.app), await asyncpg.connect(urls.migration)
    tenant = TenantId(new_id())
    async with database.transaction(tenant) as tx:
        await tx.run("INSERT INTO tenants (tenant_id, name) VALUES ($1, 'T')", tenant)
    stream = await a_stream(database, tenant)
    await admin.execute("SET ROLE dojo_owner")
    async with LogWriter(urls.app).running() as writer:
        await admin.execute("ALTER TABLE log_entries RENAME TO elsewhere")
        with pytest.raises(Unavailable):
            await writer.append([entry(tenant, stream)])
        await admin.execute("ALTER TABLE elsewhere RENAME TO log_entries")
        (answer,) = await writer.append([entry(tenant, stream)])
    assert (answer.outcome, answer.seq) == ("new", 1)
    await admin.close()
    await database.close()


def test_op_ids_are_the_same_at_each_repeat() -> None:
    op_id = new_id()
    assert eventlog.op_ids(op_id, 3) == eventlog.op_ids(op_id, 3)
    assert len(set(eventlog.op_ids(op_id, 3))) == 3
    assert eventlog.op_ids(op_id, 1) == [op_id]
