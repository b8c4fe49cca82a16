"""Which backup a restore uses: the newest of this database, or the one that was named.

Never another one instead: a newest backup that is broken, or of a database that differs from
several others, is an error that names what can be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.backup.listing import Folder, contents, read_backup
from core.backup.package import refuse_broken
from core.backup.prefetch import in_parallel
from core.backup.store import Store
from core.errors import Conflict, InvalidInput, NotFound
from core.model.backup import Backup, BackupState, Origin
from core.units import as_utc, format_moment
from core.work import Work

_READS = 16
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: an id (or how it begins), a time, both None for the newest.

    `origin` is the database to restore into; `any_source` takes the newest of whatever database.
    """

    backup_id: str | None = None
    at: datetime | None = None
    origin: Origin | None = None
    any_source: bool = False

    @classmethod
    def of(
        cls,
        backup_id: str | None,
        at: str | datetime | None,
        origin: Origin | None = None,
        *,
        any_source: bool = False,
    ) -> Wanted:
        """Return what a caller's arguments ask for.

        Raises:
            InvalidInput: When one is empty, or the time is no time.
        """
        check_given(id=backup_id, at=at)
        return cls(backup_id, moment(at), origin, any_source)


def check_given(**values: object) -> None:
    """Refuse an empty text: it is never taken for an omitted value.

    Raises:
        InvalidInput: One of the values is an empty text; the error names it.
    """
    for name, value in values.items():
        if isinstance(value, str) and not value.strip():
            raise InvalidInput(
                f"The {name} is empty",
                cause="An empty value is never taken for an omitted one; often a variable is "
                "not set.",
                remedy="Give it a value, or leave it out.",
            )


def moment(at: str | datetime | None) -> datetime | None:
    """Return a time given as text or value, in UTC.

    Raises:
        InvalidInput: When the text is no time.
    """
    if at is None or isinstance(at, datetime):
        return None if at is None else as_utc(at)
    try:
        return as_utc(datetime.fromisoformat(at))
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{at!r} is not a time", remedy="Write it as 2024-01-15T10:00:00Z."
        ) from None


def find(store: Store, table: str, work: Work, wanted: Wanted | None = None) -> Backup:
    """Return the backup that is wanted, by default the newest.

    Raises:
        NotFound: When there is none.
        InvalidInput: When several ids begin like that.
        Corrupt: When it is broken; no other one is returned instead.
        Conflict: When backups of several other databases could be meant.
        StorageError: When its manifest cannot be read.
    """
    found = choose(store, table, work, wanted)
    refuse_broken(found)
    return found


def choose(store: Store, table: str, work: Work, wanted: Wanted | None = None) -> Backup:
    """As `find`, but a broken backup is returned as such."""
    check_given(table=table)
    wanted = wanted or Wanted()
    here = contents(store, table, work)
    listed: list[Backup | Folder] = [*here.old, *here.folders]
    if wanted.backup_id is not None:
        return _by_id(store, table, listed, wanted.backup_id, work)
    places = sorted(listed, key=_when, reverse=True)
    if wanted.at is not None:
        places = [place for place in places if _when(place)[0] <= wanted.at]
    if not places:
        when = "" if wanted.at is None else f" taken at or before {format_moment(wanted.at)}"
        count = len(listed)
        raise NotFound(
            f"There is no backup of {table}{when}",
            cause=f"{count} are stored.",
            remedy="Choose another table or a later time.",
            subject=table,
        )
    newest = _read(store, places[0], work)
    if wanted.origin is None or wanted.any_source or not newest.origin.differs(wanted.origin):
        return newest
    return _of_this_source(store, table, places, wanted.origin, work)


def _of_this_source(
    store: Store, table: str, places: Sequence[Backup | Folder], origin: Origin, work: Work
) -> Backup:
    """Return the newest backup of this database; of another one only when there is just one."""
    others: dict[Origin, Backup] = {}
    for backup in _read_all(store, places, work):
        if backup.state is BackupState.BROKEN or not backup.origin.differs(origin):
            return backup
        others.setdefault(backup.origin, backup)
    if len(others) == 1:
        return next(iter(others.values()))
    raise Conflict(
        f"The backups of {table} are of {len(others)} databases, none of which is this one",
        cause=f"This one is {origin}. " + " ".join(_named(others.values())),
        remedy="Choose one by its id (--id), or the newest of all with --from-other-source.",
        subject=table,
    )


def _named(backups: Iterable[Backup]) -> Iterator[str]:
    for number, backup in enumerate(backups):
        if number == _MOST_NAMED:
            yield "Others are in the list of backups."
            return
        yield f"The newest of {backup.source} is {backup.id}, taken {format_moment(backup.taken)}."


def _read_all(store: Store, places: Sequence[Backup | Folder], work: Work) -> Iterator[Backup]:
    yield from in_parallel(lambda place: _read(store, place, work), places, _READS)


def _read(store: Store, place: Backup | Folder, work: Work) -> Backup:
    return place if isinstance(place, Backup) else read_backup(store, place, work)


def _when(place: Backup | Folder) -> tuple[datetime, str]:
    if isinstance(place, Backup):
        return place.taken, place.id
    return place.moment, place.key.id


def _by_id(
    store: Store, table: str, places: Sequence[Backup | Folder], backup_id: str, work: Work
) -> Backup:
    same = [place for place in places if _id(place).startswith(backup_id)]
    exact = [place for place in same if _id(place) == backup_id] or same
    if not exact:
        raise NotFound(
            f"There is no backup {backup_id} of {table}",
            remedy="Choose an id that the list shows.",
            subject=table,
        )
    if len(exact) > 1:
        raise InvalidInput(
            f"Several backups ({len(exact)}) have an id that begins with {backup_id}",
            remedy="Give more characters of the id.",
            subject=table,
        )
    return _read(store, exact[0], work)


def _id(place: Backup | Folder) -> str:
    return place.id if isinstance(place, Backup) else place.key.id


def source_warning(backup: Backup, origin: Origin) -> tuple[str, ...]:
    """Return a sentence when a backup is not, or not certainly, of the database restored into."""
    if backup.origin.differs(origin):
        return (f"The backup is of another database: {backup.source}.",)
    if not backup.origin.database:
        return ("The backup does not record which database it is of.",)
    return ()
