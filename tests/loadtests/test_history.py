"""The history checker finds nothing in true stories, and every kind of lie that is put into one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.facts import (
    Acked,
    CutShort,
    Edited,
    Entered,
    Entry,
    Fact,
    Received,
    Recorder,
    Refused,
    Sent,
    Stayed,
    Text,
    read_facts,
)
from loadtests.history import check
from tests.loadtests.stories import FILE, PEOPLE, ROOM, Step, Story, Teller

WHAT = ("say", "whisper", "insist", "idle", "turn", "free", "type", "erase", "drop", "come")
steps = st.lists(st.tuples(st.sampled_from(WHAT), st.integers(0, len(PEOPLE) - 1)), max_size=40)
EVERYTHING: list[Step] = [
    *(("come", number) for number in range(3)), ("say", 0), ("whisper", 1), ("say", 0), ("type", 2), ("turn", 1), ("say", 1),
    ("type", 1), ("turn", 0), ("drop", 2), ("say", 0), ("say", 1), ("type", 0), ("come", 2), ("say", 2), ("idle", 1), ("say", 1),
]  # fmt: skip


@settings(deadline=None)
@given(steps)
def test_check_finds_nothing_in_a_true_story(told: list[Step]) -> None:
    story = Teller().tell(told)
    assert check(story.facts, story.stored) == []


def first(story: Story, kind: type[Fact], **values: Any) -> Any:
    """The first fact of ``kind`` with these values."""
    return next(
        fact
        for fact in story.facts
        if isinstance(fact, kind) and all(getattr(fact, name) == value for name, value in values.items())
    )


def swap(story: Story, old: Fact, *new: Fact) -> None:
    at = story.facts.index(old)
    story.facts[at : at + 1] = new


def lose_an_event(story: Story) -> None:
    said = first(story, Acked)
    story.entries[said.seq - 1] = story.entries[said.seq - 1]._replace(op_id="another", mark="")


def leave_a_gap(story: Story) -> None:
    del story.entries[2]


def leave_a_gap_in_the_document(story: Story) -> None:
    del story.changes[1]


def store_an_operation_twice(story: Story) -> None:
    story.entries.append(story.entries[0]._replace(seq=len(story.entries) + 1))


def do_a_thing_twice(story: Story) -> None:
    again = story.entries[0]._replace(seq=len(story.entries) + 1, op_id="under another id")
    story.entries.append(again)


def acknowledge_another_number(story: Story) -> None:
    said = first(story, Acked)
    swap(story, said, said._replace(seq=said.seq + 1))


def store_what_was_refused(story: Story) -> None:
    refused = first(story, Refused)
    story.entries.append(Entry(len(story.entries) + 1, refused.op_id, "bea", "hand_changed", 1e9))


def turn_round_the_own_order(story: Story) -> None:
    one, other = [fact for fact in story.facts if isinstance(fact, Sent) and fact.client == "ana"][:2]
    at, behind = story.facts.index(one), story.facts.index(other)
    story.facts[at], story.facts[behind] = other, one


def echo_too_early(story: Story) -> None:
    said = first(story, Acked)
    echo = first(story, Received, client=said.client, seq=said.seq)
    story.facts.remove(echo)
    story.facts.insert(story.facts.index(said), echo)


def skip_a_delivery(story: Story) -> None:
    story.facts.remove(first(story, Received, client="gil", seq=2))


def skip_the_last_deliveries(story: Story) -> None:
    seqs = [fact.seq for fact in story.facts if isinstance(fact, Received) and fact.client == "gil"]
    for fact in [fact for fact in story.facts if isinstance(fact, Received) and fact.client == "gil"]:
        if fact.seq == max(seqs):
            story.facts.remove(fact)


def deliver_twice(story: Story) -> None:
    heard = first(story, Received, client="gil", seq=2)
    swap(story, heard, heard, heard)


def deliver_in_another_order(story: Story) -> None:
    one, other = first(story, Received, client="gil", seq=2), first(story, Received, client="gil", seq=3)
    at, behind = story.facts.index(one), story.facts.index(other)
    story.facts[at], story.facts[behind] = other, one


def leave_out_some_of_the_tail(story: Story) -> None:
    story.facts.remove(first(story, Received, client="gil", tail=True))


def resume_from_elsewhere(story: Story) -> None:
    back = first(story, Entered, client="gil", tail=True)
    swap(story, back, back._replace(seq=back.seq + 1))


def deliver_of_another_room(story: Story) -> None:
    heard = first(story, Received, client="gil")
    swap(story, heard, heard, heard._replace(room="another"))


def deliver_what_did_not_happen(story: Story) -> None:
    heard = first(story, Received, client="gil", hidden=False)
    swap(story, heard, heard._replace(op_id="invented"))


def deliver_of_another_epoch(story: Story) -> None:
    heard = first(story, Received, client="gil")
    swap(story, heard, heard._replace(epoch=2))


def show_a_whisper(story: Story) -> None:
    heard = first(story, Received, client="gil", hidden=True)
    swap(story, heard, heard._replace(hidden=False))


def hide_a_word(story: Story) -> None:
    heard = first(story, Received, client="gil", hidden=False)
    swap(story, heard, heard._replace(hidden=True))


def leave_unanswered(story: Story) -> None:
    story.facts.remove(first(story, Acked))


def stay_away(story: Story) -> None:
    story.facts.remove(first(story, Stayed, client="gil"))


def show_somebody_who_is_gone(story: Story) -> None:
    seen = first(story, Stayed, client="ana")
    swap(story, seen, seen._replace(here=[*PEOPLE, "zoe"]))


def hide_somebody_who_is_there(story: Story) -> None:
    seen = first(story, Stayed, client="ana")
    swap(story, seen, seen._replace(here=["ana"]))


def lend_one_epoch_twice(story: Story) -> None:
    moved = [entry for entry in story.entries if entry.lease is not None][-1]
    story.entries[moved.seq - 1] = moved._replace(lease=(1, "gil"))


def write_without_the_lease(story: Story) -> None:
    story.changes[2] = story.changes[2]._replace(actor="gil")


def lose_an_edit(story: Story) -> None:
    story.changes[-2:] = [change._replace(clocks={}) for change in story.changes[-2:]]


def lose_a_word(story: Story) -> None:
    word = first(story, Edited).word
    story.texts[FILE] = story.texts[FILE].replace(word, "")


def type_a_word_twice(story: Story) -> None:
    story.texts[FILE] += first(story, Edited).word


def see_another_text(story: Story) -> None:
    seen = first(story, Text, client="gil")
    swap(story, seen, seen._replace(text="something else"))


def stop_taking_notes(story: Story) -> None:
    story.facts.append(CutShort(1))


LIES: dict[Callable[[Story], None], str] = {
    lose_an_event: "lost",
    leave_a_gap: "gap",
    leave_a_gap_in_the_document: "gap",
    store_an_operation_twice: "duplicated",
    do_a_thing_twice: "duplicated",
    acknowledge_another_number: "wrong-number",
    store_what_was_refused: "refused-but-stored",
    turn_round_the_own_order: "own-order",
    echo_too_early: "early-echo",
    skip_a_delivery: "missed",
    skip_the_last_deliveries: "missed",
    deliver_twice: "missed",
    deliver_in_another_order: "missed",
    leave_out_some_of_the_tail: "missed",
    resume_from_elsewhere: "missed",
    deliver_of_another_room: "foreign",
    deliver_what_did_not_happen: "invented",
    deliver_of_another_epoch: "invented",
    show_a_whisper: "disclosed",
    hide_a_word: "withheld",
    leave_unanswered: "unanswered",
    stay_away: "absent",
    show_somebody_who_is_gone: "presence",
    hide_somebody_who_is_there: "presence",
    lend_one_epoch_twice: "two-holders",
    write_without_the_lease: "two-holders",
    lose_an_edit: "lost-edit",
    lose_a_word: "lost-edit",
    type_a_word_twice: "duplicated-edit",
    see_another_text: "diverged",
    stop_taking_notes: "cut-short",
}


@pytest.mark.parametrize(("lie", "kind"), LIES.items(), ids=lambda each: getattr(each, "__name__", each))
def test_check_finds_a_lie(lie: Callable[[Story], None], kind: str) -> None:
    story = Teller().tell(EVERYTHING)
    assert story.kinds() == set()
    lie(story)
    assert kind in story.kinds()


@settings(deadline=None)
@given(steps, st.sampled_from([*LIES]))
def test_check_finds_a_lie_anywhere(told: list[Step], lie: Callable[[Story], None]) -> None:
    story = Teller().tell([*EVERYTHING, *told])
    lie(story)
    assert story.kinds()


def test_facts_are_read_as_they_were_noted(tmp_path: Path) -> None:
    story = Teller().tell(EVERYTHING)
    recorder = Recorder(tmp_path / "history.jsonl")
    for fact in story.facts:
        recorder.note(fact)
    recorder.close()
    assert list(read_facts(tmp_path / "history.jsonl")) == story.facts


def test_recorder_says_when_it_is_full(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "history.jsonl", most=3)
    for number in range(9):
        recorder.note(Refused("ana", ROOM, str(number), "no"))
    recorder.close()
    *_, last = kept = list(read_facts(tmp_path / "history.jsonl"))
    assert (len(kept), last) == (3, CutShort(3))
