"""Programs that are run for backups: the service manager, and the user's command after a failure."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from core.errors import LocalIOError, local_io_error
from core.redaction import redacted
from core.units import format_duration

#: Names of environment variables that contain these are not passed on.
_SECRET_NAMES = ("AWS_", "PASSW", "PGPASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL")
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
            env=environment_without_secrets(),
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
        raise LocalIOError(f"{name} could not be started", cause=f"{error}.") from error
    if done.returncode:
        output = done.stderr.decode(errors="replace").strip()[-_LONGEST_OUTPUT:]
        raise LocalIOError(
            f"{name} failed with exit code {done.returncode}",
            cause=redacted(output),
            subject=name,
        )


def environment_without_secrets() -> dict[str, str]:
    """Return the environment of this process without variables that may contain a secret."""
    return {
        name: value
        for name, value in os.environ.items()
        if not any(part in name.upper() for part in _SECRET_NAMES)
    }
