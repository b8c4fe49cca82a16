"""The question before real loss: it names the object and the count, and may ask to type a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.buttons import Button, plain_button
from gui.widgets.labels import heading, mono_label, muted_label, shown, text_label

_NAMES_SHOWN = 200


class Confirm(QDialog):
    """A question with two answers; Cancel is the one that Enter and Escape give."""

    def __init__(  # noqa: PLR0913 - the parts of one question, all but the text by name
        self,
        parent: QWidget | None,
        title: str,
        text: str,
        *,
        names: Sequence[str] = (),
        button: str = "Continue",
        danger: bool = False,
        typed: str | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        self.setMinimumWidth(440)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._typed = typed
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(20, 16, 20, 16)
        self._box.setSpacing(12)
        self._box.addWidget(_selectable_heading(title))
        self._box.addWidget(text_label(text, wrap=True))
        if names:
            self._box.addWidget(_list_of(names))
        self.field = QLineEdit()
        if typed is not None:
            self._add_field(typed)
        self.go = Button(button, kind="loss" if danger else "primary")
        self.go.clicked.connect(self.accept)
        self.go.setEnabled(typed is None)
        self._add_buttons(danger=danger or typed is not None)

    def _add_field(self, typed: str) -> None:
        self._box.addWidget(muted_label("To go on, type its name:"))
        self._box.addWidget(mono_label(typed))
        self.field.setFont(theme.mono_font())
        self.field.setAccessibleName("Name to type")
        self.field.textChanged.connect(self._on_typed)
        self._box.addWidget(self.field)

    def _add_buttons(self, *, danger: bool) -> None:
        cancel = plain_button("Cancel", self.reject)
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addStretch(1)
        line.addWidget(cancel)
        line.addWidget(self.go)
        self._box.addSpacing(4)
        self._box.addLayout(line)
        safe = cancel if danger else self.go
        safe.setDefault(True)
        (self.field if self._typed is not None else safe).setFocus()

    def _on_typed(self, text: str) -> None:
        self.go.setEnabled(text == self._typed)


def ask(  # noqa: PLR0913 - the parts of one question, all but the text by name
    parent: QWidget | None,
    title: str,
    text: str,
    then: Callable[[], object],
    *,
    names: Sequence[str] = (),
    button: str = "Continue",
    danger: bool = False,
    typed: str | None = None,
    otherwise: Callable[[], object] | None = None,
) -> Confirm:
    """Open the question and return at once; `then` runs after a yes, `otherwise` after a no.

    Args:
        parent: the view that asks; the question stands before its window.
        title: what is to happen, for example "Delete 3 objects?".
        text: what is lost and whether it can come back.
        then: what to do after a yes.
        names: the objects it is about, shown as a list.
        button: the verb on the button that does it.
        danger: colour the button for loss and let Enter cancel.
        typed: a name that must be typed first, where the loss cannot be undone.
        otherwise: what to do after a no.
    """
    dialog = Confirm(parent, title, text, names=names, button=button, danger=danger, typed=typed)
    dialog.accepted.connect(then)
    if otherwise is not None:
        dialog.rejected.connect(otherwise)
    dialog.open()
    return dialog


def _selectable_heading(text: str) -> QWidget:
    label = heading(text)
    label.setWordWrap(True)
    return label


def _list_of(names: Sequence[str]) -> QPlainTextEdit:
    view = QPlainTextEdit()
    view.setReadOnly(True)
    view.setFont(theme.mono_font())
    lines = [shown(name) for name in names[:_NAMES_SHOWN]]
    if len(names) > _NAMES_SHOWN:
        lines.append(f"… and {len(names) - _NAMES_SHOWN:,} more")
    view.setPlainText("\n".join(lines))
    view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    view.setFixedHeight(min(len(lines), 8) * 18 + 20)
    view.setAccessibleName("What it is about")
    return view
