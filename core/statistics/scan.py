"""Scan of a bucket: lists and counts all objects below a prefix, in up to two processes."""

from __future__ import annotations

import logging
import threading
import time
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from core.errors import StorageError
from core.model.statistics import StorageStatistics
from core.objects.bucket import Bucket, HasBucket
from core.objects.key_ranges import KeyRange
from core.objects.listing import Listing
from core.work import Progress, Work

if TYPE_CHECKING:
    from core.statistics.totals import Totals

_log = logging.getLogger(__name__)

#: Minimum interval of partial results in seconds, and their maximum share of the time: with very
#: many folders they take long to build.
_BATCH_SECONDS, _BATCH_SHARE = 0.5, 0.1
#: Number of pages after which a helper is started, which takes half a second: if at least
#: `_MANY_PAGES` are expected, and otherwise.
_PAGES_BEFORE_HELP, _PAGES_IF_UNKNOWN, _MANY_PAGES = 20, 150, 400


class Helper(Protocol):
    """A second process that counts ranges of keys."""

    def start(self) -> None:
        """Wait until the process can count without delay."""

    def count(self, part: KeyRange, depth: int) -> tuple[Totals, int]:
        """Return the totals of the objects of a range, and the number of LIST requests.

        Args:
            part: the range.
            depth: see `Totals`.
        """


def scan(
    workspace: HasBucket, work: Work, *, prefix: str = "", helper: Helper | None = None
) -> StorageStatistics:
    """Count all objects below a prefix, with at least one LIST request per thousand objects.

    Partial results are reported through `work.batch` twice a second. A `helper` counts some of the
    keys if the computation takes longer than the requests.

    Raises:
        StorageError: a request was denied or failed.
        Cancelled: the token of `work` was cancelled.
    """
    return _Scan(workspace.bucket, prefix, work, helper).run()


def count(
    workspace: HasBucket,
    work: Work,
    *,
    prefix: str,
    after: str = "",
    until: str | None = None,
    depth: int | None = None,
) -> tuple[Totals, int]:
    """Count the keys of a prefix after one key and up to another, for a scan of another process.

    If `until` is empty, no key is counted: the clients are prepared for the next call.
    """
    from core.statistics.totals import Totals

    totals = Totals(workspace.bucket.name, prefix, depth)
    if until == "":
        workspace.bucket.client  # noqa: B018 - it is created by the first access
        return totals, 0
    # Without fan-out: the other process has already divided the bucket into ranges.
    listing = Listing(workspace.bucket, prefix, after=after, until=until, fan_out=1, work=work)
    for page in listing.pages():
        totals.add(page)
    return totals, listing.list_calls


class _Scan:
    """One scan: the pages of this process, and the totals of a helper."""

    def __init__(self, bucket: Bucket, prefix: str, work: Work, helper: Helper | None) -> None:
        self._work, self._helper, self._prefix = work, helper, prefix
        self._bucket_name = bucket.name
        self._listing = Listing(bucket, prefix, work=work)
        self._lock = threading.Lock()
        self._helped_calls = 0
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._started = threading.Event()
        self._next_batch = time.monotonic() + _BATCH_SECONDS

    def run(self) -> StorageStatistics:
        """Count all pages, wait for the helper, and return the sums."""
        for number, page in enumerate(self._listing.pages()):
            with self._lock:
                self._totals.add(page)
            self._report()
            if self._helper and self._thread is None and self._needs_help(number):
                self._request_help(self._helper)
        # The own pages are counted, but the helper may still count its last range. If it has not
        # even started, it has none.
        if self._thread is not None and self._started.is_set():
            self._thread.join()
        # A part that the helper could not count must not be missing from a "complete" result.
        if self._failure is not None:
            raise self._failure
        self._work.check()
        objects = self._totals.objects
        self._work.report(Progress(objects, objects, "objects"))
        return self._snapshot(partial=False)

    @cached_property
    def _totals(self) -> Totals:
        # Imported when the first page has arrived, while others are on their way.
        from core.statistics.totals import Totals

        return Totals(self._bucket_name, self._prefix)

    def _needs_help(self, pages: int) -> bool:
        """Return whether a second process pays: if counting, and not the network, takes the time."""
        many = self._listing.expected_pages >= _MANY_PAGES
        enough = _PAGES_BEFORE_HELP if many else _PAGES_IF_UNKNOWN
        return pages >= enough and self._listing.computing

    def _request_help(self, helper: Helper) -> None:
        self._thread = threading.Thread(
            target=self._be_helped, args=(helper,), name="listing-helper", daemon=True
        )
        self._thread.start()

    def _be_helped(self, helper: Helper) -> None:
        from core.statistics.totals import depth_of

        try:
            # What it takes would otherwise wait for the start of the process.
            helper.start()
        except StorageError as error:  # it has taken nothing: this process counts all
            _log.info("no second process helps to count: %s", error.summary)
            self._started.set()
            return
        try:
            self._started.set()
            # One range at a time, so that both processes end at nearly the same moment.
            while (part := self._listing.take()) is not None:
                totals, calls = helper.count(part, depth_of(self._prefix))
                with self._lock:
                    self._totals.merge(totals)
                    self._helped_calls += calls
        except BaseException as error:  # noqa: BLE001 - raised by `run`, which waits for this thread
            self._failure = error
            self._started.set()

    def _report(self) -> None:
        self._work.report(Progress(self._totals.objects, None, "objects"))
        began = time.monotonic()
        if began > self._next_batch:
            self._work.batch(self._snapshot(partial=True))
            ended = time.monotonic()
            # Building a partial result may take at most a tenth of the time, however many folders
            # exist.
            self._next_batch = ended + max(_BATCH_SECONDS, (ended - began) / _BATCH_SHARE)

    def _snapshot(self, *, partial: bool) -> StorageStatistics:
        with self._lock:
            calls = self._listing.list_calls + self._helped_calls
            return self._totals.snapshot(list_calls=calls, partial=partial)
