"""Flat listings of all objects below a prefix, which list several ranges of keys at the same time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing

from core.errors import AccessDenied
from core.objects.bucket import Bucket
from core.objects.key_ranges import KeyRange, PageRequest
from core.objects.level import page_of
from core.objects.listing_plan import ListingPlan
from core.objects.page_requests import FAN_OUT, MOST, PageRequests
from core.objects.pages import Columns
from core.work import Work, default_work

__all__ = ["FAN_OUT", "Listing", "list_pages"]

#: Approximate seconds of computation for a page: as many requests as the latency has such times are
#: answered while one answer is awaited, and more would wait for the processor.
_PAGE_SECONDS = 0.001
#: Number of answers after which the number of requests at the same time is examined.
_ROUND = 16
#: There are more requests if this part of the time no answer was there, and fewer with less than
#: that.
_MORE, _FEWER = 0.3, 0.1
#: The number of requests without latency: one page is sent while another one is read.
_FEWEST = 2


def list_pages(
    bucket: Bucket, prefix: str = "", *, fan_out: int = FAN_OUT, work: Work | None = None
) -> Iterator[Columns]:
    """Yield all objects below a prefix as pages of columns, in undefined order.

    Each object appears once. With a `fan_out` of 1 the pages are in the order of their keys.
    Closing the iterator ends the listing.

    Raises:
        StorageError: a request was denied or failed; no prefix is skipped.
        Cancelled: the token of `work` was cancelled.
    """
    return Listing(bucket, prefix, fan_out=fan_out, work=work).pages()


class Listing:
    """One flat listing, whose ranges can be shared with another process.

    Attributes:
        list_calls: the number of requests.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: str,
        *,
        after: str = "",
        until: str | None = None,
        fan_out: int = FAN_OUT,
        work: Work | None = None,
    ) -> None:
        """List the keys of a prefix after one key and up to another.

        Args:
            bucket: the bucket.
            prefix: the beginning of the keys.
            after: only keys after this one, which need not exist.
            until: only keys up to this one; None for all.
            fan_out: the maximum number of requests with botocore at the same time; 1 lists page
                after page in the order of the keys.
            work: cancel token.
        """
        self._bucket, self._fan_out = bucket, fan_out
        self._work = default_work(work)
        self._start = KeyRange(prefix, after, until)
        any_order = bucket.clients.endpoint_url is not None
        self._plan = ListingPlan(self._start, divide=fan_out > 1, any_order=any_order)
        self._examined = self.list_calls = 0
        self._waiting, self._fewest = 1.0, _FEWEST

    def pages(self) -> Iterator[Columns]:
        """Yield all pages of the ranges that were not taken by `take`; see `list_pages`."""
        try:
            first = self._first_page()
            if self._start.token is None:
                yield from first
            else:
                yield from self._further_pages(first)
        finally:
            self._plan.finish()

    @property
    def computing(self) -> bool:
        """Whether computation takes most of the time, so that another process would help."""
        return self._waiting < _FEWER

    @property
    def expected_pages(self) -> int:
        """The estimated number of pages; 0 while it is unknown."""
        return self._plan.expected_pages

    def take(self) -> KeyRange | None:
        """Remove a range for another process to list; wait for one, and return None at the end."""
        return self._plan.take()

    def _first_page(self) -> list[Columns]:
        """Request the first page, which usually is the only one, with botocore."""
        (request,) = self._plan.following(0)
        self._work.check()
        # Created before the time is measured; `client` may have to determine the region.
        _ = self._bucket.clients.client_to_try(self._bucket.name) or self._bucket.client
        began, computed = time.monotonic(), time.thread_time()
        columns, token = self._regular(request)
        # The time without the processor time of this thread is what it waited for the network.
        latency = time.monotonic() - began - (time.thread_time() - computed)
        self.list_calls = 1
        self._fewest = max(_FEWEST, min(MOST, int(latency / _PAGE_SECONDS)))
        self._choose(self._fewest, MOST)
        return self._plan.answered(request, columns, token, 0)

    def _further_pages(self, first: list[Columns]) -> Iterator[Columns]:
        requests = PageRequests(self._bucket, self._regular, self._work, fan_out=self._fan_out)
        with closing(requests):
            self._send(requests)
            yield from first
            while requests.in_flight:
                for request, answer in requests.answers():
                    pages = self._received(request, answer, requests)
                    # Before the pages are used, so that the server works in the meantime.
                    self._send(requests)
                    yield from pages

    def _send(self, requests: PageRequests) -> None:
        if self.list_calls - self._examined >= _ROUND:
            self._examined = self.list_calls
            self._examine(requests)
        for request in self._plan.following(requests.in_flight):
            requests.send(request)
            self.list_calls += 1

    def _examine(self, requests: PageRequests) -> None:
        """Use more requests at the same time while there is time for their answers, else fewer."""
        self._waiting, wanted = requests.share_of_waiting(), self._plan.wanted
        # With fewer on their way than wanted there is nothing more to be sent.
        if self._waiting > _MORE and requests.in_flight >= wanted - 1:
            self._choose(wanted + max(1, wanted // 2), requests.most)
        elif self._waiting < _FEWER:
            self._choose(wanted - wanted // 4, requests.most)

    def _choose(self, wanted: int, most: int) -> None:
        if self._fan_out > 1:
            self._plan.wanted = min(most, max(self._fewest, wanted))

    def _received(
        self, request: PageRequest, answer: tuple[Columns, str | None] | BaseException,
        requests: PageRequests,
    ) -> list[Columns]:  # fmt: skip
        if isinstance(answer, AccessDenied):
            pages = self._plan.refused(request, requests.in_flight)
            if pages is not None:
                return pages
        if isinstance(answer, BaseException):
            raise answer
        return self._plan.answered(request, *answer, requests.in_flight)

    def _regular(self, request: PageRequest) -> tuple[Columns, str | None]:
        """Request a page with botocore, which retries it and reports the exact error."""
        return page_of(
            self._bucket, request.prefix, delimiter=request.delimiter, token=request.token,
            after=request.after, work=self._work,
        )  # fmt: skip
