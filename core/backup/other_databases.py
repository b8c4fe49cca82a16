"""Note about databases whose backups of a table were not used, although no database was chosen."""

from __future__ import annotations

from core.backup.listing import contents, read_backup
from core.backup.prefetch import in_parallel
from core.backup.store import Store
from core.errors import Cancelled, StorageError
from core.model.backup import Backup, Origin
from core.work import Work

#: So many manifests are read, the newest: a note must not take as long as the operation.
_READ = 16


def note_others(
    store: Store, used: Backup, work: Work, *, why: str = "the newest of all"
) -> tuple[str, ...]:
    """Return a note if other databases also have recent backups of a table with this name.

    Args:
        store: The store of the backup.
        used: The backup that is used.
        work: Cancel token.
        why: Why this one is used.
    """
    try:
        found = _others(store, used, work)
    except Cancelled:
        raise
    except StorageError:  # the operation needs none of these backups
        return ()
    if not found:
        return ()
    names = " and ".join(map(str, found))
    also = f"There are also backups of {used.table} of {names}."
    return (f"{also} The one of {used.origin} was used, {why}; an id chooses another.",)


def _others(store: Store, used: Backup, work: Work) -> list[Origin]:
    """Return the other databases of the newest backups, each once."""
    if not used.origin.database:  # of an earlier version: it may be of any of them
        return []
    folders = sorted(contents(store, used.table, work).folders, key=lambda each: each.moment)
    newest = [each for each in folders[-_READ:] if each.key.id != used.id]
    found: list[Origin] = []
    for backup in in_parallel(lambda each: read_backup(store, each, work), newest, _READ):
        if backup.origin.database and all(
            backup.origin.differs(each) for each in (used.origin, *found)
        ):
            found.append(backup.origin)
    return found
