"""The operations `folder.plan` and `folder.load`: all objects of a folder as one table for SQL.

The objects are listed, read once, and cached by their ETag; queries then read the table only.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core.aws.limits import MIB
from core.collect.cache import ObjectCache, opened_cache
from core.collect.catalogued import catalogued
from core.collect.documents import (
    EmptyLists,
    begins_with_line,
    format_of_key,
    read_document,
    read_parts,
)
from core.collect.folder_table import TABLE, FolderTable
from core.collect.keys import ARCHIVES, Found
from core.collect.querying import target_of, write_result
from core.collect.reading import STORED_BYTES, Store, read_contents
from core.collect.report import (
    FolderPlan,
    FolderReport,
    Problem,
    QueryReport,
    counts_of,
    ranges_of,
)
from core.collect.rows import MOST_BYTES, UnreadableError, unpacked
from core.collect.staging import Staging
from core.collect.streams import opened
from core.errors import InvalidInput, LimitExceeded, NotFound
from core.layout.places import parse_place
from core.local.atomic import translate_os_errors
from core.local.spool import private_file, spool
from core.objects.bucket import Bucket, HasBucket
from core.objects.listing import Listing
from core.objects.pages import Columns
from core.sql.csv_text import csv_line
from core.sql.new_file import new_file
from core.sql.session import with_little_memory
from core.units import format_count, format_size
from core.work import Progress, Work, default_work

if TYPE_CHECKING:
    import duckdb

_MOST_OBJECTS = 1_000_000
#: Staged rows, the table and its file are on the disk at the same time.
_DISK_FACTOR = 4
_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)


def plan_folder(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    folder: str,
    cache: bool = True,
    list_again: bool = False,
) -> FolderPlan:
    """Return what a query of a folder reads, and what that costs; only the keys are listed.

    Args:
        workspace: The services of a connection.
        work: Cancel token and progress.
        folder: The prefix of the objects, which is empty or ends in `/`, or a place in another
            bucket such as `s3://bucket/prefix/`.
        cache: Whether objects that were read before count as read.
        list_again: Whether the keys are listed even if the catalogue has them and is not old.

    Raises:
        InvalidInput: The prefix does not end in `/`.
        LimitExceeded: The folder has too many objects for one computer.
        StorageError: The folder cannot be listed.
    """
    bucket, folder = _place(workspace.bucket, folder)
    listing = _listed(bucket, folder, default_work(work), list_again=list_again)
    with opened_cache(bucket, use=cache) as opened:
        return _plan(folder, listing, opened)


def load_folder(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    folder: str,
    cache: bool = True,
    list_again: bool = False,
) -> FolderReport:
    """Read all objects of a folder as one new table of the window.

    Objects of other formats are omitted. Objects that cannot be read completely are named in the
    report. The column `object_key` has the key of the object from which a row is.

    Args:
        workspace: The services of a connection.
        work: Cancel token, progress, limits and retry budget.
        folder: See `plan_folder`, as `cache` and `list_again`.
        cache: See `plan_folder`.
        list_again: See `plan_folder`.

    Raises:
        InvalidInput: The prefix does not end in `/`, or the objects cannot be one table.
        LimitExceeded: The folder is too large for this computer.
        NotFound: The folder has no objects of these formats.
        StorageError: The folder cannot be listed or read.
    """
    work = default_work(work)
    started = time.monotonic()
    bucket, folder = _place(workspace.bucket, folder)
    listing = _listed(bucket, folder, work, list_again=list_again)
    with opened_cache(bucket, use=cache) as opened, spool() as place:
        planned = _plan(folder, listing, opened)
        chosen = [each for each in listing.found if format_of_key(each.key)]
        _check(planned, place)
        return _Loading(bucket, chosen, opened, place, work).run(planned, started)


def _place(bucket: Bucket, folder: str) -> tuple[Bucket, str]:
    """Return the bucket and the prefix of a folder."""
    place = parse_place(folder)
    if not place.folder:
        raise InvalidInput(
            f"{folder} is not a folder", remedy="Name a prefix that ends with a slash."
        )
    return Bucket(bucket.clients, place.bucket) if place.bucket else bucket, place.key


@dataclass(slots=True)
class _Listing:
    """The objects in the order of their keys, LIST requests, and when the catalogue has listed."""

    found: list[Found] = field(default_factory=list)
    lists: int = 0
    listed: datetime | None = None

    def add(self, page: Columns) -> None:
        columns = zip(page.keys, page.sizes, page.etags, page.classes, page.modified, strict=True)
        # Folders that consoles create are empty objects.
        self.found += [Found(*each, "", _NO_TIME) for each in columns if not each[0].endswith("/")]


def _listed(bucket: Bucket, folder: str, work: Work, *, list_again: bool) -> _Listing:
    """Return all objects below a prefix."""
    known = None if list_again else catalogued(bucket, [folder], work)
    listing = _Listing(listed=known.listed if known else None)
    for page in (known.keys,) if known else Listing(bucket, folder, work=work).pages():
        listing.lists += known is None
        listing.add(page)
        work.report(Progress(len(listing.found), None, "objects", "listing"))
        if len(listing.found) > _MOST_OBJECTS:
            raise LimitExceeded(
                f"The folder has more than {format_count(_MOST_OBJECTS)} objects",
                remedy="Query a smaller folder, or use Amazon Athena.",
                subject=bucket.subject(folder),
            )
    # An empty folder has a page, too.
    listing.lists = max(listing.lists, int(known is None))
    listing.found.sort(key=lambda each: each.key)
    return listing


def _plan(folder: str, listing: _Listing, cache: ObjectCache | None) -> FolderPlan:
    formats = Counter(format_of_key(each.key) for each in listing.found)
    other = formats.pop("", 0)
    chosen = [each for each in listing.found if format_of_key(each.key)]
    counts = counts_of(chosen, cache)
    readable = [each for each in chosen if each.storage_class not in ARCHIVES]
    large = (each.size for each in readable if each.size > STORED_BYTES)
    return FolderPlan(
        folder=folder, formats=tuple(formats.most_common()), objects=len(chosen), size=counts.size,
        cached=counts.cached, lists=listing.lists, archived=counts.archived, other=other,
        ranges=sum(map(ranges_of, large)), listed=listing.listed,
    )  # fmt: skip


def _check(planned: FolderPlan, place: Path) -> None:
    if not planned.objects:
        others = f"It has {format_count(planned.other)} others. " if planned.other else ""
        raise NotFound(
            "The folder has no objects for a query",
            cause=f"{others}Objects end with .csv, .tsv, .json, .jsonl, .ndjson or .parquet, also "
            "with .gz or .zst after that.",
            remedy="Choose another folder.",
            subject=planned.folder,
        )
    free = shutil.disk_usage(place).free
    if planned.size * _DISK_FACTOR > free:
        raise LimitExceeded(
            "The folder is too large for this computer",
            cause=f"Its objects have {format_size(planned.size)}, and {format_size(free)} are free.",
            remedy="Query a smaller folder, or use Amazon Athena.",
            subject=planned.folder,
        )


class _Loading:
    """One folder: read, stage, combine, write."""

    def __init__(
        self,
        bucket: Bucket,
        found: Sequence[Found],
        cache: ObjectCache | None,
        place: Path,
        work: Work,
    ) -> None:
        self._bucket, self._found, self._cache = bucket, found, cache
        self._place, self._work = place, work
        self._staging = Staging(place, ())
        self._empty = EmptyLists()
        self._files: dict[int, Path] = {}
        self._problems: dict[int, Problem] = {}

    def run(self, planned: FolderPlan, started: float) -> FolderReport:
        """Run all steps."""
        found = self._found
        store = Store(self._place, self._stage_file)
        contents = read_contents(self._bucket, found, self._cache, self._stage, self._work, store)
        for number, block in self._empty.rows():
            self._staging.add(number, block)
        self._staging.close()
        for number, reason in contents.missing.items():
            self._problem(number, reason)
        self._work.report(Progress(len(found), len(found), "objects", "combining"))
        target, objects = target_of("", "", formula_safe=False), self._objects()

        def combine(connection: duckdb.DuckDBPyConnection) -> tuple[FolderTable, QueryReport]:
            table = FolderTable(connection, self._staging, objects, self._files)
            with new_file(target.path, overwrite=False) as temporary:
                return table, table.write(
                    [each.key for each in found],
                    lambda: write_result(connection, f"SELECT * FROM {TABLE}", target, temporary),  # noqa: S608 - a constant
                )

        table, written = with_little_memory(self._place, self._work, combine)
        for number, reason in table.damaged.items():
            self._problem(number, reason)
        return FolderReport(
            plan=planned, table=written.table, rows=written.rows, columns=written.columns,
            types=written.types,
            problems=tuple(self._problems[number] for number in sorted(self._problems)),
            notes=(*table.notes, *contents.notes), gets=contents.gets,
            seconds=time.monotonic() - started, size=written.size,
        )  # fmt: skip

    def _stage(self, number: int, data: bytes) -> None:
        """Take the bytes of an object."""
        form = format_of_key(self._found[number].key)
        try:
            document = unpacked(data)
            if form == "Parquet":
                self._files[number] = self._file(number, document)
                return
            read = read_document(form, document, number, self._empty)
            for block in read.blocks:
                self._staging.add(number, block)
        except UnreadableError as error:
            self._problem(number, str(error))
            return
        self._refused(number, form, read.refused)

    def _refused(self, number: int, form: str, rows: int) -> None:
        if rows:
            self._problem(number, _REFUSED[form], rows)

    def _stage_file(self, number: int, path: Path) -> None:
        """Take a file with the bytes of a large object."""
        key = self._found[number].key
        form = format_of_key(key)
        if form == "Parquet" and key.lower().endswith(".parquet"):
            self._files[number] = path.rename(self._place / f"{number}.parquet")
            return
        most = shutil.disk_usage(self._place).free // 2
        try:
            if form == "JSON":
                with opened(path, most) as stream:
                    # Many programs write JSON lines to files that end with .json.
                    form = "JSON lines" if begins_with_line(stream) else form
            with opened(path, most) as stream:
                if form == "Parquet":
                    self._files[number] = self._copied(number, stream)
                elif form == "JSON":
                    self._stage(number, _document(stream))
                else:
                    self._stage_parts(number, form, stream)
        except UnreadableError as error:
            self._problem(number, str(error))
        finally:
            path.unlink()

    def _stage_parts(self, number: int, form: str, stream: BinaryIO) -> None:
        refused = blocks = 0
        try:
            for read in read_parts(form, stream):
                self._work.check()
                refused, blocks = refused + read.refused, blocks + len(read.blocks)
                for block in read.blocks:
                    self._staging.add(number, block)
        except UnreadableError as error:
            rest = " The rows before are in the table." if blocks else ""
            message = f"{error}{rest}"
            raise UnreadableError(message) from error
        self._refused(number, form, refused)

    def _copied(self, number: int, stream: BinaryIO) -> Path:
        """Write an unpacked Parquet file."""
        path = private_file(self._place / f"{number}.parquet")
        with translate_os_errors(path, "written"), path.open("wb") as file:
            shutil.copyfileobj(stream, file, MIB)
        return path

    def _file(self, number: int, data: bytes) -> Path:
        path = private_file(self._place / f"{number}.parquet")
        with translate_os_errors(path, "written"):
            path.write_bytes(data)
        return path

    def _objects(self) -> Path:
        """Write the table of the objects, and return its path."""
        path = private_file(self._place / "objects.csv")
        lines = (
            csv_line((number, each.key, str(self._files.get(number, ""))))
            for number, each in enumerate(self._found)
        )
        with translate_os_errors(path, "written"):
            path.write_text("".join(lines), encoding="utf-8")
        return path

    def _problem(self, number: int, reason: str, rows: int | None = None) -> None:
        self._problems.setdefault(number, Problem(self._found[number].key, reason, rows))


def _document(stream: BinaryIO) -> bytes:
    data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        message = (
            f"It is one JSON document of more than {format_size(MOST_BYTES)}. JSON lines, CSV and "
            "Parquet may be larger."
        )
        raise UnreadableError(message)
    return data


_REFUSED = {
    "CSV": "Some lines have more or fewer fields than the first line.",
    "JSON": "Some elements of the list are not objects.",
    "JSON lines": "Some lines are not objects.",
}
