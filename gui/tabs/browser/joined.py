"""One preview of several selected objects, or of the objects of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.errors import InvalidInput
from core.model.objects import ObjectRow
from core.objects.bucket import Bucket
from core.objects.listing import list_pages
from core.objects.reading import read
from core.objects.small_loop import SMALL_BYTES
from core.objects.small_reads import ListedObject, read_many
from core.preview import HEAD_BYTES, Preview, join_previews, preview
from core.preview.joining import JOINED
from core.units import format_size
from core.work import Progress, Work

#: Objects and bytes that are joined at most: a day of order books of each minute, a month of
#: hourly candles. More is collected into a table, see `core.collect`.
MOST_OBJECTS = 1_500
MOST_BYTES = 32 * 1024 * 1024


def load_joined(
    bucket: Bucket, rows: Iterable[ObjectRow], folders: Iterable[str], work: Work
) -> Preview:
    """Return one preview of objects and of all objects below folders.

    Raises:
        InvalidInput: they have nothing in common, or are too many.
        StorageError: an object cannot be read.
    """
    objects = _objects_of(bucket, rows, folders, work)
    size = sum(each.size for each in objects)
    if len(objects) > MOST_OBJECTS or size > MOST_BYTES:
        raise InvalidInput(
            f"More than {MOST_OBJECTS:,} objects or {format_size(MOST_BYTES)} are selected",
            remedy="Select fewer objects, or collect the range on the page “Collect”.",
        )
    seen = _previews_of(bucket, objects, work)
    joined = join_previews([each for each in seen if each is not None], work=work)
    if joined is None:
        raise InvalidInput(
            "These objects cannot be shown together",
            remedy="Select candles, order books, trades, or tables with the same columns.",
        )
    return joined


def _objects_of(
    bucket: Bucket, rows: Iterable[ObjectRow], folders: Iterable[str], work: Work
) -> list[ListedObject]:
    """Return the objects by key; more than the limit are not listed to the end."""
    found = {row.key: (row.size, row.etag) for row in rows}
    for prefix in folders:
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


def _previews_of(
    bucket: Bucket, objects: Sequence[ListedObject], work: Work
) -> list[Preview | None]:
    """Return the preview of each object; None for one that was deleted since it was listed."""
    found: list[Preview | None] = [None] * len(objects)
    done = 0

    def received(listed: ListedObject, data: bytes) -> None:
        nonlocal done
        done += 1
        work.report(Progress(done, len(objects), unit="objects"))
        work.check()
        made = preview(data, listed.key, total=listed.size, work=work)
        # Text and tree of each object would need many times the memory of what is joined.
        used = tuple(each for each in made.representations if isinstance(each, JOINED))
        found[listed.number] = replace(made, representations=used or made.representations[:1])

    small = [each for each in objects if each.size <= SMALL_BYTES]
    rest = read_many(bucket, small, received=received, work=work)
    for each in (*rest, *(each for each in objects if each.size > SMALL_BYTES)):
        received(
            each, read(bucket, each.key, start=0, length=min(each.size, HEAD_BYTES), work=work)
        )
    return found
