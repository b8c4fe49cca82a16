"""Table models of the tables, the backups and the changed cells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt

from core.model.backup import Backup, BackupState, Origin
from core.model.backup_listing import StoredTable
from core.model.database import TableInfo
from core.model.restore import Difference
from core.model.schedule import LastBackup
from core.units import (
    as_utc,
    format_age,
    format_count,
    format_counted,
    format_date,
    format_moment,
    format_size,
    in_zone,
    utc_now,
)
from gui.models.columns import CellText, text_of
from gui.models.roles import PILL_ROLE, TONE_ROLE
from gui.tabs.backups.rows_model import Rows
from gui.widgets.labels import shown

_STALE_DAYS = 7
#: The date or the details after a check: `proven 27 Nov 2026`, `listed, sizes agree`.
_WITHOUT_DETAILS = re.compile(r"( \d|, ).*")
#: More seconds than can lie between two backups, so that it separates groups when sorting.
_AGE = 1e12

#: Why a table with backups cannot be backed up: it was dropped, or belongs to another database.
ABSENT = "not in this database now"
_WHY_ESTIMATED = "counting a large or locked table would take long."
#: Shown in cells without a value.
_NONE = "\N{EN DASH}"


class TablesModel(Rows):
    """The tables of a database and those that exist only in its backups; or those of the bucket."""

    heads = ("Table", "Rows", "Last backup")
    ages = True
    numbers = frozenset((1, 2))
    mono = frozenset((0,))
    ROWS, _LAST = 1, 2

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tables: tuple[TableInfo, ...] = ()
        self._present: tuple[TableInfo, ...] | None = None
        self._stored: dict[str, StoredTable] = {}
        self._examined: tuple[LastBackup, ...] = ()
        self._origin: Origin | None = None
        self._known = self.in_bucket = False

    def show(self, tables: Sequence[TableInfo] | None, origin: Origin | None = None) -> None:
        """Show the tables of a database; None if they are unknown."""
        self._present = None if tables is None else tuple(tables)
        self._origin = origin
        self._set_source(in_bucket=False)

    def show_bucket(self) -> None:
        """Show the tables of all databases that have backups."""
        self._present = None
        self._set_source(in_bucket=True)

    def set_stored(self, stored: Sequence[StoredTable] | None) -> None:
        """Show which tables have backups and when the last was made; None if unknown."""
        self._known = stored is not None
        self._stored = {table.name: table for table in stored or ()}
        self._fill()

    def _set_source(self, *, in_bucket: bool) -> None:
        self.in_bucket = in_bucket
        self.heads = ("Table", "Backups" if in_bucket else "Rows", "Last backup")
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 1, 1)
        self._fill()

    def set_examined(self, last: Sequence[LastBackup]) -> None:
        """Show the last backups of this database only, as far as the databases are known."""
        self._examined = tuple(last)
        self._fill()

    def _last(self, info: TableInfo) -> datetime | None:
        """Return when a table of this database was backed up last; of an absent one, of any.

        Backups since the examination, whose database is not known yet, count as of this one.
        """
        stored, origin = self._stored.get(info.name), self._origin
        if stored is None:
            return None
        if stored.last is None or origin is None or self.in_bucket or info.problem == ABSENT:
            return stored.last
        examined = [each for each in self._examined if each.table == info.name]
        own = [each.taken for each in examined if not each.origin.differs(origin)]
        has_newer = all(each.taken < stored.last for each in examined)
        has_unexamined = sum(each.backups for each in examined) < stored.backups
        if has_newer or (has_unexamined and not own):
            return stored.last
        return max(own, default=None)

    def row_of(self, table: str) -> int:
        """Return the row of a table, or -1."""
        names = [info.name for info in self.tables]
        return names.index(table) if table in names else -1

    def _fill(self) -> None:
        self.tables = self._from_bucket() if self.in_bucket else self._of_database()
        texts: list[tuple[CellText, ...]] = []
        values: list[tuple[Any, ...]] = []
        for info in self.tables:
            last = self._last(info)
            number = self._stored[info.name].backups if self.in_bucket else info.rows
            rows = _NONE if number is None else format_count(number)
            if info.estimated and number is not None and not self.in_bucket:
                rows = _estimate(number)
            texts.append((shown(info.name), rows, partial(self._last_backup_text, info, last)))
            stamp = last.timestamp() if last else 0.0
            values.append((info.name.casefold(), number or 0, stamp))
        self._replace(texts, values)

    def _from_bucket(self) -> tuple[TableInfo, ...]:
        return tuple(TableInfo(name, None) for name in self._stored)

    def _of_database(self) -> tuple[TableInfo, ...]:
        """Return the tables of the database, then those that exist only in backups."""
        if self._present is None:
            return ()
        here = {info.name.lower() for info in self._present}
        gone = sorted(name for name in self._stored if name.lower() not in here)
        return (*self._present, *(TableInfo(name, None, ABSENT) for name in gone))

    def _last_backup_text(self, info: TableInfo, last: datetime | None) -> str:
        if info.former_name:
            return "retained"
        if info.problem and info.problem != ABSENT:
            return "not possible"
        if last is not None:
            return format_age(last)
        return "never" if self._known else ""

    def _drawn(self, row: int, column: int, role: int) -> Any:
        info = self.tables[row]
        if role == PILL_ROLE and column == self._LAST and text_of(self._texts[row][column]):
            return self._tone(info)
        if role == TONE_ROLE and (info.problem or info.former_name):
            return "muted"
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._hint(info, column)
        return super()._drawn(row, column, role)

    def _tone(self, info: TableInfo) -> str:
        last = self._last(info)
        if info.problem or info.former_name:
            return "neutral"
        stale = last is None or (utc_now() - last).days >= _STALE_DAYS
        return "warning" if stale else "good"

    def _hint(self, info: TableInfo, column: int) -> str | None:
        if info.former_name:
            return f"The former {info.former_name}, stored when it was restored."
        if info.problem:
            return f"{info.name} is {info.problem}."
        if info.estimated and column == self.ROWS:
            rows = format_counted(info.rows or 0, "row")
            return f"About {rows}, by an estimate of the server: {_WHY_ESTIMATED}"
        last = self._last(info)
        if last is None and info.name in self._stored and not self.in_bucket:
            return "The bucket has backups of this name only from other databases."
        return format_moment(last) if column == self._LAST and last else None


def _estimate(rows: int) -> str:
    """Return an estimate with two figures, which is narrower than a number and not exact either."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if rows >= size:
            return f"≈ {rows / size:.{1 if rows < 10 * size else 0}f} {unit}"
    return f"≈ {rows}"


class BackupsModel(Rows):
    """The backups of one table, newest first; those of the open database before others."""

    heads = ("Taken", "Rows", "Size", "Checked", "Database")
    moments = frozenset((0,))
    numbers = frozenset((1, 2))
    ROWS, SIZE, CHECKED, DATABASE = 1, 2, 3, 4

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.backups: tuple[Backup, ...] = ()
        self._origin: Origin | None = None

    def show(self, backups: Sequence[Backup], origin: Origin | None) -> None:
        """Show the backups of a table; `origin` is the open database, or None for the bucket."""
        self.backups = tuple(backups)
        self._origin = origin
        self._fill()

    @property
    def mixed(self) -> bool:
        """Whether there are backups of a database other than the open one."""
        if self._origin is None:
            return len({backup.source for backup in self.backups}) > 1
        return any(self._is_foreign(backup) for backup in self.backups)

    def set_checked(self, key: str, checked: str, *, proven: bool = False) -> None:
        """Show the result of verifying a backup, or that a restore drill has proven it."""
        self.backups = tuple(
            _checked_now(backup, checked, proven=proven) if backup.key == key else backup
            for backup in self.backups
        )
        self._fill()

    def row_of(self, key: str) -> int:
        """Return the row of a backup by its key, or -1."""
        keys = [backup.key for backup in self.backups]
        return keys.index(key) if key in keys else -1

    def newest_of_this_database(self) -> str:
        """Return the key of the newest backup of the open database, else of the newest of all."""
        own = [backup for backup in self.backups if not self._is_foreign(backup)]
        return next((backup.key for backup in (*own, *self.backups)), "")

    def _is_foreign(self, backup: Backup) -> bool:
        return self._origin is not None and backup.origin.differs(self._origin)

    def _database(self, backup: Backup) -> str:
        """Return the part of a backup's database name that differs from the open database."""
        if not backup.source:
            return "not recorded"
        origin = backup.origin
        if self._origin is None:
            return f"{origin.host}: {origin.database}" if origin.host else origin.database
        if not self._is_foreign(backup):
            return "this one"
        return origin.host if origin.host != self._origin.host else origin.path or origin.database

    def _fill(self) -> None:
        sources = list(dict.fromkeys(b.source for b in self.backups if self._is_foreign(b)))
        texts: list[tuple[CellText, ...]] = []
        values: list[tuple[Any, ...]] = []
        for backup in self.backups:
            rows = _NONE if backup.rows is None else format_count(backup.rows)
            checked = partial(check_of, backup)
            source = shown(self._database(backup))
            group = 1 + sources.index(backup.source) if self._is_foreign(backup) else 0
            taken_text = partial(format_moment, backup.taken, zone=False)
            texts.append((taken_text, rows, format_size(backup.size), checked, source))
            taken = backup.taken.timestamp() - group * _AGE
            values.append((taken, backup.rows or 0, backup.size, backup.checked, source))
        self._replace(texts, values)

    def _drawn(self, row: int, column: int, role: int) -> Any:
        backup = self.backups[row]
        if role == PILL_ROLE and column == self.CHECKED and backup.checked:
            return _check_tone(backup)
        if role == TONE_ROLE and (backup.state is BackupState.BROKEN or self._is_foreign(backup)):
            return "muted"
        if role == Qt.ItemDataRole.ToolTipRole:
            return _about(backup)
        return super()._drawn(row, column, role)


class CellsModel(Rows):
    """The cells that a restore would change, and the rows it would add or remove."""

    heads = ("Row", "Column", "Now", "Backup")
    mono = frozenset((0, 1, 2, 3))
    #: The exact key of each row, as the restore of single rows reads it.
    keys: tuple[str, ...] = ()

    def show(self, difference: Difference) -> None:
        """Show sample rows of a difference."""
        self.heads = (", ".join(difference.by_key) or "Row", "Column", "Now", "Backup")
        self.keys = (
            *(cell.row for cell in difference.cells),
            *difference.added_keys,
            *difference.removed_keys,
        )
        rows = [(c.key, c.column, c.today, c.backup) for c in difference.cells]
        rows += [(key, "(row)", _NONE, "is added") for key in difference.added_rows]
        rows += [(key, "(row)", "is removed", _NONE) for key in difference.removed_rows]
        texts: list[tuple[CellText, ...]] = [tuple(shown(text) for text in row) for row in rows]
        self._replace(texts, list(rows))

    def _drawn(self, row: int, column: int, role: int) -> Any:
        if role == TONE_ROLE and column >= 2:
            return "danger" if column == 2 else "good"
        return super()._drawn(row, column, role)


def when(moment: datetime) -> str:
    """Return the time of a backup with its zone, for titles and messages."""
    return format_moment(moment)


def short_check(checked: str) -> str:
    """Return the check and its date, for example `verified 27 Nov 2026`."""
    return _checked(checked, lambda moment: format_date(in_zone(moment)), joint=" ")


def check_of(backup: Backup) -> str:
    """Return what is special about a backup, and its last check or when it was last proven."""
    if backup.proven is not None and not backup.doubted:
        text = f"proven {format_date(in_zone(backup.proven))}"
    else:
        text = short_check(backup.checked)
    marks = {
        "pinned": backup.pinned, "encrypted": backup.encrypted_with, "some rows": backup.filter
    }  # fmt: skip
    chosen = [mark for mark, has_it in marks.items() if has_it]
    # The column has no room for both a mark and a date, which is in the tooltip.
    return " · ".join([*chosen, _WITHOUT_DETAILS.sub("", text) if chosen else text])


def _checked_now(backup: Backup, checked: str, *, proven: bool) -> Backup:
    now = utc_now()
    bad = "damaged" in checked or "failed" in checked
    return replace(backup, checked=checked, doubted=bad, proven=now if proven else backup.proven)


def _checked(checked: str, written: Callable[[datetime], str], joint: str = " on ") -> str:
    """Return the check and its time as formatted by `written`, separated by `joint`."""
    before, at, moment = checked.rpartition(" on ")
    try:
        return (
            f"{before}{joint}{written(as_utc(datetime.fromisoformat(moment)))}" if at else checked
        )
    except ValueError:
        return checked


def _check_tone(backup: Backup) -> str:
    if backup.state is BackupState.BROKEN or backup.doubted or "damaged" in backup.checked:
        return "danger"
    return "good" if backup.checked.startswith(("verified", "proven")) else "neutral"


def _checks(backup: Backup) -> Iterator[str]:
    if backup.checked:
        yield _checked(backup.checked, format_moment)
    if backup.proven is not None:
        yield f"last proven on {format_moment(backup.proven)}"
    if backup.pinned:
        yield f"pinned: {backup.pin_note}" if backup.pin_note else "pinned"
    if backup.encrypted_with:
        yield f"encrypted with {backup.encrypted_with}"
    if backup.storage_class:
        yield f"in the storage class {backup.storage_class}"


def _about(backup: Backup) -> str:
    lines = [f"{format_moment(backup.taken)}  id {backup.id}", *_checks(backup)]
    if backup.problem:
        lines.append(backup.problem)
    if backup.source:
        lines.append(f"from {backup.source}")
    if backup.rows is not None:
        lines.append(f"{format_counted(backup.rows, 'row')}, {format_size(backup.size)}")
    if backup.seconds is not None:
        lines.append(f"took {backup.seconds:.1f} s")
    if backup.filter:
        lines.append(f"contains only the rows that meet: {backup.filter}")
    if backup.note:
        lines.append(backup.note)
    return "\n".join(lines)
