"""Restore of a backup into another engine: schema and rows are converted exactly, or refused.

Old-form backups, which have no engine, have the types of the present table or those of SQLite.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from core.backup.conversion.old_form_csv import csv_rows, portable
from core.backup.conversion.rows import RowConversion, digest
from core.backup.conversion.schemas import convert_schema
from core.backup.conversion.type_rules import POSTGRESQL, RULES, SQLITE
from core.backup.databases.base import Database
from core.backup.databases.long_rows import complete_rows
from core.backup.databases.postgresql.names import TableName
from core.backup.package import Package
from core.errors import NotSupported
from core.model.tables import TableSchema
from core.work import Work

__all__ = ["converted", "is_convertible", "prove_convertible", "restore_notes", "same_rows"]


def is_convertible(engine: str, target: type[Database]) -> bool:
    """Return whether backups of an engine can be restored into databases of `target`.

    Args:
        engine: The engine of the backup; empty for the old form, which every engine can restore.
        target: The engine of the database.
    """
    return engine in ("", target.engine) or (engine, target.engine) in RULES


def converted(
    package: Package, target: Database | type[Database], today: TableSchema | None
) -> Package:
    """Return the package in the format of the target's engine.

    Args:
        package: A verified backup.
        target: The database to restore into, or only its engine if it does not exist.
        today: The present table, whose types are used for an old-form backup.

    Raises:
        NotSupported: The table cannot be restored into this engine.
    """
    if package.engine == target.engine:
        return package
    if not package.engine:
        return _old_form(package, target, today)
    if (package.engine, target.engine) not in RULES:
        raise NotSupported(
            f"A backup of {package.engine} cannot be restored into {target.engine}",
            remedy=f"Restore it into {package.engine}, or export it.",
        )
    free_name = _free_names(target, package.schema.table, today)
    found = convert_schema(package.schema, package.engine, target.engine, free_name)
    title = f"Converted from {package.engine} to {target.engine}; the differences follow."
    return replace(
        package,
        schema=found.schema,
        # Both are of the rows as they were; `same_rows` compares the converted ones instead.
        content=None,
        fingerprint="",
        convert=RowConversion(
            package.parts_format, found.plans, target.engine, package.schema.table
        ),
        problems=(title, *found.differences, *package.problems),
    )


def _old_form(
    package: Package, target: Database | type[Database], today: TableSchema | None
) -> Package:
    if package.parts_format == target.parts_format:
        return package
    # Without the schema of the present table it is inferred from the values, as of SQLite.
    fits = today is not None and not package.inferred
    schema, lost = (package.schema, ()) if fits else portable(package.schema)
    return replace(
        package,
        schema=schema,
        content=None,
        convert=lambda rows: csv_rows(schema, rows),
        problems=(*package.problems, *lost),
    )


def _free_names(
    target: Database | type[Database], table: str, today: TableSchema | None
) -> Callable[[str], str]:
    """Return the function for names of keys and indexes, which are unique in some databases."""
    replaced = set[str]()
    if today is not None:
        replaced = {index.name for index in today.indexes} | {key.name for key in today.keys}

    def free_name(name: str) -> str:
        if isinstance(target, type) or name in replaced:
            return name
        if target.engine == POSTGRESQL:
            place = TableName(TableName.parse(table).schema, name)
            return TableName.parse(target.free_name(str(place))).name
        return target.free_name(name) if target.engine == SQLITE else name

    return free_name


def restore_notes(package: Package, target: Database | type[Database]) -> tuple[str, ...]:
    """Return what a restore changes although the rows are equal; a conversion has its own notes."""
    if isinstance(package.convert, RowConversion):
        return ()
    return target.restore_notes(package.schema)


def prove_convertible(package: Package) -> None:
    """Convert all rows once, so that a value is refused before anything changes.

    Raises:
        NotSupported: A value has no exact equivalent; the error names column, row and value.
    """
    if isinstance(package.convert, RowConversion):
        deque(package.pieces(), maxlen=0)


def same_rows(package: Package, target: Database, schema: TableSchema, work: Work) -> bool | None:
    """Return whether a table contains exactly the converted rows, in any order.

    None if the rows were not converted from another engine.
    """
    if not isinstance(package.convert, RowConversion):
        return None
    plans = package.convert.plans
    loaded = digest(complete_rows(target.dump(schema, work=work)), target.parts_format, plans)
    return loaded == digest(package.pieces(), target.parts_format, plans)
