"""The outbox: each listener handles each committed event once, whatever is lost or repeated in between."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from core.call import Call, Resources
from core.db import Database
from core.jobs import Jobs
from core.listeners import Listeners
from core.model import Model, TenantId, new_id
from core.outbox import MAX_ATTEMPTS, Delivery, Handlers, relay, take
from tests.conftest import DatabaseUrls


class Brewed(Model):
    """Something was made."""

    cup: int


class WashUp(Model):
    """A job."""

    cup: int


listeners = Listeners("kitchen")
jobs = Jobs("kitchen")


@listeners.on(Brewed)
async def note_cup(call: Call, event: Brewed) -> None:
    """Write one more tenant-visible row, so that a repeat would show."""
    async with call.transaction() as tx:
        await tx.publish(WashUp(cup=event.cup))


@listeners.on(Brewed)
async def taste_cup(call: Call, event: Brewed) -> None:
    """Write nothing; fail on cup 13."""
    if event.cup == 13:
        raise ValueError("bitter")


@jobs.on(WashUp)
async def wash_up(call: Call, input: WashUp) -> None:
    """Write nothing."""


@pytest.fixture
async def fresh(new_database: Callable[[], DatabaseUrls]) -> AsyncIterator[Database]:
    """A database of this test's own: the relay takes the rows of all tenants."""
    database = Database(new_database().app, size=4)
    yield database
    await database.close()


@pytest.fixture
async def tenant(fresh: Database) -> TenantId:
    """Its one tenant."""
    tenant_id = TenantId(new_id())
    async with fresh.transaction(tenant_id) as tx:
        await tx.run("INSERT INTO tenants (tenant_id, name) VALUES ($1, 'T')", tenant_id)
    return tenant_id


@pytest.fixture
def resources(fresh: Database) -> Resources:
    """What a worker holds."""
    resources = Resources()
    resources.provide(Database, fresh)
    return resources


async def kinds(database: Database, tenant: TenantId) -> list[str]:
    """What waits in the outbox."""
    async with database.transaction(tenant) as tx:
        return [row[0] for row in await tx.rows("SELECT kind FROM outbox ORDER BY created_at")]


async def test_relay_delivers_everything_that_committed_once(
    fresh: Database, tenant: TenantId, resources: Resources
) -> None:
    """The queue loses every third message and doubles every fourth: the rows know better."""
    handlers = Handlers(listeners.items, jobs.items)
    async with fresh.transaction(tenant) as tx:
        for cup in range(5):
            await tx.publish(Brewed(cup=cup))
    sent: list[Delivery] = []
    done: list[str] = []
    relaying = asyncio.create_task(relay(fresh, handlers, sent.append))
    count = 0
    async with asyncio.timeout(30):
        while await kinds(fresh, tenant):
            while sent:
                delivery, count = sent.pop(0), count + 1
                for _ in range(0 if count % 3 == 0 else 2 if count % 4 == 0 else 1):
                    await handlers.deliver(resources, delivery)
                    done.append(delivery.handler)
            async with fresh.transaction(tenant) as tx:
                await tx.run("UPDATE outbox SET due_at = now() WHERE tenant_id = $1 AND attempts < 9", tenant)
            await asyncio.sleep(0.01)
    relaying.cancel()
    assert {"kitchen.note_cup", "kitchen.taste_cup", "kitchen.wash_up"} == set(done)


async def test_repeated_delivery_writes_once(fresh: Database, tenant: TenantId, resources: Resources) -> None:
    handlers = Handlers(listeners.items, jobs.items)
    async with fresh.transaction(tenant) as tx:
        await tx.publish(Brewed(cup=1))
    async with fresh.system() as queries:
        (row,) = await take(queries)
    delivery = Delivery(tenant_id=tenant, id=row.id, handler="kitchen.note_cup", payload=row.payload)
    await asyncio.gather(*(handlers.deliver(resources, delivery) for _ in range(3)))
    await handlers.deliver(resources, delivery)
    assert await kinds(fresh, tenant) == ["Brewed", "WashUp"]


async def test_rolled_back_event_is_never_told(fresh: Database, tenant: TenantId) -> None:
    with pytest.raises(ZeroDivisionError):
        async with fresh.transaction(tenant) as tx:
            await tx.publish(Brewed(cup=1))
            raise ZeroDivisionError
    async with fresh.system() as queries:
        assert await take(queries) == []


async def test_failing_handler_is_tried_again_and_at_last_set_aside(
    fresh: Database, tenant: TenantId, resources: Resources
) -> None:
    handlers = Handlers(listeners.items, jobs.items)
    async with fresh.transaction(tenant) as tx:
        await tx.publish(Brewed(cup=13))
    for attempt in range(1, MAX_ATTEMPTS + 1):
        async with fresh.system() as queries:
            (row,) = await take(queries)
        assert row.attempts == attempt
        with pytest.raises(ValueError, match="bitter"):
            await handlers.deliver(
                resources, Delivery(tenant_id=tenant, id=row.id, handler="kitchen.taste_cup", payload=row.payload)
            )
        async with fresh.transaction(tenant) as tx:
            await tx.run("UPDATE outbox SET due_at = now() WHERE tenant_id = $1 AND due_at < 'infinity'", tenant)
    async with fresh.system() as queries:
        assert await take(queries) == []
    assert await kinds(fresh, tenant) == ["Brewed"]


def test_two_handlers_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"kitchen\.note_cup"):
        Handlers([*listeners.items, *listeners.items], [])
