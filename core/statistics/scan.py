"""Scan of a bucket: lists and counts all objects below a prefix, in up to two processes."""

from __future__ import annotations

import threading
import time
from typing import Protocol

from core.model.statistics import StorageStatistics
from core.objects.bucket import Bucket, HasBucket
from core.objects.listing import Listing
from core.statistics.totals import Totals
from core.work import Progress, Work

#: Minimum interval of partial results in seconds, and their maximum share of the time: with very
#: many folders they take long to build.
_BATCH_SECONDS, _BATCH_SHARE = 0.5, 0.1
#: Number of pages after which a helper is started, which takes half a second.
_PAGES_BEFORE_HELP = 20


class Helper(Protocol):
    """A second process that counts prefixes."""

    def count(self, prefix: str) -> tuple[Totals, int]:
        """Return the totals of all objects below `prefix`, and the number of LIST requests."""


def scan(
    workspace: HasBucket, work: Work, *, prefix: str = "", helper: Helper | None = None
) -> StorageStatistics:
    """Count all objects below a prefix, with at least one LIST request per thousand objects.

    Partial results are reported through `work.batch` twice a second. A `helper` counts some of the
    prefixes if the computation takes longer than the requests.

    Raises:
        StorageError: a request was denied or failed.
        Cancelled: the token of `work` was cancelled.
    """
    return _Scan(workspace.bucket, prefix, work, helper).run()


def count(workspace: HasBucket, work: Work, *, prefix: str) -> tuple[Totals, int]:
    """Count one prefix for a scan of another process, in the order of its keys."""
    # Without fan-out: the other process has already divided the bucket into prefixes.
    listing = Listing(workspace.bucket, prefix, fan_out=1, work=work)
    totals = Totals(workspace.bucket.name, prefix)
    for page in listing.pages():
        totals.add(page)
    return totals, listing.list_calls


class _Scan:
    """One scan: the pages of this process, and the totals of a helper."""

    def __init__(self, bucket: Bucket, prefix: str, work: Work, helper: Helper | None) -> None:
        self._work, self._helper = work, helper
        self._listing = Listing(bucket, prefix, work=work)
        self._totals = Totals(bucket.name, prefix)
        self._lock = threading.Lock()
        self._helped_calls = 0
        self._thread: threading.Thread | None = None
        self._failure: BaseException | None = None
        self._next_batch = time.monotonic() + _BATCH_SECONDS

    def run(self) -> StorageStatistics:
        """Count all pages, wait for the helper, and return the sums."""
        for number, page in enumerate(self._listing.pages()):
            with self._lock:
                self._totals.add(page)
            self._report()
            # A second process helps only if counting, and not the network, takes the time.
            if number == _PAGES_BEFORE_HELP and self._helper and self._listing.computing:
                self._request_help(self._helper)
        # The own pages are counted, but the helper may still count its last prefix.
        if self._thread is not None:
            self._thread.join()
        # A part that the helper could not count must not be missing from a "complete" result.
        if self._failure is not None:
            raise self._failure
        self._work.check()
        objects = self._totals.objects
        self._work.report(Progress(objects, objects, "objects"))
        return self._snapshot(partial=False)

    def _request_help(self, helper: Helper) -> None:
        self._thread = threading.Thread(
            target=self._be_helped, args=(helper,), name="listing-helper", daemon=True
        )
        self._thread.start()

    def _be_helped(self, helper: Helper) -> None:
        try:
            # One prefix at a time, so that both processes end at nearly the same moment.
            while (prefix := self._listing.take()) is not None:
                totals, calls = helper.count(prefix)
                with self._lock:
                    self._totals.merge(totals)
                    self._helped_calls += calls
        except BaseException as error:  # noqa: BLE001 - raised by `run`, which waits for this thread
            self._failure = error

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
