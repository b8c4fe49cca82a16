"""The list of backups, which is only read from the bucket and so equal on every machine."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from core.backup.checked_reading import read_checked
from core.backup.keys import MANIFEST, NOTE, PIN, BackupKey, parse, table_prefix
from core.backup.manifest import LARGEST, entry, from_bytes, is_text, part_file
from core.backup.prefetch import in_parallel
from core.backup.store import BucketStore, Store, Stored
from core.errors import Archived, Corrupt, NotFound, NotSupported
from core.model.backup import Backup, BackupState, Manifest
from core.model.objects import ARCHIVE_CLASSES, TIERING
from core.objects.bucket import HasBucket
from core.units import format_counted, iso_utc
from core.work import Progress, Work, default_work

if TYPE_CHECKING:
    from core.model.backup_listing import StoredTable
    from core.model.verification import Drill, Verification

_READS = 16
#: Clocks of computers differ by less.
_CLOCK_DIFFERENCE = timedelta(hours=1)
#: A larger object in bytes is not read as a note.
_LARGEST_NOTE = 1 << 16

#: Placeholder for an unreadable time, which sorts last.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

#: Texts for the comparisons of a listing, also in `--json`.
LISTED = {
    BackupState.COMPLETE: "listed, sizes agree",
    BackupState.OLD_FORM: "listed, no hash",
    BackupState.BROKEN: "broken",
    BackupState.ARCHIVED: "archived, not readable",
}


@dataclass(slots=True)
class Folder:
    """The listed files in the folder of a backup: name → size; `classes` of their storage."""

    key: BackupKey
    sizes: dict[str, int] = field(default_factory=dict)
    classes: set[str] = field(default_factory=set)

    @property
    def moment(self) -> datetime:
        """When the backup was taken, according to its key."""
        return self.key.moment or _NEVER


@dataclass(frozen=True, slots=True)
class Contents:
    """Content below a prefix: backups with a manifest, old-form objects, unfinished backups."""

    folders: tuple[Folder, ...]
    old: tuple[Backup, ...]
    unfinished: tuple[tuple[Folder, tuple[Stored, ...]], ...]


def list_backups(
    workspace: HasBucket, work: Work | None = None, *, table: str | None = None
) -> tuple[Backup, ...]:
    """Return the backups of one table, or of all, the newest first.

    Every manifest is read and checked; a backup with a damaged manifest or missing parts is listed
    as broken with the reason. Parts are only compared by size: `checked` states when this machine
    last read them. A folder without a manifest is unfinished and not a backup.

    Raises:
        StorageError: When the bucket or a manifest cannot be read.
    """
    return backups_in(BucketStore(workspace.bucket), table, default_work(work))


def backups_in(store: Store, table: str | None, work: Work) -> tuple[Backup, ...]:
    """Return the backups in a store; see `list_backups`."""
    here = contents(store, table, work)
    found = list(here.old)
    total = len(here.folders) + len(found)
    for backup in in_parallel(lambda f: read_backup(store, f, work), here.folders, _READS):
        found.append(backup)
        work.report(Progress(len(found), total, "backups"))
    return tuple(sorted(_with_checks(store, found), key=lambda b: (b.taken, b.id), reverse=True))


def _with_checks(store: Store, found: Iterable[Backup]) -> Iterator[Backup]:
    """Yield the backups with a text about the last comparison."""
    from core.backup.drills import drill_of, last_drills
    from core.backup.verifications import verification_of, verifications

    known, drills = verifications(), last_drills()
    for backup in found:
        if backup.state is not BackupState.COMPLETE:
            yield replace(backup, checked=LISTED[backup.state])
            continue
        yield with_last_check(
            backup, verification_of(known, store, backup), drill_of(drills, store, backup)
        )


def with_last_check(backup: Backup, seen: Verification | None, drill: Drill | None) -> Backup:
    """Return a backup with the texts and times of its last verification and restore drill.

    The newer of the two is described: damage that was found after a drill must not be hidden.
    """
    if drill is not None and (seen is None or drill.when >= seen.when):
        day = iso_utc(drill.when.replace(microsecond=0))
        verified = seen.when if seen is not None and not seen.problem else None
        if drill.problem:
            return replace(
                backup, checked=f"restore drill failed on {day}", verified=verified, doubted=True
            )
        checked = f"proven by a restore drill on {day}"
        return replace(backup, checked=checked, verified=verified, proven=drill.when)
    if seen is None:
        return replace(backup, checked=LISTED[backup.state])
    if seen.problem:
        return replace(backup, checked=f"found damaged on {iso_utc(seen.when)}", doubted=True)
    checked = f"verified on {iso_utc(seen.when.replace(microsecond=0))}"
    proven = drill.when if drill is not None and not drill.problem else None
    return replace(backup, checked=checked, verified=seen.when, proven=proven)


def stored_tables(workspace: HasBucket, work: Work | None = None) -> tuple[StoredTable, ...]:
    """Return the tables that have backups, of all databases, by name.

    Only the listing is used; no manifest is read.

    Raises:
        StorageError: When the bucket cannot be listed.
    """
    from core.model.backup_listing import StoredTable

    store, work = BucketStore(workspace.bucket), default_work(work)
    found: dict[str, StoredTable] = {}
    for stored in store.list(table_prefix(None), work=work):
        key = parse(stored.key)
        if key is not None and key.file in ("", MANIFEST):
            before = found.get(key.table, StoredTable(key.table, 0, None))
            moments = [moment for moment in (before.last, key.moment) if moment is not None]
            last = max(moments, default=None)
            found[key.table] = StoredTable(key.table, before.backups + 1, last)
    return tuple(sorted(found.values(), key=lambda table: (table.name.lower(), table.name)))


def last_backups(workspace: HasBucket, work: Work | None = None) -> dict[str, datetime]:
    """Return the time of the last backup of each table, without reading manifests."""
    return {
        table.name: table.last for table in stored_tables(workspace, work) if table.last is not None
    }


def backup_keys(workspace: HasBucket, work: Work | None = None) -> tuple[str, ...]:
    """Return the keys of all backups as in `Backup.key`, by table and the newest first.

    Only the listing is used; no manifest is read.

    Raises:
        StorageError: When the bucket cannot be listed.
    """
    here = contents(BucketStore(workspace.bucket), None, default_work(work))
    manifests = (folder.key.folder + MANIFEST for folder in here.folders)
    return tuple(sorted((*manifests, *(backup.key for backup in here.old)), reverse=True))


def contents(store: Store, table: str | None, work: Work) -> Contents:
    """Return the content of the listing of one table or of all, without reading objects."""
    folders: dict[str, Folder] = {}
    objects: dict[str, list[Stored]] = {}
    old: list[Backup] = []
    for stored in store.list(table_prefix(table), work=work):
        key = parse(stored.key)
        if key is None:
            continue
        if key.file:
            folder = folders.setdefault(key.folder, Folder(key))
            folder.sizes[key.file] = stored.size
            folder.classes.add(stored.storage_class)
            objects.setdefault(key.folder, []).append(stored)
        else:
            old.append(_old(key, stored))
    complete = tuple(folder for folder in folders.values() if MANIFEST in folder.sizes)
    unfinished = tuple(
        (folder, tuple(objects[name]))
        for name, folder in folders.items()
        if MANIFEST not in folder.sizes
    )
    return Contents(complete, tuple(old), unfinished)


def _old(key: BackupKey, stored: Stored) -> Backup:
    if key.moment is None:
        problem = f"The time in its name cannot be parsed: {key.id}"
        return Backup(
            key.id, key.table, _NEVER, stored.size, stored.key, BackupState.BROKEN, problem=problem
        )
    return Backup(
        key.id, key.table, key.moment, stored.size, stored.key, BackupState.OLD_FORM,
        storage_class=archive_class({stored.storage_class}),
    )  # fmt: skip


def is_in_future(backup: Backup, now: datetime) -> bool:
    """Return whether the time of a backup must be of a wrong clock, so that its age is not known."""
    return backup.taken - now > _CLOCK_DIFFERENCE


def archive_class(classes: Collection[str]) -> str:
    """Return the slowest archive class among storage classes; empty if there is none."""
    return next((name for name in ARCHIVE_CLASSES if name in classes), "")


def read_backup(store: Store, folder: Folder, work: Work) -> Backup:
    """Read the manifest of a listed backup.

    Returns:
        The backup; it is broken, with the reason, if the manifest is damaged after repeated reads,
        or if parts are missing.

    Raises:
        StorageError: When the manifest cannot be read.
    """
    work.check()
    key = folder.key
    where = key.folder + MANIFEST
    try:
        _check_size(folder)
        found = read_checked(store, where, lambda data: _entry_of(data, folder), work)
        found = replace(found, storage_class=archive_class(folder.classes))
        return _with_marks(store, folder, found, work)
    except Archived:  # the list must not fail because a lifecycle rule has moved old backups
        archived = Backup(
            key.id, key.table, folder.moment, sum(folder.sizes.values()), where,
            BackupState.ARCHIVED, storage_class=archive_class(folder.classes) or TIERING,
        )  # fmt: skip
        return _with_marks(store, folder, archived, work)
    except (Corrupt, NotSupported, NotFound) as error:
        problem = error.reason
        size = sum(folder.sizes.values())
        broken = Backup(
            key.id, key.table, folder.moment, size, where, BackupState.BROKEN, problem=problem
        )
        return _with_marks(store, folder, broken, work)


def _with_marks(store: Store, folder: Folder, backup: Backup, work: Work) -> Backup:
    """Return a backup with its pin and its later note; a pin that cannot be read still counts."""
    if PIN in folder.sizes:
        reason = _note_in(store, folder, PIN, work) or ""
        backup = replace(backup, pinned=True, pin_note=reason)
    if NOTE in folder.sizes:
        note = _note_in(store, folder, NOTE, work)
        backup = backup if note is None else replace(backup, note=note)
    return backup


def _note_in(store: Store, folder: Folder, name: str, work: Work) -> str | None:
    """Return the note in an object beside the manifest; None if it cannot be read."""
    if folder.sizes[name] <= _LARGEST_NOTE:
        with suppress(NotFound, Archived):  # it was removed since the listing, or archived
            return note_of(store.read(folder.key.folder + name, work=work))
    return None


def note_of(data: bytes) -> str | None:
    """Return the note in the bytes of a pin or of a later note; None if they are damaged."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    note = found.get("note") if isinstance(found, dict) else None
    return note if isinstance(note, str) and is_text(note) else None


def _check_size(folder: Folder) -> None:
    if folder.sizes[MANIFEST] > LARGEST:
        raise Corrupt("The manifest is too large")


def _entry_of(data: bytes, folder: Folder) -> Backup:
    """Check that the manifest belongs to its folder, and that its parts have the right sizes."""
    manifest = from_bytes(data)
    named = (folder.key.table, folder.key.id, folder.key.moment or manifest.taken)
    if (manifest.table, manifest.id, manifest.taken) != named:
        raise Corrupt("The manifest belongs to another backup.")
    for problem in _missing(manifest, folder.sizes):
        raise Corrupt(problem)
    return entry(manifest, folder.key.folder + MANIFEST, data)


def _missing(manifest: Manifest, sizes: dict[str, int]) -> Iterator[str]:
    for part in manifest.parts:
        size = sizes.get(part_file(part, manifest))
        if size is None:
            yield f"Part {part.index} of {len(manifest.parts)} is missing."
        elif size != part.size:
            yield f"Part {part.index} has {format_counted(size, 'byte')}, not {part.size}."
