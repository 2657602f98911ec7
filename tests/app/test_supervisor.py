"""``dojo up`` as a user runs it: a process of its own, on free ports, with a data folder of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.health import is_healthy
from app.packages import doors
from app.parts import answers
from app.wire import documents
from tests.up import ROOT, Up, command, pids_of, wait_for

pytestmark = pytest.mark.timeout(300)  # seconds; some tests start everything twice


def database_answers(url: str) -> bool:
    try:
        with psycopg.connect(url, connect_timeout=1) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One installation for the tests of this file, started and ready."""
    up = Up(tmp_path_factory.mktemp("up") / "data").start().ready()
    yield up
    up.send(signal.SIGINT)
    assert up.wait() == 0, up.words()


def make_mark(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE dojo_owner")
        connection.execute("CREATE TABLE mark (word text)")


def has_mark(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT to_regclass('mark') IS NOT NULL").fetchone() == (True,)


def test_up_listens_on_the_loopback_address_only(installation: Up) -> None:
    sockets = set()
    for pid in pids_of(installation.folder):
        for number in Path(f"/proc/{pid}/fd").glob("*"):
            if match := re.fullmatch(r"socket:\[(\d+)\]", str(number.readlink())):
                sockets.add(match[1])
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[9] in sockets
    ]
    assert len(listening) == 7  # postgres, redis, livekit, web, gateway, worker, relay
    assert all(address.startswith("0100007F:") for address in listening)


@pytest.mark.parametrize("part", ["web", "gateway", "worker", "relay", "livekit", "redis", "postgres"])
def test_a_killed_part_comes_back(installation: Up, part: str) -> None:
    before = installation.leader(part)
    assert before is not None
    os.kill(before, signal.SIGKILL)
    wait_for(lambda: installation.leader(part) not in {None, before})
    known = installation.address()
    wait_for(lambda: database_answers(known["migration_url"]))
    wait_for(lambda: is_healthy(installation.ports["web"]) and is_healthy(installation.ports["gateway"]))
    wait_for(lambda: answers(installation.ports["livekit"]))
    wait_for(lambda: f"{part} is back" in installation.words())
    assert f"{part} ended (SIGKILL)" in installation.words()


@pytest.mark.parametrize("part", ["web", "gateway", "worker", "relay"])
def test_every_process_of_ours_shows_health_and_metrics(installation: Up, part: str) -> None:
    leader = installation.leader(part)
    assert leader is not None
    port = command(leader).split()[-1]
    for path, wanted in (("/health/live", "alive"), ("/health/ready", "ready"), ("/metrics", "# TYPE dojo_")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            assert wanted in answer.read().decode(), path


def test_the_reference_documents_are_served(installation: Up) -> None:
    made = {path.name: text for path, text in documents(doors()).items()}
    for name in ("openapi.json", "asyncapi.json"):
        with urllib.request.urlopen(f"http://127.0.0.1:{installation.ports['web']}/api/{name}", timeout=5) as answer:
            assert json.load(answer) == json.loads(made[name])


def test_a_second_up_on_the_same_folder_is_refused(installation: Up) -> None:
    second = Up(installation.folder)
    second.output = installation.folder.with_suffix(".second")
    second.start()
    assert second.wait() == 1
    assert "already running" in second.words()


def test_ctrl_c_ends_everything_and_the_data_stays(tmp_path: Path) -> None:
    up = Up(tmp_path / "data").start().ready()
    make_mark(up.address()["migration_url"])
    up.send(signal.SIGINT)
    assert up.wait() == 0
    assert pids_of(up.folder) == []
    up.start().ready()
    assert has_mark(up.address()["migration_url"])
    up.send(signal.SIGINT)
    assert up.wait() == 0


def test_a_signal_during_the_start_ends_everything(tmp_path: Path) -> None:
    up = Up(tmp_path / "data").start()
    wait_for(lambda: "starting" in up.words())
    up.send(signal.SIGINT)
    assert up.wait() == 0
    assert pids_of(up.folder) == []


def test_a_killed_supervisor_leaves_nothing_and_the_next_one_starts(tmp_path: Path) -> None:
    up = Up(tmp_path / "data").start().ready()
    make_mark(up.address()["migration_url"])
    up.send(signal.SIGKILL)
    assert up.wait() == -signal.SIGKILL
    wait_for(lambda: pids_of(up.folder) == [])
    # Of a server that was killed too the pid file stays; here it names a process that lives and is nobody's server.
    (up.folder / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{up.folder}/postgres\n1\n1\n\n\n\n")
    up.start().ready()
    assert has_mark(up.address()["migration_url"])
    up.send(signal.SIGTERM)
    assert up.wait() == 0
    assert pids_of(up.folder) == []


def test_a_taken_port_is_given_up_for_a_free_one_unless_it_was_chosen(installation: Up, tmp_path: Path) -> None:
    up = Up(tmp_path / "data")
    up.ports["web"] = installation.ports["web"]
    up.start()
    assert up.wait() == 1
    assert f"port {up.ports['web']} (DOJO_WEB_PORT) is in use" in up.words()
    assert pids_of(up.folder) == []


def test_the_demo_fills_a_running_installation(installation: Up) -> None:
    environment = {**os.environ, "DOJO_DATA": str(installation.folder), "PYTHONPATH": str(ROOT)}
    demo = subprocess.run(
        [sys.executable, "-m", "app", "demo"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert re.search(r"sign in at http://127\.0\.0\.1:\d+ as ada\.\w+@example\.org", demo.stdout)
