"""Chat, test runs, files, and a dojo's end."""

from typing import Any

import pytest

from core.errors import Conflict
from core.model import new_id
from rooms import errors
from rooms.decide import change_settings, tick
from rooms.models import SourceFile
from tests.rooms.dojo import Dojo


def light(colour: str = "red", **changes: Any) -> dict[str, Any]:
    """A test run's report."""
    files = (SourceFile(name="fizzbuzz.py", text="x = 1\n"),)
    return {"light_id": new_id(), "colour": colour, "seconds": 0.5, "files": files} | changes


def test_chat_names_the_sender() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    dojo.do("bea", "SendChat", text="  hello ", to=dojo.id("ana"))
    message = dojo.state.chat[-1]
    assert (message.name, message.text, message.to, message.at) == ("bea", "hello", dojo.id("ana"), dojo.now)


def test_chat_to_a_stranger_is_refused() -> None:
    dojo = Dojo(30, "link", "ana")
    with pytest.raises(errors.UnknownPerson):
        dojo.do("ana", "SendChat", text="hello", to=new_id())


def test_light_is_reported_once() -> None:
    dojo = Dojo(30, "link", "ana")
    report = light("green")
    dojo.do("ana", "ReportLight", **report)
    assert dojo.do("ana", "ReportLight", **report) == []
    assert [kept.colour for kept in dojo.state.lights] == ["green"]


def test_light_is_the_drivers_while_the_rotation_runs() -> None:
    dojo = Dojo(30, "link", "ana", "bea", "cai")
    dojo.do("ana", "StartRotation", order=(dojo.id("bea"), dojo.id("cai")))
    with pytest.raises(errors.NotYourTurn):
        dojo.do("cai", "ReportLight", **light())
    dojo.do("bea", "ReportLight", **light())


def test_light_with_huge_files_is_refused() -> None:
    dojo = Dojo(30, "link", "ana")
    files = tuple(SourceFile(name=f"f{number}.py", text="x" * 100_000) for number in range(11))
    with pytest.raises(errors.FilesTooLarge):
        dojo.do("ana", "ReportLight", **light(files=files))


def test_spectator_only_watches() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    dojo.do("ana", "ChangeRole", person_id=dojo.id("bea"), role="spectator")
    for kind, values in (("ReportLight", light()), ("AddFile", {"name": "a.py"})):
        with pytest.raises(errors.OnlyWatching):
            dojo.do("bea", kind, **values)
    dojo.do("bea", "SendChat", text="nice")


def test_files_are_added_renamed_and_removed() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("ana", "AddFile", name="helper.py")
    added = dojo.state.files[-1]
    dojo.do("ana", "RenameFile", file_id=added.id, name="util.py")
    assert [file.name for file in dojo.state.files] == ["fizzbuzz.py", "util.py"]
    dojo.do("ana", "RemoveFile", file_id=added.id)
    with pytest.raises(errors.LastFile):
        dojo.do("ana", "RemoveFile", file_id=dojo.state.files[0].id)


def test_file_names_are_unique_whatever_their_case() -> None:
    dojo = Dojo(30, "link", "ana")
    with pytest.raises(errors.FileNameTaken):
        dojo.do("ana", "AddFile", name="FizzBuzz.py")
    dojo.do("ana", "AddFile", name="other.py")
    with pytest.raises(errors.FileNameTaken):
        dojo.do("ana", "RenameFile", file_id=dojo.state.files[-1].id, name="fizzbuzz.py")


def test_files_are_bounded() -> None:
    dojo = Dojo(30, "link", "ana")
    for number in range(19):
        dojo.do("ana", "AddFile", name=f"f{number}.py")
    with pytest.raises(errors.TooManyFiles):
        dojo.do("ana", "AddFile", name="one_more.py")


def test_unknown_file_is_not_found() -> None:
    dojo = Dojo(30, "link", "ana")
    with pytest.raises(errors.FileNotFound):
        dojo.do("ana", "RenameFile", file_id="nope", name="a.py")


def test_dojo_closes_a_while_after_the_last_person_left() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("ana", "LeaveRoom")
    dojo.wait(59)
    assert dojo.state.is_open
    dojo.wait(1)
    assert not dojo.state.is_open


def test_dojo_does_not_close_when_someone_returns_in_time() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("ana", "LeaveRoom")
    dojo.wait(59)
    dojo.enter("ana")
    dojo.wait(1000)
    assert dojo.state.is_open


def test_dojo_does_not_close_in_a_break() -> None:
    dojo = Dojo(30, "link", "ana")
    dojo.do("ana", "SetPhase", phase="break")
    dojo.do("ana", "LeaveRoom")
    dojo.wait(10_000)
    assert dojo.state.is_open


def test_unvisited_dojo_stays_open_longer() -> None:
    dojo = Dojo()
    dojo.wait(899)
    assert dojo.state.is_open
    dojo.wait(1)
    assert not dojo.state.is_open


def test_tick_before_anything_is_due_does_nothing() -> None:
    dojo = Dojo(30, "link", "ana")
    assert tick(dojo.state, dojo.now) == ()


def test_settings_cannot_take_seats_away() -> None:
    dojo = Dojo(30, "link", "ana", "bea")
    with pytest.raises(errors.SeatsTaken) as refused:
        change_settings(dojo.state, name="Dojo", access="link", capacity=1, turn_seconds=240)
    assert isinstance(refused.value, Conflict)
    assert change_settings(dojo.state, name="Dojo", access="link", capacity=30, turn_seconds=240) == ()
