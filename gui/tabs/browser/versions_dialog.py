"""The versions of one object: preview, comparison, restore and permanent deletion."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit, QStackedWidget, QWidget

from core.errors import StorageError
from core.objects.difference import Difference
from core.objects.versions import ObjectVersion
from core.preview import Preview
from core.units import format_counted, format_moment, format_size, short_id
from gui import theme
from gui.models.columns import CellText
from gui.models.text_rows import TextRows
from gui.tabs.browser.properties_dialog import class_name
from gui.views.preview_view import PreviewView
from gui.widgets.buttons import Button, plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import muted_label, shown
from gui.widgets.panel import splitter
from gui.widgets.table import choose_row, columns_of, make_table

STORED, _STATE, SIZE, _CLASS = range(4)
#: Widths in pixels of state, size and class.
_WIDTHS = (96, 72, 132)
#: Width in pixels that the list needs for all columns, and that of the dialog from which the
#: content is shown beside it and not below.
_LIST, _BESIDE = 440, 760


class VersionsModel(TextRows):
    """One row per version or delete marker, the newest one first."""

    heads = ("Stored", "State", "Size", "Class")
    numbers = frozenset({SIZE})
    moments = frozenset({STORED})

    def show(self, versions: Sequence[ObjectVersion]) -> None:
        """Show other versions."""
        self._replace([_row(each) for each in versions], list(versions))

    def _tooltip(self, row: int, _column: int) -> str:
        version: ObjectVersion = self.item(row)
        return f"Version {version.version_id}"


def _row(each: ObjectVersion) -> tuple[tuple[object, ...], tuple[CellText, ...]]:
    state = _state(each)
    size = "" if each.marker else format_size(each.size)
    values = (each.modified.timestamp(), state, each.size, each.storage_class)
    stored = format_moment(each.modified, zone=False)
    return values, (stored, state, size, "" if each.marker else class_name(each.storage_class))


def _state(each: ObjectVersion) -> str:
    if each.marker:
        return "deleted" if each.current else "delete marker"
    return "current" if each.current else "former"


class VersionsDialog(Dialog):
    """The list of versions at the left; the preview or the comparison at the right.

    Args:
        parent: the view that opens the dialog.
        key: the object.
        locked: why nothing can be changed; empty while changes are allowed.

    Signals:
        preview_wanted: a version to preview.
        compare_wanted: the older and the newer version to compare.
        restore_wanted: a version to make the current one.
        delete_wanted: a version to delete permanently.
    """

    preview_wanted = Signal(object)
    compare_wanted = Signal(object, object)
    restore_wanted = Signal(object)
    delete_wanted = Signal(object)

    def __init__(self, parent: QWidget | None, key: str, *, locked: str = "") -> None:
        super().__init__(
            parent, f"Versions of {key.rpartition('/')[2] or key}", width=960, height=520
        )
        self._locked = locked
        self.model = VersionsModel(self)
        self.table = make_table(self.model, "Versions", multiple=True, falling=STORED)
        columns_of(self.table).fill_with_names(*_WIDTHS)
        self.preview = PreviewView()
        self.difference = _difference_view()
        self.right = QStackedWidget()
        for view in (self.preview, self.difference):
            self.right.addWidget(view)
        self.count = muted_label("Listing the versions…")
        self.compare = plain_button("Compare", self._on_compare)
        self.delete = Button("Delete…", kind="danger")
        self.delete.clicked.connect(self._on_delete)
        self.restore = primary_button("Restore", self._on_restore)
        self._panes = splitter(self.table, self.right, sizes=(430, 490), stretch=(1, 1))
        self.table.setMinimumWidth(_LIST)
        self.add_stretching(self._panes, least=320)
        self.add_buttons(
            plain_button("Close", self.reject), self.delete, self.compare, self.restore,
            left=(self.count,),
        )  # fmt: skip
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        self.preview.show_empty("Nothing selected", "Select a version to preview it.")
        self._on_selection()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the content below the list if there is no room beside all of its columns."""
        super().resizeEvent(event)
        beside = self.width() >= _BESIDE
        orientation = Qt.Orientation.Horizontal if beside else Qt.Orientation.Vertical
        if self._panes.orientation() is not orientation:
            self.table.setMinimumWidth(_LIST if beside else 0)
            self._panes.setOrientation(orientation)
            self._panes.setSizes([430, 490] if beside else [100, 200])

    @property
    def selected(self) -> list[ObjectVersion]:
        """The selected versions from top to bottom."""
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [self.model.item(row) for row in rows]

    def show_versions(self, versions: Sequence[ObjectVersion]) -> None:
        """Show the versions and select the newest one."""
        self.model.show(versions)
        stored = [each for each in versions if not each.marker]
        size = format_size(sum(each.size for each in stored))
        self.count.setText(f"{format_counted(len(stored), 'version')}, {size}")
        if versions:
            choose_row(self.table, 0)
            self.table.setFocus()
        self._on_selection()

    def show_preview(self, version: ObjectVersion, preview: Preview) -> None:
        """Show the content of a version if it is still the selected one."""
        if self.selected == [version]:
            self.right.setCurrentWidget(self.preview)
            self.preview.show_preview(preview)

    def show_difference(self, found: Difference) -> None:
        """Show what differs between two versions."""
        lines = [shown(line) for line in found.lines] or ["The contents are equal."]
        if found.omitted:
            lines.append(f"… and {format_counted(found.omitted, 'more line')}")
        self.difference.setPlainText("\n".join(lines))
        self.right.setCurrentWidget(self.difference)

    def show_problem(self, error: StorageError) -> None:
        """Show why something could not be done."""
        self.right.setCurrentWidget(self.preview)
        self.preview.show_failed(error.summary, f"{error.cause} {error.remedy}".strip())

    def _on_selection(self, *_what: QObject) -> None:
        chosen = self.selected
        one = chosen[0] if len(chosen) == 1 else None
        self.compare.allow(
            len(chosen) == 2 and not any(each.marker for each in chosen),
            "Select two versions first; a delete marker has no content.",
        )
        self.restore.allow(
            one is not None and not one.marker and not one.current and not self._locked,
            self._locked or "Select one former version first.",
        )
        self.delete.allow(
            one is not None and not self._locked, self._locked or "Select one version first."
        )
        if one is None:
            self.preview.show_empty("Nothing selected", "Select a version to preview it.")
        elif one.marker:
            self.preview.show_empty(
                "Delete marker", "It hides the older versions. Delete it to restore the object."
            )
        else:
            self.preview.show_loading(f"Version {short_id(one.version_id)}")
            self.preview_wanted.emit(one)
        self.right.setCurrentWidget(self.preview)

    def _on_compare(self) -> None:
        newer, older = sorted(self.selected, key=lambda each: each.modified, reverse=True)
        self.compare_wanted.emit(older, newer)

    def _on_restore(self) -> None:
        self.restore_wanted.emit(self.selected[0])

    def _on_delete(self) -> None:
        self.delete_wanted.emit(self.selected[0])


def _difference_view() -> QPlainTextEdit:
    view = QPlainTextEdit()
    view.setReadOnly(True)
    # Otherwise Tab would stay in the text, which cannot be edited.
    view.setTabChangesFocus(True)
    view.setFont(theme.mono_font())
    view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    view.setAccessibleName("Difference of two versions")
    return view
