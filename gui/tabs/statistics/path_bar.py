"""The folder whose bytes are shown, as buttons that lead to each folder above it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from gui.widgets.buttons import icon_button, link_button, plain_button
from gui.widgets.labels import Elided, muted_label, shown

#: Longer segments are shortened in the middle; the tooltip has the whole name.
_LONGEST = 28


class PathBar(QFrame):
    """A button for the folder above, the path, and a button that opens the folder in the Browser.

    Signals:
        chosen: a folder of the path was chosen; an empty text is the whole bucket.
        browser_wanted: the folder shown is to be opened in the Browser.
    """

    chosen = Signal(str)
    browser_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.folder = ""
        self.up = icon_button("up", "Folder above", self._on_up)
        self.browser = plain_button("Open in Browser", self.browser_wanted.emit, icon_name="folder")
        self._crumbs = QHBoxLayout()
        self._crumbs.setSpacing(2)
        self._parts: list[QWidget] = []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        box = QHBoxLayout(self)
        box.setContentsMargins(8, 4, 12, 0)
        box.setSpacing(4)
        box.addWidget(self.up)
        box.addLayout(self._crumbs, 1)
        box.addWidget(self.browser)

    def show_folder(self, bucket: str, folder: str) -> None:
        """Show the path of a folder, without its last slash."""
        focused = any(part.hasFocus() for part in self._parts)
        self.folder = folder
        for part in self._parts:
            self._crumbs.removeWidget(part)
            part.hide()
            part.deleteLater()
        while self._crumbs.count():
            self._crumbs.takeAt(0)
        names = [bucket, *(folder.split("/") if folder else ())]
        self._parts = []
        for number, name in enumerate(names):
            if number:
                self._add(muted_label("/"))
            path = "/".join(names[1 : number + 1])
            self._add(self._crumb(name, path, last=number == len(names) - 1))
        self._crumbs.addStretch(1)
        self.up.allow(bool(folder), "This is the whole bucket.")
        if focused:
            self.up.setFocus(Qt.FocusReason.OtherFocusReason)

    def _crumb(self, name: str, path: str, *, last: bool) -> QWidget:
        if last:
            label = Elided(name)
            label.setContentsMargins(4, 0, 4, 0)
            return label
        cut = name if len(name) <= _LONGEST else f"{name[:12]}…{name[-12:]}"
        button = link_button(shown(cut), partial(self.chosen.emit, path))
        button.setAccessibleName(f"Show {shown(name)}")
        button.set_hint(shown(path or name))
        return button

    def _add(self, part: QWidget) -> None:
        self._parts.append(part)
        self._crumbs.addWidget(part)

    def _on_up(self) -> None:
        self.chosen.emit(self.folder.rpartition("/")[0])
