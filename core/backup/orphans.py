"""Parts without a manifest: what interrupted backups left in the bucket, and its removal.

A backup that is being written looks the same. Those of this machine are known by their locked
record; one of another machine is taken for abandoned when nothing was added to it for a day.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta

from core.backup.keys import MANIFEST
from core.backup.listing import contents
from core.backup.spool import sweep_spools
from core.backup.store import Store, Stored
from core.backup.unfinished import dead_records, forget, running_folders
from core.errors import StorageError
from core.layout.timestamps import parse_timestamp
from core.model.backup import OrphanParts
from core.units import utc_now
from core.work import Work

#: No backup goes so long without storing another part.
ABANDONED_AFTER = timedelta(hours=24)

_log = logging.getLogger(__name__)


def orphan_parts(store: Store, work: Work) -> tuple[OrphanParts, ...]:
    """Return what interrupted backups left in the store, the oldest first.

    Left out are backups that run on this machine now, and those of other machines to which a
    part was added within a day.

    Raises:
        StorageError: When the store cannot be listed.
    """
    with dead_records(store) as dead:
        own = frozenset(dead)
    unfinished = contents(store, None, work).unfinished
    running = running_folders(store)  # after the listing: a backup may have begun meanwhile
    found = []
    for folder, objects in unfinished:
        name = folder.key.folder
        orphan = _orphan(name, folder.key.table, objects, mine=name in own)
        if name not in running and (orphan.mine or _is_abandoned(orphan)):
            found.append(orphan)
    return tuple(sorted(found, key=lambda orphan: orphan.folder.rsplit("/", 2)[1]))


def remove_orphans(
    store: Store, orphans: Iterable[OrphanParts], work: Work
) -> tuple[OrphanParts, ...]:
    """Remove orphaned parts and return those that were; what became a backup stays.

    Raises:
        StorageError: When the store refuses.
    """
    removed = []
    with dead_records(store) as dead:
        for orphan in orphans:
            work.check()
            if _remove(store, orphan.folder, work):
                removed.append(orphan)
            if orphan.folder in dead:
                forget(dead[orphan.folder])
    return tuple(removed)


def remove_own_orphans(store: Store, work: Work) -> int:
    """Remove what killed backups of this machine left, here and in the store.

    A failure is only logged: it must not stop the backup that this runs before.

    Returns:
        How many backups left something in the store.
    """
    sweep_spools()
    removed = 0
    with dead_records(store) as dead:
        for folder, record in dead.items():
            try:
                removed += _remove(store, folder, work)
            except StorageError as error:
                work.check()
                _log.warning("Parts of an interrupted backup stay in %s: %s", folder, error.summary)
                continue
            forget(record)
    return removed


def _remove(store: Store, folder: str, work: Work) -> bool:
    """Remove a folder's objects unless a manifest makes them a backup."""
    keys = [stored.key for stored in store.list(folder, work=work)]
    if not keys or folder + MANIFEST in keys:
        return False
    store.delete(keys, work=work)
    return True


def _orphan(folder: str, table: str, objects: Iterable[Stored], *, mine: bool) -> OrphanParts:
    found = tuple(objects)
    times = [moment for stored in found if (moment := parse_timestamp(stored.modified))]
    return OrphanParts(
        folder,
        table,
        len(found),
        sum(stored.size for stored in found),
        max(times, default=None),
        mine=mine,
    )


def _is_abandoned(orphan: OrphanParts) -> bool:
    return orphan.modified is not None and utc_now() - orphan.modified >= ABANDONED_AFTER
