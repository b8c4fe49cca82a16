"""The commands `query` and `export`: SQL on the rows of a backup, and files with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.backups import BackupId, named_backup
from core.cli.local_targets import OutputType
from core.cli.parameters import usage_error
from core.units import format_counted, format_duration, format_size

if TYPE_CHECKING:
    from core.backup.export import ExportReport
    from core.backup.query import QueryResult
    from core.cli.common import Cli
    from core.sql.result import Cell

At = Annotated[
    str, typer.Option("--at", help="Use the newest backup up to this time (ISO 8601, UTC).")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")]
FormulaSafe = Annotated[
    bool,
    typer.Option(
        "--formula-safe", help="Write an apostrophe before texts that a spreadsheet would compute."
    ),
]
RawCsv = Annotated[
    bool,
    typer.Option(
        "--raw-csv",
        help="Write texts of a CSV as they are. By default an apostrophe precedes those that a "
        "spreadsheet would compute.",
    ),
]


def query(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="The table whose backup is read.")],
    sql: Annotated[
        str,
        typer.Argument(
            help="One SELECT statement (DuckDB). The rows are the table's name, or `backup`."
        ),
    ],
    backup_id: BackupId = "",
    at: At = "",
    limit: Annotated[int, typer.Option(min=1, help="Most rows of the result.")] = 1000,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", click_type=OutputType(), help="Write the result to this file."),
    ] = None,
    overwrite: Overwrite = False,
    formula_safe: FormulaSafe = False,
) -> None:
    """Run SQL on the rows of a backup, by default the newest; nothing is restored or changed."""
    from core.backup.query import query as run_query

    cli: Cli = context.obj
    with cli.out.work("Querying") as work:
        found = run_query(
            cli.opener.workspace(work), work,
            table=table, sql=sql, backup_id=backup_id or None, at=at or None, limit=limit,
        )  # fmt: skip
    if csv is not None:
        _write_csv(found, csv, overwrite=overwrite, formula_safe=formula_safe)
    cli.out.result(found, lambda: _show(cli, found, csv))


def _write_csv(found: QueryResult, path: Path, *, overwrite: bool, formula_safe: bool) -> None:
    from core.local.atomic import translate_os_errors
    from core.sql.csv_text import csv_line
    from core.sql.new_file import new_file

    lines = [csv_line(row, formula_safe=formula_safe) for row in (found.columns, *found.rows)]
    with new_file(path, overwrite=overwrite) as temporary, translate_os_errors(path, "written"):
        temporary.write_text("".join(lines), encoding="utf-8", newline="")


def _show(cli: Cli, found: QueryResult, csv: Path | None) -> None:
    if csv is None:
        rows = [tuple(text_of(cell) for cell in row) for row in found.rows]
        numbers = [n for n, kind in enumerate(found.types) if is_number(kind)]
        cli.out.table(found.columns, rows, numbers=numbers)
    for note in found.notes:
        cli.out.note(f"! {note}")
    cli.out.note(
        f"{format_counted(len(found.rows), 'row')} in {format_duration(found.seconds)}, from "
        f"{named_backup(found.backup)}"
    )
    if csv is not None:
        cli.out.note(f"The result was written to {csv}.")
    if found.cut:
        cli.out.note("! The result has more rows; use --limit to see more of them.")


def is_number(kind: str) -> bool:
    """Return whether a type of DuckDB is one of numbers."""
    return "INT" in kind or kind.startswith(("DECIMAL", "DOUBLE", "FLOAT"))


def text_of(cell: Cell) -> str:
    """Return a value of a result as text."""
    if cell is None:
        return "NULL"
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def export(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="The table whose backup is exported.")],
    output: Annotated[
        Path | None,
        typer.Option("--output", click_type=OutputType(), help="The file to write."),
    ] = None,
    file_format: Annotated[
        str,
        typer.Option(
            "--format", help="csv, json, sql or parquet; by default the ending of the file."
        ),
    ] = "",
    backup_id: BackupId = "",
    at: At = "",
    overwrite: Overwrite = False,
    formula_safe: FormulaSafe = False,
) -> None:
    """Write the rows of a backup to a file: CSV, JSON, INSERT statements, or Parquet."""
    from core.backup.export import export as run_export
    from core.backup.export import format_of

    cli: Cli = context.obj
    if output is None:
        raise usage_error("The file of the export is missing", remedy="Add --output FILE.")
    file_format = file_format or format_of(output)
    if not file_format:
        raise usage_error(
            f"The format of {output.name} is unknown",
            remedy="Add --format csv, json, sql or parquet.",
        )
    with cli.out.work("Exporting") as work:
        report = run_export(
            cli.opener.workspace(work), work,
            table=table, path=output, file_format=file_format, backup_id=backup_id or None,
            at=at or None, overwrite=overwrite, formula_safe=formula_safe,
        )  # fmt: skip
    cli.out.result(report, lambda: _show_export(cli, report))


def _show_export(cli: Cli, report: ExportReport) -> None:
    rows, size = format_counted(report.rows, "row"), format_size(report.size)
    cli.out.line(f"{report.path}: {rows}, {size}")
    for note in report.notes:
        cli.out.note(f"! {note}")
    cli.out.note(f"from {named_backup(report.backup)}")
