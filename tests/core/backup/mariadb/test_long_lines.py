"""Rows of MariaDB longer than 1 MB are loaded and compared in pieces, wherever these are cut."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from helpers.backups import MemoryStore

from core.backup.databases import open_database
from core.backup.databases.base import Rows
from core.backup.databases.mysql.load import LoadText
from core.backup.databases.mysql.long_lines import LongLine, shortened
from core.backup.preview import preview_of
from core.errors import Corrupt, DatabaseError
from core.model.tables import Column, TableSchema
from core.work import CancelToken, Work
from tests.core.backup.mariadb.conftest import Trading

_MB = 1 << 20
_NAMES = ["id", 'a",b', "t\\", "é", "n"]
_LINES = [
    r'{"id":-1.5e3,"a\",b":{"$hex":"00FF"},"t\\":"x\u001F\f\/\"\\\\u0041\nü€😀","é":null,"n":0}',
    r'{"id":null,"a\",b":"","t\\":{"$hex":""},"é":"{\"$hex\":\"00\"},","n":"null"}',
]


def schema_of(*names: str) -> TableSchema:
    return TableSchema("t", tuple(Column(name, "longtext") for name in names))


def cut(line: bytes, size: int) -> Iterator[Rows]:
    for at in range(0, len(line), size):
        yield int(at + size >= len(line)), line[at : at + size]


@pytest.mark.parametrize("text", _LINES)
def test_a_row_in_pieces_is_loaded_like_the_complete_row(text: str) -> None:
    load, line = LoadText(schema_of(*_NAMES)), text.encode() + b"\n"
    expected = load.piece(line).replace(b"\\b", b"\b")
    for size in range(1, len(line)):
        assert b"".join(load.pieces(cut(line, size))) == expected, size


def test_no_more_than_a_piece_is_in_memory() -> None:
    line = b'{"id":1,"v":{"$hex":"' + b"0A" * _MB + b'"}}\n'
    load = LoadText(schema_of("id", "v"))
    pieces = list(load.pieces(cut(line, 10_000)))
    assert max(map(len, pieces)) <= 10_100
    assert b"".join(pieces) == b'1\t"' + b"0A" * _MB + b'"\n'


@pytest.mark.parametrize(
    "text",
    [
        '{"id":1}',
        '{"v":"a","id":1}',
        '{"id":1,"v":"a","w":2}',
        '{"id":1,"v":[1]}',
        '{"id":1,"v":true}',
    ],
)
def test_a_row_of_other_columns_or_values_is_refused(text: str) -> None:
    line = LongLine(["id", "v"])
    with pytest.raises(Corrupt, match="does not match its schema"):
        [line.add(data) for _, data in cut(text.encode() + b"\n", 3)]


def test_half_of_a_character_is_refused() -> None:
    with pytest.raises(Corrupt, match="unknown form"):
        list(LoadText(schema_of("v")).pieces(cut(b'{"v":"a\\ud83d"}\n', 4)))


def test_long_values_are_compared_by_a_hash_wherever_they_are_cut() -> None:
    value = 'é\\"\n' * 100_000
    line = json.dumps({"id": 1, "v": value}, ensure_ascii=False, separators=(",", ":")).encode()
    line += b"\n"
    (expected,) = shortened([(1, line)], ["id", "v"])
    assert len(expected) < 2_000
    assert json.loads(expected)["v"].startswith('é\\"\né')
    for size in (7, 65_536, 1_000_003):
        assert list(shortened(cut(line, size), ["id", "v"])) == [expected]
    (other,) = shortened([(1, line[:-3] + b'+"}\n')], ["id", "v"])
    assert other != expected
    # Another form of the same row, as an old backup has it.
    spaced = json.dumps({"v": value, "id": 1}).encode() + b"\n"
    assert list(shortened([(1, spaced)], ["id", "v"])) == [expected]


def loaded(trading: Trading, rows: Iterator[Rows] | list[Rows], after: str) -> object:
    """Load rows into a table beside `orders`, and return what a query finds in it."""
    token = CancelToken()
    limit = threading.Timer(60, token.cancel)
    limit.start()
    try:
        with open_database(trading.without_tls, write=True) as database:
            shadow = replace(database.schema("orders"), table="again")
            database.create(shadow)
            database.load(shadow, rows, work=Work(token))
            return trading.sql(after)
    finally:
        limit.cancel()
        limit.join()


@pytest.mark.parametrize("before", [[], [(1, b'{"id":0,"v":null}\n')]])
def test_a_value_that_fills_the_redo_log_is_loaded(trading: Trading, before: list[Rows]) -> None:
    """With unchecked unique keys and foreign keys, MariaDB 10.11 waits for itself forever."""
    trading.sql("CREATE TABLE orders (id INT PRIMARY KEY, v LONGTEXT)")
    size = 20 * _MB
    assert int(trading.sql("SELECT @@innodb_log_file_size")[0][0]) < size
    assert int(trading.sql("SELECT @@max_allowed_packet")[0][0]) < size
    line = [(0, b'{"id":1,"v":"'), *[(0, b"x" * _MB)] * 20, (1, b'"}\n')]
    line += [(1, b'{"id":2,"v":"b"}\n')]
    found = loaded(trading, [*before, *line], "SELECT id, LENGTH(v) FROM again WHERE id > 0")
    assert found == ((1, size), (2, 1))


def test_a_row_that_only_a_statement_can_load_is_refused_with_the_remedy(trading: Trading) -> None:
    trading.sql("CREATE TABLE orders (id INT PRIMARY KEY, v LONGTEXT) CHARACTER SET sjis")
    line = [(0, b'{"id":1,"v":"'), *[(0, b"x" * _MB)] * 17, (1, b'"}\n')]
    with pytest.raises(DatabaseError, match="too long for the server") as refused:
        loaded(trading, line, "SELECT 1")
    assert "max_allowed_packet" in refused.value.cause
    assert "Raise max_allowed_packet" in refused.value.remedy


def test_a_changed_long_value_is_previewed(trading: Trading) -> None:
    trading.sql(
        "CREATE TABLE orders (id INT PRIMARY KEY, v LONGTEXT)",
        "INSERT INTO orders VALUES (1, REPEAT('é\n', 700000)), (2, REPEAT('b', 700000)), (3, 'c')",
    )
    store = MemoryStore()
    backup = trading.backed_up(store, "orders")
    trading.sql("UPDATE orders SET v = CONCAT(v, 'x') WHERE id < 3")
    found = preview_of(store, backup, trading.address, 20, Work()).difference
    assert (found.added, found.changed, found.removed) == (0, 2, 0)
    assert [cell.key for cell in found.cells] == ["1", "2"]
    # The rest of such long values is only compared by its hash, which is not shown.
    assert [cell.today for cell in found.cells] == ["é\n" * 59 + "é…", "b" * 119 + "…"]
    assert [cell.backup for cell in found.cells] == [cell.today for cell in found.cells]
    trading.sql("UPDATE orders SET v = LEFT(v, CHAR_LENGTH(v) - 1) WHERE id < 3")
    found = preview_of(store, backup, trading.address, 20, Work()).difference
    assert (found.added, found.changed, found.removed) == (0, 0, 0)
