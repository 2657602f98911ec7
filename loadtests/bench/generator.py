"""The compiled generator: people at sockets, in a process of their own."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

SOURCE = Path(__file__).parent / "generator"
Pairs = list[tuple[int, int]]
"""Durations in nanoseconds and how often each was seen."""


class Seat(NamedTuple):
    """Where one person connects, with whom they are together, and their token."""

    address: str
    path: str
    group: str
    token: str = ""


@dataclass(frozen=True)
class Answer:
    """What became of a command that is not a run."""

    connected: int
    seconds: float
    times: Pairs
    found: list[str]
    bytes: int
    typed: list[int]
    """Updates that each of the documents in ``found`` was sent."""
    errors: list[str]


@dataclass(frozen=True)
class Run:
    """What one run showed."""

    sent: int
    expected: int
    delivered: int
    repeated: int
    disordered: int
    acked: int
    differing: int
    """People who heard their room in another order than others did."""
    seconds: float
    own_cpu: float
    """Seconds of processor time of the generator."""
    deliveries: Pairs
    acks: Pairs
    lateness: Pairs
    """How much later than meant the generator itself sent."""
    errors: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    """What somebody who came afterwards found otherwise than it was typed."""

    def faults(self) -> list[str]:
        """Everything that was not as it must be."""
        found = [*self.errors, *self.untrue]
        if self.delivered != self.expected:
            found.append(f"{self.expected - self.delivered} of {self.expected} deliveries lost")
        found += [f"{self.repeated} deliveries repeated"] if self.repeated else []
        found += [f"{self.disordered} deliveries out of order"] if self.disordered else []
        return found


def quantile(pairs: Pairs, share: float) -> float:
    """The value below which ``share`` of the durations lie, in milliseconds."""
    total = sum(count for _, count in pairs)
    passed = 0
    for value, count in sorted(pairs):
        passed += count
        if passed >= share * total:
            return value / 1e6
    return float("nan")


def pooled(runs: Sequence[Pairs]) -> Pairs:
    """The durations of several runs together."""
    counts: dict[int, int] = {}
    for pairs in runs:
        for value, count in pairs:
            counts[value] = counts.get(value, 0) + count
    return sorted(counts.items())


class Generator:
    """Talks with the generator, a line of JSON each way."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **words}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the generator ended")
        found: dict[str, Any] = json.loads(line)
        return found

    def answer(self, do: str, **words: Any) -> Answer:
        """Give a command that connects or loads.

        Raises:
            RuntimeError: it did not work.
        """
        found = self.ask(do, **words)
        answer = Answer(**{name: found.get(name) or kind() for name, kind in _FIELDS.items()})
        if answer.errors:
            raise RuntimeError(f"{do}: {answer.errors[0]}")
        return answer

    def run(self, **words: Any) -> Run:
        """Let the connected people send."""
        return Run(**self.ask("run", **words))

    @contextmanager
    def people(
        self, protocol: str, seats: Sequence[Seat], *, deflate: bool = False, parallel: int = 32, file: str = ""
    ) -> Iterator[Answer]:
        """People connected, until the block ends."""
        try:
            yield self.answer(
                "connect",
                protocol=protocol,
                seats=[seat._asdict() for seat in seats],
                deflate=deflate,
                parallel=parallel,
                file=file,
            )
        finally:
            self.ask("close")


_FIELDS: dict[str, type] = {
    "connected": int, "seconds": float, "times": list, "found": list, "bytes": int, "typed": list,
    "errors": list,
}  # fmt: skip


def build(folder: Path) -> Path:
    """The generator's program, built with Go; Go builds again only what changed."""
    program = folder / "generator"
    subprocess.run(
        ["go", "build", "-o", str(program), "."], cwd=SOURCE, check=True, env={**os.environ, "GOFLAGS": "-trimpath"}
    )
    return program


@contextmanager
def running(program: Path) -> Iterator[Generator]:
    """The generator, on whatever cores we have, before whatever else is there: its clock must not wait for others.

    Where that is not allowed (it takes the superuser), it runs like anybody.
    """
    command = ["nice", "-n", "-15", str(program)] if os.geteuid() == 0 else [str(program)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Generator(process)
        assert process.stdin is not None
        process.stdin.close()  # its end


def plain(run: Run) -> dict[str, Any]:
    """A run as it is kept, with a few quantiles in place of its durations."""
    words = asdict(run)
    for name in ("deliveries", "acks", "lateness"):
        pairs = words.pop(name)
        words[f"{name}_ms"] = {str(share): quantile(pairs, share) for share in (0.5, 0.95, 0.99, 1.0)}
    return words
