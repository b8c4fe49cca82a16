"""Which backup is restored: the newest or the named one, never another one instead."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from helpers.backups import MemoryStore, backed_up, restored, sql, trading_database

from core.backup import manifest as manifests
from core.backup.choice import Wanted, backup_warnings, choose, find
from core.backup.databases import origin_of
from core.backup.listing import backups_in
from core.backup.preview import preview, preview_of
from core.backup.restore import Choices, restore, restore_of
from core.backup.together import TablesWanted, choose_backups
from core.backup.verify import verify_of
from core.errors import Conflict, Corrupt, InvalidInput, NotFound, Offline, StorageError
from core.hints import Hint
from core.model.backup import Backup, BackupState, Origin
from core.units import format_moment
from core.work import Work

DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "flipped bit": lambda data: data[:300] + bytes([data[300] ^ 4]) + data[301:],
    "short body": lambda data: data[: len(data) // 2],
    "empty 200": lambda data: b"",
    "error in 200": lambda data: b"<?xml version='1.0'?><Error><Code>InternalError</Code></Error>",
    "another manifest": lambda data: data.replace(b'"rows": 500', b'"rows": 400'),
}


class DamagingStore(MemoryStore):
    """Damages what is read of the keys that end like this, so many times."""

    def __init__(self) -> None:
        super().__init__()
        self.damage: Callable[[bytes], bytes] = bytes
        self.key, self.times = "", 0
        self.reads: list[str] = []
        self.error: StorageError | None = None

    def read(self, key: str, *, work: Work) -> bytes:
        self.reads.append(key)
        data = super().read(key, work=work)
        if not self.key or not key.endswith(self.key) or not self.times:
            return data
        self.times -= 1
        if self.error is not None:
            raise self.error
        return self.damage(data)


@pytest.fixture
def damaging() -> DamagingStore:
    return DamagingStore()


@pytest.fixture
def two(damaging: DamagingStore, path: Path) -> tuple[Backup, Backup]:
    """An older backup, a newer one, and other rows in the table since."""
    older = backed_up(damaging, path, "orders")
    sql(path, "UPDATE orders SET status = 'newer'")
    newer = backed_up(damaging, path, "orders")
    sql(path, "UPDATE orders SET status = 'today'")
    return older, newer


def restored_newest(store: MemoryStore, path: Path) -> str:
    """Restore without naming a backup; return the id that the report names."""
    which = find(store, "orders", Work())
    return restore_of(store, which, str(path), Choices(), Work()).backup.id


def states(path: Path) -> list[tuple[object, ...]]:
    return sql(path, "SELECT DISTINCT status FROM orders")


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_on_the_way_is_read_again(
    damaging: DamagingStore, two: tuple[Backup, Backup], path: Path, what: str
) -> None:
    damaging.damage, damaging.key, damaging.times = DAMAGES[what], two[1].key, 1
    assert restored_newest(damaging, path) == two[1].id
    assert states(path) == [("newer",)]


@pytest.mark.parametrize("what", DAMAGES)
def test_a_newest_manifest_that_stays_damaged_is_an_error_and_never_an_older_backup(
    damaging: DamagingStore, two: tuple[Backup, Backup], path: Path, what: str
) -> None:
    damaging.damage, damaging.key, damaging.times = DAMAGES[what], two[1].key, -1
    with pytest.raises(Corrupt, match="is broken") as refused:
        restored_newest(damaging, path)
    assert two[1].id in str(refused.value)
    assert Hint.CHOOSE_BACKUP in refused.value.hints
    assert states(path) == [("today",)]
    (newest, oldest) = backups_in(damaging, "orders", Work())
    assert (newest.state, newest.checked) == (BackupState.BROKEN, "broken")
    assert newest.problem
    assert oldest.state is BackupState.COMPLETE
    assert not verify_of(damaging, choose(damaging, "orders", Work()), Work()).good


def test_an_older_backup_is_used_when_it_is_named(
    damaging: DamagingStore, two: tuple[Backup, Backup], path: Path
) -> None:
    older, newer = two
    damaging.damage, damaging.key, damaging.times = DAMAGES["short body"], newer.key, -1
    by_id = find(damaging, "orders", Work(), Wanted(backup_id=older.id))
    by_time = find(damaging, "orders", Work(), Wanted(at=newer.taken - timedelta(microseconds=1)))
    assert by_id == by_time == older
    with pytest.raises(Corrupt):
        find(damaging, "orders", Work(), Wanted(backup_id=newer.id))


@pytest.mark.parametrize("call", ["list", "find", "restore", "verify"])
def test_a_manifest_that_cannot_be_read_is_an_error_not_a_broken_backup(
    damaging: DamagingStore, two: tuple[Backup, Backup], path: Path, call: str
) -> None:
    damaging.key, damaging.times = "_manifest.json", -1
    damaging.error = Offline("The endpoint cannot be reached")
    calls: dict[str, Callable[[], object]] = {
        "list": lambda: backups_in(damaging, "orders", Work()),
        "find": lambda: find(damaging, "orders", Work()),
        "restore": lambda: restored(damaging, two[1], path),
        "verify": lambda: verify_of(damaging, two[1], Work()),
    }
    with pytest.raises(Offline):
        calls[call]()
    assert states(path) == [("today",)]


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_to_a_part_on_the_way_is_read_again(
    damaging: DamagingStore, two: tuple[Backup, Backup], path: Path, what: str
) -> None:
    damaging.damage, damaging.key, damaging.times = DAMAGES[what], "part-00000.jsonl.zst", 1
    assert verify_of(damaging, two[1], Work()).good
    damaging.times = 1
    assert restored(damaging, two[1], path).verified == "verified (SHA-256)"
    assert states(path) == [("newer",)]


def test_a_manifest_that_was_replaced_after_the_list_is_refused(
    damaging: DamagingStore, two: tuple[Backup, Backup], path: Path
) -> None:
    """What was shown is what is restored, even if another client replaces the manifest."""
    body = manifests.from_bytes(damaging.objects[two[1].key])
    damaging.objects[two[1].key] = manifests.to_bytes(replace(body, note="other"))
    with pytest.raises(Corrupt, match="differs from the listed one"):
        restored(damaging, two[1], path)
    assert states(path) == [("today",)]


def from_host(store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> Backup:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    return backed_up(store, path, "orders")


def test_a_fresh_machine_takes_the_only_source_there_is_and_names_it(
    store: MemoryStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = from_host(store, path, monkeypatch, "prod")
    monkeypatch.setattr("socket.gethostname", lambda: "fresh")
    target = tmp_path / "elsewhere.db"
    found = find(store, "orders", Work(), wanted_by(target))
    assert found == backup
    said = f"The backup is of another database: prod:{path} (SQLite)."
    assert said in preview_of(store, found, str(target), 5, Work()).problems
    assert said in restored(store, found, target).problems
    assert said in preview_of(store, found, str(path), 5, Work()).problems


def wanted_by(path: Path, *, any_source: bool = False) -> Wanted:
    from core.backup.databases import origin_of

    return Wanted(origin=origin_of(str(path)), any_source=any_source)


def test_the_newest_of_this_database_is_taken_not_that_of_another(
    store: MemoryStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = from_host(store, path, monkeypatch, "prod")
    staging = from_host(store, path, monkeypatch, "staging")
    assert [b.source for b in backups_in(store, "orders", Work())] == [
        f"staging:{path} (SQLite)",
        f"prod:{path} (SQLite)",
    ]
    monkeypatch.setattr("socket.gethostname", lambda: "prod")
    assert find(store, "orders", Work(), wanted_by(path)) == mine
    assert find(store, "orders", Work(), wanted_by(path, any_source=True)) == staging
    assert not any("another database" in p for p in restored(store, mine, path).problems)
    assert any("staging" in problem for problem in restored(store, staging, path).problems)


def test_of_several_other_databases_none_is_guessed(
    store: MemoryStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = from_host(store, path, monkeypatch, "prod")
    second = from_host(store, path, monkeypatch, "staging")
    monkeypatch.setattr("socket.gethostname", lambda: "fresh")
    wanted = wanted_by(tmp_path / "new.db")
    with pytest.raises(Conflict, match="2 databases") as refused:
        find(store, "orders", Work(), wanted)
    output = str(refused.value)
    for backup in (first, second):
        assert backup.id in output
        assert backup.source in output
        assert format_moment(backup.taken) in output
    assert Hint.ANY_SOURCE in refused.value.hints
    assert find(store, "orders", Work(), replace(wanted, any_source=True)) == second
    assert find(store, "orders", Work(), replace(wanted, backup_id=first.id)) == first


def test_a_broken_newer_backup_hides_no_source(
    damaging: DamagingStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database of a corrupt backup is unknown: it is reported, not skipped."""
    from_host(damaging, path, monkeypatch, "prod")
    broken = from_host(damaging, path, monkeypatch, "prod")
    from_host(damaging, path, monkeypatch, "staging")
    damaging.damage, damaging.key, damaging.times = DAMAGES["short body"], broken.key, -1
    monkeypatch.setattr("socket.gethostname", lambda: "prod")
    with pytest.raises(Corrupt, match=broken.id):
        find(damaging, "orders", Work(), wanted_by(path))


@pytest.mark.parametrize(
    ("one", "other", "differ"),
    [
        (Origin("SQLite", "a.db", "h", "/a.db"), Origin("SQLite", "a.db", "h", "/a.db"), False),
        (Origin("SQLite", "a.db", "h", "/a.db"), Origin("SQLite", "a.db", "i", "/a.db"), True),
        (Origin("SQLite", "a.db", "h", "/a.db"), Origin("SQLite", "a.db", "h", "/b/a.db"), True),
        (Origin("SQLite", "a.db"), Origin("SQLite", "a.db", "h", "/a.db"), False),
        (Origin("SQLite", "b.db"), Origin("SQLite", "a.db", "h", "/a.db"), True),
        (Origin(), Origin("SQLite", "a.db", "h", "/a.db"), False),
        (Origin("P", "d", "127.0.0.1:1", "d"), Origin("P", "d", "localhost:1", "d"), False),
        (Origin("P", "d", "::1:1", "d"), Origin("P", "d", "LOCALHOST:1", "d"), False),
        (Origin("P", "d", "127.0.0.1:1", "d"), Origin("P", "d", "localhost:2", "d"), True),
        (Origin("P", "d", "127.0.0.1:1", "d"), Origin("P", "d", "10.0.0.1:1", "d"), True),
        # The name of the computer of a file has no port.
        (
            Origin("SQLite", "a.db", "localhost", "/a.db"),
            Origin("SQLite", "a.db", "::1", "/a.db"),
            True,
        ),
    ],
)
def test_when_two_databases_differ(one: Origin, other: Origin, differ: bool) -> None:
    assert one.differs(other) is other.differs(one) is differ


@pytest.mark.parametrize("name", ["backup_id", "at", "table", "target"])
@pytest.mark.parametrize("call", [restore, preview])
def test_an_empty_text_is_never_taken_for_an_omitted_one(
    path: Path, name: str, call: Callable[..., object]
) -> None:
    if call is preview and name == "target":
        return
    before = sql(path, "SELECT * FROM orders")
    arguments = {"database": str(path), "table": "orders", name: ""}

    with pytest.raises(InvalidInput, match="empty"):
        call(MagicMock(), **arguments)
    assert sql(path, "SELECT * FROM orders") == before


def test_an_empty_new_name_never_replaces_the_table(store: MemoryStore, path: Path) -> None:
    backup = backed_up(store, path, "orders")
    sql(path, "DELETE FROM orders")
    with pytest.raises(InvalidInput):
        restored(store, backup, path, target="")
    assert sql(path, "SELECT count(*) FROM orders") == [(0,)]


def test_a_named_source_is_used_although_another_database_is_newer(
    damaging: DamagingStore, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = from_host(damaging, path, monkeypatch, "prod")
    newest = from_host(damaging, path, monkeypatch, "prod")
    staging = from_host(damaging, path, monkeypatch, "staging")

    def found(**wanted: Any) -> Backup:
        origin = origin_of(str(tmp_path / "elsewhere.db"))
        return find(damaging, "orders", Work(), Wanted(origin=origin, **wanted))

    with pytest.raises(Conflict, match="of 2 databases") as refused:
        found()
    assert Hint.SOURCE in refused.value.hints
    assert set(refused.value.hint_value.splitlines()) == {newest.source, staging.source}
    assert found(source=f"prod:{path}") == found(source=newest.source) == newest
    assert found(source=newest.source, at=first.taken) == first
    with pytest.raises(Conflict, match="is that of 2 databases"):
        found(source=path.name)
    with pytest.raises(NotFound, match="no backups of the database gone"):
        found(source="gone")
    body = manifests.from_bytes(damaging.objects[newest.key])
    damaging.objects[newest.key] = manifests.to_bytes(replace(body, filter="id < 3"))
    assert found(source=newest.source) == first
    damaging.objects[newest.key] = b"{}"  # it could be of any database
    with pytest.raises(Corrupt):
        found(source=first.source)
    damaging.objects[first.key] = damaging.objects[staging.key] = b"{}"
    with pytest.raises(Corrupt, match=staging.id):  # not that there are none of this database
        found(source=first.source)


def test_an_old_manifest_without_host_is_of_the_database_of_its_name(
    store: MemoryStore, path: Path, tmp_path: Path
) -> None:
    backup = backed_up(store, path, "orders")
    body = manifests.from_bytes(store.objects[backup.key])
    store.objects[backup.key] = manifests.to_bytes(replace(body, host="", path=""))
    assert b'"host"' not in store.objects[backup.key]
    (listed,) = backups_in(store, "orders", Work())
    assert listed.source == "trading.db (SQLite)"
    assert not any("another" in p for p in restored(store, listed, path).problems)
    other = trading_database(tmp_path / "other.db", rows=3)
    assert any("another database" in p for p in restored(store, listed, other).problems)


def test_a_preview_warns_of_a_backup_of_a_wrong_clock(tmp_path: Path) -> None:
    path, store = trading_database(tmp_path / "t.db", rows=5), MemoryStore()
    backup = backed_up(store, path, "orders")
    assert not any("future" in text for text in backup_warnings(backup, backup.origin))
    ahead = replace(backup, taken=backup.taken + timedelta(days=3650))
    (warning,) = backup_warnings(ahead, backup.origin)
    assert "it may not be the newest" in warning


@pytest.mark.parametrize(
    ("at", "found"),
    [
        ("2026-11-22T14:03:27Z", True),
        ("2026-11-22T14:03:27", True),
        ("2026-11-22T15:03:27+01:00", True),
        ("2026-11-22T14:03:27.6Z", True),
        ("2026-11-22T14:03:27.599Z", False),
        ("2026-11-22T14:03:27,5Z", False),
        ("2026-11-22T14:03:26Z", False),
        (datetime(2026, 11, 22, 14, 3, 27, tzinfo=UTC), False),
    ],
)
def test_a_time_without_a_fraction_includes_its_second(
    store: MemoryStore,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    at: str | datetime,
    found: bool,
) -> None:
    taken = datetime(2026, 11, 22, 14, 3, 27, 600_000, tzinfo=UTC)
    monkeypatch.setattr("core.backup.run.utc_now", lambda: taken)
    backup = backed_up(store, path, "orders")
    wanted = Wanted.of(None, at)
    together = TablesWanted(("orders",), at=at)
    if found:
        assert find(store, "orders", Work(), wanted) == backup
        assert choose_backups(store, str(path), together, Work()).backups == (backup,)
        return
    with pytest.raises(NotFound, match="no backup of orders"):
        find(store, "orders", Work(), wanted)
    with pytest.raises(NotFound):
        choose_backups(store, str(path), together, Work())


def test_a_table_without_backups_is_distinguished_from_one_with_later_ones(
    store: MemoryStore, tmp_path: Path
) -> None:
    path = trading_database(tmp_path / "trading.db", rows=3)
    first, *_later = (backed_up(store, path, "users") for _ in range(3))
    with pytest.raises(NotFound) as early:
        find(store, "users", Work(), Wanted(at=first.taken - timedelta(seconds=1)))
    assert early.value.cause == "There are 3 later ones."
    assert early.value.remedy == "Choose a later time."
    with pytest.raises(NotFound) as unknown:
        find(store, "orders", Work())
    assert unknown.value.cause == "The bucket has no backup of a table with this name."
    assert unknown.value.remedy == "Choose another table."
