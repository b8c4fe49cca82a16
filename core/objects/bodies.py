"""The body of a GET answer and its range; a cancel interrupts the read."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.errors import ServiceError
from core.work import Work

#: Bytes that are read at once; a cancel is noticed between two chunks.
CHUNK = 256 * 1024
#: Bytes that are read at once while the bandwidth is limited.
_LIMITED_BYTES = 64 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def chunks_of(body: Any, work: Work) -> Generator[bytes]:
    """Yield the chunks of a body and close it; a cancel interrupts a blocked read.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    with _woken(body, work):
        for chunk in body.iter_chunks(CHUNK if work.limits is None else _LIMITED_BYTES):
            work.check()
            work.take(len(chunk))
            yield chunk


@contextmanager
def _woken(body: Any, work: Work) -> Iterator[None]:
    stream = body._raw_stream  # noqa: SLF001 - botocore offers no way to shut a stream down

    def wake() -> None:
        # The read has already ended; RuntimeError: and its connection is in use for another
        # request.
        with suppress(OSError, ValueError, RuntimeError):
            stream.shutdown()

    with work.token.on_cancel(wake):
        try:
            yield
        except Exception:
            work.check()  # an error after the shutdown is a cancel, not a failure
            raise
        finally:
            body.close()


def content_range(answer: dict[str, Any]) -> tuple[int, int, int] | None:
    """Return the first byte, the last byte and the object size of a ranged answer.

    None means that the answer has no range, so that its body is the complete object.

    Raises:
        ServiceError: the range is inconsistent with itself or with the length of the body.
    """
    text = answer.get("ContentRange")
    if not text:
        return None
    match = _RANGE.fullmatch(text)
    first, last, size = map(int, match.groups()) if match else (1, 0, 0)
    # A wrong length would shift all following bytes of the file.
    if not first <= last < size or answer.get("ContentLength") != last - first + 1:
        raise ServiceError(
            "The server sent a different part of the object than it declared",
            cause=f"It declared “{text}” with a body of length {answer.get('ContentLength')}.",
            remedy="Try again. If it happens again, check whether a proxy modifies answers.",
        )
    return first, last, size
