"""Functions that load data for the Browser in worker threads, without Qt or boto."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module

from core.errors import Archived, InvalidInput, StorageError
from core.model.listing import ObjectInfo, ObjectRow
from core.objects.bucket import Bucket
from core.objects.level import page_of
from core.objects.listing import list_pages
from core.objects.reading import head, read
from core.preview import HEAD_BYTES, Preview, preview
from core.units import iso_utc, utc_now
from core.work import Progress, Work
from gui.tabs.browser.folder_rows import Rows, joined, rows_of_columns

#: A listing stops after this many rows until the user continues it: 250 requests, 0.00125 USD.
ROWS_AT_ONCE = 250_000
#: Seconds in which the pages of a quick server are collected before they are shown.
_PAGE_SECONDS = 0.1
#: The maximum number of objects that the window deletes or downloads at once.
PLANNED_AT_MOST = 250_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a folder as columns, the token that continues it, and the request time."""

    rows: Rows
    token: str | None
    fetched: datetime


@dataclass(frozen=True, slots=True)
class Inspection:
    """One object as the right column shows it.

    `preview` is None when the object exists but its content could not be read; `error` is the
    reason. `sha256` is calculated from the complete content, None when only the beginning was
    read. `as_etag` is whether the MD5 of the content is the ETag, as it is after a simple upload
    (S3 User Guide, "Checking object integrity").
    """

    info: ObjectInfo
    preview: Preview | None
    sha256: str | None = None
    as_etag: bool = False
    error: StorageError | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The objects of a delete or download, with their sizes in bytes and listed ETags.

    The ETag of an individually selected object is empty, since its row may be old. `modified` has
    the times as they were listed (ISO 8601).
    """

    keys: tuple[str, ...]
    sizes: tuple[int, ...]
    folders: tuple[str, ...] = ()
    etags: tuple[str, ...] = ()
    modified: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The total size in bytes."""
        return sum(self.sizes)


def load_level(bucket: Bucket, prefix: str, token: str | None, rows: int, work: Work) -> str | None:
    """Pass pages (`Page`) of a folder to `work.batch` until its end or `rows` rows.

    Returns:
        The token that continues the listing, None at its end.

    Raises:
        StorageError: the folder cannot be listed.
    """
    seen, waiting = 0, _WaitingPages(work)
    while True:
        work.check()
        fetched = utc_now()
        columns, token = page_of(bucket, prefix, delimiter="/", token=token, work=work)
        found = rows_of_columns(prefix, columns)
        seen += len(found)
        ended = token is None or seen >= rows
        if not ended:
            # Sorting many rows needs it, and importing it would block the window for too long: also
            # in this thread, so that it is done before there are rows to scroll.
            import_module("numpy")
        waiting.add(Page(found, token, fetched), at_once=ended)
        work.report(Progress(seen, unit="items"))
        if ended:
            return token


class _WaitingPages:
    """Pages that arrive quickly are passed on together: each one costs the window some time."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._pages: list[Page] = []
        self._passed = -_PAGE_SECONDS

    def add(self, page: Page, *, at_once: bool) -> None:
        """Add a page, and pass all of them on if the last time was long ago."""
        self._pages.append(page)
        now = time.monotonic()
        if not at_once and now - self._passed < _PAGE_SECONDS:
            return
        rows = joined([each.rows for each in self._pages])
        # The age of the list is that of its oldest rows.
        self._work.batch(Page(rows, page.token, self._pages[0].fetched))
        self._pages, self._passed = [], now


def inspect_object(bucket: Bucket, key: str, work: Work) -> Inspection:
    """Inspect an object with HEAD and its first 8 MiB.

    Raises:
        StorageError: the object does not exist or may not be read.
    """
    info = head(bucket, key, work=work)
    work.check()
    try:
        data = read(bucket, key, start=0, length=min(info.size, HEAD_BYTES), work=work)
    except Archived as error:  # it has properties, but no readable content until it is restored
        return Inspection(info, None, error=error)
    work.check()
    seen = preview(
        data, key, total=info.size, content_type=info.content_type, work=work,
        fetch=lambda start, length: read(bucket, key, start=start, length=length, work=work),
    )  # fmt: skip
    if len(data) != info.size:  # the hash of a beginning would differ from any recorded one
        return Inspection(info, seen)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Inspection(info, seen, hashlib.sha256(data).hexdigest(), md5 == info.etag)


def plan_of(bucket: Bucket, rows: Iterable[ObjectRow], folders: Iterable[str], work: Work) -> Plan:
    """Return all objects of the selected rows and folders.

    Raises:
        InvalidInput: there are more than the window handles at once.
        StorageError: a folder cannot be listed.
    """
    chosen = tuple(folders)
    found = {row.key: (row.size, "", iso_utc(row.modified)) for row in rows}
    for prefix in chosen:
        for page in list_pages(bucket, prefix, work=work):
            columns = zip(page.sizes, page.etags, page.modified, strict=True)
            found.update(zip(page.keys, columns, strict=True))
            work.report(Progress(len(found), unit="objects"))
            work.check()
            if len(found) > PLANNED_AT_MOST:
                raise InvalidInput(
                    f"More than {PLANNED_AT_MOST:,} objects are selected",
                    remedy="Select a smaller folder, or use a lifecycle rule.",
                    subject=prefix,
                )
    sizes, etags, modified = zip(*found.values(), strict=True) if found else ((), (), ())
    return Plan(tuple(found), sizes, chosen, etags, modified)
