"""What the list says was checked, and when: never more than was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, restored

from core.backup import verifications
from core.backup.listing import backups_in
from core.backup.verify import verify_of
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
    whole = dict(store.objects)
    altered(store, backup)
    report = verify_of(store, backup, Work())
    assert (report.good, report.outcome) == (False, "damaged")
    found = listed(store)
    assert found.checked.startswith("found damaged on 20")
    assert found.verified is None
    store.objects = whole
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


def test_the_record_survives_torn_and_foreign_lines(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    verify_of(store, backup, Work())
    record = data_dir() / "verifications.jsonl"
    assert record.stat().st_mode & 0o777 == 0o600
    good = record.read_bytes()
    odd = (b"{", b"[]", b'{"when": "yesterday"}', b"\xff", json.dumps({"key": 1}).encode())
    record.write_bytes(b"\n".join((*odd, good.rstrip(), b'{"place": "mem')))
    assert listed(store).checked.startswith("verified on ")


def test_the_record_stays_small_and_keeps_the_newest_of_each(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifications, "_COMPACTED_AT", 2_000)
    backup = backed_up(store, path, "orders")
    for _ in range(30):
        verifications.record_verification(store, backup, "verify")
    verifications.record_verification(store, backup, "verify", "a problem")
    record = data_dir() / "verifications.jsonl"
    assert record.stat().st_size < 3_000
    assert listed(store).checked.startswith("found damaged on ")


def test_a_record_that_cannot_be_written_does_not_stop_the_work(
    store: MemoryStore, path: Path
) -> None:
    backup = backed_up(store, path, "orders")
    (data_dir() / "verifications.jsonl").mkdir()
    assert verify_of(store, backup, Work()).good
    assert listed(store).checked == "listed, sizes agree"
