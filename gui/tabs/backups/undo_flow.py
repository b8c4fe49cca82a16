"""The undo of a restore, and the removal of the former table, each after a confirmation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from core.engine.operations import operation
from core.errors import ErrorKind, StorageError
from core.model.restore import UndoReport
from core.units import format_counted
from core.work import Work
from gui.dialogs.confirm import ask
from gui.tabs.backups.former_table_bar import FormerTableBar
from gui.tabs.backups.open_databases import OpenDatabases, connect
from gui.tabs.backups.together_requests import failing_text
from gui.tabs.base import Tab


@dataclass(frozen=True, slots=True)
class UndoOptions:
    """Where an undo is confirmed and reported: by default in the tab.

    Attributes:
        parent: the view that asks.
        failed: gets the error instead of the banner of the tab.
        failing: sentences about views and triggers that fail after the undo.
    """

    parent: QWidget
    failed: Callable[[StorageError], object] | None = None
    failing: tuple[str, ...] = ()


class UndoFlow(QObject):
    """Controls the bar of the former table.

    Signals:
        changed: a restore was undone or a former table dropped; address of the database, table.
        undone: a restore was undone; the name of its former table.
    """

    changed = Signal(str, str)
    undone = Signal(str)

    def __init__(self, tab: Tab, former_bar: FormerTableBar, databases: OpenDatabases) -> None:
        super().__init__(tab)
        self._tab, self._former_bar, self._databases = tab, former_bar, databases
        former_bar.undo_wanted.connect(self.undo)
        former_bar.drop_wanted.connect(self._on_drop_wanted)

    @property
    def offered(self) -> tuple[str, str, str] | None:
        """Database, table and former table of the restore whose undo the bar offers."""
        bar = self._former_bar
        return None if bar.isHidden() else (bar.database, bar.table, bar.former)

    def undo(
        self, database: str, table: str, former: str, options: UndoOptions | None = None
    ) -> None:
        """Determine what an undo would drop, restore and break, and request confirmation."""
        where = options or UndoOptions(self._tab)

        def then(failing: tuple[str, ...]) -> None:
            self._count_to_undo(database, table, former, replace(where, failing=failing))

        self.list_failing(database, (former,), then, where.failed)

    def list_failing(
        self,
        database: str,
        formers: Sequence[str],
        then: Callable[[tuple[str, ...]], object],
        failed: Callable[[StorageError], object] | None,
    ) -> None:
        """Find the views and triggers that fail after an undo; `then` gets a sentence about each."""
        self._tab.bulk(
            f"Check what uses {', '.join(formers)}",
            "backup.failing_after_undo",
            {"database": self._databases.argument(database), "formers": tuple(formers)},
            then,
            failed=failed,
            latest="backups/undo",
            quiet=True,
        )

    def _count_to_undo(self, database: str, table: str, former: str, options: UndoOptions) -> None:
        address, workspace = self._databases.argument(database), self._tab.context.workspace

        def count(work: Work) -> tuple[int, int, bool]:
            with connect(address, workspace, work) as opened:
                counts = opened.count(table, work=work), opened.count(former, work=work)
                return *counts, opened.has_former_rows(former)

        self._tab.run(
            f"Count the rows of {table} and {former}",
            count,
            lambda rows: self._ask_to_undo(database, table, former, rows, options),
            failed=options.failed,
            latest="backups/undo",
            quiet=True,
        )

    def _ask_to_undo(
        self,
        database: str,
        table: str,
        former: str,
        rows: tuple[int, int, bool],
        options: UndoOptions,
    ) -> None:
        if rows[2]:
            self._ask_to_undo_rows(database, table, former, rows[1], options)
            return
        lost, back = (format_counted(number, "row") for number in rows[:2])
        ask(
            options.parent if isValid(options.parent) else self._tab,
            f"Undo the restore of {table}?",
            f"The present table ({lost}) is dropped, with every change since the restore: it "
            f"can only be restored from a backup. The former table "
            f"({back}) replaces it. {failing_text(options.failing)}"
            f"Database: {self._databases.source(database).place}.",
            lambda: self._undo(database, former, options),
            names=[f"− {table}: {lost}", f"+ {former}: {back}"],  # noqa: RUF001 - a minus sign, as people read it
            button="Undo restore",
            danger=True,
            typed=table,
        )

    def _ask_to_undo_rows(
        self, database: str, table: str, former: str, count: int, options: UndoOptions
    ) -> None:
        ask(
            options.parent if isValid(options.parent) else self._tab,
            f"Undo the restore of {format_counted(count, 'row')} of {table}?",
            "These rows get the values from before the restore, and inserted rows are deleted. "
            "Changes of these rows since the restore are lost; other rows do not change. "
            f"{failing_text(options.failing)}"
            f"Database: {self._databases.source(database).place}.",
            lambda: self._undo(database, former, options),
            names=[former],
            button="Undo restore",
            danger=True,
            typed=table,
        )

    def _undo(self, database: str, former: str, options: UndoOptions) -> None:
        message = "The restore was undone"

        def done(report: UndoReport) -> None:
            self._former_bar.hide()
            if report.problems:
                self._tab.banner.show_warning(message, " ".join(report.problems))
            else:
                self._tab.banner.show_good(f"{message}.")
            self.undone.emit(former)
            self.changed.emit(database, report.table)

        self._change_former("backup.undo", database, former, done, options.failed)

    def _on_drop_wanted(self, database: str, former: str) -> None:
        table = self._former_bar.table
        ask(
            self._tab,
            "Drop the former table?",
            "It cannot be restored from this database, only from a backup. "
            f"Database: {self._databases.source(database).place}.",
            lambda: self._drop(database, table, former),
            names=[former],
            button="Drop",
            danger=True,
            typed=former,
        )

    def _drop(self, database: str, table: str, former: str) -> None:
        """Drop a former table, and select the table whose former rows it had."""

        def done(_name: str) -> None:
            self._former_bar.hide()
            self._tab.banner.show_good("The former table was dropped.")
            self.changed.emit(database, table)

        def failed(error: StorageError) -> None:
            # Another program has dropped it, or renamed it; which of them depends on the engine.
            if error.kind in {ErrorKind.NOT_FOUND, ErrorKind.INVALID_INPUT}:
                self._former_bar.hide()
                self.changed.emit(database, table)
            self._tab.show_error(error)

        self._change_former("backup.drop_former", database, former, done, failed)

    def _change_former(
        self,
        name: str,
        database: str,
        former: str,
        done: Callable[[Any], object],
        failed: Callable[[StorageError], object] | None,
    ) -> None:
        arguments = {"database": self._databases.argument(database), "former": former}
        title = f"{operation(name).title}: {former}"
        self._tab.bulk(title, name, arguments, done, target=database, failed=failed)
