"""The judge: what was reached is compared with the goals, and nothing at all is no success."""

from typing import Any

import pytest

from loadtests import slo
from loadtests.history import Violation


def entry(kind: str, name: str, p95: float, failures: int = 0) -> dict[str, Any]:
    return {"kind": kind, "name": name, "count": 1_000, "failures": failures, "p50": 1.0, "p95": p95, "p99": p95}


@pytest.fixture
def figures() -> dict[str, Any]:
    requests = [
        entry("SOCKET", "join", 100),
        entry("SOCKET", "chat:send", 20),
        entry("EDITOR", "edit", 30),
        entry("EDITOR", "open", 5_000),
        entry("POST", "/api/rooms", 40),
    ]
    return {"wanted": 10, "came_in": 10, "requests": requests, "exceptions": [], "errors": []}


def bad(figures: dict[str, Any], *violations: Violation) -> set[str]:
    verdicts = slo.judge(figures, violations)
    assert slo.is_good(verdicts) == all(verdict.is_good for verdict in verdicts)
    return {verdict.goal.name for verdict in verdicts if not verdict.is_good}


def test_judge_lets_a_good_run_pass(figures: dict[str, Any]) -> None:
    assert bad(figures) == set()


@pytest.mark.parametrize(("number", "goal"), [(0, slo.JOIN), (1, slo.ACK), (2, slo.EDIT), (4, slo.HTTP)], ids=str)
def test_judge_finds_what_is_slow(figures: dict[str, Any], number: int, goal: str) -> None:
    figures["requests"][number]["p95"] = 1e6
    assert bad(figures) == {goal}


def test_judge_counts_failures_and_faults_of_the_swarm_itself(figures: dict[str, Any]) -> None:
    figures["requests"][1]["failures"] = 3
    assert bad(figures) == set()
    figures["exceptions"] = ["Traceback …"] * 3
    assert bad(figures) == {slo.ERRORS}


@pytest.mark.parametrize(
    ("kind", "goal"),
    [
        ("lost", slo.LOST),
        ("lost-edit", slo.LOST),
        ("duplicated", slo.DUPLICATED),
        ("duplicated-edit", slo.DUPLICATED),
        ("two-holders", slo.BROKEN),
    ],
)
def test_judge_finds_a_broken_promise(figures: dict[str, Any], kind: str, goal: str) -> None:
    assert bad(figures, Violation(kind, "somewhere")) == {goal}


def test_judge_misses_who_did_not_come_in(figures: dict[str, Any]) -> None:
    figures["came_in"] = 9
    assert bad(figures) == {slo.ABSENT}


def test_judge_does_not_take_silence_for_success(figures: dict[str, Any]) -> None:
    figures["requests"] = []
    assert bad(figures) == {slo.JOIN, slo.ACK, slo.EDIT, slo.HTTP, slo.ERRORS}


def test_tables_show_every_goal_and_request(figures: dict[str, Any]) -> None:
    table = slo.table(slo.judge(figures, [Violation("lost", "somewhere")]))
    assert all(goal.name in table for goal in slo.GOALS)
    assert table.count("BAD") == 1
    assert "SOCKET chat:send" in slo.requests_table(figures)
