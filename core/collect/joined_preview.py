"""The operation `preview.join`: several objects of a bucket as one preview.

The window has it run in the engine: reading a hundred megabytes takes seconds of the interpreter.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from core.errors import InvalidInput
from core.objects.bucket import Bucket, HasBucket
from core.objects.listing import list_pages
from core.objects.reading import read
from core.objects.small_loop import SMALL_BYTES
from core.objects.small_reads import ListedObject, read_many
from core.preview import HEAD_BYTES, Lines, Preview, join_previews, preview
from core.preview.joining import JOINED
from core.preview.packed import pack, packed_bytes
from core.units import format_count, format_counted, format_size
from core.work import Progress, Work, default_work

#: Objects and bytes that are joined at most: a day of order books of each minute, or a million
#: candles. More is collected into a table, see `core.collect.collecting`.
MOST_OBJECTS = 1_500
MOST_BYTES = 128 * 1024 * 1024
#: Bytes of what is drawn and shown at most: packed objects may be much larger than listed.
MOST_MEMORY = 256 * 1024 * 1024
#: Seconds of the processor for all objects together.
MOST_SECONDS = 60.0

#: Key, size in bytes and ETag of an object.
Named = tuple[str, int, str]


def join_objects(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    objects: Sequence[Named] = (),
    prefixes: Sequence[str] = (),
) -> Preview:
    """Return one preview of objects and of all objects below prefixes.

    Args:
        workspace: the services of a connection.
        work: cancel token and progress.
        objects: key, size in bytes and listed ETag of each object.
        prefixes: all objects below these are added.

    Raises:
        InvalidInput: they have nothing in common, or are too many or too large.
        StorageError: an object cannot be read.
    """
    work = default_work(work)
    bucket = workspace.bucket
    found = _listed(bucket, objects, prefixes, work)
    size = sum(each.size for each in found)
    if len(found) > MOST_OBJECTS or size > MOST_BYTES:
        raise _too_much(f"{format_count(MOST_OBJECTS)} objects or {format_size(MOST_BYTES)}")
    joined = join_previews(_Reading(bucket, found, work).previews(), work=work)
    if joined is None:
        raise InvalidInput(
            "These objects cannot be shown together",
            remedy="Select candles, order books, trades, or tables with the same columns.",
        )
    return joined


def _too_much(limit: str) -> InvalidInput:
    return InvalidInput(
        f"More than {limit} are selected",
        remedy="Select fewer objects, or collect the range into a table.",
    )


def _listed(
    bucket: Bucket, objects: Sequence[Named], prefixes: Sequence[str], work: Work
) -> list[ListedObject]:
    """Return the objects by key; more than the limit are not listed to the end."""
    found = {key: (size, etag) for key, size, etag in objects}
    for prefix in prefixes:
        for page in list_pages(bucket, prefix, work=work):
            found.update(zip(page.keys, zip(page.sizes, page.etags, strict=True), strict=True))
            work.check()
            if len(found) > MOST_OBJECTS:
                break
    return [
        ListedObject(number, key, size, etag)
        for number, (key, (size, etag)) in enumerate(sorted(found.items()))
        if size
    ]


class _Reading:
    """Reads the objects, and retains of each what can be joined, in packed form."""

    def __init__(self, bucket: Bucket, objects: Sequence[ListedObject], work: Work) -> None:
        self._bucket, self._objects, self._work = bucket, objects, work
        self._found: dict[int, Preview] = {}
        self._memory = 0
        self._seconds = 0.0

    def previews(self) -> list[Preview]:
        """Return the previews in the order of the keys, without objects that were deleted."""
        small = [each for each in self._objects if each.size <= SMALL_BYTES]
        rest = read_many(self._bucket, small, received=self._on_received, work=self._work)
        for each in (*rest, *(each for each in self._objects if each.size > SMALL_BYTES)):
            length = min(each.size, HEAD_BYTES)
            data = read(self._bucket, each.key, start=0, length=length, work=self._work)
            self._on_received(each, data)
        return [self._found[number] for number in sorted(self._found)]

    def _on_received(self, listed: ListedObject, data: bytes) -> None:
        self._work.check()
        began = time.thread_time()
        made = preview(data, listed.key, total=listed.size, first_only=True, work=self._work)
        # Text and tree of each object would need many times the memory of what is joined.
        used = [each for each in made.representations if isinstance(each, JOINED)]
        # The first one is the most special: candles have a table as well, which is as large.
        shown = pack(used[0]) if used else Lines(())
        self._found[listed.number] = replace(made, representations=(shown,))
        self._memory += packed_bytes(shown)
        self._seconds += time.thread_time() - began
        self._check(listed)
        done = len(self._found)
        self._work.report(Progress(done, len(self._objects), unit="objects"))

    def _check(self, listed: ListedObject) -> None:
        if self._memory > MOST_MEMORY:
            raise _too_much(f"{format_size(MOST_MEMORY)} of unpacked data")
        if self._seconds > MOST_SECONDS:
            raise InvalidInput(
                f"Reading the selected objects takes longer than {MOST_SECONDS:.0f} seconds",
                cause=f"{format_counted(len(self._found), 'object')} of "
                f"{format_count(len(self._objects))} had been read.",
                remedy="Select fewer objects, or collect the range into a table.",
                subject=listed.key,
            )
