"""Findings about backups: missing, overdue, failed, damaged, or of an abnormal size.

The size is compared with the earlier backups of the same table: half or double the median is
reported, since a table that lost most of its rows is also backed up without an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple, Protocol

from core.backup.databases import origin_of
from core.backup.databases.address import SECRET_PREFIX
from core.backup.drills import drill_of, last_drills
from core.backup.listing import Folder, contents, is_in_future, read_backup, with_last_check
from core.backup.prefetch import in_parallel
from core.backup.runs import last_runs
from core.backup.schedule import schedule_name
from core.backup.schedules import applies_to, schedules
from core.backup.store import BucketStore, Store
from core.backup.timetable import is_possible
from core.backup.verifications import verification_of, verifications
from core.errors import InvalidInput, NotSupported
from core.model.backup import Backup, BackupState, Origin
from core.model.backup_run import BackupRun
from core.model.connection import Profile
from core.model.schedule import BackupFinding, BackupHealth, BackupProblem, LastBackup, Schedule
from core.objects.bucket import HasBucket
from core.units import format_counted, format_duration, format_moment, format_size, utc_now
from core.work import Progress, Work, default_work

#: A scheduled backup counts as overdue after its interval and this part of it.
_TOLERANCE = 0.25
#: So many earlier backups are compared with the newest one, and at least so many are needed.
_COMPARED, _FEWEST = 10, 3
_SMALL, _LARGE = 0.5, 2.0
#: Smaller changes in bytes are not reported: the size of a small table varies strongly.
_LEAST_BYTES = 16 << 10
#: A failed run without a schedule is reported for this time; one with a schedule until it succeeds.
_REPORTED = timedelta(days=7)
#: So many manifests of each table are read at once, from the newest.
_READ_AT_ONCE = 40
_READS = 16


class HasProfile(HasBucket, Protocol):
    """A workspace with a bucket and the profile of its connection."""

    @property
    def profile(self) -> Profile:
        """The profile, which decides which schedules are examined."""


def examine(workspace: HasProfile, work: Work | None = None) -> BackupHealth:
    """Return the findings about the backups of a bucket and the schedules that write to it.

    Only the newest manifests of each table are read, and more of them only while the backups of a
    schedule are not found: a start of the window must not read thousands of manifests.

    Raises:
        StorageError: The bucket or a manifest cannot be read.
        LocalIOError: The state database cannot be read.
    """
    work = default_work(work)
    planned = [each for each in schedules().values() if applies_to(each, workspace.profile)]
    store = BucketStore(workspace.bucket)
    backups, total = newest_backups(store, planned, work)
    runs = tuple(last_runs(store.place).values())
    found = findings(backups, planned, runs)
    return BackupHealth(found, total, utc_now(), tuple(last_backups(backups)))


def last_backups(backups: Iterable[Backup]) -> Iterator[LastBackup]:
    """Yield the newest backup of each table and database, and the number of these."""
    groups: dict[tuple[str, Origin], list[Backup]] = {}
    for backup in backups:
        groups.setdefault((backup.table, backup.origin.canonical), []).append(backup)
    for (table, origin), group in groups.items():
        yield LastBackup(table, origin, max(each.taken for each in group), len(group))


def newest_backups(
    store: Store, planned: Iterable[Schedule], work: Work
) -> tuple[tuple[Backup, ...], int]:
    """Return the newest backups of each table and of each schedule, and the number of all."""
    here = contents(store, None, work)
    waiting: dict[str, list[Folder]] = {}
    for folder in sorted(here.folders, key=lambda each: each.moment, reverse=True):
        waiting.setdefault(folder.key.table, []).append(folder)
    wanted = {(table, str(each.origin.canonical)) for each in planned for table in _complete(each)}
    found: list[Backup] = list(here.old)
    tables = set(waiting)
    while tables:
        chosen = [folder for table in sorted(tables) for folder in waiting[table][:_READ_AT_ONCE]]
        for backup in in_parallel(lambda each: read_backup(store, each, work), chosen, _READS):
            found.append(backup)
            work.report(Progress(len(found), len(here.folders) + len(here.old), "backups"))
        known = {(each.table, str(each.origin.canonical)) for each in found}
        for table in tables:
            waiting[table] = waiting[table][_READ_AT_ONCE:]
        missing = {table for table, place in wanted - known if place}
        tables = {table for table in missing if waiting.get(table)}
    return tuple(_with_checks(store, found)), len(here.folders) + len(here.old)


def _with_checks(store: Store, found: Iterable[Backup]) -> Iterator[Backup]:
    known, drills = verifications(), last_drills()
    for backup in found:
        if backup.state is BackupState.COMPLETE:
            seen = verification_of(known, store, backup)
            yield with_last_check(backup, seen, drill_of(drills, store, backup))
        else:
            yield backup


def findings(
    backups: Iterable[Backup],
    schedules: Iterable[Schedule] = (),
    runs: Collection[BackupRun] = (),
    *,
    overdue: timedelta | None = None,
    now: datetime | None = None,
) -> tuple[BackupFinding, ...]:
    """Return what is wrong with the newest backups, by table.

    Args:
        backups: The listed backups.
        schedules: The installed schedules. Tables of a schedule for all tables are those that
            have backups. Paused schedules are ignored.
        runs: The last runs to this bucket on this machine.
        overdue: The largest age of the newest intact backup of each table; None to use only the
            intervals of the schedules.
        now: The present time.
    """
    moment = now or utc_now()
    backups = tuple(backups)
    groups = _grouped(backups)
    limits = dict.fromkeys(groups, overdue)
    active = [each for each in schedules if not each.paused]
    names = {key: _entered(group) for key, group in groups.items()}
    for schedule in active:
        planned = dict(_scheduled(schedule, groups))
        limits.update(planned)
        names = {**dict.fromkeys(planned, str(schedule.origin)), **names}
    failed = [each for each in runs if each.failed and not _was_completed(each, backups)]
    found = list(_failed(failed, {schedule_name(each) for each in active}, moment))
    found += [finding for each in active for finding in _never_ran(each, runs, moment)]
    several = _in_several_databases(limits)
    found += [
        finding
        for (table, place), limit in sorted(limits.items())
        if limit is not None
        for finding in _age(
            _Table(table, names[table, place], table in several),
            groups.get((table, place), []),
            limit,
            moment,
        )
    ]
    for (table, place), group in sorted(groups.items()):
        subject = _Table(table, names[table, place], table in several)
        found += _damaged(subject, group)
        known = [each for each in group if not is_in_future(each, moment)]
        found += _size(subject, [each for each in known if _is_comparable(each)])
    return tuple(found)


class _Table(NamedTuple):
    """A table of a database, and whether another database has a table of this name."""

    name: str
    place: str
    several: bool

    def __str__(self) -> str:
        return f"{self.name} of {self.place}" if self.several and self.place else self.name

    def finding(self, problem: BackupProblem, text: str) -> BackupFinding:
        """Return a finding about the backups of this table."""
        return BackupFinding(problem, self.name, self.place, text)


def _entered(group: Iterable[Backup]) -> str:
    """Return the database of a group as it was entered for its newest backup."""
    return next((place for each in group if (place := str(each.origin))), "")


def _in_several_databases(tables: Iterable[tuple[str, str]]) -> set[str]:
    """Return the names that tables of more than one database have."""
    numbers = Counter(name for name, _ in tables)
    return {name for name, number in numbers.items() if number > 1}


def _grouped(backups: Iterable[Backup]) -> dict[tuple[str, str], list[Backup]]:
    """Return the backups by table and database, newest first, without those of some rows.

    Those of an unknown database (old forms, and damaged ones without a readable manifest) are
    added to the database of the newest backup of their table.
    """
    groups: dict[tuple[str, str], list[Backup]] = {}
    unknown: list[Backup] = []
    complete = (each for each in backups if not each.filter)
    for backup in sorted(complete, key=lambda each: each.taken, reverse=True):
        if place := str(backup.origin.canonical):
            groups.setdefault((backup.table, place), []).append(backup)
        else:
            unknown.append(backup)
    for backup in unknown:
        known = next((key for key in groups if key[0] == backup.table), (backup.table, ""))
        groups.setdefault(known, []).append(backup)
    for group in groups.values():
        group.sort(key=lambda each: each.taken, reverse=True)
    return groups


def _scheduled(
    schedule: Schedule, groups: Iterable[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], timedelta]]:
    """Yield the table and database of a schedule with the largest age of its complete backups."""
    limit = timedelta(seconds=schedule.every.seconds * (1 + _TOLERANCE))
    place = str(schedule.origin.canonical)
    if not place or schedule.include or schedule.exclude:
        # The address is in a secret, so the database is not known here; or only the database knows
        # which tables match. `_never_ran` reports such a schedule.
        return
    filtered = {table for table, _condition in schedule.where}
    tables = schedule.tables or tuple(table for table, other in groups if other == place)
    for table in (each for each in tables if each not in filtered):
        yield (table, place), limit


def _complete(schedule: Schedule) -> list[str]:
    """Return the named tables of a schedule that are backed up without a condition."""
    filtered = {table for table, _condition in schedule.where}
    return [table for table in schedule.tables if table not in filtered]


def _was_completed(run: BackupRun, backups: Iterable[Backup]) -> bool:
    """Return whether all tables of a failed run have a later backup, for example a resumed one.

    A run of all tables has those that have backups, and those it skipped. The tables of a database
    whose address is in a secret are not recognized.
    """
    if run.database.startswith(SECRET_PREFIX):
        return False
    place = str(_origin(run.database).canonical)
    here = [
        each
        for each in backups
        if str(each.origin.canonical) == place and not each.filter and _is_comparable(each)
    ]
    # The time of a resumed backup is that of its snapshot, which was taken by the failed run.
    later = {each.table for each in here if each.taken >= run.started}
    tables = {*run.skipped, *(run.tables or (each.table for each in here))}
    return bool(tables) and tables <= later


def _failed(
    runs: Iterable[BackupRun], scheduled: Collection[str], now: datetime
) -> Iterator[BackupFinding]:
    """Yield findings about failed runs, the newest first."""
    for run in sorted(runs, key=lambda each: each.started, reverse=True):
        recent = run.name in scheduled or now - run.started <= _REPORTED
        if run.dismissed or not recent:
            continue
        tables = run.scope or ", ".join(run.tables) or "all tables"
        when = format_moment(run.started)
        reason = run.problem or "Its process ended before the backup was complete."
        text = f"The backup of {tables} of {_place(run.database)} on {when} failed. {reason}"
        yield BackupFinding(
            BackupProblem.FAILED, ", ".join(run.tables), run.database, text, run.key
        )


def _place(database: str) -> str:
    """Return database and host instead of a URL, which may be long."""
    origin = _origin(database) if "://" in database else Origin()
    return f"{origin.database} on {origin.host}" if origin.host else database


def _origin(database: str) -> Origin:
    """Return the database of a run; an empty one if the run failed because its URL is not valid."""
    try:
        return origin_of(database)
    except (InvalidInput, NotSupported):
        return Origin()


def _never_ran(
    schedule: Schedule, runs: Iterable[BackupRun], now: datetime
) -> Iterator[BackupFinding]:
    """Yield a finding about a schedule that did not run, and whose backups are not recognized.

    These are backups of some rows or for patterns, and those of a database whose address is in a
    secret.
    """
    recognized = str(schedule.origin) and not (
        schedule.where or schedule.include or schedule.exclude
    )
    if recognized or schedule.created is None:
        return
    started = [
        run.started
        for run in runs
        if run.name == schedule_name(schedule) and is_possible(schedule, run.started, now)
    ]
    last = max(started, default=schedule.created)
    limit = timedelta(seconds=schedule.every.seconds * (1 + _TOLERANCE))
    if now - last > limit:
        tables = ", ".join(schedule.tables)
        largest = format_duration(limit.total_seconds())
        text = (
            f"The scheduled backup of {schedule.title} has not run since {format_moment(last)}; "
            f"one every {largest} is expected."
        )
        yield BackupFinding(BackupProblem.OVERDUE, tables, schedule.database, text)


def _is_intact(backup: Backup) -> bool:
    return backup.state is not BackupState.BROKEN and not backup.doubted


def _is_comparable(backup: Backup) -> bool:
    """Return whether its size can be compared; old forms are not compressed in the same way."""
    return backup.state is BackupState.COMPLETE and not backup.doubted


def _age(
    table: _Table, group: Sequence[Backup], limit: timedelta, now: datetime
) -> Iterator[BackupFinding]:
    intact = [each for each in group if _is_intact(each)]
    newest = next((each for each in intact if not is_in_future(each, now)), None)
    if not intact:
        text = f"There is no intact backup of {table}."
        yield table.finding(BackupProblem.MISSING, text)
    elif newest is None:
        text = (
            f"The newest backup of {table} has a time in the future, {format_moment(intact[0].taken)}: "
            "the clock of its computer was wrong, or that of this one is. It is not known how old it is."
        )
        yield table.finding(BackupProblem.OVERDUE, text)
    elif now - newest.taken > limit:
        age = format_duration((now - newest.taken).total_seconds())
        largest = format_duration(limit.total_seconds())
        text = (
            f"The newest backup of {table} was taken {format_moment(newest.taken)}, {age} ago; "
            f"at most {largest} are expected."
        )
        yield table.finding(BackupProblem.OVERDUE, text)


def _damaged(table: _Table, group: Sequence[Backup]) -> Iterator[BackupFinding]:
    newest = group[0]
    if _is_intact(newest):
        return
    reason = newest.problem or f"It was {newest.checked}."
    text = f"The newest backup of {table}, {newest.id}, is damaged. {reason}"
    yield table.finding(BackupProblem.DAMAGED, text)


def _size(table: _Table, intact: Sequence[Backup]) -> Iterator[BackupFinding]:
    """Compare the newest backup with the median of those before it."""
    former = intact[1 : 1 + _COMPARED]
    if len(former) < _FEWEST:
        return
    newest, usual = intact[0], median(each.size for each in former)
    if abs(newest.size - usual) < _LEAST_BYTES:
        return
    if newest.size < usual * _SMALL:
        problem = BackupProblem.SMALL
    elif newest.size > usual * _LARGE:
        problem = BackupProblem.LARGE
    else:
        return
    rows = "" if newest.rows is None else f" with {format_counted(newest.rows, 'row')}"
    text = (
        f"The newest backup of {table} is {problem.value}: {format_size(newest.size)}{rows}; the "
        f"median of the {len(former)} before it is {format_size(int(usual))}."
    )
    yield table.finding(problem, text)
