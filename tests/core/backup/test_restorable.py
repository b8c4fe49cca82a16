"""A backup proves that its schema can be built again, before anything of it is written."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest
from helpers.backups import MemoryStore, backed_up, restored, sql

from core.backup.databases import open_database
from core.backup.run import back_up
from core.errors import DatabaseError, InvalidInput, NotSupported
from core.model.selection import Selection
from core.work import Work

#: name -> (schema, what the error names)
UNBUILDABLE = {
    "check": ("CREATE TABLE u(id INTEGER PRIMARY KEY, e TEXT CHECK (e REGEXP '@'))", "REGEXP"),
    "generated": ("CREATE TABLE u(n TEXT, s TEXT AS (slug(n)) STORED)", "slug"),
    "collation": ("CREATE TABLE u(n TEXT COLLATE german)", "german"),
    "key": ("CREATE TABLE u(n TEXT, PRIMARY KEY (n COLLATE german))", "german"),
    "index": ("CREATE TABLE u(n TEXT); CREATE INDEX i ON u(slug(n))", "slug"),
    "part index": ("CREATE TABLE u(n TEXT); CREATE INDEX i ON u(n) WHERE slug(n) = 'x'", "slug"),
}


def of_a_program(path: Path, text: str) -> Path:
    """Make a database as a program with custom functions and collations does."""
    connection = apsw.Connection(str(path))
    for name, count in (("regexp", 2), ("slug", 1)):
        connection.create_scalar_function(name, lambda *_values: 1, count, deterministic=True)
    connection.create_collation("german", lambda a, b: (a > b) - (a < b))
    connection.execute(text)
    connection.execute("CREATE TABLE plain(a); INSERT INTO plain VALUES (1)")
    connection.close()
    return path


@pytest.mark.parametrize("kind", UNBUILDABLE)
def test_a_table_that_no_restore_could_build_is_refused(
    store: MemoryStore, tmp_path: Path, kind: str
) -> None:
    schema, cause = UNBUILDABLE[kind]
    path = of_a_program(tmp_path / "p.db", schema)
    with pytest.raises(NotSupported, match="u cannot be backed up") as refused:
        backed_up(store, path, "plain", "u")
    assert cause.lower() in refused.value.cause.lower()
    assert "damaged" not in str(refused.value)
    assert "CREATE TABLE copy AS SELECT" in refused.value.remedy
    assert store.objects == {}


@pytest.mark.parametrize("kind", UNBUILDABLE)
def test_of_all_tables_it_is_skipped_and_named(
    store: MemoryStore, tmp_path: Path, kind: str
) -> None:
    schema, cause = UNBUILDABLE[kind]
    path = of_a_program(tmp_path / "p.db", schema)
    with open_database(str(path)) as source:
        report = back_up(store, source, None, "", Work())
    assert [backup.table for backup in report.backups] == ["plain"]
    ((table, problem),) = [(skipped.table, skipped.problem) for skipped in report.skipped]
    assert table == "u"
    assert cause.lower() in problem.lower()


def test_virtual_tables_with_rows_of_their_own_are_named_derived_ones_are_not(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = tmp_path / "v.db"
    sql(
        path,
        "CREATE TABLE notes(body); CREATE VIRTUAL TABLE derived USING fts5(body, content='notes');"
        "CREATE VIRTUAL TABLE own USING fts5(body); CREATE VIRTUAL TABLE places USING rtree(id, a, b)",
    )
    with open_database(str(path)) as source:
        report = back_up(store, source, None, "", Work())
    assert [backup.table for backup in report.backups] == ["notes"]
    assert [skipped.table for skipped in report.skipped] == ["own", "places"]


@pytest.mark.parametrize(
    "schema",
    [
        "CREATE TABLE u(a DEFAULT (slug('x')), b)",
        "CREATE TABLE u(a); CREATE TRIGGER t AFTER INSERT ON u BEGIN SELECT slug(new.a); END",
        "CREATE TABLE u(a REFERENCES nowhere(x))",
        "CREATE TABLE u(a CHECK (json_valid(a)), b AS (upper(a)))",
    ],
)
def test_what_a_restore_can_build_is_not_refused(
    store: MemoryStore, tmp_path: Path, schema: str
) -> None:
    path = of_a_program(tmp_path / "p.db", schema)
    backup = backed_up(store, path, "u")
    assert restored(store, backup, tmp_path / "new.db").verified == "verified (SHA-256)"


@pytest.mark.parametrize("name", ["a/b", "", " "])
def test_a_name_that_no_key_can_hold_is_refused_before_any_table_is_written(
    store: MemoryStore, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "n.db"
    sql(path, f'CREATE TABLE good(a); CREATE TABLE "{name or "x"}"(a)')
    with pytest.raises(InvalidInput):
        backed_up(store, path, "good", name)
    assert store.objects == {}


def test_a_damaged_table_prevents_neither_the_list_nor_the_backup_of_the_others(
    tmp_path: Path,
) -> None:
    path = tmp_path / "t.db"
    sql(path, "CREATE TABLE good (id INTEGER PRIMARY KEY); INSERT INTO good VALUES (1)")
    sql(path, "CREATE TABLE bad (t TEXT)")
    sql(path, f"INSERT INTO bad SELECT '{'y' * 999}' FROM pragma_function_list LIMIT 20")
    content = bytearray(path.read_bytes())
    start = content.rfind(b"yyyyy") // 4096 * 4096
    content[start : start + 4096] = b"\xab" * 4096
    path.write_bytes(content)
    store = MemoryStore()
    with open_database(str(path)) as source:
        listed = {info.name: info.problem for info in source.tables()}
        report = back_up(store, source, None, "", Work())
        with pytest.raises(DatabaseError, match="is damaged"):
            back_up(store, source, Selection(include=("bad",)), "", Work())
    assert listed["good"] == ""
    assert listed["bad"].startswith("not readable")
    assert [made.table for made in report.backups] == ["good"]
    assert [left.table for left in report.skipped] == ["bad"]
