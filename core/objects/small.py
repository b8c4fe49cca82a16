"""Fast upload of many small files with obstore, for keys that it does not modify.

obstore sends 6,000 small files a second, botocore 270. It runs in a separate process
(`small_sender`), which a cancel kills. Files that it cannot send are returned: the regular upload
then sends them, or reports the exact error.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from core.aws.clients import ClientFactory
from core.aws.limits import MIB
from core.effects import Result, note_attempt
from core.errors import Cancelled, StorageError
from core.local.environment import split_environment
from core.model.objects import Verdict, Written
from core.objects import conditions
from core.objects.bucket import Bucket
from core.objects.sending import discard
from core.objects.writing import guess_type, upload
from core.work import Work, default_work

_log = logging.getLogger(__name__)

#: Maximum file size in bytes: 32 files are in memory at the same time.
SMALL_BYTES = MIB
#: Minimum number of files: the regular upload sends fewer before the process has started.
FEWEST = 24
#: Files that are assigned to the process at one time, and files in one message to it.
_WINDOW, _BATCH = 512, 64
#: Interval in seconds at which the current access keys are sent to the process.
_KEYS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class SmallFile:
    """One file to send; `number` identifies it for the caller."""

    number: int
    path: str
    key: str


def addressable(key: str) -> bool:
    """Return whether obstore sends exactly this key: it normalizes paths, S3 does not."""
    parts = key.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return False
    return all(unicodedata.category(char)[0] != "C" for char in key)


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


class _Batch:
    """A sending process and the files that are assigned to it."""

    def __init__(
        self,
        bucket: Bucket,
        files: Iterator[SmallFile],
        sent: Callable[[SmallFile, Written], None],
        work: Work,
        *,
        only_new: bool,
    ) -> None:
        self._bucket, self._files, self._sent, self._work = bucket, files, sent, work
        self._only_new = only_new
        self._open: dict[int, SmallFile] = {}
        self._left: list[SmallFile] = []
        self._count, self._ended = 0, False
        self._keys_at, self._good_at = 0.0, time.monotonic()

    def run(self) -> list[SmallFile]:
        """Send the files and return those that were not sent."""
        settings = {**_address(self._bucket), "only_new": self._only_new, **self._keys()}
        try:
            with _process() as process, self._work.token.on_cancel(process.kill):
                self._exchange(process, settings)
        except OSError as error:
            _log.info("small files are sent one by one: %s", error)
        self._work.check()
        return [*self._left, *self._open.values(), *self._files]

    def _exchange(self, process: subprocess.Popen[bytes], settings: dict[str, Any]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        _send(process.stdin, settings)
        self._refill(process.stdin)
        # The pipe ends with the process, so a killed process ends this loop.
        for line in process.stdout:
            if not line.endswith(b"\n"):
                return  # the process was killed while it wrote the line
            self._take(json.loads(line))
            budget = self._work.budget
            if budget is not None and budget.exhausted:
                return
            if len(self._open) <= _WINDOW - _BATCH:
                self._refill(process.stdin)

    def _refill(self, pipe: IO[bytes]) -> None:
        """Assign files until the limit is reached, and an end marker after the last one."""
        if self._ended:
            return
        # Temporary keys may expire during a long upload: the current ones are sent again.
        if time.monotonic() - self._keys_at > _KEYS_SECONDS:
            _send(pipe, self._keys())
        while len(self._open) < _WINDOW:
            batch = list(islice(self._files, _BATCH))
            if not batch:
                self._ended = True
                _send(pipe, {"end": True})
                return
            numbered = dict(enumerate(batch, self._count))
            self._count += len(batch)
            # Recorded before they are sent: if the process ends early, these files are
            # returned.
            self._open |= numbered
            _send(pipe, {"files": [_described(n, file) for n, file in numbered.items()]})

    def _take(self, answer: dict[str, Any]) -> None:
        """Process the outcome of one file."""
        file = self._open.pop(answer["number"])
        budget = self._work.budget
        if "sha256" in answer:
            self._good_at = time.monotonic()
            if budget is not None:
                budget.succeeded()
            self._sent(file, _written(file, answer))
            return
        if answer.get("failed") == "server" and budget is not None:
            # Since the last success: the budget ends an operation while no request succeeds.
            budget.failed(self._good_at)
        if self._only_new and answer.get("differs", {}).get("ETag"):
            discard(self._bucket, file.key, answer["differs"], cancelled=self._work.token.cancelled)
        # Sent again by the regular upload, which also reports the exact error.
        self._left.append(file)

    def _keys(self) -> dict[str, Any]:
        self._keys_at = time.monotonic()
        return {"keys": _keys(self._bucket.clients)}


def _written(file: SmallFile, answer: dict[str, Any]) -> Written:
    return Written(
        file.key,
        answer["etag"],
        answer["size"],
        answer["version"],
        answer["sha256"],
        Verdict.MD5,
    )


def _described(number: int, file: SmallFile) -> dict[str, Any]:
    return {"number": number, "path": file.path, "key": file.key, "type": guess_type(file.key)}


def _send(pipe: IO[bytes], message: dict[str, Any]) -> None:
    pipe.write(json.dumps(message).encode() + b"\n")
    pipe.flush()


@contextmanager
def _process() -> Iterator[subprocess.Popen[bytes]]:
    """Start the sending process, and make sure that it has ended afterwards.

    It receives its access keys through the pipe, never as arguments or environment variables.
    """
    folders = [folder or str(Path.cwd()) for folder in sys.path]
    plain, _secret = split_environment()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core.objects.small_sender"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**plain, "PYTHONPATH": os.pathsep.join(folders)},
    )
    try:
        yield process
    finally:
        # After an error, the caller sends the remaining files with the regular upload.
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # unsent files no longer matter
                pipe.close()  # type: ignore[union-attr] # both are pipes


def _address(bucket: Bucket) -> dict[str, Any]:
    region = bucket.clients.bucket_region(bucket.name)
    endpoint = bucket.clients.endpoint_url or f"https://s3.{region}.amazonaws.com"
    return {"bucket": bucket.name, "region": region, "endpoint": endpoint}


def _keys(clients: ClientFactory) -> dict[str, Any]:
    """Return the access keys in obstore's format; the environment is not used."""
    frozen, expires = clients.frozen_keys(), clients.credentials_expire()
    return {
        "access_key_id": frozen.access_key_id,
        "secret_access_key": frozen.secret_access_key.reveal(),
        "token": frozen.session_token.reveal() if frozen.session_token else None,
        "expires_at": expires.isoformat() if expires else None,
    }
