"""Removal of the parts without a manifest that interrupted backups left in the bucket.

A running backup looks the same. A backup that runs on this machine has a locked record; one of
another machine counts as abandoned if no part was added for a day. Backups that can be resumed are
not abandoned.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING

from core.backup.keys import MANIFEST
from core.backup.store import Store, Stored
from core.backup.unfinished import dead_records, forget, running_folders
from core.backup.unsent import remove_useless_files, unsent_folders
from core.errors import StorageError
from core.layout.timestamps import parse_timestamp
from core.local.spool import remove_dead_spools
from core.units import utc_now
from core.work import Work

if TYPE_CHECKING:
    from core.model.backup_listing import OrphanParts

#: A running backup stores another part within this time.
ABANDONED_AFTER = timedelta(hours=24)

_log = logging.getLogger(__name__)


def orphan_parts(store: Store, work: Work) -> tuple[OrphanParts, ...]:
    """Return what interrupted backups left in the store, oldest first.

    Backups that are running or can be resumed on this machine, and those of other machines to which
    a part was added within a day, are omitted.

    Raises:
        StorageError: When the store cannot be listed.
    """
    from core.backup.listing import contents

    with dead_records(store) as dead:
        own = frozenset(dead)
    unfinished = contents(store, None, work).unfinished
    # After the listing, since a backup may just have begun.
    running = running_folders(store) | unsent_folders(store.place)
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
    """Remove orphaned parts and return the removed ones.

    Backups that were completed or continued since they were listed are not removed.

    Raises:
        StorageError: When the removal is denied or fails.
    """
    removed = []
    with dead_records(store) as dead:
        for orphan in orphans:
            work.check()
            # Another machine may have resumed it since it was listed.
            if _remove(store, orphan.folder, work, abandoned=orphan.folder not in dead):
                removed.append(orphan)
            if orphan.folder in dead:
                forget(dead[orphan.folder])
    return tuple(removed)


def remove_own_orphans(store: Store, work: Work) -> int:
    """Remove what killed backups of this machine left locally and in the store.

    A failure is only logged: it must not stop the following backup.

    Returns:
        The number of backups that left parts in the store.
    """
    remove_dead_spools()
    remove_useless_files()
    removed = 0
    with dead_records(store) as dead:
        resumable = unsent_folders(store.place)
        for folder, record in dead.items():
            if folder in resumable:
                continue
            try:
                removed += _remove(store, folder, work)
            except StorageError as error:
                work.check()
                _log.warning(
                    "Parts of an interrupted backup remain in %s: %s", folder, error.summary
                )
                continue
            forget(record)
    return removed


def _remove(store: Store, folder: str, work: Work, *, abandoned: bool = False) -> bool:
    """Remove the objects of a folder, unless it contains a manifest.

    With `abandoned` nothing is removed either if a part was added within a day.
    """
    objects = tuple(store.list(folder, work=work))
    keys = [stored.key for stored in objects]
    if not keys or folder + MANIFEST in keys:
        return False
    if abandoned and not _is_abandoned(_orphan(folder, "", objects, mine=False)):
        return False
    store.delete(keys, work=work)
    return True


def _orphan(folder: str, table: str, objects: Iterable[Stored], *, mine: bool) -> OrphanParts:
    from core.model.backup_listing import OrphanParts

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
