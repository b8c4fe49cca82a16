"""Exports of backups: every format has every value, and a file appears only when it is complete."""

from __future__ import annotations

import csv
import errno
import json
from decimal import Decimal
from functools import partial
from pathlib import Path

import apsw
import duckdb
import pytest
from helpers.backups import backed_up

from core.backup import export as export_module
from core.backup.export import FORMATS, Target, export_of
from core.errors import AlreadyExists, Corrupt, InvalidInput, LocalIOError
from core.paths import cache_dir
from core.sql.files import copy_to_file
from core.units import format_size
from core.work import Work

TABLE = 'od"d; name'
ROWS = (
    (9223372036854775807, "", 0.1, b"\x00\xff", 1, "2024-01-01"),
    (-1, None, float("inf"), b"", 2**53 + 1, 5),
    (2, "=1+1", None, None, 2.5, b"x"),
    (3, "a\0b'\"\n,\\é", -1e300, b"'", "x", None),
)


@pytest.fixture
def backup(store, tmp_path):
    connection = apsw.Connection(str(tmp_path / "t.db"))
    connection.execute(
        'CREATE TABLE "od""d; name"(id INTEGER PRIMARY KEY, "s""\'" TEXT, r REAL, b BLOB, n NUMERIC, "=any")'
    )
    connection.executemany('INSERT INTO "od""d; name" VALUES (?, ?, ?, ?, ?, ?)', ROWS)
    connection.execute('INSERT INTO "od""d; name"(id, "s""\'") VALUES (4, CAST(x\'ff61\' AS TEXT))')
    connection.close()
    return backed_up(store, tmp_path / "t.db", TABLE)


def exported(store, backup, path, **options):
    target = Target(path, path.suffix[1:], **options)
    return export_of(store, backup, target, Work())


def test_csv_has_null_empty_and_exact_numbers(store, backup, tmp_path):
    report = exported(store, backup, tmp_path / "o.csv")
    text = (tmp_path / "o.csv").read_text(encoding="utf-8")
    assert (report.rows, report.size) == (5, (tmp_path / "o.csv").stat().st_size)
    assert any("n is read as text" in note for note in report.notes)
    lines = sorted(csv.reader(text.splitlines(keepends=True)))
    assert lines[-1] == ["id", "s\"'", "r", "b", "n", "=any"]
    assert lines[0] == ["-1", "", "Infinity", "\\x", "9007199254740993", "5"]
    assert lines[-2] == [
        "9223372036854775807",
        '{"$hex":"00FF"}'[:0],
        "0.1",
        "\\x00ff",
        "1",
        "2024-01-01",
    ]
    assert '9223372036854775807,"",' in text
    assert "-1,,Infinity" in text


def test_a_safe_csv_has_no_formulas(store, backup, tmp_path):
    exported(store, backup, tmp_path / "o.csv", formula_safe=True)
    text = (tmp_path / "o.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0].endswith(",'=any")
    assert "2,'=1+1," in text
    assert "\n-1," in text  # a number is none


def test_json_has_every_value(store, backup, tmp_path):
    exported(store, backup, tmp_path / "o.json")
    rows = json.loads((tmp_path / "o.json").read_text(encoding="utf-8"), parse_float=Decimal)
    found = {row["id"]: row for row in rows}
    assert found[9223372036854775807]["b"] == {"$hex": "00FF"}
    assert (found[-1]["s\"'"], found[-1]["r"], found[-1]["b"]) == (None, "Infinity", {"$hex": ""})
    assert (found[3]["s\"'"], found[3]["n"], found[2]["b"]) == (ROWS[3][1], "x", None)


def test_statements_create_the_same_rows(store, backup, tmp_path):
    exported(store, backup, tmp_path / "o.sql")
    source = apsw.Connection(str(tmp_path / "t.db"))
    (schema,) = source.execute("SELECT sql FROM sqlite_schema").fetchone()
    target = apsw.Connection(":memory:")
    target.execute(schema)
    target.execute((tmp_path / "o.sql").read_text(encoding="utf-8"))
    content = (
        'SELECT id, typeof("s""\'"), hex("s""\'"), typeof(r), r, typeof(b), hex(b), typeof(n), n, '
        'typeof("=any"), hex("=any") FROM "od""d; name" ORDER BY id'
    )
    assert target.execute(content).fetchall() == source.execute(content).fetchall()
    source.close()
    target.close()


def test_parquet_has_types(store, backup, tmp_path):
    exported(store, backup, tmp_path / "o.parquet")
    with duckdb.connect() as connection:
        found = connection.sql(f"SELECT * FROM '{tmp_path}/o.parquet' ORDER BY id DESC")
        assert list(map(str, found.types))[:4] == ["BIGINT", "VARCHAR", "DOUBLE", "BLOB"]
        assert found.fetchall()[0][:4] == ROWS[0][:4]
        assert connection.sql(f"SELECT count(*) FROM '{tmp_path}/o.parquet'").fetchall() == [(5,)]


@pytest.mark.parametrize("name", FORMATS)
def test_an_empty_table_is_exported(store, path, tmp_path, name):
    backup = backed_up(store, path, "audit")
    assert exported(store, backup, tmp_path / f"o.{name}").rows == 0
    if name == "json":
        assert json.loads((tmp_path / "o.json").read_text()) == []


def test_no_file_is_replaced_or_left_half_written(store, backup, tmp_path):
    path = tmp_path / "o.csv"
    path.write_text("mine")
    with pytest.raises(AlreadyExists):
        exported(store, backup, path)
    key = next(key for key in store.objects if "part-" in key)
    good = store.objects[key]
    store.objects[key] = b"damaged"
    with pytest.raises(Corrupt):
        exported(store, backup, path, overwrite=True)
    assert path.read_text() == "mine"
    store.objects[key] = good
    exported(store, backup, path, overwrite=True)
    assert path.read_text().startswith("id,")
    assert [each.name for each in tmp_path.glob("*o.csv*")] == ["o.csv"]
    with pytest.raises(LocalIOError):
        exported(store, backup, tmp_path / "none" / "o.csv")


def test_unknown_formats_are_refused(store, backup, tmp_path):
    from core.backup.export import check_target

    for target in (
        Target(tmp_path / "o.xls", "xls"), Target(tmp_path / "o.sql", "sql", formula_safe=True)
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            check_target(target)


@pytest.mark.parametrize(
    ("full", "summary"),
    [("o.csv", "o.csv could not be written"), ("duckdb_temp_block", "The disk is full")],
)
def test_the_file_that_does_not_fit_on_the_disk_is_named(
    store, backup, tmp_path, monkeypatch, full, summary
):
    """What DuckDB reports about a full disk was the error of a query, which no one had run."""

    class Full:
        def execute(self, statement):
            path = statement.partition(" TO '")[2].partition("'")[0]
            name = Path(path).name if full == "o.csv" else full
            message = (
                f'Async write failed: {{"exception_message":"Could not write file \\"{name}\\"'
            )
            raise duckdb.IOException(f'{message}: No space left on device","errno":"28"}}')

    monkeypatch.setattr(export_module, "copy_to_file", partial(_copied_by, Full()))
    with pytest.raises(LocalIOError) as refused:
        exported(store, backup, tmp_path / "o.csv")
    assert refused.value.summary == summary
    assert refused.value.remedy
    assert not (tmp_path / "o.csv").exists()


def _copied_by(connection, _connection, *arguments):
    return copy_to_file(connection, *arguments)


def test_a_full_disk_of_the_temporary_files_names_their_folder(
    store, backup, tmp_path, monkeypatch
):
    def fill(path, data):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", fill)
        with pytest.raises(LocalIOError) as refused:
            exported(store, backup, tmp_path / "o.csv")
    assert refused.value.summary == f"Temporary files could not be written to {cache_dir()}"
    assert refused.value.cause.startswith(
        f"The disk is full: {format_size(backup.size)} are needed"
    )
    assert not list(cache_dir().glob("rows-*"))
