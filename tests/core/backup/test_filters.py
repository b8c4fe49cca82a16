"""Backups of some rows or tables: conditions of SQL, and patterns of names."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, everything, restored, sql, trading_database
from helpers.keyrings import memory_keyring

from core.backup import manifest
from core.backup.choice import Wanted, find
from core.backup.databases import open_database
from core.backup.databases.sqlite import SQLiteDatabase
from core.backup.encryption_keys import create_key
from core.backup.health import findings
from core.backup.listing import backups_in
from core.backup.recovery_kit.script.backups import chosen
from core.backup.recovery_kit.script.storage import Folder
from core.backup.retention import decisions
from core.backup.run import back_up
from core.errors import Conflict, Corrupt, DatabaseError, InvalidInput, NotFound, StorageError
from core.model.backup import Backup, BackupReport
from core.model.retention import RetentionRule
from core.model.schedule import BackupProblem
from core.model.selection import Selection
from core.work import Work


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return trading_database(tmp_path / "trading.db", 20)


def run(store: MemoryStore, path: Path, selection: Selection) -> BackupReport:
    with open_database(str(path)) as source:
        return back_up(store, source, selection, "", Work())


def filtered(store: MemoryStore, path: Path, where: str, table: str = "orders") -> Backup:
    return run(store, path, Selection((table,), {table: where})).backups[0]


#: Texts that are no condition, or would do more than select rows. `{other}` is another file.
HOSTILE = (
    "1=1; DROP TABLE orders",
    "1=1); DROP TABLE orders; --",
    "1=1) UNION SELECT 1, 2 WHERE (1=1",
    "1=1) ORDER BY (1",
    "1=1) LIMIT (1",
    "1) THEN 1 END FROM orders UNION SELECT CASE WHEN (1",
    "id = 'open",
    'id = "open',
    "(id = 1",
    "id = 1)",
    "id = 1 /* open",
    "id = 1); ATTACH '{other}' AS o; CREATE TABLE o.t(a); SELECT (1",
    "id = ?",
    "id = :name",
    "id IN (DELETE FROM orders RETURNING id)",
    "missing = 1",
    "id IN (SELECT id FROM missing)",
    "writefile('{other}', 'x') > 0",
    "load_extension('x') IS NULL",
    "count(*) > 1",
    "id = 1\0) OR (1=1",
    "id = '\ud800'",
    "--",
)


@pytest.mark.parametrize("where", HOSTILE)
def test_a_text_that_is_not_a_condition_is_refused_and_changes_nothing(path, tmp_path, where):
    store, before, other = MemoryStore(), everything(path), tmp_path / "other"
    where = where.replace("{other}", str(other))
    with pytest.raises(InvalidInput) as error:
        filtered(store, path, where)
    assert "condition for orders" in error.value.summary
    assert error.value.remedy
    assert not store.objects
    assert not other.exists()
    assert everything(path) == before


@pytest.mark.parametrize("where", ["", "  "])
def test_an_empty_condition_is_not_an_omitted_one(path, where):
    with pytest.raises(InvalidInput, match="condition is empty"):
        filtered(MemoryStore(), path, where)


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("id % 2 = 0 -- even ones", range(2, 21, 2)),
        ("id = 3 /* a comment ) */", [3]),
        ("id = 3) OR (id = 5", [3, 5]),
        ("id IN (SELECT max(id) FROM orders)", [20]),
        ("status = 'open' AND NOT status LIKE ')%'", range(1, 21, 2)),
        ("0", []),
    ],
)
def test_exactly_the_rows_that_meet_the_condition_are_backed_up(path, where, ids):
    store = MemoryStore()
    backup = filtered(store, path, where)
    assert (backup.rows, backup.filter) == (len(ids), where)
    assert [each.filter for each in backups_in(store, "orders", Work())] == [where]
    report = restored(store, backup, path, target="some")
    assert report.verified == "verified (SHA-256)"
    assert [row[0] for row in sql(path, "SELECT id FROM some ORDER BY id")] == list(ids)


@pytest.mark.parametrize(
    "definition",
    ["t(id INTEGER PRIMARY KEY, v)", "t(id PRIMARY KEY, v) WITHOUT ROWID", "t(id, v)"],
)
def test_rows_that_sqlite_cannot_write_as_json_are_filtered_too(tmp_path, definition):
    path = tmp_path / "odd.db"
    sql(path, f"CREATE TABLE {definition}")
    sql(path, "INSERT INTO t VALUES (1, CAST(x'ff' AS TEXT)), (2, 'b'), (3, CAST(x'fe' AS TEXT))")
    store = MemoryStore()
    backup = filtered(store, path, "id <> 2", "t")
    restored(store, backup, path, target="some")
    assert sql(path, "SELECT id, hex(v) FROM some ORDER BY id") == [(1, "FF"), (3, "FE")]


def test_a_condition_that_selects_other_rows_the_second_time_is_refused(path, monkeypatch):
    """The condition is one that counts differently on purpose: `random()` may agree by chance."""
    count = SQLiteDatabase.count

    def other_count(self: SQLiteDatabase, table: str, *, where: str = "", work: Work) -> int:
        return count(self, table, where=where, work=work) + 1

    monkeypatch.setattr(SQLiteDatabase, "count", other_count)
    store = MemoryStore()
    with pytest.raises(DatabaseError, match="rows are missing") as error:
        filtered(store, path, "id < 4")
    assert "random()" in error.value.remedy
    assert not [key for key in store.objects if "manifest" in key]


def test_a_restore_in_place_would_remove_rows_and_is_refused(path):
    store, before = MemoryStore(), everything(path)
    backup = filtered(store, path, "id < 4")
    with pytest.raises(Conflict, match="contains only some rows") as error:
        restored(store, backup, path)
    assert "id < 4" in error.value.cause
    assert everything(path) == before


def test_on_an_empty_database_it_creates_the_table_with_a_warning(path, tmp_path):
    store = MemoryStore()
    backup = filtered(store, path, "id < 3", "users")
    report = restored(store, backup, tmp_path / "new.db")
    assert "The backup contains only the rows that meet: id < 3" in report.problems
    assert sql(tmp_path / "new.db", "SELECT id FROM users") == [(1,), (2,)]


def test_the_newest_complete_backup_is_chosen_by_default(path):
    store = MemoryStore()
    complete = run(store, path, Selection(("orders",))).backups[0]
    newer = filtered(store, path, "id < 4")
    with open_database(str(path)) as source:
        wanted = Wanted.of(None, None, source.origin)
    assert find(store, "orders", Work(), wanted).id == complete.id
    assert find(store, "orders", Work()).id == complete.id
    assert find(store, "orders", Work(), Wanted(newer.id)).id == newer.id


def test_without_a_complete_backup_the_filtered_one_is_named(path):
    store = MemoryStore()
    backup = filtered(store, path, "id < 4")
    with pytest.raises(NotFound, match="with all of its rows") as error:
        find(store, "orders", Work())
    assert backup.id in error.value.cause
    assert "id < 4" in error.value.cause


def test_a_condition_of_a_table_that_is_not_backed_up_is_refused(path):
    with pytest.raises(InvalidInput, match="users"):
        run(MemoryStore(), path, Selection(("orders",), {"users": "1"}))
    with pytest.raises(InvalidInput, match="ORDERS"):
        run(MemoryStore(), path, Selection(("orders",), {"orders": "1", "ORDERS": "1"}))


def test_patterns_choose_tables_by_complete_names_whatever_their_case(path):
    report = run(MemoryStore(), path, Selection(include=("O*", "user?"), exclude=("USERS",)))
    assert [each.table for each in report.backups] == ["orders"]


def test_a_condition_can_be_combined_with_all_tables(path):
    report = run(MemoryStore(), path, Selection(where={"Orders": "id < 3"}))
    assert {each.table: (each.rows, each.filter) for each in report.backups} == {
        "audit": (0, ""), "orders": (2, "id < 3"), "users": (3, "")
    }  # fmt: skip


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        (Selection(include=("order",)), "No table matches the pattern order"),
        (Selection(exclude=("x*",)), "No table matches the pattern x"),
        (Selection(include=("orders",), exclude=("*",)), "exclude every table"),
        (Selection(("orders",), include=("orders",)), "cannot be combined"),
        (Selection(include=("",)), "pattern is empty"),
        (Selection(include=("[",)), "No table matches the pattern"),
    ],
)
def test_patterns_that_choose_nothing_are_errors(path, selection, text):
    store = MemoryStore()
    with pytest.raises(StorageError, match=text) as error:
        run(store, path, selection)
    assert error.value.remedy
    assert not store.objects


def test_a_file_without_tables_is_questioned(tmp_path: Path) -> None:
    sql(tmp_path / "empty.db", "VACUUM")
    with pytest.raises(InvalidInput, match="no tables") as refused:
        run(MemoryStore(), tmp_path / "empty.db", Selection())
    assert refused.value.remedy == "Check that it is the correct file."


def test_earlier_programs_refuse_a_filtered_backup_and_read_all_others(path):
    """They know only version 1, and would replace the complete table by some of its rows."""
    store = MemoryStore()
    run(store, path, Selection(("users",)))
    filtered(store, path, "id < 3")
    bodies = {
        body["table"]: body
        for key, data in store.objects.items()
        if key.endswith("_manifest.json")
        for body in (json.loads(data),)
    }
    assert (bodies["users"]["version"], "filter" in bodies["users"]) == (1, False)
    assert (bodies["orders"]["version"], bodies["orders"]["filter"]) == (2, "id < 3")


@pytest.mark.parametrize(("version", "where"), [(1, "id < 3"), (2, "")])
def test_a_manifest_that_contradicts_itself_about_its_rows_is_refused(path, version, where):
    store = MemoryStore()
    backup = filtered(store, path, "id < 3")
    body = {**json.loads(store.objects[backup.key]), "version": version, "filter": where}
    del body["sha256"]
    body["sha256"] = hashlib.sha256(manifest.canonical(body)).hexdigest()
    with pytest.raises(Corrupt, match="contradicts itself"):
        manifest.from_bytes(json.dumps(body).encode())


def test_retention_keeps_the_complete_backups_whatever_filtered_ones_are_newer(path):
    store = MemoryStore()
    complete = run(store, path, Selection(("orders",))).backups[0]
    some = [filtered(store, path, where) for where in ("id < 3", "id < 3", "id < 9")]
    listed = backups_in(store, "orders", Work())
    found = {each.backup.id: each for each in decisions(listed, RetentionRule(daily=1))}
    assert found[complete.id].reasons[0] == "It is the newest backup of the table."
    assert [found[each.id].retained for each in some] == [False, True, True]
    assert found[some[1].id].reasons[0] == "It is the newest backup with this filter."


def test_a_filtered_backup_is_neither_the_newest_nor_abnormally_small(path):
    store = MemoryStore()
    complete = run(store, path, Selection(("orders",))).backups[0]
    old = [
        replace(complete, key=f"k{day}", taken=complete.taken - timedelta(days=day), size=1 << 20)
        for day in range(2, 7)
    ]
    new = replace(filtered(store, path, "id < 3"), taken=complete.taken)
    problems = [each.problem for each in findings([new, *old], overdue=timedelta(days=1))]
    assert problems == [BackupProblem.OVERDUE]


def test_the_recovery_kit_chooses_a_filtered_backup_only_by_its_id(path, tmp_path):
    store = MemoryStore()
    complete = run(store, path, Selection(("orders",))).backups[0]
    newer = filtered(store, path, "id < 4")
    for key, data in store.objects.items():
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(data)
    place = Folder(tmp_path)
    assert chosen(place, "orders", "").id == complete.id
    assert chosen(place, "orders", newer.id).id == newer.id


def test_the_condition_of_an_encrypted_backup_is_hidden_but_that_it_has_one_is_not(
    path, monkeypatch
):
    store = MemoryStore()
    with contextlib.contextmanager(memory_keyring)(monkeypatch):
        key = create_key(None, name="keyring:main")
        with open_database(str(path)) as source:
            selection = Selection(("orders",), {"orders": "status <> 'canary-7731'"})
            back_up(store, source, selection, "", Work(), key=key)
        (listed,) = backups_in(store, "orders", Work())
        assert listed.filter == manifest.HIDDEN_FILTER
        assert not any(b"canary-7731" in data for data in store.objects.values())
        with pytest.raises(Conflict):
            restored(store, listed, path)
        report = restored(store, listed, path, target="some")
        assert report.rows == 20
        (decision,) = decisions([replace(listed, taken=listed.taken)], RetentionRule(daily=1))
        assert "encrypted" in " ".join(decision.reasons)
