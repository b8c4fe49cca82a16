"""The options of an upload: storage class, tags, metadata, encryption, checksum and compression."""

from __future__ import annotations

from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QPlainTextEdit, QWidget

from core.errors import InvalidInput
from core.lifecycle.checks import CLASSES
from core.lifecycle.sentences import CLASS_NAMES
from core.model.upload_options import Checksum, Compression, Encryption, UploadOptions
from core.objects.options import check_options
from core.objects.writing import check_metadata
from core.units import format_counted
from gui import theme
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.fields import allow_field, combo_box, line_edit
from gui.widgets.labels import text_label

_ENCRYPTIONS = {
    Encryption.DEFAULT: "Default of the bucket",
    Encryption.S3: "Key of S3 (SSE-S3)",
    Encryption.KMS: "Key of KMS (SSE-KMS)",
}
_COMPRESSIONS = {
    Compression.NONE: "None",
    Compression.GZIP: "gzip (appends .gz to the keys)",
    Compression.ZSTD: "Zstandard (appends .zst to the keys)",
}
_PAIRS = "NAME=VALUE, one in each line"
_LINES = 3


class UploadOptionsDialog(Dialog):
    """Fields for the options of the next uploads.

    Args:
        parent: the view that opens it.
        options: the present options.
    """

    def __init__(self, parent: QWidget | None, options: UploadOptions) -> None:
        super().__init__(
            parent,
            "Options of uploads",
            "They apply to all files of the plan, and to later plans until they are changed.",
            width=520,
        )
        self.options = options
        self.storage_class = _choices(
            "Storage class",
            {"": "Standard", **{name: CLASS_NAMES[name] for name in CLASSES}},
            options.storage_class,
        )
        self.encryption = _choices(
            "Encryption", {each.value: text for each, text in _ENCRYPTIONS.items()},
            options.encryption.value,
        )  # fmt: skip
        self.kms_key = line_edit("KMS key", "the key of the account for S3", clear=True)
        self.kms_key.setFont(theme.mono_font())
        self.kms_key.setText(options.kms_key)
        self.compression = _choices(
            "Compression", {each.value: text for each, text in _COMPRESSIONS.items()},
            options.compression.value,
        )  # fmt: skip
        self.checksum = _choices(
            "Checksum", {each.value: each.value or "Default of the server" for each in Checksum},
            options.checksum.value,
        )  # fmt: skip
        self.tags = _pairs_field("Tags", options.tags)
        self.metadata = _pairs_field("Metadata", options.metadata)
        self.problem = text_label("", "danger", wrap=True)
        self.problem.hide()
        self.go = primary_button("Use", self._on_go)
        self.go.setDefault(True)
        self._lay_out()
        self.encryption.currentIndexChanged.connect(self._on_encryption)
        self._on_encryption()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(8)
        rows: tuple[QComboBox | QLineEdit | QPlainTextEdit, ...] = (
            self.storage_class, self.encryption, self.kms_key, self.compression, self.checksum,
            self.tags, self.metadata,
        )  # fmt: skip
        for field in rows:
            form.addRow(text_label(field.accessibleName()), field)
        self.body.addLayout(form)
        self.body.addWidget(self.problem)
        reset = plain_button("Reset", self._on_reset)
        reset.set_hint("Use the default of each option")
        self.add_buttons(plain_button("Cancel", self.reject), self.go, left=(reset,))

    def _on_encryption(self, _place: int = 0) -> None:
        is_kms = self.encryption.currentData() == Encryption.KMS.value
        allow_field(self.kms_key, is_kms, "Only the encryption SSE-KMS uses this key.")

    def _on_reset(self) -> None:
        for box in (self.storage_class, self.encryption, self.compression, self.checksum):
            box.setCurrentIndex(0)
        for field in (self.kms_key, self.tags, self.metadata):
            field.clear()

    def _on_go(self) -> None:
        try:
            self.options = self._read()
        except InvalidInput as error:
            self.problem.setText(f"{error.summary}. {error.cause} {error.remedy}")
            self.problem.show()
            self.fit()
            return
        self.accept()

    def _read(self) -> UploadOptions:
        """Return the options in the fields.

        Raises:
            InvalidInput: S3 would refuse one of them.
        """
        encryption = Encryption(self.encryption.currentData())
        options = check_options(
            UploadOptions(
                storage_class=str(self.storage_class.currentData()),
                tags=_pairs(self.tags),
                metadata=_pairs(self.metadata),
                encryption=encryption,
                # A disabled field may still have the key of a former choice.
                kms_key=self.kms_key.text().strip() if encryption is Encryption.KMS else "",
                checksum=Checksum(self.checksum.currentData()),
                compression=Compression(self.compression.currentData()),
            )
        )
        # The upload checks metadata for each object, when thousands of files would already fail.
        check_metadata(dict(options.metadata))
        return options


def options_text(options: UploadOptions) -> str:
    """Return the options that are set as one line, for example `Glacier, gzip, 2 tags`."""
    storage = CLASS_NAMES.get(options.storage_class, options.storage_class)
    encryption = "" if options.encryption is Encryption.DEFAULT else options.encryption.value
    texts = [
        storage,
        options.compression.value,
        encryption,
        options.checksum.value,
        format_counted(len(options.tags), "tag") if options.tags else "",
        format_counted(len(options.metadata), "metadata value") if options.metadata else "",
    ]
    return ", ".join(text for text in texts if text)


def _choices(name: str, texts: dict[str, str], current: str) -> QComboBox:
    box = combo_box(name)
    for value, text in texts.items():
        box.addItem(text, value)
    place = box.findData(current)
    if place < 0:  # a class of another server, which only the command line offers
        box.addItem(current, current)
        place = box.count() - 1
    box.setCurrentIndex(place)
    return box


def _pairs_field(name: str, pairs: tuple[tuple[str, str], ...]) -> QPlainTextEdit:
    field = QPlainTextEdit("\n".join(f"{key}={value}" for key, value in pairs))
    field.setAccessibleName(name)
    field.setPlaceholderText(_PAIRS)
    field.setFont(theme.mono_font())
    field.setTabChangesFocus(True)
    field.setFixedHeight(_LINES * field.fontMetrics().lineSpacing() + 16)
    return field


def _pairs(field: QPlainTextEdit) -> tuple[tuple[str, str], ...]:
    """Return the pairs in a field.

    Raises:
        InvalidInput: a line has no name or no equals sign.
    """
    found = []
    for line in field.toPlainText().splitlines():
        name, equals, value = line.strip().partition("=")
        if not line.strip():
            continue
        if not name or not equals:
            raise InvalidInput(
                f"{field.accessibleName()}: “{line.strip()}” has no name and value",
                cause="Each line has a name, an equals sign and a value.",
                remedy="Write it as NAME=VALUE.",
            )
        found.append((name, value))
    return tuple(found)
