"""Who gets in, who stays, who runs the dojo."""

from typing import Any

import pytest

from core.errors import Conflict, Forbidden
from core.model import UserId, new_id
from rooms import errors
from tests.rooms.dojo import Dojo


def presence(dojo: Dojo, name: str) -> str:
    return dojo.state.people[dojo.id(name)].presence


def role(dojo: Dojo, name: str) -> str:
    return dojo.state.people[dojo.id(name)].role


def test_owner_enters_as_host() -> None:
    dojo = Dojo()
    dojo.enter("ana")
    assert (presence(dojo, "ana"), role(dojo, "ana")) == ("here", "host")


def test_member_goes_straight_in() -> None:
    dojo = Dojo(30, "members", "ana", "bea")
    assert (presence(dojo, "bea"), role(dojo, "bea")) == ("here", "participant")


def test_guest_waits_until_admitted() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("guest", "EnterRoom")
    assert presence(dojo, "guest") == "waiting"
    with pytest.raises(errors.NotAdmitted):
        dojo.do("guest", "SendChat", text="let me in")
    dojo.do("ana", "AdmitPeople")
    assert presence(dojo, "guest") == "reconnecting"
    dojo.do("guest", "EnterRoom")
    assert presence(dojo, "guest") == "here"


def test_admitted_guest_who_does_not_come_loses_the_seat() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("guest", "EnterRoom")
    dojo.do("ana", "AdmitPeople")
    dojo.wait(31)
    assert presence(dojo, "guest") == "gone"


@pytest.mark.parametrize("access", ["members", "signed-in"])
def test_guest_is_refused_where_guests_are_not_let_in(access: str) -> None:
    dojo = Dojo(30, access, "ana")
    with pytest.raises(errors.NotInvited):
        dojo.do("guest", "EnterRoom")


def test_denied_guest_may_knock_again() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("guest", "EnterRoom")
    dojo.do("ana", "DenyPerson", person_id=dojo.id("guest"))
    assert dojo.id("guest") not in dojo.state.people
    dojo.do("guest", "EnterRoom")
    assert presence(dojo, "guest") == "waiting"


def test_seat_cap_holds() -> None:
    dojo = Dojo(2, "link", "ana", "bea")
    with pytest.raises(errors.RoomFull):
        dojo.do("cai", "EnterRoom")


def test_seat_is_kept_while_reconnecting_and_given_up_later() -> None:
    dojo = Dojo(2, "link", "ana", "bea")
    dojo.lose("bea")
    with pytest.raises(errors.RoomFull):
        dojo.do("cai", "EnterRoom")
    dojo.do("bea", "EnterRoom")
    dojo.lose("bea")
    dojo.wait(20)
    dojo.enter("cai")
    with pytest.raises(errors.RoomFull):
        dojo.do("bea", "EnterRoom")


def test_a_seat_is_kept_for_the_owner() -> None:
    dojo = Dojo(2, "link", "bea")
    with pytest.raises(errors.RoomFull):
        dojo.do("cai", "EnterRoom")
    dojo.enter("ana")
    assert role(dojo, "ana") == "host"


def test_admit_all_takes_as_many_as_there_are_seats() -> None:
    dojo = Dojo(2, "link", "ana")
    dojo.do("guest1", "EnterRoom")
    dojo.do("guest2", "EnterRoom")
    dojo.do("ana", "AdmitPeople")
    assert (presence(dojo, "guest1"), presence(dojo, "guest2")) == ("reconnecting", "waiting")
    with pytest.raises(errors.RoomFull):
        dojo.do("ana", "AdmitPeople")


def test_lobby_is_bounded() -> None:
    dojo = Dojo(30, "link", "ana")
    for number in range(200):
        dojo.do(f"guest{number}", "EnterRoom")
    with pytest.raises(errors.LobbyFull):
        dojo.do("guest200", "EnterRoom")


def test_ban_holds() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    dojo.do("ana", "RemovePerson", person_id=dojo.id("bea"), ban=True)
    with pytest.raises(errors.Banned):
        dojo.do("bea", "EnterRoom")
    assert dojo.do("ana", "RemovePerson", person_id=dojo.id("bea"), ban=True) == []


def test_removed_guest_knocks_again() -> None:
    dojo = Dojo(30, "link", "ana", "guest")
    dojo.do("ana", "RemovePerson", person_id=dojo.id("guest"))
    dojo.do("guest", "EnterRoom")
    assert presence(dojo, "guest") == "waiting"


def test_second_tab_changes_nothing() -> None:
    dojo = Dojo(30, "link", "ana")
    assert dojo.enter("ana") == []


def test_returning_tab_ends_away() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("ana", "SetAway", away=True)
    dojo.do("ana", "EnterRoom")
    assert presence(dojo, "ana") == "here"


def test_lost_connection_of_someone_who_waits_empties_their_place() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("guest", "EnterRoom")
    dojo.lose("guest")
    assert dojo.id("guest") not in dojo.state.people


def test_lost_connection_of_a_stranger_changes_nothing() -> None:
    dojo = Dojo(30, "link", "ana")
    assert dojo.lose("bea") == []


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("AdmitPeople", {}), ("DenyPerson", {"person_id": "bea"}), ("ChangeRole", {"person_id": "bea", "role": "host"}),
        ("SetSpeech", {"person_id": "ana", "may_speak": False}), ("RemovePerson", {"person_id": "ana"}),
        ("StartRotation", {}), ("ControlRotation", {"action": "stop"}), ("ExtendTurn", {"seconds": 10}),
        ("ReorderRotation", {"order": ("bea",)}), ("SetPhase", {"phase": "break"}), ("CloseSession", {}),
    ],
)  # fmt: skip
def test_hosts_alone_may(kind: str, values: dict[str, Any]) -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    given = dict(values)
    if "person_id" in given:
        given["person_id"] = dojo.id(given["person_id"])
    if "order" in given:
        given["order"] = tuple(map(dojo.id, given["order"]))
    with pytest.raises(errors.HostsOnly):
        dojo.do("bea", kind, **given)


def test_owner_cannot_be_touched() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    dojo.do("ana", "ChangeRole", person_id=dojo.id("bea"), role="host")
    for kind, values in (
        ("RemovePerson", {}),
        ("SetSpeech", {"may_speak": False}),
        ("ChangeRole", {"role": "spectator"}),
    ):
        with pytest.raises(errors.OwnerStays):
            dojo.do("bea", kind, person_id=dojo.id("ana"), **values)


def test_cohost_cannot_act_on_hosts() -> None:
    dojo = Dojo(30, "link", "ana", "bea", "cai", "dan")
    dojo.do("ana", "ChangeRole", person_id=dojo.id("bea"), role="cohost")
    dojo.do("ana", "ChangeRole", person_id=dojo.id("cai"), role="host")
    with pytest.raises(errors.HostsOnly):
        dojo.do("bea", "RemovePerson", person_id=dojo.id("cai"))
    with pytest.raises(errors.HostsOnly):
        dojo.do("bea", "ChangeRole", person_id=dojo.id("dan"), role="host")
    dojo.do("bea", "RemovePerson", person_id=dojo.id("dan"))


def test_host_cannot_remove_themselves() -> None:
    dojo = Dojo(30, "link", "ana")
    with pytest.raises(Conflict):
        dojo.do("ana", "RemovePerson", person_id=dojo.id("ana"))


def test_last_host_cannot_step_down() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    dojo.do("ana", "ChangeRole", person_id=dojo.id("bea"), role="host")
    dojo.do("ana", "LeaveRoom")
    with pytest.raises(errors.LastHost):
        dojo.do("bea", "ChangeRole", person_id=dojo.id("bea"), role="participant")


def test_longest_present_member_leads_when_the_host_leaves() -> None:
    dojo = Dojo(30, "link", "ana", "guest", "bea", "cai")
    dojo.do("ana", "LeaveRoom")
    assert [role(dojo, name) for name in ("guest", "bea", "cai")] == ["participant", "cohost", "participant"]
    dojo.enter("ana")
    assert role(dojo, "ana") == "host"


def test_member_leads_when_host_is_lost_for_good() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    dojo.lose("ana")
    dojo.wait(19)
    assert role(dojo, "bea") == "participant"
    dojo.wait(1)
    assert role(dojo, "bea") == "cohost"


def test_member_who_finds_only_guests_leads() -> None:
    dojo = Dojo(30, "link", "ana", "guest")
    dojo.do("ana", "LeaveRoom")
    assert role(dojo, "guest") == "participant"
    dojo.enter("bea")
    assert role(dojo, "bea") == "cohost"


def test_hands_are_raised_by_oneself_and_lowered_by_hosts_too() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    dojo.do("bea", "SetHand", raised=True)
    assert dojo.do("bea", "SetHand", raised=True) == []
    with pytest.raises(errors.HostsOnly):
        dojo.do("bea", "SetHand", raised=False, person_id=dojo.id("ana"))
    with pytest.raises(Forbidden):
        dojo.do("ana", "SetHand", raised=True, person_id=dojo.id("bea"))
    dojo.do("ana", "SetHand", raised=False, person_id=dojo.id("bea"))
    assert dojo.state.people[dojo.id("bea")].hand_at is None


def test_commands_about_strangers_are_refused() -> None:
    dojo = Dojo(30, "link", "ana")
    for kind, values in (("DenyPerson", {}), ("ChangeRole", {"role": "host"}), ("RemovePerson", {"ban": True})):
        with pytest.raises(errors.UnknownPerson):
            dojo.do("ana", kind, person_id=UserId(new_id()), **values)


def test_closed_dojo_takes_nothing() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("ana", "CloseSession")
    for kind, values in (("EnterRoom", {}), ("SendChat", {"text": "hello"}), ("CloseSession", {})):
        with pytest.raises(errors.RoomClosed):
            dojo.do("ana", kind, **values)
