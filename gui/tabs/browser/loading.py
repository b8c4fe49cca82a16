"""What the Browser fetches, as plain functions for worker threads: no Qt, no boto."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import Archived, InvalidInput, StorageError
from core.model.objects import LevelPage, ObjectInfo
from core.objects.bucket import Bucket
from core.objects.level import list_level
from core.objects.listing import list_pages
from core.objects.reading import head, read
from core.preview import HEAD_BYTES, Preview, preview
from core.work import Progress, Work
from gui.models.folder_model import Rows, rows_of

#: A folder's listing stops here and asks before it goes on: ten requests.
ROWS_AT_ONCE = 10_000
#: A folder with more objects than this is not deleted or downloaded from the window at once.
PLANNED_AT_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a folder, and its rows ready to be shown."""

    level: LevelPage
    rows: Rows


@dataclass(frozen=True, slots=True)
class Looked:
    """One object as the right side shows it.

    `preview` is None when the bytes could not be had (`error` says why) although the object is
    there. `sha256` is ours, made of all bytes; None when only the beginning was read. `as_etag`
    tells whether the bytes have the MD5 that the ETag of a simple upload is (S3 User Guide,
    "Checking object integrity").
    """

    info: ObjectInfo
    preview: Preview | None
    sha256: str | None = None
    as_etag: bool = False
    error: StorageError | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """The objects that a bulk act is about, with their sizes in bytes and ETags as listed.

    The ETag of an object that was selected by itself is empty: its row may be old.
    """

    keys: tuple[str, ...]
    sizes: tuple[int, ...]
    folders: tuple[str, ...] = ()
    etags: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """The bytes of all together."""
        return sum(self.sizes)


def load_level(bucket: Bucket, prefix: str, token: str | None, rows: int, work: Work) -> str | None:
    """Hand pages (`Page`) of a folder to `work.batch` until its end or `rows`.

    Returns:
        the token that goes on with the listing, None at its end.

    Raises:
        StorageError: the folder cannot be listed.
    """
    seen = 0
    while True:
        page = list_level(bucket, prefix, token=token, work=work)
        work.batch(Page(page, rows_of(prefix, page.folders, page.objects)))
        seen += len(page.folders) + len(page.objects)
        work.report(Progress(seen, unit="items"))
        token = page.token
        if token is None or seen >= rows:
            return token
        work.check()


def look_at(bucket: Bucket, key: str, work: Work) -> Looked:
    """Return what a HEAD and the first 8 MiB of an object tell.

    Raises:
        StorageError: the object does not exist or may not be read.
    """
    info = head(bucket, key, work=work)
    work.check()
    try:
        data = read(bucket, key, start=0, length=min(info.size, HEAD_BYTES), work=work)
    except Archived as error:
        return Looked(info, None, error=error)
    work.check()
    seen = preview(data, key, total=info.size, content_type=info.content_type, work=work)
    if len(data) != info.size:
        return Looked(info, seen)
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Looked(info, seen, hashlib.sha256(data).hexdigest(), md5 == info.etag)


def plan_of(
    bucket: Bucket, rows: Iterable[tuple[str, int]], folders: Iterable[str], work: Work
) -> Plan:
    """Return all objects that selected rows and folders stand for.

    Raises:
        InvalidInput: there are more than the window takes on at once.
        StorageError: a folder cannot be listed.
    """
    chosen = tuple(folders)
    found = {key: (size, "") for key, size in rows}
    for prefix in chosen:
        for page in list_pages(bucket, prefix, work=work):
            found.update(zip(page.keys, zip(page.sizes, page.etags, strict=True), strict=True))
            work.report(Progress(len(found), unit="objects"))
            work.check()
            if len(found) > PLANNED_AT_MOST:
                raise InvalidInput(
                    f"More than {PLANNED_AT_MOST:,} objects are chosen",
                    remedy="Choose a smaller folder, or let a lifecycle rule do it.",
                    subject=prefix,
                )
    sizes = tuple(size for size, _etag in found.values())
    return Plan(tuple(found), sizes, chosen, tuple(etag for _size, etag in found.values()))
