"""Backup, list, preview, restore, undo: what a person does, without a window."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import apsw
import pytest
import zstandard
from helpers.backups import (
    MemoryStore,
    backed_up,
    everything,
    restored,
    schema_of,
    sql,
    trading_database,
)

from core.backup.choice import Wanted, find
from core.backup.databases import open_database
from core.backup.drift import drift
from core.backup.listing import backups_in
from core.backup.manifest import from_bytes, to_bytes
from core.backup.preview import preview_of
from core.backup.restore import Choices, restore_of
from core.backup.undo import drop_former_table, undo
from core.backup.verify import verify_of
from core.errors import (
    AlreadyExists,
    Cancelled,
    Conflict,
    Corrupt,
    DatabaseError,
    InvalidInput,
    NotFound,
    NotSupported,
    Offline,
)
from core.model.backup import BackupState
from core.model.tables import Check, Column, ForeignKey, Index, Key, KeyPart, TableSchema
from core.work import CancelToken, Work


def test_a_backup_lies_under_the_contract_and_is_listed(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    day = f"backups/database/orders/{backup.taken:%Y/%m/%d}/"
    assert all(key.startswith(day) for key in store.objects)
    assert backup.rows == 500
    assert backups_in(store, "orders", Work()) == (backup,)
    assert backups_in(store, None, Work()) == (backup,)
    assert verify_of(store, backup, Work()).good


def test_a_dropped_table_comes_back_as_it_was(store: MemoryStore, path: Path) -> None:
    rows, schema = sql(path, "SELECT * FROM orders"), schema_of(path, "orders")
    backup = backed_up(store, path, "orders")
    sql(path, "DROP TABLE orders")
    seen = preview_of(store, backup, str(path), 10, Work())
    assert (seen.exists, seen.difference.added, seen.triggers[0].name) == (
        False,
        500,
        "orders_seen",
    )
    report = restored(store, backup, path, with_triggers=True)
    assert (report.rows, report.kept, report.verified) == (500, "", "verified (SHA-256)")
    assert (sql(path, "SELECT * FROM orders"), schema_of(path, "orders")) == (rows, schema)
    sql(path, "INSERT INTO orders(user_id) VALUES (1)")
    assert sql(path, "SELECT * FROM audit") == [("order 501",)]


def test_a_restore_in_place_keeps_references_and_can_be_undone(
    store: MemoryStore, path: Path
) -> None:
    backup = backed_up(store, path, "users")
    sql(path, "INSERT INTO users(name) VALUES ('dot'); UPDATE users SET name = 'eve' WHERE id = 1")
    changed = everything(path)
    report = restored(store, backup, path)
    assert sql(path, "SELECT name FROM users ORDER BY id") == [("ada",), ("bob",), ("cyd",)]
    assert sql(path, f'SELECT count(*) FROM "{report.kept}"') == [(4,)]
    assert "REFERENCES users(id)" in str(
        sql(path, "SELECT sql FROM sqlite_schema WHERE name='orders'")
    )
    assert sql(path, "PRAGMA foreign_key_check") == []
    assert sql(path, "SELECT seq FROM sqlite_sequence WHERE name='users'") == [(3,)]
    with open_database(str(path)) as database:
        assert [t.former_name for t in database.tables() if t.former_name] == ["users"]
    assert undo(None, database=str(path), former=report.kept).table == "users"
    assert [r[:3] for r in everything(path)] == [r[:3] for r in changed]
    assert sql(path, "SELECT name FROM users WHERE id IN (1, 4)") == [("eve",), ("dot",)]


def test_undo_brings_back_indexes_and_triggers(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    sql(
        path,
        "DROP INDEX orders_user; CREATE INDEX newer ON orders(price); DELETE FROM orders WHERE id > 9",
    )
    rows, schema = sql(path, "SELECT * FROM orders"), schema_of(path, "orders")
    report = restored(store, backup, path)
    names = {
        name for (name,) in sql(path, "SELECT name FROM sqlite_schema WHERE tbl_name='orders'")
    }
    assert names == {"orders", "orders_user", "orders_seen"}
    undo(None, database=str(path), former=report.kept)
    assert (sql(path, "SELECT * FROM orders"), schema_of(path, "orders")) == (rows, schema)


def test_the_stored_table_goes_only_when_reported(store: MemoryStore, path: Path) -> None:
    report = restored(store, backed_up(store, path, "orders"), path)
    with pytest.raises(InvalidInput):
        drop_former_table(None, database=str(path), former="users")
    drop_former_table(None, database=str(path), former=report.kept)
    assert sql(path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%before%'") == [(0,)]
    assert sql(path, "SELECT count(*) FROM orders") == [(500,)]


def test_a_former_table_to_which_a_key_refers_is_not_dropped(
    store: MemoryStore, path: Path
) -> None:
    former = restored(store, backed_up(store, path, "orders"), path).kept
    sql(path, f'CREATE TABLE linked (id INTEGER REFERENCES "{former}"(id))')
    with pytest.raises(Conflict, match="used by a foreign key") as refused:
        drop_former_table(None, database=str(path), former=former)
    assert "linked" in refused.value.cause
    assert former in str(sql(path, "SELECT name FROM sqlite_schema"))


def test_the_preview_reports_rows_cells_drift_and_references(
    store: MemoryStore, path: Path
) -> None:
    backup = backed_up(store, path, "users")
    sql(
        path,
        "INSERT INTO users(name) VALUES ('dot'); UPDATE users SET name = 'eve' WHERE id = 1;"
        "INSERT INTO orders VALUES (501, 4, 1.0, 'open'); DELETE FROM users WHERE id = 2;"
        "ALTER TABLE users ADD COLUMN age INT",
    )
    before = everything(path)
    seen = preview_of(store, backup, str(path), 10, Work())
    assert (seen.difference.added, seen.difference.changed, seen.difference.removed) == (1, 1, 1)
    cell = seen.difference.cells[0]
    assert (cell.key, cell.column, cell.today, cell.backup) == ("1", "name", "eve", "ada")
    assert seen.difference.added_rows == ("2",)
    assert seen.difference.removed_rows == ("4",)
    assert seen.drift == ("column age was added since the backup: its values would be removed",)
    assert [(r.table, r.columns, r.on_delete) for r in seen.incoming] == [
        ("orders", ("user_id",), "CASCADE")
    ]
    assert seen.orphans == (("orders", 1),)
    assert (seen.rows, seen.rows_today) == (3, 3)
    assert seen.suggested_name == f"users_{backup.taken:%Y%m%d}"
    assert everything(path) == before


def test_a_table_without_key_is_compared_by_rows(store: MemoryStore, path: Path) -> None:
    sql(
        path, "INSERT INTO audit VALUES ('a'), ('a'), ('b'), (NULL), (x'00'), (CAST(x'ff' AS TEXT))"
    )
    backup = backed_up(store, path, "audit")
    sql(path, "DELETE FROM audit WHERE rowid = 1; INSERT INTO audit VALUES ('c')")
    seen = preview_of(store, backup, str(path), 10, Work())
    assert (seen.difference.added, seen.difference.removed, seen.difference.by_key) == (1, 1, ())


def test_orphans_stop_a_restore_in_place_until_allowed(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "users")
    sql(
        path,
        "INSERT INTO users(name) VALUES ('dot'); INSERT INTO orders VALUES (501, 4, 1, 'open')",
    )
    before = everything(path)
    with pytest.raises(Conflict, match="1 in orders"):
        restored(store, backup, path)
    assert everything(path) == before
    assert restored(store, backup, path, allow_orphans=True).problems


def test_under_a_new_name_nothing_of_the_old_table_changes(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    before = everything(path)
    restored(store, backup, path, target="orders_copy")
    assert [row for row in everything(path) if row in before] == before
    assert sql(path, "SELECT count(*), sum(price) FROM orders_copy") == sql(
        path, "SELECT count(*), sum(price) FROM orders"
    )
    with pytest.raises(AlreadyExists):
        restored(store, backup, path, target="users")


def test_a_fresh_machine_restores_into_a_file_that_is_made(
    store: MemoryStore, path: Path, tmp_path: Path
) -> None:
    backup = backed_up(store, path, "users")
    target = tmp_path / "new.db"
    assert (preview_of(store, backup, str(target), 10, Work()).exists, target.exists()) == (0, 0)
    for created in (True, False):
        assert ("it was created" in str(restored(store, backup, target).problems)) is created
    assert sql(target, "SELECT name FROM users") == [("ada",), ("bob",), ("cyd",)]


def test_point_in_time_picks_the_newest_before_it(store: MemoryStore, path: Path) -> None:
    first, second, third = (backed_up(store, path, "users") for _ in range(3))
    assert find(store, "users", Work()).id == third.id
    before = second.taken - timedelta(microseconds=1)
    assert find(store, "users", Work(), Wanted(at=before)).id == first.id
    for wanted in (Wanted(at=first.taken - timedelta(seconds=1)), Wanted(backup_id="nothing")):
        with pytest.raises(NotFound):
            find(store, "users", Work(), wanted)


def test_one_snapshot_while_the_application_writes(store: MemoryStore, path: Path) -> None:
    sql(path, "PRAGMA journal_mode=WAL")
    writer = apsw.Connection(str(path))
    with open_database(str(path)) as source, source.snapshot():
        schema = source.schema("orders")
        writer.execute("DELETE FROM orders")
        assert source.content(schema).rows == 500
    writer.close()


def test_a_failed_upload_leaves_no_backup_and_no_parts(store: MemoryStore, path: Path) -> None:
    store.fail_after = 1
    with pytest.raises(Offline):
        backed_up(store, path, "orders")
    assert backups_in(store, None, Work()) == ()


@pytest.mark.parametrize("harm", ["flip", "short", "gone", "swap"])
def test_a_harmed_part_is_refused_before_the_target_is_touched(
    store: MemoryStore, path: Path, harm: str
) -> None:
    backup = backed_up(store, path, "orders")
    other = backed_up(store, path, "orders")
    part = backup.key.replace("_manifest.json", "part-00000.jsonl.zst")
    data = store.objects[part]
    if harm == "flip":
        store.objects[part] = data[:50] + bytes([data[50] ^ 1]) + data[51:]
    elif harm == "short":
        store.objects[part] = data[:-1]
    elif harm == "swap":
        store.objects[part] = store.objects[
            other.key.replace("_manifest.json", "part-00000.jsonl.zst")
        ][::-1]
    else:
        del store.objects[part]
    before = everything(path)
    with pytest.raises((Corrupt, NotFound)):
        restored(store, backup, path)
    assert everything(path) == before
    assert not verify_of(store, backup, Work()).good
    by_id = {b.id: b.state for b in backups_in(store, "orders", Work())}
    assert by_id[other.id] is BackupState.COMPLETE
    if harm in ("short", "gone"):
        assert by_id[backup.id] is BackupState.BROKEN


def test_numbers_in_other_digits_are_proven_by_value(store: MemoryStore, path: Path) -> None:
    sql(
        path,
        "CREATE TABLE p(id INTEGER PRIMARY KEY, x REAL); INSERT INTO p VALUES (1, 1/3.0), (2, 2.5)",
    )
    backup = backed_up(store, path, "p")
    part = backup.key.replace("_manifest.json", "part-00000.jsonl.zst")
    lines = zstandard.decompress(store.objects[part], 1000)
    lines = lines.replace(b"0.33333333333333332", b"0.3333333333333333").replace(b"2.5", b"25e-1")
    data = zstandard.compress(lines)
    stored = from_bytes(store.objects[backup.key])
    changed = replace(
        stored.parts[0],
        size=len(data),
        raw_size=len(lines),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    other = replace(stored, parts=(changed,), content=hashlib.sha256(lines).hexdigest())
    store.objects |= {part: data, backup.key: to_bytes(other)}
    assert (
        restored(store, backups_in(store, "p", Work())[0], path).verified == "verified (by value)"
    )
    assert sql(path, "SELECT x FROM p") == [(1 / 3,), (2.5,)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("integer", "INTEGER"),
        ("varchar(20)", "VARCHAR (20)"),
        ("Double  Precision", "double precision"),
    ],
)
def test_the_case_of_a_type_is_no_difference(ours: str, theirs: str) -> None:
    def schema(kind: str, collation: str) -> TableSchema:
        index = Index("by_a", (KeyPart("a", collation=collation),))
        return TableSchema("t", (Column("a", kind, collation=collation),), indexes=(index,))

    assert drift(schema(ours, "nocase"), schema(theirs, "NOCASE")) == ()
    assert drift(schema("integer", ""), schema("text", "")) != ()


def test_drift_is_reported_in_text() -> None:
    parts = (KeyPart("id"),)
    backup = TableSchema(
        "t",
        (Column("id", "INT"), Column("old"), Column("x", "TEXT", default="'a'")),
        (Key(parts, primary=True),),
    )
    today = TableSchema(
        "t",
        (Column("x", "INTEGER", not_null=True), Column("id", "INT"), Column("new")),
        checks=(Check("x > 0"),),
        foreign_keys=(ForeignKey(("x",), "u"),),
        indexes=(Index("i", parts),),
        options=("strict",),
    )
    assert drift(backup, backup) == ()
    text = "\n".join(drift(backup, today))
    for output in (
        "column new was added since",
        "column old was removed since",
        "the type is INTEGER today, TEXT",
        "NOT NULL is on today, off",
        "the default is none today, 'a'",
        "another order",
        "none today, primary (id)",
        "checks: x > 0 today, none in the backup",
        "x → u today, none",
        "index i was added since",
        "strict today, none",
    ):
        assert output in text


def test_a_cancel_leaves_everything_as_it_was(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    before = everything(path)
    token = CancelToken()
    work = Work(token, lambda progress: token.cancel() if progress.note == "checking" else None)
    with pytest.raises(Cancelled):
        restore_of(store, backup, str(path), Choices(), work)
    assert everything(path) == before


def test_a_lock_held_by_another_program_is_reported(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.backup.databases.sqlite.connection.BUSY_MILLISECONDS", 20)
    backup = backed_up(store, path, "orders")
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseError, match="locked"):
        restored(store, backup, path)
    other.execute("ROLLBACK")
    other.close()


def test_what_cannot_be_opened_says_why(tmp_path: Path, path: Path) -> None:
    (tmp_path / "text.db").write_text("This is a letter, not a database.")
    with pytest.raises(DatabaseError, match="not an SQLite database"):
        open_database(str(tmp_path / "text.db"))
    with pytest.raises(DatabaseError, match="does not exist"):
        open_database(str(tmp_path / "missing.db"))
    with pytest.raises(NotSupported) as refused:
        open_database("oracle://bob:hunter2-secret@db/prod")
    assert "SQLite" in str(refused.value)
    assert "hunter2" not in str(refused.value) + refused.value.subject
    with pytest.raises(InvalidInput):
        open_database("sqlite://")
    with open_database(f"sqlite:///{path}") as database:
        assert [t.name for t in database.tables()] == ["audit", "orders", "users"]
        with pytest.raises(NotFound):
            database.schema("nothing")
        with pytest.raises(NotSupported):
            database.schema("open_orders")


def test_the_failure_of_a_large_backup_is_reported_as_what_it_is(
    store: MemoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading thread has ended before the database is rolled back and closed."""
    monkeypatch.setattr("core.backup.packing.PART_BYTES", 100_000)
    path = trading_database(tmp_path / "large.db", rows=200_000)
    for writes in (0, 1, 5):
        store.fail_after = writes
        with pytest.raises(Offline) as failed:  # referenced, as a traceback references its frames
            backed_up(store, path, "orders")
        assert failed.value.__context__ is None
        assert [t.name for t in threading.enumerate() if t.name.startswith("prefetch")] == []


def test_no_thread_stays_when_a_backup_fails(store: MemoryStore, path: Path) -> None:
    store.fail_after = 0
    with pytest.raises(Offline):
        backed_up(store, path, "orders")
    assert [
        t.name for t in threading.enumerate() if t.name.startswith(("prefetch", "backup"))
    ] == []
