"""“File as…”: one document, its kind, its names and its moment; the key is shown live."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from core.engine.operations import change_made
from core.errors import AlreadyExists, InvalidInput, StorageError
from core.layout import KINDS, key_timestamp, kind, parse_timestamp
from core.model.change import ChangeKind
from core.model.objects import Written
from core.transfer.contents import Contents
from core.transfer.filing import Filing, file_as
from core.units import format_size, utc_now
from gui import theme
from gui.context import Context
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.fields import combo_box
from gui.widgets.labels import heading, mono_label, muted_label, text_label
from gui.widgets.panel import row

_TITLES = {
    "symbol": "Symbol", "timeframe": "Timeframe", "user_id": "User", "report_type": "Report type",
    "table_name": "Table", "log_type": "Log type", "filename": "File name",
}  # fmt: skip
_EXAMPLES = {
    "symbol": "BTC-USD", "timeframe": "1h", "user_id": "user-001", "report_type": "daily-summary",
    "table_name": "orders", "log_type": "application", "filename": "app.log",
}  # fmt: skip


class FileAsDialog(QDialog):
    """Checks the content against the kind and says what it will do before it does it.

    Signals:
        filed: the path and what was written.
    """

    filed = Signal(str, object)

    def __init__(self, context: Context, parent: QWidget | None = None, path: str = "") -> None:
        super().__init__(parent)
        self.setWindowTitle("File as…")
        self.setModal(True)
        self.setMinimumWidth(620)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._context = context
        self._contents: Contents | None = None
        self._filing: Filing | None = None
        self._guessed = False
        self._make_fields()
        self._lay_out()
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.moment.textChanged.connect(self._refresh)
        for line in self.names.values():
            line.textChanged.connect(self._refresh)
        self._set_moment(utc_now())
        self._on_kind()
        if path:
            self.take(path)

    def _make_fields(self) -> None:
        self.banner = Banner(self)
        self.path = QLineEdit()
        self.path.setReadOnly(True)
        self.path.setPlaceholderText("choose a file")
        self.path.setAccessibleName("File")
        self.choose = plain_button("Choose…", self._on_choose)
        self.kind = combo_box("Kind of data")
        for each in KINDS:
            self.kind.addItem(each.title, each.id)
        self.names = {name: _line(name) for name in _TITLES}
        self.moment = QLineEdit()
        self.moment.setFont(theme.mono_font())
        self.moment.setAccessibleName("Moment, UTC")
        self._key = mono_label("", wrap=True)
        self._content = muted_label("", wrap=True)
        self._problems = text_label("", "warning", wrap=True)
        self.save = primary_button("File it", self._on_save)

    @property
    def kind_id(self) -> str:
        """The id of the chosen kind."""
        return str(self.kind.currentData())

    @property
    def chosen_names(self) -> dict[str, str]:
        """The names that the kind asks for, as typed."""
        return {name: self.names[name].text() for name in kind(self.kind_id).names}

    def take(self, path: str) -> None:
        """Look into a file."""
        self.path.setText(path)
        self.names["filename"].setText(Path(path).name)
        self._guessed = False
        self._look()

    def _lay_out(self) -> None:
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(16)
        self._form.setVerticalSpacing(8)
        self._form.addRow("File", row(self.path, self.choose))
        self._form.addRow("Kind", self.kind)
        for name, line in self.names.items():
            self._form.addRow(_TITLES[name], line)
        self._form.addRow("Moment (UTC)", self.moment)
        self._form.addRow("Key", self._key)
        self._form.addRow("Content", self._content)
        self._form.addRow("", self._problems)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(plain_button("Cancel", self.reject))
        buttons.addWidget(self.save)
        box = QVBoxLayout(self)
        box.setContentsMargins(20, 16, 20, 16)
        box.setSpacing(12)
        box.addWidget(heading("File a document by the data contract"))
        box.addLayout(self._form)
        box.addStretch(1)
        box.addLayout(buttons)

    def _on_choose(self) -> None:
        dialog = QFileDialog(self, "Document to file")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.take)
        dialog.open()

    def _on_kind(self) -> None:
        wanted = kind(self.kind_id).names
        for name, line in self.names.items():
            self._form.setRowVisible(line, name in wanted)
        self._look()
        self._refresh()

    def _look(self) -> None:
        workspace, path = self._context.workspace, self.path.text()
        if workspace is None or not path:
            return
        self._contents = None
        self._context.runner.run_bulk(
            f"Look into {Path(path).name}",
            "transfer.look_into",
            {"path": path, "kind_id": self.kind_id},
            connection=workspace.connection,
            owner=self,
            then=self._on_contents,
            failed=self.banner.show_error,
            latest="file-as/look",
        )
        self._refresh()

    def _on_contents(self, contents: Contents) -> None:
        self._contents = contents
        if not self._guessed:
            self._guessed = True
            self._prefill(contents)
            guess = self.kind.findData(_guess(contents))
            if guess != self.kind.currentIndex():
                self.kind.setCurrentIndex(guess)  # which looks again, as that kind
                return
        self._refresh()

    def _prefill(self, contents: Contents) -> None:
        """Take over what the file says of itself; its time, else the file's own."""
        inside = dict(contents.names)
        for name, line in self.names.items():
            if name in inside and not line.text():
                line.setText(inside[name])
        moment = parse_timestamp(inside.get("timestamp", ""))
        self._set_moment(moment or _modified(contents.path))

    def _set_moment(self, moment: datetime) -> None:
        self.moment.setText(key_timestamp(moment.replace(microsecond=0))[1])

    def _refresh(self, *_changed: object) -> None:
        """Show the key, what the content is, and whether it can be filed."""
        self._filing = None
        moment = parse_timestamp(self.moment.text().strip())
        contents = self._contents or Contents("", 0, gzipped=False, form="bytes")
        if moment is None:
            self._show("", "Write the moment as 2024-01-15T10:30:00Z", ())
            return
        empty = [name for name, text in self.chosen_names.items() if not text.strip()]
        if empty:
            wanted = " and ".join(name.replace("_", " ") for name in empty)
            self._show("", f"Fill in {wanted}.", (), reason="Something is not filled in.")
            return
        try:
            filing = file_as(contents, self.kind_id, self.chosen_names, moment)
        except InvalidInput as error:
            self._show("", error.summary, ())
            return
        if self._contents is None:
            words = "Looking…" if self.path.text() else "Choose a file first."
            self._show(filing.key, words if self.path.text() else "", (), reason=words)
            return
        self._filing = filing
        self._show(filing.key, filing.refused, filing.problems)

    def _show(self, key: str, refused: str, problems: tuple[str, ...], *, reason: str = "") -> None:
        self._key.setText(key or "-")
        self._content.setText(_content(self._contents))
        told = [refused] if refused else list(problems)
        self._problems.setText("\n".join(told))
        self._problems.set_tone("danger" if refused and not reason else "warning")
        self._problems.setVisible(bool(told))
        locked = self._context.locked_reason
        self.save.allow(
            self._filing is not None and not refused and not locked, reason or refused or locked
        )

    def _on_save(self) -> None:
        self._store(overwrite=False)

    def _store(self, *, overwrite: bool) -> None:
        workspace = self._context.workspace
        if workspace is None or self._filing is None:
            return
        self.save.allow(allowed=False, reason="It is on its way.")
        self._context.runner.run_bulk(
            f"File {Path(self.path.text()).name}",
            "transfer.file",
            {
                "path": self.path.text(),
                "kind_id": self.kind_id,
                "names": self.chosen_names,
                "moment": self.moment.text().strip(),
                "overwrite": overwrite,
            },
            connection=workspace.connection,
            owner=self,
            then=self._on_stored,
            failed=self._on_failed,
            source=self.path.text(),
            target=self._filing.key,
        )

    def _on_stored(self, written: Written) -> None:
        folder = written.key[: written.key.rfind("/") + 1]
        self._context.announce(
            change_made("transfer.file", ChangeKind.OBJECTS, written.key, "Uploads", (folder,))
        )
        self.filed.emit(self.path.text(), written)
        self.accept()

    def _on_failed(self, error: StorageError) -> None:
        self.save.allow(allowed=True)
        if isinstance(error, AlreadyExists):
            self.banner.show_warning(
                "An object with this key exists already.",
                "Nothing was written.",
                action=("Overwrite it", lambda: self._store(overwrite=True)),
            )
        else:
            self.banner.show_error(error)


def _line(name: str) -> QLineEdit:
    line = QLineEdit()
    line.setFont(theme.mono_font())
    line.setPlaceholderText(f"for example {_EXAMPLES[name]}")
    line.setAccessibleName(_TITLES[name])
    return line


def _content(contents: Contents | None) -> str:
    if contents is None:
        return "-"
    packed = ", gzip" if contents.gzipped else ""
    return (
        " · ".join(part for part in (contents.count, format_size(contents.size)) if part) + packed
    )


def _modified(path: str) -> datetime:
    try:
        return datetime.fromtimestamp(Path(path).stat().st_mtime, UTC)
    except OSError:  # it is gone already: filing it will say so
        return utc_now()


def _guess(contents: Contents) -> str:
    """Return the kind that the content looks like."""
    if contents.form == "bytes":
        return "log"
    by_member = {
        "orderbook": "orderbook", "bids": "orderbook", "portfolio": "portfolio",
        "assets": "portfolio", "analysis": "analytics", "records": "backup", "data": "ohlcv",
    }  # fmt: skip
    members = [name for name, _, _ in contents.shapes]
    if "trades" in members:
        return "user_trades" if "user_id" in dict(contents.names) else "trades"
    found = next((by_member[name] for name in by_member if name in members), "")
    return found or ("ohlcv" if contents.form == "list" else "analytics")
