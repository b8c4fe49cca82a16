"""The right column: a preview of restoring the selected backup, and the buttons to restore it."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QBoxLayout,
    QCheckBox,
    QGridLayout,
    QHeaderView,
    QLabel,
    QSizePolicy,
    QSpacerItem,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.errors import Archived, ErrorKind, StorageError
from core.model.backup import Backup
from core.model.restore import RestorePreview
from core.units import format_count, format_counted, format_progress, format_size
from core.work import Progress
from gui import theme
from gui.tabs.backups.button_row import ButtonRow
from gui.tabs.backups.models import CellsModel, when
from gui.tabs.backups.preview_texts import (
    detail_lines,
    engine_facts,
    preview_facts,
)
from gui.tabs.backups.repeats import may_succeed
from gui.tabs.backups.sources import SourcesPanel
from gui.tabs.backups.target_pane import TargetPane
from gui.widgets.buttons import link_button, name_button, primary_button
from gui.widgets.empty import EmptyState
from gui.widgets.labels import (
    Text,
    muted_label,
    number_label,
    repolish,
    text_label,
    tooltip,
)
from gui.widgets.panel import Panel, SectionHead, column, rule, scrolling
from gui.widgets.table import columns_of, make_table

#: Heights of a table header and of a figure in pixels; a longer text is below its name.
_HEAD, _FACT, _WRAPPED = 30, 26, 18
#: Number of changes that are visible without scrolling their list.
_LEAST_ROWS = 3
#: Width of a value in pixels that never is narrower.
_SHORT = 120
#: Maximum width of the names of figures in pixels, so that figures stay near them.
_WIDEST = 480
#: Maximum width in pixels of the key of a row or the name of its column.
_WIDEST_NAME = 110
#: After this, a long name or path may wrap.
_LONG_PART = re.compile(r"[/._-]|[^\s/._-]{16}")
#: Errors that the backup or its table has; others are of the server, the computer or a permission.
_OF_BACKUP = frozenset((
    ErrorKind.CONFLICT, ErrorKind.CORRUPT, ErrorKind.INVALID_INPUT, ErrorKind.NOT_FOUND,
    ErrorKind.NOT_SUPPORTED,
))  # fmt: skip
_RETRIEVED_FIRST = "It can be compared and restored after its retrieval, which can be requested."


class RestorePanel(QWidget):
    """A preview with its buttons, an empty state, or the progress of the comparison.

    Signals:
        preview_wanted: compare the backup shown with the present table.
        restore_wanted: a `RestorePreview` and a new name, empty for in place.
        rows_wanted: restore single rows; a `RestorePreview` and their keys.
        cancel_wanted: stop the comparison.
        target_wanted: select another database for a backup of the bucket.
    """

    preview_wanted = Signal()
    restore_wanted = Signal(object, str)
    rows_wanted = Signal(object, object)
    cancel_wanted = Signal()
    target_wanted = Signal()

    def __init__(self, sources: SourcesPanel) -> None:
        super().__init__()
        self.preview: RestorePreview | None = None
        #: The database that the user chose for a backup of the bucket; empty for the open one.
        self.chosen_target = ""
        self.targets = TargetPane()
        self._sources = sources
        self._why = ""
        self.rows = link_button("Restore selected rows…", self._on_rows)
        self._make_cells()
        self.empty = EmptyState("No backup is selected", "", "Compare", self.preview_wanted.emit)
        self._progress = EmptyState("Comparing…", "", "Cancel", self.cancel_wanted.emit)
        self.as_new = name_button("Restore as", self._on_as_new)
        self.in_place = primary_button("Restore in place…", self._on_in_place)
        self.as_new.set_hint("Creates another table; the present one does not change.")
        self._make_checks()
        self._facts = QGridLayout()
        self._make_details()
        self._cells_head = SectionHead("")
        self._note = muted_label("", wrap=True, small=True)
        self.another = link_button("Restore to another database…", self.target_wanted.emit)
        self._stack_host = QWidget()
        self._stack = QStackedLayout(self._stack_host)
        self._shown = self._lay_out_preview()
        for part in (self.empty, self._progress, self._shown, scrolling(self.targets)):
            self._stack.addWidget(part)
        self._targets_page = self._stack.count() - 1
        self._panel = Panel("Restore", self._stack_host)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._panel)
        self.show_nothing()

    def _make_checks(self) -> None:
        self.triggers = QCheckBox("Create the backup's triggers")
        self.triggers.setAccessibleDescription("Triggers are code that runs when rows change.")
        self.grants = QCheckBox("Restore owner and grants")
        self.grants.setAccessibleDescription("They decide who can read and change the table.")

    def _make_details(self) -> None:
        self._details = text_label("", "warning", wrap=True)
        self._details.setContentsMargins(16, 0, 16, 12)

    def _make_cells(self) -> None:
        self.cells = CellsModel(self)
        self.table = make_table(self.cells, "Changed cells", sortable=False, multiple=True)
        self.table.selectionModel().selectionChanged.connect(self._show_row_button)
        columns_of(self.table).leave()
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for value in (2, 3):
            self.table.horizontalHeader().setSectionResizeMode(
                value, QHeaderView.ResizeMode.Stretch
            )

    def _lay_out_preview(self) -> QWidget:
        self._facts.setContentsMargins(16, 8, 16, 12)
        self._facts.setVerticalSpacing(2)
        self._facts.setColumnStretch(1, 1)
        facts = QWidget()
        facts.setMaximumWidth(_WIDEST)
        facts.setLayout(self._facts)
        self._buttons = ButtonRow(self.as_new, self.in_place)
        for check in (self.triggers, self.grants):
            check.setContentsMargins(12, 0, 12, 0)
        self._note.setContentsMargins(12, 0, 12, 12)
        checks = column(self.triggers, self.grants, margins=(12, 4, 12, 0))
        self._rows_line = column(self.rows, margins=(7, 4, 12, 4))
        self._buttons.setMaximumWidth(_WIDEST)
        # In a low window the buttons stay visible, and the rest scrolls.
        changes = column(facts, self._details, rule(), self._cells_head)
        above = changes.layout()
        assert isinstance(above, QBoxLayout)
        above.addWidget(self.table, 1)
        above.addWidget(self._rows_line, 0, Qt.AlignmentFlag.AlignLeft)
        above.addSpacerItem(_room())
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(scrolling(changes), 1)
        for part in (checks, self._buttons, self._note):
            box.addWidget(part)
        box.addWidget(column(self.another, margins=(7, 0, 12, 8)), 0, Qt.AlignmentFlag.AlignLeft)
        return content

    @property
    def with_triggers(self) -> bool:
        """Whether the backup's triggers are to be created."""
        return self.triggers.isChecked() and not self.triggers.isHidden()

    @property
    def with_grants(self) -> bool:
        """Whether the table gets the owner and the grants of the backup."""
        return self.grants.isChecked() and not self.grants.isHidden()

    def show_nothing(self, *, selected: int = 0) -> None:
        """Show that no backup is selected, or several."""
        self.preview = None
        self._panel.head.set_title("Restore")
        title = f"{format_counted(selected, 'backup')} are selected" if selected else ""
        one = "a single one" if selected else "one"
        text = f"Select {one} to see what it would change."
        self.empty.set_text(title or "No backup is selected", text, "")
        self._stack.setCurrentWidget(self.empty)

    def show_backup(self, backup: Backup, *, problem: str = "") -> None:
        """Show a backup that has not been compared, or why it cannot be restored."""
        self.preview = None
        self._panel.head.set_title(f"Restore {when(backup.taken)}")
        if problem:
            self.empty.set_text("This backup cannot be restored", problem, "")
        else:
            text = f"Its {format_size(backup.size)} are downloaded and checked for the comparison."
            self.empty.set_text("Compare with the present table?", text, "Compare")
        self._stack.setCurrentWidget(self.empty)

    def show_failure(self, backup: Backup, error: StorageError) -> None:
        """Show why a backup could not be compared; a button repeats it if that may help.

        The comparison of an archived backup succeeds once it was retrieved.
        """
        self.show_backup(backup, problem=error.summary)
        if isinstance(error, Archived):
            self.empty.set_text("This backup is archived", _RETRIEVED_FIRST, "Compare")
        elif error.kind not in _OF_BACKUP or may_succeed(error):
            self.empty.set_text("The comparison failed", f"{error.summary}.", "Compare")

    def show_targets(self, backup: Backup) -> None:
        """Ask where to restore a backup of the bucket."""
        self.preview = None
        self._panel.head.set_title(f"Restore {when(backup.taken)}")
        self.targets.show_backup(backup, self._sources.databases)
        self._stack.setCurrentIndex(self._targets_page)

    def show_progress(self, title: str, progress: Progress) -> None:
        """Show the progress of the comparison or restore."""
        if self._stack.currentWidget() is self._progress:
            self._progress.set_text(title, progress_text(progress))

    def show_working(self, backup: Backup, title: str) -> None:
        """Show that a comparison or restore is running, with a button to stop it."""
        self._panel.head.set_title(f"Restore {when(backup.taken)}")
        self._progress.set_text(title, "")
        self._stack.setCurrentWidget(self._progress)

    def show_preview(self, preview: RestorePreview, engine: str) -> None:
        """Show the preview of a restore into a database of an engine."""
        self.preview = preview
        self._panel.head.set_title(f"Restore {when(preview.backup.taken)}")
        self._show_facts(preview, engine)
        self._show_cells(preview)
        self._show_buttons(preview)
        self._stack.setCurrentWidget(self._shown)

    def show_last(self) -> None:
        """Return to the preview that was shown before the restore."""
        self._stack.setCurrentWidget(self._shown if self.preview else self.empty)

    def allow(self, why_not: str) -> None:
        """Enable the restore buttons, or show why they are disabled."""
        self._why = why_not
        self.as_new.allow(not why_not, why_not)
        why_not_in_place = why_not or _why_not_in_place(self.preview)
        self.in_place.allow(not why_not_in_place, why_not_in_place)
        self._show_row_button()
        self.targets.allow(why_not)

    def _show_facts(self, preview: RestorePreview, engine: str) -> None:
        while (item := self._facts.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.another.setVisible(bool(self.chosen_target))
        into = [("", "plain", "into", self._sources.source(self.chosen_target).name)]
        facts = (into if self.chosen_target else []) + preview_facts(preview)
        for sign, tone, name, value in facts + engine_facts(preview, engine):
            self._add_fact(sign, tone, name, value)
        details = detail_lines(preview)
        _set_breakable(self._details, details)
        self._details.setToolTip(tooltip("\n".join(preview.drift)) if preview.drift else "")
        self._details.setVisible(bool(details))

    def _add_fact(self, sign: str, tone: str, name: str, value: str) -> None:
        at = self._facts.rowCount()
        mark = Text(sign, tone)
        mark.setFixedWidth(14)
        figures = value.replace(",", "").isdigit()
        long = not figures and len(value) > _WRAPPED
        label = number_label(value, bold=True) if figures else text_label("", wrap=long)
        if not figures:
            _set_breakable(label, value)
        side = Qt.AlignmentFlag.AlignLeft if long else Qt.AlignmentFlag.AlignRight
        label.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        # A short value is complete, but a long word must not widen the window.
        label.setMinimumSize(min(label.sizeHint().width(), _SHORT), _FACT)
        label.setAccessibleName(f"{name}: {value}")
        self._facts.addWidget(mark, at, 0)
        title = text_label("", wrap=True)
        _set_breakable(title, name)
        # A long value is below its name: beside it, both of them would wrap in narrow windows.
        self._facts.addWidget(title, at, 1, 1, 2 if long else 1)
        self._facts.addWidget(label, *((at + 1, 1, 1, 2) if long else (at, 2, 1, 1)))

    def _show_cells(self, preview: RestorePreview) -> None:
        difference = preview.difference
        self.cells.show(difference)
        rows = self.cells.rowCount()
        counts = [
            f"{format_count(count)} {noun}"
            for count, noun in (
                (difference.changed, "changed"),
                (difference.added, "added"),
                (difference.removed, "removed"),
            )
            if count
        ]
        self._cells_head.set_title(counts[0] if counts else "", " · ".join(counts[1:]))
        self._cells_head.setVisible(bool(rows))
        self.table.setVisible(bool(rows))
        self._rows_line.setVisible(bool(rows) and preview.single_rows)
        self._show_row_button()
        for place in (0, 1):
            header = self.table.horizontalHeader()
            wanted = max(self.table.sizeHintForColumn(place), header.sectionSizeHint(place))
            header.resizeSection(place, min(wanted, _WIDEST_NAME))
        self.table.setMinimumHeight(_HEAD + theme.ROW * min(rows, _LEAST_ROWS) + 2)
        self.table.setMaximumHeight(_HEAD + theme.ROW * rows + 2)

    def _show_buttons(self, preview: RestorePreview) -> None:
        self.as_new.setText(f"Restore as {preview.suggested_name}")
        self.as_new.setVisible(preview.exists)
        self.in_place.setText("Restore in place…" if preview.exists else "Restore")
        self.in_place.set_hint(
            "Replaces the present table, which is retained under another name until you drop it."
            if preview.exists
            else "Creates the table with the rows of the backup."
        )
        # If the schemas differ, restoring as a new table, which loses nothing, is the default.
        first, second = self.in_place, self.as_new
        if preview.drift or _why_not_in_place(preview):
            first, second = second, first
        for button, kind in ((first, "primary"), (second, "plain")):
            button.setProperty("kind", kind)
            repolish(button)
        owner, grants = preview.schema.owner, preview.schema.grants
        self.grants.setVisible(bool(owner or grants))
        self.grants.setChecked(False)
        self.grants.setToolTip(tooltip("\n".join((f"Owner: {owner}", *grants))))
        self.triggers.setVisible(bool(preview.triggers))
        self.triggers.setChecked(False)
        self.triggers.setToolTip(tooltip("\n\n".join(t.body for t in preview.triggers)))
        _set_breakable(
            self._note,
            f"The present table is saved as {preview.table}__before_… until you drop it."
            if preview.exists
            else "The table does not exist now and is created.",
        )
        self._buttons.arrange()
        self.allow(self._why)

    @property
    def selected_keys(self) -> tuple[str, ...]:
        """The exact keys of the selected rows, each once."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        keys = (self.cells.keys[row] for row in rows if row < len(self.cells.keys))
        return tuple(dict.fromkeys(key for key in keys if key))

    def _show_row_button(self) -> None:
        count = len(self.selected_keys)
        one = "Restore the selected row…"
        text = one if count == 1 else f"Restore {format_count(count)} selected rows…"
        self.rows.setText(text if count else "Restore selected rows…")
        why_not = self._why or ("" if count else "Select rows of the list first.")
        self.rows.allow(not why_not, why_not)

    def _on_rows(self) -> None:
        if self.preview is not None:
            self.rows_wanted.emit(self.preview, self.selected_keys)

    def _on_as_new(self) -> None:
        if self.preview is not None:
            self.restore_wanted.emit(self.preview, self.preview.suggested_name)

    def _on_in_place(self) -> None:
        if self.preview is not None:
            self.restore_wanted.emit(self.preview, "")


def _room() -> QSpacerItem:
    return QSpacerItem(0, 0, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Expanding)


def _why_not_in_place(preview: RestorePreview | None) -> str:
    if preview is None or not preview.exists:
        return ""
    if preview.backup.filter:
        return "The backup contains only some rows: all others would be removed."
    return next((str(each) for each in preview.dependants if each.blocks), "")


def _set_breakable(label: Text, text: str) -> None:
    """Set a text whose paths and names may wrap, so that nothing is cut off."""
    label.setText(text)
    label.setAccessibleName(label.text())
    if label.wordWrap():
        # Foreign text is escaped; only line break opportunities are added.
        QLabel.setText(label, _LONG_PART.sub("\\g<0>\N{ZERO WIDTH SPACE}", label.text()))
        label.setMinimumWidth(min(label.sizeHint().width(), _SHORT // 2))


def progress_text(progress: Progress) -> str:
    """Return progress as text: rows or bytes, and the total."""
    text = format_progress(progress.done, progress.total, progress.unit)
    return f"{progress.note}: {text}" if progress.note else text
