"""``make faults``: a swarm at an installation of its own, whose parts are killed, stopped, paused and cut off by a seed.

When everything is whole again and quiet, every promise is checked: nothing acknowledged is lost or there twice, one
holder of each lease, everybody is back, and who is shown is there.
"""

import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from app.health import is_healthy
from loadtests import slo
from loadtests.history import Violation
from loadtests.stored import still_shown
from loadtests.swarm import ENDING, Size, Swarm, check_history, show, size_from
from tests.up import Up, command, parent, pids_of

SIZE = Size(people=15, rooms=3, seconds=45)
SETTINGS = {"DOJO_LIVEKIT": "false", "DOJO_RATE_SCALE": "1000"}
GATEWAYS = 2
GENTLE = {"postgres": signal.SIGINT}
"""What asks a part to end, where that is not SIGTERM; PostgreSQL waits for its clients then."""
PAUSES = (0.5, 2.0, 5.0)
CUTS = (1.0, 5.0, 30.0)
"""Seconds for which Redis listens to nobody, each in the run of every third seed; a short run has no long one."""
DEAD = 17.0
"""A pause of a gateway after which the others take it for dead."""
WAITS = (1.0, 4.0)
"""Seconds between two faults, from and to."""
HEALING, LEAVING = 90.0, 60.0


class Fault(NamedTuple):
    """At ``at`` seconds from the start ``what`` is done to ``part``; a pause or cut lasts ``seconds``."""

    at: float
    part: str
    what: str
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.at:5.1f} s  {self.what} {self.part}{lasting}"


def plan(seed: int, seconds: float) -> list[Fault]:
    """What will be done, the same for the same seed; in a long run a gateway is paused until it is taken for dead."""
    chance = random.Random(seed)
    cuts = [cut for cut in CUTS if cut < seconds / 2] or CUTS[:1]
    faults = [Fault(1.0, "redis", "cut", cuts[seed % len(cuts)])]
    busy = {"redis": faults[0].at + faults[0].seconds}
    at = 2.0
    while at < seconds:
        part = chance.choice(
            ("gateway", "gateway-2", "gateway", "gateway-2", "worker", "relay", "redis", "postgres", "web")
        )
        what = chance.choice(("kill", "stop", "pause"))
        pause = chance.choice((*PAUSES, DEAD) if part.startswith("gateway") and seconds > 2 * DEAD else PAUSES)
        if busy.get(part, 0.0) <= at:
            faults.append(Fault(round(at, 1), part, what, pause if what == "pause" else 0.0))
            busy[part] = at + (pause if what == "pause" else 0.0)
        at += chance.uniform(*WAITS)
    return faults


class Hospital:
    """An installation, and what is done to its parts."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self._lasting: list[tuple[float, Callable[[], None]]] = []
        """What lasts until a moment, and how it is ended."""

    def suffer(self, faults: Sequence[Fault]) -> None:
        """Do everything in its time."""
        began = time.monotonic()
        for fault in faults:
            self._wait_until(began + fault.at)
            found = self._find(fault.part)
            print(f"  {fault}" + ("" if found else " (it is not running)"), flush=True)
            if found is not None:
                self._do(fault, found)
        self._wait_until(max((until for until, _ in self._lasting), default=0.0))

    def heal(self) -> float:
        """Wait until every part takes work; the seconds that took.

        Raises:
            RuntimeError: one does not.
        """
        began = time.monotonic()
        for _, end in self._lasting:
            end()
        while not self.is_well():
            if time.monotonic() - began > HEALING:
                raise RuntimeError(f"not whole again after {HEALING:g} s: see {self.up.folder / 'logs'}")
            time.sleep(0.2)
        return time.monotonic() - began

    def is_well(self) -> bool:
        """Whether every part takes work."""
        ports = [self.up.ports["web"], *(port_of(url) for url in self.up.gateways())]
        for part in ("worker", "relay"):
            pid = self.up.leader(part)
            words = command(pid).split() if pid is not None else []
            ports.append(int(words[-1]) if words else 0)
        return all(port and is_healthy(port) for port in ports)

    def _find(self, part: str) -> int | None:
        if part.startswith("gateway"):
            number = int(part.partition("-")[2] or 1)
            return self.up.serving(port_of(self.up.gateways()[number - 1]))
        return self.up.leader(part)

    def _do(self, fault: Fault, pid: int) -> None:
        until = time.monotonic() + fault.seconds
        if fault.what == "pause":
            pids = [pid, *descendants(pid, pids_of(self.up.folder))]
            signal_all(pids, signal.SIGSTOP)
            self._lasting.append((until, partial(signal_all, pids, signal.SIGCONT)))
        elif fault.what == "cut":
            self._lasting.append((until, cut_off(self.up.address()["DOJO_REDIS_URL"])))
        else:
            gentle = GENTLE.get(fault.part, signal.SIGTERM)
            signal_all([pid], signal.SIGKILL if fault.what == "kill" else gentle)

    def _wait_until(self, moment: float) -> None:
        """Let time pass, and let parts go on whose pause or cut is over."""
        while True:
            over = [lasting for lasting in self._lasting if lasting[0] <= time.monotonic()]
            for lasting in over:
                lasting[1]()
                self._lasting.remove(lasting)
            if time.monotonic() >= moment:
                return
            time.sleep(0.05)


def signal_all(pids: Sequence[int], number: signal.Signals) -> None:
    """Send a signal to processes; those that are gone do not mind."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def cut_off(url: str) -> Callable[[], None]:
    """Let a Redis hang up on everybody and listen to nobody, until what is returned is called."""
    server = Redis.from_url(url, retry=Retry(ConstantBackoff(0.1), 50))  # it may be starting just now
    server.config_set("port", 0)
    for kind in ("normal", "pubsub"):
        server.client_kill_filter(_type=kind, skipme=True)

    def mend() -> None:
        server.config_set("port", str(urlsplit(url).port))
        server.close()

    return mend


def descendants(pid: int, among: Sequence[int]) -> list[int]:
    """The children of a process, and theirs."""
    children = [each for each in among if parent(each) == pid]
    return children + [below for child in children for below in descendants(child, among)]


def port_of(url: str) -> int:
    """The port of a gateway's address."""
    return int(url.rpartition(":")[2])


def run(up: Up, seed: int, size: Size, folder: Path) -> bool:
    """One swarm with faults from start to verdict; whether every promise was kept."""
    faults = plan(seed, size.seconds)
    print(
        f"SEED={seed}: {size.people} people, {size.rooms} rooms, {len(faults)} faults in {size.seconds:g} s", flush=True
    )
    hospital = Hospital(up)
    with Swarm.running(up.address()["address"], size._replace(seconds=0), folder) as swarm:
        swarm.wait_until_in()
        try:
            hospital.suffer(faults)
        finally:
            took = hospital.heal()
        print(f"  whole again after {took:.1f} s; everybody comes back", flush=True)
        swarm.end()
        swarm.wait(ENDING)
    violations = [*check_history(folder, up.admin_url()), *ghosts(up, folder)]
    verdicts = slo.judge(slo.read_figures(folder), violations, slo.PROMISES)
    show(folder, verdicts, violations)
    return slo.is_good(verdicts)


def ghosts(up: Up, folder: Path) -> list[Violation]:
    """Who is still shown some time after everybody hung up."""
    look = partial(still_shown, up.admin_url(), slo.read_figures(folder)["rooms"])
    deadline = time.monotonic() + LEAVING
    while (shown := look()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return [Violation("presence", f"{person} hung up and is still shown in {room}") for room, person in shown]


@contextmanager
def installation() -> Iterator[Up]:
    """A ``dojo up`` of one's own, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="dojo-faults-"))
    folder.chmod(0o755)  # PostgreSQL runs as another account
    try:
        with Up(folder / "dojo", "--gateways", str(GATEWAYS), settings=SETTINGS).running() as up:
            yield up
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Run ROUNDS swarms, of the seeds from SEED on; the exit code."""
    told = dict(os.environ)
    size = size_from(told, SIZE)
    seed = int(told.get("SEED") or random.randrange(1_000_000))
    kept = Path(told.get("DOJO_DATA") or ".dojo").absolute() / "faults" / time.strftime("%Y%m%d-%H%M%S")
    good = True
    with installation() as up:
        for number in range(seed, seed + int(told.get("ROUNDS") or 1)):
            folder = kept / f"seed-{number}"
            try:
                is_good = run(up, number, size, folder)
            except RuntimeError as problem:
                print(problem, file=sys.stderr)
                is_good = False
            if not is_good:
                shutil.copytree(up.folder / "logs", folder / "logs", dirs_exist_ok=True)
                shutil.copy(up.output, folder / "logs" / "up.log")
                print(f"repeat with: make faults SEED={number}")
            good = good and is_good
    return 0 if good else 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started ends with us
    sys.exit(main())
