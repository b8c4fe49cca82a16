"""Fast download of many small objects with obstore, each verified before its file appears."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

from core.local.partial_files import remove_partials
from core.model.objects import Verdict
from core.objects.bucket import Bucket
from core.objects.reading import Downloaded
from core.objects.small_batch import FEWEST, SmallBatch
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class SmallObject:
    """One object to download to `path`; `number` identifies it for the caller.

    Attributes:
        size: its listed size in bytes.
        etag: its listed ETag without quotes, or an empty string.
    """

    number: int
    key: str
    path: Path
    size: int
    etag: str = ""


def download_many(
    bucket: Bucket,
    objects: Iterable[SmallObject],
    *,
    received: Callable[[SmallObject, Downloaded], None],
    overwrite: bool = False,
    work: Work | None = None,
) -> list[SmallObject]:
    """Download small objects, 32 at a time, and compare each with its SHA-256 or MD5.

    A file appears under its name when its bytes are verified and on the disk. Objects without a
    hash that can be compared are returned, like those that failed: the regular download decides.

    Args:
        bucket: the bucket.
        objects: with `addressable` keys, of at most `SMALL_BYTES`.
        received: called in this thread for each completed file.
        overwrite: whether existing files are replaced.
        work: cancel.

    Returns:
        The objects that were not downloaded; none of them has left an incomplete file.

    Raises:
        Cancelled: the token of `work` was cancelled.
        StorageError: there are no credentials, or the bucket cannot be found.
    """
    work = default_work(work)
    work.check()
    rest = iter(objects)
    first = list(islice(rest, FEWEST))
    if len(first) < FEWEST:
        return first
    bucket.clients.note_use("s3", "GetObject")
    return _Batch(bucket, chain(first, rest), received, work, overwrite=overwrite).run()


class _Batch(SmallBatch[SmallObject]):
    """Objects that a process downloads."""

    module = "core.objects.small_receiver"

    def __init__(
        self,
        bucket: Bucket,
        objects: Iterator[SmallObject],
        received: Callable[[SmallObject, Downloaded], None],
        work: Work,
        *,
        overwrite: bool,
    ) -> None:
        super().__init__(bucket, objects, work)
        self._received, self._overwrite = received, overwrite
        self._folders: set[Path] = set()

    def run(self) -> list[SmallObject]:
        """Download the objects; no temporary file of the process remains."""
        try:
            return super().run()
        finally:
            remove_partials(self._folders)

    def settings(self) -> dict[str, Any]:
        return {"overwrite": self._overwrite}

    def described(self, file: SmallObject) -> dict[str, Any]:
        parent = file.path.parent
        self._folders.add(parent)
        return {
            "key": file.key,
            "path": str(file.path),
            # The process refuses a folder that became a link to another place in the meantime.
            "folder": str(parent.resolve()),
            "size": file.size,
            "etag": file.etag,
        }

    def succeeded(self, file: SmallObject, answer: dict[str, Any]) -> None:
        verdict = Verdict[answer["verdict"]]
        self._received(file, Downloaded(file.path, file.size, answer["sha256"], verdict))
