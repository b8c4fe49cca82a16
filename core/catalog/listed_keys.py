"""The pages of a listing as a table of DuckDB, and the threads that list the steps of a refresh."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from core.aws.faults import not_an_s3_answer
from core.catalog.columns import LISTED
from core.catalog.planning import Step
from core.catalog.ranges import Range, range_of
from core.objects.bucket import Bucket
from core.objects.level import page_of
from core.objects.listing import FAN_OUT, Listing
from core.objects.pages import Columns
from core.work import Progress, Work

if TYPE_CHECKING:
    import duckdb

#: Number of rows that are inserted at once.
_ROWS = 50_000
_PAGE = "page_of_listing"
#: Steps with at most so many requests are listed concurrently, each by one thread.
_FEW_REQUESTS = 16


class ListedKeys:
    """The table `listed` of one refresh, filled from several threads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, work: Work) -> None:
        self._connection, self._work = connection, work
        self._lock = threading.Lock()
        self._waiting: list[Columns] = []
        self._waiting_rows = self._rows = 0
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE listed (key VARCHAR, size BIGINT, modified TIMESTAMPTZ, "
            "etag VARCHAR, storage_class VARCHAR)"
        )

    def add(self, page: Columns) -> None:
        """Add the objects of a page.

        Raises:
            NotAnS3Answer: a time of the listing does not exist.
        """
        with self._lock:
            self._waiting.append(page)
            self._waiting_rows += len(page)
            self._rows += len(page)
            if self._waiting_rows >= _ROWS:
                self._insert()
        self._work.report(Progress(self._rows, None, "objects"))

    def finish(self) -> None:
        """Add the pages that wait to be inserted."""
        with self._lock:
            if self._waiting_rows:
                self._insert()

    def _insert(self) -> None:
        import duckdb

        pages, self._waiting, self._waiting_rows = self._waiting, [], 0
        self._connection.register(_PAGE, _arrays(pages))
        try:
            self._connection.execute(
                f"INSERT INTO listed SELECT key, size, modified::TIMESTAMPTZ, etag, storage_class FROM {_PAGE}"  # noqa: S608 - a name of this module
            )
        except duckdb.ConversionException:
            raise not_an_s3_answer("", "a listing with a time that does not exist") from None
        finally:
            self._connection.unregister(_PAGE)


def _arrays(pages: Sequence[Columns]) -> dict[str, Any]:
    import numpy as np

    columns = zip(
        LISTED,
        (
            [key for page in pages for key in page.keys],
            [size for page in pages for size in page.sizes],
            [text for page in pages for text in page.modified],
            [etag for page in pages for etag in page.etags],
            [name for page in pages for name in page.classes],
        ),
        strict=True,
    )
    return {
        name: np.array(values, dtype=np.int64 if name == "size" else object)
        for name, values in columns
    }


def list_steps(
    bucket: Bucket, steps: Sequence[Step], listed: ListedKeys, work: Work
) -> tuple[int, list[Range]]:
    """List the keys of all steps, and return the number of requests and the ranges they cover.

    Raises:
        StorageError: a request was denied or failed; no prefix is skipped.
        Cancelled: the token of `work` was cancelled.
    """
    run = _Run(bucket, listed, work)
    small = [step for step in steps if step.requests is not None and step.requests <= _FEW_REQUESTS]
    new = [Step(prefix) for prefix in run.list_small(small)]
    if len(new) > 1:  # usually many small ones, for example a day of new users
        run.list_small(new)
        new = []
    for step in (*(step for step in steps if step not in small), *new):
        run.list_large(step)
    listed.finish()
    return run.requests, sorted(each for step in steps for each in step.ranges())


class _Run:
    """The requests of one refresh."""

    def __init__(self, bucket: Bucket, listed: ListedKeys, work: Work) -> None:
        self._bucket, self._listed, self._work = bucket, listed, work
        self._lock = threading.Lock()
        self.requests = 0

    def list_small(self, steps: Sequence[Step]) -> list[str]:
        """List steps concurrently, and return the folders that were found in addition."""
        with ThreadPoolExecutor(FAN_OUT, thread_name_prefix="catalog") as pool:
            try:
                found = list(pool.map(self._list_pages, steps))
            except BaseException:
                # The others would all be listed before the block ends.
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        return sorted(folder for folders in found for folder in folders)

    def list_large(self, step: Step) -> None:
        """List a folder with many keys, divided into smaller ones, or page by page after a key."""
        if step.level or step.after:
            self._list_pages(step)
            return
        listing = Listing(self._bucket, step.prefix, work=self._work)
        for page in listing.pages():
            self._listed.add(page)
        self.requests += listing.list_calls

    def _list_pages(self, step: Step) -> list[str]:
        """List one step page by page, and return the folders that it does not know."""
        token: str | None = None
        new: set[str] = set()
        while True:
            self._work.check()
            page, token = page_of(
                self._bucket,
                step.prefix,
                delimiter="/" if step.level else "",
                token=token,
                after=step.after,
                work=self._work,
            )
            with self._lock:
                self.requests += 1
            new.update(page.folders)
            self._listed.add(_only_in_range(page, step))
            if token is None:
                return sorted(new.difference(step.children))


def _only_in_range(page: Columns, step: Step) -> Columns:
    """Remove the keys that a server without StartAfter lists in addition."""
    begin = range_of(step.prefix, step.after)[0]
    if not page.keys or min(page.keys) >= begin:
        return page
    rows = [row for row, key in enumerate(page.keys) if key >= begin]
    return Columns(
        keys=[page.keys[row] for row in rows],
        sizes=[page.sizes[row] for row in rows],
        modified=[page.modified[row] for row in rows],
        classes=[page.classes[row] for row in rows],
        etags=[page.etags[row] for row in rows],
        folders=page.folders,
    )
