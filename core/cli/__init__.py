"""The command line: the library's functions under names that scripts and people can type."""

from __future__ import annotations

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
    from core.cli.program import run

    return run(arguments)
