"""What ``dojo doctor`` says on machines that lack something."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.doctor import Finding, doctor, findings
from app.folder import Folder
from app.parts import free_port
from tests.conftest import DatabaseUrls, Servers

ROOT = Path(__file__).parent.parent.parent


def found(name: str) -> Finding:
    return next(finding for finding in findings() if finding.name == name)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOJO_DATA", str(tmp_path / "data"))
    for name in ("web", "gateway", "livekit"):
        monkeypatch.setenv(f"DOJO_{name.upper()}_PORT", str(free_port()))


def test_embedded_servers_are_there_before_they_run() -> None:
    assert found("PostgreSQL").well
    assert found("Redis").well
    assert "dojo up" in found("Redis").words


def test_without_node_go_and_livekit_it_says_how_to_get_them(tmp_path: Path) -> None:
    python = str(Path(sys.executable).resolve())
    environment = {"PATH": str(tmp_path), "HOME": str(tmp_path), "DOJO_DATA": str(tmp_path / "data")}
    environment["PYTHONPATH"] = ":".join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))])
    code = "import app.livekit_binary as b, app.doctor as d; b.GO_PLACES = (); d.doctor(print)"
    done = subprocess.run(
        [python, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    lines = {line[5:].partition(":")[0]: line for line in done.stdout.splitlines()}
    assert "nodejs.org" in lines["Node"]
    assert "apt-get install chromium" in lines["Chromium"]
    assert lines["LiveKit"].startswith("note")
    assert "Go 1.26" in lines["LiveKit"]
    assert "no audio and video" in lines["LiveKit"]


def test_a_real_database_is_reached_and_current(monkeypatch: pytest.MonkeyPatch, servers: Servers) -> None:
    monkeypatch.setenv("DATABASE_URL", servers.database.app)
    monkeypatch.setenv("MIGRATION_URL", servers.database.migration)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)
    assert found("PostgreSQL").well
    assert "version 18" in found("PostgreSQL").words
    assert found("schema").words == "current"
    assert found("Redis").well


@pytest.mark.parametrize("redis", ["redis://{}", "redis+sentinel://{},127.0.0.1:2/dojo"], ids=["one", "many"])
def test_no_password_is_told(monkeypatch: pytest.MonkeyPatch, database_urls: DatabaseUrls, redis: str) -> None:
    monkeypatch.setenv("DATABASE_URL", database_urls.app.replace("127.0.0.1", "127.0.0.1.invalid"))
    monkeypatch.setenv("MIGRATION_URL", "postgresql://dojo_migrator:hush-hush@127.0.0.1:1/dojo")
    monkeypatch.setenv("REDIS_URL", redis.format(":hush-hush@127.0.0.1:1"))
    lines: list[str] = []
    assert doctor(lines.append) == 1
    told = "\n".join(lines)
    assert "127.0.0.1:1 cannot be used" in told
    assert "MISS Redis: 127.0.0.1:1" in told
    assert "hush-hush" not in told


def test_a_migration_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, servers: Servers, database_urls: DatabaseUrls
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_urls.app)
    monkeypatch.setenv("MIGRATION_URL", database_urls.migration.rpartition("/")[0] + "/empty")
    import psycopg

    from app.provision import make_database

    with psycopg.connect(servers.database.admin, autocommit=True) as connection:
        make_database(connection, "empty")
    assert not found("schema").well
    assert "0001" in found("schema").words
    assert "dojo migrate" in found("schema").words


def test_settings_that_do_not_fit_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://dojo_app:x@127.0.0.1:1/dojo")
    assert "MIGRATION_URL" in found("settings").words


def test_a_taken_port_is_named(monkeypatch: pytest.MonkeyPatch, servers: Servers) -> None:
    taken = servers.redis_url.rpartition(":")[2].partition("/")[0]
    monkeypatch.setenv("DOJO_WEB_PORT", taken)
    assert f"{taken} is in use; DOJO_WEB_PORT" in found("web port").words


def test_what_runs_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, servers: Servers) -> None:
    folder = Folder(tmp_path / "running")
    known = {
        "address": "http://127.0.0.1:8080",
        "migration_url": servers.database.migration,
        "DOJO_DATABASE_URL": servers.database.app,
        "DOJO_REDIS_URL": servers.redis_url,
    }
    folder.running.write_text(json.dumps(known))
    monkeypatch.setenv("DOJO_DATA", str(folder.root))
    assert found("running").words == "http://127.0.0.1:8080"
    assert found("schema").words == "current"
