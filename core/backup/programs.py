"""Programs that are run for backups: the service manager, and the user's command after a failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress

from core.errors import LocalIOError, local_io_error
from core.local.environment import split_environment
from core.redaction import redacted
from core.units import format_duration

_LONGEST_OUTPUT = 500


def run_program(arguments: Sequence[str], *, data: bytes = b"", seconds: float) -> None:
    """Run a program without a shell, and without the secrets in this process's environment.

    Args:
        arguments: The program and its arguments.
        data: Its standard input.
        seconds: The time limit.

    Raises:
        LocalIOError: It cannot be started, fails, or exceeds the time limit.
    """
    name = arguments[0]
    try:
        # A session, so that the time limit also ends what the program has started.
        process = subprocess.Popen(  # noqa: S603 - the user names the program; no shell reads its arguments
            list(arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=split_environment()[0],
            start_new_session=True,
        )
    except OSError as error:
        raise local_io_error(error, f"{name} could not be started") from error
    except ValueError as error:  # an argument contains a null character
        raise LocalIOError(
            f"{name} could not be started",
            cause=f"{error}.",
            remedy="Check the arguments of the command.",
        ) from error
    with process:
        output = _finished(process, name, data, seconds)
    if process.returncode:
        text = redacted(output.decode(errors="replace")).strip()
        raise LocalIOError(
            f"{name} failed with exit code {process.returncode}",
            cause=text[-_LONGEST_OUTPUT:],
            remedy="Run it by hand to see what is wrong.",
            subject=name,
        )


def _finished(process: subprocess.Popen[bytes], name: str, data: bytes, seconds: float) -> bytes:
    """Wait for a program, and return what it wrote to standard error.

    Raises:
        LocalIOError: It exceeds the time limit; it was ended.
    """
    try:
        return process.communicate(data, timeout=seconds)[1]
    except subprocess.TimeoutExpired as expired:
        if process.poll() is not None:  # a program that it started in the background has its output
            return expired.stderr or b""
        _end(process)
        raise LocalIOError(
            f"{name} was ended after {format_duration(seconds)}",
            remedy="Check why it takes so long.",
            subject=name,
        ) from None
    except BaseException:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a program with everything in its session."""
    if sys.platform != "win32":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
