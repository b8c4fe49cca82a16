"""The table model of the hygiene report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from PySide6.QtCore import QObject, Qt

from core.health.hygiene import MOST_DAYS, HygieneReport, SecretHygiene
from core.model.connection import SECRET_PREFIX
from core.units import format_counted, format_date, format_moment, utc_now
from gui.models.columns import RIGHT, Columns
from gui.models.indexes import Index
from gui.models.roles import MONO_ROLE, PILL_ROLE, SORT_ROLE, TONE_ROLE
from gui.tabs.credentials.secrets.secrets_model import deletion
from gui.widgets.labels import shown

NAME, AGE, LIMIT, STATE, ACCESSED, NOTES = range(6)
#: Days before its limit at which a secret is shown as due.
SOON_DAYS = 14


class HygieneModel(Columns):
    """One row per secret, the most urgent first."""

    heads = ("Secret", "Age", "Limit", "State", "Last accessed", "Findings")
    numbers = frozenset({AGE, LIMIT})

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._report = HygieneReport((), utc_now())

    def show(self, report: HygieneReport) -> None:
        """Show another report."""
        self.beginResetModel()
        self._report = report
        self.endResetModel()

    @property
    def report(self) -> HygieneReport:
        """The report that is shown."""
        return self._report

    def hygiene(self, row: int) -> SecretHygiene | None:
        """Return the secret of a row, or None when there is no such row."""
        rows = self._report.rows
        return rows[row] if 0 <= row < len(rows) else None

    def _count(self) -> int:
        return len(self._report.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, its native value, its tooltip, or how it is drawn."""
        if not index.isValid():
            return None
        row, column = self._report.rows[index.row()], index.column()
        cells: dict[int, Callable[[], Any]] = {
            Qt.ItemDataRole.DisplayRole: lambda: self._text(row, column),
            SORT_ROLE: lambda: self._native(row, column),
            Qt.ItemDataRole.ToolTipRole: lambda: _facts(row),
            Qt.ItemDataRole.TextAlignmentRole: lambda: RIGHT if column in self.numbers else None,
            MONO_ROLE: lambda: True if column == NAME else None,
            TONE_ROLE: lambda: _tone(row, column),
            PILL_ROLE: lambda: self._pill(row) if column == STATE else None,
        }
        return cells[role]() if role in cells else None

    def _text(self, row: SecretHygiene, column: int) -> str:
        accessed = row.info.accessed
        texts: dict[int, Callable[[], str]] = {
            NAME: lambda: row.info.name,
            AGE: lambda: _days(row.age) if row.age is not None else "unknown",
            LIMIT: lambda: "none" if row.info.is_backup_key else _days(timedelta(row.limit_days)),
            STATE: lambda: self._state(row)[0],
            ACCESSED: lambda: format_date(accessed) if accessed else "never",
            NOTES: lambda: "; ".join(notes(row)),
        }
        return texts[column]()

    def _native(self, row: SecretHygiene, column: int) -> Any:
        age = row.age.total_seconds() if row.age is not None else -1.0
        if column == AGE:
            return age
        if column == LIMIT:
            return row.limit_days
        if column == STATE:
            # Negative seconds until a secret is due, positive ones since then: one order for both.
            none = row.info.is_backup_key  # it is never due
            return (
                row.overdue.total_seconds() or age - (MOST_DAYS if none else row.limit_days) * 86400
            )
        return self._text(row, column)

    def _pill(self, row: SecretHygiene) -> str | None:
        text, tone = self._state(row)
        return tone if text else None

    def _state(self, row: SecretHygiene) -> tuple[str, str]:
        return state(row, self._report)


def state(row: SecretHygiene, report: HygieneReport) -> tuple[str, str]:
    """Return the state of a secret as text, and its tone."""
    if row.info.deleted:
        return deletion(row.info.deleted, report.inspected), "danger"
    if row.info.is_backup_key:
        return "key of backups", "neutral"
    if row.overdue:
        # an age of twice the limit is severe
        tone = "danger" if row.overdue.days >= row.limit_days else "warning"
        return f"overdue by {_days(row.overdue)}", tone
    left = row.limit_days - row.age.days if row.age is not None else row.limit_days
    if left <= SOON_DAYS:
        return f"due in {_days(timedelta(days=left))}", "neutral"
    return ("within the limit", "good") if row.age is not None else ("unknown", "neutral")


def notes(row: SecretHygiene) -> tuple[str, ...]:
    """Return the other findings about a secret, the most severe first, without any value."""
    found = [f"same value as {place.removeprefix(SECRET_PREFIX)}" for place in row.same_as]
    if row.never_rotated and not row.info.deleted:
        found.append("never rotated")
    if row.info.rotation_enabled:
        found.append("rotates by AWS")
    if row.unseen:
        found.append(f"value not compared: {row.unseen}")
    return tuple(found)


def _tone(row: SecretHygiene, column: int) -> str | None:
    if column == NOTES:
        return "warning" if row.same_as else "muted"
    if column == LIMIT and not row.limit_is_own:
        return "muted"
    return "muted" if row.info.deleted and column != STATE else None


def _days(time: timedelta) -> str:
    return format_counted(max(time.days, 0), "day")


def _facts(row: SecretHygiene) -> str:
    days = _days(timedelta(days=row.limit_days))
    limit = (
        f"limit of {days}, set for this secret" if row.limit_is_own else f"default limit of {days}"
    )
    if row.info.is_backup_key:
        limit = "never changed: backups that it encrypts can only be read with it"
    lines = [row.info.name, limit]
    if row.changed:
        lines.append(f"value changed on {format_moment(row.changed)}")
    return shown("\n".join([*lines, *notes(row)]), lines=True)
