"""What people type is read by short ways that say what the strict reader says, and becomes updates that do the same."""

import itertools
import random
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from pycrdt import Doc, Text

from realtime import ysync
from realtime.history import History
from realtime.lib0 import Malformed, varbytes, varuint
from realtime.yrun import MORE, Run
from realtime.ysync import NUMBERED, OURS
from realtime.ytyped import Typed, read_stroke
from realtime.yupdate import Limits, Update, read_update
from tests.realtime import corpus


def message(update: bytes, number: int | None = None) -> bytes:
    """An update as it comes over the wire."""
    head = b"\x00\x02" if number is None else bytes((OURS, NUMBERED)) + varuint(number)
    return head + varbytes(update)


def typed_at_once(count: int, seed: int, client: int = 7) -> tuple[list[bytes], list[bytes]]:
    """A text by somebody else, and what a person types into it: words here and there, now and then over others' words."""
    chance = random.Random(seed)
    first: Doc[Any] = Doc(client_id=3_000_000_000)
    first.get("f1", type=Text).insert(0, "a text that was here before, é😀 and all")
    doc: Doc[Any] = Doc(client_id=client)
    before, updates = [first.get_update()], list[bytes]()
    doc.apply_update(before[0])
    text = doc.get("f1", type=Text)
    text.insert(0, "a")  # whoever has no item yet has no client id yet
    before.append(doc.get_update(first.get_state()))
    doc.observe(lambda event: updates.append(event.update))
    at = 0
    for _ in range(count):
        size = len(str(text).encode())
        if chance.random() < 0.1:
            at = len(str(text)[: chance.randint(0, len(str(text)))].encode())
        with doc.transaction():
            if chance.random() < 0.1 and at + 1 < size and str(text).encode()[at : at + 1].isalpha():
                del text[at : at + 1]
            word = chance.choice(("a", "b", "é", "😀", "()"))
            text.insert(at, word)
        at += len(word.encode())
    return before, updates


def hear(run: Run, data: bytes) -> bool | None:
    """Whether a message was taken to what is typed at one go; None if that has to be taken first, or it is another one."""
    if run.goes_on(data):
        return True
    stroke = read_stroke(data)
    return None if stroke is None or not run.joins(data, stroke) else False


def runs(updates: Sequence[bytes], number: int | None = 0) -> list[tuple[list[bytes], Typed]]:
    """What is typed, in runs as long as they can be: the updates, and the one that does the same."""
    found, run, gathered = list[tuple[list[bytes], Typed]](), Run(), list[bytes]()
    for each in updates:
        data = message(each, number)
        if hear(run, data) is None and run.begun is not None:
            found.append((gathered, run.taken()))
            gathered = []
            hear(run, data)
        if run.begun is not None and data in run.messages:
            gathered.append(each)
        number = None if number is None else number + 1
    return [*found, (gathered, run.taken())]


def is_as_read(typed: Typed) -> None:
    """The strict reader says the same of an update."""
    summary = Update(typed.data, Limits()).read()
    assert typed.summary() == summary
    assert typed.summary().spans == summary.spans


def alone(data: bytes) -> Typed | None:
    """The update of one message, if the short way reads it."""
    stroke = read_stroke(data)
    return None if stroke is None else stroke.typed


@pytest.mark.parametrize("seed", range(4))
def test_short_way_says_what_the_long_way_says(seed: int) -> None:
    """Of real updates and of broken ones, in whole messages: what it takes, the strict reader takes, and alike."""
    chance, taken = random.Random(seed), 0
    typed = typed_at_once(300, seed, client=(7, 300, 3_000_000_000, 2**53 - 1)[seed])[1]
    for updates in (corpus.yjs_updates(seed)[0], corpus.pycrdt_updates(seed), corpus.keystrokes(300, seed=seed), typed):
        small = [each for each in updates if len(each) < 200]
        whole = [message(each, chance.choice((None, 5, 200, 70_000))) for each in small]
        broken = [message(each, 300) for each in corpus.mutations(seed, small, 4_000)]
        for data in (*whole, *broken, *corpus.mutations(seed, whole, 4_000)):
            found = read_stroke(data)
            if found is not None:
                taken += 1
                assert ysync.read_messages(data) == [ysync.Update(found.typed.data, found.number)]
                is_as_read(found.typed)
    assert taken > 1_000
    assert sum(read_stroke(message(each, 1)) is not None for each in typed) > 0.95 * len(typed)


def test_message_that_is_not_one_update_alone_is_left_to_the_long_way() -> None:
    update = typed_at_once(1, 0)[1][0]
    assert read_stroke(message(update, 1)) is not None
    for data in (message(update) * 2, message(update)[:-1], message(update) + b"\x00", b"\x00\x01" + varbytes(update)):
        assert read_stroke(data) is None
    with pytest.raises(Malformed):
        ysync.read_messages(b"\x64\x01\x80\x00" + varbytes(update))
    assert read_stroke(b"\x64\x01\x80\x00" + varbytes(update)) is None


@pytest.mark.parametrize("seed", range(4))
def test_what_goes_on_is_what_the_long_way_reads(seed: int) -> None:
    """Also of broken messages, and of those that come where others were expected."""
    chance, taken = random.Random(seed), 0
    for number in (None, 5, 120, 16_380, 70_000):
        typed = typed_at_once(200, seed, client=(7, 300, 3_000_000_000, 2**53 - 1)[seed])[1]
        whole = [message(each, None if number is None else number + at) for at, each in enumerate(typed)]
        for last, data in itertools.pairwise(whole):
            for each in (data, *corpus.mutations(seed, [data], 5), chance.choice(whole)):
                run, stroke = Run(), read_stroke(last)
                if stroke is None or not run.joins(last, stroke):
                    continue
                run.taken()
                if run.goes_on(each):
                    taken += 1
                    known = run.numbers[0] if run.numbers else None
                    typed_on = run.taken()
                    assert [ysync.Update(typed_on.data, known)] == ysync.read_messages(each)
                    assert typed_on == alone(each)
    assert taken > 500


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("number", [0, None])
def test_what_is_typed_at_one_go_does_what_each_of_it_does(seed: int, number: int | None) -> None:
    before, updates = typed_at_once(300, seed)
    found = runs(updates, number)
    assert sum(len(each) for each, _ in found) > 0.9 * len(updates)
    assert max(len(each) for each, _ in found) > 5
    assert sum(whole.items < len(each) for each, whole in found) > 5  # letters behind each other are one item
    assert any(whole.deletes and read_update(gathered[-1]).deletes == {} for gathered, whole in found)
    for _, whole in found:
        is_as_read(whole)
    one_by_one, at_once = Doc[Any](), Doc[Any]()
    for each in (*before, *(update for gathered, _ in found for update in gathered)):
        one_by_one.apply_update(each)
    for each in (*before, *(whole.data for _, whole in found)):
        at_once.apply_update(each)
    assert str(at_once.get("f1", type=Text)) == str(one_by_one.get("f1", type=Text))
    assert at_once.get_state() == one_by_one.get_state()
    assert at_once.get_update() == one_by_one.get_update()


@pytest.mark.parametrize("seed", range(3))
def test_history_goes_on_as_it_takes_in_anything(seed: int) -> None:
    before, updates = typed_at_once(300, seed)
    short, long, person = History(), History(), uuid4()
    for each in before:
        short.take(each, read_update(each), person)
        long.take(each, read_update(each), person)
    for _, whole in runs(updates):
        short.go_on(whole)
        long.put(whole.data, whole.summary(), person)
    assert (short.vector, short.size, short.updates) == (long.vector, long.size, long.updates)
    assert list(short.answer({})) == list(long.answer({}))
    assert list(short.answer({7: 20})) == list(long.answer({7: 20}))


def test_only_what_follows_joins() -> None:
    first, second, third = (message(each, number) for number, each in enumerate(typed_at_once(3, 0)[1]))
    assert hear(run := Run(), first) is False
    assert hear(run, third) is None
    assert hear(run, second) is not None
    assert hear(run, first) is None
    assert hear(run, message(typed_at_once(2, 0, client=8)[1][1], 2)) is None
    assert (run.numbers, len(run.messages)) == ([0, 1], 2)


def test_run_has_an_end() -> None:
    doc, updates = Doc[Any](client_id=7), list[bytes]()
    text = doc.get("f1", type=Text)
    text.insert(0, "a")
    doc.observe(lambda event: updates.append(event.update))
    text += "b"
    for _ in range(2 * MORE):
        text += "b"
    found = runs(updates)
    assert [len(each) for each, _ in found] == [MORE + 1, MORE]
    assert [whole.items for _, whole in found] == [1, 1]
