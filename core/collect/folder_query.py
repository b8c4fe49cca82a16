"""SQL on folders: of Parquet objects only the columns and row groups that a statement needs are read.

The objects of other folders are read completely, as one table, which may be retained for further
statements.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from core.collect.cache import opened_cache
from core.collect.folder import FolderObjects, find_objects, load_objects
from core.collect.folder_checks import check_objects
from core.collect.querying import Query, check_query, plan_on_sources, run_on_sources, target_of
from core.collect.ranged_folder import RangedFolder, ReadCompletelyError, can_be_ranged
from core.collect.report import (
    FolderPlan,
    FolderQueryReport,
    FolderReport,
    QueryReport,
    StatementPlan,
)
from core.collect.tables import path_of
from core.errors import InvalidInput, LimitExceeded, NotFound, StorageError
from core.local.spool import spool
from core.objects.bucket import HasBucket
from core.sql.literals import quoted
from core.work import RetryBudget, Work, default_work


def query_folders(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    sql: str,
    folders: Mapping[str, str],
    loaded: Mapping[str, str] | None = None,
    tables: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    catalog: bool = False,
    path: str = "",
    overwrite: bool = False,
    formula_safe: bool = False,
    cache: bool = True,
    list_again: bool = False,
    retain: bool = False,
) -> FolderQueryReport:
    """Run one SELECT statement on folders, tables and files.

    Args:
        workspace: The services of a connection.
        work: Cancel token, progress, limits and retry budget.
        sql: The statement.
        folders: Names in the statement, each with a folder; see `core.collect.folder.plan_folder`.
        loaded: Names of folders, each with a table of its objects that a former statement has
            retained: such a folder is not read while its table is on this computer.
        tables: See `core.collect.querying.run_query`, as those up to `formula_safe`.
        files: See `run_query`.
        catalog: See `run_query`.
        path: See `run_query`.
        overwrite: See `run_query`.
        formula_safe: See `run_query`.
        cache: Whether what was read before is used, and what is read is stored.
        list_again: Whether the keys are listed even if the catalogue has them and is not old.
        retain: Whether the tables of folders that are read completely remain, and are named in the
            report; then an error of the statement is in the report, too.

    Raises:
        AlreadyExists: The file exists.
        InvalidInput: The statement cannot be run, or the objects cannot be one table.
        LimitExceeded: A folder is too large for this computer, or the query for its memory.
        NotFound: A folder has no objects that can be queried, or a table was removed.
        StorageError: A folder cannot be listed or read.
    """
    work = _budgeted(work)
    check_query(sql, path, overwrite=overwrite)
    sources = _sources(loaded or {}, tables or {}, files or {})
    target = target_of(path, "", formula_safe=formula_safe)
    query = Query(sql, target, sources, catalog=catalog, overwrite=overwrite)
    found = _found(workspace, work, folders, query, list_again=list_again)
    run = _Run(workspace, work, query, found, cache=cache, retain=retain)
    ranged = {name for name, each in found.items() if can_be_ranged(each.chosen)}
    if ranged:
        try:
            return run.run(ranged)
        except ReadCompletelyError:
            work.check()
    return run.run(set())


def plan_query(  # noqa: PLR0913 - as above
    workspace: HasBucket,
    work: Work | None = None,
    *,
    sql: str,
    folders: Mapping[str, str],
    loaded: Mapping[str, str] | None = None,
    tables: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    catalog: bool = False,
    cache: bool = True,
    list_again: bool = False,
) -> dict[str, StatementPlan]:
    """Return what a statement will read of each folder, and what that costs.

    The keys are listed, and the ends of large Parquet files are read: they have the places of the
    columns. Nothing else is read.

    Args:
        workspace: See `query_folders`, as all others.
        work: Cancel token and progress.
        sql: The statement.
        folders: The folders.
        loaded: Those that need no request.
        tables: Further tables.
        files: Further tables.
        catalog: Whether the keys of the catalogue are one.
        cache: See `query_folders`.
        list_again: See `query_folders`.

    Raises:
        InvalidInput: The statement cannot be run.
        NotFound: A folder has no objects that can be queried, or a table was removed.
        StorageError: A folder cannot be listed.
    """
    work = _budgeted(work)
    check_query(sql)
    sources = _sources(loaded or {}, tables or {}, files or {})
    query = Query(sql, target_of("", "", formula_safe=False), sources, catalog=catalog)
    found = _found(workspace, work, folders, query, list_again=list_again)
    plans = {}
    for name, each in found.items():
        with opened_cache(each.bucket, use=cache) as opened:
            plans[name] = each.plan(opened)
        check_objects(plans[name], each.refusal)
    # The columns of other folders are not known before they are read.
    if found and all(each.ranged for each in plans.values()):
        try:
            return _ranged_plans(workspace, work, query, found, cache=cache)
        except ReadCompletelyError:
            work.check()
    return {
        name: StatementPlan(folder=each, size=each.size, gets=each.gets)
        for name, each in plans.items()
    }


def _ranged_plans(
    workspace: HasBucket,
    work: Work,
    query: Query,
    found: Mapping[str, FolderObjects],
    *,
    cache: bool,
) -> dict[str, StatementPlan]:
    with ExitStack() as stack:
        parts = {
            name: stack.enter_context(_opened(each, work, cache=cache))
            for name, each in found.items()
        }
        opened = {name: part[0] for name, part in parts.items()}
        needed = plan_on_sources(workspace, query, work, opened)
    return {
        name: StatementPlan(folder=parts[name][1], size=size, gets=gets, footers=opened[name].gets)
        for name, (size, gets) in needed.items()
    }


def _budgeted(work: Work | None) -> Work:
    work = default_work(work)
    return work if work.budget is not None else replace(work, budget=RetryBudget())


def _sources(
    loaded: Mapping[str, str], tables: Mapping[str, str], files: Mapping[str, str]
) -> dict[str, Path]:
    """Return the files of the tables of a statement, as far as they are on this computer."""
    sources = {name: path_of(table) for name, table in tables.items()}
    for name, table in loaded.items():
        # The oldest ones are removed; such a folder is read again.
        with suppress(NotFound):
            sources[name] = path_of(table)
    return sources | {name: Path(file) for name, file in files.items()}


def _found(
    workspace: HasBucket,
    work: Work,
    folders: Mapping[str, str],
    query: Query,
    *,
    list_again: bool,
) -> dict[str, FolderObjects]:
    return {
        name: find_objects(workspace, work, folder=folder, list_again=list_again)
        for name, folder in folders.items()
        if name not in query.sources
    }


@dataclass(frozen=True, slots=True)
class _Run:
    """One statement on folders whose objects are known; see `query_folders`."""

    workspace: HasBucket
    work: Work
    query: Query
    found: Mapping[str, FolderObjects]
    cache: bool
    retain: bool

    def run(self, ranged: set[str]) -> FolderQueryReport:
        """Run the statement.

        Args:
            ranged: the folders of which only parts are read.

        Raises:
            ReadCompletelyError: they have to be read completely.
            StorageError: see `query_folders`.
        """
        started = time.monotonic()
        complete = {name: each for name, each in self.found.items() if name not in ranged}
        with ExitStack() as stack:
            parts = {
                name: stack.enter_context(_opened(self.found[name], self.work, cache=self.cache))
                for name in self.found
                if name in ranged
            }
            loaded = stack.enter_context(self._loaded(complete))
            result, failure = self._result(loaded, {name: part[0] for name, part in parts.items()})
            reports = {
                name: _report(plan, opened, time.monotonic() - started)
                for name, (opened, plan) in parts.items()
            }
        reports |= loaded
        return FolderQueryReport(
            result=result, folders={name: reports[name] for name in self.found}, failure=failure
        )

    def _result(
        self, loaded: Mapping[str, FolderReport], parts: Mapping[str, RangedFolder]
    ) -> tuple[QueryReport | None, InvalidInput | LimitExceeded | None]:
        tables = {name: path_of(each.table) for name, each in loaded.items()}
        query = replace(self.query, sources={**self.query.sources, **tables})
        try:
            return run_on_sources(self.workspace, query, self.work, parts), None
        except (InvalidInput, LimitExceeded) as error:
            _add_notes(error, self.query.sql, loaded)
            # What was read is good for the next statement.
            if not (self.retain and loaded):
                raise
            return None, error

    @contextmanager
    def _loaded(self, found: Mapping[str, FolderObjects]) -> Iterator[dict[str, FolderReport]]:
        """Read folders completely, and yield their tables, which may be removed at the end."""
        loaded: dict[str, FolderReport] = {}
        retained = False
        try:
            for name, each in found.items():
                started = time.monotonic()
                loaded[name] = load_objects(each, self.work, cache=self.cache, started=started)
            yield loaded
            retained = self.retain
        finally:
            for report in loaded.values():
                if not retained:
                    path_of(report.table).unlink(missing_ok=True)


def _add_notes(error: StorageError, sql: str, loaded: Mapping[str, FolderReport]) -> None:
    """Add to the cause of an error why columns that the statement names are text."""
    for report in loaded.values():
        for name in report.columns:
            if name.casefold() in sql.casefold():
                parts = (f"The column {name} is text, ", f"CAST({quoted(name)} ")
                found = [note for note in report.notes if any(part in note for part in parts)]
                found = [note for note in found if note not in error.cause]
                error.cause = " ".join([error.cause, *found])


@contextmanager
def _opened(
    found: FolderObjects, work: Work, *, cache: bool
) -> Iterator[tuple[RangedFolder, FolderPlan]]:
    """Yield a folder whose footers were read, and its plan."""
    with spool() as place, opened_cache(found.bucket, use=cache) as opened:
        planned = found.plan(opened)
        check_objects(planned, found.refusal)
        folder = RangedFolder(found.bucket, found.chosen, opened, place)
        folder.read_footers(work)
        yield folder, planned


def _report(planned: FolderPlan, folder: RangedFolder, seconds: float) -> FolderReport:
    return FolderReport(
        plan=planned, table="", rows=folder.rows, columns=tuple(folder.types),
        types=tuple(folder.types.values()), problems=(), notes=tuple(folder.notes), gets=folder.gets,
        seconds=seconds, received=folder.received,
    )  # fmt: skip
