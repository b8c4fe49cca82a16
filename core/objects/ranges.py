"""Download of the ranges of one large object, several at the same time.

Each range is written at its place in the file, and hashed in the order of the bytes as soon as all
ranges before it have arrived. A few ranges are in memory at a time.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.aws.direct_requests import DirectAnswer, DirectRequests
from core.aws.faults import translated
from core.aws.limits import MIB
from core.errors import Cancelled, Conflict, ServiceError, StorageError
from core.local.disk_space import reserve_space
from core.local.partial_records import Prefix
from core.objects.bodies import chunks_of, content_range
from core.objects.bucket import Bucket
from core.objects.checksums import Digests, etag_of
from core.objects.interruptions import Interruptions
from core.units import format_counted
from core.work import CancelToken, Progress, Work

#: Bytes of one range, and number of ranges that are requested concurrently.
RANGE_BYTES = 8 * MIB
IN_FLIGHT = 8
#: Ranges that have arrived and wait for those before them, beside the ones that are requested.
_WAITING = 3
#: Bytes that are received at once, and with a bandwidth limit.
_BLOCK_BYTES, _LIMITED_BYTES = MIB, 64 * 1024


class ReplacedError(Exception):
    """The object was replaced during the download."""

    def __init__(self, error: StorageError) -> None:
        super().__init__(error.summary)
        self.error = error


class NoRangesError(Exception):
    """The server does not send ranges."""


@dataclass(frozen=True, slots=True)
class ObjectState:
    """One state of an object: all ranges must belong to it. `version` has botocore's parameter."""

    bucket: Bucket
    key: str
    etag: str
    size: int
    version: dict[str, str]


class _Buffer:
    """Memory for one range."""

    def __init__(self) -> None:
        # Anonymous pages are only provided when they are written, by the thread that receives.
        self._data = memoryview(mmap.mmap(-1, RANGE_BYTES))
        self.filled = 0

    @property
    def content(self) -> memoryview:
        """The bytes of the range."""
        return self._data[: self.filled]

    def part(self, start: int, end: int) -> memoryview:
        """Return the memory from `start` to `end`."""
        return self._data[start:end]


def hash_prefix(path: Path, prefix: Prefix, digests: Digests, work: Work) -> bool:
    """Hash the bytes of an earlier download, and return whether this one can continue them.

    Args:
        path: the file that has them.
        prefix: their number and hash.
        digests: receives them.
        work: cancel token and progress.

    Raises:
        OSError: the file cannot be read.
        Cancelled: the work was cancelled.
    """
    # Ranges are downloaded completely; their size may differ in another release.
    if prefix.done % RANGE_BYTES and prefix.done != prefix.size:
        return False
    done, memory = 0, memoryview(bytearray(_BLOCK_BYTES))
    with path.open("rb", buffering=0) as file:
        while done < prefix.done:
            work.check()
            count = file.readinto(memory[: prefix.done - done])
            if not count:
                return False
            digests.update(memory[:count])
            done += count
            work.report(Progress(done, prefix.size, "bytes", reused=done))
    return digests.sha256 == prefix.sha256


class RangedDownload:
    """Download of an object into an existing file, which is written in place."""

    def __init__(  # noqa: PLR0913 - one download; the last by name
        self,
        state: ObjectState,
        path: Path,
        digests: Digests,
        work: Work,
        advanced: Callable[[int], None],
        *,
        start: int = 0,
        hashed: Callable[[int], None] = lambda _bytes: None,
    ) -> None:
        """Prepare the download.

        Args:
            state: the object.
            path: the file, which must exist.
            digests: receives all bytes from `start` on, in their order.
            work: cancel, limits and retry budget.
            advanced: called with the number of bytes so far.
            start: the number of bytes that the file already has; see `hash_prefix`.
            hashed: called with the number of bytes that are in the file and in `digests`, from the
                first one on.
        """
        self._state, self._path, self._digests = state, path, digests
        self._work, self._advanced = work, advanced
        # Separate from the user's token, so that a failed range also stops the others.
        self._stop = CancelToken()
        self._range_work = replace(work, token=self._stop)
        self._changed = threading.Condition()
        self._free = [_Buffer() for _ in range(IN_FLIGHT + _WAITING)]
        self._arrived: dict[int, _Buffer] = {}
        self._first = self._next = -(-start // RANGE_BYTES)
        self._done, self._hashed = start, hashed
        self._failure: BaseException | None = None
        self._direct = DirectRequests(state.bucket.clients, state.bucket.name, state.key)

    def run(self) -> None:
        """Download all bytes.

        Raises:
            ReplacedError: the object was replaced.
            NoRangesError: the server does not send ranges.
            OSError: the file cannot be written.
            StorageError: the download was denied or failed.
            Cancelled: the work was cancelled.
        """
        with (
            self._work.token.on_cancel(self._end),
            ThreadPoolExecutor(IN_FLIGHT + 1, "download-range") as pool,
        ):
            try:
                pool.submit(self._reserve)
                for _ in range(min(IN_FLIGHT, self._count - self._first)):
                    pool.submit(self._receive_ranges)
                self._hash_in_order()
            finally:
                self._end()
        self._work.check()
        if self._failure is not None:
            raise self._failure

    @property
    def _count(self) -> int:
        return -(-self._state.size // RANGE_BYTES)

    def _end(self) -> None:
        """Stop all threads; their requests end at once."""
        self._stop.cancel()
        with self._changed:
            self._changed.notify_all()

    def _hash_in_order(self) -> None:
        for number in range(self._first, self._count):
            with self._changed:
                self._changed.wait_for(lambda: number in self._arrived or self._stop.cancelled)  # noqa: B023 - called in this iteration
                if number not in self._arrived:
                    return
                buffer = self._arrived.pop(number)
            self._digests.update(buffer.content)
            self._hashed(number * RANGE_BYTES + buffer.filled)
            with self._changed:
                self._free.append(buffer)
                self._changed.notify_all()

    def _reserve(self) -> None:
        """Reserve the space of the file, which takes a quarter of a second for 1 GiB in memory."""
        with self._failing(), self._path.open("r+b", buffering=0) as file:
            reserve_space(file.fileno(), self._state.size, lambda: not self._stop.cancelled)

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """End the download with the first exception of the block."""
        try:
            yield
        except BaseException as error:  # noqa: BLE001 - raised again by the thread that waits
            with self._changed:
                if self._failure is None and not isinstance(error, Cancelled):
                    self._failure = error
            self._end()

    def _receive_ranges(self) -> None:
        with self._failing(), self._path.open("r+b", buffering=0) as file:
            while (taken := self._take_range()) is not None:
                number, buffer = taken
                self._receive(number, buffer)
                file.seek(number * RANGE_BYTES)
                left = buffer.content
                while left:
                    left = left[file.write(left) :]
                with self._changed:
                    self._arrived[number] = buffer
                    self._changed.notify_all()

    def _take_range(self) -> tuple[int, _Buffer] | None:
        """Return the next range and memory for it; None after the last one."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._free or self._next >= self._count or self._stop.cancelled
            )
            if self._stop.cancelled or self._next >= self._count:
                return None
            # The memory first: the range that all others wait for must never wait for memory.
            buffer = self._free.pop()
            number, self._next = self._next, self._next + 1
        return number, buffer

    def _receive(self, number: int, buffer: _Buffer) -> None:
        """Receive one range, with retries."""
        first = number * RANGE_BYTES
        last = min(first + RANGE_BYTES, self._state.size) - 1
        breaks = Interruptions(self._range_work)
        while True:
            buffer.filled = 0
            try:
                with self._range_work.slot():
                    if self._receive_directly(first, last, buffer):
                        return
                    self._receive_by_botocore(first, last, buffer)
            except StorageError as error:
                self._count_bytes(-buffer.filled)
                breaks.wait(error)
            else:
                return

    def _receive_directly(self, first: int, last: int, buffer: _Buffer) -> bool:
        """Receive a range with a direct request, and return whether that was successful."""
        if not self._direct.usable:
            return False
        headers = {"range": f"bytes={first}-{last}", "if-match": f'"{self._state.etag}"'}
        version = self._state.version.get("VersionId")
        with self._direct.sent(
            "GetObject",
            "GET",
            query={"versionId": version} if version else {},
            headers=headers,
            body=b"",
            work=self._range_work,
        ) as answer:
            if answer is not None and self._is_range(answer, first, last):
                with suppress(OSError, ValueError):  # the connection broke
                    self._read(answer, last - first + 1, buffer)
                    answer.release()
        self._range_work.check()
        if buffer.filled == last - first + 1:
            self._direct.succeeded()
            if self._work.budget is not None:
                self._work.budget.succeeded()
            return True
        self._direct.failed()
        self._count_bytes(-buffer.filled)
        buffer.filled = 0
        return False

    def _is_range(self, answer: DirectAnswer, first: int, last: int) -> bool:
        """Return whether an answer has the requested range of the same state."""
        found = {name.lower(): value for name, value in answer.headers.items()}
        expected = {
            "content-range": f"bytes {first}-{last}/{self._state.size}",
            "content-length": str(last - first + 1),
            "etag": f'"{self._state.etag}"',
        }
        same = all(found.get(name) == value for name, value in expected.items())
        return answer.status == 206 and same and "content-encoding" not in found

    def _read(self, answer: DirectAnswer, size: int, buffer: _Buffer) -> None:
        step = _BLOCK_BYTES if self._work.limits is None else _LIMITED_BYTES
        while buffer.filled < size:
            end = min(buffer.filled + step, size)
            count = answer.read_into(buffer.part(buffer.filled, end))
            if not count:
                return
            self._range_work.take(count)
            buffer.filled += count
            self._count_bytes(count)

    def _receive_by_botocore(self, first: int, last: int, buffer: _Buffer) -> None:
        """Receive a range with a request that is retried and reports the exact error.

        Raises:
            ReplacedError: the object was replaced.
            NoRangesError: the server sends the complete object.
            StorageError: the request was denied or failed, or the answer is incomplete.
        """
        state, size = self._state, last - first + 1
        try:
            with translated("s3:GetObject", state.bucket.subject(state.key), self._range_work):
                answer = state.bucket.client.get_object(
                    Bucket=state.bucket.name,
                    Key=state.key,
                    Range=f"bytes={first}-{last}",
                    # A replaced object is refused (412), so that two states are never mixed.
                    IfMatch=f'"{state.etag}"',
                    **state.version,
                )
                with closing(answer["Body"]):
                    self._check(answer, first, last)
                    self._fill(answer, size, buffer)
        except Conflict as error:
            raise ReplacedError(error) from None
        if buffer.filled < size:
            raise ServiceError(
                f"Only {buffer.filled} of {format_counted(size, 'byte')} of a range arrived",
                remedy="Try again.",
            )

    def _check(self, answer: dict[str, Any], first: int, last: int) -> None:
        found = content_range(answer)
        if found is None:
            raise NoRangesError
        if etag_of(answer) != self._state.etag or found != (first, last, self._state.size):
            raise ServiceError(
                "The server sent a different range than the requested one",
                cause=f"It sent “{answer['ContentRange']}”.",
                remedy="Try again. If it happens again, check whether a proxy modifies answers.",
                subject=self._state.bucket.subject(self._state.key),
            )

    def _fill(self, answer: dict[str, Any], size: int, buffer: _Buffer) -> None:
        with closing(chunks_of(answer["Body"], self._range_work)) as chunks:
            for chunk in chunks:
                used = chunk[: size - buffer.filled]
                buffer.part(buffer.filled, buffer.filled + len(used))[:] = used
                buffer.filled += len(used)
                self._count_bytes(len(used))
                if len(used) < len(chunk):  # a server that sends without end
                    return

    def _count_bytes(self, count: int) -> None:
        """Count bytes that have arrived, or that have to be requested again."""
        with self._changed:
            self._done += count
            done = self._done
        self._advanced(done)
