"""Choice of the backup for a restore: the newest of the database, or a specified one.

There is no silent fallback: if the newest backup is damaged, or the database is ambiguous, an error
names the possible choices. Backups of some rows of a table are only used if their id is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from core.backup.arguments import check_not_empty
from core.backup.databases import origin_of
from core.backup.databases.address import DatabaseAddress, resolve_address, secrets_of
from core.backup.listing import Folder, contents, is_in_future, read_backup
from core.backup.named_source import backups_of_source
from core.backup.package import refuse_broken
from core.backup.prefetch import in_parallel
from core.backup.store import BucketStore, Store
from core.errors import Conflict, InvalidInput, NotFound
from core.hints import Hint
from core.model.backup import Backup, BackupState, Origin
from core.objects.bucket import HasBucket
from core.units import as_utc, format_moment, utc_now
from core.work import Work

_READS = 16
_MOST_NAMED = 5
_FRACTION = re.compile(r"[.,]\d")


class BackupChoice(TypedDict, total=False):
    """The keyword arguments with which a caller chooses a backup for a database.

    Attributes:
        backup_id: The id of the backup, or its beginning; by default the newest of this database,
            up to `at`.
        at: A time (ISO 8601 if it is a text; UTC if it has no zone). A text without a fraction of
            the second includes the entire second.
        from_other_source: Whether to use the newest backup of the table of any database.
        source: The name, path, or complete text of the `Origin` of the database whose backups are
            used; empty for the database of the restore. An id is chosen among all databases.
    """

    backup_id: str | None
    at: str | datetime | None
    from_other_source: bool
    source: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """The requested backup: an id (or its beginning) or a time; both None for the newest.

    `origin` is the target database; `any_source` allows backups of other databases, and `source`
    only those of the database with this name.
    """

    backup_id: str | None = None
    at: datetime | None = None
    origin: Origin | None = None
    any_source: bool = False
    source: str = ""

    @classmethod
    def of(
        cls,
        backup_id: str | None,
        at: str | datetime | None,
        origin: Origin | None = None,
        *,
        any_source: bool = False,
        source: str = "",
    ) -> Wanted:
        """Create it from the arguments of a caller.

        Raises:
            InvalidInput: When an argument is empty, or the time is not valid.
        """
        check_not_empty(id=backup_id, at=at)
        return cls(backup_id, parse_moment(at), origin, any_source, source)


def parse_moment(at: str | datetime | None) -> datetime | None:
    """Return the time up to which backups count, in UTC.

    Backups are listed without fractions of a second: the time `14:03:27` of such a list includes
    the backup that was made at 14:03:27.6.

    Raises:
        InvalidInput: When the text is not a valid time.
    """
    if at is None or isinstance(at, datetime):
        return None if at is None else as_utc(at)
    try:
        moment = as_utc(datetime.fromisoformat(at))
        return moment if _FRACTION.search(at) else moment.replace(microsecond=999_999)
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{at!r} is not a time", remedy="Use the form 2024-01-15T10:00:00Z."
        ) from None


def find(store: Store, table: str, work: Work, wanted: Wanted | None = None) -> Backup:
    """Return the requested backup, by default the newest.

    Raises:
        NotFound: When there is none.
        InvalidInput: When several ids start with the given text.
        Corrupt: When the backup is damaged; no other backup is returned instead.
        Conflict: When backups of several other databases could be meant.
        StorageError: When its manifest cannot be read.
    """
    found = choose(store, table, work, wanted)
    refuse_broken(found)
    return found


def find_for_database(
    workspace: HasBucket, database: str, table: str, work: Work, choice: BackupChoice
) -> tuple[Store, Backup, DatabaseAddress]:
    """Return the store, the chosen backup of a table, and the address of a database.

    Args:
        workspace: The workspace with the bucket, and with the secret that an address may name.
        database: A path, a URL, or `secret:NAME`.
        table: The table of the backup.
        work: Cancel token.
        choice: The other arguments of the caller.

    Raises:
        StorageError: The errors of `find`, or the secret cannot be read.
    """
    check_not_empty(table=table)
    store = BucketStore(workspace.bucket)
    address = resolve_address(database, secrets_of(workspace), work)
    wanted = Wanted.of(
        choice.get("backup_id"),
        choice.get("at"),
        origin_of(address),
        any_source=choice.get("from_other_source", False),
        source=choice.get("source", ""),
    )
    return store, find(store, table, work, wanted), address


def choose(store: Store, table: str, work: Work, wanted: Wanted | None = None) -> Backup:
    """Return the same backup as `find`, but without an error for a damaged one."""
    check_not_empty(table=table)
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
        later = (
            f"There are {len(listed)} later ones." if len(listed) > 1 else "There is a later one."
        )
        raise NotFound(
            f"There is no backup of {table}{when}",
            cause=later if listed else "The bucket has no backup of a table with this name.",
            remedy="Choose a later time." if listed else "Choose another table.",
            subject=table,
        )
    if wanted.source:
        return _newest_of_source(store, table, places, wanted.source, work)
    newest = _read(store, places[0], work)
    if _is_requested(newest, wanted):
        return newest
    return _newest_requested(store, table, places, wanted, work)


def _is_requested(backup: Backup, wanted: Wanted) -> bool:
    """Return whether a backup of this database has all rows, or could have them if it is broken."""
    if backup.state is BackupState.BROKEN or wanted.origin is None or wanted.any_source:
        return not backup.filter
    return not backup.filter and not backup.origin.differs(wanted.origin)


def _newest_of_source(
    store: Store, table: str, places: Sequence[Backup | Folder], name: str, work: Work
) -> Backup:
    """Return the newest backup of the database with a name."""
    found = list(_read_all(store, places, work))
    broken = BackupState.BROKEN
    usable = [each for each in found if each.state is not broken]
    if not usable:
        return found[0]
    origins = {each.origin for each in backups_of_source(usable, name)}
    filtered: list[Backup] = []
    for backup in found:
        # A broken one without the name of its database could be of this one.
        nameless = backup.state is broken and not backup.origin.database
        of_source = nameless or backup.origin in origins
        if of_source and not backup.filter:
            return backup
        if of_source:
            filtered.append(backup)
    raise _without_all_rows(table, filtered)


def _newest_requested(
    store: Store, table: str, places: Sequence[Backup | Folder], wanted: Wanted, work: Work
) -> Backup:
    """Return the newest backup of this database, or of the only other database."""
    others: dict[Origin, Backup] = {}
    filtered: list[Backup] = []
    for backup in _read_all(store, places, work):
        if _is_requested(backup, wanted):
            return backup
        if backup.filter:
            filtered.append(backup)
        else:
            others.setdefault(backup.origin, backup)
    if len(others) == 1:
        return next(iter(others.values()))
    if not others:
        raise _without_all_rows(table, filtered)
    raise Conflict(
        f"The backups of {table} are of {len(others)} databases, none of which is this one",
        cause=f"This one is {wanted.origin}. " + " ".join(_named(others.values())),
        remedy="Choose one by its id, or the database whose newest backup is used, or allow backups "
        "of any database: the newest of all is used then.",
        hints=Hint.CHOOSE_BACKUP | Hint.SOURCE | Hint.ANY_SOURCE,
        hint_value="\n".join(map(str, others)),
        subject=table,
    )


def _without_all_rows(table: str, filtered: Sequence[Backup]) -> NotFound:
    return NotFound(
        f"There is no backup of {table} with all of its rows",
        cause=f"{len(filtered)} with some rows are stored. The newest is {filtered[0].id}, with "
        f"the rows that meet: {filtered[0].filter}",
        remedy="Choose one by its id, or another table or time.",
        hints=Hint.CHOOSE_BACKUP | Hint.CHOOSE_TIME,
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
            remedy="Choose an id from the list of backups.",
            subject=table,
        )
    if len(exact) > 1:
        raise InvalidInput(
            f"Several backups ({len(exact)}) have an id that begins with {backup_id}",
            remedy="Enter more characters of the id.",
            subject=table,
        )
    return _read(store, exact[0], work)


def _id(place: Backup | Folder) -> str:
    return place.id if isinstance(place, Backup) else place.key.id


def backup_warnings(backup: Backup, origin: Origin) -> tuple[str, ...]:
    """Return warnings about a backup of some rows, of a wrong time, or of another database."""
    found = []
    if is_in_future(backup, utc_now()):
        found.append(
            "The time of the backup is in the future: a clock was wrong, and it may not be the newest."
        )
    if backup.filter:
        found.append(f"The backup contains only the rows that meet: {backup.filter}")
    if backup.origin.differs(origin):
        found.append(f"The backup is of another database: {backup.source}.")
    elif not backup.origin.database:
        found.append("The backup does not contain the name of its database.")
    return tuple(found)
