"""Forged manifests and odd names are never executed and never escape the target folder."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest
from helpers.backups import MemoryStore, backed_up, everything, restored, trading_database
from helpers.doses import generated
from helpers.forgery import forged, forgeries
from hypothesis import given
from hypothesis import strategies as st

from core.backup import manifest as manifests
from core.backup.databases import open_database
from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.restore import Choices, restore_of
from core.backup.run import back_up
from core.errors import Corrupt, DatabaseError, InvalidInput, NotSupported, StorageError
from core.model.backup import BackupState, Manifest
from core.model.tables import Check, Column, Index, KeyPart, Trigger
from core.work import Work


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return trading_database(tmp_path / "trading.db", rows=20)


@pytest.fixture
def store(path: Path) -> MemoryStore:
    store = MemoryStore()
    with open_database(str(path)) as source:
        back_up(store, source, ["orders"], "", Work())
    return store


def manifest_key(store: MemoryStore) -> str:
    return next(key for key in store.objects if key.endswith("_manifest.json"))


def forge(store: MemoryStore, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest and give it a matching hash, as an attacker who knows the format would."""
    key = manifest_key(store)
    body = json.loads(store.objects[key])
    change(body)
    body["sha256"] = manifests._own_hash(body)
    store.objects[key] = json.dumps(body).encode()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda b: b.update(format="other"), "not one of a table backup"),
        (lambda b: b.update(version=99), "does not support"),
        (lambda b: b.update(rows="20"), "rows has the wrong type"),
        (lambda b: b.update(rows=True), "rows has the wrong type"),
        (lambda b: b.update(rows=-1), "negative number"),
        (lambda b: b.update(rows=10**9), "do not add up"),
        (lambda b: b.update(table="users"), "not that of its table"),
        (lambda b: b.update(id="000000000000"), "another backup"),
        (lambda b: b.update(taken="yesterday"), "not a time"),
        (lambda b: b["parts"].append(dict(b["parts"][0], rows=0)), "out of order"),
        (lambda b: b["parts"].append(dict(b["parts"][0], index=1, rows=0)), "is missing"),
        (lambda b: b["parts"][0].update(size=1), "bytes, not 1"),
        (lambda b: b.update(rows=10**30), "rows is out of range"),
        (lambda b: b["parts"][0].update(rows=10**30), "rows is out of range"),
        (lambda b: b["parts"][0].update(size=10**30), "size is out of range"),
        (lambda b: b["parts"][0].update(raw_size=2**40), "an impossible size"),
        (lambda b: b["parts"][0].update(size=2**40), "an impossible size"),
        (lambda b: (b.update(rows=2**40), b["parts"][0].update(rows=2**40)), "more rows than "),
        (lambda b: b["schema"].update(sequence=10**30), "sequence is out of range"),
        (lambda b: b.update(seconds=10**400), "seconds is out of range"),
        (lambda b: b.update(seconds=float("nan")), "not JSON"),
        (lambda b: b.update(seconds=-1.0), "negative number"),
        (lambda b: b.update(taken="0001-01-01T00:00:00+23:00"), "not a time"),
        (lambda b: b.update(taken="2020-01-01T00:00:00Z"), "another backup"),
        (lambda b: b.update(note="\ud800"), "not text"),
        (lambda b: b["schema"].update(columns=[]), "not that of its table"),
        (lambda b: b["schema"].pop("columns"), "lacks manifest.schema.columns"),
        (lambda b: b["schema"].update(unknown_field=[]), "does not support"),
        (lambda b: b["schema"]["columns"][0].update(name=None), "has the wrong type"),
    ],
)
def test_a_forged_manifest_is_listed_as_broken_with_its_reason(
    store: MemoryStore, change: Callable[[dict[str, Any]], None], reason: str
) -> None:
    forge(store, change)
    (listed,) = backups_in(store, None, Work())
    assert listed.state is BackupState.BROKEN
    assert reason in listed.problem


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"[" * 100_000, b'{"format":1}'])
def test_a_manifest_that_is_none_is_broken(store: MemoryStore, data: bytes) -> None:
    store.objects[manifest_key(store)] = data
    assert backups_in(store, None, Work())[0].state is BackupState.BROKEN


def test_an_altered_manifest_does_not_match_its_hash(store: MemoryStore) -> None:
    key = manifest_key(store)
    store.objects[key] = store.objects[key].replace(b'"rows": 20', b'"rows": 19')
    assert "modified" in backups_in(store, None, Work())[0].problem


def schema_of(store: MemoryStore, change: Callable[[Manifest], Manifest]) -> None:
    key = manifest_key(store)
    store.objects[key] = manifests.to_bytes(change(manifests.from_bytes(store.objects[key])))


EVIL = "1); DROP TABLE users; --"
COLUMN = Column("id", "INTEGER")


def with_schema(**values: Any) -> Callable[[Manifest], Manifest]:
    return lambda m: replace(m, schema=replace(m.schema, **values))


def with_column(m: Manifest, **values: Any) -> Manifest:
    first, *others = m.schema.columns
    return replace(m, schema=replace(m.schema, columns=(replace(first, **values), *others)))


@pytest.mark.parametrize(
    "change",
    [
        lambda m: with_column(m, type="INT, x TEXT); DROP TABLE users; --"),
        lambda m: with_column(m, type="INTEGER REFERENCES users"),
        lambda m: with_column(m, default=EVIL),
        lambda m: with_column(m, default="1, evil INT"),
        lambda m: with_column(m, default="(SELECT name FROM users)"),
        lambda m: with_column(m, collation='x" UNIQUE, "y'),
        lambda m: with_column(m, on_conflict="REPLACE, evil INT"),
        with_schema(checks=(Check("1) , evil INT CHECK (1"),)),
        with_schema(checks=(Check("1 /*"),)),
        with_schema(checks=(Check("load_extension('/tmp/evil.so')"),)),
        with_schema(options=("WITHOUT ROWID; DROP TABLE users",)),
        with_schema(indexes=(Index("i", (KeyPart("1); DROP TABLE users; --", expression=True),)),)),
        with_schema(indexes=(Index("i", (KeyPart("id"),), where="1; DROP TABLE users"),)),
        with_schema(
            triggers=(
                Trigger("t", "AFTER", "INSERT", "SELECT 1; END; DROP TABLE users; SELECT 1;"),
            )
        ),
        with_schema(
            triggers=(
                Trigger("t", "AFTER", "INSERT ON users BEGIN SELECT 1; END; --", "SELECT 1;"),
            )
        ),
        with_schema(triggers=(Trigger("t", "AFTER", "INSERT", "SELECT 1; -- x"),)),
    ],
)
def test_a_hostile_schema_is_refused_and_changes_nothing(
    store: MemoryStore, path: Path, change: Callable[[Manifest], Manifest]
) -> None:
    schema_of(store, change)
    before = everything(path)
    (listed,) = backups_in(store, "orders", Work())
    with pytest.raises((Corrupt, DatabaseError, NotSupported)):
        restore_of(store, listed, str(path), Choices(with_triggers=True), Work())
    assert everything(path) == before


def test_code_of_a_backup_is_shown_and_not_created_unless_asked(
    store: MemoryStore, path: Path
) -> None:
    trap = Trigger("trap", "AFTER", "INSERT", "DELETE FROM users;")
    schema_of(store, with_schema(triggers=(trap,)))
    (listed,) = backups_in(store, "orders", Work())
    assert preview_of(store, listed, str(path), 5, Work()).triggers == (trap,)
    restore_of(store, listed, str(path), Choices(), Work())
    names = apsw.Connection(str(path)).execute(
        "SELECT name FROM sqlite_schema WHERE type='trigger'"
    )
    assert names.fetchall() == [("orders_seen",)]


def test_a_part_that_unpacks_to_more_than_it_says_is_refused(
    store: MemoryStore, path: Path
) -> None:
    schema_of(store, lambda m: replace(m, parts=(replace(m.parts[0], raw_size=900),)))
    (listed,) = backups_in(store, "orders", Work())
    with pytest.raises(Corrupt, match="exceeds the declared"):
        restore_of(store, listed, str(path), Choices(), Work())


def test_rows_that_are_not_those_of_the_manifest_are_refused(
    store: MemoryStore, path: Path
) -> None:
    schema_of(store, lambda m: replace(m, content="0" * 64))
    (listed,) = backups_in(store, "orders", Work())
    before = everything(path)
    with pytest.raises(Corrupt, match="do not match its manifest"):
        restore_of(store, listed, str(path), Choices(), Work())
    assert everything(path) == before


def test_a_later_form_is_refused_not_guessed() -> None:
    with pytest.raises(NotSupported):
        manifests.from_bytes(json.dumps({"format": manifests.FORMAT, "version": 2}).encode())


hostile = st.text(min_size=1, max_size=30).filter(lambda n: "\0" not in n)


@generated()
@given(
    st.one_of(
        hostile, st.sampled_from(['we"ird; drop table t;--', "`x`", "[y]", "%s", "select", "a'b"])
    )
)
def test_any_table_name_survives_or_is_refused(tmp_path: Path, name: str) -> None:
    if not name.isprintable() and any("\ud800" <= c <= "\udfff" for c in name):
        return
    path = tmp_path / "names.db"
    path.unlink(missing_ok=True)
    quoted = '"' + name.replace('"', '""') + '"'
    connection = apsw.Connection(str(path))
    if name.lower().startswith("sqlite_"):
        return
    connection.execute(
        f"CREATE TABLE {quoted}({quoted} INT, another_column); INSERT INTO {quoted} VALUES (1, 2)"
    )
    connection.close()
    store = MemoryStore()
    with open_database(str(path)) as source:
        try:
            (listed,) = back_up(store, source, [name], "", Work()).backups
        except InvalidInput:
            odd = any(unicodedata.category(c) in ("Cc", "Cs") for c in name)
            assert odd or "/" in name or name in (".", "..") or not name.strip()
            return
    assert backups_in(store, name, Work()) == (listed,)
    report = restore_of(store, listed, str(path), Choices(), Work())
    rows = apsw.Connection(str(path)).execute(f"SELECT * FROM {quoted}").fetchall()
    assert (rows, report.verified) == ([(1, 2)], "verified (SHA-256)")


@generated()
@given(forgeries())
def test_no_forged_field_of_a_schema_is_executed(
    tmp_path: Path, forgery: tuple[int, str, bool]
) -> None:
    path, store = tmp_path / "trading.db", MemoryStore()
    if not path.exists():
        trading_database(path, rows=9)
    backup = backed_up(store, path, "orders")
    before = everything(path)
    listed = forged(store, backup, forgery)
    try:
        restored(store, listed, path, target="again", with_triggers=True)
    except StorageError:
        assert everything(path) == before
        return
    apsw.Connection(str(path)).execute("DROP TABLE again")
    assert everything(path) == before
