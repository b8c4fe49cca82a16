"""Event filters of the window: its keys in fields, the Tab key, and explanations."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QStatusTipEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from shiboken6 import isValid

from gui import shortcuts
from gui.widgets.banner import Banner
from gui.widgets.reading_order import focus_next

_FIELDS = (QLineEdit, QPlainTextEdit, QTextEdit, QAbstractSpinBox, QComboBox)


class ExplanationFilter(QObject):
    """Shows the explanations that `gui.shortcuts.explain` sends, until they are withdrawn."""

    def __init__(self, window: QWidget, show: Callable[[str], object], banner: Banner) -> None:
        super().__init__(window)
        self._show, self._banner = show, banner
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Show the text; empty ones are sent by menus and ignored."""
        if isinstance(event, shortcuts.Withdrawal):
            if self._banner.text == event.text:
                self._banner.clear()
            return True
        if not isinstance(event, QStatusTipEvent):
            return super().eventFilter(watched, event)
        if event.tip():
            self._show(event.tip())
        return True


class _FocusFilter(QObject):
    """Filters the events of the widget that has the focus.

    Only that widget is watched, since a filter of the application would be called for every event.
    """

    def __init__(self, window: QMainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._watched: QWidget | None = None
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._on_focus)

    def _wants(self, widget: QWidget) -> bool:
        """Return whether the events of a widget are to be filtered; extended by subclasses."""
        return widget.window() is self._window

    def _on_focus(self, _old: QWidget | None, now: QWidget | None) -> None:
        # The widget may have been deleted together with its dialog.
        if self._watched is not None and isValid(self._watched):
            self._watched.removeEventFilter(self)
        self._watched = None
        if now is not None and self._wants(now):
            self._watched = now
            now.installEventFilter(self)


class FieldKeys(_FocusFilter):
    """Makes the window's shortcuts work in text fields, which use some of them (Ctrl+K, Ctrl+U).

    Copy, paste and undo are not shortcuts of the window and work in the field as usual.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Prevent a field from handling a shortcut of the window."""
        if (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.ShortcutOverride
            and any(each.where == "window" for each in shortcuts.bound_to(event))
        ):
            # If a field accepted this event, Qt would send it the key instead of the shortcut.
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _wants(self, widget: QWidget) -> bool:
        return super()._wants(widget) and isinstance(widget, _FIELDS)


class TabKeys(_FocusFilter):
    """Moves the focus with Tab and Backtab in reading order, also in dialogs.

    A text that accepts tabs gets them.

    `QWidget.focusNextPrevChild` is not overridden: Qt also calls it while windows are destroyed,
    when Python can no longer answer.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move the focus instead of Qt."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            keys = shortcuts.pressed(event)
            if keys == "Tab" or keys.endswith("Backtab"):
                dialog = _dialog(watched)
                content = self._window.centralWidget() if dialog is None else dialog
                return content is not None and focus_next(content, forward=keys == "Tab")
        return super().eventFilter(watched, event)

    def _wants(self, widget: QWidget) -> bool:
        if not super()._wants(widget) and _dialog(widget) is None:
            return False
        # A text editor in which Tab inserts a tab keeps the key.
        return not isinstance(widget, QPlainTextEdit) or widget.tabChangesFocus()


def _dialog(widget: QObject) -> QWidget | None:
    """Return the dialog that contains a widget; None for file dialogs and popups."""
    window = widget.window() if isinstance(widget, QWidget) else None
    if not isinstance(window, QDialog) or isinstance(window, QFileDialog):
        return None
    return window if window.windowType() == Qt.WindowType.Dialog else None
