"""The table model of the secrets of the account."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from PySide6.QtCore import QObject, Qt

from core.health.hygiene import limit_of
from core.model.secret_names import CURRENT, PENDING
from core.model.secrets import SecretInfo
from core.units import format_counted, format_date, format_moment, utc_now
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE, PILL_ROLE, SORT_ROLE, TONE_ROLE
from gui.widgets.labels import shown

NAME, AGE, STATE = range(3)


class SecretsModel(Columns):
    """One row per secret; ages are those of the current values.

    Until `set_created` reports when a value was created, its age counts from the last change in
    AWS.
    """

    heads = ("Name", "Age", "State")
    numbers = frozenset({AGE})
    ages = True

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._infos: tuple[SecretInfo, ...] = ()
        self._created: dict[str, datetime] = {}
        # A fixed time, from which tests count ages.
        self._fixed: datetime | None = None

    def show(self, infos: Sequence[SecretInfo], now: datetime | None = None) -> None:
        """Show other secrets."""
        self.beginResetModel()
        self._infos = tuple(infos)
        self._fixed = now
        self.endResetModel()

    def set_created(self, made: Mapping[str, datetime]) -> None:
        """Set when the current values of secrets were created, from which their ages count."""
        self._created = dict(made)
        if self._infos:
            last = len(self._infos) - 1
            self.dataChanged.emit(self.index(0, AGE), self.index(last, STATE))

    @property
    def _now(self) -> datetime:
        return self._fixed or utc_now()

    def _seconds(self, info: SecretInfo) -> float:
        since = self._created.get(info.name) or info.updated
        # A clock behind that of AWS makes a new value look younger than zero; -1 means an unknown
        # age.
        return max((self._now - since).total_seconds(), 0.0) if since else -1.0

    def info(self, row: int) -> SecretInfo | None:
        """Return the secret of a row, or None when there is no such row."""
        return self._infos[row] if 0 <= row < len(self._infos) else None

    def row_of(self, name: str) -> int:
        """Return the row of a secret, or -1."""
        return next((row for row, info in enumerate(self._infos) if info.name == name), -1)

    def _count(self) -> int:
        return len(self._infos)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, its native value, its tooltip, or how it is drawn."""
        if not index.isValid():
            return None
        info, column = self._infos[index.row()], index.column()
        seconds = self._seconds(info)
        text, tone = _state(info, self._now, seconds)
        cells: dict[int, Callable[[], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda: (info.name, _age(seconds), text)[column],
            SORT_ROLE: lambda: (info.name, seconds, text)[column],
            Qt.ItemDataRole.ToolTipRole: lambda: _facts(info, self._created.get(info.name)),
            Qt.ItemDataRole.TextAlignmentRole: lambda: RIGHT if column in self.numbers else None,
            MONO_ROLE: lambda: True if column == NAME else None,
            TONE_ROLE: lambda: "muted" if info.deleted and column != STATE else None,
            PILL_ROLE: lambda: tone if column == STATE and text else None,
        }
        return cells[role]() if role in cells else None


def _age(seconds: float) -> str:
    if seconds < 0:
        return ""
    if seconds < 3600:
        return "now" if seconds < 60 else f"{int(seconds // 60)} min"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h"
    return format_counted(int(seconds // 86400), "day")


def _state(info: SecretInfo, now: datetime, seconds: float) -> tuple[str, str]:
    if info.deleted:
        return deletion(info.deleted, now), "danger"
    stages = [version.stages for version in info.versions]
    # After a finished rotation by AWS the current version may still have the pending stage.
    if any(PENDING in names and CURRENT not in names for names in stages):
        return "pending change", "warning"
    if seconds > limit_of(info)[0] * 86400 and not info.is_backup_key:
        return "overdue", "warning"
    return ("rotates by AWS", "accent") if info.rotation_enabled else ("", "neutral")


def deletion(when: datetime, now: datetime) -> str:
    """Return a scheduled deletion as text.

    AWS returns the date of the request in one call and that of the deletion in another.
    """
    days = round((when - now).total_seconds() / 86400)
    if days > 0:
        return f"deleted in {format_counted(days, 'day')}"
    return "being deleted"


def _facts(info: SecretInfo, made: datetime | None) -> str:
    times = (
        ("created", info.created),
        ("current value created", made),
        ("last changed", info.changed),
        ("scheduled deletion", info.deleted),
    )
    lines = [info.name, info.description]
    lines += [f"{what} {format_moment(when)}" for what, when in times if when]
    if info.accessed:  # AWS stores only the day
        lines.append(f"last accessed {format_date(info.accessed)}")
    return shown("\n".join(line for line in lines if line), lines=True)
