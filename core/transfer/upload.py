"""The operation `transfer.upload`: many files to their keys, each with an outcome."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from core.errors import AlreadyExists, Cancelled, NotFound, StorageError
from core.model.objects import ObjectInfo
from core.objects.bucket import Bucket
from core.objects.hashing import SHA256, Stamp, sha256_of, unreadable
from core.objects.parts import SINGLE_BYTES
from core.objects.reading import head
from core.objects.small import SMALL_BYTES, SmallFile, addressable, upload_many
from core.objects.writing import put
from core.objects.writing import upload as upload_file
from core.transfer.carrying import carried, order_of
from core.transfer.retrying import HOPELESS, Backoff
from core.transfer.tally import Tally
from core.transfer.values import HasBucket, TransferReport
from core.work import Work, default_work

_THREADS = 8
EXISTS = "it exists already"


def upload(  # noqa: PLR0913 - an operation's arguments are plain data, named by the caller
    workspace: HasBucket,
    work: Work | None = None,
    *,
    paths: Sequence[str],
    keys: Sequence[str],
    sizes: Sequence[int],
    skip: Sequence[int] = (),
    only_new: bool = False,
    journal: dict[str, str] | None = None,
) -> TransferReport:
    """Upload files, small ones together and large ones in parts; one that fails stops no other.

    Args:
        workspace: whose bucket it is.
        work: cancel, progress, and `Outcomes` as batches.
        paths: the files.
        keys: their keys, as many.
        sizes: their sizes in bytes when they were planned, as many.
        skip: numbers of the files that are left out since their keys exist.
        only_new: never write over an object; one that appeared since the plan is skipped.
        journal: `id`, `title` and `profile` to make it resumable; no journal without.

    Raises:
        LocalIOError: the journal cannot be written; nothing was sent.
        Cancelled: the token of `work` was cancelled; what is done stays, nothing is half there.
    """
    work = default_work(work)
    arguments = {
        "paths": list(paths),
        "keys": list(keys),
        "sizes": list(sizes),
        "skip": list(skip),
        "only_new": only_new,
    }
    order = order_of("transfer.upload", workspace, journal, arguments)
    run = _Upload(workspace.bucket, paths, keys, sizes, work, only_new=only_new)
    return carried(order, arguments, work, lambda tally: run.all(tally, frozenset(skip)))


class _Upload:
    """One run: the quick path for small files first, then what is left and what is large."""

    def __init__(
        self,
        bucket: Bucket,
        paths: Sequence[str],
        keys: Sequence[str],
        sizes: Sequence[int],
        work: Work,
        *,
        only_new: bool,
    ) -> None:
        self._bucket, self._paths, self._keys, self._sizes = bucket, paths, keys, sizes
        self._work, self._only_new = work, only_new
        self._backoff = Backoff(work)
        self._hopeless: StorageError | None = None

    def all(self, tally: Tally, skip: frozenset[int]) -> None:
        """Send what is not to be skipped."""
        for number in sorted(skip):
            tally.skipped(number, EXISTS)
        wanted = [number for number in range(len(self._keys)) if number not in skip]
        quick = [n for n in wanted if self._sizes[n] <= SMALL_BYTES and addressable(self._keys[n])]
        left = self._quick(quick, tally)
        others = sorted({*wanted} - {*quick})
        small = left + [n for n in others if self._sizes[n] <= SINGLE_BYTES]
        with ThreadPoolExecutor(_THREADS, "upload") as pool:
            for _ in pool.map(partial(self._one, tally), small):
                self._work.check()
        for number in others:
            if self._sizes[number] > SINGLE_BYTES:
                self._one(tally, number)

    def _quick(self, numbers: Sequence[int], tally: Tally) -> list[int]:
        files = (SmallFile(n, self._paths[n], self._keys[n]) for n in numbers)
        try:
            left = upload_many(
                self._bucket,
                files,
                sent=lambda file, _written: tally.done(file.number),
                only_new=self._only_new,
                work=self._work,
            )
        except Cancelled:
            raise
        except StorageError as error:  # before the first file: there are no keys, or no bucket
            self._hopeless = error
            return list(numbers)
        return [file.number for file in left]

    def _one(self, tally: Tally, number: int) -> None:
        """Send one file by the ordinary path and tell how that ended."""
        if self._hopeless is not None:
            tally.failed(number, self._hopeless)
            return
        try:
            self._backoff.tried(partial(self._send, tally, number))
        except Cancelled:
            raise
        except AlreadyExists:
            tally.skipped(number, EXISTS)
        except StorageError as error:
            if error.kind in HOPELESS:
                self._hopeless = error
            tally.failed(number, error)
        else:
            tally.done(number)

    def _send(self, tally: Tally, number: int) -> None:
        path, key = Path(self._paths[number]), self._keys[number]
        stamp = Stamp.of(path)
        if stamp.size <= SINGLE_BYTES and self._only_new:
            _put_new(self._bucket, key, path, stamp)
            return
        if self._only_new and refuse_taken(self._bucket, key, path, self._work):
            return
        upload_file(
            self._bucket,
            key,
            path,
            work=Work(self._work.token, lambda progress: tally.moving(number, progress.done)),
        )


def refuse_taken(bucket: Bucket, key: str, path: Path, work: Work) -> ObjectInfo | None:
    """Return the object if it is this very file, stored before a crash; None if the key is free.

    Raises:
        AlreadyExists: the key belongs to something else.
    """
    try:
        there = head(bucket, key, work=work)
    except NotFound:
        return None
    if there.sha256 == sha256_of(path, work):
        return there
    raise AlreadyExists(
        f"{key} is there already",
        cause=f"An object of {there.size} bytes has this key.",
        remedy="Choose another key, or say that it may be overwritten.",
        subject=bucket.subject(key),
    )


def _put_new(bucket: Bucket, key: str, path: Path, stamp: Stamp) -> None:
    """Store a file in one request that never writes over an object."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    stamp.check(path)
    digest = hashlib.sha256(data).hexdigest()
    put(bucket, key, data, metadata={SHA256: digest}, if_none_match=True)
