"""``make swarm``: people at a running installation, a verdict, and everything kept that it rests on."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from loadtests import slo
from loadtests.facts import read_facts
from loadtests.history import Violation, check
from loadtests.stored import administrator, read_stored

ROOT = Path(__file__).parent.parent
SHOWN = 20
"""Violations that the terminal shows; all are in the folder."""
ENDING = 150.0
"""Seconds that a swarm may take to come to rest and write its report."""


class Size(NamedTuple):
    """How large a swarm is."""

    people: int = 20
    rooms: int = 4
    seconds: float = 60.0
    """Once everybody is in; 0 until it is told to end."""


class NothingRuns(Exception):
    """There is no installation to be found."""


class Target(NamedTuple):
    """An installation: where people open it, and its database as the administrator, where that is known."""

    address: str
    database: str | None

    @classmethod
    def find(cls, data: Path, host: str | None) -> "Target":
        """What runs on the data folder, or at ``host``.

        Raises:
            NothingRuns: nothing does.
        """
        if host:
            return cls(host.rstrip("/"), os.environ.get("SWARM_DATABASE_URL"))
        try:
            running = json.loads((data / "running.json").read_text())
            secrets = json.loads((data / "secrets.json").read_text())
        except FileNotFoundError as error:
            raise NothingRuns(f"nothing runs on {data}: start it with `make up`, or name one with HOST=…") from error
        return cls(running["address"], administrator(running, secrets["superuser"]))


class Swarm:
    """Locust in a process of its own; what it leaves lies in ``folder``."""

    def __init__(self, address: str, size: Size, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SWARM_FOLDER": str(folder),
            "SWARM_ROOMS": str(size.rooms),
            "SWARM_SECONDS": str(size.seconds),
        }
        command = [
            *(sys.executable, "-m", "locust", "-f", str(Path(__file__).with_name("locustfile.py"))),
            *("--headless", "--only-summary", "--exit-code-on-error", "0", "--host", address),
            *("-u", str(size.people), "-r", "10", "--html", str(folder / "report.html")),
        ]
        with (folder / "locust.log").open("wb") as output:
            self.process = subprocess.Popen(
                command, env=environment, cwd=folder, stdout=output, stderr=output, start_new_session=True
            )

    @classmethod
    @contextmanager
    def running(cls, address: str, size: Size, folder: Path) -> "Iterator[Swarm]":
        """A swarm that is gone afterwards, whatever happens."""
        swarm = cls(address, size, folder)
        try:
            yield swarm
        finally:
            if swarm.process.poll() is None:
                os.killpg(swarm.process.pid, signal.SIGKILL)
                swarm.process.wait()

    def wait_until_in(self, patience: float = 180) -> int:
        """Wait until everybody is in, or will not be; how many are."""
        deadline = time.monotonic() + patience
        while not (self.folder / "in").exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the swarm did not start: see {self.folder / 'locust.log'}")
            time.sleep(0.1)
        return int((self.folder / "in").read_text())

    def end(self) -> None:
        """Tell it to come to rest."""
        self.process.send_signal(signal.SIGUSR1)

    def wait(self, patience: float) -> None:
        """Wait until it has ended by itself."""
        try:
            code = self.process.wait(patience)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"the swarm did not end: see {self.folder / 'locust.log'}") from error
        if code != 0:
            raise RuntimeError(f"the swarm ended with {code}: see {self.folder / 'locust.log'}")


def check_history(folder: Path, database: str) -> list[Violation]:
    """Every promise that the run of ``folder`` broke; they are written there too."""
    rooms = slo.read_figures(folder)["rooms"]
    violations = check(read_facts(folder / "history.jsonl"), read_stored(database, rooms))
    (folder / "violations.txt").write_text("".join(f"{each.kind}: {each.where}\n" for each in violations))
    return violations


def show(folder: Path, verdicts: Sequence[slo.Verdict], violations: Sequence[Violation]) -> None:
    """Say how it went."""
    figures = slo.read_figures(folder)
    print(slo.requests_table(figures))
    for kind, name, error, count in figures["errors"][:SHOWN]:
        print(f"  {count} × {kind} {name}: {error}")
    for text in figures["exceptions"][:SHOWN]:
        print(text)
    print()
    for each in violations[:SHOWN]:
        print(f"  {each.kind}: {each.where}")
    print(slo.table(verdicts))
    print(f"kept in {folder}: report.html, history.jsonl, violations.txt, figures.json, locust.log")


def run(target: Target, size: Size, folder: Path) -> bool:
    """One swarm from start to verdict; whether all was good."""
    with Swarm.running(target.address, size, folder) as swarm:
        count = swarm.wait_until_in()
        print(f"{count} of {size.people} people are in {size.rooms} rooms at {target.address}", flush=True)
        swarm.wait(size.seconds + ENDING)
    if target.database is None:
        print("no database to compare with (SWARM_DATABASE_URL): only times and errors are judged")
        violations, goals = [], [goal for goal in slo.GOALS if goal not in slo.PROMISES]
    else:
        violations, goals = check_history(folder, target.database), list(slo.GOALS)
    verdicts = slo.judge(slo.read_figures(folder), violations, goals)
    show(folder, verdicts, violations)
    return slo.is_good(verdicts)


def size_from(settings: dict[str, str], default: Size) -> Size:
    """PEOPLE, ROOMS and RUN_SECONDS; what is unset or empty is as ``default`` has it."""
    return Size(
        int(settings.get("PEOPLE") or default.people),
        int(settings.get("ROOMS") or default.rooms),
        float(settings.get("RUN_SECONDS") or default.seconds),
    )


def main() -> int:
    """Judge a running installation; the exit code."""
    data = Path(os.environ.get("DOJO_DATA") or ".dojo").absolute()
    try:
        target = Target.find(data, os.environ.get("HOST"))
        folder = data / "swarm" / time.strftime("%Y%m%d-%H%M%S")
        return 0 if run(target, size_from(dict(os.environ), Size()), folder) else 1
    except NothingRuns as problem:
        print(problem, file=sys.stderr)
    except psycopg.OperationalError as problem:
        print(f"the database does not answer: {problem}", file=sys.stderr)
    except RuntimeError as problem:
        print(problem, file=sys.stderr)
    return 2


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends with us
    sys.exit(main())
