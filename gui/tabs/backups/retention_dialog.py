"""The dialog that previews a retention rule, and removes old backups by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QItemSelection, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSpinBox, QWidget

from core.errors import StorageError
from core.model.backup import Backup, BackupState
from core.model.retention import RetentionDecision, RetentionRule, note_same_server
from core.units import format_counted, format_moment, format_size
from gui.models.columns import CellText
from gui.models.roles import PILL_ROLE
from gui.tabs.backups.rows_model import Rows
from gui.widgets.banner import Banner
from gui.widgets.buttons import Button, danger_button, plain_button
from gui.widgets.columns import SettingsStore
from gui.widgets.dialog import Dialog
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import combo_box, inset
from gui.widgets.labels import shown, text_label, tooltip
from gui.widgets.table import choose_row, make_table

_TEXT = (
    "The newest backup of each of the last days, weeks, months and years that have backups stays "
    "(UTC), separately for each table of each database. The newest backup, the last proven one, "
    "pinned ones, those of the old form and damaged ones are never removed."
)
_DEFAULT = RetentionRule(daily=7, weekly=4, monthly=12)
_PERIODS = (("days", "daily"), ("weeks", "weekly"), ("months", "monthly"), ("years", "yearly"))
_MOST = 999
_ANY_WIDTH = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
_STALE = "Preview the rule first."
_NONE_SELECTED = "Select a backup first."


@dataclass(frozen=True, slots=True)
class RetentionScope:
    """The backups to which a rule applies: those of a table, of a database, or all.

    Attributes:
        title: its name in the list of scopes.
        table: the name of the table; empty for all.
        database: the text of the backups' origin; empty for all.
    """

    title: str
    table: str = ""
    database: str = ""

    @property
    def key(self) -> str:
        """The key of its rule in the settings."""
        return f"{self.table}\n{self.database}"


class DecisionsModel(Rows):
    """The decision about each backup; those to be removed first."""

    heads = ("Decision", "Taken", "Table", "Size", "Why")
    moments = frozenset((1,))
    numbers = frozenset((3,))
    mono = frozenset((2,))

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.decisions: tuple[RetentionDecision, ...] = ()

    def show(self, decisions: Sequence[RetentionDecision]) -> None:
        """Show the decisions of a plan."""
        self.decisions = tuple(sorted(decisions, key=lambda each: each.retained))
        texts: list[tuple[CellText, ...]] = []
        values: list[tuple[Any, ...]] = []
        for each in self.decisions:
            backup, verb = each.backup, "stays" if each.retained else "is removed"
            taken = partial(format_moment, backup.taken, zone=False)
            why = shown(" ".join(each.reasons))
            texts.append((verb, taken, shown(backup.table), format_size(backup.size), why))
            values.append((backup.key, backup.taken.timestamp(), backup.table, backup.size, why))
        self._replace(texts, values)

    def _drawn(self, row: int, column: int, role: int) -> Any:
        decision = self.decisions[row]
        if role == PILL_ROLE and column == 0:
            return "good" if decision.retained else "danger"
        if role == Qt.ItemDataRole.ToolTipRole:
            parts = (decision.backup.source, decision.backup.id, *decision.reasons)
            return tooltip("\n".join(part for part in parts if part))
        return super()._drawn(row, column, role)


class RetentionDialog(Dialog):
    """The fields of a rule and its preview; its owner plans and removes.

    Args:
        parent: the view that opens the dialog.
        scopes: the backups to which a rule can apply, the preferred first.
        settings: where the rules are stored.
        locked: why nothing can be changed; empty if it can.

    Signals:
        plan_wanted: a `RetentionScope` and a `RetentionRule` to preview.
        remove_wanted: scope, rule and the `Backup`s that the preview shows as removed.
        pin_wanted: a `Backup` to pin, or to unpin if it is pinned.
    """

    plan_wanted = Signal(object, object)
    remove_wanted = Signal(object, object, object)
    pin_wanted = Signal(object)

    def __init__(
        self,
        parent: QWidget | None,
        scopes: Sequence[RetentionScope],
        settings: SettingsStore | None = None,
        locked: str = "",
    ) -> None:
        super().__init__(parent, "Remove old backups", _TEXT, width=800, height=520)
        self._scopes, self._settings, self._locked = tuple(scopes), settings, locked
        self._planned: tuple[RetentionScope, RetentionRule] | None = None
        self.banner = Banner(self)
        self.scope = combo_box("Backups to which the rule applies")
        for each in scopes:
            self.scope.addItem(shown(each.title))
        # A long name of a table must not widen the dialog.
        self.scope.setSizeAdjustPolicy(_ANY_WIDTH)
        self.scope.setMinimumContentsLength(16)
        self.fields = {name: _number(unit) for unit, name in _PERIODS}
        self.preview = plain_button("Preview", self.plan)
        self.model = DecisionsModel(self)
        self.table = make_table(
            self.model, "Decisions", settings=settings, key="backups/retention", sortable=False
        )
        self.table.setTextElideMode(Qt.TextElideMode.ElideRight)  # sentences, not names
        self._empty = EmptyState("No backups", "There is nothing that the rule could remove.")
        self.view = Loadable(self.table, self._empty)
        self.summary = text_label("", wrap=True)
        self.pin = plain_button("Pin…", self._on_pin)
        self.remove = danger_button("Remove…", self._on_remove)
        self._lay_out()
        self._connect()
        self._show_rule()
        self._update()

    def _lay_out(self) -> None:
        self.body.addWidget(self.scope)
        line = QHBoxLayout()
        line.setSpacing(8)
        for unit, name in _PERIODS:
            line.addWidget(self.fields[name])
            line.addWidget(text_label(unit, "muted"))
        line.addStretch(1)
        line.addWidget(self.preview)
        self.body.addLayout(line)
        self.add_stretching(self.view)
        self.body.addWidget(self.summary)
        close = Button("Close")
        close.clicked.connect(self.reject)
        self.add_buttons(close, self.remove, left=(self.pin,))

    def _connect(self) -> None:
        self.scope.currentIndexChanged.connect(self._on_scope)
        for field in self.fields.values():
            field.valueChanged.connect(self._on_number)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)

    @property
    def rule(self) -> RetentionRule:
        """The rule from the fields."""
        return RetentionRule(**{name: field.value() for name, field in self.fields.items()})

    @property
    def current(self) -> Backup | None:
        """The selected backup."""
        chosen = self.table.selectionModel().selectedRows()
        return self.model.decisions[chosen[0].row()].backup if chosen else None

    @property
    def removed(self) -> tuple[Backup, ...]:
        """The backups that the previewed rule removes."""
        return tuple(each.backup for each in self.model.decisions if not each.retained)

    def plan(self) -> None:
        """Request the preview of the rule, which is stored for the next time."""
        scope, rule = self._scopes[self.scope.currentIndex()], self.rule
        if self._settings is not None:
            known = self._settings.get(_RULES)
            rules = dict(known) if isinstance(known, dict) else {}
            numbers = [rule.daily, rule.weekly, rule.monthly, rule.yearly]
            self._settings.set(_RULES, {**rules, scope.key: numbers})
        self._planned = None
        self.summary.setText("The backups are listed…")
        self.view.show_loading()
        self._update()
        self.plan_wanted.emit(scope, rule)

    def show_plan(
        self, scope: RetentionScope, rule: RetentionRule, decisions: Sequence[RetentionDecision]
    ) -> None:
        """Show what a rule would do; an answer to an earlier rule is ignored."""
        if (scope, rule) != (self._scopes[self.scope.currentIndex()], self.rule):
            return
        former = self.current
        self._planned = (scope, rule)
        self.model.show(decisions)
        if decisions:
            self.view.show_view()
            keys = [each.backup.key for each in self.model.decisions]
            place = keys.index(former.key) if former is not None and former.key in keys else 0
            choose_row(self.table, place)
        else:
            self.view.show_empty()
        self.summary.setText(
            "\n".join(filter(None, (_summary(decisions), note_same_server(decisions))))
        )
        self._update()

    def show_error(self, error: StorageError) -> None:
        """Show why the backups cannot be listed or removed."""
        self.summary.setText("")
        self.view.show_view()
        self.banner.show_error(error)
        self._update()

    def _show_rule(self) -> None:
        """Show the rule that was last used for the scope."""
        known = self._settings.get(_RULES) if self._settings is not None else None
        stored = (
            known.get(self._scopes[self.scope.currentIndex()].key)
            if isinstance(known, dict)
            else None
        )
        rule = _rule(stored)
        for name, field in self.fields.items():
            with QSignalBlocker(field):
                field.setValue(getattr(rule, name))

    def _on_scope(self) -> None:
        self._show_rule()
        self.plan()

    def _on_number(self) -> None:
        self._planned = None
        self.summary.setText("The rule was changed. Preview it to see what it removes.")
        self._update()

    def _on_selection(self, _now: QItemSelection, _before: QItemSelection) -> None:
        self._update()

    def _update(self) -> None:
        empty = not any(field.value() for field in self.fields.values())
        self.preview.allow(not empty, "The rule retains no backup: set at least one number.")
        self.preview.set_hint("Lists what stays and what is removed; nothing is changed.")
        backup = self.current
        pinned = backup is not None and backup.pinned
        self.pin.setText("Unpin" if pinned else "Pin…")
        self.pin.setAccessibleName("Unpin" if pinned else "Pin")
        why = _NONE_SELECTED if backup is None else self._locked
        if backup is not None and backup.state is BackupState.OLD_FORM:
            why = "A backup of the old form is never removed by a rule."
        self.pin.allow(not why, why)
        count = len(self.removed) if self._planned else 0
        self.remove.setText(f"Remove {format_counted(count, 'backup')}…" if count else "Remove…")
        self.remove.setAccessibleName(self.remove.text().rstrip("…"))
        why = self._locked or (_STALE if self._planned is None else "")
        why = why or ("" if count else "The rule removes no backup.")
        self.remove.allow(not why, why)

    def _on_pin(self) -> None:
        if self.current is not None:
            self.pin_wanted.emit(self.current)

    def _on_remove(self) -> None:
        if self._planned is not None:
            self.remove_wanted.emit(*self._planned, self.removed)


_RULES = "backups/retention rules"


def _number(unit: str) -> QSpinBox:
    field = inset(QSpinBox())
    field.setRange(0, _MOST)
    field.setAccessibleName(f"Number of {unit}")
    return field


def _rule(stored: object) -> RetentionRule:
    """Return a stored rule; the default if it cannot be read."""
    if isinstance(stored, list) and len(stored) == len(_PERIODS):
        numbers = [each for each in stored if isinstance(each, int) and 0 <= each <= _MOST]
        if len(numbers) == len(_PERIODS):
            return RetentionRule(*numbers)
    return _DEFAULT


def _summary(decisions: Sequence[RetentionDecision]) -> str:
    leaving = [each.backup for each in decisions if not each.retained]
    staying = len(decisions) - len(leaving)
    size = format_size(sum(each.size for each in leaving))
    if not leaving:
        return f"Backups that stay: {staying}. The rule removes none."
    return f"Backups that stay: {staying}. Backups that are removed: {len(leaving)}, {size}."
