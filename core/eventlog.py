"""The ordered, durable log: per stream gapless numbers, each operation once, natural group commit.

A stream is anything with a history: its entries are events (JSON) or raw updates (bytes). One writer per process sends
all pending entries of all streams in one call and one commit, and sends the next batch as soon as the former returned:
batches grow with the load by themselves, so there is no timer. Whoever decides on state that can race passes the number
that the stream must be at (``expected``).
"""

import asyncio
import contextlib
import json
from collections import Counter as Tally
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any, Literal, NamedTuple, get_args
from uuid import UUID, uuid5

import asyncpg
import structlog
from asyncpg.prepared_stmt import PreparedStatement
from prometheus_client import Counter, Gauge, Histogram

from core import failpoints
from core.db import GONE, Queries, Transaction
from core.errors import Unavailable
from core.model import Instant, Model, TenantId

log = structlog.get_logger()

GROUP = Histogram("dojo_log_group_size", "Entries in one commit.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512))
LAG = Histogram(
    "dojo_log_lag_seconds",
    "From the offer of a commit's oldest entry to its answer.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10),
)
PENDING = Gauge("dojo_log_pending", "Entries offered and not yet answered.")
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
    """JSON text in one line."""
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


MISSING = Appended("missing", 0, 0)
OUTCOMES = {outcome: APPENDED.labels(outcome) for outcome in get_args(Outcome)}


class Entry(NamedTuple):
    """A stored entry."""

    seq: int
    op_id: UUID
    kind: str
    actor_id: UUID
    at: Instant
    audience: Sequence[UUID] | None = None
    expels: UUID | None = None
    text: str | None = None
    """The payload as JSON text in one line."""
    data: bytes | None = None

    @property
    def payload(self) -> dict[str, Any] | None:
        """The payload, read anew each time."""
        return None if self.text is None else json.loads(self.text)


def as_stored(new: Sequence[NewEntry], answers: Sequence[Appended]) -> list[Entry]:
    """Entries that were just appended, as a reader would find them."""
    return [
        Entry(
            answer.seq, entry.op_id, entry.kind, entry.actor_id, answer.at or 0.0,
            entry.audience, entry.expels, entry.payload, entry.data,
        )
        for entry, answer in zip(new, answers, strict=True)
    ]  # fmt: skip


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
    return [op_id] if count == 1 else [op_id, *(uuid5(op_id, str(index)) for index in range(1, count))]


async def create_stream(tx: Transaction, stream_id: UUID) -> None:
    """Begin an empty stream."""
    await tx.run("INSERT INTO log_streams (tenant_id, stream_id) VALUES ($1, $2)", tx.tenant_id, stream_id)


async def append(tx: Transaction, entries: Sequence[NewEntry]) -> list[Appended]:
    """Append inside a unit of work, for what must change tables in the same step (at least one entry)."""
    rows = await tx.rows(APPEND, *_columns(entries))
    return _answers(rows, len(entries))


async def read(tx: Transaction, stream_id: UUID, since: int, limit: int = 500) -> list[Entry]:
    """The entries after ``since``, oldest first; ask again from the last one for more."""
    rows = await tx.rows(
        """
        SELECT seq, op_id, kind, actor_id, extract(epoch FROM at)::float8, audience, expels, payload::text, data
        FROM log_entries WHERE tenant_id = $1 AND stream_id = $2 AND seq > $3 ORDER BY seq LIMIT $4
        """,
        tx.tenant_id, stream_id, since, limit,
    )  # fmt: skip
    return [Entry(*row) for row in rows]


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


class Group(NamedTuple):
    """Entries that were given together and commit together."""

    entries: Sequence[NewEntry]
    answers: "asyncio.Future[list[Appended]]"
    offered: float


class LogWriter:
    """The process's one writer, with a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._groups: deque[Group] = deque()
        self._pending = 0
        """Entries in ``_groups`` and in the call that runs."""
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._statement: PreparedStatement[asyncpg.Record] | None = None
        self._loop: asyncio.AbstractEventLoop
        PENDING.set_function(lambda: self._pending)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["LogWriter"]:
        """Write while the block runs; at its end, what is pending is flushed first."""
        self._loop = asyncio.get_running_loop()  # once: on CPython 3.11 each time is a system call
        task = asyncio.create_task(self._run(), name="log-writer")
        try:
            yield self
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FLUSH_TIMEOUT):
                    await self._idle.wait()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            if self._connection is not None:
                self._connection.terminate()

    async def append(self, entries: Sequence[NewEntry]) -> list[Appended]:
        """Append; returns after the commit, in the order given. Entries given together (at least one) commit together.

        Raises:
            Unavailable: too much is pending, or PostgreSQL is not answering. The outcome may be unknown: offer the
                same entries again, with the same ``op_id``.
            ValueError: PostgreSQL refused the data itself.
        """
        if self._pending + len(entries) > PENDING_MAX:
            raise Unavailable("The log is behind; try again in a moment.", retry_after=1)
        answers: asyncio.Future[list[Appended]] = self._loop.create_future()
        self._groups.append(Group(entries, answers, self._loop.time()))
        self._pending += len(entries)
        self._idle.clear()
        self._wake.set()
        return await answers

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._groups:
                batch = self._take()
                try:
                    await self._flush(batch)
                finally:
                    _fail(batch, Unavailable("The log stopped.", retry_after=2))
                    self._pending -= sum(len(group.entries) for group in batch)
            self._idle.set()

    def _take(self) -> list[Group]:
        """The next batch, of whole groups."""
        batch = [self._groups.popleft()]
        count = len(batch[0].entries)
        while self._groups and count + len(self._groups[0].entries) <= GROUP_MAX:
            batch.append(self._groups.popleft())
            count += len(batch[-1].entries)
        return batch

    async def _flush(self, batch: list[Group]) -> None:
        """One call, one commit. A fault of the server answers all; a fault of the data is found group by group."""
        entries = [entry for group in batch for entry in group.entries]
        try:
            answers = await self._call(entries)
        except asyncpg.DataError as error:
            if len(batch) == 1:
                _fail(batch, ValueError(str(error)))
                return
            for single in batch:
                await self._flush([single])
            return
        except GONE as error:
            log.warning("log_flush_failed", error=type(error).__name__, entries=len(entries))
            self._give_up(batch)
            return
        except Exception:  # whatever it is, the writer must live on: without it nobody's words are stored
            log.exception("log_flush_failed", entries=len(entries))
            self._give_up(batch)
            return
        GROUP.observe(len(entries))
        LAG.observe(self._loop.time() - batch[0].offered)
        count_outcomes(answers)
        begin = 0
        for group in batch:
            end = begin + len(group.entries)
            if not group.answers.done():
                group.answers.set_result(answers[begin:end])
            begin = end

    async def _call(self, entries: list[NewEntry]) -> list[Appended]:
        if self._connection is None or self._statement is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=2, command_timeout=FLUSH_TIMEOUT)
            self._statement = await self._connection.prepare(APPEND)
        if failpoints.armed:
            await failpoints.reach("log.commit")
        rows = await self._statement.fetch(*_columns(entries))
        if failpoints.armed:
            await failpoints.reach("log.committed")
        return _answers(rows, len(entries))

    def _give_up(self, batch: Sequence[Group]) -> None:
        """Say that the outcome is unknown, and begin with a new connection."""
        _fail(batch, Unavailable("The database is not answering.", retry_after=2))
        if self._connection is not None:
            self._connection.terminate()
            self._connection = self._statement = None


def _fail(batch: Sequence[Group], error: Exception) -> None:
    for group in batch:
        if not group.answers.done():
            group.answers.set_exception(error)


def count_outcomes(answers: Sequence[Appended]) -> None:
    """Add to the metrics what became of some entries."""
    for outcome, count in Tally(answer.outcome for answer in answers).items():
        OUTCOMES[outcome].inc(count)


def _columns(entries: Sequence[NewEntry]) -> tuple[Sequence[Any] | None, ...]:
    """The parameters of ``APPEND``; null for a column without any value, which spares both ends its encoding."""
    *always, payloads, updates, audiences, expels, expected, dues, fences = zip(*entries, strict=True)
    holders: Sequence[UUID | None] | None = None
    streams: Sequence[UUID | None] | None = None
    if _any(fences):
        streams = [fence and fence.stream_id for fence in fences]
        holders = [fence and fence.holder for fence in fences]
    if _any(audiences):
        audiences = tuple(ids and "{" + ",".join(map(str, ids)) + "}" for ids in audiences)
    sparse = (column if _any(column) else None for column in (payloads, updates, audiences, expels, expected, dues))
    return (*always, *sparse, streams, holders)


def _any(column: Sequence[Any]) -> bool:
    return any(value is not None for value in column)


def _answers(rows: Iterable[Iterable[Any]], count: int) -> list[Appended]:
    answers = [MISSING] * count
    for n, *answer in rows:
        answers[n - 1] = Appended(*answer)
    return answers


def as_json(event: Model) -> str:
    """The payload text of an event."""
    return json.dumps(event.model_dump(mode="json"), separators=(",", ":"), ensure_ascii=False)
