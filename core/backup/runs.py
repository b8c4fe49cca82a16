"""Local record of the last run of each backup, in the state database.

A run is named by its database, tables, patterns and conditions, like a schedule. It is recorded
before it starts, so that a run whose process was killed is noticed too. Those of other machines are
not known here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import wraps
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec

from core.backup.databases.address import SECRET_PREFIX, DatabaseAddress, parse_address
from core.backup.run_names import name_of
from core.backup.store import BucketStore
from core.errors import Cancelled, InvalidInput, LocalIOError, NotSupported, StorageError
from core.local.state.database import state_database, storable
from core.local.state.owners import is_running, owner_of_this_process
from core.model.backup import BackupReport
from core.model.backup_run import BackupRun
from core.model.selection import Selection
from core.redaction import redacted
from core.units import as_utc, iso_utc, utc_now

#: Runs without a schedule are stored for so many databases and choices of tables.
_MOST_RUNS = 1_000
_READ = "SELECT name, owner, record FROM backup_runs ORDER BY name"
_READ_ONE = f"{_READ.removesuffix(' ORDER BY name')} WHERE name = ?"
_REMOVE = "DELETE FROM backup_runs WHERE name = ?"
_WRITE = "INSERT OR REPLACE INTO backup_runs (name, owner, record) VALUES (?, ?, ?)"
_TRIM = """
DELETE FROM backup_runs WHERE rowid NOT IN (SELECT rowid FROM backup_runs ORDER BY rowid DESC LIMIT ?)
"""

if TYPE_CHECKING:
    from core.model.schedule import Schedule
    from core.objects.bucket import HasBucket

P = ParamSpec("P")

_log = logging.getLogger(__name__)
#: Names of runs that could not be recorded, and why.
_reported: set[tuple[str, str]] = set()


@dataclass(slots=True)
class RunResult:
    """The result of a run, which a block under `recorded_run` may set without an error."""

    problem: str = ""
    skipped: tuple[str, ...] = ()


def run_name(database: str | DatabaseAddress, selection: Selection) -> str:
    """Return the name of a run: of its database, and of its choice of tables and rows.

    Raises:
        InvalidInput: The address is empty, or a URL that cannot be parsed.
    """
    return name_of(_address(database), selection)


def _address(database: str | DatabaseAddress) -> str:
    """Return an address without a password; the path of a file becomes absolute."""
    if isinstance(database, str) and database.startswith(SECRET_PREFIX):
        return database
    url = parse_address(database).url
    return url if "://" in url else str(Path(url).absolute())


def records_run(backup: Callable[P, BackupReport]) -> Callable[P, BackupReport]:
    """Record each call of a function that backs up tables of a `database`; skipped ones failed."""

    @wraps(backup)
    def recorded(*args: P.args, **kwargs: P.kwargs) -> BackupReport:
        named: dict[str, Any] = dict(kwargs)
        tables, where = named.get("tables") or None, named.get("where") or {}
        chosen = Selection(tables, where, named.get("include", ()), named.get("exclude", ()))
        workspace: HasBucket = args[0] if args else named["workspace"]  # type: ignore[assignment] # of `backup`
        place = BucketStore(workspace.bucket).place
        with recorded_run(named["database"], chosen, place) as run:
            report = backup(*args, **kwargs)
            skipped = (f"{each.table} was skipped: {each.problem}" for each in report.skipped)
            run.problem = redacted(" ".join(skipped))[:500]
            run.skipped = tuple(each.table for each in report.skipped)
        return report

    return recorded


@contextmanager
def recorded_run(
    database: str | DatabaseAddress, selection: Selection, place: str = ""
) -> Iterator[RunResult]:
    """Record the run in the block, and how it ended; a failure of the record is only logged.

    `place` is the bucket, see `core.backup.store.place_of`; empty if it is not known.
    """
    run = _started(database, selection, place)
    result = RunResult()
    _store(run, running=True)
    try:
        yield result
    except Cancelled:
        _store(replace(run, ended=utc_now(), cancelled=True))
        raise
    except StorageError as error:
        _store(replace(run, ended=utc_now(), problem=problem_of(error)))
        raise
    except BaseException as error:
        _store(replace(run, ended=utc_now(), problem=f"{type(error).__name__} in Strongroom."))
        raise
    _store(replace(run, ended=utc_now(), problem=result.problem, skipped=result.skipped))


def record_failure(
    database: str | DatabaseAddress, selection: Selection, error: StorageError, place: str = ""
) -> None:
    """Record a run that failed before it could read the database, for example without keys."""
    run = _started(database, selection, place)
    _store(replace(run, ended=run.started, problem=problem_of(error)))


def problem_of(error: StorageError) -> str:
    """Return summary and cause of an error as sentences, without secrets."""
    summary = error.summary if error.summary.endswith(".") else f"{error.summary}."
    return redacted(" ".join(part for part in (summary, error.cause) if part))[:500]


def incomplete(report: BackupReport) -> NotSupported | None:
    """Return the error of a run that skipped tables; None if it is complete."""
    if not report.skipped:
        return None
    first = report.skipped[0]
    return NotSupported(
        f"Skipped tables: {len(report.skipped)}, backed up: {len(report.backups)}",
        cause=f"{first.table}: {first.problem}",
        remedy=first.remedy,
    )


def claim_run(schedule: Schedule, due: datetime, place: str = "") -> bool:
    """Record the start of a scheduled run, unless another process has started it since `due`.

    Two windows of one user have the same schedules, of which each run must start once.

    Raises:
        LocalIOError: The state database cannot be written.
    """
    from core.backup.schedule import selection_of
    from core.backup.timetable import is_possible

    run = _run_of(schedule.database, selection_of(schedule), place)
    database = state_database()
    owner = owner_of_this_process(database.path)
    with database.transaction() as connection:
        rows = [connection.execute(_READ_ONE, (key,)).fetchall() for key in {run.name, run.key}]
        found = [_run(*row) for row in chain.from_iterable(rows)]
        now = utc_now()
        for each in (each for each in found if each is not None):
            if each.running or (each.started >= due and is_possible(schedule, each.started, now)):
                return False
        _write(connection, run, owner)
    return True


def release_run(schedule: Schedule, former: BackupRun | None, place: str = "") -> None:
    """Undo `claim_run` for a run that was not started, so that its time counts as missed.

    Args:
        schedule: The schedule.
        former: Its last run before the claim, None if there was none.
        place: The bucket of the claim.

    Raises:
        LocalIOError: The state database cannot be written.
    """
    with _claimed(schedule, place) as (connection, run):
        if run is None:
            return
        connection.execute(_REMOVE, (run.key,))
        if former is not None and former.place in {"", place}:
            _write(connection, former, None)


def cancel_claimed_run(schedule: Schedule, place: str = "") -> None:
    """Record that a claimed run was cancelled before it began; another state is not changed.

    Raises:
        LocalIOError: The state database cannot be written.
    """
    with _claimed(schedule, place) as (connection, run):
        if run is not None:
            _write(connection, replace(run, ended=utc_now(), cancelled=True), None)


@contextmanager
def _claimed(schedule: Schedule, place: str) -> Iterator[tuple[Any, BackupRun | None]]:
    """Yield a transaction and the run that this process has claimed; None if it has begun or ended."""
    from core.backup.schedule import selection_of

    key = _run_of(schedule.database, selection_of(schedule), place).key
    database = state_database()
    own = owner_of_this_process(database.path)
    with database.transaction() as connection:
        rows = connection.execute(_READ_ONE, (key,)).fetchall()
        found = [_run(*row) for row in rows if row[1] == own]
        yield connection, next((run for run in found if run is not None and run.running), None)


def last_runs(place: str = "") -> dict[str, BackupRun]:
    """Return the last run of each database and choice of tables and rows by name.

    With a bucket, see `core.backup.store.place_of`, those to other buckets are left out, but not
    those whose bucket is not known, since they failed before.

    Raises:
        LocalIOError: The state database cannot be read.
    """
    found = (_run(*row) for row in state_database().rows(_READ))
    runs = [run for run in found if run is not None and (not place or run.place in ("", place))]
    return {run.name: run for run in sorted(runs, key=lambda run: run.started)}


def dismiss_failure(key: str) -> None:
    """Do not report the failure of a run any more; the next failure is reported again.

    Raises:
        LocalIOError: The state database cannot be written.
    """
    for row in state_database().rows(_READ_ONE, (key,)):
        if run := _run(*row):
            state_database().execute(_WRITE, (key, None, _record(replace(run, dismissed=True))))


def _started(database: str | DatabaseAddress, selection: Selection, place: str) -> BackupRun:
    try:
        address = _address(database)
    except InvalidInput:  # the run will fail with this error, which is reported at once
        address = ""
    return _run_of(address, selection, place)


def _run_of(address: str, selection: Selection, place: str) -> BackupRun:
    name, tables = name_of(address, selection), tuple(selection.tables or ())
    return BackupRun(name, address, tables, utc_now(), scope=selection.scope, place=place)


def _store(run: BackupRun, *, running: bool = False) -> None:
    if not run.database:
        return
    state = state_database()
    try:
        owner = owner_of_this_process(state.path) if running else None
        with state.transaction() as connection:
            _write(connection, run, owner)
            connection.execute(_TRIM, (_MOST_RUNS,))
    except LocalIOError as error:
        # The beginning of a run, its end, and a failure of its command have the same error.
        if (found := (run.name, error.summary)) not in _reported:
            _reported.add(found)
            _log.warning("The run of a backup could not be recorded: %s", error.reason)


def _write(connection: Any, run: BackupRun, owner: str | None) -> None:
    """Store a run, also in place of its record from before its bucket was known."""
    connection.execute(_REMOVE, (run.name,))
    connection.execute(_WRITE, (run.key, owner, _record(run)))


def _record(run: BackupRun) -> str:
    content = {
        "database": storable(run.database),
        "tables": [storable(table) for table in run.tables],
        "started": iso_utc(run.started),
        "ended": iso_utc(run.ended) if run.ended else None,
        "problem": run.problem,
        "cancelled": run.cancelled,
        "dismissed": run.dismissed,
        "scope": storable(run.scope),
        "place": storable(run.place),
        "skipped": [storable(table) for table in run.skipped],
    }
    return json.dumps(content)


def _run(key: Any, owner: Any, record: Any) -> BackupRun | None:
    """Return a stored run; None if it cannot be read."""
    try:
        content: dict[str, Any] = json.loads(record)
        ended = content["ended"]
        return BackupRun(
            str(key).partition(" ")[0],
            str(content["database"]),
            tuple(map(str, content["tables"])),
            as_utc(datetime.fromisoformat(content["started"])),
            as_utc(datetime.fromisoformat(ended)) if ended else None,
            str(content["problem"]),
            cancelled=bool(content["cancelled"]),
            running=not ended and is_running(state_database().path, owner),
            dismissed=bool(content["dismissed"]),
            scope=str(content.get("scope", "")),
            place=str(content.get("place", "")),
            skipped=tuple(map(str, content.get("skipped", ()))),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        _log.warning("The run %s cannot be read", key)
        return None
