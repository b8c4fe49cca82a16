"""All objects of a folder as one table for SQL, and the operation `folder.plan`, which lists them.

The objects are read once, and cached by their ETag; queries then read the table only.
"""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from core.aws.limits import MIB
from core.collect.cache import ObjectCache, opened_cache
from core.collect.catalogued import Catalogued, catalogued, listed_again
from core.collect.documents import (
    EmptyLists,
    begins_with_line,
    format_of_key,
    read_document,
    read_parts,
)
from core.collect.folder_checks import check_objects, check_space
from core.collect.folder_table import TABLE, FolderTable
from core.collect.json_list import begins_with_list, parts_of_list
from core.collect.json_object import parts_of_object
from core.collect.keys import ARCHIVES, Found
from core.collect.querying import target_of, write_result
from core.collect.ranged_folder import can_be_ranged
from core.collect.reading import MOST_PACKED, STORED_BYTES, Store, read_contents
from core.collect.report import (
    FolderPlan,
    FolderReport,
    Problem,
    QueryReport,
    counts_of,
    ranges_of,
)
from core.collect.rows import Read, UnreadableError, is_packed, unpacked
from core.collect.staging import Staging
from core.collect.streams import opened
from core.errors import InvalidInput, LimitExceeded
from core.layout.places import parse_place
from core.local.atomic import translate_os_errors
from core.local.spool import private_file, spool
from core.objects.bucket import Bucket, HasBucket
from core.objects.listing import Listing
from core.objects.pages import Columns
from core.sql.csv_text import csv_line
from core.sql.new_file import new_file
from core.sql.session import with_little_memory
from core.units import format_count
from core.work import Progress, Work, default_work

if TYPE_CHECKING:
    import duckdb

_MOST_OBJECTS = 1_000_000
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
    found = find_objects(workspace, default_work(work), folder=folder, list_again=list_again)
    with opened_cache(found.bucket, use=cache) as opened:
        return found.plan(opened)


def load_objects(found: FolderObjects, work: Work, *, cache: bool, started: float) -> FolderReport:
    """Read all objects of a folder as one new table of the window.

    Objects of other formats are omitted. Objects that cannot be read completely are named in the
    report. The column `object_key` has the key of the object from which a row is.

    Args:
        found: The objects.
        work: Cancel token, progress, limits and retry budget.
        cache: See `plan_folder`.
        started: The time at which the listing began, of `time.monotonic`.

    Raises:
        InvalidInput: The objects cannot be one table.
        LimitExceeded: The folder is too large for this computer.
        NotFound: The folder has no objects of these formats.
        StorageError: The objects cannot be read.
    """
    with opened_cache(found.bucket, use=cache) as opened, spool() as place:
        planned = found.plan(opened)
        check_objects(planned, found.refusal)
        check_space(planned, place)
        return _Loading(found.bucket, found.chosen, opened, place, work).run(planned, started)


@dataclass(slots=True)
class FolderObjects:
    """The objects of a folder in the order of their keys.

    Attributes:
        bucket: their bucket.
        folder: the prefix.
        found: all objects.
        lists: the LIST requests.
        listed: when the catalogue has listed them; None if they were listed now.
        refusal: why a folder that the catalogue has as empty could not be listed again.
    """

    bucket: Bucket
    folder: str
    found: list[Found] = field(default_factory=list)
    lists: int = 0
    listed: datetime | None = None
    refusal: str = ""

    @property
    def chosen(self) -> list[Found]:
        """The objects of formats that can be queried."""
        return [each for each in self.found if format_of_key(each.key)]

    def add(self, page: Columns) -> None:
        """Add a page of the listing."""
        columns = zip(page.keys, page.sizes, page.etags, page.classes, page.modified, strict=True)
        # Folders that consoles create are empty objects.
        self.found += [Found(*each, "", _NO_TIME) for each in columns if not each[0].endswith("/")]

    def plan(self, cache: ObjectCache | None) -> FolderPlan:
        """Return what reading all objects needs."""
        formats = Counter(format_of_key(each.key) for each in self.found)
        other = formats.pop("", 0)
        chosen = self.chosen
        counts = counts_of(chosen, cache)
        readable = [each for each in chosen if each.storage_class not in ARCHIVES]
        large = (each.size for each in readable if each.size > STORED_BYTES)
        return FolderPlan(
            folder=self.folder, formats=tuple(formats.most_common()), objects=len(chosen),
            size=counts.size, cached=counts.cached, lists=self.lists, archived=counts.archived,
            other=other, ranges=sum(map(ranges_of, large)), listed=self.listed,
            ranged=can_be_ranged(chosen),
        )  # fmt: skip


def find_objects(
    workspace: HasBucket, work: Work, *, folder: str, list_again: bool
) -> FolderObjects:
    """Return all objects of a folder; see `plan_folder`."""
    bucket, folder = _place(workspace.bucket, folder)
    known = None if list_again else catalogued(bucket, [folder], work)
    found = _found(bucket, folder, known, work)
    if known and not found.chosen:
        return listed_again(found, lambda: _found(bucket, folder, None, work))
    return found


def _found(bucket: Bucket, folder: str, known: Catalogued | None, work: Work) -> FolderObjects:
    found = FolderObjects(bucket, folder, listed=known.listed if known else None)
    for page in (known.keys,) if known else Listing(bucket, folder, work=work).pages():
        found.lists += known is None
        found.add(page)
        work.report(Progress(len(found.found), None, "objects", "listing"))
        if len(found.found) > _MOST_OBJECTS:
            raise LimitExceeded(
                f"The folder has more than {format_count(_MOST_OBJECTS)} objects",
                remedy="Query a smaller folder, or use Amazon Athena.",
                subject=bucket.subject(folder),
            )
    # An empty folder has a page, too.
    found.lists = max(found.lists, int(known is None))
    found.found.sort(key=lambda each: each.key)
    return found


def _place(bucket: Bucket, folder: str) -> tuple[Bucket, str]:
    """Return the bucket and the prefix of a folder."""
    place = parse_place(folder)
    if not place.folder:
        raise InvalidInput(
            f"{folder} is not a folder", remedy="Name a prefix that ends with a slash."
        )
    return Bucket(bucket.clients, place.bucket) if place.bucket else bucket, place.key


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
            try:
                self._staging.add(number, block)
            except UnreadableError as error:
                self._problem(number, str(error))
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
        if form != "Parquet" and len(data) > MOST_PACKED and is_packed(data):
            # Its rows may have a hundred times as many bytes.
            self._stage_file(number, self._written(f"object-{number}", data))
            return
        try:
            document = unpacked(data)
            if form == "Parquet":
                self._files[number] = self._written(f"{number}.parquet", document)
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
                is_list = form == "JSON" and begins_with_list(stream)
            with opened(path, most) as stream:
                if form == "Parquet":
                    self._files[number] = self._copied(number, stream)
                elif form == "JSON" and not is_list:
                    parts = parts_of_object(
                        lambda: opened(path, most), number, self._empty, self._work.check
                    )
                    self._stage_parts(number, form, parts)
                else:
                    parts = parts_of_list(stream) if is_list else read_parts(form, stream)
                    self._stage_parts(number, form, parts)
        except UnreadableError as error:
            self._problem(number, str(error))
        finally:
            path.unlink()

    def _stage_parts(self, number: int, form: str, parts: Iterator[Read]) -> None:
        refused = blocks = 0
        try:
            for read in parts:
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

    def _written(self, name: str, data: bytes) -> Path:
        path = private_file(self._place / name)
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


_REFUSED = {
    "CSV": "Some lines have more or fewer fields than the first line.",
    "JSON": "Some elements of the list are not objects.",
    "JSON lines": "Some lines are not objects.",
}
