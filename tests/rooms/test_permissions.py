"""Who may send what, and what LiveKit is told when that changes."""

from rooms.models import SessionId
from rooms.permissions import Ending, Permit, Removal, media_changes, sources
from tests.rooms.dojo import Dojo

ALL = ("microphone", "camera", "screen_share", "screen_share_audio")


def may(dojo: Dojo, name: str) -> tuple[str, ...]:
    return sources(dojo.state, dojo.state.people[dojo.id(name)])


def session(dojo: Dojo) -> SessionId:
    assert dojo.state.session_id is not None
    return dojo.state.session_id


def test_everybody_but_spectators_may_send() -> None:
    dojo = Dojo(30, "link", "ana", "bea", "cai")
    dojo.do("ana", "ChangeRole", person_id=dojo.id("cai"), role="spectator")
    assert (may(dojo, "bea"), may(dojo, "cai")) == (ALL, ())


def test_screen_goes_with_the_keyboard() -> None:
    dojo = Dojo(30, "link", "ana", "bea", "cai", "dan")
    order = (dojo.id("bea"), dojo.id("cai"), dojo.id("dan"))
    dojo.do("ana", "StartRotation", order=order)
    assert [may(dojo, name) for name in ("ana", "bea", "cai", "dan")] == [ALL, ALL, ALL, ("microphone", "camera")]


def test_bell_moves_permissions() -> None:
    dojo = Dojo(30, "link", "ana", "bea", "cai", "dan")
    dojo.do("ana", "StartRotation", order=(dojo.id("bea"), dojo.id("cai"), dojo.id("dan")))
    before = dojo.state
    dojo.wait(240)
    told = {
        change.person_id: change.sources for change in media_changes(before, dojo.state) if isinstance(change, Permit)
    }
    assert told == {dojo.id("bea"): ("microphone", "camera"), dojo.id("dan"): ALL}


def test_who_may_not_speak_keeps_the_camera() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    before = dojo.state
    dojo.do("ana", "SetSpeech", person_id=dojo.id("bea"), may_speak=False)
    (change,) = media_changes(before, dojo.state)
    assert isinstance(change, Permit)
    assert "microphone" not in change.sources


def test_who_loses_the_seat_is_out() -> None:
    dojo = Dojo(30, "link", "ana", "bea", "cai")
    before = dojo.state
    dojo.do("ana", "RemovePerson", person_id=dojo.id("bea"), ban=True)
    dojo.do("cai", "LeaveRoom")
    assert media_changes(before, dojo.state) == [
        Removal(session(dojo), dojo.id("bea")),
        Removal(session(dojo), dojo.id("cai")),
    ]


def test_end_of_the_session_ends_the_room() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    before = dojo.state
    dojo.do("ana", "CloseSession")
    assert media_changes(before, dojo.state) == [Ending(session(dojo))]
    assert media_changes(dojo.state, dojo.state) == []


def test_lost_connection_changes_nothing() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    before = dojo.state
    dojo.lose("bea")
    assert media_changes(before, dojo.state) == []
