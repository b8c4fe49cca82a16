"""DuckDB reads the rows of encrypted backups through a pipe, whatever becomes of its statement."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.backups import MemoryStore
from helpers.keyrings import MemoryKeyring, memory_keyring

from core.backup.databases import open_database
from core.backup.encryption_keys import create_key
from core.backup.listing import backups_in
from core.backup.package import Package, fetch_package
from core.backup.query import query_of, row_files
from core.backup.run import back_up
from core.errors import Corrupt
from core.model.backup import Backup
from core.work import Work


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    yield from memory_keyring(monkeypatch)


@pytest.fixture
def backup(store: MemoryStore, path: Path, keyring: MemoryKeyring) -> Backup:
    with open_database(str(path)) as source:
        back_up(store, source, ["orders"], "", Work(), key=create_key(None, name="keyring:main"))
    return backups_in(store, "orders", Work())[0]


@pytest.fixture
def package(store: MemoryStore, backup: Backup, tmp_path: Path) -> Iterator[Package]:
    """A package whose verified rows are not in memory."""
    with fetch_package(store, backup, None, Work(), within=tmp_path) as found:
        yield found


def test_the_files_on_the_disk_stay_encrypted(package: Package) -> None:
    for _part, path in package.files:
        assert path.name.endswith(".zst.aes")
        assert b"filled" not in path.read_bytes()


def test_a_statement_that_never_reads_the_rows_does_not_wait(
    package: Package, tmp_path: Path
) -> None:
    with row_files.row_files(package, tmp_path, "rows") as files:
        assert files.compression == "none"
    assert not (tmp_path / "rows").exists()
    assert not [each for each in threading.enumerate() if each.name == "decrypted rows"]


def test_a_reader_that_ends_early_ends_the_writer(package: Package, tmp_path: Path) -> None:
    with row_files.row_files(package, tmp_path, "rows") as files, files.paths[0].open("rb") as pipe:
        assert pipe.read(1) == b"{"
    assert not (tmp_path / "rows").exists()


def test_a_part_that_was_changed_since_its_verification_is_an_error(
    package: Package, tmp_path: Path
) -> None:
    _part, path = package.files[0]
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))
    with (
        pytest.raises(Corrupt, match="cannot be decrypted"),
        row_files.row_files(package, tmp_path, "rows") as files,
    ):
        files.paths[0].read_bytes()


def test_without_named_pipes_a_private_file_is_removed_afterwards(
    store: MemoryStore, backup: Backup, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_files.sys, "platform", "win32")
    found = query_of(store, backup, "SELECT count(*) FROM orders", 5, Work())
    assert found.rows == ((500,),)
    assert not [path for path in home.rglob("*.rows") if path.exists()]
