"""The contents of the objects of a range: from the cache, many small ones at once, or one by one, or as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from core.aws.limits import MIB
from core.collect.cache import ObjectCache
from core.collect.keys import ARCHIVES, Found
from core.collect.report import ranges_of
from core.collect.rows import MOST_BYTES
from core.errors import CONNECTION_KINDS, LocalIOError, StorageError
from core.local.atomic import translate_os_errors
from core.local.spool import private_file
from core.objects.bucket import Bucket
from core.objects.fetching import Fetch, Listed
from core.objects.reading import fetch
from core.objects.small_loop import SMALL_BYTES
from core.objects.small_reads import ListedObject, read_many
from core.units import format_counted, format_size
from core.work import Progress, RetryBudget, Work

_THREADS = 12
#: Objects that failed one after the other for a temporary reason, which ends the collection.
_GIVE_UP = 3

#: Objects with more bytes are written to files, one after the other, if there is a folder for them.
STORED_BYTES = 8 * MIB
#: Bytes of a packed object that is unpacked in memory.
MOST_PACKED = MIB

Received = Callable[[int, bytes], None]


@dataclass(frozen=True, slots=True)
class Store:
    """Where large objects are written to, and what is called with the number and file of each."""

    folder: Path
    received: Callable[[int, Path], None]


@dataclass(slots=True)
class Contents:
    """What was not read, by the number of the object, and the number of requests that were sent.

    `changed` is the number of objects that are not as they were listed.
    """

    missing: dict[int, str] = field(default_factory=dict)
    gets: int = 0
    changed: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks about objects that are not as they were listed."""
        if not self.changed:
            return ()
        count = format_counted(self.changed, "object")
        return (f"{count} changed after the keys were listed: the present content was read.",)


def read_contents(
    bucket: Bucket,
    objects: Sequence[Found],
    cache: ObjectCache | None,
    received: Received,
    work: Work,
    store: Store | None = None,
) -> Contents:
    """Read objects in any order.

    Args:
        bucket: the bucket.
        objects: the objects; their positions are their numbers.
        cache: the cache, which receives what is read.
        received: called in this thread with the number and the bytes of each object.
        work: cancel token, progress and limits.
        store: takes large objects; without it those of more than `MOST_BYTES` are not read.

    Raises:
        Cancelled: a cancel was requested.
        StorageError: the server cannot be reached, or refuses everything.
    """
    return _Reading(bucket, objects, cache, received, work, store).run()


class _Reading:
    def __init__(
        self,
        bucket: Bucket,
        objects: Sequence[Found],
        cache: ObjectCache | None,
        received: Received,
        work: Work,
        store: Store | None,
    ) -> None:
        self._bucket, self._objects, self._cache = bucket, objects, cache
        self._received, self._store = received, store
        self._work = work if work.budget is not None else replace(work, budget=RetryBudget())
        # Single objects would report their bytes as the progress of the collection.
        self._silent = Work(self._work.token, budget=self._work.budget, limits=self._work.limits)
        self._found = Contents()
        self._done = self._failures = 0

    def run(self) -> Contents:
        numbers = list(self._not_cached(self._readable()))
        large = [number for number in numbers if self._is_stored(number)]
        wanted = [number for number in numbers if not self._is_stored(number)]
        small = [number for number in wanted if self._objects[number].size <= SMALL_BYTES]
        left = read_many(
            self._bucket,
            (self._listed(number) for number in small),
            received=lambda listed, data: self._arrived(listed.number, listed.etag, data),
            work=self._work,
        )
        rest = [each.number for each in left]
        rest += [number for number in wanted if self._objects[number].size > SMALL_BYTES]
        self._one_by_one(rest)
        if self._store is not None:
            for number in large:
                self._write(number, self._store)
        return self._found

    def _is_stored(self, number: int) -> bool:
        return self._store is not None and self._objects[number].size > STORED_BYTES

    def _listed(self, number: int) -> ListedObject:
        found = self._objects[number]
        return ListedObject(number, found.key, found.size, found.etag)

    def _readable(self) -> Iterator[int]:
        for number, each in enumerate(self._objects):
            if each.storage_class in ARCHIVES:
                self._found.missing[number] = (
                    f"The object is archived ({each.storage_class}). Restore it first."
                )
            elif each.size > MOST_BYTES and self._store is None:
                self._found.missing[number] = (
                    f"The object has more than {format_size(MOST_BYTES)}, which one file of a range "
                    "may have. Query its folder instead: the rows of larger objects are read in parts."
                )
            else:
                yield number

    def _not_cached(self, numbers: Iterator[int]) -> Iterator[int]:
        if self._cache is None:
            yield from numbers
            return
        chosen = list(numbers)
        pairs = [(self._objects[number].key, self._objects[number].etag) for number in chosen]
        for number, body in zip(chosen, self._cache.bodies(pairs), strict=True):
            if body is None:
                yield number
            else:
                self._work.check()
                self._deliver(number, body)

    def _arrived(self, number: int, etag: str, data: bytes) -> None:
        self._found.gets += 1
        self._found.changed += etag != self._objects[number].etag
        self._failures = 0
        if self._cache is not None:
            self._cache.add(self._objects[number].key, etag, data)
        self._deliver(number, data)

    def _deliver(self, number: int, data: bytes) -> None:
        self._received(number, data)
        self._count_one()

    def _count_one(self) -> None:
        self._done += 1
        if self._done % 64 == 0 or self._done == len(self._objects):
            self._work.report(Progress(self._done, len(self._objects), "objects", "reading"))

    def _one_by_one(self, numbers: Sequence[int]) -> None:
        """Read objects with requests that are repeated after failures and report exact errors."""
        if not numbers:
            return
        with ThreadPoolExecutor(min(_THREADS, len(numbers)), "collect") as pool:
            # In groups, so that only some large objects are in memory at a time.
            for start in range(0, len(numbers), _THREADS):
                group = numbers[start : start + _THREADS]
                for number, outcome in zip(group, pool.map(self._fetched, group), strict=True):
                    if isinstance(outcome, StorageError):
                        self._failed(number, outcome)
                    else:
                        self._arrived(number, outcome[1], outcome[0])

    def _fetched(self, number: int) -> tuple[bytes, str] | StorageError:
        try:
            key = self._objects[number].key
            data, fetched = fetch(self._bucket, key, work=self._silent)
        except StorageError as error:
            self._work.check()
            return error
        return data, fetched.etag

    def _write(self, number: int, store: Store) -> None:
        """Download a large object to a file, with its bytes as the progress."""
        found = self._objects[number]
        path = private_file(store.folder / f"object-{number}")
        try:
            with translate_os_errors(path, "written"), path.open("r+b") as file:
                listed = Listed(found.size)
                fetched = Fetch(
                    self._bucket, found.key, file, self._work, version={}, listed=listed, path=path
                ).run()
        except LocalIOError:
            raise
        except StorageError as error:
            self._work.check()
            path.unlink()
            self._failed(number, error)
            return
        self._found.gets += 1 + ranges_of(fetched.size)
        self._found.changed += fetched.etag != found.etag
        self._failures = 0
        store.received(number, path)
        self._count_one()

    def _failed(self, number: int, error: StorageError) -> None:
        """Note a failure; raise it if no other object would be read either."""
        self._found.gets += 1
        self._failures += error.retryable
        if error.kind in CONNECTION_KINDS or self._failures >= _GIVE_UP:
            raise error
        self._found.missing[number] = error.cause or error.summary
