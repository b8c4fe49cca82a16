"""The facts and versions of one secret, with the way back to an older one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from core.errors import AccessDenied, StorageError
from core.model.secrets import CURRENT, SecretInfo, SecretVersion
from core.units import format_age, iso_utc
from gui.context import Context
from gui.tabs.credentials.versions_model import VersionsModel
from gui.widgets.buttons import plain_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import Elided, mono_elided, muted_label
from gui.widgets.panel import SectionHead
from gui.widgets.table import make_table

_FACTS = ("Name", "Description", "Created", "Last changed", "Last accessed", "Rotation", "ARN")
_NONE = "—"
_MONO = frozenset({"Name", "ARN"})


class VersionsPane(QWidget):
    """Facts above, versions below.

    Signals:
        make_current_clicked: the `SecretVersion` that shall be current again.
    """

    make_current_clicked = Signal(object)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._locked = ""
        self.model = VersionsModel(self)
        self.table = make_table(
            self.model,
            "Versions of the secret",
            settings=context.settings,
            key="credentials/versions",
            sortable=False,
        )
        self.table.selectionModel().selectionChanged.connect(self._update)
        self.make_current = plain_button("Make current…", self._on_make_current)
        self.empty = EmptyState("No versions to show")
        self._body = Loadable(self.table, self.empty)
        self._values: dict[str, Elided] = {}
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(SectionHead("About this secret"))
        box.addWidget(self._facts())
        box.addWidget(SectionHead("Versions", self.make_current))
        box.addWidget(self._body, 1)
        self.show_info(None)

    def _facts(self) -> QWidget:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(12, 8, 12, 12)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        for line, title in enumerate(_FACTS):
            value = mono_elided() if title in _MONO else Elided()
            value.setAccessibleName(title)
            self._values[title] = value
            grid.addWidget(muted_label(title), line, 0)
            grid.addWidget(value, line, 1)
        return holder

    def show_info(self, info: SecretInfo | None) -> None:
        """Show a secret's facts; its versions come later."""
        told = _told(info) if info else {}
        for title, label in self._values.items():
            label.setText(told.get(title, _NONE))
        self.model.show(())
        self.empty.set_text("No versions to show")
        self._body.show_empty()
        self._update()

    def show_loading(self) -> None:
        """Show that versions are being listed."""
        self._body.show_loading()

    def show_versions(self, versions: Sequence[SecretVersion]) -> None:
        """Show the versions."""
        self.model.show(versions)
        self._body.show_view()
        self._update()

    def show_failed(self, error: StorageError) -> None:
        """Show why there is no list; a missing extra permission is named, not alarming."""
        if isinstance(error, AccessDenied):
            self.empty.set_text("Versions may not be listed", f"This needs {error.action}.")
        else:
            self.empty.set_text(error.summary, error.cause)
        self._body.show_empty()
        self._update()

    def set_locked(self, reason: str) -> None:
        """Forbid changes for a reason; an empty one allows them."""
        self._locked = reason
        self._update()

    def _update(self, *_selection: object) -> None:
        version = self._chosen()
        reason = self._locked
        if not reason and version is None:
            reason = "Choose an older version first."
        elif not reason and version is not None and CURRENT in version.stages:
            reason = "This version is current."
        self.make_current.allow(not reason, reason)

    def _chosen(self) -> SecretVersion | None:
        return self.model.version(self.table.currentIndex().row())

    def _on_make_current(self) -> None:
        version = self._chosen()
        if version is not None:
            self.make_current_clicked.emit(version)


def _told(info: SecretInfo) -> dict[str, str]:
    rotation = "by AWS" if info.rotation_enabled else "not by AWS"
    if info.rotated:
        rotation += f", last {_when(info.rotated)}"
    return {
        "Name": info.name,
        "Description": info.description or _NONE,
        "Created": _when(info.created),
        "Last changed": _when(info.changed),
        "Last accessed": info.accessed.date().isoformat() if info.accessed else _NONE,
        "Rotation": rotation,
        "ARN": info.arn or _NONE,
    }


def _when(moment: datetime | None) -> str:
    if moment is None:
        return _NONE
    return f"{iso_utc(moment)[:16].replace('T', ' ')} UTC ({format_age(moment)})"
