"""From all open documents of a node to the log: one batch at a time, so that each document's updates keep their order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from core import failpoints
from core.errors import Unavailable
from core.eventlog import Appended, NewEntry
from core.logwriter import LogWriter
from realtime.document import Document

log = structlog.get_logger()

EVERY = 0.008
"""Seconds between two batches: what comes within them is stored together, at a fraction of the price."""
BATCH = 1_000
RETRIES = 20
RETRY_DELAY = 0.5


class Store:
    """Asks documents for what is pending, and tells them what became of it."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._ready: dict[Document, None] = {}
        self._wake = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Store"]:
        """Store while the block runs."""
        task = asyncio.create_task(self._run(), name="document-store")
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def ready(self, document: Document) -> None:
        """A document has something to store."""
        self._ready[document] = None
        self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        earliest = 0.0
        while True:
            await self._wake.wait()
            if (pause := earliest - loop.time()) > 0:
                await asyncio.sleep(pause)
            earliest = loop.time() + EVERY
            groups = self._groups()
            if not self._ready:
                self._wake.clear()
            if groups:
                try:
                    await self._store(groups)
                except Exception:  # whatever it is, the others' words must be stored
                    log.exception("document_store_failed")
                    self._give_up(groups)

    def _groups(self) -> dict[Document, list[NewEntry]]:
        groups: dict[Document, list[NewEntry]] = {}
        count = 0
        while self._ready and count < BATCH:
            document = next(iter(self._ready))
            del self._ready[document]
            try:
                entries = document.next_group()
            except Exception:
                log.exception("document_failed", document=str(document.id))
                document.give_up()
                continue
            if entries:
                groups[document] = entries
                count += len(entries)
        return groups

    async def _store(self, groups: dict[Document, list[NewEntry]]) -> None:
        try:
            answers = await self._append([entry for entries in groups.values() for entry in entries])
        except ValueError:  # the database does not take something of it: find out of whom
            if len(groups) > 1:
                for document, entries in groups.items():
                    await self._store({document: entries})
                return
            self._give_up(groups)
            return
        except Unavailable:
            self._give_up(groups)
            return
        at = 0
        for document, entries in groups.items():
            try:
                document.finish(answers[at : at + len(entries)])
                if failpoints.armed:
                    failpoints.pass_behind("gateway.answered")
            except Exception:
                log.exception("document_failed", document=str(document.id))
                document.give_up()
            at += len(entries)

    @staticmethod
    def _give_up(groups: dict[Document, list[NewEntry]]) -> None:
        for document in groups:
            document.give_up()

    async def _append(self, entries: list[NewEntry]) -> list[Appended]:
        """Append; while the log is out of reach, again with the same ids, for the outcome may be unknown."""
        for _ in range(RETRIES):
            try:
                if failpoints.armed:
                    await failpoints.reach("document.append")
                return await self._writer.append(entries)
            except (Unavailable, failpoints.Injected):
                await asyncio.sleep(RETRY_DELAY)
        raise Unavailable("The log is out of reach.", retry_after=2)
