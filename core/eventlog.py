"""The ordered, durable log: per stream gapless numbers, each operation once.

A stream is anything with a history: its entries are events (JSON) or raw updates (bytes). ``logwriter.py`` sends what a
process appends; ``append`` here is for what must change tables in the same step. Whoever decides on state that can race
passes the number that the stream must be at (``expected``), and the life of the stream (``epoch``).
"""

import json
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar, get_args
from uuid import UUID, uuid5

from core.db import Queries, Transaction
from core.model import NIL, Instant, Model, TenantId
from core.telemetry import Tallies

APPENDED = Tallies("dojo_log_entries", "Entries offered to the log, by outcome.", "outcome")

FOREVER = float("inf")
OPERATION_MAX = 500
"""Entries of one operation that are looked for."""

T = TypeVar("T")

Outcome = Literal["new", "repeat", "refused", "fenced", "missing"]

APPEND = """
    SELECT n, outcome, seq, epoch, at FROM append_log(
        $1::text::uuid[], $2::text::uuid[], $3::text::uuid[], $4::text::text[], $5::text::uuid[], $6::text::text[],
        $7::text::bytea[], $8::text::text[], $9::text::uuid[], $10::text::bigint[], $11::text::int[],
        $12::text::float8[], $13::text::uuid[], $14::text::uuid[])
"""
"""Its arrays go as text, which the database reads in no time: asyncpg looks at each value of an array four times."""
APPEND_ONE = """
    SELECT n, outcome, seq, epoch, at FROM append_log(
        ARRAY[$1::uuid], ARRAY[$2::uuid], ARRAY[$3::uuid], ARRAY[$4::text], ARRAY[$5::uuid], ARRAY[$6::text],
        ARRAY[$7::bytea], ARRAY[$8::text], ARRAY[$9::uuid], ARRAY[$10::bigint], ARRAY[$11::int],
        ARRAY[$12::float8], ARRAY[$13::uuid], ARRAY[$14::uuid])
"""
"""The same for one entry, as most calls of an unhurried writer have."""
APPENDS = (APPEND, APPEND_ONE)


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
    """Whose connections to the stream end with it; ``EVERYBODY``: those of all."""
    expected: int | None = None
    epoch: int | None = None
    """The life of the stream that it was decided in: another one, after a restore, refuses it. None: whichever."""
    due: Instant | None = None
    fence: Fence | None = None


EVERYBODY = NIL
"""To be expelled."""


class Appended(NamedTuple):
    """What became of an entry.

    ``new`` and ``repeat`` are stored at ``seq``; ``refused`` (another came first, or the log was restored), ``fenced``
    (somebody else holds the lease) and ``missing`` (no such stream) are not, and ``seq`` is where the stream stands.
    """

    outcome: Outcome
    seq: int
    epoch: int
    at: Instant | None = None
    """When it was stored, by the database's clock."""


MISSING = Appended("missing", 0, 0)
REFUSED = Appended("refused", 0, 0)
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


NO_LOG = Head(0, 0)
"""Where a stream stands that there is not, as after a backup was restored that is older than it."""


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
    text, values = appending(entries)
    rows = await tx.rows(text, *values)
    return answers_of(rows, len(entries))


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
    """The number of an operation's last entry (of at most ``OPERATION_MAX``), if it was stored."""
    rows = await tx.rows(
        """
        SELECT seq, op_id FROM log_entries WHERE tenant_id = $1 AND stream_id = $2 AND seq >= (
            SELECT seq FROM log_entries WHERE tenant_id = $1 AND stream_id = $2 AND op_id = $3
        ) ORDER BY seq LIMIT $4
        """,
        tx.tenant_id, stream_id, op_id, OPERATION_MAX,
    )  # fmt: skip
    if not rows:
        return None
    return max(int(seq) for (seq, found), own in zip(rows, op_ids(op_id, len(rows)), strict=True) if found == own)


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


def count_outcomes(answers: Sequence[Appended]) -> None:
    """Add to the metrics what became of some entries."""
    for answer in answers:
        OUTCOMES[answer.outcome].value += 1


def appending(entries: Sequence[NewEntry]) -> tuple[str, tuple[Any, ...]]:
    """Which of ``APPENDS`` it takes, and its parameters."""
    return (APPEND_ONE, _fields(entries[0])) if len(entries) == 1 else (APPEND, _columns(entries))


def _fields(entry: NewEntry) -> tuple[Any, ...]:
    *scalars, audience, expels, expected, epoch, due, fence = entry
    stream_id, holder = (None, None) if fence is None else fence
    return (
        *scalars,
        None if audience is None else _array(map(str, audience)),
        expels,
        expected,
        epoch,
        due,
        stream_id,
        holder,
    )


def _columns(entries: Sequence[NewEntry]) -> tuple[str | None, ...]:
    tenants, streams, op_ids, kinds, actors, payloads, updates, audiences, expels, expected, epochs, dues, fences = zip(
        *entries, strict=True
    )
    return (
        _array(map(_known, tenants)), _array(map(_known, streams)), _array(map(str, op_ids)),
        _array(map(_word, kinds)), _array(map(_known, actors)),
        _sparse(payloads, _text), _sparse(updates, _bytes), _sparse(audiences, _ids),
        _sparse(expels), _sparse(expected), _sparse(epochs, _known), _sparse(dues),
        _sparse(fences, _lease), _sparse(fences, _holder),
    )  # fmt: skip


def _array(written: Iterable[str]) -> str:
    """Values as PostgreSQL reads an array of them (its manual, "Array Input and Output Syntax")."""
    return "{" + ",".join(written) + "}"


def _sparse(values: Sequence[T | None], write: Callable[[T], str] = str) -> str | None:
    """The same where some may be missing; null if all are, which spares both ends reading them."""
    if values[0] is None and values.count(None) == len(values):
        return None
    return _array(["NULL" if value is None else write(value) for value in values])


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


_word, _known = lru_cache(512)(_text), lru_cache(8_192)(str)
"""Of what comes again and again."""


def _bytes(value: bytes) -> str:
    return '"\\\\x' + value.hex() + '"'


def _ids(value: tuple[UUID, ...]) -> str:
    return '"' + _array(map(str, value)) + '"'


def _lease(value: Fence) -> str:
    return str(value.stream_id)


def _holder(value: Fence) -> str:
    return "NULL" if value.holder is None else str(value.holder)


def answers_of(rows: Iterable[Any], count: int) -> list[Appended]:
    """What ``APPEND`` answered, in the order of its ``count`` entries."""
    answers = [MISSING] * count
    for row in rows:
        answers[row[0] - 1] = tuple.__new__(Appended, row[1:])
    return answers


def as_json(event: Model) -> str:
    """The payload text of an event."""
    return json.dumps(event.model_dump(mode="json"), separators=(",", ":"), ensure_ascii=False)
