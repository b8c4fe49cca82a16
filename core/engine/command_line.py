"""The shell command for an operation, which "Copy command" copies."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from core.engine.operations import operation
from core.local.profiles import DEMO_NAME
from core.model.connection import Profile
from core.redaction import redacted


def command_line(
    name: str,
    *arguments: str,
    profile: Profile | None = None,
    options: Mapping[str, str | bool | Sequence[str]] | None = None,
) -> str:
    """Return the shell command for an operation, or an empty string if there is none.

    It never contains a secret or a signature: operations with such arguments have no command.

    Args:
        name: the operation.
        arguments: the positional arguments, which are quoted for a shell.
        profile: the current profile; for the embedded server, its address is used instead.
        options: options with their values; True for a flag, several texts for an option that is
            repeated; False or an empty text is omitted.

    Raises:
        KeyError: the operation does not exist.
    """
    command = operation(name).command
    if not command:
        return ""
    parts = ["strongroom", *command.split(), *_place(profile)]
    for option, value in (options or {}).items():
        if value is True:
            parts.append(option)
        elif value:
            texts = [value] if isinstance(value, str) else value
            parts += [f"{option}={text}" for text in texts]
    # Keys may start with a dash and must not be taken as options.
    parts += ["--"] if any(each.startswith("-") for each in arguments) else []
    line = shlex.join([*parts, *arguments])
    # A command that would contain a secret is not offered at all: a redacted one would fail.
    return line if line == redacted(line) and _is_text(line) else ""


def _place(profile: Profile | None) -> list[str]:
    if profile is None:
        return []
    # The profile of the demo exists only in its window, so its address is named instead.
    if profile.name != DEMO_NAME:
        return [f"--profile={profile.name}"]
    address = [f"--endpoint-url={profile.endpoint_url}"] if profile.endpoint_url else []
    return [*address, f"--bucket={profile.bucket}"]


def _is_text(line: str) -> bool:
    """Return whether a text is valid Unicode: file names may contain any bytes."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True
