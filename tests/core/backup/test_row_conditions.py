"""Rows of an SQLite backup are selected by a condition, as keys that identify them exactly."""

import json
from pathlib import Path

import pytest
from helpers.backups import MemoryStore
from helpers.coins_table import backed_up, run_sql

from core.backup.row_conditions import keys_where
from core.backup.row_restore import restore_rows_of
from core.errors import InvalidInput, NotSupported
from core.work import Work


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ("name = 'btc' OR owner = 2", [1, 3, 4]),
        ("data IS NULL -- a comment", [4]),
        ("id BETWEEN 2 AND 3", [2, 3]),
        ("id = (SELECT max(id) FROM backup)", [4]),
    ],
)
def test_rows_are_selected_by_a_condition_on_the_backup(
    store: MemoryStore, coins: Path, where: str, keys: list[int]
) -> None:
    backup = backed_up(store, coins, "coins")
    assert [json.loads(key) for key in keys_where(store, backup, where, Work())] == [
        [key] for key in keys
    ]


@pytest.mark.parametrize(
    "keys",
    [
        ["'a'", "'A'", "'é\"\\'", "'5'", "''"],
        ["1", "2.5", "9007199254740993", "'1x'", "x'00FF'"],
        ["1e300", "0.1", "-0.5"],
        ["x'00'", "x'FF'", "'text'"],
    ],
)
def test_selected_keys_identify_their_rows_exactly(
    store: MemoryStore, tmp_path: Path, keys: list[str]
) -> None:
    path = tmp_path / "keys.db"
    run_sql(path, "CREATE TABLE t (k PRIMARY KEY, second INT, v)")
    for number, key in enumerate(keys):
        run_sql(path, f"INSERT INTO t VALUES ({key}, 1, {number})")
    backup = backed_up(store, path, "t")
    rows = "SELECT hex(k), typeof(k), v FROM t ORDER BY rowid"
    before = run_sql(path, rows)
    run_sql(path, "UPDATE t SET v = -1 - v")
    for number in range(len(keys)):
        (key,) = keys_where(store, backup, f"v = {number}", Work())
        restore_rows_of(store, backup, str(path), [key], Work())
        assert run_sql(path, f"SELECT v FROM t WHERE k = {keys[number]}") == [(number,)]
    assert run_sql(path, rows) == before
    assert len(keys_where(store, backup, "true", Work())) == len(keys)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("nothing = 1", "nothing"),
        ("id = ", "syntax error"),
        ("id = 1) UNION SELECT (1", "cannot be used"),
        ("id = 1; SELECT 2", "cannot be used"),
        ("id IN (SELECT 1 FROM read_csv('/etc/passwd'))", "cannot be used"),
        ("id > 100", "No row of the backup meets the condition"),
    ],
)
def test_a_condition_on_the_backup_that_is_not_one_is_refused(
    store: MemoryStore, coins: Path, where: str, text: str
) -> None:
    backup = backed_up(store, coins, "coins")
    with pytest.raises(InvalidInput) as refused:
        keys_where(store, backup, where, Work())
    assert text in str(refused.value)
    assert refused.value.effect == "Nothing was changed."


def test_an_empty_condition_on_the_backup_is_refused(store: MemoryStore, coins: Path) -> None:
    with pytest.raises(InvalidInput, match="The condition is empty"):
        keys_where(store, backed_up(store, coins, "coins"), "  ", Work())


def test_a_condition_that_too_many_rows_meet_is_refused(
    store: MemoryStore, coins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.backup.row_conditions.MOST_ROWS", 3)
    with pytest.raises(InvalidInput, match="More than 3 rows"):
        keys_where(store, backed_up(store, coins, "coins"), "true", Work())


def test_a_table_without_a_primary_key_has_no_single_rows(store: MemoryStore, coins: Path) -> None:
    with pytest.raises(NotSupported, match="cannot be restored"):
        keys_where(store, backed_up(store, coins, "fills"), "coin = 1", Work())
