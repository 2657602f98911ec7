"""The clock rotates the keyboard."""

import pytest

from core.errors import Conflict
from core.model import UserId, new_id
from rooms import errors, events
from rooms.events import TurnStarted
from tests.rooms.dojo import Dojo


def rotating(*names: str) -> Dojo:
    """A dojo whose rotation runs, Ana first."""
    dojo = Dojo(500, "link", "ana", *names)
    dojo.do("ana", "StartRotation")
    return dojo


def last_turn(dojo: Dojo) -> TurnStarted:
    """The newest turn."""
    return [event for event in dojo.events if isinstance(event, TurnStarted)][-1]


def test_start_gives_the_keyboard_to_the_first_who_came() -> None:
    dojo = rotating("bea", "cai")
    assert (dojo.driver, dojo.name(dojo.state.rotation.navigator)) == ("ana", "bea")
    assert dojo.state.lease.holder == dojo.id("ana")
    assert dojo.state.rotation.ends_at == dojo.now + 240


def test_start_takes_the_given_order_of_those_who_are_here() -> None:
    dojo = Dojo(30, "link", "ana", "bea", "cai", "dan")
    dojo.do("ana", "ChangeRole", person_id=dojo.id("dan"), role="spectator")
    dojo.lose("cai")
    order = (dojo.id("dan"), dojo.id("bea"), dojo.id("cai"), dojo.id("bea"), UserId(new_id()), dojo.id("ana"))
    dojo.do("ana", "StartRotation", order=order, turn_seconds=5)
    assert dojo.state.rotation.order == (dojo.id("bea"), dojo.id("ana"))
    assert dojo.state.rotation.turn_seconds == 5


def test_second_start_is_a_clear_conflict() -> None:
    dojo = rotating("bea")
    with pytest.raises(errors.RotationRunning) as refused:
        dojo.do("ana", "StartRotation")
    assert isinstance(refused.value, Conflict)
    assert dojo.state.rotation.turn == 1


def test_start_without_drivers_is_refused() -> None:
    dojo = Dojo(30, "link", "ana")
    with pytest.raises(errors.NobodyToRotate):
        dojo.do("ana", "StartRotation", order=(UserId(new_id()),))


def test_bell_moves_the_keyboard_round() -> None:
    dojo = rotating("bea", "cai")
    drivers = []
    for _ in range(4):
        dojo.wait(240)
        drivers.append(dojo.driver)
        assert dojo.state.lease.holder == dojo.state.rotation.driver
    assert drivers == ["bea", "cai", "ana", "bea"]


def test_bell_skips_and_names_the_absent() -> None:
    dojo = rotating("bea", "cai", "dan")
    dojo.wait(235)
    dojo.lose("bea")
    dojo.wait(5)
    assert dojo.driver == "cai"
    assert last_turn(dojo).skipped == (dojo.id("bea"),)


def test_who_looks_away_still_drives() -> None:
    dojo = rotating("bea")
    dojo.do("bea", "SetAway", away=True)
    dojo.wait(240)
    assert dojo.driver == "bea"


def test_one_person_alone_keeps_turning() -> None:
    dojo = rotating()
    dojo.wait(240 * 3)
    assert dojo.driver == "ana"
    assert dojo.state.rotation.turn == 4
    assert dojo.state.rotation.navigator is None


def test_rotation_stops_when_nobody_is_here() -> None:
    dojo = rotating("bea")
    dojo.wait(235)
    dojo.lose("ana")
    dojo.lose("bea")
    dojo.wait(6)
    assert events.RotationStopped(lease_epoch=2, reason="nobody-here") in dojo.events
    assert dojo.state.lease.holder is None


def test_driver_who_leaves_passes_the_keyboard_on_at_once() -> None:
    dojo = rotating("bea", "cai")
    dojo.wait(240)
    dojo.do("bea", "LeaveRoom")
    assert dojo.driver == "cai"
    assert last_turn(dojo).reason == "absent"


def test_removed_driver_is_followed_by_the_next_in_order() -> None:
    dojo = rotating("bea", "cai", "dan")
    dojo.wait(240)
    dojo.do("ana", "RemovePerson", person_id=dojo.id("bea"))
    assert dojo.driver == "cai"


def test_lost_driver_keeps_the_keyboard_for_the_grace() -> None:
    dojo = rotating("bea")
    dojo.lose("ana")
    dojo.wait(19)
    assert dojo.driver == "ana"
    dojo.wait(1)
    assert dojo.driver == "bea"


def test_driver_made_spectator_passes_the_keyboard_on() -> None:
    dojo = rotating("bea", "cai")
    dojo.wait(240)
    dojo.do("ana", "ChangeRole", person_id=dojo.id("bea"), role="spectator")
    assert dojo.driver == "cai"
    assert dojo.id("bea") not in dojo.state.rotation.order


def test_who_comes_later_drives_last() -> None:
    dojo = rotating("bea")
    dojo.enter("guest")
    assert dojo.state.rotation.order[-1] == dojo.id("guest")


def test_pause_keeps_the_time_left() -> None:
    dojo = rotating("bea")
    dojo.wait(100)
    dojo.do("ana", "ControlRotation", action="pause")
    assert dojo.do("ana", "ControlRotation", action="pause") == []
    dojo.wait(1000)
    assert dojo.driver == "ana"
    dojo.do("ana", "ControlRotation", action="resume")
    assert dojo.state.rotation.ends_at == dojo.now + 139


def test_skip_while_paused_stays_paused() -> None:
    dojo = rotating("bea")
    dojo.do("ana", "ControlRotation", action="pause")
    dojo.do("ana", "ControlRotation", action="skip")
    assert (dojo.driver, dojo.state.rotation.status, dojo.state.rotation.remaining) == ("bea", "paused", 240)


def test_driver_may_skip_their_own_turn() -> None:
    dojo = rotating("bea", "cai")
    with pytest.raises(errors.HostsOnly):
        dojo.do("bea", "ControlRotation", action="skip")
    dojo.wait(240)
    dojo.do("bea", "ControlRotation", action="skip")
    assert dojo.driver == "cai"


def test_extend_is_bounded() -> None:
    dojo = rotating("bea")
    dojo.do("ana", "ExtendTurn", seconds=60)
    assert dojo.state.rotation.ends_at == dojo.now + 299
    for _ in range(4):
        dojo.do("ana", "ExtendTurn", seconds=3600)
    assert dojo.state.rotation.ends_at == dojo.now + 7200
    for _ in range(3):
        dojo.do("ana", "ExtendTurn", seconds=-3600)
    dojo.wait(0)
    assert dojo.driver == "bea"


def test_extend_works_while_paused() -> None:
    dojo = rotating("bea")
    dojo.do("ana", "ControlRotation", action="pause")
    dojo.do("ana", "ExtendTurn", seconds=60)
    assert dojo.state.rotation.remaining == 299


def test_reorder_keeps_the_turn() -> None:
    dojo = rotating("bea", "cai")
    dojo.do("ana", "ReorderRotation", order=(dojo.id("cai"), dojo.id("ana"), dojo.id("bea")))
    assert dojo.driver == "ana"
    dojo.wait(240)
    assert dojo.driver == "bea"


def test_reorder_takes_three_hundred_people() -> None:
    dojo = rotating(*(f"p{number}" for number in range(299)))
    order = tuple(reversed(dojo.state.rotation.order))
    assert len(order) == 300
    dojo.do("ana", "ReorderRotation", order=order)
    assert dojo.state.rotation.order == order


def test_reorder_refuses_strangers_doubles_and_spectators() -> None:
    dojo = rotating("bea")
    with pytest.raises(errors.UnknownPerson):
        dojo.do("ana", "ReorderRotation", order=(UserId(new_id()),))
    with pytest.raises(errors.NamedTwice):
        dojo.do("ana", "ReorderRotation", order=(dojo.id("bea"), dojo.id("bea")))
    dojo.do("ana", "ChangeRole", person_id=dojo.id("bea"), role="spectator")
    with pytest.raises(errors.OnlyWatching):
        dojo.do("ana", "ReorderRotation", order=(dojo.id("bea"),))


def test_shuffle_keeps_the_driver_and_everybody() -> None:
    dojo = rotating(*(f"p{number}" for number in range(20)))
    before = dojo.state.rotation.order
    dojo.do("ana", "ControlRotation", action="shuffle")
    after = dojo.state.rotation.order
    assert (after[0], sorted(after), after != before) == (dojo.id("ana"), sorted(before), True)


def test_stop_lets_everybody_type() -> None:
    dojo = rotating("bea")
    dojo.do("ana", "ControlRotation", action="stop")
    assert dojo.state.lease.holder is None
    for action in ("stop", "pause", "resume", "skip", "shuffle"):
        with pytest.raises(errors.RotationNotRunning):
            dojo.do("ana", "ControlRotation", action=action)
    with pytest.raises(errors.RotationNotRunning):
        dojo.do("ana", "ExtendTurn", seconds=5)


def test_break_stops_the_clock_and_code_lets_it_go_on() -> None:
    dojo = rotating("bea")
    dojo.wait(40)
    dojo.do("ana", "SetPhase", phase="break")
    dojo.wait(5000)
    dojo.do("ana", "SetPhase", phase="code")
    assert (dojo.driver, dojo.state.rotation.ends_at) == ("ana", dojo.now + 199)


def test_resume_and_start_end_a_break() -> None:
    dojo = rotating("bea")
    dojo.do("ana", "SetPhase", phase="break")
    dojo.do("ana", "ControlRotation", action="resume")
    assert (dojo.state.phase, dojo.state.rotation.status) == ("code", "running")
    dojo.do("ana", "ControlRotation", action="stop")
    dojo.do("ana", "SetPhase", phase="retro")
    dojo.do("ana", "StartRotation")
    assert dojo.state.phase == "code"


def test_keyboard_is_asked_for_once_a_turn() -> None:
    dojo = rotating("bea", "cai")
    dojo.do("bea", "AskKeyboard")
    assert dojo.do("bea", "AskKeyboard") == []
    assert dojo.do("ana", "AskKeyboard") == []
    assert [dojo.name(person) for person in dojo.state.keyboard_asked] == ["bea"]
    dojo.wait(240)
    assert not dojo.state.keyboard_asked


def test_keyboard_is_free_without_a_rotation() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    with pytest.raises(errors.RotationNotRunning):
        dojo.do("bea", "AskKeyboard")
