"""The complete text of a secret, shown only on request and for a while."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QMimeData, QTimer, Signal
from PySide6.QtGui import (
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextOption,
)
from PySide6.QtWidgets import QPlainTextEdit, QStackedLayout, QTextEdit, QWidget

from core.redaction import Secret
from gui import theme
from gui.widgets.empty import EmptyState
from gui.widgets.fields import set_read_only
from gui.widgets.secret_clipboard import drop_selection, secret_clipboard
from gui.widgets.secret_field import REVEAL_SECONDS

#: Characters with a special meaning in Qt's documents (breaks of blocks, lines and frames), and the
#: byte order mark, which is dropped when a text is passed to Qt.
_SPECIAL = frozenset("\u2028\u2029\ufdd0\ufdd1\0\ufeff")
#: Characters from which on a word is wrapped without a search for boundaries.
_LONG_WORD = 2_000
_BREAKS = ("\n", "\r\n", "\r")


@dataclass(frozen=True, slots=True)
class ExactText:
    """A text as an editor shows it; if it is not `exact`, an editor would change it."""

    shown: str
    ending: str = "\n"
    exact: bool = True

    @classmethod
    def of(cls, text: str) -> ExactText:
        """Return the editor form of a text."""
        for ending in _BREAKS:
            rest = text.replace(ending, "")
            # Exactly one kind of line break, which can be restored after editing.
            if not ({"\r", "\n", *_SPECIAL} & set(rest)) and _has_utf8(text):
                return cls(text.replace(ending, "\n"), ending)
        return cls(text, exact=False)

    def restored(self, document: QTextDocument) -> str:
        """Return the text of a document with its original line breaks."""
        # Not toPlainText(), which replaces no-break spaces.
        raw = document.toRawText().replace("\u2029", "\n").replace("\u2028", "\n")
        return raw.replace("\n", self.ending) if self.ending != "\n" else raw


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class GuardedText(QPlainTextEdit):
    """A text edit that copies only through the secret clipboard."""

    def createMimeDataFromSelection(self) -> QMimeData:
        """Return the selection marked as a secret; it is cleared from the clipboard later."""
        # Qt calls this for the clipboard, for drags and for the selection of X11.
        selected = self.textCursor().selection().toPlainText()
        # A part of a value may be a public word, which the log filter must not mask.
        return secret_clipboard().mime_data(Secret(selected, remembered=False))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Select as usual, but clear X11's primary selection."""
        super().keyPressEvent(event)
        drop_selection(self.textCursor().selection().toPlainText())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Select as usual, but clear X11's primary selection."""
        super().mouseReleaseEvent(event)
        drop_selection(self.textCursor().selection().toPlainText())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select a word, but clear X11's primary selection."""
        super().mouseDoubleClickEvent(event)
        drop_selection(self.textCursor().selection().toPlainText())


class JsonPage(QWidget):
    """A text behind a cover; while it is covered, the editor does not contain it."""

    edited = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        # The log filter does not mask a text that is being typed: it may begin as an ordinary word.
        self._hidden_text = Secret("", remembered=False)
        self._exact = ExactText("")
        self._read_only = False
        self._marked = 0
        self.view = GuardedText()
        self.view.setFont(theme.mono_font())
        self.view.setProperty("flat", "true")
        self.view.setAccessibleName("Text of the secret")
        self.view.textChanged.connect(self._on_changed)
        self.cover = EmptyState(
            "The text is hidden",
            f"It shows every value of the secret. It hides itself after {REVEAL_SECONDS} seconds "
            "without typing.",
            "Show the text",
            self.reveal,
        )
        theme.current().changed.connect(self._on_theme)
        self._silent = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.conceal)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.cover)
        self._stack.addWidget(self.view)

    @property
    def revealed(self) -> bool:
        """Whether the text is readable on the screen."""
        return self._stack.currentWidget() is self.view

    @property
    def text(self) -> str:
        """The current text."""
        if self.revealed and self._exact.exact:
            return self._exact.restored(self.view.document())
        return self._hidden_text.reveal()

    @property
    def exact(self) -> bool:
        """Whether the editor can change the text without changing other bytes."""
        return self._exact.exact

    def set_text(self, text: str) -> None:
        """Show another text behind the cover; an empty one is not covered."""
        self._hidden_text = Secret(text, remembered=False)
        self.conceal(keep=False)
        if not text:
            self.reveal(focus=False)

    def reveal(self, *, focus: bool = True) -> None:
        """Show the text for a while."""
        if not self.revealed:
            self._exact = ExactText.of(self._hidden_text.reveal())
            self._fill(self._exact.shown)
            self._stack.setCurrentWidget(self.view)
            self.set_read_only(self._read_only)
        if focus:
            self.view.setFocus()
        self._timer.start(REVEAL_SECONDS * 1000)

    def conceal(self, *, keep: bool = True) -> None:
        """Cover the text, and remove it from the editor and its undo history."""
        self._timer.stop()
        if keep:
            self._hidden_text = Secret(self.text, remembered=False)
            if not self._hidden_text:  # an empty text needs no cover
                return
        self._stack.setCurrentWidget(self.cover)
        self._exact = ExactText.of(self._hidden_text.reveal())
        # `setPlainText` also clears the undo history, which contains the text.
        self._fill("")

    def set_read_only(self, read_only: bool) -> None:
        """Make the text read-only."""
        self._read_only = read_only
        # A text that an editor would change can only be viewed.
        set_read_only(self.view, read_only or not self._exact.exact)

    def mark(self, line: int) -> None:
        """Mark a line by its number, from 1; 0 marks none."""
        self._marked = line
        block = self.view.document().findBlockByNumber(line - 1)
        if not line or not self.revealed or not block.isValid():
            self.view.setExtraSelections([])
            return
        marked = QTextEdit.ExtraSelection()
        marked.cursor = QTextCursor(block)
        marked.format.setBackground(theme.tokens().danger_soft)
        marked.format.setProperty(
            QTextFormat.Property.FullWidthSelection,
            True,  # noqa: FBT003 - Qt's value by position
        )
        self.view.setExtraSelections([marked])

    def _on_theme(self, *_theme: object) -> None:
        self.mark(self._marked)

    def hideEvent(self, event: QHideEvent) -> None:
        """Cover the text when the page is no longer shown."""
        super().hideEvent(event)
        self.conceal()

    def _fill(self, text: str) -> None:
        # The search for word boundaries would block the window for a second in a word of 60,000
        # characters.
        mode = QTextOption.WrapMode
        long = any(len(word) > _LONG_WORD for word in text.split())
        self.view.setWordWrapMode(mode.WrapAnywhere if long else mode.WrapAtWordBoundaryOrAnywhere)
        self._silent = True  # `textChanged` is emitted for this text as for one that was typed
        self.view.setPlainText(text)
        self._silent = False

    def _on_changed(self) -> None:
        if not self._silent:
            self._timer.start(REVEAL_SECONDS * 1000)
            self.edited.emit()
