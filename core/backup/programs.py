"""Programs that are run for backups: the service manager, and the user's command after a failure."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

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
        done = subprocess.run(  # noqa: S603 - the user names the program; no shell reads its arguments
            list(arguments),
            input=data,
            capture_output=True,
            timeout=seconds,
            env=split_environment()[0],
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LocalIOError(
            f"{name} was ended after {format_duration(seconds)}",
            remedy="Check why it takes so long.",
            subject=name,
        ) from None
    except OSError as error:
        raise local_io_error(error, f"{name} could not be started") from error
    except ValueError as error:  # an argument contains a null character
        raise LocalIOError(
            f"{name} could not be started",
            cause=f"{error}.",
            remedy="Check the arguments of the command.",
        ) from error
    if done.returncode:
        output = done.stderr.decode(errors="replace").strip()[-_LONGEST_OUTPUT:]
        raise LocalIOError(
            f"{name} failed with exit code {done.returncode}",
            cause=redacted(output),
            remedy="Run it by hand to see what is wrong.",
            subject=name,
        )
