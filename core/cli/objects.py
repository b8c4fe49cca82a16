"""The commands `ls` and `stats`; the transfer commands are also registered here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.local_targets import OutputType
from core.cli.selection import ANOTHER_BUCKET, prefix_of
from core.units import format_count, format_counted, format_size, iso_utc

if TYPE_CHECKING:
    from core.cli.common import Cli
    from core.model.statistics import Share, StorageStatistics

#: The groups that are printed; --json has all.
_GROUPS = ("kinds", "tops", "classes")


def ls(
    context: typer.Context,
    prefix: Annotated[
        str, typer.Argument(help=f"Only keys that start with this prefix. {ANOTHER_BUCKET}")
    ] = "",
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", help="List all objects below the prefix, not only one level."
        ),
    ] = False,
) -> None:
    """List folders and objects."""
    from core.objects.level import page_of, rows_of

    cli: Cli = context.obj
    prefix = prefix_of(cli, prefix)
    # Collected before the output, except for --json-lines: --json is one value, and a table aligns
    # its columns.
    rows: list[dict[str, Any]] = []
    token: str | None = None
    with cli.out.work("Listing") as work:
        bucket = cli.opener.workspace(work).bucket
        while True:
            work.check()
            delimiter = "" if recursive else "/"
            page, token = page_of(bucket, prefix, delimiter=delimiter, token=token, work=work)
            rows += [{"key": folder, "folder": True} for folder in page.folders]
            rows += [
                {"key": r.key, "size": r.size, "modified": r.modified, "etag": r.etag}
                for r in rows_of(page)
            ]
            if cli.out.json_lines:
                cli.out.json_rows(rows)
                rows.clear()
            if token is None:
                break
    if not rows and prefix and not cli.out.json_lines:
        cli.out.note(f"No key of {bucket.name} begins with {prefix}.")
    cli.out.result(rows, lambda: _show_rows(cli, rows))


def _show_rows(cli: Cli, rows: list[dict[str, Any]]) -> None:
    table = [
        ("", "folder", row["key"])
        if "folder" in row
        else (iso_utc(row["modified"]), format_size(row["size"]), row["key"])
        for row in rows
    ]
    cli.out.table(("Modified", "Size", "Key"), table, numbers=(1,))


def stats(
    context: typer.Context,
    prefix: Annotated[
        str, typer.Argument(help=f"Only count objects below this prefix. {ANOTHER_BUCKET}")
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            click_type=OutputType(),
            help="Write all groups and the largest objects to this file, which ends in .csv or .json.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
) -> None:
    """Show numbers and sizes of objects by folder, kind and storage class.

    The number of LIST requests, which AWS charges for, is shown at the end. The file of --output
    also has the groups by symbol, month and size; a spreadsheet does not compute texts of its CSV.
    """
    from core.engine.scan_helper import scan_helper
    from core.sql.record_file import check_record_file
    from core.statistics.export import export_statistics
    from core.statistics.scan import scan

    cli: Cli = context.obj
    prefix = prefix_of(cli, prefix)
    if output is not None:  # before the requests of the scan, which AWS charges for
        check_record_file(output, overwrite=overwrite)
    with cli.out.work("Scanning") as work:
        workspace = cli.opener.workspace(work)
        with scan_helper(workspace.connection, work) as helper:
            found = scan(workspace, work, prefix=prefix, helper=helper)
    count = 0
    if output is not None:
        count = export_statistics(found, output, overwrite=overwrite)
    cli.out.result(found, lambda: _show_stats(cli, found))
    if output is not None:
        cli.out.note(f"{format_counted(count, 'record')} written to {output}.")


def _show_stats(cli: Cli, found: StorageStatistics) -> None:
    def rows(name: str, shares: tuple[Share, ...]) -> list[tuple[str, str, str, str]]:
        return [
            (name, share.name, format_count(share.objects), format_size(share.size))
            for share in shares
        ]

    table = [("total", found.bucket, format_count(found.objects), format_size(found.size))]
    for group in _GROUPS:
        table += rows(group, getattr(found, group))
    cli.out.table(("By", "Name", "Objects", "Size"), table, numbers=(2, 3))
    cli.out.note(format_counted(found.list_calls, "LIST request"))
