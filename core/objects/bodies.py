"""The body of a GET answer, read in chunks; a cancel interrupts the read."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.work import Work

#: Bytes that are read at once; a cancel is noticed between two chunks.
CHUNK = 256 * 1024


def chunks_of(body: Any, work: Work) -> Generator[bytes]:
    """Yield the chunks of a body and close it; a cancel interrupts a blocked read.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    with _woken(body, work):
        for chunk in body.iter_chunks(CHUNK):
            work.check()
            yield chunk


@contextmanager
def _woken(body: Any, work: Work) -> Iterator[None]:
    stream = body._raw_stream  # noqa: SLF001 - botocore offers no way to shut a stream down

    def wake() -> None:
        with suppress(OSError, ValueError):  # the read has already ended
            stream.shutdown()

    with work.token.on_cancel(wake):
        try:
            yield
        except Exception:
            work.check()  # an error after the shutdown is a cancel, not a failure
            raise
        finally:
            body.close()
