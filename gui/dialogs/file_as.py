"""The dialog “File as…”, which stores one document under a key of the data contract."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from core.errors import AlreadyExists, InvalidInput, StorageError
from core.filing.contents import Contents
from core.filing.storing import Filing, file_as
from core.layout.timestamps import key_timestamp, parse_timestamp
from core.model.objects import Written
from core.transfer.sources import typed_path
from core.units import as_utc, format_size
from gui.context import Context
from gui.dialogs.file_as_form import FileForm
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog

_NO_FILE = "Select a file first."


class FileAsDialog(Dialog):
    """Checks the content against the kind and shows the key before anything is stored.

    Signals:
        filed: the path of the file and the written object.
    """

    filed = Signal(str, object)

    def __init__(self, context: Context, parent: QWidget | None = None, path: str = "") -> None:
        super().__init__(parent, "File a document by the data contract", width=740, height=470)
        self.setWindowTitle("File as…")
        self._context = context
        self._path = ""
        self._contents: Contents | None = None
        self._filing: Filing | None = None
        self.banner = Banner(self)
        self.form = FileForm()
        self.save = primary_button("Store", self._on_save)
        self.body.addWidget(self.form, 1)
        self.add_buttons(plain_button("Cancel", self.reject), self.save)
        self.form.path_entered.connect(self._on_path)
        self.form.kind_chosen.connect(self._inspect)
        self.form.changed.connect(self._refresh)
        self._refresh()
        if path:
            self.take(path)

    @property
    def kind_id(self) -> str:
        """The id of the selected kind."""
        return self.form.kind_id

    @property
    def kind(self) -> QComboBox:
        """The list of kinds."""
        return self.form.kind

    @property
    def names(self) -> dict[str, QLineEdit]:
        """The fields of all names in keys."""
        return {name: field.line for name, field in self.form.fields.items()}

    def take(self, path: str) -> None:
        """Inspect a file and fill in the values found in it."""
        self.form.set_path(path)

    def _on_path(self, text: str) -> None:
        """Inspect another path, unless it is the same file."""
        try:
            path = typed_path(text)
        except InvalidInput as error:
            self._clear_file(f"{error.cause} {error.remedy}")
            return
        if not path:
            self._clear_file("")
        # `editingFinished` is also emitted without a change, when the field loses the focus.
        elif path != self._path or self._contents is None:
            self._path = path
            self._inspect()

    def _clear_file(self, why: str) -> None:
        self._path, self._contents = "", None
        self._show_content(why, "danger")
        self._refresh()

    def _inspect(self) -> None:
        """Inspect the file in the engine, as the selected kind or else as the detected one."""
        workspace = self._context.workspace
        if workspace is None or not self._path:
            return
        self._contents = None
        self._show_content("Reading the file…")
        # In the engine: parsing a large file would block the interpreter of the window.
        self._context.runner.run_bulk(
            f"Inspect {Path(self._path).name}",
            "transfer.inspect_file",
            {"path": self._path, "kind_id": self.kind_id if self.form.kind_is_chosen else ""},
            connection=workspace.connection,
            owner=self,
            then=self._on_contents,
            failed=self._on_unreadable,
            latest="file-as/inspect",
        )
        self._refresh()

    def _on_contents(self, contents: Contents) -> None:
        if contents.path == self._path:  # else the user has selected another file since
            self._contents = contents
            self._show_content(_content(contents))
            self.form.show_contents(contents)

    def _on_unreadable(self, error: StorageError) -> None:
        self._contents = None
        self._show_content(f"{error.summary}. {error.cause}".strip(), "danger")
        self._refresh()

    def _show_content(self, text: str, tone: str = "muted") -> None:
        self.form.content.setText(text)
        self.form.content.set_tone(tone)
        self.form.path.setAccessibleDescription(text)

    def _moment(self) -> datetime | None:
        """Return the time in the field, in which a blank is allowed instead of the T."""
        text = self.form.moment.line.text().strip()
        moment = parse_timestamp(text.replace(" ", "T", 1))
        return None if moment is None else as_utc(moment)

    def _refresh(self) -> None:
        """Show the key, and whether the file can be stored under it."""
        # Nothing can be stored until the values were checked again.
        self._filing = None
        if self._contents is None:
            self._show("", "", reason=_NO_FILE if not self._path else "The file is being read.")
            return
        moment = self._moment()
        if moment is None:
            self._show("", "Enter the time as 2024-01-15T10:30:00Z.")
            return
        names = self.form.names
        empty = [name for name, text in names.items() if not text.strip()]
        if empty:
            # No red text for fields that the user has not reached yet.
            self._show("", _empty_text(empty), reason="A field is empty.")
            return
        try:
            filing = file_as(self._contents, self.kind_id, names, moment)
        except InvalidInput as error:
            self._show("", error.summary)
            return
        self._filing = filing
        self._show(filing.key, filing.refused, filing.problems)

    def _show(
        self, key: str, refused: str, problems: tuple[str, ...] = (), *, reason: str = ""
    ) -> None:
        self.form.key.setText(key or "-")
        lines = [refused] if refused else list(problems)
        self.form.problems.setText("\n".join(lines))
        self.form.problems.set_tone("danger" if refused and not reason else "warning")
        locked = self._context.locked_reason
        self.save.allow(
            self._filing is not None and not refused and not locked, reason or refused or locked
        )

    def _on_save(self) -> None:
        self._store(overwrite=False)

    def _store(self, *, overwrite: bool) -> None:
        workspace, moment = self._context.workspace, self._moment()
        if workspace is None or self._filing is None or moment is None:
            return
        self.save.allow(allowed=False, reason="It is being stored.")
        self._context.runner.run_bulk(
            f"File {Path(self._path).name}",
            "transfer.file",
            {
                "path": self._path,
                "kind_id": self.kind_id,
                "names": self.form.names,
                "moment": key_timestamp(moment)[1],
                "overwrite": overwrite,
            },
            connection=workspace.connection,
            owner=self,
            then=self._on_stored,
            failed=self._on_failed,
            source=self._path,
            target=self._filing.key,
            origin="Uploads",
        )

    def _on_stored(self, written: Written) -> None:
        self.filed.emit(self._path, written)
        self.accept()

    def _on_failed(self, error: StorageError) -> None:
        self.save.allow(allowed=True)
        if isinstance(error, AlreadyExists):
            self.banner.show_warning(
                "An object with this key already exists.",
                "Nothing was written.",
                action=("Overwrite", lambda: self._store(overwrite=True)),
            )
        else:
            self.banner.show_error(error)


def _empty_text(empty: list[str]) -> str:
    names = ", ".join(name.replace("_", " ") for name in empty)
    return f"Fill in {names}." if len(empty) == 1 else f"Fill in these fields: {names}."


def _content(contents: Contents) -> str:
    size = format_size(contents.size)
    if contents.gzipped:
        return f"{contents.count} · {size} · gzip" if contents.count else f"{size} · gzip"
    return f"{contents.count} · {size}" if contents.count else size
