"""The form of “File as…”; each field shows the source of its value."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QFormLayout, QWidget

from core.filing.contents import Contents
from core.filing.detection import KIND, MOMENT, Found
from core.layout.kinds import KINDS, kind
from core.units import iso_utc
from gui import theme
from gui.widgets.buttons import plain_button
from gui.widgets.fields import combo_box, line_edit
from gui.widgets.labels import Elided, mono_label, text_label
from gui.widgets.panel import row

TITLES = {
    "symbol": "Symbol", "timeframe": "Timeframe", "user_id": "User", "report_type": "Report type",
    "table_name": "Table", "log_type": "Log type", "filename": "File name",
}  # fmt: skip
_EXAMPLES = {
    "symbol": "BTC-USD", "timeframe": "1h", "user_id": "user-001", "report_type": "daily-summary",
    "table_name": "orders", "log_type": "application", "filename": "app.log",
}  # fmt: skip
#: Milliseconds after the last key until a typed path is inspected, which starts a task.
_TYPING_MS = 350
_ORIGIN_WIDTH = 232


class ValueField:
    """A line edit with a note about the source of its value.

    Args:
        title: the accessible name.
        placeholder: an example of a value.
        changed: called after every change, by the user or by `offer`.
    """

    def __init__(self, title: str, placeholder: str, changed: Callable[[], object]) -> None:
        self.line = line_edit(title, placeholder)
        self.line.setFont(theme.mono_font())
        self.origin = _origin_label()
        self.typed = False
        self._changed = changed
        self.line.textEdited.connect(self._on_edited)
        self.line.textChanged.connect(lambda _text: changed())
        self.widget = row(self.line, self.origin)

    def offer(self, value: str, source: str) -> None:
        """Fill in the value from the file unless the user has typed one."""
        # A typed value always has priority; a difference from the file is only noted.
        if self.typed:
            differs = value and value != self.line.text()
            self._show_origin(f"entered; the file has {value}" if differs else "typed")
            return
        self.line.setText(value)
        self._show_origin(source)

    def _on_edited(self, text: str) -> None:
        """Note that the user typed a value; an empty field is filled in from the next file."""
        self.typed = bool(text)
        self._show_origin("typed" if text else "")

    def _show_origin(self, text: str) -> None:
        self.origin.setText(text)
        self.line.setAccessibleDescription(text)


class FileForm(QWidget):
    """File, kind, names and time, and the resulting key.

    Signals:
        path_entered: another path was selected, typed or pasted.
        kind_chosen: the user selected a kind.
        changed: a value changed, by the user or by `show_contents`.
    """

    path_entered = Signal(str)
    kind_chosen = Signal()
    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.kind_is_chosen = False
        self.path = line_edit("File", "Select a file, or type or paste its path", clear=True)
        self.choose = plain_button("Choose…", self._on_choose)
        self.kind = combo_box("Kind of data")
        for each in KINDS:
            self.kind.addItem(each.title, each.id)
        self._kind_origin = _origin_label()
        self.fields = {
            name: ValueField(title, f"for example {_EXAMPLES[name]}", self.changed.emit)
            for name, title in TITLES.items()
        }
        self.moment = ValueField("Time, UTC", "2024-01-15T10:30:00Z", self.changed.emit)
        self.content = text_label("", "muted", wrap=True)
        self.key = mono_label("", wrap=True)
        self.problems = text_label("", "warning", wrap=True)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._lay_out()
        self._connect()
        self._show_names()

    @property
    def kind_id(self) -> str:
        """The id of the selected kind."""
        return str(self.kind.currentData())

    @property
    def names(self) -> dict[str, str]:
        """The values of the names that the kind requires."""
        return {name: self.fields[name].line.text() for name in kind(self.kind_id).names}

    def show_contents(self, contents: Contents) -> None:
        """Fill in the values from the file; values that the user entered stay."""
        found = {each.name: each for each in contents.found}
        self._offer_kind(found.get(KIND))
        for name, field in self.fields.items():
            # The name of a log is that of its file, which no content contains.
            if name == "filename":
                field.offer(contents.path.replace("\\", "/").rpartition("/")[2], "from the file")
                continue
            value = found.get(name)
            if value is None:
                field.offer("", "not found in the file")
            else:
                field.offer(value.value, f"from {value.source}")
        self._offer_moment(contents, found.get(MOMENT))
        self.changed.emit()

    def _offer_kind(self, found: Found | None) -> None:
        title = kind(found.value).title if found is not None else ""
        if self.kind_is_chosen:
            differs = found is not None and found.value != self.kind_id
            text = f"selected; the file seems to be {title}" if differs else "chosen"
        elif found is None:
            text = "not recognised: select a kind"
        else:
            self.kind.setCurrentIndex(self.kind.findData(found.value))
            self._show_names()
            text = f"from {found.source}"
        self._kind_origin.setText(text)
        self.kind.setAccessibleDescription(text)

    def _offer_moment(self, contents: Contents, found: Found | None) -> None:
        if found is not None:
            self.moment.offer(found.value, f"from {found.source}")
        elif contents.modified is not None:
            written = iso_utc(contents.modified.replace(microsecond=0))
            self.moment.offer(written, "the file's date: its content has no time")

    def _lay_out(self) -> None:
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        self._form.addRow("File", row(self.path, self.choose))
        self._form.addRow("Content", self.content)
        self._form.addRow("Kind", row(self.kind, self._kind_origin))
        for name, field in self.fields.items():
            self._form.addRow(TITLES[name], field.widget)
        self._form.addRow("Time (UTC)", self.moment.widget)
        self._form.addRow("Key", self.key)
        self._form.addRow("", self.problems)

    def _connect(self) -> None:
        self.path.textChanged.connect(lambda _text: self._typing.start())
        self.path.editingFinished.connect(self._on_path)
        self._typing.timeout.connect(self._on_path)
        # `activated` and not `currentIndexChanged`: only a choice of the user counts as chosen.
        self.kind.activated.connect(self._on_kind)

    def _on_path(self) -> None:
        self._typing.stop()
        self.path_entered.emit(self.path.text())

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, "Document to file")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.set_path)
        dialog.open()

    def set_path(self, path: str) -> None:
        """Set a path as if it was typed."""
        self.path.setText(path)
        self._on_path()

    def _on_kind(self, _row: int) -> None:
        self.kind_is_chosen = True
        self._kind_origin.setText("chosen")
        self._show_names()
        self.kind_chosen.emit()
        self.changed.emit()

    def _show_names(self) -> None:
        """Show the fields that the kind requires."""
        wanted = kind(self.kind_id).names
        for name, field in self.fields.items():
            self._form.setRowVisible(field.widget, name in wanted)


def _origin_label() -> Elided:
    label = Elided("", "muted")
    label.setFont(theme.text_font(12))
    label.setFixedWidth(_ORIGIN_WIDTH)
    return label
