"""Fast upload of many small files with obstore, for keys that it does not modify."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from core.effects import Result, note_attempt
from core.errors import Cancelled, StorageError
from core.model.objects import Verdict, Written
from core.objects import conditions
from core.objects.bucket import Bucket
from core.objects.sending import discard
from core.objects.small_batch import FEWEST, SmallBatch
from core.objects.writing import guess_type, upload
from core.work import Work, default_work


@dataclass(frozen=True, slots=True)
class SmallFile:
    """One file to send; `number` identifies it for the caller."""

    number: int
    path: str
    key: str


def upload_many(
    bucket: Bucket,
    files: Iterable[SmallFile],
    *,
    sent: Callable[[SmallFile, Written], None],
    only_new: bool = False,
    work: Work | None = None,
) -> list[SmallFile]:
    """Send small files, 32 at a time, each with its SHA-256 as metadata.

    Args:
        bucket: the target bucket.
        files: with `addressable` keys, of at most `SMALL_BYTES`.
        sent: called in this thread for each file that the server has confirmed.
        only_new: never overwrite an object; requires a server that honours the condition.
        work: cancel.

    Returns:
        The files that were not sent; none of them has left an incomplete object.

    Raises:
        Cancelled: the token of `work` was cancelled.
        StorageError: there are no credentials, or the bucket cannot be found.
    """
    work = default_work(work)
    work.check()
    # The files are an iterator: a plan of a million files is never held twice.
    rest = iter(files)
    first = list(islice(rest, FEWEST))
    if len(first) < FEWEST:
        return first
    bucket.clients.note_use("s3", "PutObject")
    note_attempt("PutObject", Result.UNKNOWN)  # this library does not report its attempts
    left: list[SmallFile] = []
    # The test of the server writes a second time, which the process cannot do.
    if only_new and conditions.is_supported(bucket, conditions.PUT) is None:
        left += _first_alone(bucket, first.pop(), sent, work)
    # Without conditional writes each key must be checked before, which the regular upload does.
    if only_new and not conditions.is_supported(bucket, conditions.PUT):
        return [*left, *first, *rest]
    batch = _Batch(bucket, _chained(first, rest), sent, work, only_new=only_new)
    return left + batch.run()


def _chained(first: list[SmallFile], rest: Iterator[SmallFile]) -> Iterator[SmallFile]:
    yield from first
    yield from rest


def _first_alone(
    bucket: Bucket, file: SmallFile, sent: Callable[[SmallFile, Written], None], work: Work
) -> list[SmallFile]:
    """Send one file with the regular upload, which determines whether conditions are honoured."""
    silent = Work(work.token, budget=work.budget)
    try:
        written = upload(bucket, file.key, Path(file.path), only_new=True, work=silent)
    except Cancelled:
        raise
    except StorageError:
        return [file]
    sent(file, written)
    return []


class _Batch(SmallBatch[SmallFile]):
    """Files that a process sends."""

    module = "core.objects.small_sender"

    def __init__(
        self,
        bucket: Bucket,
        files: Iterator[SmallFile],
        sent: Callable[[SmallFile, Written], None],
        work: Work,
        *,
        only_new: bool,
    ) -> None:
        super().__init__(bucket, files, work)
        self._sent, self._only_new = sent, only_new

    def settings(self) -> dict[str, Any]:
        return {"only_new": self._only_new}

    def described(self, file: SmallFile) -> dict[str, Any]:
        return {"path": file.path, "key": file.key, "type": guess_type(file.key)}

    def succeeded(self, file: SmallFile, answer: dict[str, Any]) -> None:
        self._sent(
            file,
            Written(
                file.key,
                answer["etag"],
                answer["size"],
                answer["version"],
                answer["sha256"],
                Verdict.MD5,
            ),
        )

    def failed(self, file: SmallFile, answer: dict[str, Any]) -> None:
        if self._only_new and answer.get("differs", {}).get("ETag"):
            cancelled = self._work.token.cancelled
            discard(self._bucket, file.key, answer["differs"], cancelled=cancelled)
