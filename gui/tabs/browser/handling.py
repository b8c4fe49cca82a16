"""Objects by mouse and clipboard: drags inside the Browser, out of it and into it; cut and paste."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QTableView, QTreeView

from core.units import format_counted
from gui import actions, shortcuts
from gui.tabs.base import Tab
from gui.tabs.browser.actions import Slot, Subject
from gui.tabs.browser.clipboard import ObjectClipboard, copy_text
from gui.tabs.browser.contents import Contents
from gui.tabs.browser.copying import Copying
from gui.tabs.browser.counting import summary_of
from gui.tabs.browser.dragging import DragSource
from gui.tabs.browser.dropping import (
    DropTargets,
    in_list,
    in_pane,
    in_path,
    in_strip,
    in_tree,
)
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import Listing
from gui.tabs.browser.local_copies import Copies, LocalCopies, too_large
from gui.tabs.browser.object_selection import (
    ObjectSelection,
    Paths,
    files_data,
    selection_of,
)
from gui.tabs.browser.tree_panel import folder_of_row


class Handling(QObject):
    """Connects drags and the clipboard with the plan of a copy or move, and with uploads.

    Nothing is copied or moved without the dialog that shows the plan.

    Args:
        tab: the Browser tab.
        folder: the list of the folder.
        tree: the tree of folders.
        contents: the open folders and pages.
        listing: the listing of the folder shown.
        copying: opens the dialog of a copy or move.
    """

    def __init__(
        self,
        tab: Tab,
        folder: FolderPane,
        tree: QTreeView,
        contents: Contents,
        listing: Listing,
        copying: Copying,
    ) -> None:
        super().__init__(tab)
        self._tab, self._folder, self._tree = tab, folder, tree
        self._contents, self._listing, self._copying = contents, listing, copying
        self.clipboard = ObjectClipboard()
        self.copies = LocalCopies(tab)
        self.source = DragSource(tab, self._selection_to_drag, self._on_left_window, self._paths)
        self.targets = DropTargets(tab, lambda: self.source.current, self._reason_not_to_drop)
        self._add_targets()
        self.targets.objects_dropped.connect(self._on_objects_dropped)
        self.targets.files_dropped.connect(self.upload)
        self.source.add(folder.table)
        self.source.add_tree(tree, self._folder_at)

    def _add_targets(self) -> None:
        folder, tree, strip = self._folder, self._tree, self._contents.strip
        self.targets.add(tree.viewport(), in_tree(tree))
        self.targets.add(folder.table.viewport(), in_list(folder.table, folder.model))
        self.targets.add(folder, in_pane(folder, folder.model))
        self.targets.add(folder.path, in_path(folder.path))
        self.targets.add(strip.bar, in_strip(strip))
        for view in folder.state.stand_ins:
            shortcuts.bind(
                "objects.paste", view, lambda: self._paste(self._listing.prefix),
                lambda: self._reason_not_to_paste(self._listing.prefix), listed=False,
            )  # fmt: skip

    def add_list(self, table: QTableView) -> None:
        """Let the rows of a page's list be dragged."""
        self.source.add(table)

    def slots(self) -> dict[str, Slot]:
        """Return the function of each action of the menu, by its name in `LIST_ACTIONS`."""
        return {
            "copy": self.copy, "copy_uri": self._copy_uri, "copy_files": self.copy_files,
            "cut": self.cut, "paste": self.paste,
        }  # fmt: skip

    # The clipboard

    def copy(self, subject: Subject) -> None:
        """Copy the selection: objects for a folder of this window, keys for other programs."""
        what = self._selection(subject.entries)
        if what is not None:
            self.clipboard.put(what)

    def cut(self, subject: Subject) -> None:
        """Copy the selection so that pasting it moves it."""
        what = self._selection(subject.entries, move=True)
        if what is not None:
            self.clipboard.put(what)
            items = format_counted(len(what.entries), "item")
            shortcuts.explain(self._tab, f"{items} will be moved to the folder of the next paste.")

    def paste(self, subject: Subject) -> None:
        """Plan the copy or move of copied objects, or the upload of files, into a folder."""
        self._paste(subject.folder)

    def _paste(self, folder: str) -> None:
        if self._reason_not_to_paste(folder):
            return
        held = self.clipboard.held
        if held is None:
            self.upload(folder, self.clipboard.files)
            return
        dialog = self._copying.ask(held.entries, move=held.move, folder=folder)
        if held.move and dialog is not None:
            dialog.confirmed.connect(lambda *_plan: self.clipboard.forget())

    def reason_not_to_paste(self, subject: Subject) -> str:
        """Return why nothing can be pasted now, or an empty text."""
        return self._reason_not_to_paste(subject.folder)

    def _reason_not_to_paste(self, folder: str) -> str:
        return self.clipboard.reason_not_to_paste(
            self._listing.bucket,
            folder,
            self._tab.context.locked_reason,
            folder_shown=not self._folder.isHidden(),
        )

    def _copy_uri(self, subject: Subject) -> None:
        what = self._selection(subject.entries)
        if what is not None:
            copy_text([f"s3://{what.bucket.name}/{key}" for key in what.names()])

    def copy_files(self, subject: Subject) -> None:
        """Download the selection and put the files on the clipboard for a file manager."""
        what = self._selection(subject.entries)
        if what is not None:
            self.copies.fetch(what, self.copies.copies_of(what), self._on_files_copied)

    def _on_files_copied(self, copies: Copies) -> None:
        QGuiApplication.clipboard().setMimeData(files_data(copies.paths))
        items = format_counted(len(copies.paths), "item")
        self._tab.banner.show_good(f"{items} copied. Paste into a folder of a file manager.")

    # Drags

    def _selection(self, entries: Sequence[Entry], *, move: bool = False) -> ObjectSelection | None:
        bucket = self._listing.bucket
        if bucket is None or not entries:
            return None
        # A single row is perhaps the folder of the tree, whose parent is not the folder shown.
        one_folder = self._contents.page is None and len(entries) > 1
        listed = self._folder.model.prefix if one_folder else None
        return selection_of(bucket, entries, listed, move=move)

    def _selection_to_drag(self) -> ObjectSelection | None:
        return self._selection(self._selected)

    def _folder_at(self, index: QModelIndex) -> ObjectSelection | None:
        """Return the folder of a row of the tree, or None."""
        folder = folder_of_row(index)
        return self._selection([folder]) if folder is not None else None

    @property
    def _selected(self) -> Sequence[Entry]:
        """The selected rows of the folder or page shown; none of the trash."""
        if self._contents.page is not None:
            return self._contents.page.selected()
        return [] if self._folder.isHidden() else self._folder.selected

    def _reason_not_to_drop(self, what: ObjectSelection | None, prefix: str) -> str:
        against = what.reason_against(self._listing.bucket, prefix) if what is not None else ""
        connected = "" if self._listing.bucket is not None else "Connect to a bucket first."
        return connected or self._tab.context.locked_reason or against

    def _on_objects_dropped(self, what: ObjectSelection, prefix: str, move: bool) -> None:
        self._copying.ask(what.entries, move=move, folder=prefix)

    def _paths(self, what: ObjectSelection) -> Paths | None:
        if self.copies.is_too_large(what):
            return None
        # Requested each time: the drag begins before the copies are planned.
        return lambda: self.copies.copies_of(what).offered()

    def _on_left_window(self, what: ObjectSelection) -> None:
        """Download what is dragged towards another program, so that it exists when it is dropped."""
        if self.copies.is_too_large(what):
            size, folders = summary_of(what.entries)
            why = too_large(len(what.entries) - len(folders), size)
            download = actions.tip("browser.download")
            self._tab.banner.show_warning(f"{why}.", f"{download} has no limit.")
            return
        self.copies.fetch(what, self.copies.copies_of(what), self._on_files_ready)

    def _on_files_ready(self, copies: Copies) -> None:
        items, current = format_counted(len(copies.paths), "item"), self.source.current
        if current is not None and tuple(current.names()) == copies.keys:
            self._tab.banner.show_good(f"{items} downloaded, which can be dropped now.")
        else:
            text = f"{items} downloaded. If the drop came too early, drag once more."
            self._tab.banner.show_good(text)

    # Files of other programs

    def upload(self, prefix: str, paths: list[str]) -> None:
        """Plan the upload of files of another program into a folder."""
        self._tab.context.go("uploads", (prefix, tuple(paths)))
