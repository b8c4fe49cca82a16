"""`backup`, `backups`, `restore`: tables of a database in the bucket and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.units import format_count, format_duration, format_size, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.backup import Backup, RestorePreview, RestoreReport

Database = Annotated[
    str, typer.Argument(help="A path to an SQLite file or its URL (sqlite:///path).")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands to the program."""
    for name, command in (("backup", backup), ("backups", backups), ("restore", restore)):
        app.command(name)(command)


def backup(
    context: typer.Context,
    database_url: Database,
    tables: Annotated[list[str], typer.Argument(help="The tables, all from one snapshot.")],
    note: Annotated[str, typer.Option(help="A remark to find the backup by.")] = "",
) -> None:
    """Back tables up: hashed, compressed parts, and a manifest when all of them are there."""
    from core.backup.run import backup as run_backup

    cli: Cli = context.obj
    with cli.out.work("Backing up") as work:
        workspace = cli.opener.workspace(work)
        report = run_backup(workspace, work, database=database_url, tables=tables, note=note)

    def show() -> None:
        for one in report.backups:
            rows = format_count(one.rows or 0)
            cli.out.line(f"{one.table}\t{rows} rows\t{format_size(one.size)}\t{one.id}")

    cli.out.result(report, show)


def backups(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="Of one table; of all by default.")] = "",
) -> None:
    """List backups, the newest first; nothing but the bucket is needed for it."""
    from core.backup.listing import list_backups

    cli: Cli = context.obj
    with cli.out.work("Listing backups") as work:
        found = list_backups(cli.opener.workspace(work), work, table=table or None)
    heads = ("Taken", "Table", "Rows", "Size", "State", "Id", "Note")
    rows = [_row(one) for one in found]
    cli.out.result(found, lambda: cli.out.table(heads, rows, numbers=(2, 3)))


def _row(one: Backup) -> tuple[str, ...]:
    rows = "" if one.rows is None else format_count(one.rows)
    state = f"{one.state.value}: {one.problem}" if one.problem else one.state.value
    return (
        iso_utc(one.taken), one.table, rows, format_size(one.size), state, one.id, one.note
    )  # fmt: skip


def restore(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    database_url: Database,
    table: Annotated[str, typer.Argument(help="Whose backup.")],
    backup_id: Annotated[str, typer.Option("--id", help="Which backup; see `backups`.")] = "",
    at: Annotated[str, typer.Option(help="The table as of this time (ISO 8601, UTC).")] = "",
    name: Annotated[str, typer.Option("--as", help="Restore under this name instead.")] = "",
    allow_orphans: Annotated[
        bool, typer.Option("--allow-orphans", help="Even if rows will point to nothing.")
    ] = False,
    with_triggers: Annotated[
        bool, typer.Option("--with-triggers", help="Create the backup's triggers (code) too.")
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Put the table back that the last restore kept.")
    ] = False,
    drop_kept: Annotated[
        bool, typer.Option("--drop-kept", help="Remove the table that the last restore kept.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this nothing but the preview happens.")
    ] = False,
) -> None:
    """Show what a restore would do, and with --yes do it; the former table is kept."""
    cli: Cli = context.obj
    if undo or drop_kept:
        _after(cli, database_url, table, put_back=undo, yes=yes)
        return
    which: dict[str, Any] = {
        "database": database_url,
        "table": table,
        "backup_id": backup_id or None,
        "at": at or None,
    }
    if not yes:
        _preview(cli, which, name)
        return
    how = {"allow_orphans": allow_orphans, "with_triggers": with_triggers}
    _restore(cli, {**which, **how, "target": name or None})


def _after(cli: Cli, database: str, table: str, *, put_back: bool, yes: bool) -> None:
    from core.backup import kept

    name = kept.newest_kept(database, table)
    verb = "put back" if put_back else "dropped"
    if yes:
        with cli.out.work("Changing") as work:
            (kept.undo if put_back else kept.drop_kept)(None, work, database=database, kept=name)
        cli.out.result({"table": table, "kept": name}, lambda: cli.out.line(f"{name} is {verb}"))
        return
    cli.out.line(f"{name} would be {verb}")
    cli.out.note("Nothing was changed. Add --yes to do it.")


def _restore(cli: Cli, which: dict[str, Any]) -> None:
    from core.backup.restore import restore as run_restore

    with cli.out.work("Restoring") as work:
        report = run_restore(cli.opener.workspace(work), work, **which)
    cli.out.result(report, lambda: _show_report(cli, report))


def _preview(cli: Cli, which: dict[str, Any], name: str) -> None:
    from core.backup.preview import preview

    with cli.out.work("Comparing") as work:
        found = preview(cli.opener.workspace(work), work, **which)
    cli.out.result(found, lambda: _show_preview(cli, found, name))


def _show_preview(cli: Cli, found: RestorePreview, name: str) -> None:
    difference = found.difference
    target = f"as {name}" if name else f"over {found.table}" if found.exists else "as a new table"
    cli.out.line(f"backup {found.backup.id} of {iso_utc(found.backup.taken)}, {target}")
    cli.out.line(f"+ {format_count(difference.added)} rows to add")
    cli.out.line(f"~ {format_count(difference.changed)} rows to change")
    cli.out.line(f"- {format_count(difference.removed)} rows to remove")
    for words in (*found.drift, *found.problems):
        cli.out.line(f"! {words}")
    for reference in found.incoming:
        columns = ", ".join(reference.columns)
        cli.out.line(f"foreign key into {found.table}: {reference.table} ({columns})")
    for trigger in found.triggers:
        cli.out.line(f"! trigger {trigger.name} comes back only with --with-triggers")
    for other, count in found.orphans:
        cli.out.line(
            f"! {format_count(count)} rows of {other} would point to nothing: --allow-orphans"
        )
    cli.out.note("Nothing was changed. Add --yes to restore.")


def _show_report(cli: Cli, report: RestoreReport) -> None:
    rows, took = format_count(report.rows), format_duration(report.seconds)
    cli.out.line(f"{report.table}: {rows} rows restored in {took}, verified {report.verified}")
    if report.kept:
        cli.out.line(f"the former table is kept as {report.kept}")
    for words in report.problems:
        cli.out.line(f"! {words}")
