"""The preview of a MariaDB table counts the rows that would refer to missing rows."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from helpers.backups import MemoryStore

from core.backup.preview import preview_of
from core.errors import Conflict
from core.work import Work
from tests.core.backup.mariadb.conftest import Trading

_PARENT = (
    "CREATE TABLE p (id INT PRIMARY KEY, code VARCHAR(20) NOT NULL, raw VARBINARY(9), "
    "day DATE, UNIQUE (code, day), UNIQUE (raw))"
)
_CHILDREN = (
    "CREATE TABLE c (p INT, FOREIGN KEY (p) REFERENCES p (id))",
    "CREATE TABLE d (code VARCHAR(20), day DATE, FOREIGN KEY (code, day) REFERENCES p (code, day))",
    "CREATE TABLE e (raw VARBINARY(9), FOREIGN KEY (raw) REFERENCES p (raw))",
)


def _check(
    trading: Trading,
    store: MemoryStore,
    table: str,
    expected: Sequence[tuple[str, int]],
    changes: Sequence[str],
) -> None:
    """Compare the counts of the preview with those of the restore, which counts them by itself."""
    backup = trading.backed_up(store, table)
    trading.sql(*changes)
    shown = preview_of(store, backup, trading.address, 5, Work())
    assert sorted(shown.orphans) == sorted(expected)
    if not expected:
        assert not trading.restored(store, backup).problems
        return
    with pytest.raises(Conflict, match="Rows would refer to missing rows") as refused:
        trading.restored(store, backup)
    for name, count in expected:
        assert f"{count:,} in {name}" in refused.value.cause
    report = trading.restored(store, backup, allow_orphans=True)
    assert any("Rows point to nothing now" in problem for problem in report.problems)


def test_rows_of_other_tables(trading: Trading, store: MemoryStore) -> None:
    trading.sql(_PARENT, *_CHILDREN, "INSERT INTO p VALUES (5, 'é\\\\''x', x'00ff', '2024-01-01')")
    _check(
        trading, store, "p", [("c", 501), ("d", 1), ("e", 1)],
        [
            "INSERT INTO p SELECT seq, CONCAT('k', seq), NULL, '2024-02-02' FROM seq_10_to_509",
            "INSERT INTO p VALUES (1, 'it''s \\\\ \"é\"', x'27005c', '2024-01-02'), (2, 'x', NULL, NULL)",
            "INSERT INTO c SELECT seq FROM seq_10_to_509",
            "INSERT INTO c VALUES (1), (5), (NULL)",
            "INSERT INTO d SELECT code, day FROM p WHERE id IN (1, 5)",
            "INSERT INTO d VALUES ('x', NULL), (NULL, NULL)",
            "INSERT INTO e VALUES (x'27005c'), (x'00ff'), (NULL)",
        ],
    )  # fmt: skip


def test_rows_of_the_table_itself(trading: Trading, store: MemoryStore) -> None:
    trading.sql(
        _PARENT, *_CHILDREN, "INSERT INTO p VALUES (1, 'a', NULL, NULL), (2, 'b', NULL, NULL)",
        "INSERT INTO c VALUES (1), (2), (2), (NULL)",
    )  # fmt: skip
    _check(
        trading, store, "c", [("c", 2)],
        ["DELETE FROM c WHERE p = 2", "DELETE FROM p WHERE id = 2"],
    )  # fmt: skip


_PAIRS = (
    "CREATE TABLE pairs (a INT, b INT, FOREIGN KEY (a) REFERENCES p (id), FOREIGN KEY (b) "
    "REFERENCES q (id))"
)
_ROWS = "INSERT INTO pairs VALUES (4, 5), (4, 1), (1, 5), (1, 1), (4, NULL), (NULL, NULL)"


@pytest.mark.parametrize("limit", [2_000_000, 10])
def test_a_row_that_loses_several_rows_counts_once(
    trading: Trading, store: MemoryStore, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    trading.sql(
        "CREATE TABLE p (id INT PRIMARY KEY)", _PAIRS.replace(" q ", " p "),
        "INSERT INTO p VALUES (1), (2)",
    )  # fmt: skip
    changes = ["INSERT INTO p VALUES (4), (5)", _ROWS]
    if limit > 1_000:
        _check(trading, store, "p", [("pairs", 4)], changes)
        return
    monkeypatch.setattr("core.backup.databases.mysql.future_orphans._STATEMENT", limit)
    backup = trading.backed_up(store, "p")
    trading.sql(*changes)
    assert preview_of(store, backup, trading.address, 5, Work()).orphans == (("pairs", 5),)


@pytest.mark.parametrize(
    ("changes", "count"),
    [
        (["DELETE FROM pairs", "DELETE FROM p WHERE id > 3", "DELETE FROM q WHERE id > 3"], 4),
        (["SET foreign_key_checks=0", "DELETE FROM pairs", "DROP TABLE p, q"], 5),
        (["SET foreign_key_checks=0", "DELETE FROM pairs", "DROP TABLE p", "DELETE FROM q"], 5),
        (["SET foreign_key_checks=0", "DELETE FROM pairs WHERE a = 4", "DROP TABLE p", "DELETE FROM q"], 5),
        (["SET foreign_key_checks=0", "DELETE FROM pairs", "DELETE FROM p WHERE id > 3",
          "DELETE FROM q WHERE id > 3", "INSERT INTO pairs VALUES (4, 1), (NULL, 9)"], 2),
    ],
)  # fmt: skip
def test_a_row_of_the_table_itself_that_loses_several_rows_counts_once(
    trading: Trading, store: MemoryStore, changes: Sequence[str], count: int
) -> None:
    trading.sql(
        "CREATE TABLE p (id INT PRIMARY KEY)", "CREATE TABLE q (id INT PRIMARY KEY)", _PAIRS,
        "INSERT INTO p VALUES (1), (4)", "INSERT INTO q VALUES (1), (5)", _ROWS,
    )  # fmt: skip
    _check(trading, store, "pairs", [("pairs", count)], changes)


def test_a_table_that_does_not_exist(trading: Trading, store: MemoryStore) -> None:
    trading.sql(
        _PARENT, *_CHILDREN, "INSERT INTO p VALUES (1, 'a', NULL, NULL), (2, 'b', NULL, NULL)",
        "INSERT INTO c VALUES (1), (2), (2), (NULL)",
    )  # fmt: skip
    _check(trading, store, "c", [("c", 2)], ["DROP TABLE c", "DELETE FROM p WHERE id = 2"])


def test_a_referenced_table_that_does_not_exist(trading: Trading, store: MemoryStore) -> None:
    trading.sql(_PARENT, _CHILDREN[0], "INSERT INTO p VALUES (1, 'a', NULL, NULL)")
    trading.sql("INSERT INTO c VALUES (1), (1), (NULL)")
    _check(
        trading, store, "c", [("c", 2)],
        ["SET foreign_key_checks=0", "DROP TABLE c", "DROP TABLE p"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "orphans"),
    [
        ("Ada ", "ada", 0),
        ("ADA", "ada", 0),
        ("Strasse", "Straße", 0),
        ("Ada", "Adam", 1),
        ("ada", "àdá", 0),
    ],
)
def test_keys_that_the_collation_considers_equal(
    trading: Trading, store: MemoryStore, before: str, after: str, orphans: int
) -> None:
    trading.sql(
        "CREATE TABLE p (k VARCHAR(20) COLLATE utf8mb4_unicode_ci PRIMARY KEY, v INT)",
        "CREATE TABLE c (k VARCHAR(20) COLLATE utf8mb4_unicode_ci, FOREIGN KEY (k) REFERENCES p (k) "
        "ON UPDATE CASCADE)",
        f"INSERT INTO p VALUES ('{before}', 1), ('other', 2)",
        f"INSERT INTO c VALUES ('{before}')",
    )
    expected = [("c", orphans)] if orphans else []
    _check(trading, store, "p", expected, [f"UPDATE p SET k = '{after}' WHERE v = 1"])


def test_rows_that_are_the_same_in_another_order(trading: Trading, store: MemoryStore) -> None:
    trading.sql(
        "CREATE TABLE p (id INT PRIMARY KEY, place INT, UNIQUE (place))",
        "CREATE TABLE c (place INT, FOREIGN KEY (place) REFERENCES p (place))",
        "INSERT INTO p SELECT seq, seq FROM seq_1_to_300",
        "INSERT INTO c SELECT seq FROM seq_1_to_300",
    )
    _check(trading, store, "p", [], ["INSERT INTO p VALUES (0, 0)"])


@pytest.mark.parametrize(
    ("backup", "today", "orphans"),
    [
        # Several rows with the referenced value: a child is only lost with the last of them.
        ("(1, 'x'), (2, 'y')", "(1, 'x'), (2, 'y'), (3, 'x'), (4, 'y')", 0),
        ("(1, 'x'), (2, 'y')", "(3, 'x'), (4, 'x'), (2, 'y')", 0),
        ("(1, 'x'), (2, 'z')", "(1, 'x'), (2, 'y'), (3, 'y'), (4, 'y')", 3),
        ("(5, 'z')", "(1, 'x'), (2, 'x'), (3, 'y'), (4, 'y')", 5),
        # Values that the collation considers equal.
        ("(1, 'X')", "(1, 'X'), (2, 'x'), (3, 'y')", 3),
        ("(9, 'z')", "(1, 'X'), (2, 'x'), (3, 'x'), (9, 'y')", 5),
        ("(1, 'X'), (9, 'z')", "(2, 'x'), (3, 'x'), (4, 'Y'), (5, 'y')", 3),
    ],
)
def test_referenced_values_of_several_rows(
    trading: Trading, store: MemoryStore, backup: str, today: str, orphans: int
) -> None:
    trading.sql(
        "CREATE TABLE p (id INT PRIMARY KEY, k VARCHAR(9) COLLATE utf8mb4_unicode_ci, INDEX (k))",
        f"INSERT INTO p VALUES {backup}",
        "CREATE TABLE c (n INT, k VARCHAR(9) COLLATE utf8mb4_unicode_ci, "
        "FOREIGN KEY (k) REFERENCES p (k) ON DELETE NO ACTION)",
    )
    changes = [
        "SET foreign_key_checks=0", "DELETE FROM p", f"INSERT INTO p VALUES {today}",
        "INSERT INTO c VALUES (1, 'x'), (2, 'x'), (3, 'y'), (4, 'y'), (5, 'y'), (6, NULL)",
    ]  # fmt: skip
    _check(trading, store, "p", [("c", orphans)] if orphans else [], changes)
