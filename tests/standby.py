"""A PostgreSQL with a hot standby, which takes its place when it is told to."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psycopg

from app.embedded import ACCOUNT, Postgres, postgres_programs
from app.folder import Folder
from app.migrate import migrate
from app.parts import Part, free_port, never, running, start, stop
from app.provision import provision
from tests.conftest import DatabaseUrls
from tests.core.waiting import wait_until


class Pair(NamedTuple):
    """A primary that acknowledges what its standby has written down too."""

    primary: DatabaseUrls
    process: "subprocess.Popen[bytes]"
    standby: DatabaseUrls
    port: int
    """The standby's."""

    def kill_primary(self) -> None:
        """As when its machine is lost."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def promote(self) -> None:
        """The standby becomes the primary; nobody has to confirm what it writes."""
        with psycopg.connect(self.standby.admin, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf(), pg_promote()")


@contextmanager
def replicated(folder: Path) -> Iterator[Pair]:
    """Both, with a migrated database."""
    first = Folder(folder / "primary")
    primary = Postgres(first, free_port())
    with running(primary.part()) as process:
        provision(primary.admin_url, primary.migration_url, primary.app_url)
        migrate(primary.migration_url)
        (folder / "standby").mkdir(mode=0o700)
        shutil.copy(first.root / "secrets.json", folder / "standby")
        second, port = Folder(folder / "standby"), free_port()
        _copy(primary.admin_url, second)
        standby = Postgres(second, port)
        with running(standby.part()), psycopg.connect(primary.admin_url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            connection.execute("SELECT pg_reload_conf()")
            wait_until(lambda: _is_confirmed(connection))
            connection.close()
            yield Pair(_urls(primary), process, _urls(standby), port)


def _copy(url: str, folder: Folder) -> None:
    """A copy of a running server, which will follow it."""
    folder.postgres.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(folder.postgres, pwd.getpwnam(ACCOUNT).pw_uid, pwd.getpwnam(ACCOUNT).pw_gid)
    program = str(postgres_programs() / "pg_basebackup")
    part = Part(
        name="pg_basebackup",
        command=(program, "-d", url, "-D", str(folder.postgres), "-R", "--checkpoint=fast", "--no-sync"),
        log=folder.logs / "postgres.log",
        ready=never,
        user=ACCOUNT,
    )
    process = start(part)
    try:
        assert process.wait(60) == 0, part.log.read_text()
    finally:
        stop(part, process)


def _is_confirmed(connection: "psycopg.Connection[tuple[object, ...]]") -> bool:
    return connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall() == [("sync",)]


def _urls(server: Postgres) -> DatabaseUrls:
    return DatabaseUrls(server.admin_url, server.migration_url, server.app_url)
