"""Number, size and newest time of the objects below each folder, without a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from core.catalog.catalog import Catalog
from core.work import Work


@dataclass(frozen=True, slots=True)
class FolderTotal:
    """Number and bytes of all objects below a folder, and when the newest was written."""

    objects: int
    size: int
    newest: datetime


def folder_totals(catalog: Catalog, depth: int, work: Work) -> Mapping[str, FolderTotal]:
    """Return the totals of all folders up to a depth; the empty one is the bucket.

    Args:
        catalog: the catalogue.
        depth: the number of levels below the bucket.
        work: cancel token.

    Raises:
        NotFound: there is no catalogue yet.
        Cancelled: the token of `work` was cancelled.
    """
    found: dict[str, FolderTotal] = {}
    with catalog.cursor(work) as cursor:
        for level in range(depth + 1):
            # Keys that have fewer folders yield an empty text, which is the bucket itself.
            folder = f"regexp_extract(key, '^(?:[^/]*/){{{level}}}')"
            rows = cursor.execute(
                f"SELECT {folder}, count(*), sum(size)::BIGINT, max(modified) FROM keys GROUP BY 1"  # noqa: S608 - a number
            ).fetchall()
            for name, objects, size, newest in rows:
                if bool(name) == bool(level):
                    found[name] = FolderTotal(objects, size, newest.replace(tzinfo=UTC))
    return found
