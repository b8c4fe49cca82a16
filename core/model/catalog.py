"""Values of the catalogue: the local index of a bucket's keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: The remedy of errors about a missing catalogue; the command line names its command instead.
LIST_KEYS = "List the keys of the bucket first."


@dataclass(frozen=True, slots=True)
class Listed:
    """When a prefix was listed; both times are those at which the listing began.

    Attributes:
        complete: when all of its keys were listed.
        recent: when its new keys were listed last, which is not before `complete`.
    """

    complete: datetime
    recent: datetime


@dataclass(frozen=True, slots=True)
class CatalogState:
    """What a catalogue contains.

    Attributes:
        bucket: the name of the bucket.
        objects: the number of keys; None if a segment cannot be read.
        disk: bytes of its files.
        listed: the prefixes that were listed (an empty one is the complete bucket).
        damaged: the names of segments that are missing or corrupt. Their keys are missing from
            results until the next refresh, which lists them again.
        source: `listing`, or `inventory` if the keys come from a report of S3 Inventory.
    """

    bucket: str
    objects: int
    disk: int
    listed: Mapping[str, Listed] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    source: str = "listing"

    def listed_for(self, prefix: str) -> Listed | None:
        """Return when a prefix was listed; None if the catalogue does not cover it."""
        found = [listed for name, listed in self.listed.items() if prefix.startswith(name)]
        if not found:
            return None
        return Listed(max(each.complete for each in found), max(each.recent for each in found))


@dataclass(frozen=True, slots=True)
class RefreshEstimate:
    """What a refresh costs, by the keys that are known.

    Attributes:
        prefix: what is listed.
        complete: whether all keys are listed, and not only new ones.
        requests: the number of LIST requests; None if the catalogue does not know the prefix yet.
        cost: US dollars for them at the list price that `prices` names; None likewise.
        prices: the source of the price.
    """

    prefix: str
    complete: bool
    requests: int | None
    cost: float | None
    prices: str


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh of the catalogue has found.

    Attributes:
        prefix: what was listed.
        complete: whether all keys were listed, and not only new ones.
        objects: the number of keys in the catalogue.
        added: keys that were not in the catalogue before.
        changed: keys whose size, time, ETag or storage class has changed.
        removed: keys that do not exist any more.
        requests: the number of LIST requests that were sent.
        began: when the listing began.
        shared: whether another process made this refresh at the same time, so that no request was
            sent by this one.
        notes: remarks about a report of S3 Inventory.
    """

    prefix: str
    complete: bool
    objects: int
    added: int
    changed: int
    removed: int
    requests: int
    began: datetime
    shared: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """One key of the catalogue, and its parts by the data contract (empty for other keys).

    `moment` is the time in the key, `modified` the time at which the object was written; both are
    in UTC.
    """

    key: str
    size: int
    modified: datetime
    storage_class: str
    kind: str = ""
    symbol: str = ""
    timeframe: str = ""
    moment: datetime | None = None
