"""The list of backups, read from the bucket alone: a fresh machine sees the same as any other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.backup.ahead import in_parallel
from core.backup.keys import MANIFEST, BackupKey, parse, part_name, table_prefix
from core.backup.manifest import LARGEST, from_bytes
from core.backup.store import BucketStore, HasBucket, Store, Stored
from core.errors import Corrupt, InvalidInput, NotFound, NotSupported
from core.model.backup import Backup, BackupState, Manifest
from core.units import as_utc, iso_utc
from core.work import Progress, Work, default_work

_READS = 16

#: A time for what has none that can be read: it sorts last.
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class _Folder:
    """The files of one backup's folder as listed: name → size."""

    key: BackupKey
    sizes: dict[str, int] = field(default_factory=dict)


def list_backups(
    workspace: HasBucket, work: Work | None = None, *, table: str | None = None
) -> tuple[Backup, ...]:
    """Return the backups of one table, or of all, the newest first.

    Every manifest is read and checked; one that is damaged, forged, or lacks parts is listed as
    broken with its reason. A folder without manifest is an unfinished run, not a backup.
    """
    return backups_in(BucketStore(workspace.bucket), table, default_work(work))


def backups_in(store: Store, table: str | None, work: Work) -> tuple[Backup, ...]:
    """As `list_backups`, in any store."""
    folders, old = _sorted_keys(store.list(table_prefix(table), work=work))
    found = [*old]
    total = len(folders)
    for backup in in_parallel(lambda f: _read(store, f, work), folders, _READS):
        found.append(backup)
        work.report(Progress(len(found), total + len(old), "backups"))
    return tuple(sorted(found, key=lambda b: (b.taken, b.id), reverse=True))


def last_backups(workspace: HasBucket, work: Work | None = None) -> dict[str, datetime]:
    """Return when each table was last backed up, from the listing alone; no manifest is read."""
    store, work = BucketStore(workspace.bucket), default_work(work)
    found: dict[str, datetime] = {}
    for stored in store.list(table_prefix(None), work=work):
        key = parse(stored.key)
        if key is not None and key.moment is not None and key.file in ("", MANIFEST):
            found[key.table] = max(found.get(key.table, _NEVER), key.moment)
    return found


def find(
    store: Store,
    table: str,
    work: Work,
    *,
    backup_id: str | None = None,
    at: datetime | None = None,
) -> Backup:
    """Return the backup of an id, or the latest whole one taken at or before a time.

    Only the manifests that come into question are read.

    Raises:
        NotFound: When there is none.
        InvalidInput: When several ids begin like that.
    """
    folders, old = _sorted_keys(store.list(table_prefix(table), work=work))
    if backup_id is not None:
        same = [b for b in old if b.id.startswith(backup_id)]
        same += [_read(store, f, work) for f in folders if f.key.id.startswith(backup_id)]
        return _only(same, table, backup_id)
    limit = None if at is None else as_utc(at)
    places = [(b.taken, b) for b in old] + [(f.key.moment or _NEVER, f) for f in folders]
    for moment, place in sorted(places, key=lambda pair: pair[0], reverse=True):
        if limit is not None and moment > limit:
            continue
        backup = place if isinstance(place, Backup) else _read(store, place, work)
        fits = limit is None or backup.taken <= limit
        if fits and backup.state is not BackupState.BROKEN:
            return backup
    when = "" if limit is None else f" taken at or before {iso_utc(limit)}"
    raise NotFound(
        f"There is no whole backup of {table}{when}",
        cause=f"{len(places)} are stored.",
        remedy="Choose another table or a later time.",
        subject=table,
    )


def _only(same: Sequence[Backup], table: str, backup_id: str) -> Backup:
    exact = [b for b in same if b.id == backup_id] or list(same)
    if not exact:
        raise NotFound(
            f"There is no backup {backup_id} of {table}",
            remedy="Choose an id that the list shows.",
            subject=table,
        )
    if len(exact) > 1:
        raise InvalidInput(f"{len(exact)} backups have an id that begins with {backup_id}")
    return exact[0]


def _sorted_keys(listed: Iterable[Stored]) -> tuple[list[_Folder], list[Backup]]:
    folders: dict[str, _Folder] = {}
    old: list[Backup] = []
    for stored in listed:
        key = parse(stored.key)
        if key is None:
            continue
        if key.file:
            folders.setdefault(key.folder, _Folder(key)).sizes[key.file] = stored.size
        else:
            old.append(_old(key, stored))
    return [folder for folder in folders.values() if MANIFEST in folder.sizes], old


def _old(key: BackupKey, stored: Stored) -> Backup:
    if key.moment is None:
        problem = f"The time in its name cannot be read: {key.id}"
        return Backup(
            key.id, key.table, _NEVER, stored.size, stored.key, BackupState.BROKEN, problem=problem
        )
    return Backup(key.id, key.table, key.moment, stored.size, stored.key, BackupState.OLD_FORM)


def _read(store: Store, folder: _Folder, work: Work) -> Backup:
    work.check()
    key = folder.key
    where = key.folder + MANIFEST
    try:
        manifest = _manifest(store, folder, work)
    except (Corrupt, NotSupported, NotFound) as error:
        problem = " ".join(part for part in (error.summary, error.cause) if part)
        size = sum(folder.sizes.values())
        taken = key.moment or _NEVER
        return Backup(key.id, key.table, taken, size, where, BackupState.BROKEN, problem=problem)
    return entry(manifest, where)


def entry(manifest: Manifest, key: str) -> Backup:
    """Return a manifest as an entry of the list."""
    return Backup(
        manifest.id,
        manifest.table,
        manifest.taken,
        manifest.size,
        key,
        rows=manifest.rows,
        seconds=manifest.seconds,
        source=f"{manifest.source.database} ({manifest.source.engine})",
        note=manifest.note,
    )


def _manifest(store: Store, folder: _Folder, work: Work) -> Manifest:
    """Read the manifest; it is that of its folder, and its parts are there in their sizes."""
    if folder.sizes[MANIFEST] > LARGEST:
        raise Corrupt("The manifest is too large to be one")
    manifest = from_bytes(store.read(folder.key.folder + MANIFEST, work=work))
    if (manifest.table, manifest.id) != (folder.key.table, folder.key.id):
        raise Corrupt("The manifest belongs to another backup.")
    for problem in _missing(manifest, folder.sizes):
        raise Corrupt(problem)
    return manifest


def _missing(manifest: Manifest, sizes: dict[str, int]) -> Iterator[str]:
    for part in manifest.parts:
        size = sizes.get(part_name(part.index))
        if size is None:
            yield f"Part {part.index} of {len(manifest.parts)} is missing."
        elif size != part.size:
            yield f"Part {part.index} has {size} bytes, not {part.size}."
