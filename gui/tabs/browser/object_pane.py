"""The right column: preview and properties of the selected object."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.collect.request import COLLECTED
from core.errors import InvalidInput, NotFound, StorageError
from core.layout.parsing import kind_of
from core.objects.trash import DeletedObject
from core.objects.versions import ObjectVersion
from core.preview import Preview
from core.units import format_count, format_counted, format_moment, format_size
from gui.tabs.browser.counting import selection_text, total_lines
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.inspector import Inspector
from gui.tabs.browser.list_pane import remedy_of
from gui.tabs.browser.loading import Inspection
from gui.tabs.browser.tree_model import Total, name_of
from gui.views.preview_view import COLLECT, JOIN, PreviewView
from gui.widgets.panel import rule, scrolling

#: Milliseconds after which a selection counts as settled; holding an arrow key down requests
#: nothing.
_DEBOUNCE_MS = 120
#: Height in pixels of the properties that stay visible in a low window; the rest scrolls.
_MIN_PROPERTIES_HEIGHT = 92
#: Height in pixels that the preview gets before all properties are visible.
_PREVIEW_HEIGHT = 380


class ObjectPane(QWidget):
    """The preview above, the properties below.

    Signals:
        wanted: the key of an object to inspect, once the selection has settled.
        inspected: an inspected object is shown.
        left: no object is to be shown any more.
        versions_wanted: a key whose versions are to be listed.
        count_wanted: a prefix whose objects are to be counted, once the selection has settled.
    """

    wanted = Signal(str)
    inspected = Signal()
    left = Signal()
    versions_wanted = Signal(str)
    count_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.preview = PreviewView()
        self.inspector = Inspector()
        self._line = rule()
        self.key = ""
        self.inspection: Inspection | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_DEBOUNCE_MS)
        self._later.timeout.connect(self._on_settled)
        self.prefix = ""
        #: Whether the number and size of several selected rows are shown.
        self._summed = False
        #: The selected rows, not as a tuple: all rows of a large folder may be selected.
        self.selection: Sequence[Entry] = ()
        self._joined: tuple[frozenset[tuple[str, str]], Preview] | None = None
        #: Returns the total of a folder, if known, and the number of its sub-folders.
        self.total_of: Callable[[str], tuple[Total, bool] | None] = lambda _prefix: None
        self.folders_in: Callable[[str], int | None] = lambda _prefix: None
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.preview, 1)
        box.addWidget(self._line)
        self._facts = scrolling(self.inspector)
        self._facts.setMinimumHeight(_MIN_PROPERTIES_HEIGHT)
        box.addWidget(self._facts)
        self.preview.retry_wanted.connect(lambda: self.wanted.emit(self.key))
        self.inspector.versions_wanted.connect(lambda: self.versions_wanted.emit(self.key))
        self.show_selection([])

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Give the preview most of a low window."""
        super().resizeEvent(event)
        self._facts.setMaximumHeight(max(_MIN_PROPERTIES_HEIGHT, self.height() - _PREVIEW_HEIGHT))

    def show_selection(self, entries: Sequence[Entry]) -> None:
        """Follow the selection; a single object is requested as soon as the selection has settled."""
        self.selection = entries
        if len(entries) == 1 and not entries[0].folder:
            self._await(entries[0])
            return
        self._clear()
        joined = self._joined
        if (
            joined is not None
            and len(entries) == len(joined[0])
            and _contents(entries) == joined[0]
        ):
            self.preview.show_preview(joined[1])
            return
        if entries:  # while a list is loaded again, nothing is selected
            self._joined = None
        self._show_text(entries)

    def show_deleted(self, objects: Sequence[DeletedObject]) -> None:
        """Show what restoring the selected rows of the trash would restore."""
        self._clear()
        if not objects:
            self.preview.show_empty("Trash", "Select deleted objects to restore them.")
        elif len(objects) == 1:
            each = objects[0]
            text = (
                f"Deleted {format_moment(each.deleted)}. Restoring brings back the version of "
                f"{format_moment(each.modified)}, {format_size(each.size)}."
            )
            self.preview.show_empty(each.key.rsplit("/", 1)[-1], text)
        else:
            size = format_size(sum(each.size for each in objects))
            text = "Restoring brings back the newest version of each object."
            self.preview.show_empty(f"{format_count(len(objects))} selected, {size}", text)

    def _clear(self) -> None:
        """Stop showing an object."""
        self._later.stop()
        self.key, self.prefix, self.inspection = "", "", None
        self._summed = False
        self.left.emit()
        self._show_inspector(False)  # noqa: FBT003 - hidden

    def _await(self, entry: Entry) -> None:
        key, etag = entry.key, entry.row.etag if entry.row else ""
        # With the same ETag the content is the same: a reloaded list does not load the preview
        # again.
        if self.inspection is not None and (key, etag) == (self.key, self.inspection.info.etag):
            return
        self.key, self.prefix, self._summed = key, "", False
        self.left.emit()
        self.preview.show_loading(key.rsplit("/", 1)[-1])
        self._later.start()

    def _on_settled(self) -> None:
        if self.prefix:
            self.count_wanted.emit(self.prefix)
        else:
            self.wanted.emit(self.key)

    def show_folder(self, prefix: str, total: tuple[Total, bool] | None) -> None:
        """Show the selected folder with its total."""
        if prefix != self.prefix:
            return
        lines = total_lines(total[0], complete=total[1]) if total else ["counting…"]
        folders = self.folders_in(prefix)
        if folders:
            lines.insert(1, format_counted(folders, "sub-folder"))
        self.preview.show_several(name_of(prefix), "\n".join(lines))

    def show_totals(self) -> None:
        """Show the selected folders with their present totals."""
        total = self.total_of(self.prefix) if self.prefix else None
        if total is not None and total[1]:
            self.show_folder(self.prefix, total)
        elif self._summed:
            self._show_text(self.selection)

    def show_not_counted(self, prefix: str, error: StorageError) -> None:
        """Show why the total of the selected folder is unknown."""
        if prefix == self.prefix:
            self.preview.show_empty(name_of(prefix), f"Not counted: {error.summary}")

    def reload(self, key: str) -> None:
        """Inspect an object again if it is the selected one: its properties have changed."""
        if key == self.key:
            self.wanted.emit(key)

    def preview_now(self) -> None:
        """Preview the selected object at once and focus the preview (Space)."""
        if self._later.isActive():
            self._later.stop()
            self._on_settled()
        view = self.preview.content_view
        if view is not None and self.inspection is not None:
            view.setFocus()

    def show_inspection(self, inspection: Inspection) -> None:
        """Show an inspected object."""
        if inspection.info.key != self.key:
            return
        self.inspection = inspection
        if inspection.preview is not None:
            self.preview.show_preview(inspection.preview)
        elif inspection.error is not None:
            name = self.key.rsplit("/", 1)[-1]
            self.preview.show_failed(name, f"{inspection.error.summary}. {inspection.error.remedy}")
        self.inspector.show_object(inspection)
        self._show_inspector(True)  # noqa: FBT003 - shown
        self.inspected.emit()

    def show_joined(self, selection: Sequence[Entry], preview: Preview) -> None:
        """Show one preview of several objects if they are still selected."""
        if selection is self.selection:
            self._summed = False
            # The content of folders may change, but not that of objects with the same ETags.
            self._joined = (
                None if any(each.folder for each in selection) else (_contents(selection), preview)
            )
            self.preview.show_preview(preview)

    def show_not_joined(self, selection: Sequence[Entry], error: StorageError) -> None:
        """Show why the selected objects cannot be shown together."""
        if selection is self.selection:
            self._summed = False
            button = JOIN
            if isinstance(error, InvalidInput):  # joining them again would have the same result
                button = COLLECT if kind_of(selection[0].key) in COLLECTED else ""
            self.preview.show_several(error.summary, error.remedy, button)

    def show_versions(self, key: str, versions: Sequence[ObjectVersion]) -> None:
        """Show the number of versions of an object if it is still the selected one."""
        if key == self.key:
            self.inspector.show_versions(versions)

    def show_failure(self, error: StorageError) -> None:
        """Show why the object cannot be inspected."""
        self.inspection = None
        # That of a delete marker is the trash; otherwise the name, which was selected in a list.
        missing = isinstance(error, NotFound) and not error.summary.endswith(" was deleted")
        remedy = "It may have been deleted." if missing else remedy_of(error)
        name = self.key.rsplit("/", 1)[-1]
        self.preview.show_failed(name, f"{error.summary.rstrip('.')}. {remedy}".strip())
        self._show_inspector(False)  # noqa: FBT003 - hidden

    def _show_inspector(self, shown: bool) -> None:
        self._facts.setVisible(shown)
        self._line.setVisible(shown and not self.preview.problems.isVisible())

    def _show_text(self, entries: Sequence[Entry]) -> None:
        if not entries:
            self.preview.show_empty("Nothing selected", "Select an object to preview it.")
        elif len(entries) == 1:
            self.prefix = entries[0].key
            total = self.total_of(self.prefix)
            self.show_folder(self.prefix, total)
            if total is None or not total[1]:
                self._later.start()
        else:
            self._summed = True
            text = selection_text(entries, self.total_of)
            self.preview.show_several(text, "Actions of the menu apply to all of them.")


def _contents(entries: Sequence[Entry]) -> frozenset[tuple[str, str]]:
    """Return the keys and ETags of objects."""
    return frozenset((each.key, each.row.etag if each.row else "") for each in entries)
