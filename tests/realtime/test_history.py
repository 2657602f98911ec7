"""The document by its headers: answers bring a peer up to date, misfits are seen."""

import random
import tracemalloc
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from realtime.history import ANSWER_BYTES, History
from realtime.lib0 import varuint
from realtime.ranges import Ranges
from realtime.replay import merge
from realtime.yitems import Item, read_items
from realtime.ysync import read_vector
from realtime.yupdate import read_update
from tests.realtime import corpus

ANA = uuid4()


def history_of(updates: list[bytes]) -> History:
    """A history that took in ``updates``, in an order in which each fits."""
    history = History()
    waiting = list(updates)
    while waiting:
        fitting = [each for each in waiting if history.fit(read_update(each), {}) != "gap"]
        assert fitting, "no update fits"
        for each in fitting:
            history.take(each, read_update(each), ANA)
            waiting.remove(each)
    return history


def applied(updates: list[bytes], doc: Doc[Any] | None = None) -> Doc[Any]:
    """A document with ``updates`` applied."""
    doc = doc or Doc()
    for each in updates:
        doc.apply_update(each)
    return doc


def answered(history: History, vector: dict[int, int]) -> list[bytes]:
    """The updates of an answer."""
    *others, last = history.answer(vector)
    assert last.is_last
    assert not any(each.is_last for each in others)
    return [each.update for each in (*others, last)]


@pytest.mark.parametrize("seed", range(6))
def test_answer_makes_the_same_document(seed: int) -> None:
    updates = corpus.pycrdt_updates(seed)
    whole, copy = applied(updates), applied(answered(history_of(updates), {}))
    assert str(copy.get("t", type=Text)) == str(whole.get("t", type=Text))
    assert copy.get("m", type=Map).to_py() == whole.get("m", type=Map).to_py()
    assert str(copy.get("a", type=Array)) == str(whole.get("a", type=Array))
    assert read_vector(copy.get_state()) == read_vector(whole.get_state())


@pytest.mark.parametrize("seed", range(6))
def test_answer_brings_a_returning_peer_up_to_date(seed: int) -> None:
    updates = corpus.pycrdt_updates(seed)[:-3]
    history = History()
    half = random.Random(seed).randrange(len(updates))
    for each in updates[:half]:
        history.take(each, read_update(each), ANA)
    peer, vector = applied(answered(history, {})), dict(history.vector)
    for each in updates[half:]:
        history.take(each, read_update(each), ANA)
    assert str(applied(answered(history, vector), peer).get("t", type=Text)) == str(
        applied(updates).get("t", type=Text)
    )


def test_answer_to_a_peer_that_has_all_brings_no_items() -> None:
    history = history_of(corpus.pycrdt_updates(1))
    (update,) = answered(history, history.vector)
    assert read_update(update).clients == {}


@pytest.mark.parametrize("seed", range(6))
def test_answer_in_small_parts_stands_while_people_go_on(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked hears what comes between two parts; together they have it all."""
    monkeypatch.setattr("realtime.history.ANSWER_BYTES", 300)
    monkeypatch.setattr("realtime.history.ANSWER_RANGES", 2)
    monkeypatch.setattr("realtime.history.CHUNK_BYTES", 100)
    updates = corpus.pycrdt_updates(seed)
    history, late = history_of(updates[:60]), updates[60:120]
    peer: Doc[Any] = Doc()
    sizes = []
    for part in history.answer({}):
        sizes.append(len(part.update))
        peer.apply_update(part.update)
        for each in late[:3]:
            peer.apply_update(each)
            if history.fit(read_update(each), {}) == "new":
                history.take(each, read_update(each), ANA)
        del late[:3]
    assert max(sizes) < 300 + max(map(len, updates[:120]))
    assert len(sizes) > 5
    whole = applied(updates[:120])
    assert str(applied(late, peer).get("t", type=Text)) == str(whole.get("t", type=Text))
    assert peer.get("m", type=Map).to_py() == whole.get("m", type=Map).to_py()


def test_answers_that_wait_take_no_memory_of_their_own() -> None:
    """Of one client, whose items follow each other without a gap."""
    history, at_once = history_of(typed(["x" * 250_000] * 32)), 10
    tracemalloc.start()
    try:
        answers = [history.answer({}) for _ in range(at_once)]
        for each in answers:
            next(each)
        held, _ = tracemalloc.get_traced_memory()
        sizes = [len(each.update) for each in answers[0]]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 1 << 20
    assert most < 8 << 20
    assert max(sizes) < ANSWER_BYTES + 100


def typed(words: list[str], client: int = 7) -> list[bytes]:
    """The updates of someone who types ``words``."""
    doc: Doc[Any] = Doc(client_id=client)
    doc["t"] = text = Text()
    updates = []
    for word in words:
        before = doc.get_state()
        text += word
        updates.append(doc.get_update(before))
    return updates


def test_fit_sees_a_missing_update() -> None:
    first, second, third = typed(["a", "b", "c"])
    history = history_of([first])
    assert history.fit(read_update(third), {}) == "gap"
    assert history.fit(read_update(third), {7: 2}) == "new"
    history.take(second, read_update(second), ANA)
    assert history.fit(read_update(third), {}) == "new"
    assert history.fit(read_update(second), {}) == "known"


def test_fit_knows_a_deletion_that_was_made() -> None:
    doc = applied(typed(["abc"]))
    before = doc.get_state()
    del doc.get("t", type=Text)[1:2]
    deletion = doc.get_update(before)
    history = history_of(typed(["abc"]))
    assert history.fit(read_update(deletion), {}) == "new"
    assert history.take(deletion, read_update(deletion), ANA)
    assert history.fit(read_update(deletion), {}) == "known"
    assert not history.take(deletion, read_update(deletion), ANA)


def test_fit_refuses_to_delete_what_nobody_wrote() -> None:
    assert history_of(typed(["abc"])).fit(read_update(b"\x00\x01\x07\x01\x01\x09"), {}) == "gap"


def test_take_keeps_an_update_that_overlaps() -> None:
    updates = typed(["ab", "cd", "ef"])
    doc = applied(updates)
    history = history_of(updates[:1])
    overlapping = applied(updates[:2]).get_update()
    history.take(overlapping, read_update(overlapping), ANA)
    history.take(updates[2], read_update(updates[2]), ANA)
    assert str(applied(answered(history, {})).get("t", type=Text)) == str(doc.get("t", type=Text)) == "abcdef"


def test_take_keeps_the_first_owner_of_a_client_id() -> None:
    history = history_of(typed(["a"]))
    assert history.owners == {7: ANA}
    assert history.new_clients(read_update(typed(["a", "b"])[1]), {}) == [7]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9))))
def test_ranges_hold_what_was_added(added: list[tuple[int, int]]) -> None:
    ranges = Ranges()
    plain: set[int] = set()
    for start, length in added:
        ranges.add(start, start + length)
        plain.update(range(start, start + length))
    assert {each for start, end in ranges for each in range(start, end)} == plain
    assert all(end < start for (_, end), (start, _) in zip(list(ranges), list(ranges)[1:], strict=False))
    assert all(ranges.covers(each, each + 1) == (each in plain) for each in range(60))
    wide = ((start, start + length) for start in range(60) for length in (1, 3, 9))
    assert all(ranges.meets(start, end) == (not plain.isdisjoint(range(start, end))) for start, end in wide)


Lengths = list[tuple[int, int]]
LENGTHS = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1)
"""Gaps, and how long the ranges behind them are."""


@given(st.lists(LENGTHS))
def test_ranges_that_are_merged_are_those_that_are_added_one_by_one(updates: list[Lengths]) -> None:
    merged, added = Ranges(), Ranges()
    for lengths in updates:
        ranges, at = [], 0
        for gap, length in lengths:
            ranges.append((at + gap, at + gap + length))
            at += gap + length
        most = len(merged) + merged.growth(ranges)
        merged.merge(ranges)
        assert len(merged) <= most
        for each in ranges:
            added.add(*each)
        assert list(merged) == list(added)


def contradicts(history: History, update: bytes) -> bool:
    """Whether it says something else at clocks that are known."""
    return history.overlaps(read_update(update)) and history.contradicts(read_items(update), len(update))


def pieces(updates: list[bytes], seed: int) -> list[bytes]:
    """What honest clients may send again: each update, and what the whole document says beyond earlier states."""
    whole, chance = applied(updates), random.Random(seed)
    states = [applied(updates[: chance.randrange(len(updates))]).get_state() for _ in range(12)]
    return [*updates, *corpus.accepted([whole.get_update(state) for state in states])]


@pytest.mark.parametrize("seed", range(6))
async def test_what_is_sent_again_in_other_pieces_contradicts_nothing(seed: int) -> None:
    """Values may be written otherwise by another implementation than their author's: each sends its own again."""
    mixed, updates = corpus.yjs_updates(seed)[0], corpus.pycrdt_updates(seed)
    history = history_of(updates)
    merged = await merge(updates, history, seconds=20, memory=1 << 30)
    checkpoint = History.of(history.keep(1, merged.state, merged.summary))
    again = pieces(updates, seed)
    for known, said in ((history_of(mixed), mixed), (history, again), (checkpoint, again)):
        assert not any(contradicts(known, each) for each in said)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (["abc", "def"], ["abX"]),
        (["abc", "def"], ["abc", "d😀"]),
        (["a😀"], ["a😁"]),
        (["abc", "def"], ["abcdeX", "more"]),
    ],
)
def test_other_words_at_known_clocks_contradict(known: list[str], said: list[str]) -> None:
    history = history_of(typed(known))
    update = applied(typed(said)).get_update()
    assert contradicts(history, update)


def test_other_values_and_places_contradict() -> None:
    def values(*said: int) -> bytes:
        doc: Doc[Any] = Doc(client_id=7)
        doc["a"] = Array(list(said))
        return doc.get_update()

    history = history_of([values(1, 2, 3)])
    for update, is_other in ((values(1, 2), False), (values(1, 5), True), (typed(["ab"])[0], True)):
        assert contradicts(history, update) == is_other
    elsewhere: Doc[Any] = Doc(client_id=7)
    elsewhere["u"] = Text("abc")
    moved = elsewhere.get_update()
    assert contradicts(history_of(typed(["abc"])), moved)


def test_few_bytes_do_not_have_much_compared() -> None:
    """A word beside deleted ones in every part of a large document: only so much of that is read again."""
    history = history_of(corpus.keystrokes(4_000))
    compared: list[Item] = []

    def note(client: int, ours: list[Item], *_: object) -> bool:
        compared.extend(ours)
        return False

    sections = b"".join(b"\x00" + varuint(60) + b"\x04\x01\x01t\x01x" for _ in range(60))
    probe = b"\x01" + varuint(120) + b"\x07\x00" + sections + b"\x00"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("realtime.history.contradict", note)
        contradicts(history, probe)
    assert 0 < 8 * len(compared) < 4 * (len(probe) + 2 * 4_096) < history.size
