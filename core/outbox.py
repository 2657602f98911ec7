"""From the outbox to the listeners: a row stays until every listener of its kind has handled it.

The relay takes due rows and sends one task per listener that has not handled it; a row that is not done when its next
turn comes is sent again (15 s, 30 s … at most 10 min apart). So a lost queue loses nothing, and a repeat finds the
mark that was committed with the work. After ``MAX_ATTEMPTS`` the row is set aside, due never.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter

from core import failpoints
from core.call import Call, Principal, Resources
from core.db import Database, Queries, Transaction
from core.errors import Problem, Unavailable
from core.jobs import Job
from core.listeners import Listener
from core.model import NIL, Model, TenantId, UserId

log = structlog.get_logger()

TAKEN = Counter("dojo_outbox_taken", "Outbox rows taken by the relay.", ["kind"])
SET_ASIDE = Counter("dojo_outbox_set_aside", "Outbox rows that no attempt could finish.", ["kind"])
MAX_ATTEMPTS = 12
POLL = 0.2
BATCH = 100


class Delivery(Model):
    """One event or job for one handler: what travels through the queue."""

    tenant_id: TenantId
    id: UUID
    handler: str
    payload: dict[str, Any]


class Taken(Model):
    """An outbox row that the relay holds for this turn."""

    tenant_id: TenantId
    id: UUID
    kind: str
    payload: dict[str, Any]
    handled: tuple[str, ...]
    attempts: int


class AlreadyHandled(Exception):
    """Another attempt committed first."""


class Handlers:
    """All listeners and jobs, by the kind that they take and by their name."""

    def __init__(self, listeners: Sequence[Listener], jobs: Sequence[Job]) -> None:
        self._by_name: dict[str, tuple[type[Model], Callable[[Call, Any], Awaitable[None]]]] = {}
        self._by_kind: dict[str, list[str]] = {}
        for listener in listeners:
            self._add(listener.name, listener.event, listener.handler)
        for job in jobs:
            self._add(job.name, job.input, job.handler)

    def _add(self, name: str, kind: type[Model], handler: Callable[[Call, Any], Awaitable[None]]) -> None:
        if name in self._by_name:
            raise ValueError(f"two handlers are called {name}")
        self._by_name[name] = (kind, handler)
        self._by_kind.setdefault(kind.__name__, []).append(name)

    def of_kind(self, kind: str) -> frozenset[str]:
        """The names of those who want ``kind``."""
        return frozenset(self._by_kind.get(kind, ()))

    async def deliver(self, resources: Resources, delivery: Delivery) -> None:
        """Run one handler on one event, once."""
        kind, handler = self._by_name[delivery.handler]
        call = DeliveryCall(resources, delivery, self.of_kind(kind.__name__))
        if await call.is_handled():
            return
        try:
            await handler(call, kind.model_validate(delivery.payload))
            await call.finish()
        except AlreadyHandled:
            log.info("delivery_repeated", handler=delivery.handler, id=str(delivery.id))


class DeliveryCall(Call):
    """The call of a listener or job: our own, in the event's tenant. Its first unit of work carries the mark."""

    def __init__(self, resources: Resources, delivery: Delivery, everyone: frozenset[str]) -> None:
        system = Principal(
            tenant_id=delivery.tenant_id,
            user_id=UserId(NIL),
            name="Live Dojo",
            role="owner",
            scopes=frozenset(),
            sign_in_id=NIL,
            expires_at=0,
        )
        super().__init__(resources, system)
        self._delivery = delivery
        self._everyone = everyone
        self._marked = False

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """A unit of work that commits together with the mark that this event is handled."""
        return self._marking()

    @asynccontextmanager
    async def _marking(self) -> AsyncIterator[Transaction]:
        async with self.get(Database).transaction(self._delivery.tenant_id) as tx:
            yield tx
            if not self._marked:
                await mark_handled(tx, self._delivery, self._everyone)
        self._marked = True

    async def is_handled(self) -> bool:
        """Whether an earlier attempt finished."""
        async with self.get(Database).transaction(self._delivery.tenant_id) as tx:
            waiting = await tx.value(
                bool,
                "SELECT NOT $3 = ANY (handled) FROM outbox WHERE tenant_id = $1 AND id = $2",
                tx.tenant_id,
                self._delivery.id,
                self._delivery.handler,
            )
        return not waiting

    async def finish(self) -> None:
        """Mark a handler that wrote nothing."""
        if not self._marked:
            async with self.transaction():
                pass


async def mark_handled(tx: Transaction, delivery: Delivery, everyone: frozenset[str]) -> None:
    """Note that this handler is done; the row leaves with the last one.

    Raises:
        AlreadyHandled: another attempt was first; this one's writes are rolled back.
    """
    handled = await tx.value(
        list,
        """
        UPDATE outbox SET handled = handled || $3::text
        WHERE tenant_id = $1 AND id = $2 AND NOT $3 = ANY (handled) RETURNING handled
        """,
        tx.tenant_id,
        delivery.id,
        delivery.handler,
    )
    if handled is None:
        raise AlreadyHandled
    if everyone <= set(handled):
        await tx.run("DELETE FROM outbox WHERE tenant_id = $1 AND id = $2", tx.tenant_id, delivery.id)


async def take(queries: Queries, limit: int = BATCH) -> list[Taken]:
    """Due rows of all tenants; they are due again later unless their handlers finish."""
    return await queries.all(Taken, "SELECT * FROM take_outbox($1, $2)", limit, MAX_ATTEMPTS)


async def relay(database: Database, handlers: Handlers, send: Callable[[Delivery], None]) -> None:
    """Move due rows to the queue until cancelled. Several relays may run."""
    while True:
        try:
            async with database.system() as queries:
                rows = await take(queries)
            for row in rows:
                await _send_row(database, handlers, row, send)
        except Unavailable as error:
            log.warning("relay_waits", reason=error.detail)
            rows = []
            await asyncio.sleep(1)
        if len(rows) < BATCH:
            await asyncio.sleep(POLL)


async def _send_row(database: Database, handlers: Handlers, row: Taken, send: Callable[[Delivery], None]) -> None:
    TAKEN.labels(row.kind).inc()
    waiting = handlers.of_kind(row.kind) - set(row.handled)
    if not waiting:
        async with database.transaction(row.tenant_id) as tx:
            await tx.run("DELETE FROM outbox WHERE tenant_id = $1 AND id = $2", row.tenant_id, row.id)
        return
    if row.attempts >= MAX_ATTEMPTS:
        SET_ASIDE.labels(row.kind).inc()
        log.error("outbox_set_aside", kind=row.kind, id=str(row.id), waiting=sorted(waiting))
    for handler in sorted(waiting):
        try:
            if failpoints.armed:
                await failpoints.reach("outbox.dispatch")
            await asyncio.to_thread(
                send, Delivery(tenant_id=row.tenant_id, id=row.id, handler=handler, payload=row.payload)
            )
            if failpoints.armed:
                await failpoints.reach("outbox.dispatched")
        except failpoints.Injected as fault:
            log.warning("queue_unavailable", handler=handler, reason=str(fault))
        except Problem as problem:
            log.warning("queue_unavailable", handler=handler, reason=problem.detail)
