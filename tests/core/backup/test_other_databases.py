"""The note about other databases that also have backups of a table, of a long history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, trading_database

from core.backup.keys import folder
from core.backup.manifest import from_bytes, to_bytes
from core.backup.other_databases import note_others
from core.model.backup import Backup
from core.work import Work


def copy_to_the_past(store: MemoryStore, backup: Backup, days: int) -> None:
    """Store a copy of a backup that was taken so many days earlier."""
    found = from_bytes(store.objects[backup.key])
    older = replace(found, id=f"{days:012x}", taken=found.taken - timedelta(days=days))
    before = backup.key.rpartition("/")[0] + "/"
    place = folder(backup.table, older.taken, older.id)
    for key in [each for each in store.objects if each.startswith(before)]:
        store.objects[place + key.removeprefix(before)] = store.objects[key]
    store.objects[f"{place}_manifest.json"] = to_bytes(older)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.mark.parametrize(("newer", "unread"), [(70, 0), (140, 42)])
def test_a_database_with_only_old_backups_is_named(
    store: MemoryStore, tmp_path: Path, newer: int, unread: int
) -> None:
    old = backed_up(store, trading_database(tmp_path / "old.db", 1), "orders")
    for days in range(newer + 1, newer + 31):
        copy_to_the_past(store, old, days)
    store.delete([key for key in store.objects if f"_{old.id}/" in key], work=Work())
    used = backed_up(store, trading_database(tmp_path / "trading.db", 1), "orders")
    for days in range(1, newer + 1):
        copy_to_the_past(store, used, days)
    (note,) = note_others(store, used, Work())
    assert "There are also backups of orders of " in note
    assert "old.db (SQLite). The one of " in note
    rest = f"Whether {unread} older backups of orders are of another database was not checked."
    assert (rest in note) is (unread > 0)


def test_a_short_history_of_one_database_needs_no_note(store: MemoryStore, tmp_path: Path) -> None:
    used = backed_up(store, trading_database(tmp_path / "trading.db", 1), "orders")
    copy_to_the_past(store, used, 1)
    assert note_others(store, used, Work()) == ()
