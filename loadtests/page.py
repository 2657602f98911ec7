"""One person at the shared text: a real Yjs document that is typed into, lost, and offered again."""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from pycrdt import Doc
from pycrdt import Text as YText

from loadtests.desk import AGAIN
from loadtests.facts import EditAcked, Edited, Text
from loadtests.seat import Seat
from loadtests.wires import PATIENCE, Broken, EditorLine, read_editor
from realtime.ysync import read_vector

FILE = "f1"
SPOILT = frozenset({1007, 4403, 4409, 4413})
"""Close codes after which a document must not be offered again."""
EXPECTED = frozenset({"not-your-turn", "read-only"})
Pass = Callable[[], dict[str, Any] | None]
"""Asks for a pass to the document; None when there is none just now."""


class Word:
    """One change on its way: which updates it went out as, and which of them are not answered."""

    def __init__(self, word: str, *, erased: bool) -> None:
        self.word = word
        self.erased = erased
        self.numbers: set[int] = set()
        self.is_done = False
        """All of it is in the document."""
        self.is_stuck = False
        """Some of it did not go out."""


class Page:
    """A client of the shared editor, as the browser's is."""

    def __init__(self, seat: Seat, get_pass: Pass) -> None:
        self._seat = seat
        self._get_pass = get_pass
        self._doc: Doc[Any] = Doc()
        self._line: EditorLine | None = None
        self._synced = Event()
        self._document = ""
        self._typed = 0
        self._pending: list[Word] = []
        self._kept: list[str] = []
        self._sent_at: dict[int, float] = {}
        turn = int(seat.client[-4:], 16) % len(seat.desk.gateways)
        self._gateways = seat.desk.gateways[turn:] + seat.desk.gateways[:turn]

    def type_word(self, pause: float) -> None:
        """Type a word that nobody else types, a letter at a time, and wait until it is kept or refused."""
        self.open()
        self._typed += 1
        head = f"<{self._seat.client[-6:]}."
        word = f"{head}{self._typed} done>"
        change = Word(word, erased=False)
        self._pending.append(change)
        start = self._clock()
        self._change(change, lambda text: text.insert(0, head))
        for length in range(len(head), len(word)):
            if change in self._pending:  # else refused meanwhile
                self._change(change, partial(_go_on, begun=word[:length], letter=word[length]))
                gevent.sleep(pause)
        self._finish(change, start)

    def erase_word(self) -> None:
        """Take out a word of one's own."""
        self.open()
        if self._kept and self._kept[-1] in self.text:
            change = Word(self._kept.pop(), erased=True)
            self._pending.append(change)
            start = self._clock()
            self._change(change, lambda text: _cut_out(text, change.word))
            self._finish(change, start)

    def open(self) -> None:
        """Be connected and up to date, on the next gateway where the last one broke.

        Raises:
            GaveUp: the run is over.
        """
        while self._line is None or not self._line.is_open:
            self._seat.desk.check_time()
            if self._line is not None and self._line.close_code in SPOILT:
                self._report("open", 0.0, Broken(f"closed {self._line.close_code}"))
                self._forget()
            began = time.time()
            try:
                self._try()
                self._report("open", time.time() - began, None)
            except Broken as error:
                self._report("open", time.time() - began, error)
                self.drop()
                self._gateways.append(self._gateways.pop(0))
                gevent.sleep(AGAIN)

    def settle(self) -> None:
        """Wait until nothing is pending."""
        while self._pending or self._line is None or not self._line.is_open:
            self.open()
            self._seat.desk.check_time()
            gevent.sleep(AGAIN / 4)

    def pending(self) -> list[str]:
        """The words of which it is not known whether they are kept."""
        return [
            f"{change.word} {sorted(change.numbers)} {change.is_done} {change.is_stuck}" for change in self._pending
        ]

    def drop(self) -> None:
        """Break the connection, if there is one."""
        if self._line is not None:
            self._line.close()

    def note_text(self) -> None:
        """Say what the replica holds."""
        self._seat.desk.recorder.note(Text(self._seat.client, self._document, FILE, self.text))

    @property
    def text(self) -> str:
        """What the replica holds."""
        return str(self._doc.get(FILE, type=YText))

    def _try(self) -> None:
        self._seat.enter()  # the text is for those who are in
        found = self._get_pass()
        if found is None:
            raise Broken("no pass")
        self._document = found["document_id"]
        self._synced.clear()
        self._line = EditorLine(self._gateways[0], found["path"], found["word"])
        self._sent_at.clear()
        self._line.begin(self._doc.get_state(), self._take, self._synced.set)
        if not self._synced.wait(PATIENCE) or not self._line.is_open:
            raise Broken("not in sync")

    def _finish(self, change: Word, start: int) -> None:
        """Note what was done, then wait for its fate."""
        if change not in self._pending:
            return
        change.is_done = True
        self._seat.desk.recorder.note(
            Edited(
                self._seat.client,
                self._document,
                change.word,
                change.erased,
                self._doc.client_id,
                start,
                self._clock(),
                time.time(),
            )
        )
        self._look(change)
        patience = time.monotonic() + PATIENCE
        while change in self._pending:
            self.open()
            gevent.sleep(AGAIN / 20)
            if time.monotonic() > patience:
                self._report("edit", PATIENCE, Broken("no answer"))
                self.drop()
                patience = time.monotonic() + PATIENCE

    def _change(self, change: Word, edit: Callable[[YText], None]) -> None:
        """Change the text, and send that; what does not go out is offered when the connection is back."""
        before = self._doc.get_state()
        edit(self._doc.get(FILE, type=YText))
        update = self._doc.get_update(before)
        number = self._send(update, [change])
        if number is not None:
            self._sent_at[number] = time.time()

    def _send(self, update: bytes, changes: list[Word]) -> int | None:
        """Send an update that holds ``changes``; its number, or None when the connection is broken."""
        if self._line is None or not self._line.is_open:
            number = None
        else:
            number = self._line.next_number()
            for change in changes:
                change.numbers.add(number)
            with contextlib.suppress(Broken):
                self._line.send(number, update)
        for change in changes:
            change.is_stuck = change.is_stuck or number is None
        return number

    def _take(self, message: bytes) -> None:
        for kind, number, body in read_editor(message):
            if kind == "ask" and isinstance(body, bytes):
                for change in self._pending:
                    change.numbers.clear()  # the answer holds all of them
                    change.is_stuck = False
                self._send(self._doc.get_update(body), self._pending)
            elif kind == "update" and isinstance(body, bytes):
                self._doc.apply_update(body)
                if number == 1:
                    self._synced.set()
            elif kind == "ack":
                self._answered(number, None)
            elif kind == "refused":
                self._answered(number, Broken(str(body)))
                self._forget()

    def _answered(self, number: int, refusal: Broken | None) -> None:
        sent_at = self._sent_at.pop(number, None)
        if sent_at is not None:
            fault = refusal if str(refusal) not in EXPECTED else None
            self._report("edit" if refusal is None else "edit refused", time.time() - sent_at, fault)
        if refusal is None:
            for change in tuple(self._pending):
                change.numbers.discard(number)
                self._look(change)

    def _look(self, change: Word) -> None:
        """Whether a change is kept as a whole."""
        if change.is_done and not change.numbers and not change.is_stuck and change in self._pending:
            self._pending.remove(change)
            if not change.erased:
                self._kept.append(change.word)
            self._seat.desk.recorder.note(
                EditAcked(self._seat.client, self._document, change.word, change.erased, time.time())
            )

    def _forget(self) -> None:
        """Begin with the others' text: ours holds what nobody else has."""
        self.drop()
        self._doc = Doc()
        self._pending.clear()
        self._synced.set()

    def _clock(self) -> int:
        return read_vector(self._doc.get_state()).get(self._doc.client_id, 0)

    def _report(self, name: str, seconds: float, fault: Exception | None) -> None:
        self._seat.report("EDITOR", name, seconds, fault)


def _go_on(text: YText, begun: str, letter: str) -> None:
    """Type the next letter of the word that is ``begun``.

    A word begins before everything else, one's own older ones too: behind an unfinished word of somebody else it
    would get between its letters.
    """
    whole = str(text)
    at = whole.index(begun) + len(begun)
    text.insert(len(whole[:at].encode()), letter)


def _cut_out(text: YText, word: str) -> None:
    at = len(str(text).partition(word)[0].encode())
    del text[at : at + len(word)]
