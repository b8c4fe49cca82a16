"""The line for a shell that does the same as an operation: what "Copy command" copies."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from core.engine.operations import operation
from core.local.profiles import DEMO_NAME
from core.model.connection import Profile
from core.redaction import redacted


def command_line(
    name: str,
    *arguments: str,
    profile: Profile | None = None,
    options: Mapping[str, str | bool] | None = None,
) -> str:
    """Return the line for a shell that does the same as an operation; empty where there is none.

    It never holds a secret or a signature: where an argument does, no line is returned.

    Args:
        name: the operation.
        arguments: the positional arguments, each quoted as a shell needs it.
        profile: the profile in force. The embedded server's is not stored: its address is named.
        options: options with their values; True for a flag, False or an empty text leaves one out.

    Raises:
        KeyError: there is no operation of that name.
    """
    command = operation(name).command
    if not command:
        return ""
    parts = ["strongroom", *command.split(), *_place(profile)]
    for option, value in (options or {}).items():
        if value:
            parts += [option] if value is True else [f"{option}={value}"]
    parts += ["--"] if any(each.startswith("-") for each in arguments) else []
    line = shlex.join([*parts, *arguments])
    return line if line == redacted(line) and _is_text(line) else ""


def _place(profile: Profile | None) -> list[str]:
    if profile is None:
        return []
    if profile.name != DEMO_NAME:
        return [f"--profile={profile.name}"]
    address = [f"--endpoint-url={profile.endpoint_url}"] if profile.endpoint_url else []
    return [*address, f"--bucket={profile.bucket}"]


def _is_text(line: str) -> bool:
    """Return whether a clipboard can hold it: file names may be any bytes."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True
