"""One person's time at a shared document: what their connection says, in order, and how much of it is read."""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from realtime import ysync
from realtime.buckets import Bucket
from realtime.connection import MALFORMED, EditorConnection, said_frame
from realtime.lib0 import Malformed
from realtime.metrics import INBOX_PAUSES, UPDATES
from realtime.offer import Offer
from realtime.opened import OpenDocument
from realtime.shelf import Shelf
from realtime.websocket import WebSocket
from realtime.wsframes import frame
from realtime.yrun import Run
from realtime.ytyped import read_stroke
from realtime.yupdate import InvalidUpdate, Limits, read_update

log = structlog.get_logger()

MESSAGES_PER_SECOND, MESSAGE_BURST = 200, 600
COUNTED = 16
"""Messages that are counted together."""
ANSWER_PRICE = 50
"""Messages for which a question for the document counts: its answer may hold all of it."""
COUNTED_BYTES = 1_024
"""Bytes that count for one message more: they are read item by item, and counted before, whatever they are."""
COUNTED_ENTRIES = 16
"""Entries of awareness that count for one message more."""
REPEAT_PRICE = 8
"""Times that an update counts that brings what is known: the two are compared."""
PAUSE = 0.02
MAX_PENDING = 1_048_576
"""Bytes of one document on the way to its log beyond which its connections are not read."""


class Sitting:
    """One person's time at one document."""

    __slots__ = (
        "_asked", "_bucket", "_connection", "_found", "_heard", "_is_paused", "_left", "_limits", "_may_write", "_run", "_shelf", "_wire",
    )  # fmt: skip

    def __init__(
        self, connection: EditorConnection, wire: WebSocket, shelf: Shelf, found: OpenDocument,
        limits: Limits, left: Callable[[], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._wire = wire
        self._shelf = shelf
        self._found = found
        self._limits = limits
        self._left = left
        self._bucket = Bucket(MESSAGES_PER_SECOND, MESSAGE_BURST)
        self._is_paused = False
        self._may_write = found.may_write(connection.grant)
        """For as long as they sit here: who gets another role is sent away."""
        self._heard = 0
        """Messages that were not counted against the limit yet."""
        self._asked: set[type[ysync.Message]] = set()
        """What was asked in this read."""
        self._run = Run()
        """What was typed at one go, and is not offered yet."""

    def begin(self) -> None:
        """Say what the document holds, and who is at it."""
        connection, found = self._connection, self._found
        self._wire.on_message, self._wire.on_read, self._wire.on_closed = self._hear, self._heard_all, self._leave
        found.readers.add(connection)
        found.document.authors.add(connection)
        connection.write(frame(ysync.write_ask_state(found.document.stored_vector())))
        self._tell_all()

    def _leave(self) -> None:
        connection, found = self._connection, self._found
        if self._wire.violation is not None:
            self._malformed(self._wire.violation)
        connection.is_ending = True
        found.readers.discard(connection)
        found.document.forget(connection)
        self._shelf.tell(found, found.presences.leave(connection.id))
        self._shelf.give_back(found)
        self._left()

    def _tell_all(self) -> None:
        own = self._found.presences.own(self._connection.id)
        others = [each for each in self._found.presences.all() if each[0] != own]
        if others:
            self._connection.said(said_frame(others))

    def _hear(self, data: str | bytes) -> None:
        """Take a message; what is typed is gathered."""
        if self._connection.is_ending:
            return
        self._heard += 1
        if isinstance(data, bytes):
            if self._run.goes_on(data):
                return
            stroke = read_stroke(data)
            if stroke is not None:
                if not self._run.joins(data, stroke):
                    self._offer_run()
                    self._run.joins(data, stroke)
                return
        self._heard += len(data) // COUNTED_BYTES
        try:
            if isinstance(data, str):
                raise Malformed("text")
            messages = ysync.read_messages(data)
            self._heard += len(messages) - 1
            for each in messages:
                self._take(each)
        except Malformed as error:
            self._malformed(error.reason)

    def _malformed(self, reason: str) -> None:
        """End the connection of who breaks the protocol: one line of log, whatever else it sends."""
        if self._connection.is_ending:
            return
        log.warning("bad_editor_message", reason=reason)
        self._connection.dismiss(MALFORMED, "malformed")

    def _heard_all(self) -> None:
        """Judge what was typed at one go, and read no more than can be stored."""
        self._connection.heard_at = time.monotonic()
        if self._run.begun is not None:
            self._offer_run()
        self._asked.clear()
        if self._heard < COUNTED and self._found.document.pending_bytes <= MAX_PENDING:
            return
        heard, self._heard = self._heard, 0
        pause = self._pause(heard)
        if pause and not self._is_paused:
            self._is_paused = True
            INBOX_PAUSES.inc()
            self._wire.pause()
            asyncio.get_running_loop().call_later(pause, self._go_on)

    def _pause(self, messages: int) -> float:
        """For how many seconds nothing more should be read, after so many more messages; 0 for none."""
        too_often = self._bucket.spend(messages)
        return max(too_often, PAUSE) if too_often or self._found.document.pending_bytes > MAX_PENDING else 0.0

    def _go_on(self) -> None:
        pause = self._pause(0)
        if pause and not self._connection.is_ending:
            asyncio.get_running_loop().call_later(pause, self._go_on)
        else:
            self._is_paused = False
            self._connection.heard_at = time.monotonic()  # what it said meanwhile is not read yet
            self._wire.resume()

    def _take(self, message: ysync.Message) -> None:
        connection, found = self._connection, self._found
        if connection.is_ending:
            return
        match message:
            case ysync.Update():
                if self._run.begun is not None:
                    self._offer_run()
                self._take_update(message.number, message.data)
            case ysync.AskState():
                if self._run.begun is not None:
                    self._offer_run()
                self._answer(message)
            case ysync.Awareness():
                self._heard += len(message.entries) // COUNTED_ENTRIES
                grant = connection.grant
                said = found.presences.say(connection.id, grant.user_id, grant.name, message.entries)
                self._shelf.tell(found, said)
            case ysync.AskAwareness():
                if self._is_first(message):
                    self._tell_all()
            case ysync.Hello():
                pass  # its numbered updates say enough

    def _answer(self, question: ysync.AskState) -> None:
        """Say what is missing; what is not answered is not read."""
        if self._is_first(question) and not self._connection.is_answering:
            self._heard += ANSWER_PRICE
            vector = ysync.read_vector(question.vector)
            self._connection.answer(self._found.document.history.answer(vector))

    def _is_first(self, question: ysync.Message) -> bool:
        """Whether this read holds no such question before: one answer is enough, and dearer than many questions."""
        kind = type(question)
        is_first = kind not in self._asked
        self._asked.add(kind)
        return is_first

    def _take_update(self, number: int | None, data: bytes) -> None:
        numbers = () if number is None else (number,)
        if self._connection.barred is not None:
            self._refuse(numbers, self._connection.barred)
            return
        try:
            summary = read_update(data, self._limits)
        except InvalidUpdate as error:
            self._refuse(numbers, "too-large" if error.reason == "too-large" else "invalid")
            return
        if summary.is_empty:
            self._connection.stored(numbers)
        else:
            if self._found.document.history.overlaps(summary):
                self._heard += (1 + len(data) // COUNTED_BYTES) * (REPEAT_PRICE - 1)
            self._offer(Offer(self._connection, data, numbers, summary=summary))

    def _offer_run(self) -> None:
        """As one update, unless it begins with what is known already and would be stored again."""
        run = self._run
        messages, numbers = run.messages, run.numbers
        typed = run.taken()
        if len(messages) == 1 or typed.first >= self._found.document.history.vector.get(typed.client, 0):
            self._offer(Offer(self._connection, typed.data, numbers, typed=typed))
            return
        for message in messages:
            for each in ysync.read_messages(message):
                self._take(each)

    def _offer(self, offer: Offer) -> None:
        document = self._found.document
        if self._may_write or document.history.fit(offer.summary) == "known":
            document.offer(offer)
        else:
            self._refuse(offer.numbers, "read-only")

    def _refuse(self, numbers: Sequence[int], code: str) -> None:
        UPDATES.labels(code).inc()
        self._connection.refused(numbers, code)
