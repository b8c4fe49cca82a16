"""Encrypted backups: the same table comes back, nothing readable is stored, no forgery is accepted."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
import zstandard
from helpers.backups import MemoryStore, everything, restored, sql
from helpers.keyrings import MemoryKeyring, memory_keyring

from core.backup import encryption, packing
from core.backup import manifest as manifests
from core.backup.databases import open_database
from core.backup.drill import drill_of_backup
from core.backup.encryption_keys import BackupKey, create_key
from core.backup.export import Target, export_of
from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.query import query_of
from core.backup.run import back_up
from core.backup.verifications import verifications
from core.backup.verify import verify_of
from core.errors import (
    Corrupt,
    InvalidInput,
    NotFound,
    StorageError,
)
from core.hints import Hint
from core.model.backup import Backup, BackupState
from core.redaction import Secret
from core.work import Work

KEY = "keyring:main"
#: Texts of the table's rows and schema that must not be found anywhere.
CANARIES = (b"canary-row-7731", b"canary-default-7731", b"canary-check-7731")


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    yield from memory_keyring(monkeypatch)


@pytest.fixture
def key(keyring: MemoryKeyring) -> BackupKey:
    return create_key(None, name=KEY)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of two parts whose rows and schema contain canaries."""
    monkeypatch.setattr(packing, "PART_BYTES", 1)
    path = tmp_path / "trading.db"
    connection = apsw.Connection(str(path))
    connection.execute(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT DEFAULT 'canary-default-7731' "
        "CHECK (v <> 'canary-check-7731'))"
    )
    with connection:
        values = [(n, f"canary-row-7731 {n} " + "x" * 500) for n in range(2500)]
        connection.executemany("INSERT INTO t VALUES (?, ?)", values)
    connection.close()
    return path


def back_up_with(store: MemoryStore, path: Path, key: BackupKey | None) -> Backup:
    with open_database(str(path)) as source:
        made = back_up(store, source, ["t"], "", Work(), key=key).backups[0]
    return next(one for one in backups_in(store, "t", Work()) if one.id == made.id)


@pytest.fixture
def backup(store: MemoryStore, path: Path, key: BackupKey) -> Backup:
    return back_up_with(store, path, key)


def test_the_same_table_comes_back_with_no_further_option(
    store: MemoryStore, path: Path, backup: Backup, tmp_path: Path
) -> None:
    assert (backup.state, backup.encrypted_with) == (BackupState.COMPLETE, KEY)
    assert verify_of(store, backup, Work()).good
    target = tmp_path / "new.db"
    assert restored(store, backup, target).verified == "verified (SHA-256)"
    assert sql(target, "SELECT * FROM t") == sql(path, "SELECT * FROM t")
    assert "canary-default" in str(everything(target))
    sql(path, "DELETE FROM t WHERE id < 10")
    assert preview_of(store, backup, str(path), 5, Work()).difference.added == 10
    found = query_of(store, backup, "SELECT count(*), min(v) FROM t", 10, Work())
    assert found.rows[0][0] == 2500
    output = tmp_path / "t.csv"
    assert export_of(store, backup, Target(output, "csv"), Work()).rows == 2500
    assert output.read_bytes().count(CANARIES[0]) == 2500
    assert drill_of_backup(store, backup, None, Work()).proven


def test_nothing_readable_is_stored_and_nothing_is_logged(
    store: MemoryStore, key: BackupKey, backup: Backup, home: Path, tmp_path: Path, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    spooled: list[bytes] = []
    pieces = query_pieces(spooled, home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.backup.query.rows._check_count", pieces)
        query_of(store, backup, "SELECT max(v) FROM t", 10, Work())
    verify_of(store, backup, Work())
    secret = key.key.reveal()
    raw = base64.b64decode(secret)
    canaries = (*CANARIES, secret.encode(), raw, raw.hex().encode())
    stored = [*store.objects.values(), *(json.dumps(m).encode() for m in store.metadata.values())]
    local = [file.read_bytes() for file in home.rglob("*") if file.is_file()]
    assert len(spooled) >= 2
    for data in (*stored, *local, *spooled, caplog.text.encode()):
        assert not any(canary in data for canary in canaries)
    names = [name.rpartition("/")[2] for name in store.objects]
    parts = [name for name in names if name.startswith("part-")]
    assert len(parts) >= 2
    assert all(name.endswith(".jsonl.zst.aes") for name in parts)


def query_pieces(spooled: list[bytes], home: Path) -> Callable[..., None]:
    """Return a function that reads what is on the disk while the rows are in DuckDB."""

    def read(*_arguments: object) -> None:
        spooled.extend(file.read_bytes() for file in home.rglob("*") if file.is_file())

    return read


def test_equal_rows_are_not_recognizable(
    store: MemoryStore, path: Path, key: BackupKey, backup: Backup
) -> None:
    other = back_up_with(store, path, key)
    one, two = (manifests.from_bytes(store.objects[each.key]) for each in (backup, other))
    assert {part.sha256 for part in one.parts}.isdisjoint(part.sha256 for part in two.parts)
    assert (one.content, one.fingerprint, one.ddl, one.schema.columns) == ("", "", "", ())
    assert one.encryption is not None
    assert two.encryption is not None
    assert one.encryption.wrapped_key != two.encryption.wrapped_key
    assert one.encryption.key_check == two.encryption.key_check == key.check


def test_a_backup_without_a_key_is_written_as_before(
    store: MemoryStore, path: Path, keyring: MemoryKeyring
) -> None:
    backup = back_up_with(store, path, None)
    body = json.loads(store.objects[backup.key])
    assert body["compression"] == "zstd"
    assert "encryption" not in body
    assert backup.encrypted_with == ""
    part = backup.key.replace("_manifest.json", "part-00000.jsonl.zst")
    assert b"canary-row" in zstandard.decompress(store.objects[part], 1 << 20)


def test_earlier_programs_refuse_an_encrypted_backup_as_not_supported(
    store: MemoryStore, backup: Backup
) -> None:
    """They compare both fields, and report the second one as text."""
    body = json.loads(store.objects[backup.key])
    assert (body["version"], body["compression"]) == (1, "zstd+aes-256-gcm")


def body_of(store: MemoryStore, backup: Backup) -> dict[str, Any]:
    found = json.loads(store.objects[backup.key])
    assert isinstance(found, dict)
    return found


def part_key(backup: Backup, index: int) -> str:
    return backup.key.replace("_manifest.json", f"part-{index:05d}.jsonl.zst.aes")


def forge(store: MemoryStore, backup: Backup, body: dict[str, Any]) -> None:
    """Write a manifest with matching sizes and hashes, as someone without the key could."""
    for part in body["parts"]:
        data = store.objects[part_key(backup, part["index"])]
        part["size"], part["sha256"] = len(data), hashlib.sha256(data).hexdigest()
    body["sha256"] = manifests._own_hash(body)
    store.objects[backup.key] = json.dumps(body).encode()


def flip(store: MemoryStore, one: Backup, _other: Backup) -> dict[str, Any]:
    data = bytearray(store.objects[part_key(one, 1)])
    data[100] ^= 1
    store.objects[part_key(one, 1)] = bytes(data)
    return body_of(store, one)


def cut(store: MemoryStore, one: Backup, _other: Backup) -> dict[str, Any]:
    store.objects[part_key(one, 0)] = store.objects[part_key(one, 0)][:-1]
    return body_of(store, one)


def swap(store: MemoryStore, one: Backup, _other: Backup) -> dict[str, Any]:
    keys = part_key(one, 0), part_key(one, 1)
    store.objects[keys[0]], store.objects[keys[1]] = store.objects[keys[1]], store.objects[keys[0]]
    return body_of(store, one)


def part_of_another(store: MemoryStore, one: Backup, other: Backup) -> dict[str, Any]:
    store.objects[part_key(one, 0)] = store.objects[part_key(other, 0)]
    return body_of(store, one)


def parts_removed(store: MemoryStore, one: Backup, _other: Backup) -> dict[str, Any]:
    body = body_of(store, one)
    body["rows"] -= body["parts"].pop()["rows"]
    return body


def with_record(**changes: str) -> Callable[[MemoryStore, Backup, Backup], dict[str, Any]]:
    def change(store: MemoryStore, one: Backup, _other: Backup) -> dict[str, Any]:
        body = body_of(store, one)
        body["encryption"].update(changes)
        return body

    return change


def record_of_another(*fields: str) -> Callable[[MemoryStore, Backup, Backup], dict[str, Any]]:
    def change(store: MemoryStore, one: Backup, other: Backup) -> dict[str, Any]:
        body, record = body_of(store, one), body_of(store, other)["encryption"]
        body["encryption"].update({field: record[field] for field in fields})
        return body

    return change


def plain(store: MemoryStore, one: Backup, _other: Backup) -> dict[str, Any]:
    body = body_of(store, one)
    del body["encryption"]
    return body | {"compression": "zstd"}


def contradicting(store: MemoryStore, one: Backup, _other: Backup) -> dict[str, Any]:
    body = body_of(store, one)
    return body | {"compression": "zstd"}


def another_note(store: MemoryStore, one: Backup, _other: Backup) -> dict[str, Any]:
    return body_of(store, one) | {"note": "forged"}


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        (flip, Corrupt, "its MAC differs"),
        (cut, Corrupt, "its MAC differs"),
        (swap, Corrupt, "its MAC differs"),
        (part_of_another, Corrupt, "its MAC differs"),
        (parts_removed, Corrupt, "its MAC differs"),
        (another_note, Corrupt, "its MAC differs"),
        (with_record(mac="00" * 32), Corrupt, "its MAC differs"),
        (with_record(mac="é"), Corrupt, "its MAC differs"),
        (with_record(hidden=""), Corrupt, "its MAC differs"),
        (record_of_another("hidden"), Corrupt, "its MAC differs"),
        (record_of_another("wrapped_key"), Corrupt, "data key"),
        (record_of_another("wrapped_key", "hidden", "mac"), Corrupt, "data key"),
        (with_record(wrapped_key=""), Corrupt, "data key"),
        (with_record(wrapped_key="not base64!"), Corrupt, "data key"),
        (with_record(wrapped_key=base64.b64encode(b"x" * 60).decode()), Corrupt, "data key"),
        (with_record(key_check="0" * 16), NotFound, "check value"),
        (with_record(key_check="é"), NotFound, "check value"),
        (with_record(key="keyring:other"), NotFound, "no backup key"),
        (with_record(key="secret:other"), InvalidInput, "without a connection"),
        (with_record(key="other"), InvalidInput, "does not name a key"),
        (with_record(key="keyring:a; rm -rf ~"), InvalidInput, "does not name a key"),
        (with_record(algorithm="ROT13"), StorageError, "ROT13"),
        (with_record(more="x"), StorageError, "does not support"),
        (plain, Corrupt, "schema is not that"),
        (contradicting, Corrupt, "contradicts itself"),
    ],
)
def test_a_forged_backup_is_refused_before_the_target_is_changed(
    store: MemoryStore,
    path: Path,
    key: BackupKey,
    backup: Backup,
    change: Callable[[MemoryStore, Backup, Backup], dict[str, Any]],
    error: type[StorageError],
    reason: str,
) -> None:
    body = change(store, backup, back_up_with(store, path, key))
    try:
        forge(store, backup, body)
    except KeyError:  # the forged parts have other names
        body["sha256"] = manifests._own_hash(body)
        store.objects[backup.key] = json.dumps(body).encode()
    listed = next(one for one in backups_in(store, "t", Work()) if one.id == backup.id)
    before = everything(path)
    for use in (
        lambda: restored(store, listed, path),
        lambda: preview_of(store, listed, str(path), 5, Work()),
        lambda: query_of(store, listed, "SELECT 1 FROM t", 5, Work()),
    ):
        with pytest.raises(error) as caught:
            use()
        assert reason in str(caught.value)
        assert caught.value.remedy
    assert everything(path) == before


def test_a_damaged_part_is_named_by_a_verification(store: MemoryStore, backup: Backup) -> None:
    flip(store, backup, backup)
    report = verify_of(store, backup, Work())
    assert not report.good
    assert "Part 1" in report.problems[0]


@pytest.mark.parametrize("change", [flip, cut, swap, part_of_another])
def test_parts_are_bound_to_their_place_even_for_someone_who_has_the_key(
    store: MemoryStore,
    path: Path,
    key: BackupKey,
    backup: Backup,
    change: Callable[[MemoryStore, Backup, Backup], dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tag of each part protects it, also if the MAC of the manifest is right."""
    forge(store, backup, change(store, backup, back_up_with(store, path, key)))
    monkeypatch.setattr(encryption.hmac, "compare_digest", lambda *_values: True)
    listed = next(one for one in backups_in(store, "t", Work()) if one.id == backup.id)
    with pytest.raises(Corrupt, match=r"cannot be de|does not match"):
        restored(store, listed, path)
    assert not verify_of(store, listed, Work()).good


def test_the_manifest_of_another_backup_is_not_accepted(
    store: MemoryStore, path: Path, key: BackupKey, backup: Backup
) -> None:
    other = back_up_with(store, path, key)
    store.objects[backup.key] = store.objects[other.key]
    listed = next(one for one in backups_in(store, "t", Work()) if one.key == backup.key)
    assert listed.state is BackupState.BROKEN


def test_a_missing_key_is_not_damage(
    store: MemoryStore, path: Path, backup: Backup, keyring: MemoryKeyring
) -> None:
    keyring.entries.clear()
    for use in (
        lambda: verify_of(store, backup, Work()),
        lambda: restored(store, backup, path),
        lambda: drill_of_backup(store, backup, None, Work()),
    ):
        with pytest.raises(NotFound, match="no backup key keyring:main") as caught:
            use()
        assert Hint.IMPORT_KEY in caught.value.hints
    assert verifications() == {}
    assert backups_in(store, "t", Work())[0].state is BackupState.COMPLETE


def test_another_key_of_the_same_name_is_recognized(
    store: MemoryStore, path: Path, key: BackupKey, backup: Backup, keyring: MemoryKeyring
) -> None:
    keyring.entries.clear()
    other = create_key(None, name=KEY)
    with pytest.raises(NotFound, match="is not the key that encrypted") as caught:
        restored(store, backup, path)
    assert key.check in caught.value.cause
    assert other.check in caught.value.cause
    place = f"{KEY}.{key.check}"
    assert place in caught.value.remedy
    create_key(None, name=place, key=key.key)
    restored(store, backup, path)


def test_a_key_can_be_moved_to_another_machine(
    store: MemoryStore, tmp_path: Path, key: BackupKey, backup: Backup, keyring: MemoryKeyring
) -> None:
    keyring.entries.clear()
    create_key(None, name=KEY, key=Secret(f" {key.key.reveal()}\n"))
    restored(store, backup, tmp_path / "new.db")
