"""The ordered, durable log: per stream gapless numbers, each operation once, natural group commit.

A stream is anything with a history: its entries are events (JSON) or raw updates (bytes). One writer per process sends
all pending entries of all streams in one call and one commit, and sends the next batch as soon as the former returned:
batches grow with the load by themselves, so there is no timer. Whoever decides on state that can race passes the number
that the stream must be at (``expected``).
"""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID, uuid5

import asyncpg
import structlog
from prometheus_client import Counter, Histogram

from core.db import GONE, Queries, Transaction
from core.errors import Unavailable
from core.model import Instant, Model, TenantId

log = structlog.get_logger()

GROUP = Histogram("dojo_log_group_size", "Entries in one commit.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512))
APPENDED = Counter("dojo_log_entries", "Entries offered to the log, by outcome.", ["outcome"])

PENDING_MAX = 20_000
GROUP_MAX = 1_000
FLUSH_TIMEOUT = 10.0
FOREVER = float("inf")

Outcome = Literal["new", "repeat", "refused", "fenced", "missing"]

APPEND = """
    SELECT n, outcome, seq, epoch, at FROM append_log(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::bytea[], $8::text[],
        $9::uuid[], $10::bigint[], $11::float8[], $12::uuid[], $13::uuid[])
"""


class Fence(NamedTuple):
    """Moves a stream's write lease in the same step: its bytes are then taken from ``holder`` alone, or from all (None)."""

    stream_id: UUID
    holder: UUID | None


class NewEntry(NamedTuple):
    """An entry to append. ``due`` moves the stream's deadline (FOREVER clears it, None keeps it)."""

    tenant_id: TenantId
    stream_id: UUID
    op_id: UUID
    kind: str
    actor_id: UUID
    payload: str | None = None
    """JSON text."""
    data: bytes | None = None
    audience: tuple[UUID, ...] | None = None
    """Who may see it; None: everybody who may see the stream."""
    expels: UUID | None = None
    """Whose connections to the stream end with it."""
    expected: int | None = None
    due: Instant | None = None
    fence: Fence | None = None


class Appended(NamedTuple):
    """What became of an entry.

    ``new`` and ``repeat`` are stored at ``seq``; ``refused`` (another came first), ``fenced`` (somebody else holds the
    lease) and ``missing`` (no such stream) are not, and ``seq`` is where the stream stands.
    """

    outcome: Outcome
    seq: int
    epoch: int
    at: Instant | None = None
    """When it was stored, by the database's clock."""


class Entry(Model):
    """A stored entry."""

    seq: int
    op_id: UUID
    kind: str
    actor_id: UUID
    at: Instant
    audience: tuple[UUID, ...] | None = None
    expels: UUID | None = None
    payload: dict[str, Any] | None = None
    data: bytes | None = None


def as_stored(new: Sequence[NewEntry], answers: Sequence[Appended]) -> list[Entry]:
    """Entries that were just appended, as a reader would find them."""
    return [
        Entry(
            seq=answer.seq,
            op_id=entry.op_id,
            kind=entry.kind,
            actor_id=entry.actor_id,
            at=answer.at or 0.0,
            audience=entry.audience,
            expels=entry.expels,
            payload=None if entry.payload is None else json.loads(entry.payload),
            data=entry.data,
        )
        for entry, answer in zip(new, answers, strict=True)
    ]


class Head(NamedTuple):
    """Where a stream stands."""

    seq: int
    epoch: int


class Due(NamedTuple):
    """A stream whose deadline has passed."""

    tenant_id: TenantId
    stream_id: UUID
    at: Instant


def op_ids(op_id: UUID, count: int) -> list[UUID]:
    """One id for each of the ``count`` entries of one operation, the same at each repeat; the first is ``op_id``."""
    return [op_id, *(uuid5(op_id, str(index)) for index in range(1, count))]


async def create_stream(tx: Transaction, stream_id: UUID) -> None:
    """Begin an empty stream."""
    await tx.run("INSERT INTO log_streams (tenant_id, stream_id) VALUES ($1, $2)", tx.tenant_id, stream_id)


async def append(tx: Transaction, entries: Sequence[NewEntry]) -> list[Appended]:
    """Append inside a unit of work, for what must change tables in the same step."""
    rows = await tx.rows(APPEND, *_columns(entries))
    return _answers(rows, len(entries))


async def read(tx: Transaction, stream_id: UUID, since: int, limit: int = 500) -> list[Entry]:
    """The entries after ``since``, oldest first; ask again from the last one for more."""
    return await tx.all(
        Entry,
        """
        SELECT seq, op_id, kind, actor_id, extract(epoch FROM at)::float8 AS at, audience, expels, payload, data
        FROM log_entries WHERE tenant_id = $1 AND stream_id = $2 AND seq > $3 ORDER BY seq LIMIT $4
        """,
        tx.tenant_id, stream_id, since, limit,
    )  # fmt: skip


async def find(tx: Transaction, stream_id: UUID, op_id: UUID) -> int | None:
    """The number under which an operation was stored, if it was."""
    return await tx.value(
        int,
        "SELECT seq FROM log_entries WHERE tenant_id = $1 AND stream_id = $2 AND op_id = $3",
        tx.tenant_id, stream_id, op_id,
    )  # fmt: skip


async def last_of_kind(tx: Transaction, stream_id: UUID, kind: str) -> int | None:
    """The number of the newest entry of ``kind``: where a fold may begin."""
    return await tx.value(
        int,
        """
        SELECT seq FROM log_entries WHERE tenant_id = $1 AND stream_id = $2 AND kind = $3 ORDER BY seq DESC LIMIT 1
        """,
        tx.tenant_id, stream_id, kind,
    )  # fmt: skip


async def head(tx: Transaction, stream_id: UUID) -> Head | None:
    """Where one stream of this tenant stands."""
    rows = await tx.rows(
        "SELECT last_seq, epoch FROM log_streams WHERE tenant_id = $1 AND stream_id = $2", tx.tenant_id, stream_id
    )
    return Head(*rows[0]) if rows else None


async def holder(tx: Transaction, stream_id: UUID) -> UUID | None:
    """Who holds the stream's write lease, if anybody."""
    return await tx.value(
        UUID, "SELECT holder_id FROM log_streams WHERE tenant_id = $1 AND stream_id = $2", tx.tenant_id, stream_id
    )


async def heads(queries: Queries, stream_ids: Sequence[UUID]) -> dict[UUID, Head]:
    """Where streams of any tenant stand, for a process that follows many."""
    rows = await queries.rows("SELECT stream_id, last_seq, epoch FROM log_heads($1::uuid[])", list(stream_ids))
    return {stream_id: Head(seq, epoch) for stream_id, seq, epoch in rows}


async def due(queries: Queries, now: Instant, limit: int = 100) -> list[Due]:
    """Streams of any tenant whose deadline has passed, the most overdue first. Any process may fire them."""
    rows = await queries.rows("SELECT tenant_id, stream_id, due_at FROM log_due($1, $2)", now, limit)
    return [Due(TenantId(tenant_id), stream_id, at) for tenant_id, stream_id, at in rows]


class LogWriter:
    """The process's one writer, with a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pending: list[tuple[NewEntry, asyncio.Future[Appended]]] = []
        self._groups: deque[int] = deque()
        self._wake = asyncio.Event()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["LogWriter"]:
        """Write while the block runs; at its end, what is pending is flushed first."""
        task = asyncio.create_task(self._run(), name="log-writer")
        try:
            yield self
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_TIMEOUT):
                    await self._drained()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            if self._connection is not None:
                self._connection.terminate()

    async def append(self, entries: Sequence[NewEntry]) -> list[Appended]:
        """Append; returns after the commit, in the order given. Entries given together commit together.

        Raises:
            Unavailable: too much is pending, or PostgreSQL is not answering. The outcome may be unknown: offer the
                same entries again, with the same ``op_id``.
            ValueError: PostgreSQL refused the data itself.
        """
        if len(self._pending) + len(entries) > PENDING_MAX:
            raise Unavailable("The log is behind; try again in a moment.", retry_after=1)
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in entries]
        self._pending.extend(zip(entries, futures, strict=True))
        self._groups.append(len(entries))
        self._wake.set()
        return list(await asyncio.gather(*futures))

    async def _drained(self) -> None:
        while self._pending:
            last = self._pending[-1][1]
            await asyncio.wait([last])

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._pending:
                batch = self._take()
                try:
                    await self._flush(batch)
                finally:
                    for _, future in batch:
                        if not future.done():
                            future.set_exception(Unavailable("The log stopped.", retry_after=2))

    def _take(self) -> list[tuple[NewEntry, "asyncio.Future[Appended]"]]:
        """The next batch: whole groups, for entries given together commit together."""
        count = self._groups.popleft()
        while self._groups and count + self._groups[0] <= GROUP_MAX:
            count += self._groups.popleft()
        batch, self._pending = self._pending[:count], self._pending[count:]
        return batch

    async def _flush(self, batch: list[tuple[NewEntry, "asyncio.Future[Appended]"]]) -> None:
        """One call, one commit. A fault of the server answers all; a fault of the data is found one by one."""
        try:
            rows = await self._call([entry for entry, _ in batch])
        except asyncpg.DataError as error:
            if len(batch) == 1:
                batch[0][1].set_exception(ValueError(str(error)))
                return
            for single in batch:
                await self._flush([single])
            return
        except GONE as error:
            log.warning("log_flush_failed", error=type(error).__name__, entries=len(batch))
            self._give_up(batch)
            return
        except Exception:  # whatever it is, the writer must live on: without it nobody's words are stored
            log.exception("log_flush_failed", entries=len(batch))
            self._give_up(batch)
            return
        GROUP.observe(len(batch))
        for answer, (_, future) in zip(_answers(rows, len(batch)), batch, strict=True):
            APPENDED.labels(answer.outcome).inc()
            if not future.done():
                future.set_result(answer)

    async def _call(self, entries: list[NewEntry]) -> list[tuple[Any, ...]]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=2, command_timeout=FLUSH_TIMEOUT)
        return [tuple(row) for row in await self._connection.fetch(APPEND, *_columns(entries))]

    def _give_up(self, batch: list[tuple[NewEntry, "asyncio.Future[Appended]"]]) -> None:
        """Say that the outcome is unknown, and begin with a new connection."""
        for _, future in batch:
            if not future.done():
                future.set_exception(Unavailable("The database is not answering.", retry_after=2))
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _columns(entries: Sequence[NewEntry]) -> list[list[Any]]:
    return [
        [entry.tenant_id for entry in entries],
        [entry.stream_id for entry in entries],
        [entry.op_id for entry in entries],
        [entry.kind for entry in entries],
        [entry.actor_id for entry in entries],
        [entry.payload for entry in entries],
        [entry.data for entry in entries],
        [None if entry.audience is None else "{" + ",".join(map(str, entry.audience)) + "}" for entry in entries],
        [entry.expels for entry in entries],
        [entry.expected for entry in entries],
        [entry.due for entry in entries],
        [entry.fence.stream_id if entry.fence else None for entry in entries],
        [entry.fence.holder if entry.fence else None for entry in entries],
    ]


def _answers(rows: Sequence[tuple[Any, ...]], count: int) -> list[Appended]:
    answers: list[Appended | None] = [None] * count
    for n, *answer in rows:
        answers[n - 1] = Appended(*answer)
    return [answer if answer is not None else Appended("missing", 0, 0) for answer in answers]


def as_json(event: Model) -> str:
    """The payload text of an event."""
    return json.dumps(event.model_dump(mode="json"), separators=(",", ":"), ensure_ascii=False)
