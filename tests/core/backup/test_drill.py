"""Restore drills: a scratch table that is compared and removed, and the record of the proof."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, everything, sql

from core.backup.databases.sqlite import SQLiteDatabase
from core.backup.drill import drill_of_backup
from core.backup.listing import backups_in
from core.backup.verify import verify_of
from core.errors import NOTHING_CHANGED, Corrupt, DatabaseError, InvalidInput
from core.model.backup import Backup
from core.paths import cache_dir
from core.work import Work


def listed(store: MemoryStore) -> Backup:
    return backups_in(store, "orders", Work())[0]


def damage(store: MemoryStore, backup: Backup) -> None:
    part = backup.key.replace("_manifest.json", "part-00000.jsonl.zst")
    store.objects[part] = store.objects[part][:-1] + b"x"


def test_a_drill_proves_a_backup_and_leaves_nothing(store: MemoryStore, path: Path) -> None:
    backup, before = backed_up(store, path, "orders"), everything(path)
    report = drill_of_backup(store, backup, None, Work())
    assert (report.proven, report.problems, report.rows) == (True, (), 500)
    assert (report.verified, report.target) == ("verified (SHA-256)", "a temporary file")
    assert list(cache_dir().glob("rows-*")) == []
    assert everything(path) == before
    found = listed(store)
    assert found.checked.startswith("proven by a restore drill on 20")
    assert found.proven is not None


def test_a_drill_into_a_database_changes_nothing_in_it(store: MemoryStore, path: Path) -> None:
    backup, before = backed_up(store, path, "orders"), everything(path)
    report = drill_of_backup(store, backup, str(path), Work())
    assert (report.proven, report.table) == (True, "orders__drill")
    assert report.notes == (
        "Not part of the drill: 1 foreign key to other tables.",
        "Not part of the drill: 1 trigger.",
    )
    assert everything(path) == before


def test_a_damaged_backup_is_an_error_and_not_proven(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    drill_of_backup(store, backup, None, Work())
    damage(store, backup)
    with pytest.raises(Corrupt) as raised:
        drill_of_backup(store, backup, str(path), Work())
    assert raised.value.effect == "No scratch table was created."
    found = listed(store)
    assert found.checked.startswith("restore drill failed on 20")
    assert found.proven is None


def test_a_drill_that_could_not_run_is_no_proof(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = backed_up(store, path, "orders")

    def fail(*_arguments: object, **_more: object) -> None:
        raise DatabaseError("the disk is full", effect=NOTHING_CHANGED, remedy="Free space.")

    monkeypatch.setattr(SQLiteDatabase, "load", fail)
    with pytest.raises(DatabaseError) as raised:
        drill_of_backup(store, backup, None, Work())
    assert raised.value.effect == "The temporary file was removed."
    with pytest.raises(DatabaseError) as raised:
        drill_of_backup(store, backup, str(path), Work())
    assert raised.value.effect == "The scratch table in trading.db was removed."
    assert raised.value.remedy == "Free space."
    assert (listed(store).checked, listed(store).proven) == ("listed, sizes agree", None)


@pytest.mark.parametrize("what", ["UPDATE {} SET price = 0", "DELETE FROM {} WHERE id = 1"])
def test_different_rows_are_reported(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    backup, load = backed_up(store, path, "orders"), SQLiteDatabase.load

    def lossy(self, schema, rows, *, work):
        count = load(self, schema, rows, work=work)
        self._connection.execute(what.format(schema.table))
        return count

    monkeypatch.setattr(SQLiteDatabase, "load", lossy)
    report = drill_of_backup(store, backup, None, Work())
    assert not report.proven
    assert len(report.problems) == 1
    assert listed(store).proven is None


def test_a_different_schema_is_reported(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup, publish = backed_up(store, path, "orders"), SQLiteDatabase.publish

    def without_index(self, schema, shadow, former, *, triggers):
        publish(self, schema, shadow, former, triggers=triggers)
        self._connection.execute("DROP INDEX orders_user")

    monkeypatch.setattr(SQLiteDatabase, "publish", without_index)
    report = drill_of_backup(store, backup, None, Work())
    assert not report.proven
    assert "index orders_user" in report.problems[0]


def test_damage_that_is_found_after_a_drill_is_shown(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    drill_of_backup(store, backup, None, Work())
    complete = dict(store.objects)
    damage(store, backup)
    assert not verify_of(store, backup, Work()).good
    assert (listed(store).checked[:16], listed(store).proven) == ("found damaged on", None)
    store.objects = complete
    verify_of(store, backup, Work())
    assert listed(store).checked.startswith("verified on ")
    assert listed(store).proven is not None


def test_a_scratch_database_of_another_engine_is_refused(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    with pytest.raises(InvalidInput, match="The scratch database is PostgreSQL"):
        drill_of_backup(store, backup, "postgresql://user@127.0.0.1/none", Work())
    assert sql(path, "SELECT count(*) FROM orders") == [(500,)]


def test_an_old_form_is_restored_but_has_no_proof(store: MemoryStore) -> None:
    key = "backups/database/orders/2026/01/01/2026-01-01T00:00:00Z.json"
    store.objects[key] = (
        b'{"table_name": "orders", "timestamp": "2026-01-01T00:00:00Z", "records": [{"id": 1}]}'
    )
    report = drill_of_backup(store, listed(store), None, Work())
    assert (report.problems, report.proven, report.verified) == ((), False, "rows counted only")
    assert (listed(store).checked, listed(store).proven) == ("listed, no hash", None)
