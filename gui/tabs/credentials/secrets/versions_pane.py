"""The properties and versions of one secret, and the rollback to an older one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from PySide6.QtCore import QItemSelectionModel, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from core.errors import AccessDenied, StorageError
from core.model.secret_names import CURRENT, PREVIOUS
from core.model.secrets import SecretInfo, SecretVersion
from core.units import format_age, format_date, format_moment
from gui.context import Context
from gui.tabs.credentials.secrets.versions_model import BY, VersionsModel, short
from gui.widgets.buttons import plain_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import Elided, mono_elided, muted_label
from gui.widgets.panel import SectionHead
from gui.widgets.table import make_table

_FACTS = (
    "Name", "Description", "Created", "Last changed", "Last accessed", "Rotation", "Region", "ARN",
)  # fmt: skip
_NONE = "—"
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_MONO = frozenset({"Name", "ARN"})
#: Width in pixels from which the creator of a version has a column; the tooltip always has it.
_WIDE = 440


class VersionsPane(QWidget):
    """The properties above, the versions below.

    Signals:
        roll_back_clicked: the `SecretVersion` to make current again.
        compare_clicked: two `SecretVersion`s, the older one first.
    """

    roll_back_clicked = Signal(object)
    compare_clicked = Signal(object, object)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._locked = ""
        self.name = ""
        self.model = VersionsModel(self)
        self.table = make_table(
            self.model,
            "Versions of the secret",
            settings=context.settings,
            key="credentials/versions",
            sortable=False,
            multiple=True,
        )
        self.table.selectionModel().selectionChanged.connect(self._update)
        self.compare = plain_button("Compare…", self._on_compare)
        self.roll_back = plain_button("Roll back…", self._on_roll_back)
        self.empty = EmptyState("No versions to show")
        self._body = Loadable(self.table, self.empty)
        self._values: dict[str, Elided] = {}
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(SectionHead("About this secret"))
        box.addWidget(self._facts())
        box.addWidget(SectionHead("Versions", self.compare, self.roll_back))
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
        """Show the properties of a secret; its versions follow later, and until then stay."""
        same = info is not None and info.name == self.name and not info.deleted
        self.name = info.name if info else ""
        for title, label in self._values.items():
            label.show_live(partial(_fact, info, title))
        if same:  # else the buttons would be disabled for a moment, and lose the focus
            return
        self.model.show(())
        self.empty.set_text("No versions to show")
        self._body.show_empty()
        self._update()

    def show_loading(self) -> None:
        """Show that versions are being listed."""
        self._body.show_loading()

    def show_versions(self, versions: Sequence[SecretVersion]) -> None:
        """Show the versions; those that were selected stay so."""
        chosen = {version.version_id for version in self._chosen()}
        self.model.show(versions)
        rows, flags = self.table.selectionModel(), QItemSelectionModel.SelectionFlag
        for row, version in enumerate(versions):
            if version.version_id in chosen:
                rows.select(self.model.index(row, 0), flags.Select | flags.Rows)
        self._show_who()
        self._body.show_view()
        self._update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide or show columns according to the available width."""
        super().resizeEvent(event)
        self._show_who()

    def _show_who(self) -> None:
        known = any(version.by for version in self.model.versions)
        self.table.setColumnHidden(BY, not known or self.width() < _WIDE)

    def of(self, name: str) -> tuple[SecretVersion, ...]:
        """Return the versions of a secret if it is shown, else none."""
        return self.model.versions if name == self.name else ()

    def show_failed(self, error: StorageError) -> None:
        """Show why there is no list; versions that were listed before stay.

        A missing optional permission is not shown as an error.
        """
        # Without the permission the list can never be loaded, so an old one would mislead.
        if isinstance(error, AccessDenied):
            self.empty.set_text("Access to the versions is denied", f"This needs {error.action}.")
        elif self.model.versions:
            self._body.show_view()
            return
        else:
            self.empty.set_text(error.summary, error.cause)
        self._body.show_empty()
        self._update()

    def set_locked(self, reason: str) -> None:
        """Disable changes with a reason, or enable them with an empty one."""
        self._locked = reason
        self._update()

    def _update(self, *_selection: object) -> None:
        target = self._target()
        reason = self._locked or ("" if target else "There is no older version.")
        if len(self._chosen()) > 1:
            reason = "Select only one version."
        self.roll_back.allow(not reason, reason)
        if target is not None and not reason:
            self.roll_back.set_hint(f"Make version {short(target.version_id)} current again")
        pair = self._pair()
        self.compare.allow(pair is not None, "Select two versions, or an older one.")
        if pair is not None:
            older, newer = (short(version.version_id) for version in pair)
            self.compare.set_hint(f"Compare {older} with {newer}")

    def _chosen(self) -> list[SecretVersion]:
        rows = sorted(index.row() for index in self.table.selectionModel().selectedRows())
        return [found for row in rows if (found := self.model.version(row)) is not None]

    def _target(self) -> SecretVersion | None:
        """Return the version to roll back to: the selected one, else the previous one."""
        older = [version for version in self._chosen() if CURRENT not in version.stages]
        # The current version may be part of the selection, for a comparison; it is no target.
        return older[0] if older else self._with(PREVIOUS)

    def _pair(self) -> tuple[SecretVersion, SecretVersion] | None:
        """Return two versions to compare: the selected ones, or one and the current one."""
        chosen = self._chosen()
        current = self._with(CURRENT)
        if len(chosen) == 1 and current is not None and chosen[0] != current:
            chosen = [current, *chosen]
        elif len(chosen) < 2 and current is not None:
            previous = self._with(PREVIOUS)
            chosen = [current, previous] if previous is not None else []
        if len(chosen) != 2:
            return None
        # By time, not by row: the list shows the current version first, which may be an older one
        # after a rollback.
        newer, older = sorted(chosen, key=lambda each: each.created or _LONG_AGO, reverse=True)
        return older, newer

    def _with(self, stage: str) -> SecretVersion | None:
        return next((each for each in self.model.versions if stage in each.stages), None)

    def _on_compare(self) -> None:
        pair = self._pair()
        if pair is not None:
            self.compare_clicked.emit(*pair)

    def _on_roll_back(self) -> None:
        target = self._target()
        if target is not None:
            self.roll_back_clicked.emit(target)


def _fact(info: SecretInfo | None, title: str) -> str:
    return _properties(info).get(title, _NONE) if info else _NONE


def _properties(info: SecretInfo) -> dict[str, str]:
    return {
        "Name": info.name,
        "Description": info.description or _NONE,
        "Created": _when(info.created),
        "Last changed": _when(info.changed),
        "Last accessed": format_date(info.accessed) if info.accessed else _NONE,
        "Rotation": _rotation(info),
        "Region": _region(info.arn),
        "ARN": info.arn or _NONE,
    }


def _region(arn: str | None) -> str:
    """Return the region in an ARN: the header shows the bucket's, which may be another one."""
    parts = (arn or "").split(":")
    return parts[3] if len(parts) > 3 and parts[3] else _NONE


def _rotation(info: SecretInfo) -> str:
    if info.rotated:
        last = _when(info.rotated)
        return f"by AWS, last {last}" if info.rotation_enabled else f"not by AWS, last {last}"
    return "by AWS" if info.rotation_enabled else "not by AWS"


def _when(moment: datetime | None) -> str:
    if moment is None:
        return _NONE
    return f"{format_moment(moment)} ({format_age(moment)})"
