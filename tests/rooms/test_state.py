"""``evolve`` against the golden files that its TypeScript twin reads too."""

import json
from typing import get_args

import pytest

from core.model import Model
from rooms.events import RoomEvent, room_event
from rooms.state import RoomState, evolve, seen_by
from rooms.state.fold import after
from tests.rooms import golden

KINDS: tuple[type[Model], ...] = get_args(get_args(RoomEvent.__value__)[0])


@pytest.mark.parametrize("name", golden.STORIES)
def test_evolve_follows_the_golden_file(name: str) -> None:
    kept = json.loads((golden.FOLDER / f"{name}.json").read_text())
    events = [(item["seq"], room_event.validate_python(item["event"])) for item in kept["events"]]
    states = golden.fold(RoomState.model_validate(kept["initial"]), events)
    assert [state.model_dump(mode="json") for state in states[-len(kept["states"]) :]] == kept["states"]


@pytest.mark.parametrize("name", golden.STORIES)
def test_golden_file_is_what_the_story_says(name: str) -> None:
    assert json.loads((golden.FOLDER / f"{name}.json").read_text()) == golden.golden(name)


def test_golden_files_have_every_kind_of_event() -> None:
    told = {event["kind"] for story in golden.STORIES.values() for event in story}
    assert told == {kind.model_fields["kind"].default for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_after_has_a_handler_for_every_event(kind: type[Model]) -> None:
    assert after.dispatch(kind) is not after.dispatch(object)


def test_evolve_keeps_states_valid() -> None:
    for name in golden.STORIES:
        for state in golden.golden(name)["states"]:
            RoomState.model_validate(state)


def test_evolve_leaves_the_former_state_as_it_was() -> None:
    before = golden.initial()
    evolve(before, 1, room_event.validate_python(golden.opened()))
    assert before == golden.initial()


def test_seen_by_hides_private_messages_of_others() -> None:
    events = [golden.opened(), golden.chat(1, golden.ANA, "psst", golden.BEA), golden.chat(2, golden.ANA, "all")]
    state = golden.fold(golden.initial(), [(n, room_event.validate_python(e)) for n, e in enumerate(events, 1)])[-1]
    assert len(seen_by(state, golden.person(golden.BEA)).chat) == 2
    assert len(seen_by(state, golden.person(golden.ANA)).chat) == 2
    assert [message.text for message in seen_by(state, golden.person(golden.CAI)).chat] == ["all"]
