"""The dialog that compares a local folder with a prefix, and shows what a synchronization would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Self

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFileDialog, QFormLayout, QWidget

from core.errors import InvalidInput, StorageError
from core.transfer.plan import clean_prefix
from core.transfer.sources import typed_path
from core.transfer.sync import check_deletions
from core.transfer.sync_values import SyncAction, SyncCompare, SyncDirection, SyncPlan
from core.units import format_count, format_counted, format_size
from core.work import Progress
from gui import theme
from gui.context import Context
from gui.dialogs.confirm import Question, TypedName
from gui.tabs.uploads.sync_model import ALL, REFUSED, SyncModel
from gui.widgets.buttons import Button, plain_button, primary_button
from gui.widgets.fields import combo_box, line_edit
from gui.widgets.labels import Elided, text_label
from gui.widgets.panel import row
from gui.widgets.segmented import Segmented
from gui.widgets.table import columns_of, make_table

_SETTING = "uploads/sync"
_UP, _DOWN = SyncDirection.UPLOAD.value, SyncDirection.DOWNLOAD.value
_DIRECTIONS = ((_UP, "Folder to bucket"), (_DOWN, "Bucket to folder"))
_COMPARISONS = {
    SyncCompare.HASH: "By the stored hash",
    SyncCompare.TIME: "By the modification time (faster)",
    SyncCompare.SIZE: "Not at all (only by size)",
}
_FILTERS = {
    ALL: "All",
    SyncAction.ADD.value: "Add",
    SyncAction.REPLACE.value: "Replace",
    SyncAction.DELETE.value: "Delete",
    REFUSED: "Cannot be transferred",
}
_WIDTHS = (84, 92, 260)
_NOT_COMPARED = "Compare both sides first."


@dataclass(frozen=True, slots=True)
class SyncChoice:
    """What is compared: the arguments of the operation `transfer.plan_sync`."""

    folder: str = ""
    prefix: str = ""
    direction: str = _UP
    compare: str = SyncCompare.HASH.value
    delete: bool = False

    @classmethod
    def from_setting(cls, value: object) -> Self:
        """Return the choice of the last synchronization; the default if it cannot be read."""
        try:
            assert isinstance(value, Mapping)
            choice = cls(**value)
            SyncDirection(choice.direction)
            SyncCompare(choice.compare)
        except (AssertionError, TypeError, ValueError):
            return cls()
        return choice


class SyncDialog(Question):
    """Compares both sides, and lists each planned action with its reason before anything changes.

    Signals:
        confirmed: the `SyncPlan`, the `SyncChoice`, and the number of deletions that the user has
            confirmed by typing a name; None if the usual limit applies.
    """

    confirmed = Signal(object, object, object)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(
            parent,
            "Synchronize a folder",
            "The target is made equal to the source, which is never changed. Nothing is transferred "
            "or deleted until you confirm the plan.",
            width=760,
            height=560,
            unchanged="",
        )
        self._context = context
        self._planned = SyncChoice()
        self._comparing = False
        self.model = SyncModel(self)
        self.name = TypedName("")
        self._make_fields(SyncChoice.from_setting(context.settings.get(_SETTING)))
        self._make_plan()
        self._lay_out()
        self._connect()
        self._on_edited()

    @property
    def plan(self) -> SyncPlan | None:
        """The plan for the values in the fields."""
        return self.model.plan

    def _make_fields(self, choice: SyncChoice) -> None:
        self.direction = Segmented(_DIRECTIONS, name="Direction")
        self.direction.select(choice.direction)
        self.folder = line_edit("Local folder", "for example /data/reports")
        self.folder.setText(choice.folder)
        self.browse = plain_button("Browse…", self._on_browse)
        self.prefix = line_edit("Prefix in the bucket", "the root of the bucket")
        self.prefix.setText(choice.prefix)
        for field in (self.folder, self.prefix):
            field.setFont(theme.mono_font())
        self.compare = combo_box("Comparison of files of equal size")
        for each, text in _COMPARISONS.items():
            self.compare.addItem(text, each.value)
        self.compare.setCurrentText(_COMPARISONS[SyncCompare(choice.compare)])
        self.delete = QCheckBox("Delete files of the target that the source does not have")
        self.delete.setChecked(choice.delete)

    def _make_plan(self) -> None:
        self.start = primary_button("Compare", self.start_comparison)
        self.back = plain_button("Back", self._on_back)
        self.back.set_hint("Change what is compared; the plan is dropped")
        self.summary = Elided(_NOT_COMPARED, "muted", mode=Qt.TextElideMode.ElideRight)
        self.warning = text_label("", "warning", wrap=True)
        self.filter = Segmented(tuple(_FILTERS.items()), name="Which actions are shown")
        self.table = make_table(
            self.model, "Planned actions", settings=self._context.settings, key="uploads/sync"
        )
        columns_of(self.table).fill_with_names(*_WIDTHS)
        self.go = primary_button("Synchronize", self._on_go)
        # Red, and not the default: Enter must not delete anything by accident.
        self.go_deleting = Button("Synchronize and delete", kind="loss")
        self.go_deleting.clicked.connect(self._on_go)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(8)
        form.addRow(text_label("Direction"), self.direction)
        form.addRow(text_label("Local folder"), row(self.folder, self.browse))
        form.addRow(text_label("Prefix"), self.prefix)
        form.addRow(text_label("Equal sizes"), self.compare)
        form.addRow(self.delete)
        self._fields = QWidget()
        self._fields.setLayout(form)
        form.setContentsMargins(0, 0, 0, 0)
        self.body.addWidget(self._fields)
        self.body.addWidget(self.summary)
        self.body.addWidget(self.warning)
        self.body.addWidget(self.filter)
        self.add_stretching(self.table, least=120)
        self.body.addWidget(self.name)
        self.body.addStretch(0)
        self.name.hide()
        self.add_buttons(
            self.back,
            plain_button("Cancel", self.reject),
            self.start,
            self.go_deleting,
            self.go,
        )

    def _connect(self) -> None:
        self.direction.selected.connect(self._on_edited)
        self.folder.textChanged.connect(self._on_edited)
        self.prefix.textChanged.connect(self._on_edited)
        self.compare.currentIndexChanged.connect(self._on_edited)
        self.delete.toggled.connect(self._on_edited)
        self.folder.returnPressed.connect(self.start_comparison)
        self.prefix.returnPressed.connect(self.start_comparison)
        self.filter.selected.connect(self.model.show_only)
        self._context.read_only_changed.connect(self._update)

    def choose(self, choice: SyncChoice) -> None:
        """Fill in the fields."""
        self.direction.select(choice.direction)
        self.folder.setText(choice.folder)
        self.prefix.setText(choice.prefix)
        self.compare.setCurrentText(_COMPARISONS[SyncCompare(choice.compare)])
        self.delete.setChecked(choice.delete)

    def start_comparison(self) -> None:
        """Compare both sides in the engine; the former plan is dropped."""
        workspace = self._context.workspace
        try:
            choice = self._choice()
        except InvalidInput as error:
            self._show_problem(error)
            return
        if workspace is None or not choice.folder:
            self.summary.setText("Enter a local folder first.")
            self.folder.setFocus(Qt.FocusReason.OtherFocusReason)
            return
        self._take(None)
        self._comparing, self._planned = True, choice
        self.summary.set_tone("muted")
        self.summary.setText("Comparing…")
        self._context.settings.set(_SETTING, asdict(choice))
        self._context.runner.run_bulk(
            "Compare a folder",
            "transfer.plan_sync",
            asdict(choice),
            connection=workspace.connection,
            owner=self,
            then=self._on_plan,
            failed=self._on_failed,
            progress=self._on_progress,
            latest="uploads/plan-sync",
        )
        self._update()

    def _choice(self) -> SyncChoice:
        """Return the values in the fields.

        Raises:
            InvalidInput: the path or the prefix is not valid.
        """
        return SyncChoice(
            typed_path(self.folder.text()),
            clean_prefix(self.prefix.text()),
            self.direction.current,
            str(self.compare.currentData()),
            self.delete.isChecked(),
        )

    def _on_back(self) -> None:
        self._on_edited()
        self.folder.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_browse(self) -> None:
        dialog = QFileDialog(self, "Folder to synchronize", self.folder.text())
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.folder.setText)
        dialog.open()

    def _on_edited(self, *_value: object) -> None:
        """Drop a plan that no longer belongs to the values in the fields."""
        self._comparing = False
        self._take(None)
        self.summary.set_tone("muted")
        self.summary.setText(_NOT_COMPARED)
        self._update()

    def _on_progress(self, progress: Progress) -> None:
        if self._comparing:
            self.summary.setText(f"Comparing… {format_counted(progress.done, 'file')} so far")

    def _on_plan(self, plan: SyncPlan) -> None:
        if self._comparing:  # else the fields were changed while the sides were compared
            self._comparing = False
            self._take(plan)
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_failed(self, error: StorageError) -> None:
        if self._comparing:
            self._comparing = False
            self._show_problem(error)
            self._update()

    def _show_problem(self, error: StorageError) -> None:
        self.summary.set_tone("danger")
        self.summary.setText(f"{error.summary}. {error.cause} {error.remedy}".strip())

    def _take(self, plan: SyncPlan | None) -> None:
        """Show a plan instead of the fields, since both together do not fit a small screen."""
        self._fields.setVisible(plan is None)
        for part in (self.filter, self.table, self.back):
            part.setVisible(plan is not None)
        self.filter.select(ALL)
        self.model.show(plan)
        for name, text in _FILTERS.items():
            allowed = name == ALL or bool(self.model.count(name))
            self.filter.allow(name, allowed, f"No file matches the filter “{text}”.")
        if plan is not None:
            self.summary.set_tone("plain")
            self.summary.setText(summary_text(plan))
        warning = "" if plan is None else deletions_text(plan)
        self.warning.setText(warning)
        self.warning.setVisible(bool(warning))
        self._replace_name(name_to_type(plan) if plan is not None else "")
        self._update()

    def _replace_name(self, name: str) -> None:
        """Show the field for a name that must be typed; an empty one hides it."""
        former = self.name
        self.name = TypedName(name)
        self.body.replaceWidget(former, self.name)
        former.hide()
        former.deleteLater()
        self.name.setVisible(bool(name))
        self.name.changed.connect(self._update)

    def _update(self, *_changed: object) -> None:
        """Enable the button for the plan, or show why it cannot be carried out."""
        plan = self.plan
        deletions = plan.count(SyncAction.DELETE) if plan else 0
        button = self.go_deleting if deletions else self.go
        self.start.setVisible(plan is None)
        self.go.setVisible(plan is not None and not deletions)
        self.go_deleting.setVisible(bool(deletions))
        # Enter compares or synchronizes, and never deletes by accident.
        self.start.setDefault(plan is None)
        self.go.setDefault(plan is not None and not deletions)
        if deletions:
            button.setText(f"Synchronize and delete {format_counted(deletions, 'file')}")
            button.setAccessibleName(button.text())
        reason = self._reason_not_to_start()
        button.allow(not reason, reason)
        self.start.allow(not self._comparing, "Both sides are being compared.")

    def _reason_not_to_start(self) -> str:
        plan = self.plan
        if plan is None:
            return "Both sides are being compared." if self._comparing else _NOT_COMPARED
        if not plan.items:
            return "There is nothing to synchronize."
        locked = self._context.locked_reason
        if locked and plan.direction is SyncDirection.UPLOAD:
            return locked
        needs_name = bool(name_to_type(plan))
        return "Type the name first." if needs_name and not self.name.matches else ""

    def _on_go(self) -> None:
        plan = self.plan
        if plan is None or self._reason_not_to_start():
            return
        # The name confirms exactly the deletions of this plan, and no later ones.
        limit = plan.count(SyncAction.DELETE) if name_to_type(plan) else None
        self.confirmed.emit(plan, self._planned, limit)
        self.accept()


def summary_text(plan: SyncPlan) -> str:
    """Return the numbers of a plan as one line."""
    if not plan.items and not plan.refused:
        return f"Both sides are equal: {format_counted(plan.unchanged, 'file')}."
    text = (
        f"{format_count(plan.count(SyncAction.ADD))} to add, "
        f"{format_count(plan.count(SyncAction.REPLACE))} to replace, "
        f"{format_count(plan.count(SyncAction.DELETE))} to delete, "
        f"{format_count(plan.unchanged)} unchanged; {format_size(plan.size)} to transfer."
    )
    if not plan.refused:
        return text
    return f"{text} {format_counted(len(plan.refused), 'file')} cannot be transferred."


def name_to_type(plan: SyncPlan) -> str:
    """Return the name that confirms deletions that are permanent or unusually many, or empty."""
    if not plan.count(SyncAction.DELETE):
        return ""
    recoverable = plan.recoverable and plan.direction is SyncDirection.UPLOAD
    if recoverable and not _limit_text(plan):
        return ""
    target = plan.folder if plan.direction is SyncDirection.DOWNLOAD else plan.prefix
    parts = [part for part in target.replace("\\", "/").split("/") if part]
    return parts[-1] if parts else plan.bucket


def deletions_text(plan: SyncPlan) -> str:
    """Return what happens to deleted files, and why their number is unusual; empty for none."""
    if not plan.count(SyncAction.DELETE):
        return ""
    if plan.direction is SyncDirection.DOWNLOAD:
        effect = "Local files are deleted permanently."
    elif plan.recoverable:
        effect = "Deleted objects can be restored from the trash, since the bucket has versioning."
    elif plan.recoverable is None:
        effect = "It is unknown whether the bucket has versioning: deletions may be permanent."
    else:
        effect = "Objects are deleted permanently, since the bucket has no versioning."
    limit = _limit_text(plan)
    return f"{limit} {effect}" if limit else effect


def _limit_text(plan: SyncPlan) -> str:
    """Return why the number of deletions looks like a mistake, or an empty text."""
    try:
        check_deletions(plan.count(SyncAction.DELETE), plan.source_files, plan.target_files)
    except InvalidInput as error:
        return f"{error.summary}. {error.cause}"
    return ""
