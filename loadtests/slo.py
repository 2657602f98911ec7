"""Judges a swarm: how fast people were answered, and whether every promise was kept."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from loadtests.history import Violation


class Goal(NamedTuple):
    """At most ``most`` of something."""

    name: str
    most: float
    unit: str


JOIN, ACK, EDIT, HTTP = "join p95", "ack p95", "edit-ack p95", "HTTP p95"
ERRORS, LOST, DUPLICATED, BROKEN, ABSENT = "errors", "lost", "duplicated", "other promises broken", "not in"

GOALS = (
    Goal(JOIN, 1_000, "ms"),
    Goal(ACK, 250, "ms"),
    Goal(EDIT, 250, "ms"),
    Goal(HTTP, 1_000, "ms"),
    Goal(ERRORS, 0.1, "% of requests"),
    Goal(LOST, 0, "acknowledged"),
    Goal(DUPLICATED, 0, "acknowledged"),
    Goal(BROKEN, 0, ""),
    Goal(ABSENT, 0, "people"),
)
"""What a run on one machine, with the swarm beside the servers, must reach."""
PROMISES = tuple(goal for goal in GOALS if goal.name in {LOST, DUPLICATED, BROKEN, ABSENT})
"""What holds even while parts are killed."""
JOINING = {"join", "return"}


class Verdict(NamedTuple):
    """A goal and what was reached; None where nothing was counted, which is no success."""

    goal: Goal
    reached: float | None

    @property
    def is_good(self) -> bool:
        """Whether the goal was reached."""
        return self.reached is not None and self.reached <= self.goal.most


def judge(figures: dict[str, Any], violations: Sequence[Violation], goals: Sequence[Goal] = GOALS) -> list[Verdict]:
    """What a run reached of each goal."""
    requests: list[dict[str, Any]] = figures["requests"]
    count = sum(each["count"] for each in requests)
    failures = sum(each["failures"] for each in requests) + len(figures["exceptions"])
    kinds = Counter(each.kind.removesuffix("-edit") for each in violations)
    reached: dict[str, float | None] = {
        JOIN: _worst(each["p95"] for each in requests if each["kind"] == "SOCKET" and each["name"] in JOINING),
        ACK: _worst(each["p95"] for each in requests if each["kind"] == "SOCKET" and each["name"] not in JOINING),
        EDIT: _worst(each["p95"] for each in requests if each["kind"] == "EDITOR" and each["name"] == "edit"),
        HTTP: _worst(each["p95"] for each in requests if each["kind"] not in {"SOCKET", "EDITOR"}),
        ERRORS: 100 * failures / count if count else None,
        LOST: kinds["lost"],
        DUPLICATED: kinds["duplicated"],
        BROKEN: len(violations) - kinds["lost"] - kinds["duplicated"],
        ABSENT: figures["wanted"] - figures["came_in"],
    }
    return [Verdict(goal, reached[goal.name]) for goal in goals]


def _worst(values: Iterator[float]) -> float | None:
    return max(values, default=None)


def is_good(verdicts: Sequence[Verdict]) -> bool:
    """Whether all goals were reached."""
    return all(verdict.is_good for verdict in verdicts)


def table(verdicts: Sequence[Verdict]) -> str:
    """The verdicts, for a terminal."""
    lines = [f"{'':6}{'what':24}{'reached':>10}{'at most':>10}"]
    for verdict in verdicts:
        name, most, unit = verdict.goal
        reached = "nothing" if verdict.reached is None else f"{verdict.reached:.4g}"
        mark = "good" if verdict.is_good else "BAD"
        lines.append(f"{mark:6}{name:24}{reached:>10}{most:>10g} {unit}".rstrip())
    return "\n".join(lines)


def requests_table(figures: dict[str, Any]) -> str:
    """How each kind of request went."""
    lines = [f"{'request':42}{'count':>8}{'failed':>8}{'p50':>8}{'p95':>8}{'p99':>8} ms"]
    for each in sorted(figures["requests"], key=lambda entry: (entry["kind"], entry["name"])):
        times = "".join(f"{each[key]:>8.0f}" for key in ("p50", "p95", "p99"))
        lines.append(f"{each['kind'] + ' ' + each['name']:42}{each['count']:>8}{each['failures']:>8}{times}")
    return "\n".join(lines)


def read_figures(folder: Path) -> dict[str, Any]:
    """The figures that the swarm left in ``folder``."""
    figures: dict[str, Any] = json.loads((folder / "figures.json").read_text())
    return figures
