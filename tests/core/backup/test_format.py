"""Backups of earlier versions stay readable: one is stored here as it was written."""

from __future__ import annotations

from pathlib import Path

from helpers.backups import MemoryStore

from core.backup.listing import backups_in
from core.backup.preview import preview_of
from core.backup.restore import Choices, restore_of
from core.backup.verify import verify_of
from core.model.backup import BackupState
from core.work import Work

STORED = Path(__file__).parent / "stored_v1"


def test_a_backup_of_version_1_is_read(tmp_path: Path) -> None:
    store = MemoryStore()
    folder = "backups/database/prices/2026/11/23/2026-11-23T08:00:00Z_c0ffee000001/"
    for path in STORED.iterdir():
        store.objects[folder + path.name] = path.read_bytes()
    (listed,) = backups_in(store, None, Work())
    assert (listed.state, listed.rows, listed.note) == (BackupState.COMPLETE, 5, "kept for ever")
    assert verify_of(store, listed, Work()).good
    target = str(tmp_path / "new.db")
    assert preview_of(store, listed, target, 5, Work()).difference.added == 5
    assert restore_of(store, listed, target, Choices(), Work()).verified == "verified (SHA-256)"
