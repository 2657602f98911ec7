"""What people type is read by a short way that says what the strict reader says, and joined to updates that do the same."""

import random
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from pycrdt import Doc, Text

from realtime import ysync
from realtime.history import History
from realtime.lib0 import Malformed, varbytes, varuint
from realtime.ysync import NUMBERED, OURS
from realtime.ytyped import Typed, goes_on, joined, read_typed
from realtime.yupdate import Limits, _Update, read_update
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


def runs(updates: Sequence[bytes]) -> list[list[Typed]]:
    """What is typed, in runs as long as they can be."""
    found: list[list[Typed]] = []
    for number, each in enumerate(updates):
        typed = read_typed(message(each, number))
        if typed is None:
            continue
        if found and goes_on(found[-1][-1], typed):
            found[-1].append(typed)
        else:
            found.append([typed])
    return found


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
            found = read_typed(data)
            if found is not None:
                taken += 1
                assert ysync.read_messages(data) == [ysync.Update(found.data, found.number)]
                summary = _Update(found.data, Limits()).read()
                assert found.summary() == summary
                assert found.summary().spans == summary.spans
    assert taken > 1_000
    assert sum(read_typed(message(each, 1)) is not None for each in typed) > 0.95 * len(typed)


def test_message_that_is_not_one_update_alone_is_left_to_the_long_way() -> None:
    update = typed_at_once(1, 0)[1][0]
    assert read_typed(message(update, 1)) is not None
    for data in (message(update) * 2, message(update)[:-1], message(update) + b"\x00", b"\x00\x01" + varbytes(update)):
        assert read_typed(data) is None
    with pytest.raises(Malformed):
        ysync.read_messages(b"\x64\x01\x80\x00" + varbytes(update))
    assert read_typed(b"\x64\x01\x80\x00" + varbytes(update)) is None


@pytest.mark.parametrize("seed", range(4))
def test_joined_updates_do_what_each_of_them_does(seed: int) -> None:
    before, updates = typed_at_once(300, seed)
    found = runs(updates)
    assert sum(map(len, found)) > 0.9 * len(updates)
    assert max(map(len, found)) > 5
    for run in found:
        whole = joined(run)
        summary = _Update(whole.data, Limits()).read()
        assert whole.summary() == summary
        assert whole.summary().spans == summary.spans
        assert (summary.clients, whole.items) == ({7: (run[0].first, run[-1].end)}, len(run))
    one_by_one, at_once = Doc[Any](), Doc[Any]()
    for each in (*before, *(typed.data for run in found for typed in run)):
        one_by_one.apply_update(each)
    for each in (*before, *(joined(run).data for run in found)):
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
    for run in runs(updates):
        whole = joined(run)
        short.go_on(whole)
        long.put(whole.data, whole.summary(), person)
    assert (short.vector, short.size, short.updates) == (long.vector, long.size, long.updates)
    assert short.answer({}) == long.answer({})
    assert short.answer({7: 20}) == long.answer({7: 20})


def test_only_what_follows_goes_on() -> None:
    first, second, third = (read_typed(message(each, 1)) for each in typed_at_once(3, 0)[1])
    assert first is not None
    assert second is not None
    assert third is not None
    assert goes_on(first, second)
    assert not goes_on(first, third)
    assert not goes_on(second, first)
    assert not goes_on(first, second._replace(client=8))
    assert not goes_on(first, second._replace(number=None))
    assert not goes_on(first._replace(deletes={7: ((0, 1),)}), second)
