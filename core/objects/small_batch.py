"""The process that transfers small files with obstore, and the files that are assigned to it.

obstore transfers 6,000 small files a second, botocore 270. It runs in a separate process
(`small_worker`), which a cancel kills. Files that it cannot transfer are returned: the regular
upload or download then transfers them, or reports the exact error.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any, ClassVar, Generic, Protocol, TypeVar

from core.aws.clients import ClientFactory
from core.aws.limits import MIB
from core.local.environment import split_environment
from core.objects.bucket import Bucket
from core.work import Work

_log = logging.getLogger(__name__)

#: Maximum file size in bytes: 32 files are in memory at the same time.
SMALL_BYTES = MIB
#: Minimum number of files: the regular transfer ends fewer before the process has started.
FEWEST = 24
#: Files that are assigned to the process at one time, and files in one message to it.
_WINDOW, _BATCH = 512, 64
#: Interval in seconds at which the current access keys are sent to the process.
_KEYS_SECONDS = 60.0


class Numbered(Protocol):
    """A small file or object; `number` identifies it for the caller."""

    @property
    def number(self) -> int:
        """The caller's number."""


F = TypeVar("F", bound=Numbered)


def addressable(key: str) -> bool:
    """Return whether obstore requests exactly this key: it normalizes paths, S3 does not."""
    parts = key.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return False
    return all(unicodedata.category(char)[0] != "C" for char in key)


class SmallBatch(ABC, Generic[F]):
    """A worker process and the files that are assigned to it."""

    #: The module of the process.
    module: ClassVar[str]

    def __init__(self, bucket: Bucket, files: Iterator[F], work: Work) -> None:
        self._bucket, self._files, self._work = bucket, files, work
        self._open: dict[int, F] = {}
        self._left: list[F] = []
        self._count, self._ended = 0, False
        self._keys_at, self._good_at = 0.0, time.monotonic()

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Return the options of this batch for the process."""

    @abstractmethod
    def described(self, file: F) -> dict[str, Any]:
        """Return a file as the process needs it, without its number."""

    @abstractmethod
    def succeeded(self, file: F, answer: dict[str, Any]) -> None:
        """Report a file that was transferred and verified."""

    def failed(self, file: F, answer: dict[str, Any]) -> None:
        """Clean up after a file that was not transferred or not verified."""

    def run(self) -> list[F]:
        """Transfer the files and return those that were not transferred."""
        settings = {**_address(self._bucket), **self.settings(), **self._keys()}
        try:
            with _process(self.module) as process, self._work.token.on_cancel(process.kill):
                self._exchange(process, settings)
        except OSError as error:
            _log.info("small files are transferred one by one: %s", error)
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
        # Temporary keys may expire during a long transfer: the current ones are sent again.
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
            files = [{"number": n, **self.described(file)} for n, file in numbered.items()]
            _send(pipe, {"files": files})

    def _take(self, answer: dict[str, Any]) -> None:
        """Process the outcome of one file."""
        file = self._open.pop(answer["number"])
        budget = self._work.budget
        if "sha256" in answer:
            self._good_at = time.monotonic()
            if budget is not None:
                budget.succeeded()
            self.succeeded(file, answer)
            return
        if answer.get("failed") == "server" and budget is not None:
            # Since the last success: the budget ends an operation while no request succeeds.
            budget.failed(self._good_at)
        self.failed(file, answer)
        # Transferred again by the regular way, which also reports the exact error.
        self._left.append(file)

    def _keys(self) -> dict[str, Any]:
        self._keys_at = time.monotonic()
        return {"keys": _keys(self._bucket.clients)}


def _send(pipe: IO[bytes], message: dict[str, Any]) -> None:
    pipe.write(json.dumps(message).encode() + b"\n")
    pipe.flush()


@contextmanager
def _process(module: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a worker process, and make sure that it has ended afterwards.

    It receives its access keys through the pipe, never as arguments or environment variables.
    """
    folders = [folder or str(Path.cwd()) for folder in sys.path]
    plain, _secret = split_environment()
    process = subprocess.Popen(  # noqa: S603 - a module of this package
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**plain, "PYTHONPATH": os.pathsep.join(folders)},
    )
    try:
        yield process
    finally:
        # After an error, the caller transfers the remaining files in the regular way.
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(OSError):  # unsent messages no longer matter
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
