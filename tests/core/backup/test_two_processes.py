"""Two processes on the same table: one outcome, no lost row, no traceback."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.backups import MemoryStore, backed_up, everything, sql, trading_database

from core.model.backup import Backup

#: Both processes wait for the other one's line, so that they run at the same time.
_CHILD = """
import pickle, sys
from core.backup.restore import Choices, restore_of
from core.errors import StorageError
from core.work import Work

path, saved, target = sys.argv[1:]
with open(saved, "rb") as file:
    store, backup = pickle.load(file)
print("ready", flush=True)
sys.stdin.readline()
try:
    report = restore_of(store, backup, path, Choices(target or None), Work())
    print("restored", report.rows, report.kept)
except StorageError as error:
    print("refused", type(error).__name__, error.summary)
"""

ROUNDS = range(4)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Backup]:
    path = trading_database(tmp_path / "trading.db", rows=3_000)
    store = MemoryStore()
    backup = backed_up(store, path, "orders")
    file = tmp_path / "saved.pickle"
    file.write_bytes(pickle.dumps((store, backup)))
    return file, backup


def both(path: Path, saved: Path, *targets: str) -> list[list[str]]:
    """Run two restores at once; return the words each printed."""
    env = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(path), str(saved), target],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for target in targets
    ]  # fmt: skip
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    outcomes: list[Any] = []
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        out, err = process.communicate(timeout=60)
        assert err == ""
        outcomes.append(out.split())
    return outcomes


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_restores_in_place(tmp_path: Path, saved: tuple[Path, Backup], _round: int) -> None:
    path = trading_database(tmp_path / "target.db", rows=10)
    first, second = both(path, saved[0], "", "")
    assert {first[0], second[0]} == {"restored"}
    assert sql(path, "SELECT count(*), sum(id) FROM orders") == [(3_000, 4_501_500)]
    stored = [text[2] for text in (first, second)]
    assert stored[0] != stored[1]
    counts = {int(str(sql(path, f'SELECT count(*) FROM "{name}"')[0][0])) for name in stored}
    assert counts == {10, 3_000}  # the former table, and the first restored one
    assert sql(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_restores_under_one_new_name(
    tmp_path: Path, saved: tuple[Path, Backup], _round: int
) -> None:
    path = trading_database(tmp_path / "target.db", rows=10)
    before = everything(path)
    outcomes = sorted(both(path, saved[0], "copy", "copy"))
    assert [text[0] for text in outcomes] == ["refused", "restored"]
    assert outcomes[0][1] == "AlreadyExists"
    assert [row for row in everything(path) if row in before] == before
    assert sql(path, "SELECT count(*) FROM copy") == [(3_000,)]


@pytest.mark.parametrize("_round", ROUNDS)
def test_two_restores_into_a_file_that_neither_finds(
    tmp_path: Path, saved: tuple[Path, Backup], _round: int
) -> None:
    path = tmp_path / "new.db"
    outcomes = both(path, saved[0], "one", "two")
    done = [
        name for name, text in zip(("one", "two"), outcomes, strict=True) if text[0] == "restored"
    ]
    assert done
    for name in done:
        assert sql(path, f"SELECT count(*) FROM {name}") == [(3_000,)]
    for text in outcomes:
        assert text[0] == "restored" or text[1] == "DatabaseError"


@pytest.mark.parametrize("_round", ROUNDS)
def test_one_that_fails_does_not_remove_the_file_the_other_fills(
    tmp_path: Path, saved: tuple[Path, Backup], _round: int
) -> None:
    """A file that was made and got no table is removed; never one that another one uses."""
    harmed = tmp_path / "harmed.pickle"
    store, backup = pickle.loads(saved[0].read_bytes())
    store.objects[backup.key.replace("_manifest.json", "part-00000.jsonl.zst")] = b"harmed"
    harmed.write_bytes(pickle.dumps((store, backup)))
    path = tmp_path / "new.db"
    env = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(path), str(file), ""],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for file in (harmed, saved[0])
    ]  # fmt: skip
    outcomes = [process.communicate("go\n", timeout=60)[0].split()[1:] for process in running]
    assert outcomes[0][0] == "refused"
    if outcomes[1][0] == "restored":
        assert sql(path, "SELECT count(*) FROM orders") == [(3_000,)]
    else:
        assert outcomes[1][1] == "DatabaseError"
