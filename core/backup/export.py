"""Export of a backup's rows to a file: CSV, JSON, INSERT statements, or Parquet."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from core.backup.choice import Wanted, check_not_empty, find
from core.backup.query.column_types import Typed
from core.backup.query.insert_statements import write_inserts
from core.backup.query.rows import VIEW, LoadedBackup, loaded_backup
from core.backup.store import BucketStore, Store
from core.errors import Corrupt, InvalidInput
from core.local.atomic import translate_os_errors
from core.model.backup import Backup
from core.objects.bucket import HasBucket
from core.sql.csv_text import FORMULA_STARTS
from core.sql.literals import quoted, text_literal
from core.sql.new_file import new_file
from core.sql.session import run
from core.units import format_count
from core.work import Progress, Work, default_work

FORMATS = ("csv", "json", "sql", "parquet")

#: Options of DuckDB's COPY for each format that it writes.
_OPTIONS = {
    "csv": "FORMAT csv, HEADER true, NULLSTR ''",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
}


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The report of an export: the file, its number of rows and its size in bytes.

    `notes` name columns that are exported as text although they have another type.
    """

    backup: Backup
    path: str
    format: str
    rows: int
    size: int
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """The file of an export, and how it is written; see `export`."""

    path: Path
    format: str
    overwrite: bool = False
    formula_safe: bool = False


def export(  # noqa: PLR0913 - keyword arguments of one operation
    workspace: HasBucket,
    work: Work | None = None,
    *,
    table: str,
    path: str | Path,
    file_format: str,
    backup_id: str | None = None,
    at: str | datetime | None = None,
    overwrite: bool = False,
    formula_safe: bool = False,
) -> ExportReport:
    """Write the rows of a backup, by default the newest of the table, to a new file.

    Every part is verified before it is read. The file takes its name when it is complete.

    Args:
        workspace: The services of a connection.
        work: Cancel token and progress.
        table: The table whose backup is exported.
        path: The file to write.
        file_format: `csv`, `json`, `sql` (INSERT statements in the dialect of the backup's
            database) or `parquet`.
        backup_id: The id of the backup, or its beginning.
        at: Use the newest backup up to this time.
        overwrite: Whether an existing file is replaced.
        formula_safe: Whether an apostrophe precedes texts of a CSV that a spreadsheet would compute.

    Raises:
        AlreadyExists: The file exists.
        Corrupt: The backup is damaged.
        InvalidInput: The format is unknown.
        LocalIOError: The file cannot be written.
        NotFound: There is no such backup.
    """
    work = default_work(work)
    check_not_empty(path=str(path))
    target = Target(Path(path), file_format, overwrite, formula_safe)
    check_target(target)
    store = BucketStore(workspace.bucket)
    return export_of(store, find(store, table, work, Wanted.of(backup_id, at)), target, work)


def check_target(target: Target) -> None:
    """Check the format and its options.

    Raises:
        InvalidInput: The format is unknown, or has no formulas.
    """
    if target.format not in FORMATS:
        raise InvalidInput(
            f"{target.format!r} is not a format of an export", remedy=f"Use {', '.join(FORMATS)}."
        )
    if target.formula_safe and target.format != "csv":
        raise InvalidInput(
            f"The format {target.format} has no formulas",
            remedy="Omit --formula-safe, or choose the format csv.",
        )


def export_of(store: Store, backup: Backup, target: Target, work: Work) -> ExportReport:
    """Export a listed backup from any store; see `export`."""
    started = time.monotonic()
    exact = target.format == "sql"
    with (
        new_file(target.path, overwrite=target.overwrite) as temporary,
        # Only statements of this module are run: the session must be able to write a file.
        loaded_backup(store, backup, work, locked=False, exact=exact) as loaded,
    ):
        work.report(Progress(0, loaded.package.rows, "rows", "writing"))
        with run(loaded.connection, work), translate_os_errors(target.path, "written"):
            if exact:
                rows = write_inserts(loaded, temporary, work)
            else:
                rows = _copy(loaded, temporary, target)
        _check_rows(rows, loaded)
        size = temporary.stat().st_size
    return ExportReport(
        backup, str(target.path), target.format, rows, size,
        time.monotonic() - started, () if exact else loaded.notes,
    )  # fmt: skip


def _check_rows(rows: int, loaded: LoadedBackup) -> None:
    if rows != loaded.package.rows:
        raise Corrupt(
            "The export has another number of rows than the backup",
            cause=f"{format_count(rows)} instead of {format_count(loaded.package.rows)}.",
            remedy="Export it again, and report this.",
            subject=loaded.package.backup.key,
        )


def _copy(loaded: LoadedBackup, file: Path, target: Target) -> int:
    values = ", ".join(_value_sql(column, target) for column in loaded.columns)
    options = f"{_OPTIONS[target.format]}, USE_TMP_FILE false"
    copy = f"COPY (SELECT {values} FROM {VIEW}) TO {text_literal(str(file))} ({options})"  # noqa: S608 - all names are quoted
    return int(loaded.connection.execute(copy).fetchall()[0][0])


def _value_sql(column: Typed, target: Target) -> str:
    name = column.name
    if target.format == "csv":
        value = _csv_value(column, formula_safe=target.formula_safe)
        if target.formula_safe and name.startswith(FORMULA_STARTS):
            name = "'" + name
    else:
        value = _json_value(column) if target.format == "json" else quoted(name)
    return f"{value} AS {quoted(name)}"


def _csv_value(column: Typed, *, formula_safe: bool) -> str:
    value = quoted(column.name)
    if column.type == "BLOB":
        return f"'\\x' || lower(hex({value}))"
    if column.type in ("DOUBLE", "FLOAT"):
        return f"CASE WHEN isfinite({value}) THEN CAST({value} AS VARCHAR) ELSE {_not_finite(value)} END"
    if column.type == "VARCHAR" and formula_safe:
        starts = " OR ".join(f"starts_with({value}, chr({ord(start)}))" for start in FORMULA_STARTS)
        return f"CASE WHEN {starts} THEN chr(39) || {value} ELSE {value} END"
    return value


def _json_value(column: Typed) -> str:
    value = quoted(column.name)
    if column.type == "BLOB":
        return f"CASE WHEN {value} IS NOT NULL THEN {{'$hex': hex({value})}} END"
    if column.type in ("DOUBLE", "FLOAT"):
        # JSON has no numbers for them.
        other = f"to_json({_not_finite(value)})"
        return f"CASE WHEN isfinite({value}) THEN to_json({value}) ELSE {other} END"
    return value


def _not_finite(value: str) -> str:
    """Return the SQL of the text of an infinity or NaN; NULL stays NULL."""
    return (
        f"CASE WHEN {value} IS NULL THEN NULL WHEN isnan({value}) THEN 'NaN' "
        f"WHEN {value} > 0 THEN 'Infinity' ELSE '-Infinity' END"
    )


def format_of(path: Path) -> str:
    """Return the format that the name of a file ends with; empty if it is none of them."""
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in FORMATS else ""
