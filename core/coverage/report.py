"""The coverage of a bucket: calendars and freshness of the selected streams."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.coverage.calendars import Calendar, calendar_of
from core.coverage.catalog_cells import (
    catalog_cells,
    listed_at,
    refresh_catalog,
    refresh_estimates,
)
from core.coverage.cells import CellCounter, Cells
from core.coverage.freshness import Freshness, StreamState, freshness_of
from core.coverage.selection import Selection
from core.errors import NotFound
from core.hints import Hint
from core.model.catalog import LIST_KEYS, RefreshEstimate
from core.objects.bucket import HasBucket
from core.objects.listing import Listing
from core.units import utc_now
from core.work import Progress, Work, default_work

_ALL = Selection()


class Source(StrEnum):
    """Where the keys come from.

    `CATALOG` sends no request. `REFRESH` adds new keys to the catalogue first, and creates it if
    there is none. `LISTING` lists all keys of the selected streams and stores nothing. `NEWEST` is
    `REFRESH` if the catalogue contains the streams, else `LISTING`.
    """

    CATALOG = "catalog"
    REFRESH = "refresh"
    LISTING = "listing"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """Calendars and freshness of streams.

    Attributes:
        bucket: the name of the bucket.
        calendars: the calendar of each stream that has files in the selected days.
        states: the freshness of each selected stream, in the same order as all streams.
        objects: number of keys that were counted.
        list_calls: number of LIST requests, which AWS charges for.
        listed: when the keys were listed.
        refresh: what listing the new keys will cost, for each prefix; empty if not requested.
    """

    bucket: str
    calendars: tuple[Calendar, ...]
    states: tuple[StreamState, ...]
    objects: int
    list_calls: int
    listed: datetime
    refresh: tuple[RefreshEstimate, ...] = ()

    @property
    def stopped(self) -> tuple[StreamState, ...]:
        """The streams that have stopped, those that stopped last first; without ended ones."""
        return tuple(each for each in self.overdue if each.state is Freshness.STOPPED)

    @property
    def overdue(self) -> tuple[StreamState, ...]:
        """The streams that have stopped at any time, those that stopped last first."""
        found = (each for each in self.states if each.overdue)
        return tuple(sorted(found, key=lambda each: each.latest, reverse=True))


def coverage(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    selection: Selection = _ALL,
    source: Source = Source.NEWEST,
    now: datetime | None = None,
    estimate: bool = False,
) -> CoverageReport:
    """Return the coverage of the selected streams, from their keys alone.

    Args:
        workspace: the workspace of the bucket.
        work: cancel token and progress.
        selection: the streams and days.
        source: where the keys come from.
        now: the time until which files are expected; by default the time of the listing.
        estimate: also compute what the next refresh will cost.

    Raises:
        InvalidInput: the selection is not valid.
        NotFound: the catalogue does not contain the selected streams (`CATALOG` only).
        StorageError: a request was denied or failed.
        Cancelled: the token of `work` was cancelled.
    """
    selection.check()
    work = default_work(work)
    if source is Source.NEWEST:
        known = listed_at(workspace, selection) is not None
        source = Source.REFRESH if known else Source.LISTING
    if source is Source.LISTING:
        return _from_listing(workspace, work, selection, now or utc_now())
    calls = refresh_catalog(workspace, work, selection) if source is Source.REFRESH else 0
    listed = listed_at(workspace, selection)
    if listed is None:
        raise NotFound(
            "The catalogue does not contain these streams yet",
            cause="Their keys were not listed on this computer.",
            remedy=LIST_KEYS,
            hints=Hint.LIST_KEYS,
            subject=workspace.bucket.name,
        )
    # An old catalogue has no newer files, which does not mean that there are none.
    cells = catalog_cells(workspace, work, selection, now or listed)
    calendars, states = _evaluated(cells, selection, now or listed, work)
    objects = sum(each.total_files for each in cells)
    estimates = refresh_estimates(workspace, work, selection) if estimate else ()
    return CoverageReport(
        workspace.bucket.name, calendars, states, objects, calls, listed, estimates
    )


def _from_listing(
    workspace: HasBucket, work: Work, selection: Selection, now: datetime
) -> CoverageReport:
    counter, calls = CellCounter(now), 0
    for prefix in selection.prefixes():
        listing = Listing(workspace.bucket, prefix, work=work)
        for page in listing.pages():
            counter.add(page.keys, page.sizes)
            work.report(Progress(counter.objects, None, "objects"))
        calls += listing.list_calls
    calendars, states = _evaluated(counter.cells(), selection, now, work)
    return CoverageReport(workspace.bucket.name, calendars, states, counter.objects, calls, now)


def _evaluated(
    cells: Sequence[Cells], selection: Selection, now: datetime, work: Work
) -> tuple[tuple[Calendar, ...], tuple[StreamState, ...]]:
    """Return the calendars of the selected days, and the freshness of the selected streams."""
    calendars, states = [], []
    selected = [each for each in cells if selection.includes(each.stream)]
    for number, each in enumerate(selected, 1):
        work.check()
        # The rhythm depends on all days, so that a part is cut out of a complete calendar.
        calendar = calendar_of(each, now)
        states.append(freshness_of(calendar, now))
        part = calendar.between(selection.first, selection.last)
        if part is not None:
            calendars.append(part)
        work.report(Progress(number, len(selected), "streams"))
    return tuple(calendars), tuple(states)
