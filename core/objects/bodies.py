"""The bytes of one GET answer: read chunk by chunk, and woken by a cancel."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from core.work import Work

CHUNK = 256 * 1024


def chunks_of(body: Any, work: Work) -> Generator[bytes]:
    """Yield a body's chunks and close it; a cancel ends a read that waits for a silent server.

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
        with suppress(OSError, ValueError):  # the read ended meanwhile: there is nothing to wake
            stream.shutdown()

    with work.token.on_cancel(wake):
        try:
            yield
        except Exception:
            work.check()  # what a shutdown breaks is a cancel, not a failure
            raise
        finally:
            body.close()
