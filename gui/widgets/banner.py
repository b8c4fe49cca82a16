"""The banner, a message that floats above a view: a result, a warning, or an error."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QMetaObject, QObject, QPoint, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QGuiApplication,
    QHideEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from core.errors import Cancelled, StorageError
from core.redaction import redacted
from gui import theme
from gui.widgets.buttons import Button, icon_button, link_button
from gui.widgets.fitted import FittedText
from gui.widgets.focus import return_focus
from gui.widgets.free_space import covers_focus, filled_lists, free_place, visible_part
from gui.widgets.hover_rows import HoverRows
from gui.widgets.labels import repolish, sentence, shown
from gui.widgets.panel import column, scrolling
from gui.widgets.sign import Sign

_ICONS = {"danger": "error", "warning": "warning", "good": "check"}
#: The report of a cancelled dialog through `report_unchanged`.
UNCHANGED = "Nothing was changed."
_WIDEST, _LEAST, _MARGIN = 720, 320, 12
#: Milliseconds for which a result without an action stays, unless it is under the pointer.
_RESULT_MS = 8_000
#: The same for a result with an action that is also available elsewhere.
_OFFER_MS = 20_000
Action = tuple[str, Callable[[], object]]


class Banner(QWidget):
    """A message above a view; only the newest one is shown.

    It floats and belongs to no layout, so that no widget of the view moves when it appears or
    disappears. It takes no focus, and does not cover the pointer, the focused control or row or,
    if there is room, any other control or row. The last row of a table can be scrolled above it. A
    result without an action disappears after a while.

    Args:
        parent: the view above which it floats.
        over: the part of the view to stay within; by default all of it.

    Signals:
        dismissed: the user closed it.
    """

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None, *, over: QWidget | None = None) -> None:
        super().__init__(parent)
        self._over = over or parent
        self._retry: Callable[[], object] | None = None
        self._act: Callable[[], object] | None = None
        self._details = ""
        self._message = 0
        #: To the selection of the focused list, whose current row must stay visible.
        self._current = QMetaObject.Connection()
        self._frame = QFrame()
        self._frame.setProperty("floating", "true")
        self._icon = Sign()
        self._icon.setFixedSize(16, 22)
        self._summary = FittedText("", "inherit")
        self._summary.setFont(theme.bold_font())
        self._why = FittedText("", "plain")
        for label in (self._summary, self._why):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._buttons = self._create_buttons()
        self._text = _details_view()
        self._lay_out()
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._on_timeout)
        return_focus(self)
        if self._over is not None:
            self._over.installEventFilter(self)
            self._on_focus(None, QApplication.focusWidget())
            application = QApplication.instance()
            if isinstance(application, QApplication):
                application.focusChanged.connect(self._on_focus)
        self.hide()

    def show_error(
        self,
        error: StorageError,
        retry: Callable[[], object] | None = None,
        button: str = "Retry",
    ) -> None:
        """Show an error; a cancelled task is not shown as one.

        Args:
            error: its summary is the message; cause, effect and remedy follow.
            retry: the function of a button; None for no button.
            button: the label of that button.
        """
        if isinstance(error, Cancelled):
            return
        why = " ".join(map(sentence, filter(None, (error.cause, error.effect, error.remedy))))
        self._show("danger", error.summary, why, details=_details(error), retry=retry)
        self._buttons[0].setText(button)
        self._buttons[0].setAccessibleName(button)

    def show_info(self, text: str, *, action: Action | None = None) -> None:
        """Show information."""
        self._show("accent", text, action=action)

    def show_good(self, text: str, *, action: Action | None = None, passing: bool = False) -> None:
        """Show a success, for example with an Undo.

        Args:
            text: what was done.
            action: the label and function of a button.
            passing: hide it after a while although it has an action, which is also available
                elsewhere.
        """
        self._show("good", text, action=action, passing=passing)

    def show_warning(self, text: str, why: str = "", *, action: Action | None = None) -> None:
        """Show a warning."""
        self._show("warning", text, why, action=action)

    def clear(self) -> None:
        """Hide the banner."""
        self._later.stop()
        self.hide()

    def keep_clear(self) -> None:
        """Move if something has appeared below it, unless the pointer is on it."""
        focus = QApplication.focusWidget()
        used = self.underMouse() or (focus is not None and self.isAncestorOf(focus))
        if not self.isHidden() and not used:
            self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Update the position when the view is resized or scrolled."""
        moved = event.type() in {QEvent.Type.Resize, QEvent.Type.Move}
        if watched is self._over and moved and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        """Move above the least important part of the view."""
        if (view := self._over) is None:
            return
        wanted = self._wanted_size(visible_part(view).size())
        place = free_place(view, wanted, self)
        self.setGeometry(QRect(self._from_view(view, place), wanted))
        self.raise_()
        if not self.isHidden():
            self._cover_lists()

    def _cover_lists(self) -> None:
        """Let lists scroll until their last row is above the banner."""
        view = self._over
        if view is None or not isValid(view):  # a dialog that is deleted hides its banner last
            return
        corner = view.mapFromGlobal(self.mapToGlobal(QPoint()))
        card = QRect() if self.isHidden() else QRect(corner, self.size())
        for each in filled_lists(view):
            if isinstance(each.list, HoverRows):
                under = card.intersected(each.area)
                each.list.cover(0 if under.isEmpty() else each.area.bottom() + 1 - under.top())

    def showEvent(self, event: QShowEvent) -> None:
        """Let covered rows be scrolled into view."""
        super().showEvent(event)
        self._cover_lists()

    def hideEvent(self, event: QHideEvent) -> None:
        """Restore the scroll ranges of lists."""
        super().hideEvent(event)
        self._cover_lists()

    def _wanted_size(self, available: QSize) -> QSize:
        """Return the size that the texts need: one line if it fits, else wrapped."""
        line = self._summary.fontMetrics().horizontalAdvance(self._summary.full)
        why = self._why.fontMetrics().horizontalAdvance(self._why.full)
        beside = sum(b.sizeHint().width() + 8 for b in self._buttons if not b.isHidden()) + 48
        text = max(line, why if not self._why.isHidden() else 0) + 4
        least = _WIDEST if not self._text.isHidden() else max(_LEAST, text + beside)
        width = max(min(least, _WIDEST, available.width() - 2 * _MARGIN), beside + 80)
        texts = self._texts.widget()
        tall = texts.heightForWidth(width - beside) if texts else 0
        most = max(available.height() - 2 * _MARGIN - 16, 24)
        if not self._text.isHidden():
            self._text.setFixedHeight(min(140, most // 2))
            most -= self._text.height() + 6
        self._texts.setFixedHeight(min(max(tall, 22), most))
        # Layouts cache their sizes until an event that is only processed after this call.
        for box in (self._frame.layout(), self.layout()):
            if box is not None:
                box.invalidate()
                box.activate()
        return QSize(width, self.minimumSizeHint().height())

    def _from_view(self, view: QWidget, place: QPoint) -> QPoint:
        parent = self.parentWidget()
        return place if parent is None or parent is view else view.mapTo(parent, place)

    def _on_focus(self, _old: QWidget | None, new: QWidget | None) -> None:
        """Move away from the focused control, and later from its current row."""
        QObject.disconnect(self._current)
        if isinstance(new, QAbstractItemView) and new.selectionModel() is not None:
            self._current = new.selectionModel().currentChanged.connect(self._uncover_focus)
        if new is not None:
            self._uncover_focus()

    def _uncover_focus(self, *_rows: object) -> None:
        """Move if it covers the focused control or row."""
        view = self._over
        if view is None or self.isHidden():
            return
        corner = view.mapFromGlobal(self.mapToGlobal(QPoint()))
        if covers_focus(view, QRect(corner, self.size()), self):
            self._place()

    def _on_timeout(self) -> None:
        if self.underMouse() or self.isAncestorOf(QApplication.focusWidget() or self.window()):
            self._later.start()
        else:
            self.hide()

    @property
    def text(self) -> str:
        """The current message; empty while hidden."""
        return "" if self.isHidden() else self._summary.full

    @property
    def message(self) -> int:
        """The number of the current message, which changes with each one; 0 while hidden."""
        return 0 if self.isHidden() else self._message

    @property
    def failed(self) -> bool:
        """Whether the current message is an error."""
        return not self.isHidden() and self._frame.property("banner") == "danger"

    def _show(  # noqa: PLR0913 - the parts of one message, mostly by keyword
        self,
        tone: str,
        summary: str,
        why: str = "",
        *,
        details: str = "",
        retry: Callable[[], object] | None = None,
        action: Action | None = None,
        passing: bool = False,
    ) -> None:
        self._message += 1
        self._summary.setText(summary)
        self._why.setText(why)
        self._why.setVisible(bool(why))
        self._set_actions(retry, action, details)
        if self._frame.property("banner") != tone:  # else the style sheet applies as before
            self._frame.setProperty("banner", tone)
            for part in (self._frame, *self._frame.findChildren(QWidget)):
                repolish(part)
            self._paint_icon()
        self.setAccessibleName(f"{summary} {why}".strip())
        self._place()
        self.show()
        self._announce()
        if tone in {"good", "accent"} and (action is None or passing):
            self._later.start(_OFFER_MS if action else _RESULT_MS)
        else:
            self._later.stop()

    def _announce(self) -> None:
        """Announce the message to screen readers, regardless of the focus."""
        if QAccessible.isActive():
            event = QAccessibleAnnouncementEvent(self, self.accessibleName())
            QAccessible.updateAccessibility(event)

    def _set_actions(
        self, retry: Callable[[], object] | None, action: Action | None, details: str
    ) -> None:
        self._retry, self._act = retry, action[1] if action else None
        self._details = details
        retry_button, act_button, details_button, copy_button, _close = self._buttons
        retry_button.setVisible(retry is not None)
        act_button.setVisible(action is not None)
        act_button.setText(action[0] if action else "")
        act_button.setAccessibleName(action[0] if action else "Action")
        details_button.setVisible(bool(details))
        copy_button.hide()
        self._text.hide()

    def _create_buttons(self) -> tuple[Button, Button, Button, Button, Button]:
        return (
            link_button("Retry", self._on_retry),
            link_button("Action", self._on_action),
            link_button("Details", self._on_details),
            link_button("Copy", self._on_copy),
            icon_button("close", "Close this message", self._on_close),
        )

    def _lay_out(self) -> None:
        self._texts = scrolling(column(self._summary, self._why, spacing=2))
        self._texts.setMinimumWidth(60)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self._texts, 1)
        for button in self._buttons:
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        inner = QVBoxLayout(self._frame)
        inner.setContentsMargins(12, 7, 8, 7)
        inner.addLayout(line)
        inner.addWidget(self._text)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._frame)

    def _paint_icon(self) -> None:
        tone = str(self._frame.property("banner") or "neutral")
        ink = "neutral_ink" if tone == "neutral" else f"{tone}_ink"
        self._icon.show_icon(_ICONS.get(tone, "info"), ink)

    def _on_retry(self) -> None:
        # First, because the action may show a new message at once.
        self.clear()
        if self._retry is not None:
            self._retry()

    def _on_action(self) -> None:
        self.clear()
        if self._act is not None:
            self._act()

    def _on_details(self) -> None:
        opened = self._text.isHidden()
        self._text.setPlainText(self._details)
        self._text.setVisible(opened)
        self._buttons[3].setVisible(opened)
        self._place()

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)

    def _on_close(self) -> None:
        self.clear()
        self.dismissed.emit()


def banner_above(widget: QWidget | None) -> Banner | None:
    """Return the banner of the nearest view that contains a widget, or None."""
    while widget is not None:
        found = getattr(widget, "banner", None)
        if isinstance(found, Banner):
            return found
        widget = widget.parentWidget()
    return None


def report_unchanged(widget: QWidget | None, text: str = UNCHANGED) -> None:
    """Report, in the banner of the view of a widget, that a cancelled action changed nothing."""
    banner = banner_above(widget)
    if banner is not None:
        banner.show_info(text)


def _details(error: StorageError) -> str:
    """Return all details of an error, without secrets."""
    named = (
        ("", error.summary),
        ("Cause: ", error.cause),
        ("Effect: ", error.effect),
        ("Remedy: ", error.remedy),
        ("Subject: ", error.subject),
        ("Needs: ", error.action),
        ("Kind: ", error.kind.name),
        ("", error.details),
    )
    return shown(redacted("\n".join(name + value for name, value in named if value)), lines=True)


def _details_view() -> QPlainTextEdit:
    view = QPlainTextEdit()
    view.setReadOnly(True)
    view.setFont(theme.mono_font())
    view.setAccessibleName("Details of the message")
    view.hide()
    return view
