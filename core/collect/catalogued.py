"""Keys of the catalogue instead of LIST requests, if it covers a prefix and is not old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from core.catalog.catalog import Catalog
from core.errors import Cancelled, LimitExceeded, NotFound, StorageError
from core.objects.bucket import Bucket
from core.objects.pages import Columns
from core.units import format_age, utc_now
from core.work import Work

#: The greatest ages of the last listing of new keys, and of all keys, which finds deleted ones.
NEW_KEYS, ALL_KEYS = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Catalogued:
    """Keys below some prefixes.

    Attributes:
        keys: the objects, in the order of their keys.
        listed: when the oldest of the prefixes was listed.
    """

    keys: Columns
    listed: datetime


def catalogued(bucket: Bucket, prefixes: Sequence[str], work: Work) -> Catalogued | None:
    """Return the keys below prefixes; None if the catalogue is too old, damaged or lacks one.

    Raises:
        Cancelled: a cancel was requested.
    """
    catalog = Catalog(bucket)
    state = catalog.state
    listed = [state.listed_for(prefix) if state else None for prefix in prefixes]
    known = [each for each in listed if each is not None]
    now = utc_now()
    if not known or len(known) < len(prefixes):
        return None
    recent, complete = min(each.recent for each in known), min(each.complete for each in known)
    if now - recent > NEW_KEYS or now - complete > ALL_KEYS:
        return None
    keys = catalog.listed_keys(prefixes, work)
    return Catalogued(keys, recent) if keys is not None else None


def age_text(listed: datetime | None) -> str:
    """Return the sentence about keys of the catalogue; empty for keys that were just listed."""
    if listed is None:
        return ""
    return f"The keys are from the catalogue of {format_age(listed)}; newer objects are missing."


class FromCatalog(Protocol):
    """Objects from the catalogue or a listing.

    Attributes:
        refusal: why the keys could not be listed again; empty if they were, or need not be.
    """

    refusal: str


T = TypeVar("T", bound=FromCatalog)


def listed_again(known: T, listing: Callable[[], T]) -> T:
    """Return what a listing finds where the catalogue has nothing: new objects may be missing.

    Args:
        known: the objects of the catalogue, returned with the reason if the listing fails.
        listing: lists the keys.

    Raises:
        Cancelled: a cancel was requested.
        LimitExceeded: there are too many objects.
    """
    try:
        return listing()
    except (Cancelled, LimitExceeded):
        raise
    except StorageError as error:
        known.refusal = error.summary
        return known


def not_listed(summary: str, listed: datetime | None, refusal: str, subject: str = "") -> NotFound:
    """Return the error about objects that a catalogue lacks and that cannot be listed again.

    Args:
        summary: what was not found.
        listed: when the catalogue listed the keys.
        refusal: why they could not be listed again.
        subject: the bucket or folder.
    """
    age = format_age(listed) if listed is not None else "an unknown age"
    return NotFound(
        f"{summary}, as far as the catalogue knows",
        cause=f"The catalogue is of {age}, and the keys could not be listed again: {refusal}.",
        remedy="Newer objects are missing from the catalogue. Use a profile that has "
        "s3:ListBucket, or update the catalogue with such a profile.",
        subject=subject,
    )
