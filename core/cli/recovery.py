"""The command `recovery-kit`, which writes a script that restores tables without Strongroom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.cli.common import Cli


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("recovery-kit")(recovery_kit)


def recovery_kit(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="The folder for the kit; it is created if it does not exist.")
    ],
) -> None:
    """Write restore.py and FORMAT.md, with which tables are restored without Strongroom.

    The script reads the bucket or a local copy of it with Python 3.9 or newer. Neither file contains
    a key. Existing files are not overwritten (exit code 22).
    """
    from core.backup.recovery_kit import write

    cli: Cli = context.obj
    script, page = write(folder)
    cli.out.result({"script": script, "page": page}, lambda: cli.out.line(f"{script}\n{page}"))
