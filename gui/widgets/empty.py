"""The empty and loading states of views."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.widgets.buttons import primary_button
from gui.widgets.labels import Elided, elide_long, muted_label, set_tooltip

#: Pixels between the parts, and the margins as they change a rectangle.
_SPACING, _MARGINS = 8, (12, 8, -12, -8)


class EmptyState(QWidget):
    """The purpose of an empty view, and the button that fills it.

    Args:
        title: what is missing, for example "No secrets yet".
        text: the purpose of the view.
        button_text: the label of the button; empty for no button.
        on_click: what the button does.
        parent: the view.
    """

    def __init__(
        self,
        title: str,
        text: str = "",
        button_text: str = "",
        on_click: Callable[[], object] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        # A name in it must not widen the window.
        self._title = Elided(title)
        self._title.setFont(theme.bold_font())
        self._text = muted_label(text, wrap=True)
        self._text.setMaximumWidth(420)
        self.button = primary_button(button_text, on_click)
        self._name_button(button_text or title)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 12, 8)
        box.setSpacing(_SPACING)
        box.addStretch(2)
        box.addWidget(self._title)
        self._line = _centred(self._text)
        box.addLayout(self._line)
        box.addSpacing(_SPACING)
        box.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        box.addStretch(3)
        self.button.setVisible(bool(button_text))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Move what does not fit to the tooltip: the text, then the title above a button."""
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        """Show the text that was set while the view was hidden, if it fits."""
        super().showEvent(event)
        self._fit()

    def _fit(self) -> None:
        if not self.isVisible():  # it has no size yet
            return
        room = self.contentsRect().adjusted(*_MARGINS)
        text = self._text.heightForWidth(min(room.width(), self._text.maximumWidth()))
        title = self._title.sizeHint().height()
        button = 0 if self.button.isHidden() else self.button.sizeHint().height() + 3 * _SPACING
        text_fits = title + text + _SPACING + button <= room.height()
        title_fits = not button or title + button <= room.height()
        self._text.setVisible(bool(self._text.text()) and text_fits)
        self._title.setVisible(title_fits)
        moved = [label.text() for label in (self._title, self._text) if label.isHidden()]
        set_tooltip(self, "\n".join(moved) if any(moved) else "")

    def set_text(self, title: str, text: str = "", button_text: str | None = None) -> None:
        """Set the texts; an empty `button_text` hides the button, None leaves it unchanged."""
        self._title.setText(title)
        self._text.setText(elide_long(text))
        self._line.invalidate()  # while it is hidden, Qt would use the width of the old text
        if button_text:
            self.button.setText(button_text)
            self._name_button(button_text)
        if button_text is not None:
            self.button.setVisible(bool(button_text))
        self._fit()

    def _name_button(self, text: str) -> None:
        # Screen readers would read the ellipsis aloud.
        self.button.setAccessibleName(text.rstrip("…").strip() or "Fill this view")


def _centred(label: QWidget) -> QHBoxLayout:
    """Return a line with the label in its middle, as wide as the label may be."""
    line = QHBoxLayout()
    line.addStretch(1)
    line.addWidget(label, 1000)
    line.addStretch(1)
    return line


class Skeleton(QWidget):
    """Grey bars in place of rows that are being loaded."""

    def __init__(self, rows: int = 6, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Loading")
        # The bars must not enlarge the panel while its content is loaded.
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 8, 12, 8)
        box.setSpacing(16)
        for number in range(rows):
            bar = QFrame()
            bar.setProperty("surface", "skeleton")
            bar.setFixedHeight(12)
            bar.setMaximumWidth((360, 280, 320, 240)[number % 4])
            box.addWidget(bar)
        box.addStretch(1)


class Loadable(QWidget):
    """A view with its empty and its loading state, of which one is shown."""

    def __init__(self, view: QWidget, empty: EmptyState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view, self.empty, self._skeleton = view, empty, Skeleton()
        self._unconnected: EmptyState | None = None
        self._stack = QStackedLayout(self)
        for part in (view, empty, self._skeleton):
            self._stack.addWidget(part)
        self._stack.setCurrentWidget(empty)

    @property
    def stand_ins(self) -> tuple[QWidget, ...]:
        """The widget that can have the focus instead of the view."""
        return self.empty, self.empty.button, self._skeleton

    def show_view(self) -> None:
        """Show the content."""
        self._stack.setCurrentWidget(self.view)

    def show_empty(self) -> None:
        """Show the empty state."""
        self._stack.setCurrentWidget(self.empty)

    def show_unconnected(self, choose: Callable[[], object]) -> None:
        """Show that a connection is required; `choose` opens the profiles."""
        if self._unconnected is None:
            text = "Select a profile here, or at the top left."
            self._unconnected = EmptyState("Not connected", text, "Select a profile", choose)
            self._stack.addWidget(self._unconnected)
        self._stack.setCurrentWidget(self._unconnected)

    def show_loading(self) -> None:
        """Show the loading state unless there is old content."""
        # Old content with its age is more useful than grey bars.
        if self._stack.currentWidget() is not self.view:
            self._stack.setCurrentWidget(self._skeleton)
