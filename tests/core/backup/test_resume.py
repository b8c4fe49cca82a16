"""A backup whose rows were read survives an outage of the storage, and the end of its process."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from helpers.backups import MemoryStore, backed_up, restored, sql, trading_database
from helpers.folder_store import FolderStore
from helpers.keyrings import MemoryKeyring, memory_keyring
from servers.tables.range import Worker

from core.backup import resume, unsent
from core.backup.databases import open_database
from core.backup.encryption_keys import create_key
from core.backup.listing import backups_in
from core.backup.orphans import orphan_parts, remove_own_orphans
from core.backup.resume import send
from core.backup.run import back_up
from core.backup.unsent import remove_useless_files, unsent_backups
from core.errors import (
    AccessDenied,
    Cancelled,
    Conflict,
    Corrupt,
    CredentialsExpired,
    Offline,
    StorageError,
)
from core.hints import Hint
from core.model.backup import BackupReport
from core.model.selection import Selection
from core.work import CancelToken, Progress, Work

ROWS = "SELECT * FROM orders ORDER BY id"


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.backup.packing.PART_BYTES", 50_000)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A database whose table `orders` has about 20 parts."""
    return trading_database(tmp_path / "many.db", rows=20_000)


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[MemoryKeyring]:
    yield from memory_keyring(monkeypatch)


def stored_files(home: Path) -> list[Path]:
    """Return the files of unsent backups on this computer."""
    return sorted(file for file in (home / "data" / "unsent").rglob("*") if file.is_file())


def interrupted(store: MemoryStore, path: Path, *tables: str, after: int = 2) -> StorageError:
    """Run a backup during which the store fails from the n-th write on, and return its error."""
    store.fail_after = after
    with open_database(str(path)) as source, pytest.raises(StorageError) as failed:
        back_up(store, source, tables or ("orders",), "", Work())
    store.fail_after = None
    return failed.value


def resumed(store: MemoryStore) -> BackupReport:
    """Complete all backups that can be resumed, and return a report of them."""
    found = [send(store, each.id, Work()) for each in unsent_backups(store.place)]
    return BackupReport(tuple(backup for backup, _verdict in found), 0.0)


@pytest.mark.parametrize(
    "failure", [Offline("No answer"), CredentialsExpired("The credentials have expired")]
)
@pytest.mark.parametrize("after", [0, 2, 10_000])
def test_an_outage_loses_nothing_that_was_read(
    store: MemoryStore, many: Path, home: Path, failure: StorageError, after: int, tmp_path: Path
) -> None:
    store.failure = failure
    before = sql(many, ROWS)
    parts = len(backed_up(store, many, "orders").key) and len(store.objects) - 1
    store.objects.clear()
    error = interrupted(store, many, after=min(after, parts))  # at the latest, the manifest fails
    assert type(error) is type(failure)
    assert "resume the backup" in error.remedy
    assert error.hints is Hint.RESUME
    assert error.effect == "Nothing was backed up."
    assert backups_in(store, None, Work()) == ()
    assert all(path.stat().st_mode & 0o077 == 0 for path in stored_files(home))
    # The rows change, and the next backup of another table starts: neither is of importance.
    sql(many, "UPDATE orders SET status = 'later'")
    backed_up(store, many, "users")
    assert orphan_parts(store, Work()) == ()
    (unsent_one,) = unsent_backups(store.place)
    assert (unsent_one.table, unsent_one.rows) == ("orders", 20_000)

    sent = set(store.objects)
    (backup,) = resumed(store).backups
    assert (backup.id, backup.taken) == (unsent_one.id, unsent_one.taken)
    assert sent < set(store.objects)  # nothing was sent twice: a key can only be written once
    listed = next(each for each in backups_in(store, "orders", Work()))
    assert listed == backup
    restored(store, backup, tmp_path / "new.db")
    assert sql(tmp_path / "new.db", ROWS) == before
    assert stored_files(home) == []
    assert orphan_parts(store, Work()) == ()


def test_a_short_outage_delays_the_backup_until_the_snapshot_has_ended(
    store: MemoryStore, many: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All tables are read from one snapshot, and sent when it has ended."""
    with open_database(str(many)) as source:
        snapshot, open_now = source.snapshot, [False]

        @contextmanager
        def watched(tables: Selection | None) -> Iterator[None]:
            with snapshot(tables):
                open_now[0] = True
                yield
            open_now[0] = False
            store.fail_after = None  # the storage can be reached again

        monkeypatch.setattr(source, "snapshot", watched)
        store.fail_after = 1
        report = back_up(store, source, ("users", "orders"), "", Work())
    assert open_now == [False]
    assert [backup.table for backup in report.backups] == ["users", "orders"]
    assert set(report.backups) == set(backups_in(store, None, Work()))
    assert len(set(b"".join(store.objects.values()).split(b'"snapshot": "')[1:])) == 2
    assert stored_files(home) == []


def test_tables_of_one_run_stay_one_snapshot(store: MemoryStore, many: Path) -> None:
    interrupted(store, many, "users", "orders", "audit", after=3)
    tables = [each.table for each in unsent_backups(store.place)]
    assert sorted([*tables, "users"]) == ["audit", "orders", "users"]
    resumed(store)
    found = {
        data.partition(b'"snapshot": "')[2][:36]
        for key, data in store.objects.items()
        if key.endswith("_manifest.json")
    }
    assert len(found) == 1
    backups = backups_in(store, None, Work())
    assert len(backups) == 3
    assert len({backup.taken for backup in backups}) == 1, "the time is that of the snapshot"


def test_an_error_that_does_not_end_removes_everything(
    store: MemoryStore, many: Path, home: Path
) -> None:
    store.failure = AccessDenied("Access denied", action="s3:PutObject")
    error = interrupted(store, many)
    assert "--resume" not in error.remedy
    assert unsent_backups(store.place) == ()
    assert (stored_files(home), store.objects) == ([], {})


def test_a_cancel_removes_everything(store: MemoryStore, many: Path, home: Path) -> None:
    token = CancelToken()

    def cancel(progress: Progress) -> None:
        if progress.done > 10_000:
            token.cancel()

    with open_database(str(many)) as source, pytest.raises(Cancelled):
        back_up(store, source, ("orders",), "", Work(token, cancel))
    assert (stored_files(home), store.objects) == ([], {})


def test_without_room_on_the_disk_an_outage_ends_the_backup(
    store: MemoryStore, many: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unsent, "_FREE_BYTES", 1 << 60)
    assert backed_up(store, many, "orders").rows == 20_000
    store.objects.clear()
    assert "--resume" not in interrupted(store, many).remedy
    assert unsent_backups(store.place) == ()
    assert (stored_files(home), store.objects) == ([], {})


def test_parts_of_an_encrypted_backup_are_encrypted_on_this_computer_too(
    store: MemoryStore, many: Path, home: Path, tmp_path: Path, keyring: MemoryKeyring
) -> None:
    key = create_key(None, name="keyring:main")
    sql(many, "UPDATE orders SET status = 'CANARY'")
    store.fail_after = 2
    with open_database(str(many)) as source, pytest.raises(Offline):
        back_up(store, source, ("orders",), "", Work(), key=key)
    store.fail_after = None
    assert stored_files(home)
    assert not any(b"CANARY" in path.read_bytes() for path in stored_files(home))
    (backup,) = resumed(store).backups
    assert backup.encrypted_with == "keyring:main"
    restored(store, backup, tmp_path / "new.db")
    assert sql(tmp_path / "new.db", ROWS) == sql(many, ROWS)


@pytest.mark.parametrize("damage", ["cut", "lost", "changed"])
def test_damaged_files_are_an_error_and_no_backup(
    store: MemoryStore, many: Path, home: Path, damage: str
) -> None:
    interrupted(store, many)
    part = next(path for path in stored_files(home) if path.name.startswith("part-"))
    if damage == "lost":
        part.unlink()
    else:
        data = part.read_bytes()
        part.write_bytes(data[:-1] if damage == "cut" else data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(Corrupt, match="is damaged or missing"):
        resumed(store)
    assert backups_in(store, None, Work()) == ()


def test_parts_that_were_removed_from_the_bucket_are_missed(store: MemoryStore, many: Path) -> None:
    interrupted(store, many)
    store.objects.clear()
    with pytest.raises(Corrupt, match="is damaged or missing"):
        resumed(store)
    assert store.objects == {}


def test_another_object_at_the_key_of_a_part_is_not_taken_for_it(
    store: MemoryStore, many: Path, home: Path
) -> None:
    interrupted(store, many)
    folder = next(iter(store.objects)).rpartition("/")[0]
    part = next(path for path in stored_files(home) if path.name.startswith("part-"))
    store.objects[f"{folder}/{part.name}"] = b"another program's"
    with pytest.raises(Corrupt, match="differs from the file"):
        resumed(store)
    assert backups_in(store, None, Work()) == ()


def test_a_newer_backup_of_the_table_replaces_the_interrupted_one(
    store: MemoryStore, many: Path, home: Path
) -> None:
    interrupted(store, many)
    newer = backed_up(store, many, "orders")
    assert unsent_backups(store.place) == ()
    assert stored_files(home) == []
    remove_own_orphans(store, Work())
    assert backups_in(store, None, Work()) == (newer,)
    assert {key.rpartition("/")[0] for key in store.objects} == {newer.key.rpartition("/")[0]}


def test_an_encrypted_backup_of_other_rows_does_not_replace_the_interrupted_one(
    store: MemoryStore, many: Path, keyring: MemoryKeyring
) -> None:
    key = create_key(None, name="keyring:main")

    def back_up_rows(condition: str) -> None:
        with open_database(str(many)) as source:
            back_up(
                store, source, Selection(("orders",), {"orders": condition}), "", Work(), key=key
            )

    store.fail_after = 2
    with pytest.raises(StorageError):
        back_up_rows("id <= 9000")
    store.fail_after = None
    back_up_rows("id > 9000")
    (backup,) = resumed(store).backups
    assert backup.rows == 9_000


def test_it_is_removed_after_a_week(
    store: MemoryStore, many: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(store, many)
    assert remove_useless_files() == 0
    monkeypatch.setattr(unsent, "RETAINED", timedelta(0))
    assert remove_own_orphans(store, Work()) == 1
    assert (stored_files(home), store.objects) == ([], {})


def test_two_processes_do_not_send_the_same_backup(store: MemoryStore, many: Path) -> None:
    interrupted(store, many)
    (found,) = unsent_backups(store.place)
    with unsent.claimed_files(found.id):
        assert unsent_backups(store.place) == ()
        assert remove_own_orphans(store, Work()) == 0
        with pytest.raises(Conflict, match="cannot be resumed now"):
            send(store, found.id, Work())
    assert send(store, found.id, Work())[0].id == found.id


def test_only_backups_of_the_same_bucket_are_resumed(store: MemoryStore, many: Path) -> None:
    interrupted(store, many)
    assert unsent_backups("another bucket") == ()


def killed(worker: Worker, folder: Path, database: Path, at: int) -> dict[str, Any]:
    """Run a backup in another process that is killed at a step, and return how it ended."""
    return worker.run({
        "operation": "backup", "url": str(database), "password": "", "fault": "kill", "at": at,
        "store": str(folder / f"store{at}"), "home": str(folder / f"home{at}"),
        "part_bytes": 50_000,
    })  # fmt: skip


def test_killed_at_any_step(tmp_path: Path, many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Afterwards the backup is complete, or can be resumed, or leaves nothing."""
    rows, ends = sql(many, ROWS), set()
    with closing(Worker()) as worker:
        steps = killed(worker, tmp_path, many, 0)["steps"]
        for kill_at in (*range(1, steps - 5, steps // 7), *range(steps - 5, steps + 2)):
            home, folder = tmp_path / f"home{kill_at}", tmp_path / f"store{kill_at}"
            store = FolderStore(folder)
            monkeypatch.setenv("STRONGROOM_HOME", str(home))
            ended = killed(worker, tmp_path, many, kill_at)
            listed, found = backups_in(store, None, Work()), unsent_backups(store.place)
            end = "complete" if listed else "resumable" if found else "nothing"
            ends.add(end)
            if end == "resumable":
                assert ended["ended"] == -signal.SIGKILL
                listed = (send(store, found[0].id, Work())[0],)
            if end == "nothing":
                remove_own_orphans(store, Work())
                assert list(store.list("backups/", work=Work())) == []
                assert stored_files(home) == []
            for backup in listed:
                target = tmp_path / f"{kill_at}.db"
                restored(store, backup, target)
                assert sql(target, ROWS) == rows
    assert ends == {"complete", "resumable", "nothing"}


def test_ids_may_be_abbreviated(store: MemoryStore, many: Path) -> None:
    interrupted(store, many)
    found = unsent_backups(store.place)
    assert resume.choose_unsent(found, ()) == found
    assert resume.choose_unsent(found, (found[0].id[:4],)) == found
    with pytest.raises(StorageError, match="no backup zzz that can be resumed"):
        resume.choose_unsent(found, ("zzz",))
