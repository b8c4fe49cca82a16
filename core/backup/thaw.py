"""Retrieval of backups in archive storage classes: state, cost and time first, then the requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Required, TypedDict, Unpack

from core.backup.arguments import check_not_empty
from core.backup.keys import parse, table_prefix
from core.backup.prefetch import in_parallel
from core.backup.store import BucketStore, Stored
from core.effects import BY_HAND, attaching_partial, states_effect
from core.errors import InvalidInput, NotFound
from core.model.objects import ARCHIVE_CLASSES, TIERING
from core.model.prices import PRICES
from core.model.thaw import ThawReport
from core.objects.archive import (
    ArchivedObject,
    ArchiveState,
    archived_object,
    request_retrieval,
)
from core.objects.bucket import Bucket, HasBucket
from core.units import format_counted
from core.work import Progress, Work, default_work

MODES = ("Standard", "Bulk", "Expedited")
#: Bounds of a retrieval in days; the largest is a limit of this program, not of S3.
DAYS, MOST_DAYS = 7, 365

_REQUESTS = 8
_GB = 1 << 30
_MONTH_DAYS = 30
#: Price per GB and month of the readable copy, which is stored in STANDARD in addition.
_COPY_PRICE = 0.023


class RetrievalRequest(TypedDict, total=False):
    """The keyword arguments of a retrieval.

    Attributes:
        backup_id: The id of the backup, or its beginning.
        table: The table of the backup; empty to search all.
        mode: `Standard` (the default), `Bulk` (the cheapest) or `Expedited` (the fastest).
        days: For how many days the objects will be readable; 7 by default.
    """

    backup_id: Required[str]
    table: str
    mode: str
    days: int


@dataclass(frozen=True, slots=True)
class _Retrieval:
    """US dollars per GB and per 1,000 requests, and the time that AWS states."""

    per_gb: float
    per_thousand: float
    duration: str


#: By storage class or archive tier, and mode. Source: https://aws.amazon.com/s3/pricing/
#: ("Retrieval requests", "Data retrievals") and the user guide, "Understanding archive retrieval
#: options".
_RETRIEVALS = {
    ("GLACIER", "Expedited"): _Retrieval(0.03, 10.0, "1 to 5 minutes"),
    ("GLACIER", "Standard"): _Retrieval(0.01, 0.05, "3 to 5 hours"),
    ("GLACIER", "Bulk"): _Retrieval(0.0, 0.0, "5 to 12 hours"),
    ("DEEP_ARCHIVE", "Standard"): _Retrieval(0.02, 0.1, "up to 12 hours"),
    ("DEEP_ARCHIVE", "Bulk"): _Retrieval(0.0025, 0.025, "up to 48 hours"),
    ("ARCHIVE_ACCESS", "Expedited"): _Retrieval(0.03, 10.0, "1 to 5 minutes"),
    ("ARCHIVE_ACCESS", "Standard"): _Retrieval(0.0, 0.0, "3 to 5 hours"),
    ("ARCHIVE_ACCESS", "Bulk"): _Retrieval(0.0, 0.0, "5 to 12 hours"),
    ("DEEP_ARCHIVE_ACCESS", "Standard"): _Retrieval(0.0, 0.0, "up to 12 hours"),
    ("DEEP_ARCHIVE_ACCESS", "Bulk"): _Retrieval(0.0, 0.0, "up to 48 hours"),
}
#: The order of the durations above, the longest last.
_SLOWEST = (
    "1 to 5 minutes", "3 to 5 hours", "5 to 12 hours", "up to 12 hours", "up to 48 hours",
)  # fmt: skip


def plan_thaw(
    workspace: HasBucket, work: Work | None = None, **request: Unpack[RetrievalRequest]
) -> ThawReport:
    """Return the state of an archived backup, and the cost of its retrieval. Nothing is changed.

    Args:
        workspace: The workspace with the bucket.
        work: Cancel token and progress (objects).
        **request: The backup and the tier; see `RetrievalRequest`.

    Raises:
        InvalidInput: An argument is not valid, or the storage class does not offer the mode.
        NotFound: There is no such backup.
        StorageError: The bucket cannot be read.
    """
    work = default_work(work)
    return _inspected(workspace.bucket, request, work)[0]


@states_effect("requested", (BY_HAND,))
def thaw(
    workspace: HasBucket, work: Work | None = None, **request: Unpack[RetrievalRequest]
) -> ThawReport:
    """Request the retrieval of all archived objects of a backup; see `plan_thaw`.

    It ends when the requests are sent. Call it again to see the state: objects that are requested
    or readable are not requested again.

    Returns:
        The state after the requests.

    Raises:
        AccessDenied: `s3:RestoreObject` is missing.
        NotSupported: The server has no archive classes.
    """
    work = default_work(work)
    workspace.bucket.clients.require_writable(f"Retrieving the backup {request['backup_id']}")
    plan, objects = _inspected(workspace.bucket, request, work)
    waiting = [each for each in objects if each.state is ArchiveState.ARCHIVED]
    sent = 0

    def report() -> ThawReport:
        return replace(
            plan, archived=plan.archived - sent, requested=plan.requested + sent, sent=sent
        )

    def send(each: ArchivedObject) -> None:
        request_retrieval(workspace.bucket, each, plan.mode, plan.days, work)

    with attaching_partial(report):
        for _done in in_parallel(send, waiting, _REQUESTS):
            sent += 1
            work.report(Progress(sent, len(waiting), "objects", "requesting"))
    return report()


def _inspected(
    bucket: Bucket, request: RetrievalRequest, work: Work
) -> tuple[ThawReport, Sequence[ArchivedObject]]:
    backup_id, table = request["backup_id"], request.get("table", "")
    mode, days = request.get("mode", MODES[0]), request.get("days", DAYS)
    _check(backup_id, mode, days)
    found = _objects(BucketStore(bucket), backup_id, table, work)
    slow = [each for each in found if each.storage_class in (*ARCHIVE_CLASSES, TIERING)]
    objects: list[ArchivedObject] = []

    def inspect(each: Stored) -> ArchivedObject:
        return archived_object(bucket, each.key, each.size, work)

    for one in in_parallel(inspect, slow, _REQUESTS):
        objects.append(one)
        work.report(Progress(len(objects), len(slow), "objects", "inspecting"))
    return _report(found, objects, mode, days), objects


def _check(backup_id: str, mode: str, days: int) -> None:
    check_not_empty(id=backup_id)
    if mode not in MODES:
        raise InvalidInput(f"{mode!r} is not a retrieval tier", remedy=f"Use {', '.join(MODES)}.")
    if not 1 <= days <= MOST_DAYS:
        raise InvalidInput(
            f"A retrieval for {format_counted(days, 'day')} is out of range",
            remedy=f"Use 1 to {MOST_DAYS} days.",
        )


def _objects(store: BucketStore, backup_id: str, table: str, work: Work) -> list[Stored]:
    """Return the objects of the only backup whose id begins with a text; manifests are not read."""
    found: dict[tuple[str, str], list[Stored]] = {}
    for stored in store.list(table_prefix(table or None), work=work):
        key = parse(stored.key)
        if key is not None and key.id.startswith(backup_id):
            found.setdefault((key.id, key.table), []).append(stored)
    exact = [name for name in found if name[0] == backup_id] or list(found)
    if not exact:
        raise NotFound(
            f"There is no backup {backup_id}",
            remedy="Choose an id from the list of backups.",
            subject=table,
        )
    if len(exact) > 1:
        raise InvalidInput(
            f"Several backups ({len(exact)}) have an id that begins with {backup_id}",
            remedy="Enter more characters of the id, or the name of the table.",
            subject=table,
        )
    return found[exact[0]]


def _report(
    found: Sequence[Stored], objects: Sequence[ArchivedObject], mode: str, days: int
) -> ThawReport:
    key = parse(found[0].key)
    assert key is not None
    archived = [each for each in objects if each.state is ArchiveState.ARCHIVED]
    requested = sum(each.state is ArchiveState.REQUESTED for each in objects)
    cost, duration = _price(archived, mode, days)
    return ThawReport(
        key.id,
        key.table,
        tuple(sorted({each.tier for each in objects if each.tier != TIERING})),
        len(archived),
        requested,
        len(found) - len(archived) - requested,
        sum(each.size for each in archived),
        mode,
        days,
        cost,
        duration,
        PRICES,
        min((each.until for each in objects if each.until), default=None),
    )


def _price(archived: Iterable[ArchivedObject], mode: str, days: int) -> tuple[float, str]:
    """Return the cost of the retrieval in US dollars, and the longest of the stated durations."""
    cost, durations = 0.0, [""]
    for each in archived:
        retrieval = _RETRIEVALS.get((each.tier, mode))
        if retrieval is None:
            raise InvalidInput(
                f"The storage class {each.tier} has no retrieval tier {mode}",
                remedy="Use Standard or Bulk.",
                effect="Nothing was requested.",
                subject=each.key,
            )
        size = each.size / _GB
        cost += size * retrieval.per_gb + retrieval.per_thousand / 1000
        if each.tier in ARCHIVE_CLASSES:
            cost += size * _COPY_PRICE * days / _MONTH_DAYS
        durations.append(retrieval.duration)
    return cost, max(durations, key=_order)


def _order(duration: str) -> int:
    with suppress(ValueError):
        return _SLOWEST.index(duration)
    return -1
