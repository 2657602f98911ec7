"""Objects in a local folder."""

import os
from pathlib import Path

import pytest

from core.model import TenantId, new_id
from media.storage import Storage, folder_of, key_in


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    return Storage(tmp_path / "media")


TENANT = TenantId(new_id())
FOLDER = folder_of(TENANT, "covers", new_id())
KEY = key_in(FOLDER, "1.png")


def test_what_is_written_is_read_and_can_be_replaced(storage: Storage) -> None:
    assert storage.read(KEY) is None
    for data in (b"one", b"two"):
        storage.write(KEY, data)
        assert storage.read(KEY) == data


def test_only_we_can_read_the_file_and_nothing_is_left_beside_it(storage: Storage, tmp_path: Path) -> None:
    storage.write(KEY, b"one")
    path = tmp_path / "media" / KEY
    assert path.stat().st_mode & 0o777 == 0o600
    assert [*path.parent.iterdir()] == [path]


def test_a_failed_write_leaves_what_was_there(
    storage: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.write(KEY, b"one")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        storage.write(KEY, b"two")
    assert storage.read(KEY) == b"one"
    assert [path.name for path in (tmp_path / "media" / FOLDER).iterdir()] == ["1.png"]


def test_removing_twice_is_fine(storage: Storage, tmp_path: Path) -> None:
    storage.write(KEY, b"one")
    for _ in range(2):
        storage.remove(KEY)
    storage.write(KEY, b"one")
    for _ in range(2):
        storage.remove_all(FOLDER)
    assert not (tmp_path / "media" / FOLDER).exists()


@pytest.mark.parametrize("name", ["", "..", "../x.png", "a/b.png", "A.png", ".png", "x", "x.png\n", "é.png"])
def test_names_of_people_never_become_paths(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        key_in(FOLDER, name)
