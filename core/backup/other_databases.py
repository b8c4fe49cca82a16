"""Note about databases whose backups of a table were not used, although no database was chosen."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.backup.listing import Folder, contents, read_backup
from core.backup.prefetch import in_parallel
from core.backup.store import Store
from core.errors import Cancelled, StorageError
from core.model.backup import Backup, Origin
from core.units import format_counted
from core.work import Work

#: So many manifests of the newest backups are read, and so many of all older ones at equal
#: distances, several at once: a note must not take as long as the operation. The key of a backup
#: does not contain its database.
_NEWEST, _OLDER, _AT_ONCE = 64, 64, 16


def note_others(
    store: Store, used: Backup, work: Work, *, why: str = "the newest of all"
) -> tuple[str, ...]:
    """Return a note if other databases also have backups of a table with this name.

    If a table has very many backups, the note states how many of them were not inspected.

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
    texts = []
    if found.others:
        names = " and ".join(map(str, found.others))
        texts = [
            f"There are also backups of {used.table} of {names}.",
            f"The one of {used.origin} was used, {why}; an id chooses another.",
        ]
    if found.unread:
        count = format_counted(found.unread, "older backup")
        texts.append(f"Whether {count} of {used.table} are of another database was not checked.")
    return (" ".join(texts),) if texts else ()


@dataclass(slots=True)
class _Found:
    """The other databases, each once, and the number of backups whose database is not known."""

    others: list[Origin] = field(default_factory=list)
    unread: int = 0


def _others(store: Store, used: Backup, work: Work) -> _Found:
    found = _Found()
    if not used.origin.database:  # of an earlier version: it may be of any of them
        return found
    folders = sorted(contents(store, used.table, work).folders, key=lambda each: each.moment)
    folders = [each for each in reversed(folders) if each.key.id != used.id]
    chosen = _sample(folders)
    found.unread = len(folders) - len(chosen)
    for backup in in_parallel(lambda each: read_backup(store, each, work), chosen, _AT_ONCE):
        if backup.origin.database and all(
            backup.origin.differs(each) for each in (used.origin, *found.others)
        ):
            found.others.append(backup.origin)
    return found


def _sample(folders: list[Folder]) -> list[Folder]:
    """Return the backups whose manifests are read, of a list with the newest first."""
    older = folders[_NEWEST:]
    if len(older) <= _OLDER:
        return folders
    step = (len(older) - 1) / (_OLDER - 1)
    return folders[:_NEWEST] + [older[round(number * step)] for number in range(_OLDER)]
