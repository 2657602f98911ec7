"""The strict reader: what real Yjs writes is read right, what is hostile is refused in bounded time."""

import contextlib
import gc
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Text

from realtime.lib0 import varstring, varuint
from realtime.ysummary import UpdateSummary, read_keystroke
from realtime.ysync import read_vector
from realtime.yupdate import InvalidUpdate, Limits, Update, read_update
from tests.realtime import corpus

NOTHING = b"\x00"
"""An empty delete set."""


def section(client: int, clock: int, *items: bytes) -> bytes:
    """One client's items."""
    return varuint(len(items)) + varuint(client) + varuint(clock) + b"".join(items)


def update(*sections: bytes, deletes: bytes = NOTHING) -> bytes:
    """An update of these sections."""
    return varuint(len(sections)) + b"".join(sections) + deletes


def text(value: str, *, parent: str = "t") -> bytes:
    """A string item at the root."""
    return b"\x04\x01" + varstring(parent) + varstring(value)


def after(client: int, clock: int, value: str = "a") -> bytes:
    """A string item to the right of another."""
    return b"\x84" + varuint(client) + varuint(clock) + varstring(value)


def fold(updates: list[bytes]) -> tuple[dict[int, int], dict[int, set[int]]]:
    """Clocks and deletions after all of these, by their summaries alone."""
    vector: dict[int, int] = {}
    deleted: dict[int, set[int]] = {}
    for summary in map(read_update, updates):
        for client, (_, end) in summary.clients.items():
            vector[client] = max(vector.get(client, 0), end)
        for client, ranges in summary.deletes.items():
            for start, end in ranges:
                deleted.setdefault(client, set()).update(range(start, end))
    return vector, deleted


@pytest.mark.parametrize("seed", range(5))
def test_read_update_agrees_with_yjs_on_the_state_vector(seed: int) -> None:
    updates, vector = corpus.yjs_updates(seed)
    assert fold(updates)[0] == read_vector(vector)


@pytest.mark.parametrize("seed", range(5))
def test_read_update_agrees_with_pycrdt_on_the_state_vector(seed: int) -> None:
    updates = corpus.pycrdt_updates(seed)
    doc: Doc[Any] = Doc()
    for each in updates:
        doc.apply_update(each)
    assert fold(updates)[0] == read_vector(doc.get_state())
    assert fold(updates)[0] == fold([doc.get_update()])[0]


def test_read_update_says_what_a_step_builds_on() -> None:
    doc: Doc[Any] = Doc(client_id=7)
    doc["t"] = shared = Text()
    shared += "hé😀"
    before = doc.get_state()
    shared += "!"
    del shared[0:1]
    assert read_update(doc.get_update(before)) == UpdateSummary(
        clients={7: (4, 5)}, deletes={7: ((0, 1),)}, needs={7: 4}
    )


def test_read_update_counts_text_in_utf16_units() -> None:
    assert read_update(update(section(1, 0, text("a😀é")))).clients == {1: (0, 4)}


def test_read_update_takes_the_empty_update() -> None:
    assert read_update(b"\x00\x00").is_empty


def test_read_update_marks_left_out_clocks() -> None:
    summary = read_update(update(section(1, 0, text("a"), b"\x0a\x05", after(1, 0))))
    assert summary.has_skips
    assert summary.clients == {1: (0, 7)}


def test_read_update_takes_items_that_build_on_each_other_across_clients() -> None:
    summary = read_update(update(section(2, 0, text("b"), after(1, 0)), section(1, 0, after(2, 0), after(2, 1))))
    assert summary.needs == {}


HOSTILE = {
    "a wild count of clients": (b"\xff\xff\xff\xff\x0f" + b"\x01\x01\x00\x00\x01", "count-beyond-end"),
    "a wild count of items": (b"\x01\xff\xff\xff\x7f\x01\x00\x00\x01\x00", "count-beyond-end"),
    "a wild count of values": (update(section(1, 0, b"\x08\x01\x01t\xff\xff\xff\x7f")), "count-beyond-end"),
    "a wild count of deletions": (b"\x00\x01\x01\xff\xff\xff\xff\x0f\x00\x01", "count-beyond-end"),
    "a wild count of keys": (update(section(1, 0, b"\x08\x01\x01t\x01\x76\xff\xff\xff\x7f")), "count-beyond-end"),
    "a string beyond the end": (update(section(1, 0, b"\x04\x01\x01t\x7fab")), "truncated"),
    "a number beyond 2^53": (b"\x01\x01" + b"\xff" * 8 + b"\x01" + b"\x00\x00\x01\x00", "number-too-large"),
    "a padded number": (b"\x01\x01\x81\x00\x00\x00\x01\x00", "padded-number"),
    "a clock beyond 32 bits": (update(section(1, 2**40, b"\x00\x01")), "clock-too-large"),
    "an item that ends beyond 32 bits": (update(section(1, 1, b"\x00" + varuint(2**31 - 1))), "clock-too-large"),
    "a deleted range beyond 32 bits": (b"\x00\x01\x01\x01\x01" + varuint(2**31 - 1), "clock-too-large"),
    "a deleted range of nothing": (b"\x00\x01\x01\x01\x01\x00", "empty-range"),
    "deleted ranges that overlap": (b"\x00\x01\x01\x02\x00\x02\x01\x02", "ranges-overlap"),
    "deletions of one client twice": (b"\x00\x02\x01\x01\x00\x01\x01\x01\x05\x01", "client-twice"),
    "one client twice": (update(section(1, 0, text("a")), section(1, 1, text("b"))), "client-twice"),
    "a client with no items": (b"\x01\x00\x01\x00\x00", "empty-section"),
    "a client with no deletions": (b"\x00\x01\x01\x00", "empty-section"),
    "an item of no length": (update(section(1, 0, text(""))), "empty-item"),
    "collected garbage of no length": (update(section(1, 0, b"\x00\x00")), "empty-item"),
    "garbage with a neighbour": (update(section(1, 0, b"\x80\x01\x00\x01")), "unknown-item"),
    "content of the Rust implementation alone": (update(section(1, 0, b"\x0b\x01\x01t\x00")), "unknown-item"),
    "a type that cannot be read everywhere": (update(section(1, 0, b"\x07\x01\x01t\x05\x01h")), "unknown-type"),
    "a parent of no kind": (update(section(1, 0, b"\x04\x02\x01t\x01a")), "unknown-parent"),
    "an item left of itself": (update(section(1, 0, after(1, 0))), "refers-to-itself"),
    "two items that wait for each other": (update(section(2, 0, after(1, 0)), section(1, 0, after(2, 0))), "circle"),
    "text that is not UTF-8": (update(section(1, 0, b"\x04\x01\x01t\x02\xff\xfe")), "not-utf8"),
    "half a surrogate pair as UTF-8": (update(section(1, 0, b"\x04\x01\x01t\x03\xed\xa0\x80")), "not-utf8"),
    "half a surrogate pair escaped": (update(section(1, 0, b"\x05\x01\x01t" + varstring('"\\ud800"'))), "not-json"),
    "a number that JSON cannot hold": (update(section(1, 0, b"\x05\x01\x01t" + varstring("1e999"))), "not-json"),
    "no JSON": (update(section(1, 0, b"\x06\x01\x01t\x01b" + varstring("{"))), "not-json"),
    "JSON too deep": (update(section(1, 0, b"\x05\x01\x01t" + varstring("[" * 9999 + "]" * 9999))), "too-deep"),
    "a value too deep": (update(section(1, 0, b"\x08\x01\x01t\x01" + b"\x75\x01" * 5000 + b"\x7e")), "too-deep"),
    "a value of no kind": (update(section(1, 0, b"\x08\x01\x01t\x01\x01")), "unknown-value-type"),
    "something after the end": (b"\x00\x00\x00", "trailing-bytes"),
    "nothing": (b"", "truncated"),
    "a file instead": (bytes(300_000), "too-large"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_read_update_refuses(name: str) -> None:
    data, reason = HOSTILE[name]
    with pytest.raises(InvalidUpdate) as refused:
        read_update(data)
    assert refused.value.reason == reason


def test_read_update_refuses_every_beginning_of_an_update() -> None:
    for whole in corpus.yjs_updates(1, steps=30)[0]:
        for end in range(len(whole)):
            with pytest.raises(InvalidUpdate):
                read_update(whole[:end])


def test_read_update_holds_to_the_size_it_is_given() -> None:
    data = update(section(1, 0, text("a" * 100)))
    assert read_update(data, Limits(max_bytes=len(data))).clients == {1: (0, 100)}
    with pytest.raises(InvalidUpdate, match="too-large"):
        read_update(data, Limits(max_bytes=len(data) - 1))


def test_read_update_holds_to_the_number_of_parts_it_is_given() -> None:
    most = Limits().max_parts
    data = update(section(1, 0, *[b"\x00\x01"] * (most + 1)))
    with pytest.raises(InvalidUpdate, match="too-many-parts"):
        read_update(data)
    assert read_update(data, Limits(max_parts=2 * most)).clients == {1: (0, most + 1)}


WORST: dict[str, Callable[[int], bytes]] = {
    "garbage items": lambda size: update(section(1, 0, *[b"\x00\x01"] * (size // 2))),
    "values": lambda size: update(section(1, 0, b"\x08\x01\x01t" + varuint(size) + b"\x7e" * size)),
    "brackets": lambda size: update(section(1, 0, b"\x05\x01\x01t" + varstring("[" * size))),
    "digits": lambda size: update(section(1, 0, b"\x05\x01\x01t" + varstring("1" * size))),
    "keys": lambda size: update(
        section(1, 0, b"\x08\x01\x01t\x01\x76" + varuint(size // 2) + b"\x00\x7e" * (size // 2))
    ),
    "waiting items": lambda size: update(*[section(n, 0, after(n - 1, 0)) for n in range(1, size // 8)]),
    "ranges": lambda size: (
        b"\x00\x01\x01" + varuint(size // 4) + b"".join(varuint(2 * n + 200) + b"\x01" for n in range(size // 4))
    ),
    "one long string": lambda size: update(section(1, 0, text("é" * (size // 2)))),
}


def steps(data: bytes) -> int:
    """How many calls, of Python or C, reading takes."""
    count = 0

    def look(frame: FrameType, event: str, arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    gc.disable()  # others' hooks run with it
    sys.setprofile(look)
    try:
        with contextlib.suppress(InvalidUpdate):
            read_update(data)
    finally:
        sys.setprofile(None)
        gc.enable()
    return count


@pytest.mark.parametrize("name", WORST)
def test_read_update_takes_work_in_proportion_to_the_bytes(name: str) -> None:
    half, whole, most = (WORST[name](size) for size in (16_000, 32_000, 200_000))
    assert steps(whole) <= 2.1 * steps(half) + 100
    for data in (half, whole, most):
        assert steps(data) <= 6 * len(data) + 100


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400))
@example(b"\x01" * 50)
def test_read_update_raises_nothing_else_on_any_bytes(data: bytes) -> None:
    try:
        summary = read_update(data)
    except InvalidUpdate:
        return
    assert all(first < end for first, end in summary.clients.values())


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_read_update_raises_nothing_else_on_built_updates(data: st.DataObject) -> None:
    """Parts that are well-formed by themselves, put together at random."""
    item = st.one_of(
        st.builds(text, st.text(max_size=5)),
        st.builds(after, st.integers(0, 4), st.integers(0, 9)),
        st.binary(max_size=6),
        st.builds(lambda value: b"\x08\x01\x01t\x01" + value, st.binary(max_size=8)),
    )
    parts = data.draw(st.lists(st.builds(section, st.integers(0, 4), st.integers(0, 9), item, item), max_size=4))
    deletes = data.draw(st.sampled_from([NOTHING, b"\x01\x01\x01\x00\x01"]) | st.binary(max_size=8))
    with contextlib.suppress(InvalidUpdate):
        read_update(update(*parts, deletes=deletes))


@pytest.mark.parametrize("seed", range(3))
def test_what_read_update_accepts_pycrdt_applies(seed: int) -> None:
    """Broken updates that pass the reader leave a document of a child process usable."""
    for updates in (corpus.yjs_updates(seed)[0], corpus.pycrdt_updates(seed)):
        broken = corpus.mutations(seed, [each for each in updates if len(each) < 300], 4_000)
        passed = corpus.accepted(broken)
        assert len(passed) > 50
        assert corpus.panics(updates[-1], passed) == []
        assert corpus.panics(b"\x00\x00", passed) == []


def test_the_corpus_kills_pycrdt_without_the_reader() -> None:
    """The control of the test above: unread, the same mutations do break a document's process."""
    updates = corpus.pycrdt_updates(0)
    broken = corpus.mutations(0, [each for each in updates if len(each) < 300], 4_000)
    refused = [each for each, kept in _verdicts(broken) if not kept]
    assert corpus.panics(updates[-1], refused) != []


def _verdicts(updates: list[bytes]) -> list[tuple[bytes, bool]]:
    kept = Counter(corpus.accepted(updates))
    return [(each, each in kept) for each in updates]


def test_read_update_reads_what_its_parts_say() -> None:
    data = update(section(5, 3, after(9, 6)), deletes=b"\x01\x09\x01\x08\x02")
    assert read_update(data) == UpdateSummary(clients={5: (3, 4)}, deletes={9: ((8, 10),)}, needs={5: 3, 9: 10})


@pytest.mark.parametrize("seed", range(4))
def test_short_way_says_what_the_long_way_says(seed: int) -> None:
    """Nearly all updates are read by ``read_keystroke``; what it takes, the whole reader takes, and alike."""
    short = 0
    typed = corpus.keystrokes(400, seed=seed)
    for updates in (corpus.yjs_updates(seed)[0], corpus.pycrdt_updates(seed), typed):
        small = [each for each in updates if len(each) < 120]
        for data in [*small, *corpus.mutations(seed, small, 6_000)]:
            summary = read_keystroke(data)
            if summary is not None:
                short += 1
                whole = Update(data, Limits()).read()
                assert summary == whole
                assert summary.spans == whole.spans
    assert short > 500
    assert sum(read_keystroke(each) is not None for each in typed) > 0.95 * len(typed)
