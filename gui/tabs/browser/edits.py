"""Changes properties of several objects and folders: plan, result with exact failures, undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import QObject, QTimer

from core.errors import StorageError
from core.objects.bucket import Bucket
from core.objects.property_edits import PropertyEdit
from core.objects.trash import RestoreReport
from core.objects.versioning import versioning
from core.transfer.edited import EditedObject, EditReport
from core.units import format_count, format_counted
from core.work import Work
from gui import actions
from gui.tabs.base import Tab
from gui.tabs.browser.deletion import restore_failure
from gui.tabs.browser.edits_dialog import EditDialog, HeaderField, header_fields
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import Listing
from gui.tabs.browser.loading import Plan, plan_of
from gui.tabs.browser.undo_steps import NOT_KNOWN, Failed, UndoStep, UndoSteps
from gui.widgets.dialog import while_exists

#: A report, and what can be undone of it.
Found = tuple[EditReport, tuple[EditedObject, ...]]


class PropertyEdits(QObject):
    """Opens the dialog for a selection, runs the change in the engine process, and undoes it."""

    def __init__(self, tab: Tab, listing: Listing, steps: UndoSteps) -> None:
        super().__init__(tab)
        self._tab, self._listing, self._steps = tab, listing, steps
        self.dialog: EditDialog | None = None

    def open(self, entries: Sequence[Entry]) -> None:
        """Open the dialog, and list the objects of the selection at the same time."""
        bucket = self._listing.bucket
        if bucket is None or not entries:
            return
        self._tab.banner.clear()
        self.dialog = None
        # Selecting rows, creating the dialog in two steps and showing it together take too long for
        # one turn of the event loop.
        _soon(self, partial(self._create_fields, bucket, entries))

    def _create_fields(self, bucket: Bucket, entries: Sequence[Entry]) -> None:
        _soon(self, partial(self._plan, bucket, entries, header_fields()))

    def _plan(
        self, bucket: Bucket, entries: Sequence[Entry], headers: Sequence[HeaderField]
    ) -> None:
        def find_out(work: Work) -> tuple[Plan, bool | None]:
            # Here, since creating 200,000 rows would block the window for a second.
            rows = [entry.row for entry in entries if entry.row]
            folders = [entry.key for entry in entries if entry.folder]
            return plan_of(bucket, rows, folders, work), versioning(bucket, work=work)

        dialog = EditDialog(self._tab, locked=self._tab.context.locked_reason, headers=headers)
        dialog.confirmed.connect(lambda plan, edit: self._start(plan.keys, edit))
        self.dialog = dialog
        self._tab.run(
            "Plan a change of properties", find_out,
            while_exists(dialog, lambda found: dialog.show_plan(found[0], versioned=found[1])),
            failed=while_exists(dialog, dialog.show_problem),
            latest="browser/edit", quiet=True,
        )  # fmt: skip
        _soon(dialog, dialog.open)

    def _start(self, keys: Sequence[str], edit: PropertyEdit) -> None:
        bucket = self._listing.bucket
        if bucket is None:
            return
        name = f"Change properties of {format_counted(len(keys), 'object')}"
        self._tab.bulk(
            name, "objects.edit_properties", {"keys": list(keys), "edit": edit},
            partial(self._on_done, edit), stopped=partial(self._on_stopped, edit),
            prepare=lambda report: (report, report.undoable),
            source=f"s3://{bucket.name}/{self._listing.prefix}", here=True,
        )  # fmt: skip
        self._tab.banner.show_info(f"{name}…")

    def _on_stopped(self, edit: PropertyEdit, found: Found | None) -> None:
        """Show what was changed before a cancel, and let it be undone."""
        if found is None:  # the engine process had to be ended
            self._tab.banner.show_warning("The change of properties was cancelled.", NOT_KNOWN)
        else:
            self._on_done(edit, found)

    def _on_done(self, edit: PropertyEdit, found: Found) -> None:
        report, undoable = found
        self._tab.note_failures(report.failed)
        self._steps.push(UndoStep(len(undoable), partial(self._undo, undoable)))
        text = result_text(report)
        undo = (actions.tip("browser.undo", "Undo"), self._steps.undo) if undoable else None
        if report.cancelled:
            self._tab.banner.show_warning(text, cancel_text(report), action=undo)
        elif report.failed:
            failed = [each.key for each in report.failed]
            self._tab.show_error(edit_failure(report, text), partial(self._start, failed, edit))
        else:
            self._tab.banner.show_good(text, action=undo)

    def _undo(self, edited: Sequence[EditedObject], failed: Failed) -> None:
        self._tab.bulk(
            f"Undo the change of {format_counted(len(edited), 'object')}", "objects.undo_edits",
            {"edited": list(edited)}, self._on_undone, failed=failed,
            stopped=partial(self._on_undo_stopped, edited), here=True,
        )  # fmt: skip

    def _on_undo_stopped(
        self, edited: Sequence[EditedObject], report: RestoreReport | None
    ) -> None:
        """Let the rest of an undo that was cancelled be undone by another one."""
        ended = set()
        if report is not None:
            failed = (each.key for each in report.failed)
            ended = {*report.restored, *report.present, *failed}
        rest = tuple(each for each in edited if each.key not in ended)
        self._steps.push(UndoStep(len(rest), partial(self._undo, rest)))
        text = NOT_KNOWN if report is None else f"{format_count(len(ended))} were restored before."
        self._tab.banner.show_warning(
            f"The undo was cancelled; {format_counted(len(rest), 'object')} left.", text,
            action=(actions.tip("browser.undo", "Undo"), self._steps.undo),
        )  # fmt: skip

    def _on_undone(self, report: RestoreReport) -> None:
        if report.failed:
            self._tab.show_error(restore_failure(report))
            return
        objects = format_counted(len(report.restored), "object")
        text = f"Properties of {objects} restored."
        if report.present:
            present = format_counted(len(report.present), "object")
            text = f"{text} {present} had not been changed."
        self._tab.banner.show_good(text)


def _soon(owner: QObject, call: Callable[[], object]) -> None:
    # Not 0, which Qt posts as an event: it would come before the input and the painting.
    QTimer.singleShot(1, owner, call)


def result_text(report: EditReport) -> str:
    """Return how many objects were changed, already had the properties, or failed."""
    planned = format_counted(report.planned, "object")
    sentences = [f"{format_count(len(report.changed))} of {planned} changed and read back."]
    if report.unchanged:
        sentences.append(f"{format_count(len(report.unchanged))} already had these properties.")
    if report.failed:
        sentences.append(f"{format_count(len(report.failed))} failed.")
    if report.cancelled:
        sentences.append(f"{format_count(len(report.cancelled))} cancelled.")
    if unanswered := report.unanswered_text():
        sentences.append(f"{unanswered}.")
    return " ".join(sentences)


def cancel_text(report: EditReport) -> str:
    """Return how a change that was cancelled can be completed, and the first failure."""
    text = (
        "The same change again completes it: objects that already have the properties are only "
        "read."
    )
    if not report.failed:
        return text
    first = report.failed[0]
    return f"First failure {first.key}: {first.reason}. {text}"


def edit_failure(report: EditReport, text: str) -> StorageError:
    """Return one error that lists every object that was not changed, with its reason."""
    first = report.failed[0]
    partly = {each.key for each in report.partly}
    lines = [
        f"{each.key}: {each.reason}{' (changed in part)' if each.key in partly else ''}"
        for each in report.failed
    ]
    return StorageError(
        text.rstrip("."),
        cause=f"First {first.key}: {first.reason}.",
        remedy=first.remedy,
        action=first.action,
        details="\n".join(lines),
        kind=first.kind,
    )
