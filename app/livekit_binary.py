"""Finds a LiveKit server, or builds it once with Go into the user's cache folder.

In that order: the setting, ``livekit-server`` on the PATH, the cache, the build.
"""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VERSION = "1.13.5"
MODULE = f"github.com/livekit/livekit-server/cmd/server@v{VERSION}"
GO_NEEDED = (1, 26)
GO_PLACES = ("/usr/local/go/bin/go",)
"""Where Go is usually installed without being on the PATH."""
BUILD_TIMEOUT = 900.0


class NoLiveKit(Exception):
    """There is no LiveKit server and none can be built; the message says what to install."""


def quiet(_word: str) -> None:
    """Say nothing."""


def cache_folder() -> Path:
    """Where built programs are kept; shared by all clones of this user."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "live-dojo" / "bin"


def find(setting: Path | None = None) -> Path | None:
    """The LiveKit server that is already here, or None.

    Raises:
        NoLiveKit: the setting names something that is no program.
    """
    if setting is not None:
        if not os.access(setting, os.X_OK) or setting.is_dir():
            raise NoLiveKit(f"LIVEKIT_SERVER names {setting}, which is not a program")
        return setting.absolute()
    if on_path := shutil.which("livekit-server"):
        return Path(on_path)
    built = cache_folder() / f"livekit-server-{VERSION}"
    return built if built.exists() else None


def find_or_build(setting: Path | None = None, say: Callable[[str], None] = quiet) -> Path:
    """The LiveKit server, built first if need be (about two minutes on two cores).

    Raises:
        NoLiveKit: there is none, and no Go that is new enough, or the build failed.
    """
    if found := find(setting):
        return found
    go = usable_go()
    built = cache_folder() / f"livekit-server-{VERSION}"
    built.parent.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(built.with_name(built.name + ".lock")):
        if not built.exists():
            say(f"building the LiveKit server {VERSION} with {go} (about two minutes, once)")
            build(go, built)
            say(f"built {built}")
    return built


def usable_go() -> str:
    """The Go tool chain on the PATH, or in its usual place.

    Raises:
        NoLiveKit: there is none of at least ``GO_NEEDED``.
    """
    wanted = ".".join(map(str, GO_NEEDED))
    for go in filter(None, map(shutil.which, ("go", *GO_PLACES))):
        if go_version(go) >= GO_NEEDED:
            return go
    raise NoLiveKit(
        f"audio and video need a LiveKit server: put livekit-server on the PATH, "
        f"or install Go {wanted} or newer (https://go.dev/dl) and it is built for you"
    )


def go_version(go: str) -> tuple[int, int]:
    """Go's version; (0, 0) when it does not say."""
    with suppress(OSError, subprocess.TimeoutExpired):
        done = subprocess.run([go, "version"], capture_output=True, text=True, timeout=20, check=False)
        if match := re.search(r"go(\d+)\.(\d+)", done.stdout):
            return int(match[1]), int(match[2])
    return (0, 0)


def build(go: str, target: Path) -> None:
    """Build into a folder beside ``target``, then move it there in one step."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        environment = {**os.environ, "GOBIN": folder, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
        command = [go, "install", "-trimpath", "-ldflags=-s -w", MODULE]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=BUILD_TIMEOUT, check=False
        )
        if done.returncode != 0:
            raise NoLiveKit(f"building the LiveKit server failed:\n{done.stderr[-2000:]}")
        (Path(folder) / "server").replace(target)


@contextmanager
def one_at_a_time(lock: Path) -> Iterator[None]:
    """Wait until no other process builds."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
