"""Export of a backup's rows to a file: CSV, JSON, INSERT statements, or Parquet."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from core.backup.arguments import check_not_empty
from core.backup.choice import Wanted, find
from core.backup.other_databases import note_others
from core.backup.query.insert_statements import write_inserts
from core.backup.query.rows import VIEW, LoadedBackup, loaded_backup
from core.backup.store import BucketStore, Store
from core.errors import Corrupt, InvalidInput
from core.hints import Hint
from core.local.atomic import translate_os_errors
from core.model.backup import Backup
from core.objects.bucket import HasBucket
from core.sql.files import FileTarget, TypedColumn, copy_to_file
from core.sql.new_file import new_file
from core.sql.session import run
from core.units import format_count
from core.work import Progress, Work, default_work

FORMATS = ("csv", "json", "sql", "parquet")


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The report of an export: the file, its number of rows and its size in bytes.

    `notes` name columns that are exported as text although they have another type, and other
    databases with backups of such a table, if none was chosen by its id.
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
        formula_safe: Whether an apostrophe precedes texts of a CSV that a spreadsheet would
            compute.

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
    which = find(store, table, work, Wanted.of(backup_id, at))
    notes = note_others(store, which, work) if backup_id is None else ()
    report = export_of(store, which, target, work)
    return replace(report, notes=(*notes, *report.notes))


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
            remedy="Choose the format csv, or export the values as they are.",
            hints=Hint.FORMAT_CSV,
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
    columns = [TypedColumn(column.name, column.type) for column in loaded.columns]
    destination = FileTarget(file, target.format, target.formula_safe)
    return copy_to_file(loaded.connection, VIEW, columns, destination)


def format_of(path: Path) -> str:
    """Return the format that the name of a file ends with; empty if it is none of them."""
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in FORMATS else ""
