"""The keys of the catalogue as a source of names for the search of the window (Ctrl+K)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import nlargest
from typing import TYPE_CHECKING

from core.errors import StorageError
from core.objects.bucket import Bucket
from core.work import Work
from gui.models.names import Match, Name, key_name, score, search_terms

if TYPE_CHECKING:
    from core.catalog.catalog import Catalog

#: Number of the newest matching keys of which the best ones are returned.
_COMPARED = 1_000
#: The score of the entry that opens the search page, which follows all keys.
_LAST = 1


class CatalogNames:
    """All keys of the bucket, once they are listed in its catalogue.

    Args:
        bucket: returns the current bucket.
    """

    def __init__(self, bucket: Callable[[], Bucket | None]) -> None:
        self._bucket = bucket
        self._opened: tuple[Bucket, Catalog] | None = None

    def find(self, text: str, limit: int, work: Work) -> Sequence[Match]:
        """Return the best of the newest matching keys, and an entry that searches all of them."""
        terms, catalog = search_terms(text), self._catalog()
        if not terms or catalog is None:
            return []
        page = Match(_LAST, Name("All keys", f"Search all keys for {text}", ("search", text)))
        # The parser and the database take a tenth of a second to load: not before they are needed.
        from core.catalog.query import Query, contains

        try:
            query = Query(tuple(contains(term) for term in terms))
            found = catalog.search(query, order="modified", descending=True, work=work)
        except (
            StorageError
        ):  # removed in the meantime, or cancelled; other sources still have names
            work.check()
            return [page]
        keys = (row.key for row in found.page(0, _COMPARED))
        matches = (Match(score(key, terms), key_name(key)) for key in keys)
        return [*nlargest(limit, matches, key=lambda each: each.score), page]

    def _catalog(self) -> Catalog | None:
        """Return the catalogue of the current bucket if there is one."""
        bucket = self._bucket()
        if bucket is None:
            return None
        from core.catalog.catalog import Catalog

        if self._opened is None or self._opened[0] is not bucket:
            self._opened = (bucket, Catalog(bucket))
        catalog = self._opened[1]
        return catalog if catalog.state is not None else None
