"""The confirmation before a change or a loss, which may require typing a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from gui import theme
from gui.widgets.banner import UNCHANGED, report_unchanged
from gui.widgets.buttons import Button, plain_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import mono_label, muted_label, shown

#: Number of names listed in a question; the rest is a number.
_NAMES_SHOWN = 200
#: Names with up to this many characters are shown in one line above the field.
_ONE_LINE = 48
#: Longer names make the dialog wider, since names differ at their ends.
_SHORT_NAME = 42


class Question(Dialog):
    """A question about a change; if it is declined, the banner of the view states the result.

    Args:
        parent: the view that asks.
        title: the question, for example "Delete 3 objects?".
        text: what is lost and whether it can be restored.
        width: the preferred width in pixels.
        height: the minimum height in pixels, as far as the screen allows.
        unchanged: the report after a decline; empty for a dialog that only shows something.
    """

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        text: str = "",
        *,
        width: int = 520,
        height: int = 0,
        unchanged: str = UNCHANGED,
    ) -> None:
        super().__init__(parent, title, text, width=width, height=height)
        self._unchanged = unchanged
        self.rejected.connect(self._on_rejected)

    def _on_rejected(self) -> None:
        if self._unchanged:
            report_unchanged(self.parentWidget(), self._unchanged)


class TypedName(QWidget):
    """A name, and the field into which it must be typed.

    Signals:
        changed: whether the typed text is now the name.
    """

    changed = Signal(bool)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.field = QLineEdit()
        self.field.setFont(theme.mono_font())
        self.field.setAccessibleName("Name to type")
        self.field.textChanged.connect(lambda _text: self.changed.emit(self.matches))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        box.addWidget(muted_label("To continue, type its name:"))
        short = len(name) <= _ONE_LINE
        box.addWidget(mono_label(name) if short else _text_view([name], "Name to be typed"))
        box.addWidget(self.field)

    @property
    def matches(self) -> bool:
        """Whether the name was typed, with invisible characters verbatim or escaped."""
        # A name with invisible characters can only be typed as it is shown.
        return self.field.text() in {self._name, shown(self._name)}


class Confirm(Question):
    """A question with two buttons.

    Enter presses the focused button; else it confirms once the typed name matches, does nothing
    while a name is missing, cancels if something would be lost, and confirms otherwise. The
    arguments are those of `ask`.
    """

    def __init__(  # noqa: PLR0913 - the parts of one question, mostly by keyword
        self,
        parent: QWidget | None,
        title: str,
        text: str,
        *,
        names: Sequence[str] = (),
        button: str = "Continue",
        danger: bool = False,
        typed: str | None = None,
        unchanged: str = UNCHANGED,
    ) -> None:
        wide = any(len(name) > _SHORT_NAME for name in names[:_NAMES_SHOWN])
        width = 600 if wide else 440
        super().__init__(parent, title, text, width=width, unchanged=unchanged)
        if names:
            self.body.addWidget(list_of(names))
        # Red, and not the default: Enter must not delete anything by accident.
        self.go = Button(button, kind="loss" if danger else "primary")
        self.go.clicked.connect(self.accept)
        self.cancel = plain_button("Cancel", self.reject)
        self.add_buttons(self.cancel, self.go)
        self.name = TypedName(typed or "")
        self.field = self.name.field
        if typed is None:
            first = self.cancel if danger else self.go
            first.setDefault(True)
            first.setFocus()
        else:
            self.body.addWidget(self.name)
            self.go.setDefault(True)
            self.go.allow(allowed=False, reason="Type the name first.")
            self.name.changed.connect(self._on_typed)
            self.field.setFocus()

    def _on_typed(self, matches: bool) -> None:
        self.go.allow(matches, "Type the name first.")


def ask(  # noqa: PLR0913 - the parts of one question, mostly by keyword
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
    unchanged: str = UNCHANGED,
) -> Confirm:
    """Open the question and return; `then` runs if it is confirmed, `otherwise` if declined.

    Args:
        parent: the view that asks; the dialog is modal for its window.
        title: the question, for example "Delete 3 objects?".
        text: what is lost and whether it can be restored.
        then: called after a confirmation.
        names: the affected objects, shown as a list.
        button: the verb on the confirming button.
        danger: colour the button for loss and let Enter cancel.
        typed: a name that must be typed first, for a loss that cannot be undone.
        otherwise: called after a decline, in addition to the report.
        unchanged: what the banner of the view reports after a decline; empty for no report.
    """
    dialog = Confirm(
        parent, title, text, names=names, button=button, danger=danger, typed=typed,
        unchanged=unchanged,
    )  # fmt: skip
    dialog.accepted.connect(then)
    if otherwise is not None:
        dialog.rejected.connect(otherwise)
    dialog.open()
    return dialog


def list_of(names: Sequence[str], name: str = "Affected objects") -> QPlainTextEdit:
    """Return a text with a line for each of the first names, and the number of the others."""
    lines = list(names[:_NAMES_SHOWN])
    if len(names) > _NAMES_SHOWN:
        lines.append(f"… and {len(names) - _NAMES_SHOWN:,} more")
    view = _text_view(lines, name)
    view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    return view


def _text_view(lines: Sequence[str], name: str) -> QPlainTextEdit:
    view = QPlainTextEdit("\n".join(map(shown, lines)))
    view.setReadOnly(True)
    # Otherwise Tab would stay in the text, which cannot be edited.
    view.setTabChangesFocus(True)
    view.setFont(theme.mono_font())
    view.setFixedHeight(min(max(len(lines), 1 + len(max(lines, key=len)) // 52), 8) * 18 + 20)
    view.setAccessibleName(name)
    return view
