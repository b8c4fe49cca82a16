"""The command line: the library's functions under names that scripts and people can type."""

from __future__ import annotations

import sys
from collections.abc import Sequence

#: All sub-commands; known without importing anything.
COMMANDS: tuple[str, ...] = (
    "backup",
    "backups",
    "check",
    "demo-server",
    "doctor",
    "get",
    "link",
    "ls",
    "policy",
    "put",
    "restore",
    "rotate",
    "secrets",
    "setup",
    "stats",
    "sweep",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or the value of the error's kind."""
    try:
        from core.cli.program import run
    except KeyboardInterrupt:  # loading takes a moment, and nothing has begun yet
        sys.stderr.write("Cancelled. Nothing was changed.\n")
        return 130

    return run(arguments)
