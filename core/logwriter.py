"""The process's one writer to the log: all pending entries of all streams go in one call and one commit.

The next batch is sent as soon as the former returned: batches grow with the load by themselves, so there is no timer.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Sequence

import asyncpg
import structlog
from asyncpg.prepared_stmt import PreparedStatement
from prometheus_client import Gauge

from core import failpoints
from core.db import GIVEN_UP, GONE, STATEMENT_TIMEOUT
from core.deferred import Deferred
from core.errors import Unavailable
from core.eventlog import APPENDS, REFUSED, Appended, NewEntry, answers_of, appending, count_outcomes
from core.telemetry import Spread

log = structlog.get_logger()

GROUP = Spread("dojo_log_group_size", "Entries in one commit.", (1, 2, 4, 8, 16, 32, 64, 128, 256, 512))
LAG = Spread(
    "dojo_log_lag_seconds",
    "From the offer of a commit's oldest entry to its answer.",
    (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 10),
)
PENDING = Gauge("dojo_log_pending", "Entries offered and not yet answered.")

PENDING_MAX = 20_000
GROUP_MAX = 256
"""Entries in one call: so few that the next ones are decided while these are being stored."""


class Group:
    """Entries that were given together and commit together."""

    __slots__ = ("_failed", "_follows", "answers", "entries", "offered")

    def __init__(self, entries: Sequence[NewEntry], follows: "Group | None", offered: float) -> None:
        self.entries = entries
        self.answers: Deferred[list[Appended]] = Deferred()
        """In the order of the entries. Unavailable where the outcome is unknown, ValueError where the data is refused."""
        self.offered = offered
        self._follows = follows
        self._failed: bool | None = None
        """Whether it was not stored as new; None until that is known."""

    @property
    def is_baseless(self) -> bool:
        """Whether what it stands on was not stored."""
        return self._follows is not None and self._follows._failed is True  # noqa: SLF001 - another one of this class

    def answer(self, outcome: list[Appended] | Exception) -> None:
        """Tell who offered it, once, whatever follows from that."""
        if self._failed is not None:
            return
        self._failed = isinstance(outcome, Exception) or any(each.outcome != "new" for each in outcome)
        self._follows = None
        try:
            self.answers.settle(outcome)
        except Exception:  # of one listener, which must not keep the others waiting
            log.exception("log_listener_failed")

    def refuse(self) -> None:
        """It must not be stored."""
        self.answer([REFUSED] * len(self.entries))


class LogWriter:
    """The process's one writer, with a connection of its own; ``timeout`` is for one commit, in seconds."""

    def __init__(self, url: str, *, timeout: float = STATEMENT_TIMEOUT) -> None:
        self._url = url
        self._timeout = timeout
        self._groups: deque[Group] = deque()
        self._pending = 0
        """Entries in ``_groups`` and in the call that runs."""
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._statements: dict[str, PreparedStatement[asyncpg.Record]] = {}
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
                async with asyncio.timeout(self._timeout):
                    await self._idle.wait()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            if self._connection is not None:
                self._connection.terminate()

    def offer(self, entries: Sequence[NewEntry], follows: Group | None = None) -> Group:
        """Append soon; the group's ``answers`` come after the commit. Entries given together (at least one) commit together.

        Args:
            follows: what must have been stored, as new, for this to be; else it is refused without being sent.

        Raises:
            Unavailable: too much is pending.
        """
        if self._pending + len(entries) > PENDING_MAX:
            raise Unavailable("The log is behind; try again in a moment.", retry_after=1)
        group = Group(entries, follows, self._loop.time())
        self._groups.append(group)
        self._pending += len(entries)
        self._idle.clear()
        self._wake.set()
        return group

    async def append(self, entries: Sequence[NewEntry]) -> list[Appended]:
        """Append; returns after the commit, in the order given.

        Raises:
            Unavailable: too much is pending, or PostgreSQL is not answering. The outcome may be unknown: offer the
                same entries again, with the same ``op_id``.
            ValueError: PostgreSQL refused the data itself.
        """
        return await self.offer(entries).answers

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
        sent = []
        for group in batch:  # what follows on a group of the same call is the database's to refuse
            if group.is_baseless:
                group.refuse()
            else:
                sent.append(group)
        entries = [entry for group in sent for entry in group.entries]
        if not entries:
            return
        try:
            answers = await self._call(entries)
        except asyncpg.DataError as error:
            if len(sent) == 1:
                _fail(sent, ValueError(str(error)))
                return
            for single in sent:
                await self._flush([single])
            return
        except (OSError, TimeoutError, *GONE) as error:
            log.warning("log_flush_failed", error=type(error).__name__, entries=len(entries))
            self._give_up(sent)
            return
        except Exception:  # whatever it is, the writer must live on: without it nobody's words are stored
            log.exception("log_flush_failed", entries=len(entries))
            self._give_up(sent)
            return
        GROUP.observe(len(entries))
        LAG.observe(self._loop.time() - sent[0].offered)
        count_outcomes(answers)
        begin = 0
        for group in sent:
            end = begin + len(group.entries)
            group.answer(answers[begin:end])
            begin = end

    async def _call(self, entries: list[NewEntry]) -> list[Appended]:
        if self._connection is None or not self._statements or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=2, command_timeout=self._timeout)
            self._statements = {text: await self._connection.prepare(text) for text in APPENDS}
        if failpoints.armed:
            await failpoints.reach("log.commit")
        text, values = appending(entries)
        rows = await self._statements[text].fetch(*values)
        if failpoints.armed:
            await failpoints.reach("log.committed")
        return answers_of(rows, len(entries))

    def _give_up(self, batch: Sequence[Group]) -> None:
        """Say that the outcome is unknown, and begin with a new connection."""
        _fail(batch, Unavailable("The database is not answering.", retry_after=2))
        if self._connection is not None:
            GIVEN_UP.inc()
            self._connection.terminate()
            self._connection, self._statements = None, {}


def _fail(batch: Sequence[Group], error: Exception) -> None:
    for group in batch:
        group.answer(error)
