"""Sign-ins that are over: who holds a connection of one ends it, at the word of the bus or after a slow look."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Protocol
from uuid import UUID

import structlog

from core.bus import Bus
from core.db import Database
from core.errors import Unauthenticated, Unavailable
from realtime import queries
from realtime.batches import Batches
from realtime.metrics import ENDED_SIGN_INS

log = structlog.get_logger()

CONTROL = "control"
"""The bus channel on which identity says that a sign-in ended."""
ENDED_KEPT = 10_000
ASKED = 500
"""Sign-ins in one question."""


class Holder(Protocol):
    """Whoever holds connections of sign-ins."""

    def sign_ins(self) -> Collection[UUID]:
        """The sign-ins of all open connections."""

    def end_sign_ins(self, over: Collection[UUID]) -> None:
        """End the connections of these sign-ins."""


class SignIns:
    """What this node knows of ended sign-ins."""

    def __init__(self, database: Database, bus: Bus, poll_interval: float) -> None:
        self._database = database
        self._bus = bus
        self._poll_interval = poll_interval
        self._holders: list[Holder] = []
        self._ended: dict[UUID, None] = {}
        self._asked: Batches[UUID] = Batches(self._look, ASKED)
        ENDED_SIGN_INS.set_function(lambda: len(self._ended))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["SignIns"]:
        """Watch while the block runs."""
        unsubscribe = self._bus.subscribe(CONTROL, self._controlled)
        poll = asyncio.create_task(self._poll())
        try:
            yield self
        finally:
            unsubscribe()
            poll.cancel()
            await asyncio.gather(poll, return_exceptions=True)

    def watch(self, holder: Holder) -> None:
        """Let ``holder`` end its connections with their sign-ins."""
        self._holders.append(holder)

    async def require_live(self, sign_in_id: UUID) -> None:
        """Refuse a sign-in that is over while its words last; without the database the poll finds it later.

        Raises:
            Unauthenticated: it is over.
        """
        if sign_in_id not in self._ended:
            with contextlib.suppress(Unavailable):
                await self._asked.ask(sign_in_id)
        if self.is_over(sign_in_id):
            raise Unauthenticated("You were signed out; sign in again.")

    async def _look(self, sign_in_ids: Sequence[UUID]) -> None:
        async with self._database.statements() as db:
            self._remember(await queries.ended_sign_ins(db, sign_in_ids))

    def is_over(self, sign_in_id: UUID) -> bool:
        """Whether this node has heard of its end: for the moment in which a connection joins its holder's."""
        return sign_in_id in self._ended

    def _controlled(self, body: bytes) -> None:
        try:
            message = json.loads(body)
            if message["kind"] == "sign_in_ended":
                self._end([UUID(message["sign_in_id"])])
        except (ValueError, KeyError, TypeError):
            log.warning("control_message_unknown")

    def _end(self, sign_in_ids: Collection[UUID]) -> None:
        self._remember(sign_in_ids)
        over = frozenset(sign_in_ids)
        for holder in self._holders:
            holder.end_sign_ins(over)

    def _remember(self, sign_in_ids: Collection[UUID]) -> None:
        for sign_in_id in sign_in_ids:
            self._ended[sign_in_id] = None
        while len(self._ended) > ENDED_KEPT:
            del self._ended[next(iter(self._ended))]

    async def _poll(self) -> None:
        """Look for ended sign-ins whose message was lost."""
        while True:
            await asyncio.sleep(self._poll_interval)
            ids = {sign_in_id for holder in self._holders for sign_in_id in holder.sign_ins()}
            try:
                async with self._database.system() as db:
                    ended = await queries.ended_sign_ins(db, list(ids))
                self._end(ended)
            except Unavailable:
                continue
            except Exception:
                log.exception("sign_in_poll_failed")
