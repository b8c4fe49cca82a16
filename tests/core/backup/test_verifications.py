"""What the list says was checked, and when: never more than was."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, restored

from core.backup import verifications
from core.backup.listing import backups_in
from core.backup.verify import verify_of
from core.errors import LocalIOError
from core.local.state.database import state_database
from core.model.backup import Backup, BackupState
from core.paths import data_dir
from core.work import Work


def listed(store: MemoryStore) -> Backup:
    return backups_in(store, "orders", Work())[0]


def altered(store: MemoryStore, backup: Backup) -> None:
    """Change a part without changing its size."""
    part = backup.key.replace("_manifest.json", "part-00000.jsonl.zst")
    data = store.objects[part]
    store.objects[part] = data[:60] + bytes([data[60] ^ 1]) + data[61:]


def test_a_listing_alone_says_no_more_than_it_compared(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    assert backup.checked == "written, verified (MD5)"
    altered(store, backup)
    found = listed(store)
    assert (found.state, found.checked, found.verified) == (
        BackupState.COMPLETE,
        "listed, sizes agree",
        None,
    )
    assert all(state.value not in ("good", "whole", "verified") for state in BackupState)


def test_verifying_and_restoring_are_remembered(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    assert verify_of(store, backup, Work()).good
    first = listed(store)
    assert first.checked.startswith("verified on 20")
    assert first.checked.endswith("Z")
    assert first.verified is not None
    restored(store, backup, path)
    again = listed(store)
    assert again.verified is not None
    assert again.verified >= first.verified


def test_damage_that_was_found_is_remembered_until_it_is_gone(
    store: MemoryStore, path: Path
) -> None:
    backup = backed_up(store, path, "orders")
    complete = dict(store.objects)
    altered(store, backup)
    report = verify_of(store, backup, Work())
    assert (report.good, report.outcome) == (False, "damaged")
    found = listed(store)
    assert found.checked.startswith("found damaged on 20")
    assert found.verified is None
    store.objects = complete
    verify_of(store, backup, Work())
    assert listed(store).checked.startswith("verified on ")


def test_a_proof_holds_for_this_manifest_in_this_place_only(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = backed_up(store, path, "orders")
    verify_of(store, backup, Work())
    monkeypatch.setattr(MemoryStore, "place", "another bucket")
    assert listed(store).checked == "listed, sizes agree"
    monkeypatch.undo()
    store.objects[backup.key] += b"\n"  # the same manifest, stored again in other bytes
    assert listed(store).verified is None


def test_lines_of_an_earlier_version_are_imported_without_rubbish(
    store: MemoryStore, path: Path
) -> None:
    backup = backed_up(store, path, "orders")
    entry = {
        "place": store.place, "key": backup.key, "sha256": backup.sha256,
        "when": "2026-01-02T03:04:05Z", "by": "verify", "problem": "",
    }  # fmt: skip
    odd = (b"{", b"[]", b'{"when": "yesterday"}', b"\xff", json.dumps({"key": 1}).encode())
    record = data_dir() / "verifications.jsonl"
    record.write_bytes(b"\n".join((*odd, json.dumps(entry).encode(), b'{"place": "mem')))
    state_database()._prepared = None  # as in the next process
    state_database().close()
    assert listed(store).checked.startswith("verified on ")


def test_an_entry_that_cannot_be_read_is_left_out(store: MemoryStore, path: Path) -> None:
    verify_of(store, backed_up(store, path, "orders"), Work())
    state_database().execute("UPDATE verifications SET moment = 'yesterday'")
    assert listed(store).checked == "listed, sizes agree"


def test_the_record_stays_small_and_keeps_the_newest_of_each(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifications, "_MOST_BACKUPS", 2)
    backup = backed_up(store, path, "orders")
    for key in ("a", "b", "c"):
        verifications.record_verification(store, replace(backup, key=key), "verify")
    for _ in range(3):
        verifications.record_verification(store, backup, "verify")
    verifications.record_verification(store, backup, "verify", "a problem")
    assert [key for _place, key, _hash in verifications.verifications()] == ["c", backup.key]
    assert listed(store).checked.startswith("found damaged on ")


def test_a_record_that_cannot_be_written_does_not_stop_the_work(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = backed_up(store, path, "orders")

    def refuse(*_arguments: object, **_more: object) -> None:
        raise LocalIOError("the disk is full")

    monkeypatch.setattr("core.local.state.database.Database.transaction", refuse)
    assert verify_of(store, backup, Work()).good
    monkeypatch.setattr("core.local.state.database.Database.rows", refuse)
    assert listed(store).checked == "listed, sizes agree"
