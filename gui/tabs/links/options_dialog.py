"""The dialog with the options of links: how a download is answered, and what an upload may contain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from PySide6.QtWidgets import QCheckBox, QFormLayout, QSpinBox, QWidget

from core.aws.limits import SINGLE_PUT_BYTES
from core.links.make import FORM
from core.links.options import LinkOptions
from core.objects.post_form import UploadLimits
from core.units import format_size
from gui import theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import allow_field, inset, line_edit
from gui.widgets.labels import muted_label, text_label

_MEGABYTE = 1_000_000
_ONE_KEY = "A name and a version can only be chosen for a single link."
_TEXTS = {
    "GET": "How the server answers a download. The object itself is not changed.",
    "PUT": "An upload must send exactly this content type, otherwise it is refused.",
    FORM: "What the form accepts. Files that are larger or have another type are refused.",
}


@dataclass(frozen=True, slots=True)
class LinkChoices:
    """The options of the next links; `largest` bytes are accepted by a form."""

    options: LinkOptions = field(default_factory=LinkOptions)
    largest: int = SINGLE_PUT_BYTES

    def for_method(self, method: str, count: int) -> LinkOptions:
        """Return the options that apply to a method and a number of links."""
        chosen = self.options
        if method != "GET":
            return LinkOptions(content_type=chosen.content_type)
        if count > 1:
            return LinkOptions(chosen.download or bool(chosen.name), "", chosen.content_type)
        return chosen

    @property
    def limits(self) -> UploadLimits:
        """What a form accepts."""
        return UploadLimits(self.largest, 0, self.options.content_type)

    def texts(self, method: str, count: int) -> tuple[str, ...]:
        """Return the options that apply, one text each."""
        chosen = self.for_method(method, count)
        if chosen.name:
            saved = f"saved as {chosen.name}"
        else:
            saved = "saved, not displayed" if chosen.download else ""
        found = [
            saved,
            f"type {chosen.content_type}" if chosen.content_type else "",
            f"version {chosen.version_id}" if chosen.version_id else "",
            f"up to {format_size(self.largest)}" if method == FORM else "",
        ]
        return tuple(text for text in found if text)


class LinkOptionsDialog(Dialog):
    """The fields that apply to a method; the others are not shown.

    Args:
        parent: the view that opens the dialog.
        method: GET, PUT or POST.
        count: the number of links.
        choices: the present options.
        then: called with the new ones.
    """

    def __init__(
        self,
        parent: QWidget | None,
        method: str,
        count: int,
        choices: LinkChoices,
        then: Callable[[LinkChoices], object],
    ) -> None:
        super().__init__(parent, "Options of the links", _TEXTS[method], width=460)
        self._choices, self._then = choices, then
        options = choices.options
        self.download = QCheckBox("Save the object instead of displaying it")
        self.download.setChecked(options.download)
        self.name = line_edit("File name", "the last part of the key", clear=True)
        self.name.setText(options.name)
        self.kind = line_edit("Content type", "as stored", clear=True)
        self.kind.setText(options.content_type)
        self.version = line_edit("Version", "the latest at the time of the request", clear=True)
        self.version.setText(options.version_id)
        self.version.setFont(theme.mono_font())
        self.largest = inset(QSpinBox())
        self.largest.setAccessibleName("Largest file in MB")
        self.largest.setRange(1, SINGLE_PUT_BYTES // _MEGABYTE)
        self.largest.setSuffix(" MB")
        self.largest.setValue(min(choices.largest, SINGLE_PUT_BYTES) // _MEGABYTE)
        self.problem = muted_label(wrap=True)
        self.go = primary_button("Use", self._on_go)
        self.go.setDefault(True)
        self._lay_out(method, count)

    def _lay_out(self, method: str, count: int) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(8)
        if method == "GET":
            form.addRow(self.download)
            form.addRow(text_label("File name"), self.name)
        form.addRow(text_label("Content type"), self.kind)
        if method == "GET":
            form.addRow(text_label("Version"), self.version)
        if method == FORM:
            form.addRow(text_label("Largest file"), self.largest)
            self.kind.setPlaceholderText("any")
        elif method == "PUT":
            self.kind.setPlaceholderText("any")
        for single in (self.name, self.version):
            allow_field(single, count <= 1, _ONE_KEY)
        self.body.addLayout(form)
        self.body.addWidget(self.problem)
        self.problem.hide()
        self.add_buttons(plain_button("Cancel", self.reject), self.go)

    def _on_go(self) -> None:
        options = LinkOptions(
            self.download.isChecked(),
            self.name.text().strip(),
            self.kind.text().strip(),
            self.version.text().strip(),
        )
        # The maximum is not a multiple of a megabyte: an unchanged field must not lower it.
        largest = self.largest.value() * _MEGABYTE
        full = self.largest.value() == self.largest.maximum()
        self._then(LinkChoices(options, SINGLE_PUT_BYTES if full else largest))
        self.accept()
