"""Rows longer than a block are passed on while they arrive, so that memory stays flat."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from helpers.backups import MemoryStore
from helpers.postgresql_tables import Database

from core.backup import packing
from core.backup.databases import open_database
from core.work import Work

_BLOCK = 1 << 20
#: Rows around the size of a block, with what CSV quotes, and short rows between them.
_LENGTHS = (1, _BLOCK - 30, _BLOCK - 3, _BLOCK, _BLOCK + 1, 3 * _BLOCK, 7, 5 * _BLOCK + 11, 2)

_TESTS = Path(__file__).parents[3]
#: Two values of so many bytes that can be compressed to half of their size.
_LONG_BYTES = 32 << 20
#: Megabytes for a process that holds one such value at most in its compressed form.
_MOST_MB = 145
_CODE = """
import sys
from pathlib import Path
root, operation, url, folder = sys.argv[1:]
sys.path[:0] = [root, root + "/tests"]
from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress
from core.backup.listing import backups_in
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.redaction import Secret
from core.work import Work
from helpers.folder_store import FolderStore
store, address = FolderStore(Path(folder)), DatabaseAddress(url, Secret(sys.stdin.read()))
if operation == "backup":
    with open_database(address) as source:
        back_up(store, source, ["long"], "", Work())
else:
    (backup,) = backups_in(store, "long", Work())
    report = restore_of(store, backup, address, Choices("again"), Work())
    assert report.verified.startswith("verified (SHA-256"), report.verified
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""


@pytest.fixture
def long(database: Database) -> Database:
    rows = ", ".join(
        f"({at}, repeat(E'a\\n\"', {length} / 3) || repeat('x', {length} % 3))"
        for at, length in enumerate(_LENGTHS)
    )
    database.script(
        "CREATE TABLE long (id int, v text)", f"INSERT INTO long SELECT * FROM (VALUES {rows}) t"
    )
    return database


def test_a_piece_with_a_count_ends_a_row_and_none_is_much_longer_than_a_block(
    long: Database,
) -> None:
    with open_database(long.address) as source, source.snapshot():
        pieces = list(source.dump(source.schema("long"), work=Work()))
    assert sum(count for count, _ in pieces) == len(_LENGTHS)
    assert max(len(data) for _, data in pieces) <= 2 * _BLOCK
    text = b"".join(data for _, data in pieces)
    ends, at = set(), 0
    for count, data in pieces:
        at += len(data)
        if count:
            ends.add(at)
    assert all(text[end - 2 : end] in {b'"\n', b"x\n"} for end in ends)
    assert len(pieces) > len(ends)


def test_parts_end_with_rows_and_all_values_are_restored(
    long: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "PART_BYTES", _BLOCK)
    store = MemoryStore()
    backup = long.back_up(store, "long")
    before = long.run("SELECT id, md5(v) FROM long ORDER BY id")
    assert len([key for key in store.objects if "part-" in key]) > 2
    assert long.restore(store, backup).verified.startswith("verified (SHA-256")
    assert long.run("SELECT id, md5(v) FROM long ORDER BY id") == before


def test_memory_does_not_follow_the_size_of_a_value(database: Database, tmp_path: Path) -> None:
    database.script(
        "CREATE TABLE long (id int, v text)",
        "INSERT INTO long SELECT k, string_agg(md5(i || '.' || k), '') FROM generate_series(1, 2) k, "
        f"generate_series(1, {_LONG_BYTES // 32}) i GROUP BY k",
    )
    for operation in ("backup", "restore"):
        assert peak(operation, database, tmp_path) < _MOST_MB


def peak(operation: str, database: Database, folder: Path) -> float:
    """Return the peak memory of a process in MB."""
    command = [sys.executable, "-c", _CODE, str(_TESTS.parent), operation, database.address.url]
    done = subprocess.run(
        [*command, str(folder)], input=database.password, capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert not done.returncode, done.stderr[-2000:]
    return int(done.stdout.split()[-1]) / 1024
