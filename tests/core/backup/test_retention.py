"""Retention: what each rule retains, why, and that a removal leaves no broken backup."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from helpers.backups import MemoryStore, backed_up

from core.backup.listing import backups_in, contents
from core.backup.notes import annotate_in
from core.backup.orphans import orphan_parts, remove_own_orphans
from core.backup.pins import pin_in, unpin_in
from core.backup.retention import checked_rule, decisions, remove
from core.errors import (
    AccessDenied,
    Archived,
    ErrorKind,
    InvalidInput,
    NotFound,
    NotSupported,
)
from core.model.backup import Backup, BackupState, Origin
from core.model.retention import RetentionRule, note_same_server
from core.work import Work

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def taken(**ago: float) -> Backup:
    moment = NOW - timedelta(**ago)
    name = f"{moment:%Y%m%d%H}"
    return Backup(name, "orders", moment, 10, f"backups/{name}/_manifest.json")


def removed_ids(backups: list[Backup], rule: RetentionRule) -> list[str]:
    return [each.backup.id for each in decisions(backups, rule) if not each.retained]


def test_the_newest_of_days_weeks_and_months_are_retained() -> None:
    backups = [taken(hours=6 * number) for number in range(4 * 120)]
    found = decisions(backups, RetentionRule(daily=7, weekly=4, monthly=3))
    retained = [each for each in found if each.retained]
    assert [f"{each.backup.taken:%m-%d %H}" for each in retained] == [
        "11-27 12", "11-26 18", "11-25 18", "11-24 18", "11-23 18", "11-22 18", "11-21 18",
        "11-15 18", "11-08 18", "10-31 18", "09-30 18",
    ]  # fmt: skip
    assert retained[0].reasons == (
        "It is the newest backup of the table.",
        "It is the newest of the day 2026-11-27.",
        "It is the newest of the week 2026-W48.",
        "It is the newest of the month 2026-11.",
    )
    reasons = {each.reasons[0] for each in found if not each.retained}
    assert reasons == {
        "A newer backup of the same day is retained.",
        "It is not the newest backup of a retained day, week, month or year.",
    }


def test_the_newest_of_years_are_retained() -> None:
    backups = [taken(days=100 * number) for number in range(15)]
    found = decisions(backups, RetentionRule(yearly=3))
    retained = [each for each in found if each.retained]
    assert [f"{each.backup.taken:%Y-%m-%d}" for each in retained] == [
        "2026-11-27", "2025-10-23", "2024-12-27",
    ]  # fmt: skip
    assert retained[-1].reasons == ("It is the newest of the year 2024.",)


def test_only_days_with_backups_count() -> None:
    backups = [taken(days=200 * number) for number in range(4)]
    assert removed_ids(backups, RetentionRule(daily=3)) == [backups[3].id]


def test_some_backups_are_never_removed() -> None:
    newest, old = taken(hours=1), [taken(days=number) for number in range(10, 17)]
    old[0] = replace(old[0], pinned=True, pin_note="before the migration")
    old[1] = replace(old[1], proven=NOW)
    old[2] = replace(old[2], proven=NOW)
    old[3] = replace(old[3], state=BackupState.BROKEN)
    old[4] = replace(old[4], state=BackupState.OLD_FORM)
    old[5] = replace(old[5], doubted=True)
    found = decisions([newest, *old], RetentionRule(daily=1))
    assert [each.backup.id for each in found if not each.retained] == [old[2].id, old[6].id]
    assert found[1].reasons == ("It is pinned: before the migration",)
    assert found[2].reasons == ("It is the last backup that a restore drill has proven.",)
    assert "damaged" in found[4].reasons[0]
    assert "old form" in found[5].reasons[0]
    assert "Damage was found" in found[6].reasons[0]


def test_a_damaged_newest_backup_does_not_replace_an_intact_one() -> None:
    damaged = replace(taken(hours=1), state=BackupState.BROKEN)
    doubted = replace(taken(hours=2), doubted=True)
    intact, older = taken(hours=3), taken(hours=4)
    assert removed_ids([damaged, doubted, intact, older], RetentionRule(daily=1)) == [older.id]


def test_databases_and_tables_are_counted_separately() -> None:
    one, other = Origin("SQLite", "a", "h", "/a"), Origin("SQLite", "a", "h", "/b")
    backups = [
        replace(
            taken(hours=number), origin=origin, table=table, key=f"{origin.path}{table}{number}"
        )
        for origin in (one, other)
        for table in ("orders", "users")
        for number in range(2)
    ]
    assert len(removed_ids(backups, RetentionRule(daily=1))) == 4


def test_a_backup_of_a_wrong_clock_does_not_replace_the_others() -> None:
    ahead, newest, old = taken(days=-3650), taken(hours=1), taken(days=1)
    found = decisions([ahead, newest, old], RetentionRule(daily=1), NOW)
    assert [each.retained for each in found] == [True, True, False]
    assert found[0].reasons == (
        "Its time is in the future, so that it is not known how old it is.",
    )
    assert found[1].reasons[0] == "It is the newest backup of the table."


@pytest.mark.parametrize("numbers", [(0, 0, 0), (-1, 2, 3), (7, 0, -2)])
def test_a_rule_that_retains_nothing_is_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(InvalidInput):
        checked_rule(*numbers)


@pytest.fixture
def made(store: MemoryStore, path: Path) -> list[Backup]:
    """Three backups in the store, newest first."""
    for _ in range(3):
        backed_up(store, path, "orders")
    return list(backups_in(store, "orders", Work()))


def plan(store: MemoryStore):
    return decisions(backups_in(store, None, Work()), RetentionRule(daily=1))


def test_removal_leaves_the_retained_backups_only(store: MemoryStore, made: list[Backup]) -> None:
    report = remove(store, plan(store), Work())
    assert [each.id for each in report.removed] == [made[2].id, made[1].id]
    assert (report.size, report.failed) == (made[1].size + made[2].size, ())
    assert [each.id for each in backups_in(store, None, Work())] == [made[0].id]
    assert contents(store, None, Work()).unfinished == ()


def test_only_backups_that_were_shown_are_removed(store: MemoryStore, made: list[Backup]) -> None:
    report = remove(store, plan(store), Work(), only=[made[2].key, made[0].key])
    assert [each.id for each in report.removed] == [made[2].id]


def test_a_removal_that_fails_halfway_leaves_no_broken_backup(
    store: MemoryStore, made: list[Backup], monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = MemoryStore.delete

    def manifests_only(self, keys, *, work):
        if any(key.endswith(".zst") for key in keys):
            raise AccessDenied("The request was denied", cause="An object lock protects it.")
        delete(self, keys, work=work)

    monkeypatch.setattr(MemoryStore, "delete", manifests_only)
    report = remove(store, plan(store), Work())
    assert report.removed == ()
    assert [(each.kind, each.incomplete) for each in report.failed] == [
        (ErrorKind.ACCESS_DENIED, True)
    ] * 2
    assert "An object lock protects it." in report.failed[0].reason
    listed = backups_in(store, None, Work())
    assert [(each.id, each.state) for each in listed] == [(made[0].id, BackupState.COMPLETE)]
    assert len(orphan_parts(store, Work())) == 2
    monkeypatch.setattr(MemoryStore, "delete", delete)
    assert remove_own_orphans(store, Work()) == 2
    assert contents(store, None, Work()).unfinished == ()


def test_a_refused_manifest_leaves_the_backup_as_it_is(
    store: MemoryStore, made: list[Backup], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(store.objects)

    def refuse(*_arguments: object, **_more: object) -> None:
        raise AccessDenied("The request was denied")

    monkeypatch.setattr(MemoryStore, "delete", refuse)
    report = remove(store, plan(store), Work())
    assert [each.incomplete for each in report.failed] == [False, False]
    assert store.objects == before
    assert remove_own_orphans(store, Work()) == 0


def test_pins_are_in_the_bucket_and_protect(store: MemoryStore, made: list[Backup]) -> None:
    found = plan(store)
    pinned = pin_in(store, "orders", made[2].id, "before the migration", Work())
    assert (pinned.pinned, pinned.pin_note) == (True, "before the migration")
    assert pin_in(store, "orders", made[2].id[:6], "again", Work()).pin_note == "again"
    report = remove(store, found, Work())  # of a plan before the pin
    assert [each.reason for each in report.failed] == ["The backup was pinned since it was listed"]
    listed = backups_in(store, None, Work())
    assert [(each.id, each.pinned) for each in listed] == [(made[0].id, False), (made[2].id, True)]
    assert not unpin_in(store, "orders", made[2].id, Work()).pinned
    assert not unpin_in(store, "orders", made[2].id, Work()).pinned
    assert [each.id for each in remove(store, plan(store), Work()).removed] == [made[2].id]
    assert len(store.objects) == 2


def test_what_another_computer_has_removed_is_no_failure(
    store: MemoryStore, made: list[Backup], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = plan(store)
    first = remove(store, found, Work())
    assert first.removed
    again = remove(store, found, Work())
    assert (again.removed, again.failed, again.size) == ((), (), 0)


def test_a_pin_at_the_moment_of_the_removal_retains_the_backup(
    store: MemoryStore, made: list[Backup], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, delete = dict(store.objects), store.delete

    def pinned_first(keys: Iterable[str], *, work: Work) -> None:
        monkeypatch.setattr(store, "delete", delete)
        pin_in(store, "orders", made[2].id, "just now", Work())  # confirmed by a listing
        delete(keys, work=work)

    found = [each for each in plan(store) if each.backup.id == made[2].id]
    monkeypatch.setattr(store, "delete", pinned_first)
    report = remove(store, found, Work())
    (failure,) = report.failed
    assert (failure.reason, failure.incomplete) == (
        "The backup was pinned since it was listed", False,
    )  # fmt: skip
    assert {key: store.objects[key] for key in before} == before
    assert remove_own_orphans(store, Work()) == 0
    (listed,) = (each for each in backups_in(store, None, Work()) if each.id == made[2].id)
    assert (listed.state, listed.pin_note) == (BackupState.COMPLETE, "just now")


def test_a_note_replaces_that_of_the_manifest(store: MemoryStore, made: list[Backup]) -> None:
    before = dict(store.objects)
    text = "before the migration = \u202eSUM(1) <b>"
    changed = annotate_in(store, "orders", made[2].id[:6], text, Work())
    assert (changed.id, changed.note, changed.pinned) == (made[2].id, text, False)
    assert {key: store.objects[key] for key in before} == before, "the backup is not changed"
    pin_in(store, "orders", made[2].id, "a reason", Work())
    (listed,) = (each for each in backups_in(store, None, Work()) if each.id == made[2].id)
    assert (listed.note, listed.pin_note, listed.state) == (text, "a reason", BackupState.COMPLETE)
    assert annotate_in(store, "orders", made[2].id, "", Work()).note == ""
    for note, message in (("x" * 4_001, "too long"), ("\udcff", "not valid text")):
        with pytest.raises(InvalidInput, match=message):
            annotate_in(store, "orders", made[2].id, note, Work())
    unpin_in(store, "orders", made[2].id, Work())
    removed = remove(store, plan(store), Work()).removed
    assert made[2].id in [each.id for each in removed]
    assert not [key for key in store.objects if made[2].id in key], "its note is removed, too"


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"note": "\\ud800"}', b'{"note": 1}', b"x" * 70_000]
)
def test_a_damaged_note_leaves_that_of_the_manifest(
    store: MemoryStore, made: list[Backup], data: bytes
) -> None:
    store.objects[made[2].key.replace("_manifest", "_note")] = data
    found = backups_in(store, None, Work())[2]
    assert (found.state, found.note) == (BackupState.COMPLETE, made[2].note)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"note": 1}', b"[" * 50_000, b"x" * 70_000])
def test_a_damaged_pin_still_counts(store: MemoryStore, made: list[Backup], data: bytes) -> None:
    store.objects[made[2].key.replace("_manifest", "_pin")] = data
    found = backups_in(store, None, Work())[2]
    assert (found.state, found.pinned, found.pin_note) == (BackupState.COMPLETE, True, "")


@pytest.mark.parametrize("change", [pin_in, annotate_in])
def test_a_pin_or_note_is_replaced_in_one_request(
    store: MemoryStore, made: list[Backup], monkeypatch: pytest.MonkeyPatch, change
) -> None:
    change(store, "orders", made[0].id, "first", Work())

    def refuse(*_arguments, **_more):
        raise AccessDenied("The request was denied")

    monkeypatch.setattr(MemoryStore, "delete", refuse)
    found = change(store, "orders", made[0].id, "second", Work())
    assert "second" in {found.note, found.pin_note}


def test_the_note_and_pin_of_an_archived_backup_are_shown(
    store: MemoryStore, made: list[Backup], monkeypatch: pytest.MonkeyPatch
) -> None:
    read = MemoryStore.read

    def archived(self, key, *, work):
        if key == made[0].key:
            raise Archived("It is in an archive class", subject=key)
        return read(self, key, work=work)

    monkeypatch.setattr(MemoryStore, "read", archived)
    annotate_in(store, "orders", made[0].id, "at rest", Work())
    pin_in(store, "orders", made[0].id, "a reason", Work())
    found = backups_in(store, "orders", Work())[0]
    assert (found.state, found.note, found.pin_note, found.pinned) == (
        BackupState.ARCHIVED, "at rest", "a reason", True,
    )  # fmt: skip


def test_a_note_that_is_written_during_a_removal_does_not_remain(
    store: MemoryStore, made: list[Backup], monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = MemoryStore.delete

    def annotated_first(self, keys, *, work):
        keys = list(keys)
        if keys == [made[2].key]:
            self.objects[made[2].key.replace("_manifest", "_note")] = b"{}"
        delete(self, keys, work=work)

    monkeypatch.setattr(MemoryStore, "delete", annotated_first)
    assert made[2].id in [each.id for each in remove(store, plan(store), Work()).removed]
    assert not [key for key in store.objects if made[2].id in key]


@pytest.mark.parametrize("change", [pin_in, annotate_in])
def test_a_pin_or_note_of_a_removed_backup_does_not_remain(
    store: MemoryStore, made: list[Backup], monkeypatch: pytest.MonkeyPatch, change
) -> None:
    put = MemoryStore.put

    def removed_by_another(self, key, *arguments, **more):
        self.objects.pop(made[0].key)
        return put(self, key, *arguments, **more)

    monkeypatch.setattr(MemoryStore, "put", removed_by_another)
    with pytest.raises(NotFound, match="was removed"):
        change(store, "orders", made[0].id, "", Work())
    assert not [key for key in store.objects if made[0].id in key and ".jsonl" not in key]


def test_the_old_form_needs_no_pin(store: MemoryStore) -> None:
    key = "backups/database/orders/2026/01/01/2026-01-01T00:00:00Z.json"
    store.objects[key] = b"{}"
    with pytest.raises(NotSupported, match="cannot be pinned"):
        pin_in(store, "orders", "2026-01-01T00:00:00Z", "", Work())
    with pytest.raises(NotSupported, match="cannot have a note"):
        annotate_in(store, "orders", "2026-01-01T00:00:00Z", "", Work())


def test_names_of_one_server_are_counted_separately_and_noted() -> None:
    names = ("localhost:5432", "127.0.0.1:5432")
    origins = [Origin("PostgreSQL", f"{name}/app", name, "app") for name in names]
    backups = [
        replace(taken(hours=number), origin=origin, key=f"{number}")
        for number, origin in enumerate(origins)
    ]
    found = decisions(backups, RetentionRule(daily=1))
    assert all(each.retained for each in found)
    assert note_same_server(found) == (
        "127.0.0.1:5432:app (PostgreSQL) and localhost:5432:app (PostgreSQL) may be one database; "
        "the rule counts for each name separately."
    )
    assert note_same_server(found[:1]) == ""
