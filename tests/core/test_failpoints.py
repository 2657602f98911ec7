"""Faults on purpose: what holds when a process dies or breaks at the worst moment."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from core import eventlog, failpoints
from core.bus import Bus
from core.call import Resources
from core.db import Database
from core.errors import Unavailable
from core.eventlog import NewEntry
from core.logwriter import LogWriter
from core.model import TenantId, new_id
from core.outbox import Delivery, Handlers, relay
from tests.conftest import DatabaseUrls
from tests.core import test_outbox
from tests.core.waiting import until

APPEND = """
import asyncio, os, sys
from uuid import UUID
from core import failpoints
from core.eventlog import NewEntry
from core.logwriter import LogWriter
async def main(url, tenant, stream, op, spec):
    failpoints.arm(spec)
    async with LogWriter(url).running() as writer:
        await writer.append([NewEntry(UUID(tenant), UUID(stream), UUID(op), "said", UUID(op), '{"n": 1}')])
        print("acknowledged", flush=True)
asyncio.run(main(*sys.argv[1:]))
"""

RELAY = """
import asyncio, sys
from core import failpoints
from core.db import Database
from core.outbox import Handlers, relay
from tests.core.test_outbox import jobs, listeners
async def main(url, spec):
    failpoints.arm(spec)
    send = lambda delivery: print(delivery.model_dump_json(), flush=True)
    await relay(Database(url, size=2), Handlers(listeners.items, jobs.items), send)
asyncio.run(main(*sys.argv[1:]))
"""


async def run_to_its_death(program: str, *words: str) -> bytes:
    """Run a program that kills itself; what it said until then."""
    root = str(Path(failpoints.__file__).parent.parent)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, *words,
        stdout=asyncio.subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": root},
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL
    return said


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    """Nothing stays armed."""
    yield
    failpoints.arm("")


@pytest.fixture
async def tenant(new_tenant: Callable[[], object]) -> TenantId:
    """A tenant of this test's own."""
    return TenantId(await new_tenant())  # type: ignore[misc]  # the fixture's own type


@pytest.fixture
async def stream(database: Database, tenant: TenantId) -> UUID:
    """An empty stream."""
    stream_id = new_id()
    async with database.transaction(tenant) as tx:
        await eventlog.create_stream(tx, stream_id)
    return stream_id


async def stored(database: Database, tenant: TenantId, stream: UUID) -> list[UUID]:
    """The operations in the stream."""
    async with database.transaction(tenant) as tx:
        return [entry.op_id for entry in await eventlog.read(tx, stream, 0)]


def entry(tenant: TenantId, stream: UUID) -> NewEntry:
    """Something to append."""
    return NewEntry(tenant, stream, new_id(), "said", new_id(), '{"n": 1}')


@pytest.mark.parametrize(
    "spec",
    [
        "nowhere=crash",
        "log.commit+often=crash",
        "log.commit=explode",
        "log.commit",
        "log.commit=delay:soon",
        "log.commit=crash:1",
    ],
)
def test_what_cannot_be_armed_is_refused_and_leaves_all_as_it_was(spec: str) -> None:
    with pytest.raises(ValueError, match=r"fail point|fault|float|int"):
        failpoints.arm(spec)
    assert not failpoints.armed


async def test_point_is_passed_before_its_fault_as_often_as_was_said() -> None:
    failpoints.arm("log.commit+2=error")
    for _ in range(2):
        await failpoints.reach("log.commit")
    for _ in range(2):
        with pytest.raises(failpoints.Injected):
            await failpoints.reach("log.commit")


async def test_fault_for_once_happens_once_and_a_delay_waits() -> None:
    failpoints.arm("log.commit=once:error, bus.send=delay:0.01")
    with pytest.raises(failpoints.Injected):
        await failpoints.reach("log.commit")
    await failpoints.reach("log.commit")
    began = asyncio.get_running_loop().time()
    await failpoints.reach("bus.send")
    failpoints.pass_by("bus.send")
    assert asyncio.get_running_loop().time() - began >= 0.02
    assert set(failpoints.armed) == {"bus.send"}


@pytest.mark.parametrize(("point", "is_stored"), [("log.commit", False), ("log.committed", True)])
async def test_broken_commit_is_never_acknowledged_and_its_repeat_is_right(
    database: Database, database_urls: DatabaseUrls, tenant: TenantId, stream: UUID, point: str, is_stored: bool
) -> None:
    wanted = entry(tenant, stream)
    async with LogWriter(database_urls.app).running() as writer:
        failpoints.arm(f"{point}=once:error")
        with pytest.raises(Unavailable):
            await writer.append([wanted])
        assert (wanted.op_id in await stored(database, tenant, stream)) == is_stored
        (answer,) = await writer.append([wanted])
    assert (answer.outcome, answer.seq) == ("repeat" if is_stored else "new", 1)
    assert await stored(database, tenant, stream) == [wanted.op_id]


@pytest.mark.parametrize(("point", "is_stored"), [("log.commit", False), ("log.committed", True)])
async def test_process_that_dies_at_its_commit_acknowledges_nothing(
    database: Database, database_urls: DatabaseUrls, tenant: TenantId, stream: UUID, point: str, is_stored: bool
) -> None:
    op_id = new_id()
    words = (database_urls.app, str(tenant), str(stream), str(op_id), f"{point}=crash")
    assert b"acknowledged" not in await run_to_its_death(APPEND, *words)
    assert await stored(database, tenant, stream) == ([op_id] if is_stored else [])


@pytest.mark.parametrize("point", ["bus.send", "bus.receive"])
async def test_word_lost_on_the_bus_takes_no_other_with_it(redis_url: str, point: str) -> None:
    channel, heard = str(new_id()), list[bytes]()
    async with Bus(redis_url, "s" * 40).running() as one, Bus(redis_url, "s" * 40).running() as other:
        other.subscribe(channel, heard.append)
        await until(lambda: one.connected.is_set() and other.connected.is_set())

        def again() -> bool:
            one.publish(channel, b"hello")
            return bool(heard)

        await until(again)
        one.publish(channel, b"ready")
        await until(lambda: heard[-1] == b"ready")
        failpoints.arm(f"{point}=once:error")
        one.publish(channel, b"lost")
        one.publish(channel, b"heard")
        await until(lambda: heard[-1] == b"heard")
    assert b"lost" not in heard


@pytest.mark.parametrize(("point", "count"), [("outbox.dispatch", 2), ("outbox.dispatched", 3)])
async def test_relay_lives_on_when_a_dispatch_breaks(
    new_database: Callable[[], DatabaseUrls], point: str, count: int
) -> None:
    database, tenant = Database(new_database().app, size=2), TenantId(new_id())
    async with database.transaction(tenant) as tx:
        await tx.run("INSERT INTO tenants (tenant_id, name) VALUES ($1, 'T')", tenant)
        for cup in range(3):
            await tx.publish(test_outbox.WashUp(cup=cup))
    failpoints.arm(f"{point}=once:error")
    sent: list[Delivery] = []
    relaying = asyncio.create_task(relay(database, Handlers([], test_outbox.jobs.items), sent.append))
    await until(lambda: len(sent) >= count)
    relaying.cancel()
    async with database.transaction(tenant) as tx:
        assert await tx.value(int, "SELECT count(*) FROM outbox") == 3, "they are due again until they were handled"
    await database.close()
    assert len(sent) == count


@pytest.mark.parametrize(("point", "count"), [("outbox.dispatch", 0), ("outbox.dispatched", 1)])
async def test_relay_that_dies_loses_nothing_and_nothing_is_done_twice(
    new_database: Callable[[], DatabaseUrls], point: str, count: int
) -> None:
    url, tenant = new_database().app, TenantId(new_id())
    handlers = Handlers(test_outbox.listeners.items, test_outbox.jobs.items)
    database, resources = Database(url, size=4), Resources()
    resources.provide(Database, database)
    async with database.transaction(tenant) as tx:
        await tx.run("INSERT INTO tenants (tenant_id, name) VALUES ($1, 'T')", tenant)
        for cup in range(3):
            await tx.publish(test_outbox.Brewed(cup=cup))
    said = (await run_to_its_death(RELAY, url, f"{point}=crash")).splitlines()
    queue = [Delivery.model_validate_json(line) for line in said if line.startswith(b"{")]
    assert len(queue) == count
    relaying, washed = asyncio.create_task(relay(database, handlers, queue.append)), dict[UUID, int]()
    async with asyncio.timeout(20):
        while await test_outbox.kinds(database, tenant):
            while queue:
                delivery = queue.pop()
                await handlers.deliver(resources, delivery)
                if delivery.handler == "kitchen.wash_up":
                    washed[delivery.id] = delivery.payload["cup"]
            async with database.transaction(tenant) as tx:  # their turn comes again
                await tx.run("UPDATE outbox SET due_at = now() WHERE tenant_id = $1 AND attempts = 1", tenant)
            await asyncio.sleep(0.01)
    relaying.cancel()
    await database.close()
    assert sorted(washed.values()) == [0, 1, 2], "each cup makes one job"
