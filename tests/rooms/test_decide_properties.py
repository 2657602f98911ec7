"""What holds of every dojo, whatever people do and whenever the clock ticks."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import Problem
from core.model import new_id
from rooms.decide import deadline, tick
from rooms.models import SourceFile
from rooms.state import RoomState
from tests.rooms.dojo import Dojo

NAMES = ("ana", "bea", "cai", "guest1", "guest2")
CAPACITY = 3
FILES = (SourceFile(name="a.py", text=""),)

names = st.sampled_from(NAMES)
orders = st.lists(names, min_size=1, unique=True)
someone = st.builds(lambda name: {"person_id": name}, names)
steps = st.one_of(
    st.tuples(st.just("wait"), st.floats(0, 400), st.none()),
    st.tuples(st.just("lose"), names, st.none()),
    st.tuples(st.just("EnterRoom"), names, st.just({})),
    st.tuples(st.just("EnterRoom"), names, st.just({})),
    st.tuples(st.just("LeaveRoom"), names, st.just({})),
    st.tuples(st.just("AdmitPeople"), names, st.just({})),
    st.tuples(st.just("DenyPerson"), names, someone),
    st.tuples(
        st.just("ChangeRole"),
        names,
        st.builds(
            lambda name, role: {"person_id": name, "role": role},
            names,
            st.sampled_from(["host", "cohost", "participant", "spectator"]),
        ),
    ),
    st.tuples(
        st.just("RemovePerson"), names, st.builds(lambda n, ban: {"person_id": n, "ban": ban}, names, st.booleans())
    ),
    st.tuples(st.just("SetAway"), names, st.builds(lambda away: {"away": away}, st.booleans())),
    st.tuples(st.just("SetHand"), names, st.builds(lambda raised: {"raised": raised}, st.booleans())),
    st.tuples(st.just("StartRotation"), names, st.just({})),
    st.tuples(st.just("ReorderRotation"), names, st.builds(lambda order: {"order": order}, orders)),
    st.tuples(
        st.just("ControlRotation"),
        names,
        st.builds(lambda a: {"action": a}, st.sampled_from(["pause", "resume", "stop", "skip", "shuffle"])),
    ),
    st.tuples(st.just("ExtendTurn"), names, st.builds(lambda s: {"seconds": s}, st.floats(-3600, 3600))),
    st.tuples(
        st.just("SetPhase"), names, st.builds(lambda p: {"phase": p}, st.sampled_from(["code", "break", "retro"]))
    ),
    st.tuples(st.just("AskKeyboard"), names, st.just({})),
    st.tuples(st.just("SendChat"), names, st.just({"text": "hello"})),
    st.tuples(st.just("AddFile"), names, st.just({"name": "a.py"})),
    st.tuples(
        st.just("ReportLight"), names, st.just({"light_id": new_id(), "colour": "red", "seconds": 1, "files": FILES})
    ),
)


def take(dojo: Dojo, kind: str, who: Any, values: dict[str, Any] | None) -> None:
    """One step of the story; a refusal is an outcome like any other."""
    if kind == "wait":
        dojo.wait(who)
    elif kind == "lose":
        dojo.lose(who)
    else:
        named = dict(values or {})
        if "person_id" in named:
            named["person_id"] = dojo.id(named["person_id"])
        if "order" in named:
            named["order"] = tuple(dojo.id(name) for name in named["order"])
        try:
            dojo.do(who, kind, **named)
        except Problem:
            return


def check(dojo: Dojo) -> None:
    """The invariants."""
    state = dojo.state
    rotation = state.rotation
    RoomState.model_validate(state.model_dump())
    assert sum(person.seated for person in state.people.values()) <= CAPACITY
    assert set(rotation.order) <= set(state.people)
    assert len(set(rotation.order)) == len(rotation.order)
    assert not set(state.banned) & set(state.people)
    assert state.lease.holder == rotation.driver
    assert (rotation.driver is not None) == (rotation.status != "idle")
    assert (rotation.ends_at is not None) == (rotation.status == "running")
    assert (rotation.remaining is not None) == (rotation.status == "paused")
    if rotation.driver is not None:
        driver = state.people[rotation.driver]
        assert driver.seated
        assert driver.role != "spectator"
        assert rotation.navigator != rotation.driver
    assert state.phase == "code" or rotation.status != "running"
    empty = not any(person.seated for person in state.people.values())
    assert (state.empty_since is not None) == (empty and state.is_open)
    for person in state.people.values():
        assert (person.lost_until is not None) == (person.presence == "reconnecting")
        assert person.hand_at is None or person.seated


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=40))
def test_invariants_hold(story: list[tuple[str, Any, dict[str, Any] | None]]) -> None:
    dojo = Dojo(CAPACITY, "link", "ana")
    for kind, who, values in story:
        epoch = dojo.state.lease.epoch
        take(dojo, kind, who, values)
        assert dojo.state.lease.epoch >= epoch
        check(dojo)


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, max_size=30))
def test_tick_at_the_deadline_makes_progress(story: list[tuple[str, Any, dict[str, Any] | None]]) -> None:
    dojo = Dojo(CAPACITY, "link", "ana", "bea")
    for kind, who, values in story:
        take(dojo, kind, who, values)
        due = deadline(dojo.state)
        if due is None:
            continue
        assert tick(dojo.state, max(due, dojo.now)) != ()
        assert due <= dojo.now or tick(dojo.state, dojo.now) == ()


@settings(max_examples=200, deadline=None)
@given(st.lists(steps, max_size=30))
def test_an_open_dojo_left_alone_comes_to_rest(story: list[tuple[str, Any, dict[str, Any] | None]]) -> None:
    dojo = Dojo(CAPACITY, "link", "ana")
    for kind, who, values in story:
        take(dojo, kind, who, values)
    for name in NAMES:
        dojo.lose(name)
    dojo.wait(2_000)
    assert not dojo.state.is_open or dojo.state.phase == "break"
    assert deadline(dojo.state) is None
