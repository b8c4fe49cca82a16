"""The bar inside a view that tells a failure: what happened, why, what to do."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from core.errors import Cancelled, StorageError
from core.redaction import redacted
from gui import theme
from gui.widgets.buttons import Button, icon_button, link_button
from gui.widgets.icons import pixmap
from gui.widgets.labels import Text, repolish, shown

_ICONS = {"danger": "error", "warning": "warning", "good": "check"}
Action = tuple[str, Callable[[], object]]


class Banner(QWidget):
    """Hidden until there is something to say; one at a time, the newest.

    Signals:
        dismissed: the user closed it.
    """

    dismissed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._retry: Callable[[], object] | None = None
        self._act: Callable[[], object] | None = None
        self._details = ""
        self._frame = QFrame()
        self._icon = Text()
        self._icon.setFixedSize(16, 18)
        self._summary = Text("", "inherit")
        self._summary.setFont(theme.bold_font())
        self._why = Text("", "plain")
        for label in (self._summary, self._why):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._buttons = self._made_buttons()
        self._text = _details_view()
        self._lay_out()
        theme.current().changed.connect(self._paint_icon)
        self.hide()

    def show_error(
        self,
        error: StorageError,
        retry: Callable[[], object] | None = None,
        word: str = "Retry",
    ) -> None:
        """Tell a failure; `retry` gets a button. A cancel is no failure: nothing is shown."""
        if isinstance(error, Cancelled):
            return
        why = " ".join(part for part in (error.cause, error.remedy) if part)
        self._show("danger", error.summary, why, details=_told(error), retry=retry)
        self._buttons[0].setText(word)
        self._buttons[0].setAccessibleName(word)

    def show_info(self, text: str, *, action: Action | None = None) -> None:
        """Tell something that needs no decision."""
        self._show("accent", text, action=action)

    def show_good(self, text: str, *, action: Action | None = None) -> None:
        """Tell a success worth a look, for example with an Undo."""
        self._show("good", text, action=action)

    def show_warning(self, text: str, why: str = "", *, action: Action | None = None) -> None:
        """Tell something to be careful about."""
        self._show("warning", text, why, action=action)

    def clear(self) -> None:
        """Hide the banner."""
        self.hide()

    @property
    def text(self) -> str:
        """What is told now; empty while hidden."""
        return "" if self.isHidden() else self._summary.text()

    @property
    def failed(self) -> bool:
        """Whether a failure is told now."""
        return not self.isHidden() and self._frame.property("banner") == "danger"

    def _show(
        self,
        tone: str,
        summary: str,
        why: str = "",
        *,
        details: str = "",
        retry: Callable[[], object] | None = None,
        action: Action | None = None,
    ) -> None:
        self._summary.setText(summary)
        self._why.setText(why)
        self._why.setVisible(bool(why))
        self._set_actions(retry, action, details)
        self._frame.setProperty("banner", tone)
        for part in (self._frame, *self._frame.findChildren(QWidget)):
            repolish(part)
        self._paint_icon()
        self.setAccessibleName(f"{summary} {why}".strip())
        self.show()

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

    def _made_buttons(self) -> tuple[Button, Button, Button, Button, Button]:
        return (
            link_button("Retry", self._on_retry),
            link_button("Action", self._on_action),
            link_button("Details", self._on_details),
            link_button("Copy", self._on_copy),
            icon_button("close", "Close this message", self._on_close),
        )

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._summary)
        words.addWidget(self._why)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        line.addLayout(words, 1)
        for button in self._buttons:
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        inner = QVBoxLayout(self._frame)
        inner.setContentsMargins(12, 7, 8, 7)
        inner.addLayout(line)
        inner.addWidget(self._text)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(12, 8, 12, 8)
        outer.addWidget(self._frame)

    def _paint_icon(self) -> None:
        tone = str(self._frame.property("banner") or "neutral")
        ink = "neutral_ink" if tone == "neutral" else f"{tone}_ink"
        self._icon.setPixmap(pixmap(_ICONS.get(tone, "info"), ink))

    def _on_retry(self) -> None:
        self.hide()
        if self._retry is not None:
            self._retry()

    def _on_action(self) -> None:
        self.hide()
        if self._act is not None:
            self._act()

    def _on_details(self) -> None:
        opened = self._text.isHidden()
        self._text.setPlainText(self._details)
        self._text.setVisible(opened)
        self._buttons[3].setVisible(opened)

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self._details)

    def _on_close(self) -> None:
        self.hide()
        self.dismissed.emit()


def _told(error: StorageError) -> str:
    """Return all that is known of a failure, without secrets."""
    named = (
        ("", error.summary),
        ("Cause: ", error.cause),
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
    view.setMaximumHeight(140)
    view.setAccessibleName("Details of the message")
    view.hide()
    return view
