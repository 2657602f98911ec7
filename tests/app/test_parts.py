"""Programs on their leash, the data folder, roles and migrations."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from app.folder import Folder, FolderTaken
from app.migrate import migrate, pending
from app.parts import LOG_LIMIT, Part, PartFailed, free_port, never, running
from app.provision import ProvisionFailed, make_database, open_schema, provision
from core.tokens import Tokens
from tests.conftest import DatabaseUrls, Servers

SLEEP = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")


def make_part(folder: Path, command: tuple[str, ...], **more: object) -> Part:
    log = folder / "part.log"
    ready: Callable[[], bool] = lambda: log.exists() and "up" in log.read_text()  # noqa: E731 - short
    return Part(**{"name": "part", "command": command, "log": log, "ready": ready, **more})  # type: ignore[arg-type] # keywords of many types


def test_a_part_that_ends_says_where_its_log_is(tmp_path: Path) -> None:
    part = make_part(tmp_path, (sys.executable, "-c", "raise SystemExit('no')"))
    with pytest.raises(PartFailed, match=r"part\.log"), running(part):
        pass
    assert part.log.read_text() == "no\n"


def test_a_part_that_is_never_ready_is_ended(tmp_path: Path) -> None:
    part = make_part(tmp_path, SLEEP, ready=never, patience=0.3)
    with pytest.raises(PartFailed), running(part):
        pass


def test_a_part_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    part = make_part(tmp_path, (sys.executable, "-c", stubborn), grace=0.2)
    with running(part) as process:
        pass
    assert process.returncode == -signal.SIGKILL


def test_a_part_dies_with_its_parent(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.parts import Part, never, start\n"
        f"part = Part('part', {SLEEP!r}, Path(sys.argv[1]), ready=never)\n"
        "print(start(part).pid, flush=True); sys.stdin.read()"
    )
    root = Path(__file__).parent.parent.parent
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "part.log")],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as starter:
        assert starter.stdout is not None
        child = int(starter.stdout.readline())
        starter.kill()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().rpartition(")")[2]:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_part_with_an_account_is_not_root_and_still_reads_our_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("mine")
    secret.chmod(0o600)
    code = f"import os; print('up', os.geteuid() != 0, open({str(secret)!r}).read(), flush=True)"
    part = make_part(tmp_path, (sys.executable, "-c", code + "; input()"), user="nobody")
    with pytest.raises(PartFailed), running(part):
        raise PartFailed
    assert "up True mine" in part.log.read_text()


def test_a_long_log_is_set_aside(tmp_path: Path) -> None:
    part = make_part(tmp_path, SLEEP)
    part.log.write_bytes(b"x" * (LOG_LIMIT + 1))
    os.close(part.open_log())
    assert part.log.stat().st_size == 0
    assert part.log.with_suffix(".log.1").stat().st_size == LOG_LIMIT + 1


def test_a_free_port_is_the_wanted_one_unless_it_is_taken(servers: Servers) -> None:
    taken = int(servers.redis_url.rpartition(":")[2].partition("/")[0])
    assert free_port(taken) != taken
    free = free_port()
    assert free_port(free) == free


def test_a_free_port_is_none_that_an_outgoing_connection_may_take(servers: Servers) -> None:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(free_port() < first for _ in range(20))
    assert len({free_port() for _ in range(20)}) > 10
    assert int(servers.redis_url.rpartition(":")[2].partition("/")[0]) < first


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    first = Folder(tmp_path / "data")
    second = Folder(tmp_path / "data")
    assert first.secret("app") == second.secret("app")
    assert len({first.secret(name) for name in ("superuser", "migrator", "app", "redis", "livekit", "signing")}) == 6
    for path in (first.root / "secrets.json", first.keys):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(first.root.stat().st_mode) == 0o700
    Tokens.load(first.keys, first.secret("signing"), "issuer")


def test_a_folder_is_taken_by_one(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    with folder.taken(), pytest.raises(FolderTaken), Folder(tmp_path / "data").taken():
        pass
    with folder.taken():
        pass


def test_roles_are_as_the_guarantees_say(database_urls: DatabaseUrls) -> None:
    with psycopg.connect(database_urls.admin) as connection:
        roles = connection.execute(
            """
            SELECT rolname, rolcanlogin, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
            FROM pg_roles WHERE rolname LIKE 'dojo%' ORDER BY rolname
            """
        ).fetchall()
        memberships = connection.execute(
            """
            SELECT roleid::regrole::text, member::regrole::text, inherit_option, admin_option FROM pg_auth_members
            WHERE roleid::regrole::text LIKE 'dojo%' AND member::regrole::text LIKE 'dojo%' ORDER BY 1
            """
        ).fetchall()
    logins = [("dojo_app", True), ("dojo_migrator", True), ("dojo_owner", False), ("dojo_system", False)]
    assert roles == [(name, login, False) for name, login in logins]
    assert memberships == [
        ("dojo_owner", "dojo_migrator", False, False),
        ("dojo_system", "dojo_owner", False, False),
    ]


def test_the_app_role_cannot_become_another_or_make_anything(database_urls: DatabaseUrls) -> None:
    for statement in (
        "SET ROLE dojo_owner",
        "SET ROLE dojo_system",
        "CREATE TABLE t (a int)",
        "CREATE TEMP TABLE t (a int)",
    ):
        with psycopg.connect(database_urls.app) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_provisioning_again_changes_nothing_but_passwords(servers: Servers) -> None:
    provision(*servers.database)
    assert pending(servers.database.migration) == []


@pytest.mark.parametrize(
    ("migration", "app"),
    [
        ("postgresql://dojo_app:x@h/dojo", "postgresql://dojo_app:x@h/dojo"),
        ("postgresql://dojo_migrator@h/dojo", "postgresql://dojo_app:x@h/dojo"),
        ("postgresql://dojo_migrator:x@h/dojo", "postgresql://dojo_app:x@h/other"),
    ],
)
def test_addresses_that_do_not_fit_are_refused(migration: str, app: str) -> None:
    with pytest.raises(ProvisionFailed):
        provision("postgresql://nobody@127.0.0.1:1/postgres", migration, app)


def test_migrators_queue(servers: Servers) -> None:
    with psycopg.connect(servers.database.admin, autocommit=True) as connection:
        make_database(connection, "raced")
    url = servers.database.migration.rpartition("/")[0] + "/raced"
    open_schema(url)
    with ThreadPoolExecutor(3) as pool:
        revisions = set(pool.map(migrate, [url] * 3))
    assert len(revisions) == 1
    assert pending(url) == []
