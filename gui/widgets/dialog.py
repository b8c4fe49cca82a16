"""The base class of all dialogs: a heading, a scrolling body, and buttons."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QDialog,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from gui.widgets.buttons import Button
from gui.widgets.labels import elide_long, heading, set_tooltip, text_label
from gui.widgets.panel import scrolling
from gui.widgets.screen import available_area

T = TypeVar("T")
BoxT = TypeVar("BoxT", bound=QBoxLayout)

#: Pixels that the desktop's title bar and borders may take around a dialog.
_FRAME = QSize(16, 40)
#: Pixels for which windows may become smaller with a fractional scale factor; at 150 %, 400 x 172
#: become 399 x 171, which would need a scroll bar.
_ROUNDING = QSize(2, 2)
#: Pixels between the heading, the body, a note and the buttons.
_SPACING = 12


class Dialog(QDialog):
    """A modal dialog that is never larger than the screen; callers fill `body` and add buttons.

    The heading, the note and the buttons are always visible: what does not fit between scrolls.
    Escape rejects. Enter presses the button that has the focus, else the default button.

    Args:
        parent: the view that opens the dialog.
        title: the heading and the title of the window.
        text: an explanation below the heading; empty for none.
        width: the preferred width in pixels.
        height: the minimum height in pixels, as far as the screen allows.
    """

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        text: str = "",
        *,
        width: int = 440,
        height: int = 0,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        # Else a closed dialog would exist, with its values, as long as its parent.
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._wanted = QSize(width, height)
        self.body = QVBoxLayout()
        self.body.setSpacing(10)
        self._foot, self._above_foot = _inset(QHBoxLayout()), _inset(QVBoxLayout())
        self._foot.setSpacing(8)
        self._inside = QWidget()
        inner = _inset(QVBoxLayout(self._inside))
        inner.setSpacing(10)
        if text:
            inner.addWidget(_wrapped(text_label(elide_long(text), wrap=True), text))
        inner.addLayout(self.body, 1)
        title_label = heading(elide_long(title))
        title_label.setWordWrap(True)
        self._head = _inset(QVBoxLayout())
        self._head.addWidget(_wrapped(title_label, title))
        self._area = scrolling(self._inside)
        self._area.setMinimumWidth(0)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 16, 0, 16)
        box.setSpacing(_SPACING)
        box.addLayout(self._head)
        box.addWidget(self._area, 1)
        box.addLayout(self._above_foot)
        box.addLayout(self._foot)

    def add_buttons(self, *buttons: Button, left: tuple[QWidget, ...] = ()) -> None:
        """Add buttons at the right end of the footer, and other widgets at its left."""
        for widget in left:
            self._foot.addWidget(widget)
        self._foot.addStretch(1)
        for button in buttons:
            self._foot.addWidget(button)

    def add_note(self, note: QLabel) -> None:
        """Add a result or a reason above the buttons, which is visible while the body scrolls."""
        self._above_foot.addWidget(note)

    def add_stretching(self, widget: QWidget, least: int = 120) -> None:
        """Add a widget that scrolls itself to the body; it gets the remaining height."""
        widget.setMinimumHeight(least)
        # Ignored: the hint of a text or list would make the dialog as tall as the screen.
        widget.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self.body.addWidget(widget, 1)

    def fit(self) -> None:
        """Set the size that the content needs, limited by the screen."""
        most = available_area(self).size() - _FRAME
        width = max(self._wanted.width(), self._foot.minimumSize().width())
        width = min(max(width, self._inside.minimumSizeHint().width()), most.width())
        inner = self._inside.layout()
        # -1 if no part of the layout wraps: then the minimum height counts.
        tall = inner.totalHeightForWidth(width) if inner else 0
        tall = max(tall, self._inside.minimumSizeHint().height() if tall <= 0 else 0)
        head, foot = self._head.totalHeightForWidth(width), self._foot.totalSizeHint().height()
        if self._above_foot.count():
            foot += self._above_foot.totalHeightForWidth(width) + _SPACING
        head = max(head, self._head.totalSizeHint().height())
        wanted = QSize(width, max(tall + head + foot + 56, self._wanted.height()))
        self.resize((wanted + _ROUNDING).boundedTo(most))

    def showEvent(self, event: QShowEvent) -> None:
        """Fit the content and stay on the screen."""
        # Here and not in the constructor: the sizes are known once the style sheet was applied.
        self.fit()
        super().showEvent(event)
        keep_on_screen(self)


def _inset(box: BoxT) -> BoxT:
    """Give a layout the margins at the sides of a dialog."""
    box.setContentsMargins(20, 0, 20, 0)
    return box


def while_exists(dialog: QDialog, call: Callable[[T], object]) -> Callable[[T], None]:
    """Return a callback that does nothing once a dialog is deleted.

    The tasks of a tab end after the dialog that has started them, if it is closed before.
    """

    def guarded(value: T) -> None:
        if isValid(dialog):
            call(value)

    return guarded


def keep_on_screen(dialog: QWidget) -> None:
    """Shrink and move a window so that no part of it is outside its screen."""
    area = available_area(dialog)
    dialog.resize(dialog.size().boundedTo(area.size() - _FRAME))
    frame = QRect(dialog.frameGeometry())
    x = max(min(frame.x(), area.right() - frame.width() + 1), area.x())
    y = max(min(frame.y(), area.bottom() - frame.height() + 1), area.y())
    if (x, y) != (frame.x(), frame.y()):
        dialog.move(x, y)


def _wrapped(label: QWidget, full: str) -> QWidget:
    """Set the complete text of a label as its tooltip if a word was shortened."""
    if elide_long(full) != full:
        set_tooltip(label, full)
    return label
