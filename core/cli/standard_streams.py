"""Standard streams that are closed, full, or no longer read."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import TextIO


def open_closed_streams() -> None:
    """Open standard streams that the caller has closed (`>&-`), so that each is a file again.

    Otherwise the next file or socket gets their numbers. Reading and writing fail as they do with a
    closed file; what is written to standard error is discarded.
    """
    for number, (name, mode, flags) in enumerate(
        (("stdin", "r", os.O_WRONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY))
    ):
        if getattr(sys, name) is not None:
            continue
        opened = os.open(os.devnull, flags)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        # Otherwise the first file or socket of a child process would get the number.
        os.set_inheritable(number, True)  # noqa: FBT003 - it takes no keyword
        setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - a descriptor, for the life of the process


def buffer_standard_output() -> None:
    """Give standard output a buffer if it has none, as with `PYTHONUNBUFFERED` or `python -u`.

    Without one, Python loses the rest of a text of which the system has only written a part, for
    example because a signal arrived or the disk is full, and reports no error.
    """
    stream = sys.__stdout__
    if stream is None or stream is not sys.stdout:  # a test has replaced it
        return
    if isinstance(stream.buffer, io.RawIOBase):
        sys.stdout = open(  # noqa: SIM115 - for the life of the process
            stream.fileno(),
            "w",
            buffering=1,  # each line is written at once, as requested
            encoding=stream.encoding,
            errors=stream.errors,
            closefd=False,
        )


def report(text: str) -> None:
    """Write a text to standard error; if that fails, the exit code alone reports an error."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):  # a full disk, a reader that has ended, or a closed stream
        discard(sys.stderr)


def discard(stream: TextIO) -> None:
    """Discard further output of a stream: Python would report the error again at its end."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
