"""Long values of SQLite are read and loaded in pieces: the same bytes as before, in flat memory."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore, backed_up, restored, sql
from helpers.recovery import copied, run_kit

from core.backup import row_formats
from core.backup.databases import open_database
from core.backup.databases.sqlite import dump, long_lines, long_values
from core.backup.databases.sqlite.long_lines import LongLine, LongValue, LongValues
from core.backup.databases.sqlite.rows import careful_line, careful_sql
from core.backup.preview import preview_of
from core.backup.query import rows
from core.backup.restore import BY_HASH
from core.errors import Corrupt, LimitExceeded, NotSupported
from core.sql import session
from core.work import Work

_MB = 1 << 20
_ALL = '"\\\n\t\x00\x01\x7f/é€😀'
_TABLES = {
    "rowid": "CREATE TABLE t(a, b, n INT)",
    "key": "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, n INT)",
    "strict": "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b BLOB, n INT) STRICT",
    "without rowid": "CREATE TABLE t(n INT PRIMARY KEY, a, b) WITHOUT ROWID",
    "generated": "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b, n INT, g AS (n + 1))",
    "names": 'CREATE TABLE t("rowid" TEXT, "_rowid_" INT, "oid" INT, a, b, n INT)',
    "unique": "CREATE TABLE t(a TEXT UNIQUE, b BLOB, n INT)",
}


@pytest.fixture(autouse=True)
def _smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Divide rows and lines that are a fraction as long, so that the tests are short."""
    monkeypatch.setattr(dump, "_LONGEST_PIECE", _MB)
    monkeypatch.setattr(row_formats, "_LONG_LINE", _MB // 2)


def _fill(path: Path, create: str, encoding: str = "UTF-8") -> None:
    connection = apsw.Connection(str(path))
    connection.execute(f"PRAGMA encoding='{encoding}'")
    connection.execute(create)
    long = _MB
    values: list[tuple[object, ...]] = [
        ("short", b"\x00\xff", 1),
        (_ALL * (long // 30), None, 2),
        (None, os.urandom(long) + b"\x00", 3),
        ("", os.urandom(300_001), 4),
        ("é" * 400_001, os.urandom(400_001), 5),
        ("x" * (400_000 - 1) + "€" * 10, b"", 6),
        ("last", None, 7),
    ]
    with connection:
        connection.executemany("INSERT INTO t(a, b, n) VALUES (?, ?, ?)", values)
        if encoding == "UTF-8":
            connection.execute(
                "INSERT INTO t(a, b, n) VALUES (CAST(? AS TEXT), NULL, 8)",
                (b"\xff\x00a" * 100_000 + b"\xe2\x82",),
            )
    connection.close()


def _lines(path: Path) -> tuple[bytes, list[tuple[int, int]]]:
    with open_database(str(path)) as source, source.snapshot():
        pieces = list(source.dump(source.schema("t")))
    return b"".join(data for _, data in pieces), [(count, len(data)) for count, data in pieces]


def _expected(path: Path) -> bytes:
    """Return the lines as they were built before, each value completely."""
    with open_database(str(path)) as source:
        schema = source.schema("t")
    names = dump.recorded_names(schema)
    encoding = str(sql(path, "PRAGMA encoding")[0][0]).lower()
    select = careful_sql(schema.stored).replace(">262144", ">1000000000")
    rowid = "rowid," if schema.rowids else ""
    found = sql(path, f"SELECT {rowid}{select} FROM t NOT INDEXED")
    return b"".join(careful_line(names, row, encoding) for row in found)


@pytest.mark.parametrize("kind", _TABLES)
def test_long_values_are_read_in_pieces_and_restored(
    kind: str, store: MemoryStore, tmp_path: Path
) -> None:
    path, target = tmp_path / "long.db", tmp_path / "again.db"
    _fill(path, _TABLES[kind])
    lines, pieces = _lines(path)
    assert hashlib.sha256(lines).digest() == hashlib.sha256(_expected(path)).digest()
    assert sum(count for count, _ in pieces) == 8
    assert max(size for _, size in pieces) < 4 * _MB
    assert sum(count == 0 for count, _ in pieces) > 2
    report = restored(store, backed_up(store, path, "t"), target)
    assert report.verified == BY_HASH
    columns = "typeof(a), CAST(a AS BLOB), typeof(b), b, n"
    query = f"SELECT {columns} FROM t ORDER BY n"
    assert sql(target, query) == sql(path, query)
    assert not sql(target, "SELECT name FROM temp.sqlite_schema")


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
@pytest.mark.parametrize("kind", ["rowid", "without rowid"])
def test_long_values_of_utf_16(
    encoding: str, kind: str, store: MemoryStore, tmp_path: Path
) -> None:
    path, target = tmp_path / "long.db", tmp_path / "again.db"
    _fill(path, _TABLES[kind], encoding)
    apsw_target = apsw.Connection(str(target))
    apsw_target.execute(f"PRAGMA encoding='{encoding}'; CREATE TABLE other(x)")
    apsw_target.close()
    assert _lines(path)[0] == _expected(path)
    assert restored(store, backed_up(store, path, "t"), target).verified == BY_HASH
    assert sql(target, "SELECT a, b, n FROM t ORDER BY n") == sql(
        path, "SELECT a, b, n FROM t ORDER BY n"
    )


@pytest.mark.skipif(not shutil.which("zstd"), reason="zstd is not installed")
def test_the_recovery_kit_restores_long_values(store: MemoryStore, tmp_path: Path) -> None:
    path, target = tmp_path / "long.db", tmp_path / "kit.db"
    _fill(path, _TABLES["key"])
    backed_up(store, path, "t")
    folder = copied(store, tmp_path / "copy")
    done = run_kit(tmp_path / "kit", "restore", "t", "--folder", folder, "--sqlite", target)
    assert (done.returncode, done.stderr) == (0, "")
    query = "SELECT id, typeof(a), CAST(a AS BLOB), typeof(b), b, n FROM t"
    assert sql(target, query) == sql(path, query)


def _row_of(line: bytes, block: int, connection: apsw.Connection) -> dict[str, object]:
    """Return the values of a line that is read in blocks; long ones as they are stored."""
    with LongValues(connection) as values:
        found = LongLine(values)
        for at in range(0, len(line), block):
            found.add(line[at : at + block])
        row: dict[str, object] = {}
        for name, value in found.row().items():
            row[name] = value
            if isinstance(value, LongValue):
                statement = f"SELECT typeof(x), CAST(x AS BLOB) FROM (SELECT {value.sql} AS x FROM {value.source})"
                kind, data = connection.execute(statement).fetchall()[0]
                assert kind == ("text" if value.is_text else "blob")
                row[name] = data
        values.clear()
    return row


def _text(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value


def _blob(value: object) -> object:
    """Return the bytes of a value, also of a short one, which is still an object."""
    return bytes.fromhex(value["$hex"]) if isinstance(value, dict) else value


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64, 1_000])
def test_a_line_is_read_alike_however_it_is_cut(
    block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_lines, "_LONG", 20)
    texts = [
        "",
        "short",
        _ALL * 9,
        "\\" * 50,
        '"' * 51,
        "é€😀" * 33,
        "\x01" * 40,
        '{"$hex":"00"}' * 3,
    ]
    blobs = [b"", b"\x00", bytes(range(256)), b"\xff" * 33]
    values = {f"t{n}": text for n, text in enumerate(texts)}
    tagged = {f"b{n}": {"$hex": blob.hex().upper()} for n, blob in enumerate(blobs)}
    row = {"i": 1, **values, "r": -0.5, **tagged, "z": None, "e": {"$text": "FF" * 30}}
    connection = apsw.Connection(":memory:")
    for ascii_only in (True, False):
        line = json.dumps(row, separators=(",", ":"), ensure_ascii=ascii_only).encode() + b"\n"
        found = _row_of(line, block, connection)
        assert {name: _text(found[name]) for name in values} == values
        assert found["e"] == b"\xff" * 30
        assert [_blob(found[name]) for name in tagged] == blobs
        assert (found["i"], found["r"], found["z"]) == (1, -0.5, None)
    connection.close()


@pytest.mark.parametrize(
    "line",
    [
        b'{"a":"' + b"x" * 50,
        b'{"a":{"$hex":"' + b"0" * 51 + b'"}}\n',
        b'{"a":{"$hex":"' + b"0g" * 51 + b'"}}\n',
        b'{"a":"' + b"x" * 30 + b"\xff" * 30 + b'"}\n',
        b'{"a":"' + b"x" * 30 + b"\\ud800" * 30 + b'"}\n',
        b'{"a":"' + b"x" * 30 + b"\\q" * 30 + b'"}\n',
        b'{"a":"' + b"x" * 30 + b"\n" * 30 + b'"}\n',
        b'{"a":"' + b"x" * 30 + b'","b":{"$hex":{"$long":0}}}\n',
        b'{"a":{"$long":0}}\n',
        b'{"a":{"$other":"' + b"x" * 30 + b'"}}\n',
        b'["' + b"x" * 30 + b'"]\n',
    ],
)
@pytest.mark.parametrize("block", [1, 10, 1_000])
def test_damaged_lines_are_refused(
    line: bytes, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_lines, "_LONG", 20)
    connection = apsw.Connection(":memory:")
    with pytest.raises(Corrupt, match="row of the backup"):
        _row_of(line, block, connection)
    connection.close()


def test_a_row_that_a_restore_would_refuse_is_not_backed_up(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_values, "LONGEST_LINE", _MB)
    _fill(tmp_path / "long.db", _TABLES["key"])
    with pytest.raises(NotSupported, match="too long to be backed up"):
        backed_up(store, tmp_path / "long.db", "t")
    assert not store.objects


def test_a_query_of_rows_that_are_too_long_names_the_restore(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fill(tmp_path / "long.db", _TABLES["key"])
    backup = backed_up(store, tmp_path / "long.db", "t")
    opened = functools.partial(session.open_session, memory="4MB")
    monkeypatch.setattr(rows, "open_session", opened)
    with (
        pytest.raises(LimitExceeded, match="too long") as refused,
        rows.loaded_backup(store, backup, Work()),
    ):
        pass
    assert "Restore the backup under a new name" in refused.value.remedy


def test_a_preview_shows_the_beginnings_of_different_values(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "t.db"
    sql(path, "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b)")
    for row in (
        "1, 'a' || char(0) || 'b', x'00ff'",
        "2, printf('%.*c', 300, 'é') || 'x', zeroblob(300)",
        "3, 1, '1'",
    ):
        sql(path, f"INSERT INTO t VALUES ({row})")
    backup = backed_up(store, path, "t")
    sql(path, "UPDATE t SET a = 'a' || char(0) || 'c' WHERE id = 1")
    sql(path, "UPDATE t SET a = printf('%.*c', 300, 'é') || 'y', b = x'00' WHERE id = 2")
    sql(path, "UPDATE t SET a = 1.0, b = 1 WHERE id = 3")
    found = preview_of(store, backup, str(path), 10, Work()).difference
    assert found.changed == 3
    long = "…" + "é" * 8
    zeros = "x'" + "0" * 117 + "…"
    assert [(cell.key, cell.column, cell.today, cell.backup) for cell in found.cells] == [
        ("1", "a", "a\0c", "a\0b"),
        ("2", "a", long + "y", long + "x"), ("2", "b", "x'00'", zeros),
        ("3", "a", "1.0", "1"), ("3", "b", "1", "1"),
    ]  # fmt: skip


def test_backup_restore_and_preview_of_a_long_value_need_little_memory(tmp_path: Path) -> None:
    """The peak was 18 times the value; now it is twice the value and that of the program itself."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD, str(tmp_path), *map(str, Path(__file__).parents[2:4])],
        capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, "STRONGROOM_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    backed, loaded, compared = (int(figure) / 1024 for figure in done.stdout.split())
    assert backed < 180
    assert loaded < 230
    assert compared < 230


_CHILD = """
import os, sys
from pathlib import Path
folder = Path(sys.argv[1])
sys.path[:0] = sys.argv[2:]
import apsw
from helpers.folder_store import FolderStore
from core.backup.databases import open_database
from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.work import Work
def peak():
    print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
(folder / "store").mkdir()
store, path = FolderStore(folder / "store"), str(folder / "long.db")
connection = apsw.Connection(path)
connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, b, n); INSERT INTO t VALUES (1, zeroblob(24000000), 1)")
with connection.blob_open("main", "t", "b", 1, True) as blob:
    for _ in range(24):
        blob.write(os.urandom(1000000))
connection.close()
with open_database(path) as source:
    back_up(store, source, ["t"], "", Work())
peak()
(backup,) = backups_in(store, "t", Work())
restore_of(store, backup, str(folder / "again.db"), Choices(), Work())
peak()
connection = apsw.Connection(path)
with connection.blob_open("main", "t", "b", 1, True) as blob:
    blob.seek(20000000)
    blob.write(b"changed")
connection.close()
assert preview_of(store, backup, path, 10, Work()).difference.changed == 1
peak()
"""
