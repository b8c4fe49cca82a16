"""The preview of a restore shows where two long values differ, and its progress what it waits for."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore, backed_up, trading_database

from core.backup import packing
from core.backup.databases.shown_values import cut_pair
from core.backup.databases.sqlite import SQLiteDatabase
from core.backup.preview import preview_of
from core.backup.restore import Choices, _Swap, restore_of
from core.backup.verify import verify_of
from core.work import Progress, Work

_LONG = "0123456789" * 1_000


@pytest.mark.parametrize(
    ("today", "backup", "shown"),
    [
        ("old", "new", ("old", "new")),
        ("a" + _LONG, "b" + _LONG, ("a" + _LONG[:18] + "…", "b" + _LONG[:18] + "…")),
        (_LONG + "x", _LONG + "yz", ("…23456789x", "…23456789yz")),
        (_LONG, _LONG + "y", ("…23456789", "…23456789y")),
        (_LONG + "x" + _LONG, _LONG, ("…23456789x012345678…", "…23456789")),
        (_LONG, _LONG, (_LONG[:19] + "…", _LONG[:19] + "…")),
    ],
)
def test_the_first_difference_of_long_values_is_shown(
    today: str, backup: str, shown: tuple[str, str]
) -> None:
    found = cut_pair(today, backup, 20)
    assert found == shown


def test_the_preview_of_sqlite_shows_the_end_of_long_texts_and_blobs(tmp_path: Path) -> None:
    path = tmp_path / "long.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB, same TEXT)")
    values = (_LONG + "old", _LONG.encode() + b"\x00", _LONG)
    connection.execute("INSERT INTO t VALUES (1, ?, ?, ?)", values)
    store = MemoryStore()
    backup = backed_up(store, path, "t")
    connection.execute("UPDATE t SET a = ?, b = ?", (_LONG + "new", _LONG.encode() + b"\x01"))
    connection.close()
    cells = preview_of(store, backup, str(path), 9, Work()).difference.cells
    assert [(cell.column, cell.today, cell.backup) for cell in cells] == [
        ("a", "…23456789new", "…23456789old"),
        ("b", "…637383901'", "…637383900'"),
    ]


def test_a_restore_that_waits_for_the_present_table_is_not_shown_as_a_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, store = trading_database(tmp_path / "t.db", 9), MemoryStore()
    backup, steps = backed_up(store, path, "orders"), list[str]()
    create, change = _Swap.run, SQLiteDatabase.change
    monkeypatch.setattr(_Swap, "run", lambda swap: steps.append("run") or create(swap))
    monkeypatch.setattr(
        SQLiteDatabase,
        "change",
        lambda each, **work: steps.append("change") or change(each, **work),
    )
    work = Work(report=lambda progress: steps.append(progress.note))
    restore_of(store, backup, str(path), Choices(), work)
    assert steps[steps.index("change") - 1] == "waiting for locks"
    assert steps[steps.index("run") - 1] == "preparing"


class _ReportingStore(MemoryStore):
    """Reports each object that is read, as a bucket does."""

    def read(self, key: str, *, work: Work) -> bytes:
        found = super().read(key, work=work)
        for done in (1, len(found)):
            work.report(Progress(done, len(found), "bytes", key))
        return found


def test_parts_that_are_read_are_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of each part and its size were shown, in turns with the size of all."""
    monkeypatch.setattr(packing, "PART_BYTES", 2_000)
    path, store = trading_database(tmp_path / "t.db", 400), _ReportingStore()
    backup, found = backed_up(store, path, "orders"), list[Progress]()
    work = Work(report=found.append)
    restore_of(store, backup, str(path), Choices(target="again"), work)
    verify_of(store, backup, work)
    for step in ("fetching", "verifying"):
        of_step = [each for each in found if each.note == step]
        assert len({each.total for each in of_step}) == 1
        done = [each.done for each in of_step]
        assert done == sorted(done)
        assert done[-1] == of_step[0].total
    assert not [each for each in found if "part-" in each.note]
