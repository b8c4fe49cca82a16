"""Comparison of two backups of a table: rows added, changed and removed, with samples."""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, sql
from helpers.keyrings import memory_keyring
from hypothesis import given, settings
from hypothesis import strategies as st

from core.backup.comparison import compare_of
from core.backup.databases import open_database
from core.backup.encryption_keys import create_key
from core.backup.run import back_up
from core.errors import NotSupported
from core.model.backup import Backup, BackupState, Origin
from core.model.comparison import BackupComparison, RowChange
from core.model.selection import Selection
from core.sql.session import polling_progress
from core.work import Progress, Work


def compared(store: MemoryStore, before: Backup, after: Backup, samples: int = 100):
    return compare_of(store, before, after, samples, Work())


def reported(
    store: MemoryStore, before: Backup, after: Backup
) -> list[tuple[str, int, int | None]]:
    """Return the progress of a comparison in rows: the step, the rows that were read, the total."""
    found: list[Progress] = []
    compare_of(store, before, after, 100, Work(report=found.append))
    return [(each.note, each.done, each.total) for each in found if each.unit == "rows"]


def counts(found: BackupComparison) -> tuple[int, int, int, int]:
    return found.added, found.changed, found.removed, found.unchanged


def table(path: Path, definition: str, *rows: str) -> Path:
    sql(path, f"CREATE TABLE t({definition})")
    for row in rows:
        sql(path, f"INSERT INTO t VALUES ({row})")
    return path


def test_rows_are_compared_by_primary_key_with_samples(tmp_path):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "id INTEGER PRIMARY KEY, name, h REAL", "1,'a',1.5", "2,NULL,2",
                 "3,'c',x'00ff'", "4,'d',4")  # fmt: skip
    before = backed_up(store, path, "t")
    sql(path, "DELETE FROM t WHERE id = 1")
    sql(path, "UPDATE t SET name = 'b', h = -0.5 WHERE id = 2")
    sql(path, "UPDATE t SET h = x'00fe' WHERE id = 3")
    sql(path, "INSERT INTO t VALUES (5, 'é\"', NULL)")
    after = backed_up(store, path, "t")
    found = compared(store, before, after)
    assert counts(found) == (1, 2, 1, 1)
    assert found.by_key == ("id",)
    assert found.columns == ("id", "name", "h")
    assert [(row.change, row.before, row.after, row.different) for row in found.rows] == [
        (RowChange.ADDED, (), ("5", 'é"', "NULL"), ()),
        (RowChange.CHANGED, ("2", "NULL", "2.0"), ("2", "b", "-0.5"), ("name", "h")),
        (RowChange.CHANGED, ("3", "c", "hex 00FF"), ("3", "c", "hex 00FE"), ("h",)),
        (RowChange.REMOVED, ("1", "a", "1.5"), (), ()),
    ]
    assert not found.drift
    assert counts(compared(store, after, before)) == (1, 2, 1, 1)


def test_equal_hashes_are_answered_without_reading_a_part(tmp_path, monkeypatch):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "id INTEGER PRIMARY KEY, v", "1,'a'", "2,'b'")
    before = backed_up(store, path, "t")
    sql(path, "CREATE INDEX t_v ON t(v)")
    after = backed_up(store, path, "t")
    read = []
    monkeypatch.setattr(store, "read", lambda key, *, work: read.append(key) or store.objects[key])
    found = compared(store, before, after)
    assert found.equal
    assert found.by_hash
    assert counts(found) == (0, 0, 0, 2)
    assert found.drift == ("index t_v is only in the second backup",)
    assert not [key for key in read if "part-" in key]


def test_without_a_key_complete_rows_and_their_number_are_compared(tmp_path):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "a, b", "1,'x'", "1,'x'", "1,'x'", "2,NULL", "3,'z'")
    before = backed_up(store, path, "t")
    sql(path, "DELETE FROM t WHERE rowid IN (1, 5)")
    sql(path, "INSERT INTO t VALUES (2, NULL), (2, 'NULL'), (2, 'NULL')")
    found = compared(store, before, backed_up(store, path, "t"))
    assert counts(found) == (3, 0, 2, 3)
    assert found.by_key == ()
    assert {(row.change.value, row.before or row.after) for row in found.rows} == {
        ("added", ("2", "NULL")), ("added", ("2", "NULL")),
        ("removed", ("1", "x")), ("removed", ("3", "z")),
    }  # fmt: skip


def test_a_key_that_is_not_unique_does_not_multiply_rows(tmp_path):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "id TEXT PRIMARY KEY, v", "NULL,1", "NULL,2", "'a',3")
    before = backed_up(store, path, "t")
    sql(path, "UPDATE t SET v = 9 WHERE v = 2")
    found = compared(store, before, backed_up(store, path, "t"))
    assert counts(found) == (1, 0, 1, 2)
    assert "A key occurs twice in a backup, so that complete rows were compared." in found.notes


def test_the_same_rows_in_another_order_are_equal(tmp_path):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "a", "1", "2")
    before = backed_up(store, path, "t")
    sql(path, "UPDATE t SET a = 3 - a")
    found = compared(store, before, backed_up(store, path, "t"))
    assert (found.equal, found.by_hash, found.unchanged) == (True, False, 2)


def test_columns_that_only_one_backup_has_are_in_the_schema_differences(tmp_path):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "id INTEGER PRIMARY KEY, gone, v", "1,2,3")
    before = backed_up(store, path, "t")
    sql(path, "ALTER TABLE t DROP COLUMN gone")
    sql(path, "ALTER TABLE t ADD COLUMN new INT DEFAULT 7")
    found = compared(store, before, backed_up(store, path, "t"))
    assert found.equal
    assert found.columns == ("id", "v")
    assert set(found.drift) == {
        "column new is only in the second backup", "column gone is only in the first backup"
    }  # fmt: skip


def test_backups_without_a_common_column_are_refused(tmp_path):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "a", "1")
    before = backed_up(store, path, "t")
    sql(path, "ALTER TABLE t RENAME COLUMN a TO b")
    with pytest.raises(NotSupported, match="no column in common"):
        compared(store, before, backed_up(store, path, "t"))


def test_long_values_are_compared_completely_and_shown_cut(tmp_path):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "id INTEGER PRIMARY KEY, v", "1, printf('%.*c', 3000000, 'x')")
    before = backed_up(store, path, "t")
    sql(path, "UPDATE t SET v = v || 'y'")
    found = compared(store, before, backed_up(store, path, "t"))
    assert counts(found) == (0, 1, 0, 0)
    assert found.rows[0].different == ("v",)
    assert found.rows[0].before[1] == "x" * 200 + "…"


def test_samples_are_limited_in_the_order_of_the_rows(tmp_path):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "id INTEGER PRIMARY KEY, v")
    before = backed_up(store, path, "t")
    series = "WITH RECURSIVE s(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM s WHERE n < 50)"
    sql(path, f"INSERT INTO t {series} SELECT n, 'v' FROM s")
    found = compared(store, before, backed_up(store, path, "t"), samples=3)
    assert found.added == 50
    assert [row.after[0] for row in found.rows] == ["1", "2", "3"]


def test_a_filtered_backup_is_named(tmp_path):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "id INTEGER PRIMARY KEY, v", "1,'a'", "2,'b'")
    before = backed_up(store, path, "t")
    with open_database(str(path)) as source:
        selection = Selection(("t",), {"t": "id = 1"})
        after = back_up(store, source, selection, "", Work()).backups[0]
    found = compared(store, before, after)
    assert counts(found) == (0, 0, 1, 1)
    assert found.notes == ("The second backup contains only the rows that meet: id = 1",)


def test_an_old_form_is_compared_by_the_types_of_the_other_backup(tmp_path):
    store = MemoryStore()
    path = table(
        tmp_path / "t.db", "id INTEGER PRIMARY KEY, price REAL, at TIMESTAMP, n NUMERIC, name TEXT",
        "1, 5, '2024-01-15 10:00:00', 10.5, 'a'", "2, 0.1, NULL, 1, '7'", "3, 3, NULL, 1, 'c'",
    )  # fmt: skip
    after = backed_up(store, path, "t")
    records = [
        {"id": 1, "price": "5", "at": "2024-01-15T10:00:00Z", "n": "10.50", "name": "a"},
        {"id": 2, "price": 0.1, "at": None, "n": 1, "name": "07"},
    ]
    key = "backups/database/t/2024/01/15/2024-01-15T10:00:00Z.json"
    store.objects[key] = json.dumps({"table_name": "t", "records": records}).encode()
    before = Backup("2024-01-15T10:00:00Z", "t", after.taken, 1, key, BackupState.OLD_FORM)
    found = compared(store, before, after)
    assert counts(found) == (1, 1, 0, 1)
    assert found.rows[1].different == ("name",)


_values = st.none() | st.integers(-3, 3) | st.sampled_from(["", "a", "1", "é\n,\"'"])
_tables = st.dictionaries(st.integers(0, 9), st.tuples(_values, _values), max_size=8)


@settings(max_examples=15)
@given(before=_tables, after=_tables, keyed=st.booleans())
def test_generated_tables_have_the_counts_of_a_plain_comparison(
    tmp_path_factory, before, after, keyed
):
    store, path = MemoryStore(), tmp_path_factory.mktemp("generated") / "t.db"
    key = " PRIMARY KEY" if keyed else ""
    sql(path, f"CREATE TABLE t(id INTEGER{key}, a, b)")
    made = []
    for rows in (before, after):
        with open_database(str(path), write=True) as database:
            connection = database._connection
            connection.execute("DELETE FROM t")
            connection.executemany(
                "INSERT INTO t VALUES (?, ?, ?)", [(i, *v) for i, v in rows.items()]
            )
        made.append(backed_up(store, path, "t"))
    found = compared(store, *made)
    if keyed:
        both = before.keys() & after.keys()
        changed = sum(repr(before[each]) != repr(after[each]) for each in both)
        expected = (
            len(after.keys() - both),
            changed,
            len(before.keys() - both),
            len(both) - changed,
        )
    else:
        old, new = (Counter(repr((i, *v)) for i, v in rows.items()) for rows in (before, after))
        expected = ((new - old).total(), 0, (old - new).total(), (old & new).total())
    assert counts(found) == expected
    assert found.equal == (expected[:3] == (0, 0, 0))


def test_encrypted_backups_are_compared(tmp_path, monkeypatch):
    store = MemoryStore()
    path = table(tmp_path / "t.db", "id INTEGER PRIMARY KEY, v", "1,'a'", "2,'b'")
    with contextlib.contextmanager(memory_keyring)(monkeypatch):
        key = create_key(None, name="keyring:main")
        made = []
        for statement in ("SELECT 1", "UPDATE t SET v = 'c' WHERE id = 2"):
            sql(path, statement)
            with open_database(str(path)) as source:
                made.append(back_up(store, source, ["t"], "", Work(), key=key).backups[0])
        plain = backed_up(store, path, "t")
        assert counts(compared(store, made[0], made[1])) == (0, 1, 0, 1)
        steps = reported(store, made[0], made[1])
        assert steps.index(("comparing", 2, 4)) < steps.index(("comparing", 4, 4))
        assert steps[-1] == ("reading the differences", 4, 4)
        assert compared(store, made[1], plain).by_hash
        assert counts(compared(store, plain, made[0])) == (0, 1, 0, 1)


def test_the_progress_of_a_long_statement_is_reported():
    """A comparison of large backups showed no percentage."""
    found: list[float] = []
    reports = threading.Event()

    class Session:
        answers = iter((-1.0, 0.0, 43.5))

        def execute(self, _sql: str) -> None: ...

        def query_progress(self) -> float:
            return next(self.answers, 100.0)

    def report(share: float) -> None:
        found.append(share)
        if len(found) == 2:
            reports.set()

    with polling_progress(Session(), report):  # type: ignore[arg-type] # a part of a connection
        assert reports.wait(10)
    assert found[:2] == [0.435, 1]


def test_backups_of_two_engines_are_refused_before_anything_is_read(tmp_path):
    store = MemoryStore()
    before = backed_up(store, table(tmp_path / "t.db", "id INTEGER PRIMARY KEY", "1"), "t")
    after = replace(before, origin=Origin("MariaDB", "d", "localhost:3306", "d"))
    store.objects.clear()
    with pytest.raises(NotSupported, match="are of different engines"):
        compared(store, before, after)
