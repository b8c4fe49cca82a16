"""Backups of the rows that meet an SQL condition, on a real MariaDB."""

from __future__ import annotations

import pytest
from helpers.backups import MemoryStore

from core.backup.comparison import compare_of
from core.backup.run import back_up
from core.errors import InvalidInput
from core.model.backup import BackupReport
from core.model.selection import Selection
from core.work import Work


@pytest.fixture
def orders(trading):
    trading.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, status VARCHAR(10), price DECIMAL(10,2))",
        "INSERT INTO orders SELECT seq, IF(seq % 2, 'open', 'filled'), seq / 4 FROM seq_1_to_100",
        "CREATE TABLE log (what TEXT)",
        "INSERT INTO log VALUES ('a'), ('b'), ('b')",
    )
    return trading


def run(store: MemoryStore, trading, selection: Selection) -> BackupReport:
    with trading.open() as source:
        return back_up(store, source, selection, "", Work())


def test_exactly_the_rows_that_meet_the_condition_are_backed_up(orders):
    store = MemoryStore()
    where = "status = 'open' -- a comment )\nAND price > 5 # another )"
    selection = Selection(("orders", "log"), {"orders": where, "log": "what = 'b') OR (what = 'c'"})
    backup, log = run(store, orders, selection).backups
    report = orders.restored(store, backup, target="some")
    assert report.verified == "verified (SHA-256 and server fingerprint)"
    assert [row[0] for row in orders.rows("some")] == list(range(21, 100, 2))
    orders.restored(store, log, target="some_log")
    assert orders.rows("some_log") == (("b",), ("b",))


def test_a_text_that_is_not_a_condition_changes_nothing(orders):
    orders.sql(
        "CREATE SEQUENCE counter",
        "CREATE FUNCTION spoil() RETURNS INT DETERMINISTIC MODIFIES SQL DATA "
        "BEGIN DELETE FROM log; RETURN 1; END",
    )
    before, store = orders.everything(), MemoryStore()
    for where in (
        "1=1; DROP TABLE log",
        "1=1); DROP TABLE log; -- ",
        "1=1) UNION SELECT 1 WHERE (1=1",
        "1=1) LIMIT 1 PROCEDURE ANALYSE (1",
        "1=1) INTO OUTFILE '/tmp/strongroom_test' FIELDS TERMINATED BY (','",
        "1=1) ORDER BY (1",
        "1=1) FOR UPDATE /*! ) */",
        "1) THEN 1 END FROM orders UNION SELECT CASE WHEN (1",
        "status = 'open",
        "status = `open",
        "(1",
        "1)",
        "1 /* open",
        "1 /*! open",
        "1 /*!50000 ) UNION SELECT (1 */",
        "id = ?",
        "missing = 1",
        "spoil()",
        "nextval(counter) > 0",
        "GET_LOCK('a', 1) = 1",
        "id IN (SELECT get_lock /*! */ /* ( */\n('a', 1))",
        "`get_lock`('a', 1)",
        "LENGTH(LOAD_FILE('/etc/passwd')) > 0",
        "COUNT(*) > 1",
    ):
        with pytest.raises(InvalidInput) as error:
            run(store, orders, Selection(("orders",), {"orders": where}))
        assert where in error.value.summary
        assert orders.everything() == before, where
        assert not store.objects, where


def test_patterns_follow_the_case_rule_of_the_server(orders):
    report = run(MemoryStore(), orders, Selection(include=("o*",)))
    assert [each.table for each in report.backups] == ["orders"]
    if orders.sql("SELECT @@lower_case_table_names") == ((0,),):
        with pytest.raises(InvalidInput, match="No table matches the pattern O"):
            run(MemoryStore(), orders, Selection(include=("O*",)))


def test_two_backups_are_compared_by_key_and_without_one_by_rows(orders):
    store = MemoryStore()
    before = run(store, orders, Selection(("orders", "log"))).backups
    orders.sql(
        "UPDATE orders SET status = NULL, price = 9 WHERE id = 5",
        "DELETE FROM orders WHERE id = 7",
        "INSERT INTO log VALUES ('b'), ('é\"')",
    )
    after = run(store, orders, Selection(("orders", "log"))).backups
    found = compare_of(store, before[0], after[0], 10, Work())
    assert (found.added, found.changed, found.removed, found.unchanged) == (0, 1, 1, 98)
    assert [(row.before, row.after, row.different) for row in found.rows] == [
        (("5", "open", "1.25"), ("5", "NULL", "9.00"), ("status", "price")),
        (("7", "open", "1.75"), (), ()),
    ]
    found = compare_of(store, before[1], after[1], 10, Work())
    assert (found.added, found.changed, found.removed, found.unchanged) == (2, 0, 0, 3)
    assert {row.after for row in found.rows} == {("b",), ('é"',)}
