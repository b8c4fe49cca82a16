"""The path of the folder shown, with a button for each parent; Ctrl+L turns it into a field."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QHBoxLayout,
    QLineEdit,
    QSizePolicy,
    QStackedLayout,
    QWidget,
)
from shiboken6 import isValid

from gui import theme
from gui.widgets.buttons import Button, icon_button
from gui.widgets.labels import Elided, muted_label, shown


class PathBar(QWidget):
    """A breadcrumb bar that hides the leftmost folders if there is no room for all.

    Signals:
        chosen: the prefix of a parent folder, "" for the bucket.
        typed: a key, a prefix, an address or an ARN that the user typed.
    """

    chosen = Signal(str)
    typed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._prefix = ""
        self._focused_before: QWidget | None = None  # what had the focus before the field
        self._crumbs: list[tuple[QWidget, ...]] = []
        self.root = icon_button("bucket", "The entire bucket", lambda: self.chosen.emit(""))
        self._cut = muted_label("…")
        self._last = Elided()
        self._last.setFont(theme.bold_font())
        self._last.setContentsMargins(4, 0, 0, 0)
        self.field = QLineEdit()
        self.field.setFont(theme.mono_font())
        self.field.setAccessibleName("Go to key or prefix")
        self.field.setPlaceholderText("Key, folder, s3:// URI, ARN or console URL")
        self.field.returnPressed.connect(self._on_typed)
        self.field.installEventFilter(self)
        self._line = QWidget()
        self._box = QHBoxLayout(self._line)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(0)
        for part in (self.root, self._cut, self._last):
            self._box.addWidget(part)
        self._box.setStretchFactor(self._last, 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._line)
        self._stack.addWidget(self.field)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(28)
        self.show_prefix("")

    def show_prefix(self, prefix: str) -> None:
        """Show the path of a folder."""
        if prefix == self._prefix and self._last.text():
            return
        self._prefix = prefix
        if any(part.hasFocus() for parts in self._crumbs for part in parts):
            self.root.setFocus()  # else removing the focused button would move the focus out of the tab
        for parts in self._crumbs:
            for part in parts:
                part.hide()
                part.deleteLater()
        names = prefix.removesuffix("/").split("/") if prefix else []
        self._crumbs = []
        for number, name in enumerate(names[:-1]):
            target = "/".join(names[: number + 1]) + "/"
            self._crumbs.append(self._crumb(name, target))
        self._last.setText(shown(names[-1] or "(empty name)") if names else "the entire bucket")
        self.setAccessibleName(f"Folder {prefix or 'the entire bucket'}")
        self._fit()

    def folder_at(self, at: QPoint) -> tuple[str, QRect] | None:
        """Return the folder of the breadcrumb at a position and its rectangle, or None."""
        if self._stack.currentWidget() is not self._line:
            return None
        names = self._prefix.split("/")
        parts = [(self.root, ""), (self._last, self._prefix)]
        parts += [
            (crumb[0], "/".join(names[: n + 1]) + "/") for n, crumb in enumerate(self._crumbs)
        ]
        for part, prefix in parts:
            place = QRect(part.mapTo(self, QPoint()), part.size())
            if part.isVisible() and place.contains(at):
                return prefix, place
        return None

    def edit(self) -> None:
        """Turn the bar into a field (Ctrl+L)."""
        if not self.field.hasFocus():
            self._focused_before = QApplication.focusWidget()
        self.field.setText(self._prefix)
        self._stack.setCurrentWidget(self.field)
        self.field.setFocus()
        self.field.selectAll()

    def show_path(self) -> None:
        """Turn the field into the bar again; the focus returns to where it was before."""
        before, self._focused_before = self._focused_before, None
        if self.field.hasFocus() and before is not None and isValid(before) and before.isVisible():
            before.setFocus()
        self._stack.setCurrentWidget(self._line)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Close the field on Escape and when it loses the focus."""
        if watched is self.field:
            escaped = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
            # Its context menu and other windows take the focus only temporarily.
            left = isinstance(event, QFocusEvent) and event.lostFocus() and event.reason() not in {
                Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason,
            }  # fmt: skip
            if left or (escaped and event.type() == QEvent.Type.KeyPress):
                self.show_path()
        return super().eventFilter(watched, event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show as many folders as fit into the new width."""
        super().resizeEvent(event)
        self._fit()

    def _crumb(self, name: str, target: str) -> tuple[QWidget, ...]:
        button = Button(shown(name) or "(empty name)", kind="quiet")
        button.setAccessibleName(f"Go to {shown(target)}")
        button.setStyleSheet("padding: 0 2px;")
        button.clicked.connect(lambda _checked=False: self.chosen.emit(target))
        slash = muted_label("/")
        parts = (button, slash)
        for part in parts:
            # Before it is shown: a widget without a parent would appear as a window.
            part.setParent(self._line)
            self._box.insertWidget(self._box.count() - 1, part)
        return parts

    def _fit(self) -> None:
        """Hide folders from the left until the rest fits."""
        free = self.width() - self.root.sizeHint().width() - self._cut.sizeHint().width()
        # The last name may be shortened, so a long one does not take the room of all folders above.
        free -= min(self._last.sizeHint().width(), 200)
        shown_from = len(self._crumbs)
        for number in reversed(range(len(self._crumbs))):
            free -= sum(part.sizeHint().width() for part in self._crumbs[number])
            if free < 0:
                break
            shown_from = number
        for number, parts in enumerate(self._crumbs):
            for part in parts:
                part.setVisible(number >= shown_from)
        self._cut.setVisible(shown_from > 0)

    def _on_typed(self) -> None:
        text = self.field.text()
        self.show_path()
        if text:
            self.typed.emit(text)
