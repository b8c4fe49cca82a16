"""The command `verify`, which reads a backup completely and compares every hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.backups import BackupId, verify_backup

if TYPE_CHECKING:
    from core.cli.common import Cli


def verify(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="The table of the backup.")],
    backup_id: BackupId = "",
) -> int:
    """Read a backup of a table completely and compare every hash; by default the newest one.

    Exit code 40 means that the backup is damaged. `backups TABLE --verify` does the same.
    """
    cli: Cli = context.obj
    return verify_backup(cli, table, backup_id)
