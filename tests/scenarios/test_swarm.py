"""Swarms at an installation of their own: all is well while nothing is wrong, and every promise holds while parts die.

Times are not judged here: ``make swarm`` does that.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests import slo
from loadtests.facts import Acked, EditAcked, Received, read_facts
from loadtests.faults import CUTS, GATEWAYS, SETTINGS, plan, run
from loadtests.swarm import ROOT, Size
from tests.up import Up

pytestmark = pytest.mark.timeout(400)

SEED = 5
"""Of the faults; any other does as well, and ``make faults`` tries others."""
CALM = Size(people=10, rooms=2, seconds=10)
HARD = Size(people=10, rooms=2, seconds=25)


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """An installation with two gateways that nobody else uses."""
    with Up(tmp_path_factory.mktemp("swarm") / "dojo", "--gateways", str(GATEWAYS), settings=SETTINGS).running() as up:
        yield up


def test_make_swarm_judges_what_runs(arena: Up) -> None:
    words = run_swarm(arena.folder, CALM)
    (folder,) = (arena.folder / "swarm").iterdir()
    figures = slo.read_figures(folder)
    assert (folder / "report.html").stat().st_size
    assert "kept in" in words.stdout
    assert (folder / "violations.txt").read_text() == "", words.stdout
    assert (figures["wanted"], figures["came_in"], figures["exceptions"]) == (CALM.people, CALM.people, [])
    assert sum(each["failures"] for each in figures["requests"]) == 0, words.stdout
    done = {type(fact) for fact in read_facts(folder / "history.jsonl")}
    assert {Acked, EditAcked, Received} <= done
    timely = slo.is_good(slo.judge(figures, []))
    assert words.returncode == (0 if timely else 1), words.stdout


def test_make_swarm_says_that_nothing_runs(tmp_path: Path) -> None:
    words = run_swarm(tmp_path / "nothing", CALM)
    assert words.returncode == 2
    assert "nothing runs on" in words.stderr


def run_swarm(data: Path, size: Size) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DOJO_DATA": str(data), "HOST": "", "PYTHONPATH": str(ROOT)}
    environment |= {"PEOPLE": str(size.people), "ROOMS": str(size.rooms), "RUN_SECONDS": str(size.seconds)}
    command = [sys.executable, "-m", "loadtests.swarm"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_promises_are_kept_while_parts_are_killed_stopped_paused_and_cut_off(
    arena: Up, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    is_good = run(arena, SEED, HARD, tmp_path / "kept")
    assert is_good, capfd.readouterr().out
    assert {fault.what for fault in plan(SEED, HARD.seconds)} == {"kill", "stop", "pause", "cut"}
    assert len(json.loads((tmp_path / "kept" / "figures.json").read_text())["rooms"]) == HARD.rooms


@pytest.mark.parametrize("seed", range(20))
def test_plan_is_repeated_by_its_seed_and_leaves_a_paused_part_alone(seed: int) -> None:
    faults = plan(seed, 90)
    assert faults == plan(seed, 90)
    assert len(faults) > 15
    for number, fault in enumerate(faults):
        later = [other for other in faults[number + 1 :] if other.part == fault.part]
        assert all(other.at >= fault.at + fault.seconds for other in later)


def test_redis_is_cut_off_for_each_length_in_three_seeds_of_a_long_run_and_briefly_in_a_short_one() -> None:
    assert {plan(seed, 90)[0][1:] for seed in (7, 8, 9)} == {("redis", "cut", seconds) for seconds in CUTS}
    assert plan(7, 1)[0].seconds == min(CUTS)
