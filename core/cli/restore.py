"""The command `restore`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.backup import Exclude, Include
from core.cli.backups import BackupId
from core.cli.databases import Database
from core.cli.parameters import usage_error
from core.cli.restore_report import show_new_table, show_preview, show_report
from core.cli.restore_tables import restore_several
from core.cli.row_restore import RowKeys, RowsWhere, restore_rows
from core.units import format_counted

if TYPE_CHECKING:
    from core.cli.common import Cli


@dataclass(frozen=True, slots=True)
class _Request:
    """Arguments of `restore`; an empty text means that the argument was omitted."""

    database: str
    table: str
    backup_id: str
    at: str
    from_other_source: bool
    source: str

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that the preview and the restore have in common."""
        return {
            "database": self.database,
            "table": self.table,
            "backup_id": self.backup_id or None,
            "at": self.at or None,
            "from_other_source": self.from_other_source,
            "source": self.source,
        }


def restore(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    database_url: Database,
    tables: Annotated[
        list[str] | None,
        typer.Argument(help="The tables to restore; several in the order of their references."),
    ] = None,
    backup_id: BackupId = "",
    at: Annotated[
        str, typer.Option(help="Use the newest backup up to this time (ISO 8601, UTC).")
    ] = "",
    name: Annotated[str, typer.Option("--as", help="Restore to a table with this name.")] = "",
    from_other_source: Annotated[
        bool,
        typer.Option(
            "--from-other-source", help="Use the newest backup, even if it is of another database."
        ),
    ] = False,
    source: Annotated[
        str,
        typer.Option(
            help="Use only the backups of this database, by its name or path: the bucket may have "
            "those of several databases."
        ),
    ] = "",
    allow_orphans: Annotated[
        bool,
        typer.Option(
            "--allow-orphans",
            help="Restore even if foreign keys of other tables would refer to missing rows.",
        ),
    ] = False,
    with_triggers: Annotated[
        bool,
        typer.Option(
            "--with-triggers", help="Also create the triggers of the backup, which are code."
        ),
    ] = False,
    with_grants: Annotated[
        bool,
        typer.Option(
            "--with-grants",
            help="Restore the owner (PostgreSQL) and the grants (also MariaDB) of the backup.",
        ),
    ] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Undo the last restore: bring back the former table.")
    ] = False,
    drop_former: Annotated[
        bool,
        typer.Option("--drop-kept", help="Remove the former table that the last restore retained."),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Restore; without this option only the preview is shown.")
    ] = False,
    rows: RowKeys = None,
    rows_where: RowsWhere = "",
    all_tables: Annotated[
        bool,
        typer.Option("--all-tables", help="Restore every table that has backups of the database."),
    ] = False,
    include: Include = None,
    exclude: Exclude = None,
    single_transaction: Annotated[
        bool,
        typer.Option(
            "--single-transaction",
            help="Restore all tables or none, in one transaction (SQLite and PostgreSQL).",
        ),
    ] = False,
) -> int:
    """Show what a restore would change, and restore with --yes; the former table is retained.

    With --rows only these rows change: a missing one is inserted, a different one is updated, and
    one that is not in the backup is deleted. --rows-where selects rows of the backup by an SQL
    condition. Their former values are retained for --undo.

    Several tables are restored one after the other, referenced ones first, from one snapshot if
    their newest backups have one in common. A failure ends the command and names what was restored;
    with --single-transaction it leaves every table as it was.
    """
    cli: Cli = context.obj
    if bool(tables) == all_tables:
        raise usage_error("Name the tables to restore, or give --all-tables")
    if (include or exclude) and not all_tables:
        raise usage_error(
            "--include and --exclude can only be used with --all-tables",
            remedy="Add --all-tables, or omit the patterns.",
        )
    how = {
        "allow_orphans": allow_orphans, "with_triggers": with_triggers, "with_grants": with_grants
    }  # fmt: skip
    if all_tables or len(tables or ()) > 1:
        _refuse_single(
            id=backup_id, as_=name, undo=undo, drop_kept=drop_former, rows=rows,
            rows_where=rows_where,
        )  # fmt: skip
        wanted = {
            "tables": tuple(tables) if tables else None, "at": at or None,
            "include": tuple(include or ()), "exclude": tuple(exclude or ()),
            "any_source": from_other_source, "source": source, "single_transaction": single_transaction,
        }  # fmt: skip
        return restore_several(cli, database_url, wanted, how, yes=yes)
    table = (tables or ("",))[0]
    if undo or drop_former:
        _after(cli, database_url, table, put_back=undo, yes=yes)
        return 0
    request = _Request(database_url, table, backup_id, at, from_other_source, source)
    if rows or rows_where:
        chosen = {"keys": rows or (), "where": rows_where}
        restore_rows(cli, {**request.arguments(), **chosen}, yes=yes)
    elif yes:
        _restore(cli, {**request.arguments(), **how, "target": name or None})
    else:
        _preview(cli, request, name)
    return 0


def _refuse_single(**values: object) -> None:
    """Refuse options that only have a meaning for one table; an omitted one is false."""
    for option, value in values.items():
        if value:
            raise usage_error(
                f"--{option.rstrip('_').replace('_', '-')} can only be used with one table",
                remedy="Name one table, or omit the option.",
            )


def _after(cli: Cli, database: str, table: str, *, put_back: bool, yes: bool) -> None:
    from core.backup import undo
    from core.backup.databases.address import resolve_address
    from core.workspace import Workspace

    with cli.out.work("Opening") as work:
        # Nothing is sent, except for the secret that an address names: only the lock of the
        # profile counts.
        workspace = Workspace.open(cli.opener.connection(work))
        address = resolve_address(database, workspace.secrets, work)
        found = undo.describe_former_table(address, table, work)
    name = found.name
    if yes:
        problems: tuple[str, ...] = ()
        with cli.out.work("Changing") as work:
            if put_back:
                report = undo.undo(workspace, work, database=database, former=name)
                problems = report.problems
            else:
                undo.drop_former_table(workspace, work, database=database, former=name)

        def show() -> None:
            cli.out.line(f"{name} is {'put back' if put_back else 'dropped'}")
            for problem in problems:
                cli.out.line(f"! {problem}")

        cli.out.result({"table": table, "kept": name, "problems": problems}, show)
        return
    rows = format_counted(found.rows, "row")
    effect = found.undo_effect if put_back else f"{name} would be dropped, with {rows}."
    cli.out.result(found, lambda: cli.out.line(effect))
    cli.out.note("Nothing was changed. Add --yes to do it.")


def _restore(cli: Cli, arguments: dict[str, Any]) -> None:
    from core.backup.restore import restore as run_restore

    with cli.out.work("Restoring") as work:
        report = run_restore(cli.opener.workspace(work), work, **arguments)
    cli.out.result(report, lambda: show_report(cli, report))


def _preview(cli: Cli, request: _Request, name: str) -> None:
    from core.backup.preview import preview

    with cli.out.work("Comparing") as work:
        workspace = cli.opener.workspace(work)
        found = preview(workspace, work, **request.arguments(), target=name or None)

    def show() -> None:
        if name:
            show_new_table(cli, found, name)
        else:
            show_preview(cli, found)
        cli.out.note("Nothing was changed. Add --yes to restore.")

    cli.out.result(found, show)
