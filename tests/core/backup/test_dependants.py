"""What else depends on a table: rows are found by the numbers they had, and nothing breaks unsaid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from helpers.backups import MemoryStore, backed_up, everything, restored, schema_of, sql

from core.backup import manifest as manifests
from core.backup.databases import open_database
from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.undo import undo
from core.backup.verify import verify_of
from core.model.backup import Backup, Manifest
from core.model.database import Dependant
from core.model.restore import RestorePreview
from core.work import Work

NOTES = """
    CREATE TABLE notes(body TEXT);
    CREATE VIRTUAL TABLE notes_fts USING {module};
    INSERT INTO notes VALUES ('alpha'), ('bravo'), ('charlie'), ('delta');
    INSERT INTO notes_fts(rowid, body) SELECT rowid, body FROM notes;
    {gap}
"""
FTS5 = "fts5(body, content='notes')"
GAPS = {
    FTS5: "INSERT INTO notes_fts(notes_fts, rowid, body) VALUES ('delete', 2, 'bravo');"
    "DELETE FROM notes WHERE rowid = 2",
    'fts4(content="notes", body)': "DELETE FROM notes_fts WHERE docid = 2;"
    "DELETE FROM notes WHERE rowid = 2",
}


def made(tmp_path: Path, text: str, name: str = "d.db") -> Path:
    path = tmp_path / name
    sql(path, text)
    return path


def hits(path: Path, word: str) -> list[tuple[object, ...]]:
    return sql(path, f"SELECT rowid, body FROM notes_fts WHERE notes_fts MATCH '{word}'")


def seen(store: MemoryStore, backup: Backup, path: Path) -> RestorePreview:
    return preview_of(store, backup, str(path), 5, Work())


@pytest.mark.parametrize("module", GAPS)
def test_a_full_text_index_finds_the_same_rows_after_a_restore(
    store: MemoryStore, tmp_path: Path, module: str
) -> None:
    path = made(tmp_path, NOTES.format(module=module, gap=GAPS[module]))
    before = [hits(path, word) for word in ("alpha", "charlie", "delta")]
    assert before == [[(1, "alpha")], [(3, "charlie")], [(4, "delta")]]
    backup = backed_up(store, path, "notes")
    assert seen(store, backup, path).dependants == (Dependant("full-text index", "notes_fts"),)
    report = restored(store, backup, path)
    assert (report.problems, report.verified) == ((), "verified (SHA-256)")
    assert [hits(path, word) for word in ("alpha", "charlie", "delta")] == before


@pytest.mark.parametrize("module", GAPS)
def test_the_index_follows_the_rows_there_and_back(
    store: MemoryStore, tmp_path: Path, module: str
) -> None:
    """Rows changed since: the index is that of the restored rows, after an undo of the former."""
    path = made(tmp_path, NOTES.format(module=module, gap=""))
    backup = backed_up(store, path, "notes")
    sql(path, "UPDATE notes SET body = 'echo' WHERE rowid = 3")
    sql(path, "INSERT INTO notes_fts(notes_fts) VALUES ('rebuild')")
    report = restored(store, backup, path)
    assert (hits(path, "charlie"), hits(path, "echo")) == ([(3, "charlie")], [])
    undo(None, database=str(path), former=report.kept)
    assert (hits(path, "charlie"), hits(path, "echo")) == ([], [(3, "echo")])


def test_an_index_that_cannot_be_rebuilt_is_named_and_the_rows_are_restored(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = made(tmp_path, NOTES.format(module=FTS5, gap=""))
    backup = backed_up(store, path, "notes")
    sql(path, "DROP TABLE notes; CREATE TABLE notes(body TEXT, title TEXT)")
    sql(path, "DROP TABLE notes_fts")
    sql(path, "CREATE VIRTUAL TABLE notes_fts USING fts5(title, content='notes')")
    report = restored(store, backup, path)
    assert any("notes_fts: could not be rebuilt" in problem for problem in report.problems)
    assert sql(path, "SELECT count(*) FROM notes") == [(4,)]


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE t(a)",
        "CREATE TABLE t(a TEXT PRIMARY KEY, b)",
        "CREATE TABLE t(id INTEGER PRIMARY KEY DESC, a)",
        'CREATE TABLE t("rowid" TEXT, a)',
        'CREATE TABLE t("$rowid" TEXT, "_rowid_" INT)',
        "CREATE TABLE t(a ANY, b INT) STRICT",
    ],
)
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_row_numbers_come_back(
    store: MemoryStore, tmp_path: Path, table: str, encoding: str
) -> None:
    path = made(tmp_path, f"PRAGMA encoding='{encoding}'; {table}")
    width = len(sql(path, "SELECT * FROM pragma_table_info('t')"))
    name = "oid"
    for number in (-(2**63), -5, 3, 4, 70, 2**63 - 1):
        marks = ",".join([f"'{number}'"] * width) if "STRICT" not in table else "'x', 1"
        if "DESC" in table:
            marks = f"{number % 1000}, 'x'"
        columns = ", ".join(
            f'"{row[0]}"' for row in sql(path, "SELECT name FROM pragma_table_info('t')")
        )
        sql(path, f"INSERT INTO t({name}, {columns}) VALUES ({number}, {marks})")
    rows = sql(path, "SELECT oid, * FROM t")
    assert len(rows) == 6
    backup = backed_up(store, path, "t")
    sql(path, "DELETE FROM t WHERE oid < 4")
    for target in (path, tmp_path / "fresh.db"):
        report = restored(store, backup, target)
        assert report.verified == "verified (SHA-256)"
        assert not any("rowid" in problem for problem in report.problems)
        assert sql(target, "SELECT oid, * FROM t") == rows


@pytest.mark.parametrize(
    "table",
    [
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a)",
        "CREATE TABLE t(ID INTEGER, a, PRIMARY KEY(id))",
        "CREATE TABLE t(a TEXT PRIMARY KEY) WITHOUT ROWID",
        "CREATE TABLE t(rowid TEXT, _rowid_ TEXT, oid TEXT)",
    ],
)
def test_a_table_whose_rows_have_no_hidden_number_records_none(
    store: MemoryStore, tmp_path: Path, table: str
) -> None:
    path = made(tmp_path, f"{table}; INSERT INTO t DEFAULT VALUES" if "a)" in table else table)
    assert schema_of(path, "t").rowids == ""
    backup = backed_up(store, path, "t")
    assert b"rowids" not in store.objects[backup.key]
    assert restored(store, backup, path).problems == ()


def _unpacked(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(data)


def older(store: MemoryStore, backup: Backup, change: Callable[[Manifest], Manifest]) -> Backup:
    """Store the backup as a version without rowids wrote it."""
    found = manifests.from_bytes(store.objects[backup.key])
    key = backup.key.replace("_manifest.json", "part-00000.jsonl.zst")
    rows = [json.loads(line) for line in _unpacked(store.objects[key]).splitlines()]
    lines = "".join(
        json.dumps({n: v for n, v in row.items() if n != "$rowid"}, separators=(",", ":")) + "\n"
        for row in rows
    ).encode()
    data = zstandard.compress(lines)
    part = replace(
        found.parts[0], size=len(data), raw_size=len(lines), sha256=hashlib.sha256(data).hexdigest()
    )
    content = hashlib.sha256(lines).hexdigest()
    store.objects[key] = data
    store.objects[backup.key] = manifests.to_bytes(
        change(replace(found, parts=(part,), content=content))
    )
    return backups_in(store, backup.table, Work())[0]


def test_a_backup_of_an_earlier_version_restores_and_says_that_row_numbers_are_new(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = made(tmp_path, NOTES.format(module=FTS5, gap=GAPS[FTS5]))
    backup = older(
        store,
        backed_up(store, path, "notes"),
        lambda m: replace(m, schema=replace(m.schema, rowids="")),
    )
    assert verify_of(store, backup, Work()).good
    assert any(
        "does not contain rowids" in problem for problem in seen(store, backup, path).problems
    )
    report = restored(store, backup, path)
    assert any("does not contain rowids" in problem for problem in report.problems)
    assert hits(path, "charlie") == [(2, "charlie")]  # renumbered, and the index agrees


VIEWS = """
    CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);
    CREATE TABLE other(x, y);
    CREATE TABLE log(what);
    CREATE VIEW direct AS SELECT a, b FROM t;
    CREATE VIEW "in direct" AS SELECT b FROM direct;
    CREATE VIEW counts AS SELECT count(*) AS n FROM "t";
    CREATE VIEW apart AS SELECT x AS t FROM other;
    CREATE TRIGGER copied AFTER INSERT ON other BEGIN INSERT INTO t(a, b) VALUES (new.x, new.y); END;
    CREATE TRIGGER removed AFTER DELETE ON other BEGIN DELETE FROM t WHERE b = old.y; END;
    CREATE TRIGGER moved AFTER UPDATE OF y ON other BEGIN UPDATE t SET b = new.y; END;
    CREATE TRIGGER unrelated AFTER INSERT ON other BEGIN INSERT INTO log VALUES ('t'); END;
    CREATE TRIGGER through INSTEAD OF INSERT ON direct BEGIN INSERT INTO log VALUES (new.b); END;
    INSERT INTO t VALUES (1, 'a', 'b');
"""


def names(found: tuple[Dependant, ...], *, broken: bool = False) -> set[str]:
    return {each.name for each in found if not broken or each.problem}


def test_every_view_and_trigger_that_uses_the_table_is_found(tmp_path: Path) -> None:
    with open_database(str(made(tmp_path, VIEWS))) as database:
        found = database.dependants("t")
        assert {each.kind for each in found} == {"view", "trigger"}
        assert names(found) == {
            "direct", "in direct", "counts", "copied", "removed", "moved", "through"
        }  # fmt: skip
        assert names(found, broken=True) == set()
        assert database.dependants("log") != ()
        assert names(database.dependants("other")) == {"apart"}


def test_what_the_schema_of_the_backup_breaks_is_named_before_and_after(
    store: MemoryStore, tmp_path: Path
) -> None:
    """The table had no column `b` then; views and triggers of today need it."""
    path = made(
        tmp_path, "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 'a')"
    )
    backup = backed_up(store, path, "t")
    sql(path, "DROP TABLE t")
    made(tmp_path, VIEWS)
    today = everything(path)
    before = seen(store, backup, path)
    assert everything(path) == today
    expected = {"direct", "in direct", "copied", "removed", "moved", "through"}
    assert names(before.dependants, broken=True) == expected
    report = restored(store, backup, path)
    assert names(report.dependants, broken=True) == expected
    assert sum("does not work with this schema" in p for p in report.problems) == len(expected)
    undo(None, database=str(path), former=report.kept)
    with open_database(str(path)) as database:
        assert names(database.dependants("t"), broken=True) == set()


def test_a_restore_that_brings_a_dropped_table_back_heals_its_views(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = made(tmp_path, VIEWS)
    backup = backed_up(store, path, "t")
    sql(path, "DROP TABLE t")
    with open_database(str(path)) as database:
        assert "direct" in names(database.dependants("t"), broken=True)
    assert names(seen(store, backup, path).dependants, broken=True) == set()
    report = restored(store, backup, path)
    assert report.problems == ()
    assert {"direct", "in direct", "copied"} <= names(report.dependants)


def test_a_foreign_key_that_would_point_to_columns_without_a_key_is_named(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = made(tmp_path, "CREATE TABLE t(id INTEGER PRIMARY KEY, code TEXT)")
    backup = backed_up(store, path, "t")
    sql(
        path,
        "CREATE UNIQUE INDEX codes ON t(code); CREATE TABLE child(c REFERENCES t(code), i REFERENCES t);",
    )
    problem = "refers to columns without a key in this schema"
    expected = (
        Dependant("foreign key", "child (i)"),
        Dependant("foreign key", "child (c)", problem),
    )
    assert set(seen(store, backup, path).dependants) == set(expected)
    report = restored(store, backup, path)
    assert set(report.dependants) == set(expected)
    assert report.problems == (f"foreign key child (c): {problem}",)


def test_a_virtual_table_that_only_triggers_fill_is_named(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = made(
        tmp_path,
        "CREATE TABLE t(body); CREATE VIRTUAL TABLE search USING fts5(body);"
        "CREATE TRIGGER fill AFTER INSERT ON t BEGIN INSERT INTO search VALUES (new.body); END;"
        "INSERT INTO t VALUES ('alpha')",
    )
    report = restored(store, backed_up(store, path, "t"), path)
    (problem,) = report.problems
    assert "search: filled by the trigger fill" in problem


def test_what_needs_the_functions_of_another_program_is_not_called_broken(tmp_path: Path) -> None:
    path = made(tmp_path, "CREATE TABLE t(a); CREATE VIEW v AS SELECT slug(a) FROM t;")
    with open_database(str(path)) as database:
        assert database.dependants("t") in ((), (Dependant("view", "v"),))
