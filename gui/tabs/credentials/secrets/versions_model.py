"""The table model of the versions of a secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from PySide6.QtCore import QObject, Qt

from core.model.secret_names import CURRENT
from core.model.secrets import SecretVersion
from core.units import format_date, format_moment, short_id
from gui.models.columns import Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE, PILL_ROLE, SORT_ROLE

VERSION, STAGES, MADE, BY = range(4)
#: Sorts versions without a time last among the newest.
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


class VersionsModel(Columns):
    """One row per version, the current one first."""

    heads = ("Version", "Stages", "Created", "By")
    moments = frozenset({MADE})

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._versions: tuple[SecretVersion, ...] = ()

    def show(self, versions: Sequence[SecretVersion]) -> None:
        """Show other versions."""
        self.beginResetModel()
        self._versions = tuple(versions)
        self.endResetModel()

    def version(self, row: int) -> SecretVersion | None:
        """Return the version of a row, or None when there is no such row."""
        return self._versions[row] if 0 <= row < len(self._versions) else None

    @property
    def versions(self) -> tuple[SecretVersion, ...]:
        """The versions that are shown."""
        return self._versions

    def _count(self) -> int:
        return len(self._versions)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, its native value, or how it is drawn."""
        if not index.isValid():
            return None
        version, column = self._versions[index.row()], index.column()
        current = CURRENT in version.stages
        cells: dict[int, Any] = {
            Qt.ItemDataRole.DisplayRole: _text(version, column),
            SORT_ROLE: _native(version, column),
            Qt.ItemDataRole.ToolTipRole: _facts(version),
        }
        if column == VERSION:
            cells[MONO_ROLE] = True
        elif column == STAGES and version.shown_stages:
            cells[PILL_ROLE] = "good" if current else "neutral"
        return cells.get(role)


def _text(version: SecretVersion, column: int) -> str:
    if column == VERSION:
        return short(version.version_id)
    if column == STAGES:
        return " · ".join(version.shown_stages)
    if column == BY:
        return version.by
    made = version.created
    return format_moment(made, zone=False) if made else ""


def _native(version: SecretVersion, column: int) -> Any:
    if column == MADE:
        return version.created or _NEVER
    return _text(version, column)


def _facts(version: SecretVersion) -> str:
    lines = [version.version_id]
    if version.created:
        lines.append(f"created {format_moment(version.created)}")
    if version.by:
        lines.append(f"by {version.by}")
    if version.accessed:  # AWS stores only the day
        lines.append(f"last accessed {format_date(version.accessed)}")
    return "\n".join(lines)


def short(version_id: str) -> str:
    """Return a version id as it is shown."""
    return short_id(version_id)
