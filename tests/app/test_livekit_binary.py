"""Finding and building the LiveKit server; a stand-in plays Go, which takes two minutes."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.livekit_binary import VERSION, NoLiveKit, cache_folder, find, find_or_build, usable_go

GO = """#!/bin/sh
if [ "$1" = version ]; then echo "go version go{version} linux/amd64"; exit 0; fi
echo "$@" >> "{folder}/calls"
{build}
"""


def make_program(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def make_go(folder: Path, *, version: str = "1.26.0", build: str = 'printf "#!/bin/sh" > "$GOBIN/server"') -> None:
    make_program(folder / "go", GO.format(version=version, folder=folder, build=build))


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and nothing but a shell on the PATH; the folder where programs are put."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("app.livekit_binary.GO_PLACES", ())
    return programs


def test_a_setting_comes_first(machine: Path, tmp_path: Path) -> None:
    make_program(machine / "livekit-server")
    mine = make_program(tmp_path / "mine")
    assert find(mine) == mine


def test_a_setting_that_is_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoLiveKit, match="LIVEKIT_SERVER"):
        find_or_build(tmp_path / "nothing")


def test_the_path_comes_before_the_cache(machine: Path) -> None:
    make_program(cache_folder() / f"livekit-server-{VERSION}")
    on_path = make_program(machine / "livekit-server")
    assert find() == on_path


def test_it_is_built_once_however_many_ask(machine: Path) -> None:
    make_go(machine)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: find_or_build(), range(4)))
    assert set(found) == {cache_folder() / f"livekit-server-{VERSION}"}
    assert os.access(found[0], os.R_OK)
    assert (machine / "calls").read_text().count(f"@v{VERSION}") == 1


def test_a_failed_build_leaves_nothing_and_says_why(machine: Path) -> None:
    make_go(machine, build='echo half > "$GOBIN/server"; echo "no space left" >&2; exit 1')
    with pytest.raises(NoLiveKit, match="no space left"):
        find_or_build()
    assert find() is None
    assert [path.suffix for path in cache_folder().iterdir()] == [".lock"]


def test_an_old_go_is_not_used(machine: Path) -> None:
    make_go(machine, version="1.19.8")
    with pytest.raises(NoLiveKit, match=r"Go 1\.26"):
        usable_go()
