"""Single rows of a MariaDB backup are restored exactly, and an undo reverses it."""

import json
from typing import Any

import pytest
from helpers.backups import MemoryStore

from core.backup.databases import open_database
from core.backup.databases.mysql import MySQLDatabase
from core.backup.databases.mysql.session import Session
from core.backup.preview import preview_of
from core.backup.row_conditions import keys_where
from core.backup.row_restore import preview_rows_of, restore_rows_of
from core.effects import BY_HAND, stating_effect
from core.errors import Conflict, InvalidInput, NotFound, StorageError
from core.model.backup import Backup
from core.model.row_restore import RowCounts
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

_TYPES = (
    "a DECIMAL(20,5), b DOUBLE, c FLOAT, d VARBINARY(9), e TIMESTAMP NULL ON UPDATE CURRENT_TIMESTAMP, "
    "f ENUM('x','y'), g SET('p','q'), h BIT(12), i BIGINT UNSIGNED ZEROFILL, j DATE, k JSON, "
    "l TIME(6), m YEAR, n CHAR(4), o VARCHAR(20) CHARACTER SET latin1, p POINT, q DATETIME(3)"
)
_VALUES = (
    "1.20000, 0.1, 0.1, x'00FF', '2024-01-01 00:00:00', 'y', 'p,q', b'101', 18446744073709551615, "
    "'0000-00-00', '{\"z\": 1, \"a\":2}', '-838:59:59', 2024, 'é', 'é', POINT(1, 2), '2024-02-31'"
)


@pytest.fixture
def coins(trading: Trading) -> Trading:
    trading.sql(
        "CREATE TABLE users (id INT PRIMARY KEY)",
        "INSERT INTO users VALUES (1), (2)",
        "CREATE TABLE coins (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) UNIQUE, owner INT, "
        f"twice INT AS (owner * 2) STORED, {_TYPES}, FOREIGN KEY (owner) REFERENCES users (id))",
    )
    names = "id, name, owner, " + ", ".join("abcdefghijklmnopq")
    for number in (1, 2, 3):
        trading.sql(f"INSERT INTO coins ({names}) VALUES ({number}, 'n{number}', 1, {_VALUES})")
    trading.sql(
        "CREATE TABLE fills (coin INT, FOREIGN KEY (coin) REFERENCES coins (id) ON DELETE CASCADE)"
    )
    return trading


def _undo(trading: Trading, former: str) -> None:
    with open_database(trading.address, write=True) as target, target.change(work=Work()):
        target.undo(former)


def _changed(store: MemoryStore, backup: Backup, coins: Trading, former: str) -> None:
    """Undo the restore of rows, or restore a row if nothing was restored before."""
    if former:
        _undo(coins, former)
    else:
        restore_rows_of(store, backup, coins.address, ["2"], Work())


def test_rows_are_inserted_updated_and_deleted_and_the_undo_reverses_it(
    store: MemoryStore, coins: Trading
) -> None:
    backup, before = coins.backed_up(store, "coins"), coins.rows("coins")
    coins.sql(
        "UPDATE coins SET a = 1, b = 7, n = 'É', e = NULL WHERE id = 2",
        "DELETE FROM coins WHERE id = 3",
        "INSERT INTO coins (name) VALUES ('new')",
    )
    changed = coins.everything()
    keys = ["2", "[3]", '["4"]', "1"]
    shown = preview_rows_of(store, backup, coins.address, keys, Work())
    assert shown.counts == RowCounts(1, 1, 1, 1)
    assert coins.everything() == changed

    report = restore_rows_of(store, backup, coins.address, keys, Work())
    assert report.counts == shown.counts
    assert coins.rows("coins") == before
    _undo(coins, report.former)
    assert coins.everything() == changed


def test_former_rows_can_be_dropped_and_equal_rows_change_nothing(
    store: MemoryStore, coins: Trading
) -> None:
    backup, before = coins.backed_up(store, "coins"), coins.everything()
    assert restore_rows_of(store, backup, coins.address, ["1"], Work()).former == ""
    assert coins.everything() == before
    coins.sql("UPDATE coins SET b = 7, e = '2024-01-01' WHERE id = 2")
    report = restore_rows_of(store, backup, coins.address, ["2"], Work())
    with coins.open(write=True) as target, target.change(work=Work()):
        target.drop_former(report.former)
    assert coins.everything() == before


@pytest.mark.parametrize(
    ("statement", "key", "kind", "text"),
    [
        ("UPDATE coins SET owner = NULL", "1", Conflict, "The row 1 of coins would refer to"),
        ("SELECT 1", "999", NotFound, "There is no row 999"),
        ("SELECT 1", "abc", InvalidInput, "does not fit the primary key"),
        ("INSERT INTO coins (id) VALUES (9)", "9", Conflict, "Rows of fills refer to the row 9"),
        ("UPDATE coins SET name = CONCAT('n', 4 - id)", "1", Conflict, "Another row of coins has"),
    ],
)
def test_what_prevents_a_row_is_named_and_nothing_changes(
    store: MemoryStore, coins: Trading, statement: str, key: str, kind: type[Exception], text: str
) -> None:
    backup = coins.backed_up(store, "coins")
    coins.sql(
        "UPDATE coins SET name = NULL" if "CONCAT" in statement else "SELECT 1",
        statement,
        "UPDATE coins SET owner = 2 WHERE owner = 1",
        "INSERT IGNORE INTO fills VALUES (9)",
    )
    if "owner" in statement:
        coins.sql("DELETE FROM users WHERE id = 1")
    before = coins.everything()
    with pytest.raises(kind, match=text):
        restore_rows_of(store, backup, coins.address, [key], Work())
    assert coins.everything() == before


def test_a_trigger_that_changes_the_row_is_reported_and_nothing_changes(
    store: MemoryStore, coins: Trading
) -> None:
    backup = coins.backed_up(store, "coins")
    coins.sql(
        "UPDATE coins SET b = 7 WHERE id = 2",
        "CREATE TRIGGER stamp BEFORE UPDATE ON coins FOR EACH ROW SET NEW.m = 2000",
    )
    before = coins.everything()
    shown = preview_rows_of(store, backup, coins.address, ["2"], Work())
    assert "the server cannot disable them: stamp" in shown.problems[0]
    with pytest.raises(Conflict, match="The row 2 of coins cannot be stored as in the backup"):
        restore_rows_of(store, backup, coins.address, ["2"], Work())
    assert coins.everything() == before


def test_composite_binary_keys_and_collations(store: MemoryStore, trading: Trading) -> None:
    trading.sql(
        "CREATE TABLE t (a VARCHAR(9) COLLATE utf8mb4_general_ci, b BINARY(2), c INT, "
        "PRIMARY KEY (a, b))",
        "INSERT INTO t VALUES ('one', x'00FF', 1), ('two', x'0000', 2)",
    )
    backup, before = trading.backed_up(store, "t"), trading.rows("t")
    trading.sql("UPDATE t SET c = 5, a = 'One' WHERE a = 'one'", "DELETE FROM t WHERE a = 'two'")
    keys = [json.dumps(["ONE", {"$hex": "00FF"}]), '["two", {"$hex": "0000"}]']
    difference = preview_of(store, backup, trading.address, 10, Work()).difference
    assert keys[1] in difference.added_keys
    assert difference.removed_keys == ('["One", {"$hex": "00FF"}]',)
    report = restore_rows_of(store, backup, trading.address, keys, Work())
    assert report.counts == RowCounts(1, 1)
    assert trading.rows("t") == before


def test_a_cut_connection_at_any_statement_changes_nothing(
    store: MemoryStore, coins: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = coins.backed_up(store, "coins")
    coins.sql("UPDATE coins SET b = 7 WHERE id = 2", "DELETE FROM coins WHERE id = 3")
    before = coins.everything()
    query, count, limit, cut_off = Session.query, 0, 0, False

    def cut(self: Session, statement: str) -> object:
        nonlocal count, cut_off
        count += 1
        if count == limit and not cut_off:
            cut_off = True
            self.cut()
        return query(self, statement)

    monkeypatch.setattr(Session, "query", cut)
    for limit in range(26, 120, 6):
        count, cut_off = 0, False
        try:
            report = restore_rows_of(store, backup, coins.address, ["2", "3"], Work())
        except StorageError:
            cut_off = True
            assert coins.everything() == before, limit
        else:
            if not cut_off:
                break
            _undo(coins, report.former)
            assert coins.everything() == before, limit
    assert limit < 116


@pytest.mark.parametrize("undoing", [False, True])
def test_what_a_killed_restore_or_undo_leaves_is_removed_by_the_next_change(
    store: MemoryStore, coins: Trading, monkeypatch: pytest.MonkeyPatch, undoing: bool
) -> None:
    backup = coins.backed_up(store, "coins")
    coins.sql("UPDATE coins SET b = 7 WHERE id = 2")
    before = coins.everything()
    former = restore_rows_of(store, backup, coins.address, ["2"], Work()).former if undoing else ""
    run, end = Session.run, "DROP TABLE IF EXISTS" if undoing else "COMMIT"

    def killed(self: Session, statement: str) -> None:
        if statement.startswith(end):
            self.cut()
        run(self, statement)

    rows = coins.rows("coins") if not undoing else None
    with monkeypatch.context() as patch:
        patch.setattr(MySQLDatabase, "_clean_up", lambda *_arguments: None)
        patch.setattr(Session, "run", killed)
        with pytest.raises(StorageError):
            _changed(store, backup, coins, former)
    assert rows is None or coins.rows("coins") == rows
    assert len(coins.tables()) == 5
    with coins.open(write=True) as target, target.change(work=Work()):
        pass
    assert coins.everything() == before


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("DATETIME(6)", ["'2024-01-01 10:00:00.123456'", "'0000-00-00'"]),
        ("DECIMAL(20,5)", ["1.5", "1.50001"]),
        ("DOUBLE", ["0.1", "1e-300"]),
        ("VARBINARY(9)", ["x'00FF'", "''"]),
        ("VARCHAR(20)", ["'a\"b'", "' x'"]),
        ("BIGINT UNSIGNED", ["18446744073709551615", "0"]),
        ("TIME(6)", ["'-838:59:59'"]),
        ("BIT(12)", ["b'101'"]),
    ],
)
def test_rows_that_meet_a_condition_are_restored_by_their_exact_keys(
    store: MemoryStore, trading: Trading, kind: str, values: list[str]
) -> None:
    trading.sql(f"CREATE TABLE k (a {kind}, b INT, v INT, PRIMARY KEY (b, a))")
    for number, value in enumerate(values):
        trading.sql(f"INSERT INTO k VALUES ({value}, 1, {number})")
    backup, before = trading.backed_up(store, "k"), trading.sql("SELECT * FROM k")
    trading.sql("UPDATE k SET v = v + 100")
    keys = keys_where(store, backup, "b = 1 AND v >= 0", Work())
    report = restore_rows_of(store, backup, trading.address, keys, Work())
    assert report.counts == RowCounts(0, len(values), 0, 0)
    assert trading.sql("SELECT * FROM k") == before


def test_a_commit_of_rows_whose_answer_is_lost_is_not_called_unchanged(
    coins: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = coins.backed_up(store, "coins")
    coins.sql("UPDATE coins SET name = 'changed' WHERE id = 1")
    original, rows = Session.query, coins.sql("SELECT COUNT(*) FROM coins")

    def query(session: Session, statement: str) -> Any:
        found = original(session, statement)
        if statement == "COMMIT":
            monkeypatch.undo()
            session.cut()
            session.query("SELECT 1")
        return found

    monkeypatch.setattr(Session, "query", query)
    with pytest.raises(StorageError) as lost, stating_effect("restored", (BY_HAND,)):
        restore_rows_of(store, backup, coins.address, ["1"], Work())
    assert "may have been restored" in lost.value.effect
    assert coins.sql("SELECT COUNT(*) FROM coins WHERE name <> 'changed'") == rows
