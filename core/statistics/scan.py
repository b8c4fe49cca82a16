"""The live scan: lists everything below a prefix and counts it."""

from __future__ import annotations

import itertools
import time
from typing import Protocol

from core.model.statistics import StorageStatistics
from core.objects.bucket import Bucket
from core.objects.listing import list_pages
from core.statistics.tally import Tally
from core.work import Progress, Work

#: Partial results are passed on at most this often, in seconds.
_BATCH_SECONDS = 0.5


class HasBucket(Protocol):
    """What a scan needs of the workspace."""

    @property
    def bucket(self) -> Bucket:
        """The bucket that is scanned."""


def scan(workspace: HasBucket, work: Work, *, prefix: str = "") -> StorageStatistics:
    """Count everything below `prefix`; one LIST call for each thousand objects and more.

    Partial results go to `work.batch` twice a second.

    Raises:
        StorageError: something below may not be listed, or a call failed.
        Cancelled: the token of `work` was cancelled.
    """
    tally = Tally(workspace.bucket.name, prefix)
    calls = itertools.count(1)
    made = [0]

    def on_call() -> None:
        made[0] = next(calls)  # threads may pass each other here by one: it ends right

    told = time.monotonic()
    for page in list_pages(workspace.bucket, prefix, on_call=on_call, work=work):
        tally.add(page)
        work.report(Progress(tally.objects, None, "objects"))
        if time.monotonic() - told > _BATCH_SECONDS:
            work.batch(tally.snapshot(list_calls=made[0], partial=True))
            told = time.monotonic()
    work.report(Progress(tally.objects, tally.objects, "objects"))
    return tally.snapshot(list_calls=next(calls) - 1, partial=False)
