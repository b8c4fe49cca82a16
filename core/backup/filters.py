"""The tables and rows of a backup run: chosen by name, by pattern, and by SQL conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.backup.arguments import check_not_empty
from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress, resolve_address, secrets_of
from core.backup.databases.base import Database
from core.backup.databases.naming import LockedError
from core.backup.databases.selected import matches
from core.backup.keys import folder, new_id
from core.errors import (
    AccessDenied,
    Corrupt,
    DatabaseError,
    InvalidInput,
    NotFound,
    NotSupported,
    StorageError,
)
from core.model.selection import Selection, Skipped
from core.model.tables import TableSchema
from core.objects.bucket import HasBucket
from core.units import utc_now
from core.work import Work, default_work

if TYPE_CHECKING:
    from core.model.backup_plan import BackupPlan
    from core.model.database import TableInfo

_WRITE_NAMES = (
    "Write one SQL condition as after WHERE, without a semicolon, which only reads. On PostgreSQL "
    "the names of tables and of functions of your own need their schema, for example public.orders."
)

_ONE_CONDITION = "Give each table of the backup at most one condition."
_INCLUDE_TABLE = "Remove the condition, or choose tables and patterns that include the table."


@dataclass(frozen=True, slots=True)
class ChosenTable:
    """A table to back up, which can be restored, and the condition on its rows or nothing."""

    schema: TableSchema
    where: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tables to back up; `skipped` cannot be restored, `excluded` are not requested."""

    tables: tuple[ChosenTable, ...]
    skipped: tuple[Skipped, ...] = ()
    excluded: tuple[Skipped, ...] = ()


#: Errors about one table, also a damaged one, or one that was dropped since the list was read.
_OF_ONE_TABLE = (
    AccessDenied, NotFound, NotSupported, Corrupt, InvalidInput, DatabaseError, LockedError
)  # fmt: skip


def plan_backup(
    workspace: HasBucket,
    work: Work | None = None,
    *,
    database: str | DatabaseAddress,
    selection: Selection,
    exact: bool = True,
) -> BackupPlan:
    """Return what a run would back up, with the present row counts, without writing anything.

    Args:
        workspace: The workspace; only its secrets are read, for an address `secret:NAME`.
        work: Cancel token and progress.
        database: The address of the database, as for `core.backup.run.backup`.
        selection: The requested tables and rows.
        exact: Whether large tables are counted, which may take minutes; otherwise the numbers of
            their rows may be estimates of the server. Conditions are evaluated in any case.

    Raises:
        DatabaseError: The database cannot be read.
        InvalidInput: No table remains, a pattern matches none, or a condition is not valid.
        NotFound: A named table does not exist.
        NotSupported: A named table could not be restored.
    """
    from core.model.backup_plan import BackupPlan, PlannedTable

    work = default_work(work)
    address = resolve_address(database, secrets_of(workspace), work)
    with open_database(address, work=work) as source, source.snapshot():
        chosen = choose_tables(source, selection, work)
        tables = []
        for table in chosen.tables:
            rows, estimated = _rows(source, table, work, exact=exact)
            tables.append(PlannedTable(table.schema.table, rows, table.where, estimated=estimated))
        return BackupPlan(source.name, tuple(tables), chosen.skipped, chosen.excluded)


def choose_tables(source: Database, selection: Selection, work: Work) -> Chosen:
    """Return the tables of a run; called inside a snapshot of the database.

    A table that is named, or that has a condition, is never skipped: its error ends the run before
    anything is written.

    Raises:
        InvalidInput: No table remains, a pattern matches none, or a condition is not valid.
        NotFound: A named table does not exist.
        NotSupported: A named table could not be restored.
    """
    _check(selection)
    if selection.tables is not None:
        schemas = _named_schemas(source, tuple(dict.fromkeys(selection.tables)))
        return Chosen(_with_conditions(source, schemas, selection.where, work))
    requested, excluded = _matching(source, selection)
    schemas, skipped = [], []
    failures: list[DatabaseError] = []
    for table in requested:
        try:
            with source.attempt():
                schemas.append(restorable_schema(source, table.name))
        except _OF_ONE_TABLE as error:
            if any(source.same_name(table.name, name) for name in selection.where):
                raise
            skipped.append(skipped_by(error, source, table.name))
            failures += [error] if isinstance(error, DatabaseError) else []
    if failures and not schemas:
        raise failures[0]
    if not schemas and not skipped:
        raise InvalidInput(
            "The database has no tables to back up",
            remedy=source.no_tables_remedy,
            subject=source.name,
        )
    tables = _with_conditions(source, schemas, selection.where, work)
    return Chosen(tables, tuple(skipped), tuple(excluded))


def _named_schemas(source: Database, names: Sequence[str]) -> list[TableSchema]:
    """Return the schemas of named tables.

    Raises:
        StorageError: Of the first table that cannot be backed up; it names all of them.
    """
    schemas, failures = [], list[tuple[str, StorageError]]()
    for name in names:
        try:
            schemas.append(restorable_schema(source, name))
        except (AccessDenied, NotFound, NotSupported, Corrupt, InvalidInput) as error:
            failures.append((name, error))
    if failures:
        raise _named_failure(failures, len(names))
    return schemas


def _named_failure(failures: Sequence[tuple[str, StorageError]], named: int) -> StorageError:
    (name, error), *others = failures
    if name not in error.summary.split():
        error.summary = f"{name} cannot be backed up: {error.summary}"
    more = "; ".join(f"{other}: {found.summary}" for other, found in others)
    error.cause = f"{error.cause} {f'Neither can {more}.' if more else ''}".strip()
    if named > len(failures):
        error.remedy = f"{error.remedy} Or back up the other tables without it.".strip()
    return error


def restorable_schema(source: Database, table: str) -> TableSchema:
    """Return the schema of a table after a check that a restore can build it.

    Raises:
        InvalidInput: Its name is not valid in a key.
        NotFound: It does not exist.
        NotSupported: It cannot be restored.
    """
    schema = source.schema(table)
    source.prove_restorable(schema)
    folder(schema.table, utc_now(), new_id())  # checks that the name is valid in a key
    return schema


def _check(selection: Selection) -> None:
    for name in selection.tables or ():
        check_not_empty(table=name)
    if selection.tables is not None and not selection.tables:
        raise InvalidInput("No table was chosen", remedy="Choose at least one table.")
    if selection.tables is not None and (selection.include or selection.exclude):
        raise InvalidInput(
            "Patterns cannot be combined with names of tables",
            remedy="Name the tables, or back up all tables with patterns.",
        )
    for pattern in (*selection.include, *selection.exclude):
        check_not_empty(pattern=pattern)
    for table, where in selection.where.items():
        check_not_empty(table=table, condition=where)
        _check_text(table, where)


def skipped_by(error: StorageError, source: Database, table: str) -> Skipped:
    """Return a table that an error skips; after a lock, the others are waited for briefly.

    A session that locks many tables, for example during a migration, would otherwise delay the run
    by ten seconds for each of them.
    """
    locked = isinstance(error, LockedError)
    if locked:
        source.wait_briefly()
    return Skipped(table, error.reason, error.remedy, locked)


def _check_text(table: str, where: str) -> None:
    """Refuse characters that a server's protocol would end or change the statement at."""
    try:
        where.encode()
        valid = "\0" not in where
    except UnicodeEncodeError:
        valid = False
    if not valid:
        raise InvalidInput(
            f"The condition for {table} contains a character that SQL cannot contain",
            cause="It contains a null byte or an incomplete character.",
            remedy="Remove the character.",
        )


def _with_conditions(
    source: Database, schemas: Sequence[TableSchema], where: Mapping[str, str], work: Work
) -> tuple[ChosenTable, ...]:
    found: dict[str, str] = {}
    for name, condition in where.items():
        tables = [one.table for one in schemas if source.same_name(one.table, name)]
        if not tables or tables[0] in found:
            raise InvalidInput(
                f"The condition for {name} cannot be used: {condition}",
                cause="The table is not backed up." if not tables else "The table has two of them.",
                remedy=_ONE_CONDITION if tables else _INCLUDE_TABLE,
                subject=name,
            )
        found[tables[0]] = condition
    for table, condition in found.items():
        with naming_condition(table, condition):
            source.check_condition(table, condition, work=work)
    return tuple(ChosenTable(schema, found.get(schema.table, "")) for schema in schemas)


@contextmanager
def naming_condition(table: str, where: str) -> Iterator[None]:
    """Name the condition in an error that the database reports about it; nothing without one.

    Raises:
        InvalidInput: The condition is not valid, or does more than read.
    """
    try:
        yield
    except (AccessDenied, DatabaseError, InvalidInput, NotFound, NotSupported) as error:
        if not where:
            raise
        raise InvalidInput(
            f"The condition for {table} cannot be used: {where}",
            cause=f"{error.summary}. {error.cause}".strip(),
            remedy=_WRITE_NAMES,
            subject=table,
        ) from error


def counted(source: Database, table: ChosenTable, work: Work) -> int:
    """Return the number of rows to back up of a table.

    Raises:
        InvalidInput: The condition fails for a row, or does more than read.
    """
    with naming_condition(table.schema.table, table.where):
        return source.count(table.schema.table, where=table.where, work=work)


def expected_rows(source: Database, table: ChosenTable, work: Work) -> int:
    """Return about how many rows of a table will be backed up; see `counted` for its errors."""
    return _rows(source, table, work, exact=False)[0]


def _rows(source: Database, table: ChosenTable, work: Work, *, exact: bool) -> tuple[int, bool]:
    """Return the number of rows to back up of a table, and whether it is an estimate."""
    # The evaluation of a condition for each row is a check of it, too.
    count = exact or bool(table.where)
    estimate = None if count else source.estimated_rows(table.schema, work=work)
    return (counted(source, table, work), False) if estimate is None else (estimate, True)


def _matching(source: Database, selection: Selection) -> tuple[list[TableInfo], list[Skipped]]:
    """Return the tables that the patterns select, and the other ones that could be backed up.

    Raises:
        InvalidInput: A pattern matches no table.
    """
    tables = [one for one in source.tables() if not one.former_name and not one.derived]
    included = {pattern: _matches(source, pattern, tables) for pattern in selection.include}
    excluded = {pattern: _matches(source, pattern, tables) for pattern in selection.exclude}
    for pattern, names in (*included.items(), *excluded.items()):
        if not names:
            raise InvalidInput(
                f"No table matches the pattern {pattern}",
                cause="A pattern matches complete names: * any characters, ? one character, "
                "[ab] one of several.",
                remedy="Correct the pattern, or omit it.",
                subject=source.name,
            )
    chosen, left = [], []
    for table in tables:
        reason = _exclusion(table.name, included, excluded)
        if reason:
            left.append(Skipped(table.name, reason))
        else:
            chosen.append(table)
    if tables and not chosen:
        raise InvalidInput(
            f"The patterns exclude every table of {source.name}",
            remedy="Change the patterns, so that at least one table remains.",
            subject=source.name,
        )
    return chosen, left


def _exclusion(
    table: str, included: Mapping[str, set[str]], excluded: Mapping[str, set[str]]
) -> str:
    """Return why the patterns do not select a table; empty if they do."""
    if included and not any(table in names for names in included.values()):
        return "No pattern includes it."
    pattern = next((pattern for pattern, names in excluded.items() if table in names), None)
    return "" if pattern is None else f"The pattern {pattern} excludes it."


def _matches(source: Database, pattern: str, tables: Sequence[TableInfo]) -> set[str]:
    return {table.name for table in tables if matches(source, table.name, pattern)}
