"""Which process serves what."""

import pytest

from app.__main__ import main
from app.packages import doors, installed, livekit_origin
from app.processes import GROUPS, UnknownModule, expand, handlers_of
from rooms.settings import LiveKitSettings


def test_the_usual_processes_serve_every_package_once() -> None:
    served = sorted(name for group in GROUPS.values() for name in group)
    assert served == sorted(package.name for package in installed())


def test_a_package_can_be_served_alone() -> None:
    assert expand(["rooms"], doors()) == {"rooms"}
    assert expand(["gateway", "rooms"], doors()) == {"realtime", "rooms"}


def test_an_unknown_module_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownModule, match=r"kitchen.*gateway.*rooms.*web"):
        expand(["kitchen"], doors())


def test_every_handler_has_a_name_of_its_own() -> None:
    handlers_of(doors())  # refuses two of one name


@pytest.mark.parametrize(
    ("url", "public_url", "origin"),
    [
        (None, None, None),
        ("ws://127.0.0.1:7880", None, "ws://127.0.0.1:7880"),
        ("ws://livekit:7880", "wss://dojo.example.org/livekit", "wss://dojo.example.org:443"),
    ],
)
def test_browsers_are_let_to_livekits_origin(url: str | None, public_url: str | None, origin: str | None) -> None:
    settings = LiveKitSettings.model_validate({"url": url, "public_url": public_url})
    assert livekit_origin(settings) == origin


def test_missing_settings_are_named_and_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DOJO_MIGRATION_URL", raising=False)
    assert main(["migrate"]) == 2
    assert "migration_url: Field required" in capsys.readouterr().err
