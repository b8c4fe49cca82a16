"""Single rows of an SQLite backup are inserted, updated and deleted, and an undo reverses it."""

import json
from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore
from helpers.coins_table import backed_up, run_sql
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.backup.databases import open_database
from core.backup.databases.sqlite.row_restore import SQLiteRowChanges
from core.backup.preview import preview_of
from core.backup.row_restore import preview_rows_of, restore_rows_of
from core.backup.run import back_up
from core.backup.undo import describe_former_table, drop_former_table, undo
from core.errors import Conflict, DatabaseError, InvalidInput, NotFound, NotSupported
from core.model.row_restore import RowAction, RowCounts
from core.model.selection import Selection
from core.work import Work


def _content(path: Path) -> list[object]:
    tables = run_sql(
        path, "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY 1"
    )
    schema = run_sql(path, "SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2")
    rows = [
        run_sql(
            path,
            f"SELECT json_group_array(hex(CAST({column} AS BLOB))||typeof({column})) FROM {name}",
        )
        for (name,) in tables
        for (column,) in run_sql(path, f"SELECT name FROM pragma_table_info('{name}')")
    ]
    return [schema, rows]


def test_rows_are_inserted_updated_and_deleted_and_the_undo_reverses_it(
    store: MemoryStore, coins: Path
) -> None:
    backup = backed_up(store, coins, "coins")
    before = run_sql(coins, "SELECT id, name, typeof(data), hex(data), owner FROM coins")
    run_sql(
        coins,
        "UPDATE coins SET data = 7, name = 'ETH' WHERE id = 2",
        "DELETE FROM coins WHERE id = 3",
        "UPDATE coins SET owner = 1 WHERE id = 4",
        "INSERT INTO coins (name) VALUES ('new')",
        "DELETE FROM log",
    )
    changed = _content(coins)
    keys = ["2", "[3]", '["5"]', "1"]
    shown = preview_rows_of(store, backup, str(coins), keys, Work())
    assert shown.counts == RowCounts(1, 1, 1, 1)
    assert {(row.key, row.action) for row in shown.rows} == {
        ("2", RowAction.UPDATE), ("3", RowAction.INSERT), ("5", RowAction.DELETE),
        ("1", RowAction.UNCHANGED),
    }  # fmt: skip
    assert shown.problems == ("Triggers of the table do not fire for these rows: coins_log.",)
    assert _content(coins) == changed

    report = restore_rows_of(store, backup, str(coins), keys, Work())
    assert report.counts == shown.counts
    after = run_sql(coins, "SELECT id, name, typeof(data), hex(data), owner FROM coins")
    assert after[:3] == before[:3]
    assert [(row[0], row[4]) for row in after[3:]] == [(4, 1)]
    assert run_sql(coins, "SELECT * FROM log") == []
    assert describe_former_table(str(coins), "coins").name == report.former

    assert undo(None, Work(), database=str(coins), former=report.former).table == "coins"
    assert _content(coins) == changed


def test_the_former_rows_can_be_dropped(store: MemoryStore, coins: Path) -> None:
    backup = backed_up(store, coins, "coins")
    before = _content(coins)
    run_sql(coins, "UPDATE coins SET data = 3 WHERE id = 1", "DELETE FROM log")
    report = restore_rows_of(store, backup, str(coins), ["1"], Work())
    drop_former_table(None, Work(), database=str(coins), former=report.former)
    assert _content(coins) == before


def test_equal_rows_change_nothing(store: MemoryStore, coins: Path) -> None:
    backup = backed_up(store, coins, "coins")
    before = _content(coins)
    report = restore_rows_of(store, backup, str(coins), ["1", "3"], Work())
    assert (report.counts, report.former) == (RowCounts(unchanged=2), "")
    assert _content(coins) == before


@pytest.mark.parametrize(
    ("statements", "keys", "kind", "text"),
    [
        (["DELETE FROM users WHERE id = 1", "DELETE FROM coins WHERE id = 2"], ["2"], Conflict,
         "The row 2 of coins would refer to a missing row"),
        (["INSERT INTO coins (id) VALUES (9)", "INSERT INTO fills VALUES (9)"], ["9"], Conflict,
         "Rows of fills refer to the row 9 of coins"),
        ([], ["77"], NotFound, "There is no row 77 in coins"),
        ([], ["[1, 2]"], InvalidInput, "is not a key of the table"),
        ([], [], InvalidInput, "No rows are selected"),
    ],
)  # fmt: skip
def test_what_prevents_a_row_is_named_and_nothing_changes(
    store: MemoryStore,
    coins: Path,
    statements: list[str],
    keys: list[str],
    kind: type[Exception],
    text: str,
) -> None:
    backup = backed_up(store, coins, "coins")
    run_sql(coins, *statements)
    before = _content(coins)
    for function in (preview_rows_of, restore_rows_of):
        with pytest.raises(kind, match=text):
            function(store, backup, str(coins), keys, Work())
    assert _content(coins) == before


def test_a_unique_key_of_another_row_prevents_it(store: MemoryStore, coins: Path) -> None:
    backup = backed_up(store, coins, "coins")
    run_sql(
        coins, "DELETE FROM coins WHERE id = 3", "INSERT INTO coins (id, name) VALUES (8, 'XMR')"
    )
    before = _content(coins)
    with pytest.raises(Conflict, match="Another row of coins has a unique value of the row 3"):
        restore_rows_of(store, backup, str(coins), ["3"], Work())
    assert _content(coins) == before


def test_composite_and_binary_keys_and_new_and_lost_columns(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "keys.db"
    run_sql(
        path,
        "CREATE TABLE t (a TEXT COLLATE NOCASE, b BLOB, c, lost, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "INSERT INTO t VALUES ('one', x'00FF', 1, 2), ('two', x'', '1', 3)",
    )
    backup = backed_up(store, path, "t")
    run_sql(
        path, "UPDATE t SET c = 5 WHERE a = 'one'", "DELETE FROM t WHERE a = 'two'",
        "ALTER TABLE t DROP COLUMN lost", "ALTER TABLE t ADD COLUMN new DEFAULT 9",
    )  # fmt: skip
    keys = [json.dumps(["ONE", {"$hex": "00FF"}]), '["two", {"$hex": ""}]']
    report = restore_rows_of(store, backup, str(path), keys, Work())
    assert report.counts == RowCounts(1, 1)
    assert report.problems == (
        "Columns of the backup that the table no longer has: lost.",
        (
            "Columns that the backup does not have stay unchanged, or get their default in "
            "inserted rows: new."
        ),
    )
    assert run_sql(path, "SELECT a, hex(b), c, new FROM t ORDER BY a") == [
        ("one", "00FF", 1, 9), ("two", "", "1", 9),
    ]  # fmt: skip
    undo(None, Work(), database=str(path), former=report.former)
    assert run_sql(path, "SELECT a, hex(b), c, new FROM t ORDER BY a") == [("one", "00FF", 5, 9)]


def test_a_table_without_a_primary_key_is_refused(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "keyless.db"
    run_sql(path, "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    backup = backed_up(store, path, "t")
    with pytest.raises(NotSupported) as caught:
        restore_rows_of(store, backup, str(path), ["1"], Work())
    assert "under a new name" in caught.value.remedy


def test_a_backup_of_some_rows_deletes_none(store: MemoryStore, coins: Path) -> None:
    with open_database(str(coins)) as source:
        wanted = Selection(("coins",), where={"coins": "id < 3"})
        backup = back_up(store, source, wanted, "", Work()).backups[0]
    run_sql(coins, "UPDATE coins SET data = 9 WHERE id IN (2, 3)")
    before = _content(coins)
    with pytest.raises(Conflict, match="does not contain all of these rows"):
        restore_rows_of(store, backup, str(coins), ["2", "3"], Work())
    assert _content(coins) == before
    assert restore_rows_of(store, backup, str(coins), ["2"], Work()).counts.updated == 1


def test_a_failure_at_any_statement_changes_nothing(
    store: MemoryStore, coins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = backed_up(store, coins, "coins")
    run_sql(coins, "UPDATE coins SET data = 9 WHERE id = 2", "DELETE FROM coins WHERE id = 3")
    before = _content(coins)
    query, count, limit = SQLiteRowChanges.query, 0, 0

    def fail(self: SQLiteRowChanges, statement: str) -> list[tuple[object, ...]]:
        nonlocal count
        count += 1
        if count == limit:
            raise DatabaseError("It fails here")
        return query(self, statement)

    monkeypatch.setattr(SQLiteRowChanges, "query", fail)
    for limit in range(1, 60):
        count = 0
        try:
            restore_rows_of(store, backup, str(coins), ["2", "3"], Work())
        except DatabaseError:
            assert _content(coins) == before, limit
        else:
            break
    assert 15 < limit < 59


def test_the_keys_of_a_preview_select_the_rows(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    run_sql(
        path,
        "CREATE TABLE t (a, b, PRIMARY KEY (a))",
        "INSERT INTO t VALUES (1, 1), ('1', 2), (1.5, 3), (x'00', 4), ('é', 5)",
    )
    backup = backed_up(store, path, "t")
    before = run_sql(path, "SELECT typeof(a), a, b FROM t ORDER BY b")
    run_sql(path, "UPDATE t SET b = 0 WHERE b < 3", "DELETE FROM t WHERE b > 2")
    shown = preview_of(store, backup, str(path), 10, Work())
    assert shown.single_rows
    keys = [*(cell.row for cell in shown.difference.cells), *shown.difference.added_keys]
    assert sorted(keys) == ['["1"]', '["é"]', "[1.5]", "[1]", '[{"$hex": "00"}]']
    restore_rows_of(store, backup, str(path), keys, Work())
    assert run_sql(path, "SELECT typeof(a), a, b FROM t ORDER BY b") == before


def test_full_text_indexes_follow_the_rows(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "texts.db"
    run_sql(
        path,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)",
        "CREATE VIRTUAL TABLE words USING fts5(body, content='t', content_rowid='id')",
        "INSERT INTO t VALUES (1, 'former text'), (2, 'other')",
        "INSERT INTO words(words) VALUES ('rebuild')",
    )
    backup = backed_up(store, path, "t")
    run_sql(
        path, "UPDATE t SET body = 'newer' WHERE id = 1", "INSERT INTO words(words) VALUES ('rebuild')"
    )  # fmt: skip
    report = restore_rows_of(store, backup, str(path), ["1"], Work())
    assert run_sql(path, "SELECT rowid FROM words WHERE words MATCH 'former'") == [(1,)]
    undo(None, Work(), database=str(path), former=report.former)
    assert run_sql(path, "SELECT rowid FROM words WHERE words MATCH 'newer'") == [(1,)]


def test_a_check_of_today_is_enforced(store: MemoryStore, tmp_path: Path) -> None:
    path = tmp_path / "checks.db"
    run_sql(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT)", "INSERT INTO t VALUES (1, -1)")
    backup = backed_up(store, path, "t")
    run_sql(path, "DROP TABLE t", "CREATE TABLE t (id INTEGER PRIMARY KEY, n INT CHECK (n > 0))")
    before = _content(path)
    with pytest.raises(DatabaseError):
        restore_rows_of(store, backup, str(path), ["1"], Work())
    assert _content(path) == before


_VALUES = st.none() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(
    st.characters(codec="utf-8"), max_size=5
) | st.binary(max_size=4)  # fmt: skip
_TABLES = st.dictionaries(st.integers(0, 8), st.tuples(_VALUES, _VALUES), max_size=8)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(before=_TABLES, today=_TABLES, keys=st.sets(st.integers(0, 8), min_size=1))
def test_only_the_selected_rows_become_those_of_the_backup(
    tmp_path_factory: pytest.TempPathFactory,
    before: dict[int, tuple[object, object]],
    today: dict[int, tuple[object, object]],
    keys: set[int],
) -> None:
    path, store = tmp_path_factory.mktemp("rows") / "random.db", MemoryStore()
    run_sql(path, "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b NUMERIC)")
    _fill(path, before)
    sql = "SELECT id, typeof(a), a, typeof(b), b FROM t ORDER BY id"
    original = {row[0]: row for row in run_sql(path, sql)}
    backup = backed_up(store, path, "t")
    run_sql(path, "DELETE FROM t")
    _fill(path, today)
    known = [key for key in sorted(keys) if key in before or key in today]
    former = {row[0]: row for row in run_sql(path, sql)}
    if not known:
        return
    report = restore_rows_of(store, backup, str(path), list(map(str, known)), Work())
    after = {row[0]: row for row in run_sql(path, sql)}
    assert {k: row for k, row in after.items() if k not in known} == {
        k: row for k, row in former.items() if k not in known
    }
    assert {k: row for k, row in after.items() if k in known} == {
        k: row for k, row in original.items() if k in known
    }
    if report.former:
        undo(None, Work(), database=str(path), former=report.former)
        assert {row[0]: row for row in run_sql(path, sql)} == former
    assert restore_rows_of(store, backup, str(path), list(map(str, known)), Work()).counts == (
        report.counts
    )


def _fill(path: Path, rows: dict[int, tuple[object, object]]) -> None:
    connection = apsw.Connection(str(path))
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", [(k, *row) for k, row in rows.items()])
    connection.close()
