"""The properties of an object: key, hash, storage class, type, metadata and versions."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QWidget

from core.model.listing import ObjectInfo
from core.objects.versions import ObjectVersion
from core.units import format_counted, format_size
from gui import actions
from gui.tabs.browser.loading import Inspection
from gui.widgets.buttons import link_button
from gui.widgets.labels import Elided, Pill, mono_elided, muted_label, set_tooltip

_ROWS = ("Key", "SHA-256", "Class", "Type", "Metadata", "Versions")
#: Width in pixels of the names at the left.
_LABEL_WIDTH = 96
#: Number of the last parts of a key that are shown.
_KEY_PARTS = 2
#: Metadata that repeats the key; shown last.
_REPEATED = ("data_type", "timestamp")


class Inspector(QWidget):
    """The property rows of one object.

    Signals:
        versions_wanted: the user wants to count the versions of the object.
        properties_wanted, all_versions_wanted: open the dialog of the properties or versions.
        copy_wanted: open the menu of the address at a position on the screen.
    """

    versions_wanted = Signal()
    properties_wanted = Signal()
    all_versions_wanted = Signal()
    copy_wanted = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._values = {name: _value(name) for name in _ROWS}
        self.verdict = Pill()
        self.ask = link_button("Show", self.versions_wanted.emit)
        self.ask.set_hint("Lists the versions of this object with one request")
        grid = QGridLayout(self)
        grid.setContentsMargins(24, 8, 12, 12)
        grid.setHorizontalSpacing(0)
        grid.setVerticalSpacing(0)
        grid.setColumnMinimumWidth(0, _LABEL_WIDTH)
        grid.setColumnStretch(1, 1)
        for number, name in enumerate(_ROWS):
            grid.setRowMinimumHeight(number, 28)
            label = muted_label(name)
            label.setBuddy(self._values[name])
            grid.addWidget(label, number, 0)
            grid.addLayout(self._line(name), number, 1)
        grid.addLayout(self._tools(), len(_ROWS), 0, 1, 2)

    def _line(self, name: str) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(8)
        extra = {"SHA-256": self.verdict, "Versions": self.ask}.get(name)
        line.addWidget(self._values[name], 0 if extra else 1)
        if extra is not None:
            line.addWidget(extra)
            line.addStretch(1)
        return line

    def _tools(self) -> QHBoxLayout:
        self.properties = link_button(
            actions.action("objects.properties").text, self.properties_wanted.emit
        )
        self.properties.set_hint(actions.tip("objects.properties"))
        self.versions = link_button(
            actions.action("objects.versions").text, self.all_versions_wanted.emit
        )
        self.versions.set_hint(actions.tip("objects.versions"))
        self.copy_as = link_button(actions.action("objects.copy_as").text, self._on_copy_as)
        self.copy_as.set_hint(actions.tip("objects.copy_as"))
        line = QHBoxLayout()
        line.setSpacing(16)
        for button in (self.properties, self.versions, self.copy_as):
            line.addWidget(button)
        line.addStretch(1)
        return line

    def _on_copy_as(self) -> None:
        self.copy_wanted.emit(self.copy_as.mapToGlobal(self.copy_as.rect().bottomLeft()))

    def value(self, name: str) -> str:
        """Return the text of a row."""
        return self._values[name].text()

    def show_object(self, inspection: Inspection) -> None:
        """Show the properties of one object."""
        info = inspection.info
        self._set("Key", short_key(info.key), info.key)
        self._set("Class", _class_text(info))
        self._set("Type", _type_text(info))
        # A stable sort: all other metadata stays in the order of the answer.
        metadata = sorted(info.metadata.items(), key=lambda pair: pair[0] in _REPEATED)
        pairs = [f"{name} {value}" for name, value in metadata if name != "sha256"]
        self._set("Metadata", " · ".join(pairs) or "none", "\n".join(pairs))
        # "null" is the id of objects that were written while the bucket was not versioned.
        version = "" if info.version_id == "null" else info.version_id or ""
        text = f"current {short_hash(version)}" if version else "no version id"
        self._set("Versions", text, info.version_id or "")
        self.ask.setText("Show")
        self.ask.setVisible(bool(version))
        self._show_hash(inspection)

    def show_versions(self, versions: Sequence[ObjectVersion]) -> None:
        """Show the number of versions and their total size.

        The button stays, so that it keeps the focus; it lists them again.
        """
        markers = sum(1 for version in versions if version.marker)
        count = len(versions) - markers
        stored = format_counted(count, "version")
        size = format_size(sum(version.size for version in versions))
        if markers:
            text = f"{stored} · {format_counted(markers, 'delete marker')} · {size}"
        else:
            text = f"{stored} · {size}"
        self._set("Versions", text)
        self.ask.setText("Refresh")

    def _show_hash(self, inspection: Inspection) -> None:
        recorded, ours = inspection.info.sha256, inspection.sha256
        self._set(
            "SHA-256", short_hash(recorded or ours or "") or "not recorded", recorded or ours or ""
        )
        self.verdict.set(*verdict_of(inspection))

    def _set(self, name: str, text: str, full: str = "") -> None:
        label = self._values[name]
        label.setText(text)
        if full:
            set_tooltip(label, full)


def verdict_of(inspection: Inspection) -> tuple[str, str, str]:
    """Return status, tone and explanation of a hash; an unchecked one is never green."""
    recorded, ours = inspection.info.sha256, inspection.sha256
    if ours is None:
        explanation = "Only the beginning was read; a download checks the complete object."
        return "not checked", "neutral", explanation
    if recorded and recorded.lower() != ours:
        return "differs", "danger", f"The content has a different hash: {ours}"
    if recorded:
        return "verified", "good", "The content has the recorded SHA-256."
    if inspection.as_etag:
        return "verified", "good", "The content has the MD5 that S3 stores as the ETag."
    return (
        "not recorded",
        "neutral",
        "Calculated from the content; there is no recorded hash to compare with.",
    )


def short_key(key: str) -> str:
    """Return the last parts of a key: `…/15/2024-01-15T10:00:00Z.json`."""
    parts = key.split("/")
    return key if len(parts) <= _KEY_PARTS else "…/" + "/".join(parts[-_KEY_PARTS:])


def short_hash(text: str) -> str:
    """Return `9f2c…e1a7`."""
    return text if len(text) <= 12 else f"{text[:4]}…{text[-4:]}"


def _class_text(info: ObjectInfo) -> str:
    encryption = {"AES256": "encrypted by S3", "aws:kms": "encrypted by KMS"}
    encrypted = encryption.get(info.encryption or "", info.encryption or "")
    return f"{info.storage_class} · {encrypted}" if encrypted else info.storage_class


def _type_text(info: ObjectInfo) -> str:
    kind, size = info.content_type or "no type", format_size(info.size)
    if info.content_encoding:
        return f"{kind} · {info.content_encoding} · {size}"
    return f"{kind} · {size}"


def _value(name: str) -> Elided:
    label = (
        mono_elided() if name in ("Key", "SHA-256") else Elided(mode=Qt.TextElideMode.ElideRight)
    )
    label.setAccessibleName(name)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.NoTextInteraction)
    assert isinstance(label, QLabel)
    return label
