"""The operations `collect.plan` and `collect.run`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.collect.athena import AthenaTexts, athena_texts
from core.collect.cache import ObjectCache, opened_cache
from core.collect.catalogued import not_listed
from core.collect.keys import ARCHIVES, Found, Objects, find_objects
from core.collect.large_documents import read_large_rows
from core.collect.patterns import Pattern, learned
from core.collect.querying import target_of
from core.collect.reading import MOST_PACKED, STORED_BYTES, Contents, Store, read_contents
from core.collect.report import CollectReport, Plan, Problem, counts_of, ranges_of
from core.collect.request import Request, request_of
from core.collect.rows import UnreadableError, is_packed, read_rows, unpacked
from core.collect.staging import Staging
from core.collect.streams import opened
from core.collect.table import TABLE, Table, build_table, head_of
from core.errors import NotFound
from core.local.atomic import translate_os_errors
from core.local.spool import private_file, spool
from core.objects.bucket import Bucket, HasBucket
from core.sql.csv_text import csv_line
from core.sql.files import FileTarget, TypedColumn, copy_to_file
from core.sql.new_file import check_free, new_file
from core.sql.session import with_little_memory
from core.units import format_counted, iso_utc
from core.work import Progress, Work, default_work

if TYPE_CHECKING:
    import duckdb


def plan(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    kind: str,
    names: Sequence[str],
    timeframe: str = "",
    start: str,
    end: str,
    margin: float | None = None,
    cache: bool = True,
    list_again: bool = False,
) -> Plan:
    """Return the objects of a range, their bytes, and what reading them costs; nothing is read.

    Args:
        workspace: The services of a connection.
        work: Cancel token and progress.
        kind: One of `core.collect.request.COLLECTED`.
        names: The symbols, users or report types; patterns such as `BTC-*` are allowed.
        timeframe: The timeframe of candles.
        start: A date or time (ISO 8601, UTC).
        end: A date, which belongs to the range, or the time at which the range ends.
        margin: Seconds by which times in keys may be outside the range; by default as in
            `usual_margin`.
        cache: Whether objects that earlier collections have read count as read.
        list_again: Whether the keys are listed even if the catalogue has them and is not old.

    Raises:
        InvalidInput: The range is not valid.
        StorageError: The bucket cannot be listed.
    """
    work = default_work(work)
    request = request_of(kind, names, timeframe, start, end, margin)
    bucket = workspace.bucket
    objects = find_objects(bucket, request, work, list_again=list_again)
    with opened_cache(bucket, use=cache) as opened:
        return _plan(objects, opened)


def plan_athena(
    workspace: HasBucket, work: Work | None = None, **arguments: Any
) -> tuple[AthenaTexts, Plan]:
    """Return the statements of a range for Amazon Athena, and the objects that its query scans.

    Args:
        workspace: The services of a connection.
        work: Cancel token and progress.
        **arguments: Those of `plan`.

    Raises:
        InvalidInput: The range is not valid, or a name is a pattern.
        NotSupported: The kind has no table.
    """
    request = request_of(
        arguments["kind"], arguments["names"], arguments.get("timeframe", ""),
        arguments["start"], arguments["end"], arguments.get("margin"),
    )  # fmt: skip
    texts = athena_texts(workspace.bucket.name, request)
    return texts, plan(workspace, work, **arguments)


def collect(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    kind: str,
    names: Sequence[str],
    timeframe: str = "",
    start: str,
    end: str,
    path: str = "",
    file_format: str = "",
    margin: float | None = None,
    cache: bool = True,
    list_again: bool = False,
    overwrite: bool = False,
    formula_safe: bool = False,
) -> CollectReport:
    """Write the rows of a range to one file, sorted by time and without repetitions.

    The rules for repeated rows are in `core.collect.table`. If an object is missing or cannot be
    read completely, the report names it, and the file gets another name: `.partial` precedes its
    ending.

    Args:
        workspace: The services of a connection.
        work: Cancel token, progress, limits and retry budget.
        kind: See `plan`, as `names`, `timeframe`, `start`, `end`, `margin` and `cache`.
        names: See `plan`.
        timeframe: See `plan`.
        start: See `plan`.
        end: See `plan`.
        path: The file to write; empty for a new table of the window.
        file_format: `csv`, `json`, `jsonl` or `parquet`; by default the ending of the file.
        margin: See `plan`.
        cache: Whether objects are read from the cache of this computer, and stored there.
        list_again: See `plan`.
        overwrite: Whether an existing file is replaced.
        formula_safe: Whether an apostrophe precedes texts of a CSV that a spreadsheet would
            compute.

    Raises:
        AlreadyExists: The file exists.
        InvalidInput: The range or the format is not valid.
        LocalIOError: The file cannot be written.
        NotFound: There are no objects in the range.
        StorageError: The bucket cannot be listed or read.
    """
    work = default_work(work)
    request = request_of(kind, names, timeframe, start, end, margin)
    target = target_of(path, file_format, formula_safe=formula_safe)
    # Before anything is read: a collection takes a while.
    for each in (target.path, partial_path(target.path)):
        check_free(each, overwrite=overwrite)
    bucket = workspace.bucket
    with opened_cache(bucket, use=cache) as opened, spool() as folder:
        objects = find_objects(bucket, request, work, list_again=list_again)
        collection = _Collection(bucket, request, opened, folder, work)
        return collection.write(objects, target, overwrite=overwrite)


def partial_path(path: Path) -> Path:
    """Return the name of a file that lacks rows: `a.partial.csv` for `a.csv`."""
    return path.with_name(f"{path.stem}.partial{path.suffix}")


class _Collection:
    """One collection: list, read, stage, combine, write."""

    def __init__(
        self,
        bucket: Bucket,
        request: Request,
        cache: ObjectCache | None,
        folder: Path,
        work: Work,
    ) -> None:
        self._bucket, self._request, self._cache, self._work = bucket, request, cache, work
        self._folder = folder
        self._started = time.monotonic()
        self._staging = Staging(folder, head_of(request))
        self._patterns: list[Pattern] = []
        self._problems: dict[int, Problem] = {}

    def write(self, objects: Objects, target: FileTarget, *, overwrite: bool) -> CollectReport:
        """Run all steps and write the file."""
        planned = _plan(objects, self._cache)
        if not objects.found:
            raise _nothing(self._request, planned, objects.refusal)
        contents = read_contents(
            self._bucket, objects.found, self._cache, self._stager(objects.found), self._work,
            Store(self._folder, self._file_stager(objects.found)),
        )  # fmt: skip
        for number, reason in contents.missing.items():
            self._problems[number] = Problem(objects.found[number].key, reason)
        self._staging.close()
        self._work.report(Progress(len(objects.found), len(objects.found), "objects", "combining"))
        ranks = self._ranks(objects.found)

        def combine(connection: duckdb.DuckDBPyConnection) -> CollectReport:
            table = build_table(connection, self._request, ranks, self._staging)
            self._add_problems(objects.found, table)
            return self._export(connection, planned, contents, table, target, overwrite=overwrite)

        return with_little_memory(self._folder, self._work, combine)

    def _stager(self, found: Sequence[Found]) -> Callable[[int, bytes], None]:
        """Return the function that takes the bytes of an object."""
        from_file = self._file_stager(found)

        def stage(number: int, data: bytes) -> None:
            if len(data) > MOST_PACKED and is_packed(data):
                # Its rows may have a hundred times as many bytes.
                path = private_file(self._folder / f"object-{number}")
                with translate_os_errors(path, "written"):
                    path.write_bytes(data)
                from_file(number, path)
                return
            try:
                refused = self._stage(number, unpacked(data), found[number].moment)
            except UnreadableError as error:
                self._problems[number] = Problem(found[number].key, str(error))
                return
            if refused:
                self._problems[number] = Problem(found[number].key, _REFUSED, refused)

        return stage

    def _file_stager(self, found: Sequence[Found]) -> Callable[[int, Path], None]:
        """Return the function that takes a file with the bytes of a large object."""

        def stage(number: int, path: Path) -> None:
            one = found[number]
            try:
                refused = self._stage_parts(number, path, one.moment)
            except UnreadableError as error:
                self._problems[number] = Problem(one.key, str(error))
                return
            finally:
                path.unlink()
            if refused:
                self._problems[number] = Problem(one.key, _REFUSED, refused)

        return stage

    def _stage_parts(self, number: int, path: Path, moment: datetime) -> int:
        """Stage the rows of a large document, and return the number of those that are refused."""
        most = shutil.disk_usage(self._folder).free // 2
        kind, refused, staged = self._request.kind, 0, False
        parts = read_large_rows(kind, lambda: opened(path, most), iso_utc(moment), self._work.check)
        try:
            for read in parts:
                refused += read.refused
                for block in read.blocks:
                    self._staging.add(number, block)
                    staged = True
        except UnreadableError as error:
            rest = " The rows before are in the table." if staged else ""
            message = f"{error}{rest}"
            raise UnreadableError(message) from error
        return refused

    def _stage(self, number: int, document: bytes, moment: datetime) -> int:
        """Stage the rows of a document, and return the number of those that are refused."""
        for pattern in self._patterns:
            lines = pattern.lines(document, number)
            if lines is not None:
                self._staging.add_lines(pattern, lines)
                return 0
        read = read_rows(self._request.kind, document, iso_utc(moment))
        for block in read.blocks:
            self._staging.add(number, block)
        if len(read.blocks) == 1 and not read.refused and len(self._patterns) < _MOST_PATTERNS:
            found = learned(self._request.kind, document, read.blocks[0])
            self._patterns += [found] if found is not None else []
        return read.refused

    def _ranks(self, found: Sequence[Found]) -> Path:
        """Write the table of objects, and return its path."""
        order = sorted(
            range(len(found)), key=lambda at: (found[at].moment, found[at].modified, found[at].key)
        )
        ranks = {number: rank for rank, number in enumerate(order)}
        path = private_file(self._folder / "objects.csv")
        with translate_os_errors(path, "written"):
            path.write_text(
                "".join(
                    csv_line((number, one.name, ranks[number])) for number, one in enumerate(found)
                ),
                encoding="utf-8",
            )
        return path

    def _add_problems(self, found: Sequence[Found], table: Table) -> None:
        for counts, reason in ((table.bad_times, _BAD_TIMES), (table.bad_numbers, _BAD_NUMBERS)):
            for number, count in counts.items():
                # The first reason counts: usually it is the cause of the others.
                self._problems.setdefault(number, Problem(found[number].key, reason, count))

    def _export(
        self,
        connection: duckdb.DuckDBPyConnection,
        planned: Plan,
        contents: Contents,
        table: Table,
        target: FileTarget,
        *,
        overwrite: bool,
    ) -> CollectReport:
        problems = tuple(self._problems[number] for number in sorted(self._problems))
        path = partial_path(target.path) if problems else target.path
        columns = [TypedColumn(*column) for column in table.columns]
        with new_file(path, overwrite=overwrite) as temporary:
            with translate_os_errors(path, "written"):
                copy_to_file(connection, TABLE, columns, replace(target, path=temporary))
            size = temporary.stat().st_size
        return CollectReport(
            plan=planned, rows=table.rows, repeated=table.repetitions.repeated,
            revised=table.repetitions.revised, conflicting=table.repetitions.conflicting,
            outside=table.outside, columns=tuple(column.name for column in columns),
            types=tuple(column.type for column in columns), problems=problems,
            notes=(*table.notes, *contents.notes), gets=contents.gets,
            seconds=time.monotonic() - self._started, path=str(path), size=size,
        )  # fmt: skip


_REFUSED = "Some rows are not rows of this kind."
_BAD_TIMES = "Some rows have no readable time."
_BAD_NUMBERS = "Some rows have a value that is not a number, and is empty in the table."


#: Forms of documents that are tried for each object.
_MOST_PATTERNS = 8


def _plan(objects: Objects, cache: ObjectCache | None) -> Plan:
    found, counts = objects.found, counts_of(objects.found, cache)
    large = (each for each in found if each.storage_class not in ARCHIVES)
    present = tuple(dict.fromkeys(each.name for each in found))
    return Plan(
        objects=len(found), size=counts.size, cached=counts.cached, lists=objects.lists,
        ranges=sum(ranges_of(each.size) for each in large if each.size > STORED_BYTES),
        archived=counts.archived, other=objects.other, listed=objects.listed, names=present,
        without=tuple(name for name in objects.names if name not in present),
    )  # fmt: skip


def _nothing(request: Request, planned: Plan, refusal: str) -> NotFound:
    summary = f"There are no objects of {', '.join(request.names)} in this range"
    if refusal:
        return not_listed(summary, planned.listed, refusal)
    return NotFound(
        summary,
        cause=f"{format_counted(planned.lists, 'listing')} found none between "
        f"{iso_utc(request.first)} and {iso_utc(request.last)}.",
        remedy="Check the names, the timeframe and the dates; names are case-sensitive.",
    )
