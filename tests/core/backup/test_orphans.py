"""Leftovers of an interrupted backup of this machine are removed, others are listed."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up, trading_database

from core.backup.listing import backups_in
from core.backup.orphans import orphan_parts, remove_orphans, remove_own_orphans
from core.backup.store import Stored
from core.backup.unfinished import running_folders, unfinished_backup
from core.errors import AccessDenied, Offline, StorageError
from core.units import iso_utc, utc_now
from core.work import Work

DENIED = AccessDenied("Access denied", action="s3:PutObject")
FOREIGN = "backups/database/orders/2026/01/02/2026-01-02T00:00:00Z_0123456789ab/"


class DatedStore(MemoryStore):
    """A store whose objects have a time, and which may refuse to delete."""

    def __init__(self) -> None:
        super().__init__()
        self.times: dict[str, datetime] = {}
        self.refusal: StorageError | None = None
        self.deleted: list[str] = []

    def list(self, prefix: str, *, work: Work) -> Iterator[Stored]:
        for stored in super().list(prefix, work=work):
            moment = self.times.get(stored.key, utc_now())
            yield Stored(stored.key, stored.size, iso_utc(moment))

    def delete(self, keys: object, *, work: Work) -> None:
        if self.refusal is not None:
            raise self.refusal
        gone = list(keys)  # type: ignore[call-overload] # an iterable of keys
        self.deleted += gone
        super().delete(gone, work=work)


@pytest.fixture
def dated() -> DatedStore:
    return DatedStore()


def foreign_parts(store: DatedStore, age: timedelta) -> None:
    for number in range(2):
        key = f"{FOREIGN}part-{number:05d}.jsonl.zst"
        store.objects[key] = b"x" * 10
        store.times[key] = utc_now() - age + timedelta(minutes=number - 1)


@contextmanager
def killed_backup(store: DatedStore, folder: str, parts: int) -> Iterator[None]:
    """Leave what a killed process leaves: parts, and a record that no process locks."""
    code = (
        "import os, sys\n"
        "from core.backup.unfinished import unfinished_backup\n"
        "class Store:\n    place = 'memory'\n"
        "with unfinished_backup(Store(), sys.argv[1]):\n"
        "    print('ready', flush=True)\n    os.kill(os.getpid(), 9)\n"
    )
    env = {"PYTHONPATH": ":".join(sys.path), "STRONGROOM_HOME": os.environ["STRONGROOM_HOME"]}
    ended = subprocess.run(  # noqa: PLW1510 - the code is asserted
        [sys.executable, "-c", code, folder], env=env, capture_output=True, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL
    for number in range(parts):
        store.objects[f"{folder}part-{number:05d}.jsonl.zst"] = b"part"
    yield


def test_parts_of_a_killed_backup_are_removed_by_the_next_one(
    dated: DatedStore, path: Path
) -> None:
    with killed_backup(dated, FOREIGN, 3):
        (orphan,) = orphan_parts(dated, Work())
        assert (orphan.folder, orphan.objects, orphan.size, orphan.mine) == (FOREIGN, 3, 12, True)
        backup = backed_up(dated, path, "orders")
    assert not any(key.startswith(FOREIGN) for key in dated.objects)
    assert backups_in(dated, None, Work()) == (backup,)
    assert orphan_parts(dated, Work()) == ()


def test_a_backup_whose_manifest_arrived_before_the_kill_stays(
    dated: DatedStore, path: Path
) -> None:
    backup = backed_up(dated, path, "orders")
    folder = backup.key.removesuffix("_manifest.json")
    with killed_backup(dated, folder, 0):
        assert remove_own_orphans(dated, Work()) == 0
    assert backups_in(dated, None, Work()) == (backup,)


def test_a_backup_that_another_machine_continues_after_the_listing_is_not_removed(
    dated: DatedStore,
) -> None:
    foreign_parts(dated, timedelta(days=2))
    (orphan,) = orphan_parts(dated, Work())
    dated.objects[f"{FOREIGN}part-00002.jsonl.zst"] = b"a part of now"
    assert remove_orphans(dated, [orphan], Work()) == ()
    assert len(dated.objects) == 3
    dated.times[f"{FOREIGN}part-00002.jsonl.zst"] = utc_now() - timedelta(days=2)
    assert remove_orphans(dated, [orphan], Work()) == (orphan,)
    assert dated.objects == {}


def test_parts_of_another_place_are_left_to_it(dated: DatedStore) -> None:
    with killed_backup(dated, FOREIGN, 1):
        dated.__class__ = type("Elsewhere", (DatedStore,), {"place": "another bucket"})
        assert remove_own_orphans(dated, Work()) == 0
    assert len(dated.objects) == 1


@pytest.mark.parametrize(("hours", "listed"), [(23, 0), (25, 1)])
def test_parts_of_other_machines_are_listed_after_a_day(
    dated: DatedStore, hours: int, listed: int
) -> None:
    foreign_parts(dated, timedelta(hours=hours))
    found = orphan_parts(dated, Work())
    assert len(found) == listed
    assert not any(orphan.mine for orphan in found)
    assert remove_own_orphans(dated, Work()) == 0
    assert len(dated.objects) == 2
    assert remove_orphans(dated, found, Work()) == found
    assert len(dated.objects) == 2 - 2 * listed


def test_a_backup_that_runs_here_is_no_orphan_however_old_its_parts(dated: DatedStore) -> None:
    with unfinished_backup(dated, FOREIGN) as unfinished:
        foreign_parts(dated, timedelta(days=3))
        unfinished.sent += dated.objects
        assert running_folders(dated) == {FOREIGN}
        assert orphan_parts(dated, Work()) == ()
        assert remove_own_orphans(dated, Work()) == 0
    assert len(dated.objects) == 2
    assert running_folders(dated) == frozenset()


def test_what_became_a_backup_concurrently_is_not_removed(dated: DatedStore) -> None:
    foreign_parts(dated, timedelta(hours=25))
    found = orphan_parts(dated, Work())
    dated.objects[f"{FOREIGN}_manifest.json"] = b"{}"
    assert remove_orphans(dated, found, Work()) == ()
    assert len(dated.objects) == 3


def test_a_failed_backup_removes_what_it_sent_and_nothing_else(
    dated: DatedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.backup.packing.PART_BYTES", 50_000)
    path = trading_database(tmp_path / "many.db", rows=20_000)
    foreign_parts(dated, timedelta(hours=1))
    dated.fail_after, dated.failure = 3, DENIED
    with pytest.raises(AccessDenied):
        backed_up(dated, path, "orders")
    assert {key.rpartition("/")[0] + "/" for key in dated.objects} == {FOREIGN}
    assert any(key.endswith("part-00002.jsonl.zst") for key in dated.deleted)
    dated.fail_after = None
    assert remove_own_orphans(dated, Work()) == 0


def test_nothing_is_said_to_stay_when_nothing_was_written(
    dated: DatedStore, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dated.fail_after, dated.refusal = 0, Offline("The endpoint cannot be reached")
    with caplog.at_level(logging.WARNING), pytest.raises(Offline):
        backed_up(dated, path, "orders")
    assert caplog.records == []


def test_what_cannot_be_removed_is_said_and_removed_next_time(
    dated: DatedStore, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("core.backup.packing.PART_BYTES", 50_000)
    path = trading_database(tmp_path / "many.db", rows=20_000)
    dated.fail_after, dated.failure = 2, DENIED
    dated.refusal = AccessDenied("Access denied", action="s3:DeleteObject")
    with caplog.at_level(logging.WARNING), pytest.raises(AccessDenied):
        backed_up(dated, path, "orders")
    assert "remain in backups/database/orders/" in caplog.text
    assert len(dated.objects) == 2
    caplog.clear()
    dated.fail_after = None
    with caplog.at_level(logging.WARNING):
        backed_up(dated, path, "orders")
    assert "remain in" in caplog.text
    dated.refusal = None
    backed_up(dated, path, "orders")
    assert orphan_parts(dated, Work()) == ()
    assert all(b.state.value == "complete" for b in backups_in(dated, None, Work()))
    assert len([k for k in dated.objects if k.endswith("_manifest.json")]) == 2


def test_a_lost_answer_to_the_manifest_removes_nothing(dated: DatedStore, path: Path) -> None:
    """The manifest may be stored although its answer was lost."""
    original = dated.put

    def lost(key: str, data: bytes, metadata: dict[str, str], *, work: Work) -> object:
        result = original(key, data, metadata, work=work)
        if key.endswith("_manifest.json"):
            raise Offline("The answer was lost")
        return result

    dated.put = lost  # type: ignore[assignment] # the same signature
    backup = backed_up(dated, path, "orders")  # the second attempt finds the same manifest
    assert backups_in(dated, None, Work()) == (backup,)
    assert backup.rows == 500
    assert remove_own_orphans(dated, Work()) == 0
    assert backups_in(dated, None, Work()) == (backup,)


def test_a_torn_record_is_left_alone(dated: DatedStore, home: Path) -> None:
    folder = home / "data" / "unfinished-backups"
    folder.mkdir(parents=True)
    (folder / "torn.backup").write_bytes(b'{"place": "mem')
    assert remove_own_orphans(dated, Work()) == 0
    assert orphan_parts(dated, Work()) == ()


def test_orphans_cross_the_engines_pipe(dated: DatedStore) -> None:
    foreign_parts(dated, timedelta(hours=25))
    found = orphan_parts(dated, Work())
    assert pickle.loads(pickle.dumps(found)) == found
    assert found[0].modified is not None
    assert found[0].modified.tzinfo is UTC
