"""The command `find`, which searches keys in the catalogue without a request."""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.parameters import usage_error
from core.cli.query import RawCsv
from core.model.catalog import CatalogRow
from core.units import format_age, format_counted, format_size, iso_utc

if TYPE_CHECKING:
    from core.catalog.matches import Matches
    from core.catalog.query import Query
    from core.cli.common import Cli
    from core.model.catalog import CatalogState
    from core.work import Work

_PAGE = 10_000
_HEADS = ("Modified", "Size", "Class", "Key")


class Sort(StrEnum):
    """What results are sorted by."""

    KEY = "key"
    NAME = "name"
    SIZE = "size"
    MODIFIED = "modified"
    TIME = "moment"


def find(  # noqa: PLR0913, PLR0917 - the options of one command
    context: typer.Context,
    query: Annotated[
        list[str] | None,
        typer.Argument(
            help="Texts, globs, /regular expressions/ and fields such as kind:ohlcv symbol:BTC* "
            "size:>1MB modified:>=2024-01-01. A key has to meet all of them."
        ),
    ] = None,
    sort: Annotated[Sort, typer.Option("--sort", help="The order of the results.")] = Sort.KEY,
    descending: Annotated[bool, typer.Option("--descending", help="Reverse the order.")] = False,
    limit: Annotated[
        int, typer.Option(min=0, help="Most results that are shown; 0 means all.")
    ] = 0,
    csv: Annotated[bool, typer.Option("--csv", help="Write the results as CSV.")] = False,
    raw_csv: RawCsv = False,
    refresh: Annotated[
        bool, typer.Option("--refresh", help="List new keys first, which needs LIST requests.")
    ] = False,
    inventory: Annotated[
        list[Path] | None,
        typer.Option(
            "--inventory",
            help="Search in this file of a report of S3 Inventory instead, Parquet or CSV, or in "
            "those that its manifest.json names.",
        ),
    ] = None,
) -> None:
    """Search the keys of the bucket in the catalogue on this computer, without a request.

    The first search needs a catalogue: `strongroom catalog refresh`, or the option --refresh.
    Fields: kind, symbol, timeframe, user, table, report, log, class, size, modified, time and
    prefix. An exclamation mark before a term excludes what it finds.
    """
    from core.catalog.catalog import open_catalog
    from core.catalog.query_text import parse_query
    from core.catalog.refresh import refresh as refresh_catalog

    cli: Cli = context.obj
    if inventory and refresh:
        raise usage_error("--inventory and --refresh exclude each other")
    if csv and cli.out.as_json:
        raise usage_error("--csv and --json cannot be combined", remedy="Omit one of them.")
    parsed = parse_query(" ".join(query or ()))
    with cli.out.work("Searching") as work:
        if inventory:
            matches, note = _find_in_report(inventory, parsed, sort, work, descending=descending)
        else:
            workspace = cli.opener.workspace(work)
            if refresh:
                refresh_catalog(workspace, work)
            catalog = open_catalog(workspace)
            matches = catalog.search(parsed, order=sort.value, descending=descending, work=work)
            note = _age_note(catalog.state)
    form = _Csv(safe=not raw_csv) if csv else None
    _write(cli, matches, limit or len(matches), form)
    count, size = format_counted(len(matches), "key"), format_size(matches.size)
    cli.out.note(f"{count}, {size}. {note}")


def _find_in_report(
    paths: list[Path], query: Query, sort: Sort, work: Work, *, descending: bool
) -> tuple[Matches, str]:
    from core.catalog.inventory import search_inventory
    from core.catalog.query import order_sql

    table = search_inventory(paths, work)
    return table.search(query, order_sql(sort.value, descending=descending), work), ""


def _age_note(state: CatalogState | None) -> str:
    listed = state.listed_for("") if state else None
    if state is None or listed is None:
        return "The catalogue contains a part of the bucket; see `strongroom catalog status`."
    note = (
        f"New keys were listed {format_age(listed.recent)}, all keys {format_age(listed.complete)}."
    )
    if state.damaged:
        damaged = ", ".join(state.damaged)
        note += (
            f" Keys are missing, because segments are damaged: {damaged}. Refresh the catalogue."
        )
    return note


@dataclass(frozen=True, slots=True)
class _Csv:
    """Results as CSV; `safe` if no text of it is a formula of a spreadsheet."""

    safe: bool


def _write(cli: Cli, matches: Matches, limit: int, csv: _Csv | None) -> None:
    """Write the results page by page, except for one value of JSON and an aligned table."""
    count = min(limit, len(matches))
    if csv or cli.out.json_lines or not (cli.out.as_json or sys.stdout.isatty()):
        if csv:
            cli.out.content(_csv_heads())
        for begin in range(0, count, _PAGE):
            _write_page(cli, matches.page(begin, min(_PAGE, count - begin)), csv)
    else:
        rows = matches.page(0, count)
        cli.out.result(rows, lambda: cli.out.table(_HEADS, [_cells(row) for row in rows], (1,)))


def _write_page(cli: Cli, rows: tuple[CatalogRow, ...], csv: _Csv | None) -> None:
    if csv is None:
        cli.out.result(rows, lambda: cli.out.table(_HEADS, [_cells(row) for row in rows], (1,)))
        return
    from core.sql.csv_text import csv_line

    lines = (csv_line(_values(row), formula_safe=csv.safe) for row in rows)
    cli.out.content("".join(lines).encode("utf-8", "surrogateescape"))


def _csv_heads() -> bytes:
    from core.sql.csv_text import csv_line

    return csv_line(field.name for field in fields(CatalogRow)).encode()


def _values(row: CatalogRow) -> tuple[object, ...]:
    values = (getattr(row, field.name) for field in fields(row))
    return tuple(iso_utc(each) if isinstance(each, datetime) else each for each in values)


def _cells(row: CatalogRow) -> tuple[str, ...]:
    return iso_utc(row.modified), format_size(row.size), row.storage_class, row.key
