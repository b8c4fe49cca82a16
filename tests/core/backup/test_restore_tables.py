"""Restore of several tables: order of references, cycles, one snapshot, and failures on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.backups import MemoryStore, everything, sql
from helpers.cyclic_tables import (
    CYCLE,
    KEYS,
    NAMES,
    back_up_tables,
    restore_tables,
    undo_each,
)
from helpers.databases import Server, mariadb_server, postgresql_server  # noqa: F401 - fixtures
from helpers.postgresql_tables import new_database

from core.backup.databases import origin_of
from core.backup.databases.naming import LockedError
from core.backup.databases.sqlite import SQLiteDatabase
from core.backup.restore import Choices
from core.backup.restore_tables import preview_tables_of, restore_tables_of
from core.backup.together import TablesWanted, referenced_first
from core.errors import (
    Cancelled,
    Conflict,
    Corrupt,
    DatabaseError,
    InvalidInput,
    NotFound,
    StorageError,
)
from core.hints import Hint
from core.model.table_restores import TablesReport
from core.model.tables import TableSchema
from core.work import CancelToken, Work
from tests.core.backup.mariadb.conftest import Trading
from tests.core.backup.mariadb.conftest import trading as shop  # noqa: F401 - fixture

#: Two tables that refer to each other, one that refers to them, and one to itself.
TABLES = (
    "CREATE TABLE a1 (id INTEGER PRIMARY KEY, b INTEGER)",
    """CREATE TABLE b1 (id INTEGER PRIMARY KEY, a INTEGER,
        CONSTRAINT b1_a FOREIGN KEY (a) REFERENCES a1 (id))""",
    """CREATE TABLE c1 (id INTEGER PRIMARY KEY, a INTEGER, up INTEGER,
        CONSTRAINT c1_a FOREIGN KEY (a) REFERENCES a1 (id),
        CONSTRAINT c1_up FOREIGN KEY (up) REFERENCES c1 (id))""",
    "INSERT INTO a1 VALUES (1, 10), (2, 20)",
    "INSERT INTO b1 VALUES (10, 1), (20, 2)",
    "INSERT INTO c1 VALUES (5, 1, 5), (6, 2, 5)",
)
CHANGES = (
    "UPDATE c1 SET up = NULL",
    "DELETE FROM c1",
    "UPDATE b1 SET a = NULL",
    "UPDATE a1 SET b = NULL",
    "DELETE FROM b1",
    "DELETE FROM a1",
    "INSERT INTO a1 VALUES (7, NULL)",
    "INSERT INTO c1 VALUES (9, 7, NULL)",
)


def _rows(run: Callable[[str], Any]) -> list[list[Any]]:
    return [sorted(map(list, run(f"SELECT * FROM {name}"))) for name in NAMES]


@pytest.fixture
def cyclic(tmp_path: Path) -> Path:
    path = tmp_path / "cyclic.db"
    sql(path, "; ".join((*TABLES, "DROP TABLE a1")))
    sql(path, "CREATE TABLE a1 (id INTEGER PRIMARY KEY, b INTEGER REFERENCES b1 (id))")
    sql(path, "INSERT INTO a1 VALUES (1, 10), (2, 20)")
    return path


def test_sqlite(cyclic: Path, store: MemoryStore, tmp_path: Path) -> None:
    back_up_tables(store, str(cyclic))
    fresh = tmp_path / "fresh.db"
    report = restore_tables(store, str(fresh))
    assert [one.kept for one in report.tables] == ["", "", ""]
    assert (report.problems, report.notes, report.remaining) == ((), (), ())
    assert _rows(lambda text: sql(fresh, text)) == _rows(lambda text: sql(cyclic, text))
    assert sql(fresh, "PRAGMA foreign_key_check") == []
    for text in CHANGES:
        sql(cyclic, text)
    changed = _rows(lambda text: sql(cyclic, text))
    report = restore_tables(store, str(cyclic), *NAMES)
    assert not report.problems
    undo_each(str(cyclic), report)
    assert _rows(lambda text: sql(cyclic, text)) == changed
    assert len(everything(cyclic)) == 3 + 2


def test_postgresql(
    store: MemoryStore,
    postgresql_server: Server,  # noqa: F811 - the fixture
) -> None:
    with new_database(postgresql_server) as source, new_database(postgresql_server) as fresh:
        source.script(*TABLES, CYCLE)
        back_up_tables(store, source.address)
        before, rows = source.run(KEYS), _rows(source.run)
        shown = preview_tables_of(store, fresh.address, TablesWanted(NAMES), Work())
        assert not [
            one for table in shown.tables for one in table.dependants if "no table" in str(one)
        ]
        report = restore_tables(store, fresh.address, *NAMES)
        assert (fresh.run(KEYS), _rows(fresh.run)) == (before, rows)
        assert len(report.attached) == 1
        assert report.attached[0] in {"a1_b of a1", "b1_a of b1"}
        assert not [text for one in report.tables for text in one.problems if "not created" in text]
        assert not report.problems
        source.script(*CHANGES)
        changed = _rows(source.run)
        report = restore_tables(store, source.address)
        assert (_rows(source.run), report.problems) == (rows, ())
        present = [one for one in source.run(KEYS) if "__before_" not in one[0]]
        assert present == before
        undo_each(source.address, report)
        assert (source.run(KEYS), _rows(source.run)) == (before, changed)


def test_mariadb(store: MemoryStore, shop: Trading) -> None:  # noqa: F811 - the fixture
    shop.sql(*TABLES, CYCLE)
    back_up_tables(store, shop.address)
    before = shop.everything()
    shop.sql("SET foreign_key_checks = 0", "DROP TABLE a1", "DROP TABLE b1", "DROP TABLE c1")
    report = restore_tables(store, shop.address)
    assert shop.everything() == before
    assert not report.problems
    shop.sql(*CHANGES)
    changed = shop.everything()
    report = restore_tables(store, shop.address, *NAMES)
    assert not report.problems
    undo_each(shop.address, report)
    assert shop.everything() == changed


def test_a_failure_names_what_was_restored(cyclic: Path, store: MemoryStore) -> None:
    back_up_tables(store, str(cyclic))
    sql(cyclic, "CREATE TABLE d1 (c INTEGER REFERENCES c1 (id))")
    sql(cyclic, "INSERT INTO c1 VALUES (77, 1, 5)")
    sql(cyclic, "INSERT INTO d1 VALUES (77)")
    with pytest.raises(Conflict) as failed:
        restore_tables(store, str(cyclic))
    report = failed.value.partial
    assert isinstance(report, TablesReport)
    assert [one.table for one in report.tables] == ["a1", "b1"]
    assert report.remaining == ("c1",)
    first, second = (one.kept for one in report.tables)
    assert failed.value.effect == (
        f"2 of 3 tables were restored: a1 (former table: {first}), b1 (former table: {second}). "
        "Not restored: c1."
    )
    assert sql(cyclic, "SELECT count(*) FROM c1") == [(3,)]


def test_a_cancel_reports_the_tables_before_it_and_leaves_the_others(
    cyclic: Path, store: MemoryStore
) -> None:
    back_up_tables(store, str(cyclic))
    sql(cyclic, "INSERT INTO b1 VALUES (30, 1); INSERT INTO c1 VALUES (77, 1, 5)")
    token = CancelToken()
    work = Work(token=token, batch=lambda _report: token.cancel())
    with pytest.raises(Cancelled) as stopped:
        restore_tables_of(store, str(cyclic), TablesWanted(), Choices(), work)
    report = stopped.value.partial
    assert isinstance(report, TablesReport)
    assert [one.table for one in report.tables] == ["a1"]
    assert report.remaining == ("b1", "c1")
    assert sql(cyclic, "SELECT (SELECT count(*) FROM b1), (SELECT count(*) FROM c1)") == [(3, 3)]


def test_old_backups_of_one_moment_are_of_different_tables(
    tmp_path: Path, store: MemoryStore
) -> None:
    for name in ("p", "q", "r"):
        body = {"table_name": name, "records": [{"id": 1, "of": name}]}
        key = f"backups/database/{name}/2024/01/15/2024-01-15T02:00:00Z.json"
        store.objects[key] = json.dumps(body).encode()
    path, token = tmp_path / "old.db", CancelToken()
    work = Work(token=token, batch=lambda _report: token.cancel())
    with pytest.raises(Cancelled) as stopped:
        restore_tables_of(store, str(path), TablesWanted(), Choices(), work)
    report = stopped.value.partial
    assert isinstance(report, TablesReport)
    assert [one.table for one in report.tables] == ["p"]
    assert report.remaining == ("q", "r")


def test_the_first_failure_states_that_nothing_was_restored(
    cyclic: Path, store: MemoryStore
) -> None:
    back_up_tables(store, str(cyclic))
    before = everything(cyclic)
    key = next(key for key in store.objects if "/a1/" in key and "part" in key)
    store.objects[key] = store.objects[key][:-1] + b"x"
    with pytest.raises(Corrupt) as failed:
        restore_tables(store, str(cyclic))
    assert failed.value.effect == "Nothing was restored."
    assert everything(cyclic) == before


def test_tables_come_from_one_snapshot(cyclic: Path, store: MemoryStore) -> None:
    back_up_tables(store, str(cyclic), "c1")
    back_up_tables(store, str(cyclic))
    sql(cyclic, "INSERT INTO c1 VALUES (100, 1, 5)")
    back_up_tables(store, str(cyclic), "c1")
    found = preview_tables_of(store, str(cyclic), TablesWanted(), Work())
    assert len({one.backup.snapshot for one in found.tables}) == 1
    (note,) = found.notes
    assert note.startswith("c1: a newer backup")
    # Without a common snapshot the newest backup of each table counts.
    back_up_tables(store, str(cyclic), "b1")
    found = preview_tables_of(store, str(cyclic), TablesWanted(("b1", "c1")), Work())
    assert any("of another snapshot" in note for note in found.notes)


def test_patterns_and_times(cyclic: Path, store: MemoryStore) -> None:
    back_up_tables(store, str(cyclic))

    def tables(**wanted: Any) -> list[str]:
        shown = preview_tables_of(store, str(cyclic), TablesWanted(**wanted), Work())
        return [one.table for one in shown.tables]

    assert tables(include=("A*", "c?")) == ["a1", "c1"]
    assert sorted(tables(exclude=("c1",))) == ["a1", "b1"]
    errors: list[tuple[dict[str, Any], type[StorageError]]] = [
        ({"include": ("x*",)}, InvalidInput), ({"at": "2000-01-01"}, NotFound),
        ({"tables": ("a1", "nothing")}, NotFound), ({"tables": ()}, InvalidInput),
        ({"tables": ("",)}, InvalidInput), ({"at": ""}, InvalidInput),
    ]  # fmt: skip
    for wanted, error in errors:
        with pytest.raises(error):
            tables(**wanted)


def test_backups_of_several_other_databases_are_refused(
    cyclic: Path, store: MemoryStore, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    sql(other, "CREATE TABLE a1 (id INTEGER)")
    back_up_tables(store, str(cyclic))
    back_up_tables(store, str(other), "a1")
    fresh = str(tmp_path / "fresh.db")
    with pytest.raises(Conflict, match="of 2 databases") as refused:
        restore_tables(store, fresh)
    assert Hint.SOURCE in refused.value.hints
    for name in (other.name, str(other), str(origin_of(str(other)))):
        shown = preview_tables_of(store, fresh, TablesWanted(source=name), Work())
        assert [one.backup.origin.path for one in shown.tables] == [str(other)]
    with pytest.raises(NotFound, match="no backups of the database gone") as missing:
        restore_tables(store, fresh, source="gone")
    assert str(other) in missing.value.cause
    report = restore_tables(store, fresh, source=cyclic.name)
    assert {one.backup.origin.path for one in report.tables} == {str(cyclic)}
    assert len(report.tables) == 3
    assert len(restore_tables(store, str(tmp_path / "second.db"), any_source=True).tables) == 3


def test_a_name_of_several_databases_is_refused(
    cyclic: Path, store: MemoryStore, tmp_path: Path
) -> None:
    other = tmp_path / "elsewhere" / cyclic.name
    other.parent.mkdir()
    sql(other, "CREATE TABLE a1 (id INTEGER)")
    back_up_tables(store, str(cyclic), "a1")
    back_up_tables(store, str(other), "a1")
    fresh = str(tmp_path / "fresh.db")
    with pytest.raises(Conflict, match="is that of 2 databases"):
        restore_tables(store, fresh, source=cyclic.name)
    assert len(restore_tables(store, fresh, source=str(other)).tables) == 1


def test_a_broken_newest_backup_is_not_replaced_by_an_older_one(
    cyclic: Path, store: MemoryStore
) -> None:
    back_up_tables(store, str(cyclic))
    back_up_tables(store, str(cyclic))
    newest = max(key for key in store.objects if "/b1/" in key and key.endswith("manifest.json"))
    store.objects[newest] = b"{}"
    with pytest.raises(Corrupt):
        restore_tables(store, str(cyclic))


def test_the_backups_of_a_preview_are_used_although_there_are_newer_ones(
    cyclic: Path, store: MemoryStore
) -> None:
    back_up_tables(store, str(cyclic))
    previews: list[Any] = []
    work = replace(Work(), batch=previews.append)
    shown = preview_tables_of(store, str(cyclic), TablesWanted(), work)
    assert tuple(previews) == shown.tables
    sql(cyclic, "INSERT INTO c1 VALUES (100, 1, 5)")
    back_up_tables(store, str(cyclic))
    ids = frozenset(one.backup.id for one in shown.tables)
    report = restore_tables(store, str(cyclic), *NAMES, backup_ids=ids)
    assert [one.backup for one in report.tables] == [one.backup for one in shown.tables]
    assert sql(cyclic, "SELECT count(*) FROM c1") == [(2,)]
    with pytest.raises(NotFound):
        restore_tables(store, str(cyclic), *NAMES, backup_ids=frozenset(("gone",)))


def test_unusable_tables_are_skipped_on_request(cyclic: Path, store: MemoryStore) -> None:
    back_up_tables(store, str(cyclic))
    back_up_tables(store, str(cyclic), "b1")
    newest = max(key for key in store.objects if "/b1/" in key and key.endswith("manifest.json"))
    store.objects[newest] = b"{}"
    wanted = TablesWanted(("a1", "b1", "nothing"), skip_unusable=True)
    shown = preview_tables_of(store, str(cyclic), wanted, Work())
    assert [one.table for one in shown.tables] == ["a1"]
    reasons = {one.table: one.problem for one in shown.skipped}
    assert reasons.keys() == {"b1", "nothing"}
    assert "is broken" in reasons["b1"]
    assert reasons["nothing"] == "There is no backup of it up to this time."
    with pytest.raises(NotFound, match="None of the tables") as refused:
        preview_tables_of(store, str(cyclic), replace(wanted, tables=("b1",)), Work())
    assert "is broken" in refused.value.cause


def test_tables_that_are_damaged_or_locked_are_skipped_on_request(
    cyclic: Path, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them ended the comparison of all, and was not named."""
    back_up_tables(store, str(cyclic))
    real = SQLiteDatabase.compare
    errors = {"b1": DatabaseError("A page is damaged"), "c1": LockedError("Locked")}

    def compare(self: Any, schema: TableSchema, *rows: Any, **options: Any) -> Any:
        if schema.table in errors:
            raise errors[schema.table]
        return real(self, schema, *rows, **options)

    monkeypatch.setattr(SQLiteDatabase, "compare", compare)
    wanted = TablesWanted(NAMES, skip_unusable=True)
    shown = preview_tables_of(store, str(cyclic), wanted, Work())
    assert [one.table for one in shown.tables] == ["a1"]
    skipped = {one.table: (one.problem.split(".")[0], one.locked) for one in shown.skipped}
    assert skipped == {"b1": ("A page is damaged", False), "c1": ("Locked", True)}
    for refused in (replace(wanted, tables=("b1",)), replace(wanted, skip_unusable=False)):
        with pytest.raises((DatabaseError, LockedError)) as failed:
            preview_tables_of(store, str(cyclic), refused, Work())
        assert failed.value.cause.endswith("The table being restored is b1.")


def test_a_restore_that_does_not_begin_reports_that_no_table_was_restored(
    cyclic: Path, store: MemoryStore
) -> None:
    with pytest.raises(NotFound) as failed:
        restore_tables(store, str(cyclic))
    assert failed.value.partial == TablesReport((), 0.0)


def test_all_tables_are_those_whose_backups_name_the_database(
    cyclic: Path, store: MemoryStore
) -> None:
    back_up_tables(store, str(cyclic))
    old = b'{"table_name": "old", "timestamp": "2026-01-02T03:04:05", "records": [{"id": 1}]}'
    store.objects["backups/database/old/2026/01/02/2026-01-02T03:04:05Z.json"] = old
    found = preview_tables_of(store, str(cyclic), TablesWanted(), Work())
    assert [one.table for one in found.tables if one.table == "old"] == []
    assert [note for note in found.notes if note.startswith("old: not restored")]
    found = preview_tables_of(store, str(cyclic), TablesWanted(("old", "a1")), Work())
    assert "old" in {one.table for one in found.tables}


def test_the_order_of_references() -> None:
    parents = {"a": {"b"}, "b": {"c"}, "c": set(), "d": {"e"}, "e": {"d"}, "f": {"e", "a"}}
    frozen = {table: frozenset(names) for table, names in parents.items()}
    order = referenced_first(frozen)
    assert order == ("c", "b", "a", "d", "e", "f")
    assert replace(Choices(), pending=frozenset(order)).pending >= {"a"}
