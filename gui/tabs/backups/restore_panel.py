"""The right column: what a restore of the selected backup would do, and the two ways to do it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QSizePolicy,
    QSpacerItem,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from core.model.backup import Backup, Difference, RestorePreview
from core.units import format_count, format_size
from core.work import Progress
from gui import theme
from gui.tabs.backups.models import CellsModel, when
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.empty import EmptyState
from gui.widgets.labels import (
    Text,
    muted_label,
    number_label,
    repolish,
    text_label,
    tooltip,
)
from gui.widgets.panel import Panel, SectionHead, column, rule
from gui.widgets.table import columns_of, make_table

#: Heights of a table's head and of a fact, in pixels; a longer text wraps.
_HEAD, _FACT, _WRAPPED = 30, 26, 32
_MOST_LINES = 8
#: Figures stand near their names in a wide window too, in pixels.
_WIDEST = 480


class RestorePanel(QWidget):
    """A preview with its buttons; or an empty state, or the progress of the comparison.

    Signals:
        preview_wanted: compare the backup shown with today's table.
        restore_wanted: a `RestorePreview` and a new name, empty for in place.
        cancel_wanted: stop the comparison.
    """

    preview_wanted = Signal()
    restore_wanted = Signal(object, str)
    cancel_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.preview: RestorePreview | None = None
        self._why = ""
        self.cells = CellsModel(self)
        self.table = make_table(self.cells, "Changed cells", sortable=False)
        columns_of(self.table).leave()
        for value in (2, 3):
            self.table.horizontalHeader().setSectionResizeMode(
                value, QHeaderView.ResizeMode.Stretch
            )
        self.empty = EmptyState("No backup is selected", "", "Compare", self.preview_wanted.emit)
        self._progress = EmptyState("Comparing…", "", "Cancel", self.cancel_wanted.emit)
        self.as_new = plain_button("Restore as", self._on_as_new)
        self.in_place = primary_button("Restore in place…", self._on_in_place)
        self.triggers = QCheckBox("Also create the backup's triggers")
        self.triggers.setAccessibleDescription("Triggers are code that runs on changes.")
        self._facts = QGridLayout()
        self._details = text_label("", "warning", wrap=True)
        self._cells_head = SectionHead("")
        self._note = muted_label("", wrap=True, small=True)
        self._stack_host = QWidget()
        self._stack = QStackedLayout(self._stack_host)
        self._shown = self._lay_out_preview()
        for part in (self.empty, self._progress, self._shown):
            self._stack.addWidget(part)
        self._panel = Panel("Restore", self._stack_host)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self._panel)
        self.show_nothing()

    def _lay_out_preview(self) -> QWidget:
        self._facts.setContentsMargins(28, 8, 28, 12)
        self._facts.setVerticalSpacing(2)
        self._facts.setColumnStretch(1, 1)
        facts = QWidget()
        facts.setMaximumWidth(_WIDEST)
        facts.setLayout(self._facts)
        buttons = QWidget()
        line = QHBoxLayout(buttons)
        line.setContentsMargins(12, 8, 12, 8)
        line.setSpacing(8)
        line.addStretch(1)
        line.addWidget(self.as_new)
        line.addWidget(self.in_place)
        self.triggers.setContentsMargins(12, 0, 12, 0)
        self._note.setContentsMargins(12, 0, 12, 12)
        checks = column(self.triggers, margins=(12, 4, 12, 0))
        content = QWidget()
        box = QVBoxLayout(content)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self._details.setContentsMargins(28, 0, 28, 12)
        for part in (facts, self._details, rule(), self._cells_head):
            box.addWidget(part)
        box.addWidget(self.table, 1)
        for part in (checks, buttons, self._note):
            box.addWidget(part)
        box.addSpacerItem(_room())
        return content

    @property
    def with_triggers(self) -> bool:
        """Whether the backup's triggers are to be created."""
        return self.triggers.isChecked() and not self.triggers.isHidden()

    def show_nothing(self) -> None:
        """Show that no backup is selected."""
        self.preview = None
        self._panel.head.set_title("Restore")
        self.empty.set_text("No backup is selected", "Select one to see what it would change.", "")
        self._stack.setCurrentWidget(self.empty)

    def show_backup(self, backup: Backup, *, problem: str = "") -> None:
        """Show a backup that is not compared yet, or the reason why it cannot be."""
        self.preview = None
        self._panel.head.set_title(f"Restore {when(backup.taken)}")
        if problem:
            self.empty.set_text("This backup cannot be restored", problem, "")
        else:
            words = f"It has {format_size(backup.size)}, which are fetched and checked for it."
            self.empty.set_text("Compare with today's table?", words, "Compare")
        self._stack.setCurrentWidget(self.empty)

    def show_progress(self, title: str, progress: Progress) -> None:
        """Tell how far the work shown has come."""
        if self._stack.currentWidget() is self._progress:
            self._progress.set_text(title, progress_words(progress))

    def show_working(self, backup: Backup, title: str) -> None:
        """Show that something longer runs, with a way to stop it."""
        self._panel.head.set_title(f"Restore {when(backup.taken)}")
        self._progress.set_text(title, "")
        self._stack.setCurrentWidget(self._progress)

    def show_preview(self, preview: RestorePreview) -> None:
        """Show what a restore would do."""
        self.preview = preview
        self._panel.head.set_title(f"Restore {when(preview.backup.taken)}")
        self._show_facts(preview)
        self._show_cells(preview.difference)
        self._show_buttons(preview)
        self._stack.setCurrentWidget(self._shown)

    def show_last(self) -> None:
        """Go back to the preview shown before the work."""
        self._stack.setCurrentWidget(self._shown if self.preview else self.empty)

    def allow(self, why_not: str) -> None:
        """Offer restores, or say why not."""
        self._why = why_not
        for button in (self.as_new, self.in_place):
            button.allow(not why_not, why_not)

    def _show_facts(self, preview: RestorePreview) -> None:
        while (item := self._facts.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for sign, tone, name, value in _facts(preview):
            self._add_fact(sign, tone, name, value)

        details = _details(preview)
        self._details.setText(details)
        self._details.setToolTip(tooltip("\n".join(preview.drift)) if preview.drift else "")
        self._details.setVisible(bool(details))

    def _add_fact(self, sign: str, tone: str, name: str, value: str) -> None:
        at = self._facts.rowCount()
        mark = Text(sign, tone)
        mark.setFixedWidth(14)
        figures = value.replace(",", "").isdigit()
        label = (
            number_label(value, bold=True)
            if figures
            else text_label(value, wrap=len(value) > _WRAPPED)
        )
        label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        label.setMinimumHeight(_FACT)
        label.setAccessibleName(f"{name}: {value}")
        self._facts.addWidget(mark, at, 0)
        self._facts.addWidget(text_label(name), at, 1)
        self._facts.addWidget(label, at, 2)

    def _show_cells(self, difference: Difference) -> None:
        self.cells.show(difference)
        rows = self.cells.rowCount()
        told = [
            f"{format_count(count)} {words}"
            for count, words in (
                (difference.changed, "changed"),
                (difference.added, "added"),
                (difference.removed, "removed"),
            )
            if count
        ]
        self._cells_head.set_title(told[0] if told else "", " · ".join(told[1:]))
        self._cells_head.setVisible(bool(rows))
        self.table.setVisible(bool(rows))
        self.table.setMaximumHeight(_HEAD + theme.ROW * rows + 2)

    def _show_buttons(self, preview: RestorePreview) -> None:
        name = preview.suggested_name
        self.as_new.setText(f"Restore as {name if len(name) <= 28 else name[:27] + '…'}")
        self.as_new.setAccessibleName(self.as_new.text())
        self.as_new.setVisible(preview.exists)
        self.in_place.setText("Restore in place…" if preview.exists else "Restore…")
        # A schema that differs makes the way that takes nothing away the first one.
        first, second = self.in_place, self.as_new
        if preview.drift:
            first, second = second, first
        for button, kind in ((first, "primary"), (second, "plain")):
            button.setProperty("kind", kind)
            repolish(button)
        self.triggers.setVisible(bool(preview.triggers))
        self.triggers.setChecked(False)
        names = ", ".join(trigger.name for trigger in preview.triggers)
        self.triggers.setText(f"Also create the backup's triggers: {names}")
        self.triggers.setToolTip(tooltip("\n\n".join(t.body for t in preview.triggers)))
        self._note.setText(
            f"The present table is kept as {preview.table}__before_… until you confirm."
            if preview.exists
            else "The table is not there today: it is made anew."
        )
        self.allow(self._why)

    def _on_as_new(self) -> None:
        if self.preview is not None:
            self.restore_wanted.emit(self.preview, self.preview.suggested_name)

    def _on_in_place(self) -> None:
        if self.preview is not None:
            self.restore_wanted.emit(self.preview, "")


def _room() -> QSpacerItem:
    return QSpacerItem(0, 0, QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Expanding)


def _facts(preview: RestorePreview) -> list[tuple[str, str, str, str]]:
    difference = preview.difference
    rows = [
        ("+", "good", "rows to add", format_count(difference.added)),
        ("~", "warning", "rows to change", format_count(difference.changed)),
        ("\N{MINUS SIGN}", "danger", "rows to remove", format_count(difference.removed)),
        ("", "plain", "schema", _schema(preview)),
    ]
    if preview.incoming:
        pointers = ", ".join(f"{r.table}.{'+'.join(r.columns)}" for r in preview.incoming)
        words = f"{len(preview.incoming)} ({pointers})"
        rows.append(("", "plain", f"foreign keys into {preview.table}", words))
    others = [each for each in preview.dependants if each.kind != "foreign key"]
    if others:
        names = ", ".join(f"{each.kind} {each.name}" for each in others)
        rows.append(("", "plain", f"depends on {preview.table}", names))
    for table, count in preview.orphans:
        rows.append(("!", "danger", f"rows of {table} that would point to nothing", f"{count:,}"))
    if preview.exists and not difference.by_key:
        rows.append(("", "muted", "compared", "as whole rows, without a key"))
    return rows


def _schema(preview: RestorePreview) -> str:
    if preview.drift:
        return "1 difference" if len(preview.drift) == 1 else f"{len(preview.drift)} differences"
    if preview.inferred:
        return "inferred from the values"
    return "same" if preview.exists else "of the backup"


def _details(preview: RestorePreview) -> str:
    """What is told in sentences below the figures: the drift, then what was noticed."""
    lines = list(preview.drift[:_MOST_LINES])
    if len(preview.drift) > _MOST_LINES:
        lines.append(f"… and {len(preview.drift) - _MOST_LINES} more differences")
    if preview.inferred and preview.drift:
        lines.append("The types of the old form are inferred from its values.")
    broken = [str(each) for each in preview.dependants if each.problem]
    return "\n".join([*lines, *preview.problems, *broken])


def progress_words(progress: Progress) -> str:
    """Return progress as words: rows or bytes, and of how many."""
    size = format_size if progress.unit == "bytes" else format_count
    words = size(progress.done)
    if progress.total:
        words += f" of {size(progress.total)}"
    unit = "" if progress.unit == "bytes" else f" {progress.unit}"
    return f"{progress.note}: {words}{unit}" if progress.note else words + unit
