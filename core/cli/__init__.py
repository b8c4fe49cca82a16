"""The command line interface of the library."""

from __future__ import annotations

import sys
from collections.abc import Sequence

#: All commands, listed here so that they are known without an import.
COMMANDS: tuple[str, ...] = (
    "backup",
    "backup-key",
    "backups",
    "check",
    "compare",
    "cp",
    "database",
    "demo-server",
    "doctor",
    "drill",
    "export",
    "get",
    "link",
    "links",
    "ls",
    "mv",
    "policy",
    "put",
    "query",
    "recovery-kit",
    "restore",
    "retention",
    "rm",
    "rotate",
    "schedule",
    "secrets",
    "setup",
    "stats",
    "sweep",
    "sync",
    "undelete",
    "uploads",
    "watch",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0, or the value of the error's kind."""
    try:
        from core.cli.program import run
    except KeyboardInterrupt:  # an interrupt during the import, before the command has started
        sys.stderr.write("Cancelled. Nothing was changed.\n")
        return 130

    return run(arguments)
