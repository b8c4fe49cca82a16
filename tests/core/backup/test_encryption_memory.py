"""Encryption and decryption of large parts need no second copy of them in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore
from helpers.keyrings import MemoryKeyring, memory_keyring

from core.backup.databases import open_database
from core.backup.encryption_keys import BackupKey, create_key
from core.backup.listing import backups_in
from core.backup.run import back_up
from core.backup.verify import verify_of
from core.work import Work

#: Size of a value that cannot be compressed, in bytes; a part contains all of them.
_VALUE, _VALUES = 1 << 20, 10

#: How often the memory is measured.
_ATTEMPTS = 5


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    yield from memory_keyring(monkeypatch)


def peak(call: Callable[[], object]) -> int:
    """Return the memory that a call needs at most, in bytes."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_parts_are_in_memory_once(keyring: MemoryKeyring, tmp_path: Path) -> None:
    path = tmp_path / "large.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t(v BLOB)")
    connection.executemany(
        "INSERT INTO t VALUES (randomblob(?))", [(_VALUE,) for _ in range(_VALUES)]
    )
    connection.close()
    key = create_key(None, name="keyring:main")
    plain = figures(path, None)
    part = _VALUE * _VALUES
    assert part / 4 < plain[0]
    # Another thread sends the parts, so by chance the next one is in memory before the
    # previous one is released. A copy made by the encryption would be there in every attempt.
    attempts = [figures(path, key) for _ in range(_ATTEMPTS)]
    for before, *after in zip(plain, *attempts, strict=True):
        assert min(after) < before + part / 4


def figures(path: Path, key: BackupKey | None) -> tuple[int, int]:
    """Return the memory of a backup and of its verification."""
    store = MemoryStore()

    def write() -> None:
        with open_database(str(path)) as source:
            back_up(store, source, ["t"], "", Work(), key=key)

    written = peak(write)
    (backup,) = backups_in(store, "t", Work())
    return written, peak(lambda: verify_of(store, backup, Work()))
