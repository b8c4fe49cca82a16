"""The tables of a restore together: the backup of each, the comparison, and afterwards the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt

from core.errors import StorageError
from core.model.backup import Backup
from core.model.restore import RestorePreview, RestoreReport
from core.model.selection import Skipped
from core.model.table_restores import TablesReport
from core.units import format_count, format_counted, format_moment, format_size
from gui.models.columns import CellText
from gui.models.roles import PILL_ROLE
from gui.tabs.backups.preview_texts import changes_text, detail_lines, preview_facts
from gui.tabs.backups.rows_model import Rows
from gui.widgets.labels import shown, tooltip

if TYPE_CHECKING:
    from gui.tabs.backups.together_requests import TogetherRequest

_NONE = "\N{EN DASH}"
#: Number of the first facts of a preview, the counts of rows, which share a line.
_COUNTS = 3
#: Results of a table with their tones; the first two are also those of a running restore.
RESTORED, UNDONE, FAILED, UNKNOWN, UNCHANGED, SKIPPED = (
    "restored", "undone", "failed", "unknown", "unchanged", "skipped"
)  # fmt: skip
_RESULT_TONES = {
    RESTORED: "good", UNDONE: "neutral", FAILED: "danger", UNKNOWN: "danger",
    UNCHANGED: "neutral", SKIPPED: "warning",
}  # fmt: skip


class TogetherModel(Rows):
    """A table in each row: the backup that would be used, and what it would change."""

    heads = ("Table", "State", "Taken", "Now", "Backed up", "Changes")
    moments = frozenset((2,))
    numbers = frozenset((3, 4))
    mono = frozenset((0, 5))
    STATE = 1

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.backups: tuple[Backup, ...] = ()
        self.skipped: tuple[Skipped, ...] = ()
        #: By the keys of the manifests: old backups of several tables have the same id.
        self.previews: dict[str, RestorePreview] = {}
        self._states: dict[str, tuple[str, str]] = {}
        self._problems: dict[str, str] = {}

    def show(self, backups: Sequence[Backup], skipped: Sequence[Skipped]) -> None:
        """Show the chosen backups, which are not compared yet, and the tables without one."""
        self.backups, self.skipped = tuple(backups), tuple(skipped)
        self.previews, self._states, self._problems = {}, {}, {}
        self._fill()

    def put(self, preview: RestorePreview) -> None:
        """Show the comparison of a table."""
        self.previews[preview.backup.key] = preview
        self._states.pop(preview.backup.key, None)
        self._fill()

    def skip(self, skipped: Sequence[Skipped]) -> None:
        """Show which of the chosen backups cannot be compared, and so are not restored."""
        self._problems = {each.table: each.problem for each in skipped}
        for backup in self.backups:
            if backup.table in self._problems:
                self.set_state(backup, SKIPPED, _RESULT_TONES[SKIPPED])

    def set_state(self, backup: Backup, text: str, tone: str) -> None:
        """Show a state of a table instead of what the comparison has found."""
        self._states[backup.key] = text, tone
        self._fill()

    def about(self, row: int) -> str:
        """Return what is known about a table, as lines."""
        if row >= len(self.backups):
            left = self.skipped[row - len(self.backups)]
            return f"{left.table} is not restored: {left.problem}"
        backup = self.backups[row]
        preview = self.previews.get(backup.key)
        source = f" from {backup.source}" if backup.source else ""
        size = format_size(backup.size)
        lines = [f"{backup.table}: backup {backup.id}{source}, {size}"]
        if preview is not None:
            facts = [f"{name}: {value}" for _sign, _tone, name, value in preview_facts(preview)]
            lines += [", ".join(facts[:_COUNTS]), *facts[_COUNTS:]]
            lines.append(detail_lines(preview))
        elif backup.table in self._problems:
            lines.append(f"It is not restored: {self._problems[backup.table]}")
        return "\n".join(filter(None, lines))

    def _fill(self) -> None:
        texts: list[tuple[CellText, ...]] = []
        for backup in self.backups:
            taken = partial(format_moment, backup.taken, zone=False)
            state, _tone = self._state(backup)
            texts.append((shown(backup.table), state, taken, *self._counts(backup)))
        texts += [(shown(each.table), SKIPPED, *(_NONE,) * 4) for each in self.skipped]
        names = [*(each.table for each in self.backups), *(each.table for each in self.skipped)]
        self._replace(texts, [(name,) for name in names])

    def _counts(self, backup: Backup) -> tuple[str, ...]:
        preview = self.previews.get(backup.key)
        if preview is None:
            rows = _NONE if backup.rows is None else format_count(backup.rows)
            return (_NONE, rows, _NONE)
        today = _NONE if preview.rows_today is None else format_count(preview.rows_today)
        return (today, format_count(preview.rows), changes_text(preview.difference))

    def _state(self, backup: Backup) -> tuple[str, str]:
        if backup.key in self._states:
            return self._states[backup.key]
        preview = self.previews.get(backup.key)
        return ("not compared", "neutral") if preview is None else _found(preview)

    def _drawn(self, row: int, column: int, role: int) -> Any:
        if role == PILL_ROLE and column == self.STATE:
            here = row < len(self.backups)
            return self._state(self.backups[row])[1] if here else _RESULT_TONES[SKIPPED]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(self.about(row))
        return super()._drawn(row, column, role)


def _found(preview: RestorePreview) -> tuple[str, str]:
    """Return the most important finding of a comparison, and its tone."""
    if preview.orphans:
        return "dangling rows", "danger"
    if preview.drift:
        return "schema differs", "warning"
    if any(each.problem for each in preview.dependants):
        return "dependants", "warning"
    if not preview.exists:
        return "new table", "neutral"
    same = changes_text(preview.difference) == "none"
    return ("no difference", "good") if same else ("rows differ", "neutral")


@dataclass(frozen=True, slots=True)
class TogetherOutcome:
    """What a restore of several tables has done.

    Attributes:
        database: the address of the database.
        backups: the chosen backups, in the order of the restore.
        report: the report; after a failure that of the tables before.
        skipped: tables that were not to be restored, with the reasons.
        error: the failure that ended it; None for none.
        stopped: whether the user stopped it.
        complete: whether the report certainly contains every restored table.
        undone: the former tables that were put back since then.
        single_transaction: whether all tables or none were to be restored.
        request: what the dialog requested, for another preview; None if that is not known.
    """

    database: str
    backups: tuple[Backup, ...]
    report: TablesReport
    skipped: tuple[Skipped, ...] = ()
    error: StorageError | None = None
    stopped: bool = False
    complete: bool = True
    undone: set[str] = field(default_factory=set)
    single_transaction: bool = False
    request: TogetherRequest | None = None

    @property
    def undoable(self) -> tuple[RestoreReport, ...]:
        """The restores that can still be undone, in the order in which undos succeed."""
        made = reversed(self.report.tables)
        return tuple(each for each in made if each.kept and each.kept not in self.undone)

    @property
    def summary(self) -> str:
        """How many tables were restored, which were not, and which restores were undone since."""
        undone = [each.table for each in self.report.tables if each.kept in self.undone]
        text = f" Undone: {', '.join(undone)}." if undone else ""
        return f"{self._restored}{text}"

    @property
    def _restored(self) -> str:
        """How many tables were restored, and which were not."""
        done, wanted = len(self.report.tables), len(self.backups)
        left = list(self.remaining)
        if not left:
            return f"{format_counted(done, 'table')} restored."
        names = f": {', '.join(each.table for each in self.report.tables)}" if done else ""
        text = f"{done} of {format_counted(wanted, 'table')} restored{names}."
        if not self.complete and self.single_transaction:
            return f"It is not known whether the tables were restored: {', '.join(left)}."
        if not self.complete:
            text = f"{text} Not known: {left.pop(0)}."
        return f"{text} Unchanged: {', '.join(left)}." if left else text

    @property
    def remaining(self) -> tuple[str, ...]:
        """The tables that are not known to be restored, in order."""
        done = {each.backup.key for each in self.report.tables}
        return tuple(each.table for each in self.backups if each.key not in done)


class ResultModel(Rows):
    """The result of each table."""

    heads = ("Table", "Result", "Rows", "Former table", "Checked or why not")
    numbers = frozenset((2,))
    mono = frozenset((0, 3))
    _RESULT = 1

    def __init__(self, outcome: TogetherOutcome, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.outcome = outcome
        self._reports = {each.backup.key: each for each in outcome.report.tables}
        self._fill()

    def report(self, row: int) -> RestoreReport | None:
        """Return the report of a restored table; None for another row."""
        backups = self.outcome.backups
        return self._reports.get(backups[row].key) if 0 <= row < len(backups) else None

    def refresh(self) -> None:
        """Show which restores were undone since then."""
        self._fill()

    def about(self, row: int) -> str:
        """Return the result of a table as lines."""
        report = self.report(row)
        if report is None:
            return f"{self._values[row][0]}: {self._values[row][4]}"
        backup = report.backup
        head = f"{report.table}: from the backup {backup.id} of {format_moment(backup.taken)}"
        return "\n".join((head, *report.problems))

    def _fill(self) -> None:
        rows = []
        for number, backup in enumerate(self.outcome.backups):
            report = self.report(number)
            if report is not None:
                undone = report.kept in self.outcome.undone
                rows.append((backup.table, UNDONE if undone else RESTORED, format_count(report.rows),
                             report.kept or _NONE, report.verified))  # fmt: skip
            else:
                result, why = self._missing(backup.table)
                rows.append((backup.table, result, _NONE, _NONE, why))
        rows += [(e.table, SKIPPED, _NONE, _NONE, e.problem) for e in self.outcome.skipped]
        self._replace([tuple(map(shown, row)) for row in rows], list(rows))

    def _missing(self, table: str) -> tuple[str, str]:
        """Return result and reason of a table that is not in the report."""
        outcome = self.outcome
        if outcome.single_transaction and outcome.complete:
            return UNCHANGED, "All tables or none are restored, and it was not completed."
        # In a single transaction all share the result of the first one.
        first = outcome.single_transaction or outcome.remaining[0] == table
        if first and not outcome.complete:
            return (
                UNKNOWN,
                "The answer was lost. A former table in the list means that it was restored.",
            )
        if first and outcome.error is not None:
            return FAILED, " ".join(
                filter(None, (f"{outcome.error.summary}.", outcome.error.cause))
            )
        return UNCHANGED, "The restore was stopped." if outcome.stopped else "It was not reached."

    def _drawn(self, row: int, column: int, role: int) -> Any:
        if role == PILL_ROLE and column == self._RESULT:
            return _RESULT_TONES[self._values[row][self._RESULT]]
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(self.about(row))
        return super()._drawn(row, column, role)
