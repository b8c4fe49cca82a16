"""Whether the objects of a plan are still those that were listed, and which ones have arrived."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from core.aws.limits import LIST_KEYS
from core.errors import NotFound
from core.objects.bucket import Bucket
from core.objects.listing import list_pages
from core.objects.reading import head
from core.work import Work

_THREADS = 16
#: Up to this number of objects, each is inspected; more are listed.
_ASKED = 100
#: The maximum number of arrived objects to name.
ARRIVED_AT_MOST = 1_000


def replaced_keys(
    bucket: Bucket, etags: Mapping[str, str], work: Work, *, readable: bool = True
) -> set[str]:
    """Return the keys that have another object than the listed one; missing objects are not among them.

    Args:
        bucket: the bucket.
        etags: the listed ETag of each key, without quotes; empty if it is not known.
        work: cancel token and retry budget.
        readable: whether the objects may be read; otherwise they are only listed.

    Raises:
        StorageError: an object could not be inspected.
    """
    left = {key: etag for key, etag in etags.items() if etag}
    found: set[str] = set()
    if len(left) > _ASKED:
        # The keys of a folder need few requests; other keys may be far apart among many others.
        pages = 2 + 2 * len(left) // LIST_KEYS
        folder = _common_folder(min(left), max(left))
        for number, page in enumerate(list_pages(bucket, folder, work=work), 1):
            for key, etag in zip(page.keys, page.etags, strict=True):
                if left.pop(key, etag).strip('"') != etag.strip('"'):
                    found.add(key)
            if not left or number == pages:
                break

    def is_replaced(key: str) -> bool:
        work.check()
        try:
            now = head(bucket, key, work=work).etag if readable else _listed(bucket, key, work)
        except NotFound:
            return False
        return now not in {None, left[key].strip('"')}

    with ThreadPoolExecutor(_THREADS, "compare") as pool:
        keys = [*left]
        return found.union(
            key for key, other in zip(keys, pool.map(is_replaced, keys), strict=True) if other
        )


def _listed(bucket: Bucket, key: str, work: Work) -> str | None:
    """Return the ETag of an object in a listing; None if it is not listed."""
    for page in list_pages(bucket, key, work=work):
        # The key itself is before all keys that begin with it.
        if key in page.keys:
            return page.etags[page.keys.index(key)].strip('"')
        break
    return None


def _common_folder(first: str, last: str) -> str:
    """Return the folder of two keys, and so of all keys between them; empty or with a final slash."""
    parts: list[str] = []
    for one, other in zip(first.split("/")[:-1], last.split("/")[:-1], strict=False):
        if one != other:
            break
        parts.append(one + "/")
    return "".join(parts)


def arrived_keys(
    bucket: Bucket, folders: Iterable[str], known: Collection[str], work: Work
) -> tuple[str, ...]:
    """Return objects in folders that are not among the known keys, at most `ARRIVED_AT_MOST`.

    Raises:
        StorageError: a folder could not be listed.
    """
    found: list[str] = []
    for folder in folders:
        for page in list_pages(bucket, folder, work=work):
            found += [key for key in page.keys if key not in known]
            if len(found) >= ARRIVED_AT_MOST:
                return tuple(found[:ARRIVED_AT_MOST])
    return tuple(found)
