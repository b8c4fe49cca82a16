"""Undo of a restore, and removal of the former table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from core.backup.databases import open_database
from core.backup.databases.address import DatabaseAddress, resolve_address, secrets_of
from core.backup.databases.base import Database
from core.backup.databases.naming import naming_restored
from core.effects import BY_HAND, states_effect
from core.errors import NOTHING_CHANGED, Conflict, NotFound, NotSupported
from core.model.database import Dependant
from core.model.restore import UndoReport
from core.objects.bucket import HasBucket
from core.units import format_counted
from core.work import Work, default_work

#: Engines whose views and triggers refer to a table by its name; those of PostgreSQL follow it.
_BY_NAME = ("SQLite", "MariaDB")
#: What is checked with the columns of the former table; indexes and keys are part of the undo.
_CHECKED = ("view", "trigger", "function", "procedure", "event")
_AS_BEFORE = "does not work, as before"
_STAMP = re.compile(r"__before_(\d{8}T\d{6}Z)(?:_(\d+))?$")


@dataclass(frozen=True, slots=True)
class FormerTable:
    """The former table of the last restore, and what an undo would drop.

    `rows` is the number of its rows; `single_rows` means that it contains the former values of
    single rows only. `present_rows` are those of the present table, including rows written since
    the restore; None if there is no such table. `used_by` are the views, triggers, routines and
    events that use the former table by its name, and fail without it. `broken` are sentences about
    those that use columns of the present table which the former one does not have.
    """

    table: str
    name: str
    rows: int
    present_rows: int | None
    single_rows: bool = False
    used_by: tuple[Dependant, ...] = ()
    broken: tuple[str, ...] = ()

    @property
    def undo_effect(self) -> str:
        """What an undo would change, as sentences."""
        failing = _failing(self.used_by, self.name, self.table)
        return " ".join((self._rows_effect, *failing, *self.broken))

    @property
    def _rows_effect(self) -> str:
        back = format_counted(self.rows, "row")
        if self.single_rows:
            return (
                f"{back} of {self.table} would be as before the restore, by {self.name}; inserted ones "
                "would be deleted. Changes of these rows since the restore would be lost."
            )
        would = f"{self.name} ({back}) would be put back as {self.table}."
        if self.present_rows is None:
            return would
        lost = format_counted(self.present_rows, "row")
        return (
            f"{would} The present table ({lost}) would be dropped, with every change since the "
            "restore."
        )


def describe_former_table(
    database: str | DatabaseAddress, table: str, work: Work | None = None
) -> FormerTable:
    """Return the former table of the last restore with its rows, without changes.

    Raises:
        NotFound: When there is no former table.
    """
    work = default_work(work)
    with open_database(database, work=work) as target:
        name = _newest(target, table)
        present = target.count(table, work=work) if target.exists(table) else None
        rows = target.count(name, work=work)
        single, used = target.has_former_rows(name), _used_by_name(target, name)
        broken = () if single or present is None else _broken(target, name, table)
        return FormerTable(table, name, rows, present, single, used, broken)


def failing_after_undo(
    workspace: HasBucket | None, work: Work | None = None, *, database: str, formers: Sequence[str]
) -> tuple[str, ...]:
    """Return sentences about what uses a former table and fails after an undo, without changes.

    Args:
        workspace: reads the secret of the address, if it has one.
        work: cancel token and progress.
        database: the address of the database.
        formers: names of former tables that would be put back.
    """
    work = default_work(work)
    address = resolve_address(database, secrets_of(workspace), work)
    with open_database(address, work=work) as target:
        names = {one.name: one.former_name for one in target.tables()}
        return tuple(
            text
            for former in formers
            for text in _failing(
                _used_by_name(target, former), former, names.get(former) or "the present table"
            )
        )


def _used_by_name(target: Database, former: str) -> tuple[Dependant, ...]:
    """Return what uses a former table by its name: in PostgreSQL nothing does."""
    if target.engine not in _BY_NAME:
        return ()
    return tuple(one for one in target.dependants(former) if one.kind != "foreign key")


def _broken(target: Database, former: str, table: str) -> tuple[str, ...]:
    """Return sentences about what uses columns of a table that its former version does not have.

    PostgreSQL itself refuses an undo that something prevents.
    """
    if target.engine not in _BY_NAME:
        return ()
    with suppress(NotSupported):  # a table that could not be backed up is put back all the same
        schema = replace(target.schema(former), table=table)
        return tuple(
            f"With the former table, the {one.kind} {one.name} {one.problem}."
            for one in target.dependants_after(schema)
            if one.problem and one.kind in _CHECKED and not one.problem.startswith(_AS_BEFORE)
        )
    return ()


def _broken_by(target: Database, former: str) -> tuple[str, ...]:
    """Return the sentences of `_broken` before an undo, whose table is not known yet."""
    if target.engine not in _BY_NAME or not target.exists(former) or target.has_former_rows(former):
        return ()
    table = next((one.former_name for one in target.tables() if one.name == former), "")
    return _broken(target, former, table) if table and target.exists(table) else ()


def _failing(used: Iterable[Dependant], former: str, table: str) -> Iterator[str]:
    for one in used:
        yield (
            f"The {one.kind} {one.name} uses {former}, which does not exist after the undo: let it "
            f"use {table}."
        )


def _newest(target: Database, table: str) -> str:
    names = [
        one.name
        for one in target.tables()
        if one.former_name and target.same_name(one.former_name, table)
    ]
    if not names:
        raise NotFound(
            f"There is no former version of {table}",
            remedy="An in-place restore retains the former table until it is dropped or restored.",
            subject=table,
        )
    return max(names, key=_stamp)


def _stamp(former: str) -> tuple[str, int]:
    """Return the time in a name, and the number of those of the same second.

    Long names are shortened before it, by one character more for each digit of the number.
    """
    found = _STAMP.search(former)
    return (found[1], int(found[2] or 1)) if found else ("", 0)


@states_effect("changed", (BY_HAND,))
def undo(
    workspace: HasBucket | None, work: Work | None = None, *, database: str, former: str
) -> UndoReport:
    """Restore the former table and drop the restored one.

    Returns:
        The name of the table, and what is not as it was before the restore.

    Raises:
        InvalidInput: When `former` is not a former table.
        ReadOnlyProfile: When the profile of the workspace is read-only.
    """
    _require_writable(workspace, f"Putting {former} back")
    work = default_work(work)
    address = resolve_address(database, secrets_of(workspace), work)
    with (
        open_database(address, write=True, work=work) as target,
        naming_restored(former),
    ):
        broken = _broken_by(target, former)
        with target.change(work=work):
            used = _used_by_name(target, former)
            report = target.undo(former)
    failing = _failing(used, former, report.table)
    return replace(report, problems=(*report.problems, *failing, *broken))


@states_effect("changed", (BY_HAND,))
def drop_former_table(
    workspace: HasBucket | None, work: Work | None = None, *, database: str, former: str
) -> str:
    """Drop a former table and return its name.

    Raises:
        Conflict: When a view, trigger, routine, event or foreign key uses it.
        InvalidInput: When `former` is not a former table.
        ReadOnlyProfile: When the profile of the workspace is read-only.
    """
    _require_writable(workspace, f"Dropping {former}")
    work = default_work(work)
    address = resolve_address(database, secrets_of(workspace), work)
    with open_database(address, write=True, work=work) as target, target.change(work=work):
        for used in _used_by_name(target, former):
            raise Conflict(
                f"{former} is used by the {used.kind} {used.name}",
                remedy=f"Drop the {used.kind}, or let it use another table.",
                effect=NOTHING_CHANGED,
                subject=former,
            )
        target.drop_former(former)
    return former


def _require_writable(workspace: HasBucket | None, action: str) -> None:
    """Refuse a change with a read-only profile; scripts without a workspace have no profile."""
    if workspace is not None:
        workspace.bucket.clients.require_writable(action)
