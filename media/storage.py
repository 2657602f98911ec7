"""Where media's files lie: objects by key, below one local folder.

A key is ``t/<tenant>/<kind>/<id>/<name>``, made of ids and of words that we wrote; no name from a person is ever part
of a path.
"""

import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Literal, NewType
from uuid import UUID

from core.model import TenantId

Kind = Literal["covers"]
Folder = NewType("Folder", str)
"""Everything of one thing: ``t/<tenant>/<kind>/<id>``."""
Key = NewType("Key", str)

_NAME = re.compile(r"[a-z0-9]{1,32}\.[a-z0-9]{1,8}", re.ASCII)


def folder_of(tenant_id: TenantId, kind: Kind, thing_id: UUID) -> Folder:
    """Where the files of a thing lie."""
    return Folder(f"t/{UUID(str(tenant_id))}/{kind}/{UUID(str(thing_id))}")


def key_in(folder: Folder, name: str) -> Key:
    """The key of a file of ours.

    Raises:
        ValueError: ``name`` is not a plain lower-case name with an ending.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name for an object: {name!r}")
    return Key(f"{folder}/{name}")


class Storage:
    """Objects below ``root``. The methods block; call them in a thread."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def write(self, key: Key, data: bytes) -> None:
        """Store ``data``; readers see all of it or what was there before, also after a crash."""
        path = self._root / key
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f".{secrets.token_hex(8)}.new")
        try:
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)

    def read(self, key: Key) -> bytes | None:
        """The object, or None."""
        try:
            return (self._root / key).read_bytes()
        except FileNotFoundError:
            return None

    def remove(self, key: Key) -> None:
        """Remove the object; none there is fine."""
        (self._root / key).unlink(missing_ok=True)

    def remove_all(self, folder: Folder) -> None:
        """Remove a thing's files; none there is fine."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self._root / folder)
