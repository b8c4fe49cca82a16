"""The command `compare`: the differences of two backups of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.backups import named_backup
from core.units import format_counted, format_duration

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.comparison import BackupComparison, ComparedRow


def compare(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="The table whose backups are compared.")],
    first: Annotated[str, typer.Argument(metavar="ID", help="The id of the first backup.")],
    second: Annotated[
        str | None,
        typer.Argument(
            metavar="ID",
            help="The id of the second backup; by default the newest of the same database with all "
            "rows.",
        ),
    ] = None,
    samples: Annotated[
        int, typer.Option(min=0, max=10_000, help="Most rows to show of each kind of change.")
    ] = 20,
) -> None:
    """Show the rows that were added, changed and removed from one backup to another.

    Rows are compared by the primary key, or completely if there is none.
    """
    from core.backup.comparison import compare as run_compare

    cli: Cli = context.obj
    with cli.out.work("Comparing") as work:
        found = run_compare(
            cli.opener.workspace(work), work,
            table=table, before=first, after=second, samples=samples,
        )  # fmt: skip
    cli.out.result(found, lambda: _show(cli, found))


def _show(cli: Cli, found: BackupComparison) -> None:
    cli.out.line(f"from {named_backup(found.before)}")
    cli.out.line(f"to {named_backup(found.after)}")
    cli.out.line(f"+ {format_counted(found.added, 'row')} added")
    cli.out.line(f"~ {format_counted(found.changed, 'row')} changed")
    cli.out.line(f"- {format_counted(found.removed, 'row')} removed")
    cli.out.line(f"= {format_counted(found.unchanged, 'row')} unchanged")
    for text in (*found.notes, *found.drift):
        cli.out.line(f"! {text}")
    for row in found.rows:
        _show_row(cli, found, row)
    took = format_duration(found.seconds)
    if found.by_hash:
        cli.out.note(f"The hashes of all rows are equal; no part was read. Took {took}.")
    elif found.by_key:
        cli.out.note(f"Rows were compared by {', '.join(found.by_key)}. Took {took}.")
    else:
        cli.out.note(f"There is no common key: complete rows were compared. Took {took}.")


def _show_row(cli: Cli, found: BackupComparison, row: ComparedRow) -> None:
    if not row.different:
        values = ", ".join(row.before or row.after)
        cli.out.line(f"{row.change.value}: {values}")
        return
    before = dict(zip(found.columns, row.before, strict=True))
    after = dict(zip(found.columns, row.after, strict=True))
    key = ", ".join(before[name] for name in found.by_key)
    for name in row.different:
        cli.out.line(f"{row.change.value}: {key}: {name}: {before[name]} → {after[name]}")
