"""What the machine says of processes: their processor time, their memory, the core that they may use."""

import os
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SERVER_CORE, OTHER_CORE = 0, 1


def pin(pids: Iterable[int], core: int) -> None:
    """Keep processes, with their threads, on one core."""
    for pid in pids:
        subprocess.run(["taskset", "-a", "-cp", str(core), str(pid)], check=True, capture_output=True)


def descendants(pid: int) -> list[int]:
    """Processes below ``pid``."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    return [int(child) for child in found] + [below for child in found for below in descendants(int(child))]


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time that the processes have used, user and system; of one that ended, none."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / ticks


def resident(pids: Iterable[int]) -> int:
    """Bytes of memory of their own that the processes hold."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                total += int(line.split()[1]) * 1024
    return total


def busy_seconds() -> tuple[float, float]:
    """Seconds in which the servers' core and the other one did something since the machine started."""
    ticks = os.sysconf("SC_CLK_TCK")
    cores = {}
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.startswith("cpu") and name != "cpu":
            spent = [int(field) for field in fields[:8]]
            cores[int(name[3:])] = (sum(spent) - spent[3] - spent[4]) / ticks
    return cores[SERVER_CORE], cores[OTHER_CORE]


def command_of(pid: int) -> list[str]:
    """The words that a process was started with; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return []
