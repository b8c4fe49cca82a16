"""Deletes objects: into the trash, which Ctrl+Z undoes, or permanently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject

from core.errors import StorageError
from core.objects.bucket import Bucket
from core.objects.deleting import DeleteReport, delete_many
from core.objects.trash import RestoreReport
from core.objects.undo_delete import LostDeletion, Undoable, undo_delete
from core.objects.versioning import versioning
from core.units import format_count, format_counted, format_size
from core.work import Work
from gui import actions
from gui.dialogs.confirm import Confirm, ask
from gui.tabs.base import Tab
from gui.tabs.browser.deletion import (
    DELETE,
    DELETE_PERMANENTLY,
    DELETED,
    IN_TRASH,
    Deletion,
    cancelled_text,
    delete_failure,
    is_one_folder,
    name_of,
    restore_failure,
    restored_text,
    why_lost,
)
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import Listing, parent_of
from gui.tabs.browser.loading import Plan, plan_of
from gui.tabs.browser.undo_steps import NOT_KNOWN, Failed, UndoStep, UndoSteps

#: Keys of one request; more of them are deleted by the engine.
_IN_THE_WINDOW = 1_000
#: The number of objects to inspect, each with a request, from which on the engine restores them.
_INSPECTED_IN_THE_WINDOW = 100
#: A key and the version ids of the delete markers that hide it.
Hidden = tuple[str, tuple[str, ...]]


class Removal(QObject):
    """Plans deletes, confirms permanent ones, runs and undoes them."""

    def __init__(
        self,
        tab: Tab,
        folder: FolderPane,
        listing: Listing,
        restored: Callable[[Sequence[str]], object],
    ) -> None:
        super().__init__(tab)
        self._tab, self._folder, self._listing = tab, folder, listing
        self._show_restored = restored
        self._bucket: Bucket | None = None
        #: The changes of this tab that can be undone.
        self.steps = UndoSteps(tab)
        self.question: Confirm | None = None

    def set_bucket(self, bucket: Bucket | None) -> None:
        """Use another bucket from now on; deletes from the former one can no longer be undone here."""
        self._bucket = bucket
        self.steps.clear()

    def ask(self, entries: Sequence[Entry]) -> None:
        """Find the selected objects and whether they could be restored, then confirm if necessary."""
        bucket = self._bucket
        if bucket is None or not entries or self._tab.context.read_only:
            return  # the shortcut or the menu has already shown the reason
        self._tab.banner.clear()  # its message is not about this delete

        def find_out(work: Work) -> tuple[Plan, bool | None]:
            versioned = versioning(bucket, work=work)
            # Here, since creating 200,000 rows would block the window for a second.
            rows = [entry.row for entry in entries if entry.row]
            folders = [entry.key for entry in entries if entry.folder]
            plan = plan_of(bucket, rows, folders, work)
            # What is shown is confirmed: an object that has replaced it is not deleted.
            shown = {row.key: row.etag for row in rows}
            etags = (
                shown.get(key) or etag for key, etag in zip(plan.keys, plan.etags, strict=True)
            )
            return replace(plan, etags=tuple(etags)), versioned

        self._tab.run(
            "Plan a delete", find_out, self._on_planned, latest="browser/delete", quiet=True
        )

    def _on_planned(self, planned: tuple[Plan, bool | None]) -> None:
        plan, versioned = planned
        if not plan.keys:
            self._tab.banner.show_info("There is nothing left to delete.")
        # A delete that can be undone needs no question.
        elif versioned:
            self._delete(plan)
        else:
            self._question(plan, versioned)

    def _question(self, plan: Plan, versioned: bool | None) -> None:
        text = (
            f"{why_lost(versioned)} {format_size(plan.size)} will be lost. This cannot be undone."
        )
        self.question = ask(
            self._tab, DELETE_PERMANENTLY.about(plan), text,
            lambda: self._delete(plan, permanent=True),
            names=plan.keys, button="Delete permanently", danger=True,
            typed=self._name_to_type(plan),
        )  # fmt: skip

    def _name_to_type(self, plan: Plan) -> str:
        if is_one_folder(plan):
            return name_of(plan.folders[0])
        if len(plan.keys) == 1:
            return name_of(plan.keys[0])
        return self._bucket.name if self._bucket else ""

    def _delete(
        self, plan: Plan, *, permanent: bool = False, earlier: Sequence[LostDeletion] = ()
    ) -> None:
        """Delete objects.

        Args:
            plan: the objects.
            permanent: whether the bucket has no trash, or it is not known.
            earlier: deletions of some of them that were not answered.
        """
        bucket = self._bucket
        if bucket is None:
            return
        name = DELETE.about(plan)
        more: dict[str, Any] = {"folders": list(plan.folders)} if plan.folders else {}
        if permanent and any(plan.etags):
            more["etags"] = list(plan.etags)

        then = partial(self._on_deleted, plan)
        failed = partial(self._on_delete_failed, plan, permanent=permanent, earlier=earlier)
        stopped = partial(self._on_delete_stopped, plan)
        prepare = partial(Deletion.of, plan, permanent=permanent, earlier=earlier)
        if len(plan.keys) > _IN_THE_WINDOW:
            self._tab.bulk(
                name, "objects.delete_many", {"keys": list(plan.keys), **more}, then,
                failed=failed, stopped=stopped, prepare=prepare, source=bucket.subject(),
                here=True,
            )  # fmt: skip
        else:
            self._tab.run(
                name, lambda work: delete_many(bucket, plan.keys, **more, work=work), then,
                failed=failed, stopped=stopped, prepare=prepare,
                call=self._tab.call("objects.delete_many", keys=plan.keys, **more),
            )  # fmt: skip

    def _on_delete_failed(
        self,
        plan: Plan,
        error: StorageError,
        *,
        permanent: bool = False,
        earlier: Sequence[LostDeletion] = (),
    ) -> None:
        """Show an error that has ended a delete; what was deleted before can be undone."""
        unanswered: Sequence[LostDeletion] = ()
        if isinstance(error.partial, DeleteReport):
            found = Deletion.of(plan, error.partial, permanent=permanent, earlier=earlier)
            self._take(found)
            unanswered = found.unanswered
            texts = (found.unanswered_text(), found.unanswered_advice())
            error.effect = " ".join(each for each in texts if each) or error.effect
        # A delete of keys that are deleted already would only add more delete markers.
        left = self._left(plan, error.partial)
        again = partial(self._delete, left, permanent=permanent, earlier=unanswered)
        self._tab.show_error(error, again if error.retryable else None)

    def _on_delete_stopped(self, plan: Plan, found: Deletion | None) -> None:
        """Show what was deleted before a cancel, and let it be undone."""
        if found is None:
            self._tab.banner.show_warning("The delete was cancelled.", NOT_KNOWN)
            return
        undo = self._take(found)
        self._tab.banner.show_warning(
            cancelled_text(plan, found), found.unanswered_advice(), action=self._undo_action(undo)
        )

    @staticmethod
    def _left(plan: Plan, report: object) -> Plan:
        """Return the objects of a plan that a delete has not deleted."""
        if not isinstance(report, DeleteReport):
            return plan
        gone = {one.key for one in report.deleted}
        etags = plan.etags or ("",) * len(plan.keys)
        columns = zip(plan.keys, plan.sizes, etags, strict=True)
        rows = [row for row in columns if row[0] not in gone]
        keys, sizes, etags = zip(*rows, strict=True) if rows else ((), (), ())
        return Plan(keys, sizes, plan.folders, etags)

    def _take(self, found: Deletion) -> Undoable:
        """Remove deleted rows, and return what an undo restores."""
        self.steps.push(UndoStep(found.undo.count, partial(self._undo, found.undo)))
        self._folder.remove(found.gone)
        # The folder is listed again already, since the change was announced before.
        self._listing.select_remaining()
        if found.report.unanswered:
            # Those that still exist are selected, without a message about the others.
            self._listing.select_later(found.report.unanswered)
        # The folder of the tree, which is the one that is shown, or one above it.
        if above := [each for each in found.folders if self._listing.prefix.startswith(each)]:
            self._listing.show(parent_of(min(above, key=len)))
        return found.undo

    def _undo_action(self, undo: Undoable) -> tuple[str, Callable[[], None]] | None:
        return (actions.tip("browser.undo", "Undo"), self.undo) if undo.count else None

    def _on_deleted(self, plan: Plan, found: Deletion) -> None:
        undo, report = self._take(found), found.report
        if report.failed:
            self._tab.show_error(delete_failure(report))
        elif report.arrived:
            self._tab.banner.show_warning(
                f"{format_counted(undo.count or len(report.deleted), 'object')} deleted. "
                f"{format_counted(len(report.arrived), 'object')} stored in the meantime and not "
                "deleted.",
                f"First {report.arrived[0]}",
                action=self._undo_action(undo),
            )
        elif undo.count == len(report.deleted):
            self._tab.banner.show_good(
                IN_TRASH.about(plan), action=self._undo_action(undo), passing=True
            )
        else:
            self._tab.banner.show_info(DELETED.about(plan))

    # Undo

    def reason_not_to_undo(self) -> str:
        """Return why no change can be undone now, or an empty text."""
        return self.steps.reason_not_to_undo()

    def undo(self) -> None:
        """Undo the last change (Ctrl+Z)."""
        self.steps.undo()

    def _undo(self, undo: Undoable, failed: Failed) -> None:
        self.restore(undo.hidden, undo.lost, failed=failed)

    def restore(
        self,
        objects: Sequence[Hidden],
        lost: Sequence[LostDeletion] = (),
        *,
        failed: Callable[[StorageError], object] | None = None,
    ) -> None:
        """Restore objects by removing their delete markers; by default, the banner shows errors.

        Args:
            objects: the objects whose delete markers are known.
            lost: deletions without an answer, whose objects are inspected.
            failed: gets an error of an undo.
        """
        bucket = self._bucket
        if bucket is None:
            return
        undo = Undoable(tuple(objects), tuple(lost))
        name = f"Restore {format_counted(undo.count, 'object')}"
        stopped = partial(self._on_restore_stopped, undo, undoing=failed is not None)
        if undo.count > _IN_THE_WINDOW or len(lost) > _INSPECTED_IN_THE_WINDOW:
            arguments = {"objects": list(objects), **({"lost": list(lost)} if lost else {})}
            self._tab.bulk(
                name, "objects.restore_many", arguments, self._on_restored,
                failed=failed, stopped=stopped, source=bucket.subject(), here=True,
            )  # fmt: skip
        else:
            self._tab.run(
                name,
                lambda work: undo_delete(bucket, objects, lost, work=work),
                self._on_restored,
                failed=failed,
                stopped=stopped,
                call=self._tab.call("objects.restore_many", objects=objects),
            )

    def _on_restore_stopped(
        self, undo: Undoable, report: RestoreReport | None, *, undoing: bool
    ) -> None:
        """Show what was restored before a cancel; the undo of a delete can be continued."""
        restored = report.restored if report else ()
        rest = undo.without(report)
        if undoing:
            self.steps.push(UndoStep(rest.count, partial(self._undo, rest)))
        self._show_restored(restored)
        done, planned = format_count(len(restored)), format_counted(undo.count, "object")
        self._tab.banner.show_warning(
            f"The restore was cancelled: {done} of {planned} restored.",
            "" if report else NOT_KNOWN,
            action=self._undo_action(rest) if undoing else None,
        )

    def _on_restored(self, report: RestoreReport) -> None:
        self._show_restored((*report.restored, *report.present))
        if report.failed:
            self._tab.show_error(restore_failure(report))
        elif text := restored_text(report):
            self._tab.banner.show_good(text)
