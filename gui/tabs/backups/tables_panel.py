"""The tables of the selected source: an open database, or all backups in the bucket."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QItemSelection, QSortFilterProxyModel, Qt, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.errors import StorageError
from core.model.backup_listing import StoredTable
from core.model.database import DatabaseInfo, TableInfo
from core.model.schedule import LastBackup
from core.units import format_counted
from gui import theme
from gui.models.roles import SORT_ROLE
from gui.tabs.backups.columns import first_look, show_numbers_complete
from gui.tabs.backups.encryption_dialog import chosen_key
from gui.tabs.backups.models import TablesModel
from gui.tabs.backups.sources import Source
from gui.widgets.buttons import link_button, name_button, plain_button
from gui.widgets.columns import SettingsStore
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import allow_field, line_edit
from gui.widgets.labels import Pill, muted_label
from gui.widgets.panel import Panel, row
from gui.widgets.table import choose_row, make_table

_HEAD = 30
_NO_BACKUPS = (
    "Open an SQLite file or the database of a server to back up its tables. Backups from other "
    "computers also appear here."
)
#: Widths of the columns after the first, and minimum width of the name, in pixels.
_WIDTHS, _NAME = (80, 118), 120


class TablesPanel(QWidget):
    """Tables with their number of rows or of backups, and their last backup.

    Signals:
        open_wanted: the user wants to open another database; the button below which to offer it.
        retry_wanted: the user wants to connect to the server again.
        login_wanted: the user wants to enter another password for the server.
        selected: a `TableInfo`, or None.
        backup_wanted: names of the tables to back up, empty means all; and the note.
        some_rows_wanted: the name of a table, of which the user wants to back up some rows.
        some_tables_wanted: the user wants to choose tables and rows by patterns and conditions.
        encryption_wanted: the user wants to choose the key that encrypts backups of the database.
        together_wanted: the user wants to restore several tables together.
    """

    open_wanted = Signal(object)
    retry_wanted = Signal()
    login_wanted = Signal()
    selected = Signal(object)
    backup_wanted = Signal(object, str)
    some_rows_wanted = Signal(str)
    some_tables_wanted = Signal()
    encryption_wanted = Signal()
    together_wanted = Signal()

    def __init__(self, settings: SettingsStore | None) -> None:
        super().__init__()
        self.model = TablesModel(self)
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(self.model)
        self._sorted.setSortRole(SORT_ROLE)
        self.table = make_table(
            self._sorted, "Tables", settings=settings, key="backups/tables", multiple=True
        )
        first_look(
            self.table,
            settings,
            "backups/tables",
            _WIDTHS,
            Qt.SortOrder.AscendingOrder,
            first=_NAME,
        )
        show_numbers_complete(self.table, TablesModel.ROWS)
        self.table.setMinimumHeight(_HEAD + theme.ROW)
        self._make_buttons()
        self._settings = settings
        self._why = ""
        self._narrow = self._low = self._quiet = self._fresh = False
        self.database = ""
        self.database_name = ""
        self._pill, self._engine = Pill(""), ("", "")
        self._act: Callable[[], object] = self._on_open
        #: The text below the tables, and the progress of backups by the address of their database.
        self._text, self._activities = "", dict[str, str]()
        self._empty = EmptyState("", "", "", lambda: self._act())  # noqa: PLW0108 - the action changes
        self.view = Loadable(self._content(), self._empty)
        self._panel = Panel("Tables", self.view, actions=(self.together,))
        self._panel.head.add_pill(self._pill)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._panel)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        self._update()

    def _make_buttons(self) -> None:
        self.back_up = name_button("Back up", self._on_back_up_table, kind="primary")
        self.back_up_all = plain_button("All tables", lambda: self._on_back_up([]))
        self.back_up_all.set_hint("Backs up every table from one consistent snapshot.")
        self.some_rows = link_button("Some rows…", self._on_some_rows)
        self.some_tables = link_button("Some tables…", self.some_tables_wanted.emit)
        self.encryption = link_button("Not encrypted", self.encryption_wanted.emit)
        self.together = link_button("Restore together…", self.together_wanted.emit)
        self.together.set_hint(
            "Restores the selected tables, or all of them, from backups of one moment."
        )

    def _content(self) -> QWidget:
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.table, 100)  # above the tables; never higher than its rows
        self._buttons = row(self.back_up, self.back_up_all, margins=(12, 8, 12, 4))
        self._buttons.layout().addStretch(1)  # type: ignore[union-attr] # `row` returns a QBoxLayout's owner
        self.note = muted_label("", wrap=True, small=True)
        self.note.setContentsMargins(12, 4, 12, 12)
        self.note.hide()
        box.addWidget(self._buttons)
        self.remark = line_edit("Note of the next backup", "Note (optional)", hint="Stored in it.")
        self._remark_row = row(self.remark, margins=(12, 0, 12, 0))
        box.addWidget(self._remark_row)
        self._links = row(
            self.some_rows, self.some_tables, self.encryption,
            margins=(7, 0, 7, 0), spacing=0, stretch=True,
        )  # fmt: skip
        box.addWidget(self._links)
        box.addWidget(self.note)
        box.addStretch(1)
        self._hint = muted_label("", wrap=True, small=True)
        self._hint.setContentsMargins(12, 4, 12, 12)
        self._hint.hide()
        box.addWidget(self._hint)
        return content

    def show_hint(self, text: str) -> None:
        """Show a hint at the bottom, unless the window is narrow or low; empty for none."""
        self._hint.setText(text)
        self._update_hint()

    def set_low(self, *, low: bool) -> None:
        """Hide the hint in a low window."""
        self._low = low
        self._update_hint()

    def _update_hint(self) -> None:
        self._hint.setVisible(bool(self._hint.text()) and not self._narrow and not self._low)

    def set_narrow(self, *, narrow: bool) -> None:
        """Hide rows and engine, and shorten other texts, if the window is too narrow for them."""
        least = _NAME + _WIDTHS[1] + (0 if narrow else _WIDTHS[0])
        self.table.setMinimumWidth(least)
        self.table.setColumnHidden(TablesModel.ROWS, narrow)
        self._narrow = narrow
        self._update_hint()
        for link, what in ((self.some_rows, "rows"), (self.some_tables, "tables")):
            link.setText(f"{what.capitalize()}…" if narrow else f"Some {what}…")
            link.setAccessibleName(f"Some {what}")
        self.back_up_all.setText("All" if narrow else "All tables")
        self.back_up_all.setAccessibleName("Back up all tables")
        self._show_engine(*self._engine)
        self.together.setText("Restore…" if narrow else "Restore together…")
        self.together.setAccessibleName("Restore tables together")

    def _show_engine(self, engine: str, hint: str = "") -> None:
        """Show the engine of the database, unless its name needs the room."""
        self._engine = engine, hint
        self._pill.set("" if self._narrow else engine, hint=hint)

    @property
    def current(self) -> TableInfo | None:
        """The selected table; of several the current one."""
        rows = self.table.selectionModel().selectedRows()
        if not rows:
            return None
        current = self.table.currentIndex().row()
        index = next((each for each in rows if each.row() == current), rows[0])
        return self.model.tables[self._sorted.mapToSource(index).row()]

    @property
    def chosen(self) -> tuple[str, ...]:
        """The names of the selected tables without former ones, in the order of the list."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        at = (self._sorted.mapToSource(self._sorted.index(row, 0)).row() for row in rows)
        found = (self.model.tables[row] for row in at)
        return tuple(info.name for info in found if not info.former_name)

    @property
    def own(self) -> tuple[str, ...]:
        """The names of the tables without former and derived ones, which are never backed up."""
        tables = (info for info in self.model.tables if not info.former_name and not info.derived)
        return tuple(info.name for info in tables)

    @property
    def note_of_backup(self) -> str:
        """The note of the next backup; empty for none."""
        return self.remark.text().strip()

    def show_database(self, info: DatabaseInfo, source: Source) -> None:
        """Show a database; if the selected table is in it, it stays selected and is emitted again.

        Args:
            info: its tables.
            source: its address and description.
        """
        self.database_name = info.name
        # The host, which would leave no room for the name, is in the tooltip of the engine.
        own = source.origin.database if source.is_server and source.origin else ""
        self._panel.head.set_title(own or info.name)
        self._show_engine(info.engine, source.hint)
        self.database = source.address
        self.show_encryption()
        self._show(lambda: self.model.show(info.tables, source.origin))
        self._show_note(info.untested if self.model.tables else "This database has no tables.")

    def show_encryption(self) -> None:
        """Show the key that encrypts backups of the database."""
        name = chosen_key(self._settings, self.database)
        # The name is in the tooltip: it would make the column wider than its tables.
        self.encryption.setText("Encrypted" if name else "Not encrypted")
        self.encryption.set_hint(
            f"Backups of this database are encrypted with {name}. Choose another key."
            if name
            else "Choose a key that encrypts backups of this database."
        )

    def show_bucket(self, stored: Sequence[StoredTable]) -> None:
        """Show the tables of all databases that have backups."""
        self._panel.head.set_title("In the bucket")
        self._show_engine("")
        self._keep(lambda: self.model.set_stored(stored))
        self._show(self.model.show_bucket)
        self._show_note("Backups from every computer that writes to this bucket.")
        if not stored:
            self._show_empty(
                "This bucket has no backups", _NO_BACKUPS, "Open database…", self._on_open
            )

    def _show_note(self, text: str) -> None:
        """Show a text below the tables, which takes no space in small windows without one."""
        self._text = text
        self._update_note()

    def show_activity(self, database: str, text: str) -> None:
        """Show the progress of a backup of a database instead of the text below its tables."""
        self._activities[database] = text
        self._update_note()

    def _update_note(self) -> None:
        activity = "" if self.model.in_bucket else self._activities.get(self.database, "")
        text = activity or self._text
        self.note.setText(text)
        self.note.setVisible(bool(text))

    def _show(self, change: Callable[[], object]) -> None:
        """Show other rows and select one of them."""
        self.view.show_view()
        self._keep(change)
        if self.current is None:
            first = next((t.name for t in self._best_first()), "")
            self._keep(lambda: self.select(first))
        self._update()
        if self._fresh:  # the selection was scrolled into the view with the height of fewer rows
            self._fresh = False
            QTimer.singleShot(0, self.table, self._scroll)
        self.selected.emit(self.current)

    def _scroll(self) -> None:
        """Show the first tables, unless the selected one would not be visible."""
        self.table.scrollToTop()
        self.table.scrollTo(self.table.currentIndex())

    def _best_first(self) -> list[TableInfo]:
        return sorted(self.model.tables, key=lambda info: bool(info.problem or info.former_name))

    def _keep(self, change: Callable[[], object]) -> None:
        """Replace the rows without emitting the selections in between."""
        name = self.current.name if self.current else ""
        self._quiet = True
        try:
            change()
            if self.current is None and name:
                self.select(name)
        finally:
            self._quiet = False
        rows = max(1, self.model.rowCount())
        self.table.setMaximumHeight(_HEAD + theme.ROW * rows + 2)
        self._update()

    def show_loading(self, name: str) -> None:
        """Show that the tables of another source are being loaded."""
        self._fresh = True
        self._panel.head.set_title(name)
        self._show_engine("")
        self._keep(lambda: self.model.show(None))
        self.view.show_empty()
        self.view.show_loading()

    def show_failure(self, name: str, summary: str) -> None:
        """Show why the tables of a source cannot be listed."""
        self.show_loading(name)
        self._show_empty("The tables could not be listed", summary)

    def show_server_failure(
        self, name: str, error: StorageError, *, note: str, log_in: bool
    ) -> None:
        """Show why a server's tables cannot be listed, with a button to try again or to log in."""
        self.show_loading(name)
        parts = (f"{error.summary}.", error.cause, error.remedy, note)
        text = " ".join(part for part in parts if part)
        button, act = ("Log in…", self.login_wanted.emit) if log_in else ("Retry", self._on_retry)
        self._show_empty("The tables could not be listed", text, button, act)
        self.selected.emit(None)

    def _show_empty(
        self, title: str, text: str, button: str = "", act: Callable[[], object] | None = None
    ) -> None:
        self._empty.set_text(title, text, button)
        self._act = act or self._on_open
        self.view.show_empty()

    def _on_open(self) -> None:
        self.open_wanted.emit(self._empty.button)

    def _on_retry(self) -> None:
        self.view.show_loading()
        self.retry_wanted.emit()

    def set_stored(self, stored: Sequence[StoredTable] | None) -> None:
        """Show which tables have backups and when the last was made; None if unknown."""
        self._keep(lambda: self.model.set_stored(stored))

    def set_examined(self, last: Sequence[LastBackup]) -> None:
        """Show the last backups of the open database, not those of tables of the same name."""
        self._keep(lambda: self.model.set_examined(last))

    def select(self, table: str) -> bool:
        """Select a table by its name; return whether it is listed."""
        found = self.model.row_of(table)
        if found < 0:
            return False
        choose_row(self.table, self._sorted.mapFromSource(self.model.index(found, 0)).row())
        return True

    def allow_together(self, why_not: str) -> None:
        """Enable the restore of several tables, or show why it is disabled."""
        self.together.allow(not why_not, why_not)

    def allow(self, why_not: str) -> None:
        """Enable the backup buttons, or show why they are disabled."""
        self._why = why_not
        self._update()

    def _on_selection(self, _now: QItemSelection, _before: QItemSelection) -> None:
        self._update()
        if not self._quiet:
            self.selected.emit(self.current)

    def _update(self) -> None:
        info = self.current
        for part in (self._buttons, self._remark_row, self._links):
            part.setVisible(not self.model.in_bucket)
        several = len(self.chosen) if len(self.chosen) > 1 else 0
        what = format_counted(several, "table") if several else info.name if info else ""
        self.back_up.setText(f"Back up {what}".rstrip())
        why = self._why or ("" if info else "Select a table first.") or self._problem()
        self.back_up.allow(not why, why)
        why = why or ("Select a single table." if several else "")
        self.some_rows.allow(not why, why)
        self.some_rows.set_hint("Backs up only the rows that meet an SQL condition.")
        self.encryption.allow(not self._why, self._why)
        usable = any(not t.problem and not t.former_name for t in self.model.tables)
        why_none = self._why or ("" if usable else "There is no table.")
        self.back_up_all.allow(not why_none, why_none)
        allow_field(self.remark, not why_none, why_none)
        self.some_tables.allow(not why_none, why_none)
        self.some_tables.set_hint("Chooses tables by patterns, and their rows by SQL conditions.")

    def _problem(self) -> str:
        """Return why one of the selected tables cannot be backed up."""
        problems = {info.name: info.problem for info in self.model.tables}
        names = self.chosen or ((self.current.name,) if self.current else ())
        return next((f"{name} is {problems[name]}." for name in names if problems[name]), "")

    def _on_some_rows(self) -> None:
        if self.current is not None:
            self.some_rows_wanted.emit(self.current.name)

    def _on_back_up_table(self) -> None:
        if self.current is not None:
            self._on_back_up(list(self.chosen) or [self.current.name])

    def _on_back_up(self, tables: list[str]) -> None:
        self.backup_wanted.emit(tables, self.note_of_backup)
