"""The dialog that previews the restore of several tables together, and starts it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QPlainTextEdit, QWidget

from core.errors import StorageError
from core.hints import Hint
from core.model.restore import RestorePreview, RestoreReport
from core.model.table_restores import TablesPlan, TablesPreview
from core.units import format_counted, format_size
from core.work import Progress
from gui import theme
from gui.tabs.backups.restore_panel import progress_text
from gui.tabs.backups.single_transaction import SingleTransaction
from gui.tabs.backups.sources import distinct_name
from gui.tabs.backups.together_models import TogetherModel
from gui.tabs.backups.together_requests import TogetherChoices, TogetherRequest
from gui.widgets.banner import Banner
from gui.widgets.buttons import danger_button, plain_button
from gui.widgets.columns import SettingsStore
from gui.widgets.dialog import Dialog
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import allow_field, combo_box, line_edit
from gui.widgets.labels import shown, text_label, tooltip
from gui.widgets.panel import row
from gui.widgets.table import choose_row, columns_of, make_table

_TEXT = (
    "Each table is replaced by its backup, those to which others refer first. The present tables stay "
    "under other names until you drop them, so that each restore can be undone."
)
STOPPED = "The comparison was stopped."
_STALE = "Preview the tables first."
_BUSY = "Wait for the end of the task, or stop it."
_LINES = 4
_SOURCES = ("of this database", "of any database")
_ANY = 1


class TogetherDialog(Dialog):
    """The chosen backup of each table and what it would change; its owner compares and restores.

    Args:
        parent: the view that opens the dialog.
        choices: what can be restored, and into which database.
        settings: where the widths of columns are stored.
        locked: why nothing can be restored; empty if it can.

    Signals:
        plan_wanted: a `TogetherRequest` for which backups are to be chosen.
        compare_wanted: the same request, and the `TablesPlan` whose backups are to be compared.
        stop_wanted: the running comparison or restore is to be stopped.
        restore_wanted: the request and the `TablesPreview` that is shown.
    """

    plan_wanted = Signal(object)
    compare_wanted = Signal(object, object)
    stop_wanted = Signal()
    restore_wanted = Signal(object, object)

    def __init__(
        self,
        parent: QWidget | None,
        choices: TogetherChoices,
        settings: SettingsStore | None = None,
        locked: str = "",
    ) -> None:
        super().__init__(parent, "Restore tables together", _TEXT, width=860, height=560)
        self._choices, self._locked = choices, locked
        self._busy = self._stopping = False
        self._plan: TablesPlan | None = None
        self._preview: TablesPreview | None = None
        self._sources: list[str] = []
        self.banner = Banner(self)
        self.model = TogetherModel(self)
        self.table = make_table(
            self.model, "Tables to restore", settings=settings, key="backups/together",
            sortable=False,
        )  # fmt: skip
        self._empty = EmptyState("No backups", "The tables have no backups that can be used.")
        self.view = Loadable(self.table, self._empty)
        self.details = _details()
        self.summary = text_label("", wrap=True)
        self._make_fields()
        if choices.former is not None:
            self._show_former(choices.former)
        self._lay_out()
        self._connect()
        self._update()

    def _make_fields(self) -> None:
        self.scope = _combo("Tables", [title for title, _tables in self._choices.scopes])
        databases = self._choices.databases
        titles = [distinct_name(source, databases) for source in databases]
        self.target = box = _combo("Database to restore into", titles)
        addresses = [source.address for source in databases]
        if self._choices.database in addresses:
            box.setCurrentIndex(addresses.index(self._choices.database))
        self.source = _combo("Databases whose backups are used", _SOURCES)
        self.moment = line_edit("Latest time of a backup", "the newest, or 2024-01-15 10:00 (UTC)")
        self.triggers = QCheckBox("Also create the backups' triggers")
        self.triggers.setAccessibleDescription("Triggers are code that runs when rows change.")
        self.grants = QCheckBox("Restore owners and grants")
        self.grants.setAccessibleDescription("They decide who can read and change the tables.")
        self.single = SingleTransaction()
        self.preview = plain_button("Preview", self._on_preview)
        self.restore = danger_button("Restore…", self._on_restore)
        self.close_button = plain_button("Close", self.reject)

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        for place, (title, field) in enumerate((
            ("Tables", self.scope), ("Into", self.target),
            ("Backups", self.source), ("Up to", self.moment),
        )):  # fmt: skip
            grid.addWidget(text_label(title, "muted"), place // 2, 2 * (place % 2))
            grid.addWidget(field, place // 2, 2 * (place % 2) + 1)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        self.body.addLayout(grid)
        self.add_stretching(self.view, least=3 * theme.ROW + 32)
        self.body.addWidget(self.details)
        self._checks = row(self.single, self.triggers, self.grants, spacing=16, stretch=True)
        self.body.addWidget(self._checks)
        self.body.addWidget(self.summary)
        self.add_buttons(self.close_button, self.restore, left=(self.preview,))

    def _connect(self) -> None:
        for box in (self.scope, self.target, self.source):
            box.currentIndexChanged.connect(self.plan)
        self.moment.textEdited.connect(self._on_moment)
        self.moment.returnPressed.connect(self.plan)
        self.table.selectionModel().currentChanged.connect(self._show_details)

    @property
    def request(self) -> TogetherRequest:
        """What the fields request."""
        place = self.source.currentIndex()
        return TogetherRequest(
            self._choices.databases[self.target.currentIndex()].address,
            self._choices.scopes[self.scope.currentIndex()][1],
            self.moment.text().strip(),
            place == _ANY,
            self._sources[place - len(_SOURCES)] if place >= len(_SOURCES) else "",
        )

    @property
    def with_triggers(self) -> bool:
        """Whether the triggers of the backups are to be created."""
        return self.triggers.isChecked() and not self.triggers.isHidden()

    @property
    def with_grants(self) -> bool:
        """Whether the tables get the owners and the grants of their backups."""
        return self.grants.isChecked() and not self.grants.isHidden()

    @property
    def single_transaction(self) -> bool:
        """Whether all tables or none are to be restored."""
        return self.single.isChecked() and not self.single.isHidden()

    def plan(self) -> None:
        """Request the choice of the backups."""
        self._forget()
        self.banner.hide()
        self.view.show_loading()
        self._set_busy(text="The backups are listed…")
        self.plan_wanted.emit(self.request)

    def show_plan(self, request: TogetherRequest, plan: TablesPlan, *, wait: bool) -> None:
        """Show the chosen backups; an answer to an earlier request is ignored.

        Args:
            request: the request that is answered.
            plan: the chosen backups.
            wait: whether they are large, and only compared on demand.
        """
        if request != self.request:
            return
        self._plan = plan
        self.model.show(plan.backups, plan.skipped)
        self.view.show_view()
        choose_row(self.table, 0)
        if self._stopping:  # the choice had just ended
            self.show_stopped(STOPPED)
        elif wait:
            self._set_idle(
                f"The comparison downloads {format_size(plan.size)}, and changes nothing."
            )
        else:
            self.compare()

    def compare(self) -> None:
        """Request the comparison of the chosen backups with the present tables."""
        if self._plan is None:
            return
        self._preview = None
        self.banner.hide()
        self._set_busy(text="The backups are compared with the present tables…")
        self.compare_wanted.emit(self.request, self._plan)

    def show_table(self, found: RestorePreview | RestoreReport) -> None:
        """Show that a table was compared, or restored."""
        if isinstance(found, RestorePreview):
            self.model.put(found)
        else:
            self.model.set_state(found.backup, "restored", "good")
        self._show_details()

    def show_preview(self, request: TogetherRequest, preview: TablesPreview) -> None:
        """Show the complete comparison; an answer to an earlier request is ignored."""
        if request != self.request:
            return
        self._preview = preview
        for table in preview.tables:
            self.model.put(table)
        self.model.skip(preview.skipped)
        columns_of(self.table).fit_content()  # states and changes are longer than before
        triggers = [each.name for table in preview.tables for each in table.triggers]
        self.triggers.setToolTip(tooltip(", ".join(triggers)))
        self.triggers.setVisible(bool(triggers))
        self.single.offer(possible=self._plan is not None and self._plan.one_transaction)
        self.single.setVisible(bool(preview.tables))
        self.grants.setVisible(any(t.schema.owner or t.schema.grants for t in preview.tables))
        self._set_idle(_summary(preview))
        self._show_details()

    def show_progress(self, progress: Progress) -> None:
        """Show the progress of the comparison or restore."""
        if self._busy:
            self.summary.setText(progress_text(progress))

    def show_restoring(self) -> None:
        """Show that the tables are being restored."""
        for preview in self.model.previews.values():
            self.model.set_state(preview.backup, "waiting", "neutral")
        self._set_busy(text="The tables are restored…")

    def show_error(self, error: StorageError) -> None:
        """Show why the backups could not be chosen, compared or restored.

        If there are backups of several other databases, each of them is offered from then on.
        """
        if Hint.SOURCE in error.hints:
            self._offer_sources(error.hint_value.splitlines())
        if self.model.rowCount():
            self.view.show_view()
        else:
            self.view.show_empty()
        self._set_idle("")
        self.banner.show_error(error)

    def show_stopped(self, text: str) -> None:
        """Show that the comparison or restore was stopped."""
        self._set_idle(text)

    def _offer_sources(self, found: Sequence[str]) -> None:
        new = [each for each in found if each not in self._sources]
        self._sources += new
        self.source.addItems([shown(f"of {each}") for each in new])

    def _show_former(self, former: TogetherRequest) -> None:
        """Show the choice of backups of a restore that did not restore all tables."""
        self.moment.setText(former.at)
        if former.source:
            self._offer_sources((former.source,))
            self.source.setCurrentIndex(len(_SOURCES))
        elif former.any_source:
            self.source.setCurrentIndex(_ANY)

    def _forget(self) -> None:
        self._plan = self._preview = None
        self.model.show((), ())
        self.details.clear()

    def _on_moment(self) -> None:
        self._forget()
        self.view.show_empty()
        self._set_idle("The time was changed. Preview it to see which backups are used.")

    def _on_preview(self) -> None:
        if self._busy:
            self._stopping = True
            self.stop_wanted.emit()
        elif self._plan is not None and self._preview is None:
            self.compare()
        else:
            self.plan()

    def _on_restore(self) -> None:
        if self._preview is not None:
            self.restore_wanted.emit(self.request, self._preview)

    def _set_busy(self, *, text: str) -> None:
        self._busy, self._stopping = True, False
        self.summary.setText(text)
        self._update()

    def _set_idle(self, text: str) -> None:
        self._busy = False
        self.summary.setText(text)
        self._update()

    def _update(self) -> None:
        preview, busy = self._preview, self._busy
        compare = self._plan is not None and preview is None
        self.preview.setText("Stop" if busy else "Compare" if compare else "Preview")
        self.preview.setAccessibleName(self.preview.text())
        for field in (self.scope, self.target, self.source, self.moment):
            allow_field(field, not busy, _BUSY)
        for check in (self.single, self.triggers, self.grants):
            check.setVisible(preview is not None and not check.isHidden())
        count = len(preview.tables) if preview is not None else 0
        tables = format_counted(count, "table")
        self.restore.setText(f"Restore {tables}…" if count else "Restore…")
        self.restore.setAccessibleName(self.restore.text().rstrip("…"))
        why = self._locked or (_BUSY if busy else "") or ("" if count else _STALE)
        why = why or _why_blocked(preview)
        self.restore.allow(not why, why)

    def _show_details(self, *_changed: object) -> None:
        """Show the notes on all tables, then what is known about the selected one."""
        index = self.table.currentIndex()
        lines = list(self._plan.notes) if self._plan is not None else []
        if index.isValid() and index.row() < self.model.rowCount():
            lines.insert(0, self.model.about(index.row()))
        text = "\n".join(shown(line, lines=True) for line in lines)
        if text != self.details.toPlainText():
            self.details.setPlainText(text)


def _why_blocked(preview: TablesPreview | None) -> str:
    """Return what prevents the restore of a table, which would end that of the others half-way."""
    blocked = (
        f"{found.table} cannot be replaced: {each}"
        for found in (preview.tables if preview is not None else ())
        for each in found.dependants
        if found.exists and each.blocks
    )
    return next(blocked, "")


def _combo(name: str, entries: Sequence[str]) -> QComboBox:
    box = combo_box(name)
    box.addItems([shown(each) for each in entries])
    # A long name of a table must not widen the dialog.
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(16)
    return box


def _details() -> QPlainTextEdit:
    view = QPlainTextEdit()
    view.setReadOnly(True)
    view.setTabChangesFocus(True)  # otherwise Tab would stay in the text
    view.setAccessibleName("About the selected table")
    view.setFixedHeight(_LINES * view.fontMetrics().lineSpacing() + 20)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return view


def _summary(preview: TablesPreview) -> str:
    found = [table.difference for table in preview.tables]
    added, changed, removed = (
        format_counted(sum(counts), "row")
        for counts in (
            [each.added for each in found],
            [each.changed for each in found],
            [each.removed for each in found],
        )
    )
    text = f"{added} to add, {changed} to change, {removed} to remove."
    if preview.skipped:
        text = f"{text} Not restored: {', '.join(each.table for each in preview.skipped)}."
    return text
