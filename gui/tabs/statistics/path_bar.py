"""The path of the folder shown, with a button for each folder above it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from gui.widgets.buttons import icon_button, link_button, plain_button
from gui.widgets.labels import Elided, muted_label, shown

#: Characters from which a segment is shortened in the middle; the tooltip has the full name.
_LONGEST = 28
#: Width in pixels below which the middle of a long path is hidden.
_WIDE = 560


class PathBar(QFrame):
    """A button for the folder above, the path, and a button that opens the folder in the Browser.

    Signals:
        chosen: a folder of the path was selected; empty for the entire bucket.
        browser_wanted: the user wants to open the folder in the Browser.
    """

    chosen = Signal(str)
    browser_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.bucket = self.folder = self._base = ""
        self._narrow = False
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

    def show_folder(self, bucket: str, folder: str, base: str = "") -> None:
        """Show the path of a folder, without its last slash; `base` is the scanned folder."""
        if (bucket, folder, base) == (self.bucket, self.folder, self._base):
            return  # partial results arrive twice a second; unchanged buttons keep the focus
        self.bucket, self.folder, self._base = bucket, folder, base
        focused = any(part.hasFocus() for part in self._parts)
        self._show_crumbs()
        entire = "The scan counted this folder only." if base else "This is the entire bucket."
        self.up.allow(folder != base, entire)
        if focused:
            self.up.setFocus(Qt.FocusReason.OtherFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the middle of the path if the bar is too narrow for it."""
        super().resizeEvent(event)
        narrow = event.size().width() < _WIDE
        if narrow != self._narrow:
            self._narrow = narrow
            self._show_crumbs()

    def _show_crumbs(self) -> None:
        for part in self._parts:
            self._crumbs.removeWidget(part)
            # deleteLater deletes at the next turn of the event loop; until then the old buttons
            # would be painted over the new ones.
            part.hide()
            part.deleteLater()
        while self._crumbs.count():
            self._crumbs.takeAt(0)
        names = [self.bucket, *(self.folder.split("/") if self.folder else ())]
        self._parts = []
        last = len(names) - 1
        for number, name in enumerate(names):
            if self._narrow and 0 < number < last - 1:
                continue  # the button for the folder above leads there
            if number:
                self._add(muted_label("/"))
            text = "…" if self._narrow and 1 < number == last - 1 else name
            self._add(self._crumb(text, "/".join(names[1 : number + 1]), last=number == last))
        self._crumbs.addStretch(1)

    def _crumb(self, name: str, path: str, *, last: bool) -> QWidget:
        if last:
            label = Elided(name)
            label.setContentsMargins(4, 0, 4, 0)
            return label
        cut = name if len(name) <= _LONGEST else f"{name[:12]}…{name[-12:]}"
        button = link_button(shown(cut), partial(self.chosen.emit, path))
        button.setAccessibleName(f"Show {shown(path or name)}")
        button.set_hint(shown(path or name))
        return button

    def _add(self, part: QWidget) -> None:
        self._parts.append(part)
        self._crumbs.addWidget(part)

    def _on_up(self) -> None:
        self.chosen.emit(self.folder.rpartition("/")[0])
