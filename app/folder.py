"""The data folder of an installation: where everything lies that must outlive the processes.

Secrets are made once, at random, and kept in ``secrets.json`` readable by its owner only.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAMES = ("superuser", "migrator", "app", "redis", "livekit", "signing")


class FolderTaken(Exception):
    """Another ``dojo up`` runs on this data folder."""


class Folder:
    """Paths and secrets below ``root``, which is created when missing."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.postgres = self.root / "postgres"
        self.redis = self.root / "redis"
        self.livekit = self.root / "livekit"
        self.logs = self.root / "logs"
        self.files = self.root / "files"
        self.keys = self.root / "keys.json"
        self.running = self.root / "running.json"
        for made in (self.redis, self.livekit, self.logs, self.files):
            made.mkdir(exist_ok=True, mode=0o700)
        self._secrets = self._read_secrets()
        make_keys(self.keys)

    def secret(self, name: str) -> str:
        """The secret called ``name``, one of ``NAMES``."""
        return self._secrets[name]

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the folder: no second supervisor may use it meanwhile.

        Raises:
            FolderTaken: one does already.
        """
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise FolderTaken(f"a dojo is already running on {self.root}") from error
            yield
        finally:
            os.close(lock)

    def _read_secrets(self) -> dict[str, str]:
        path = self.root / "secrets.json"
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        missing = [name for name in NAMES if name not in known]
        if missing:
            known |= {name: secrets.token_urlsafe(32) for name in missing}
            write_private(path, json.dumps(known, indent=1))
        return known


def make_keys(path: Path) -> None:
    """Make the keys that sign access tokens at ``path``, unless they are there; never half a file."""
    if not path.exists():
        from core.tokens import write_keys

        fresh = path.with_name(path.name + ".new")
        write_keys(fresh)
        fresh.replace(path)


def write_private(path: Path, text: str) -> None:
    """Replace ``path`` by ``text`` in one step, readable by its owner only."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
