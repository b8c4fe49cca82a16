"""The command `recovery-kit`, which writes a script that restores tables without Strongroom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.backup.encryption_keys import BackupKey
    from core.cli.common import Cli


def recovery_kit(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(help="The folder for the kit; it is created if it does not exist.")
    ],
    include_keys: Annotated[
        list[str] | None,
        typer.Option(
            "--include-key",
            metavar="KEY",
            help="Also write the key of encrypted backups (secret:NAME or keyring:NAME) to keys.json, "
            "which only this user can read, with its former values. Anyone with the file can read "
            "these backups.",
        ),
    ] = None,
) -> None:
    """Write restore.py and FORMAT.md, with which tables are restored without Strongroom.

    The script reads the bucket or a local copy of it with Python 3.9 or newer. Neither file
    contains a key: encrypted backups need --key-file, or --include-key here. Existing files are not
    overwritten (exit code 22).
    """
    from core.backup.encryption_keys import SECRET, keys_of
    from core.backup.recovery_kit import write

    cli: Cli = context.obj
    keys: list[BackupKey] = []
    for name in include_keys or ():
        with cli.out.work("Reading a key") as work:
            workspace = cli.opener.workspace(work) if name.startswith(SECRET) else None
            keys += keys_of(workspace, name, work)
    paths = write(folder, keys)
    names = ("script", "page", "keys")
    cli.out.result(
        dict(zip(names, paths, strict=False)), lambda: cli.out.lines("\n".join(map(str, paths)))
    )
    if keys:
        cli.out.note(
            f"! {paths[-1]} contains the key. Anyone who has it can read the backups. Store it "
            "apart from the bucket, for example in a safe."
        )
