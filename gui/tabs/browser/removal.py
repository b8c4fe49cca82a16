"""Deletes objects: into the trash, which Ctrl+Z undoes, or permanently."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject

from core.errors import ErrorKind, StorageError
from core.objects.bucket import Bucket
from core.objects.deleting import DeleteReport, FailedDelete, delete_many
from core.objects.trash import RestoreReport, restore
from core.objects.versioning import versioning
from core.units import format_count, format_counted, format_size
from core.work import Work
from gui import actions
from gui.dialogs.confirm import Confirm, ask
from gui.tabs.base import Tab
from gui.tabs.browser.folder_pane import FolderPane
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import Listing, parent_of
from gui.tabs.browser.loading import Plan, plan_of
from gui.tabs.browser.undo_steps import NOT_KNOWN, Failed, UndoStep, UndoSteps

#: Keys of one request; more of them are deleted by the engine.
_IN_THE_WINDOW = 1_000
_REMEDIES = {"PreconditionFailed": "Inspect the new object before you delete it."}
#: The maximum number of objects that an error names.
_NAMED = 1_000
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
            self._tab, _DELETE_PERMANENTLY.about(plan), text,
            lambda: self._delete(plan, permanent=True),
            names=plan.keys, button="Delete permanently", danger=True,
            typed=self._name_to_type(plan),
        )  # fmt: skip

    def _name_to_type(self, plan: Plan) -> str:
        if _is_one_folder(plan):
            return _name(plan.folders[0])
        if len(plan.keys) == 1:
            return _name(plan.keys[0])
        return self._bucket.name if self._bucket else ""

    def _delete(self, plan: Plan, *, permanent: bool = False) -> None:
        bucket = self._bucket
        if bucket is None:
            return
        name = _DELETE.about(plan)
        more: dict[str, Any] = {"folders": list(plan.folders)} if plan.folders else {}
        if permanent and any(plan.etags):
            more["etags"] = list(plan.etags)

        then = partial(self._on_deleted, plan)
        failed = partial(self._on_delete_failed, plan, permanent=permanent)
        stopped = partial(self._on_delete_stopped, plan)
        if len(plan.keys) > _IN_THE_WINDOW:
            self._tab.bulk(
                name, "objects.delete_many", {"keys": list(plan.keys), **more}, then,
                failed=failed, stopped=stopped, prepare=partial(Deletion.of, plan), source=bucket.subject(),
            )  # fmt: skip
        else:
            self._tab.run(
                name, lambda work: delete_many(bucket, plan.keys, **more, work=work), then,
                failed=failed, stopped=stopped, prepare=partial(Deletion.of, plan),
                call=self._tab.call("objects.delete_many", keys=plan.keys, **more),
            )  # fmt: skip

    def _on_delete_failed(
        self, plan: Plan, error: StorageError, *, permanent: bool = False
    ) -> None:
        """Show an error that has ended a delete; what was deleted before can be undone."""
        if isinstance(error.partial, DeleteReport):
            self._take(Deletion.of(plan, error.partial))
        # A delete of keys that are deleted already would only add more delete markers.
        left = self._left(plan, error.partial)
        again = partial(self._delete, left, permanent=permanent)
        self._tab.show_error(error, again if error.retryable else None)

    def _on_delete_stopped(self, plan: Plan, found: Deletion | None) -> None:
        """Show what was deleted before a cancel, and let it be undone."""
        if found is None:
            self._tab.banner.show_warning("The delete was cancelled.", NOT_KNOWN)
            return
        hidden = self._take(found)
        done, planned = (
            format_count(len(found.report.deleted)),
            format_counted(len(plan.keys), "object"),
        )
        place = "moved to the trash" if hidden else "deleted permanently"
        self._tab.banner.show_warning(
            f"The delete was cancelled: {done} of {planned} {place}.",
            action=(actions.tip("browser.undo", "Undo"), self.undo) if hidden else None,
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

    def _take(self, found: Deletion) -> tuple[Hidden, ...]:
        """Remove deleted rows, and return those that can be restored, which an undo does."""
        self.steps.push(UndoStep(len(found.hidden), partial(self._undo, found.hidden)))
        self._folder.remove(found.gone)
        # The folder is listed again already, since the change was announced before.
        self._listing.select_remaining()
        # The folder of the tree, which is the one that is shown, or one above it.
        if above := [each for each in found.folders if self._listing.prefix.startswith(each)]:
            self._listing.show(parent_of(min(above, key=len)))
        return found.hidden

    def _on_deleted(self, plan: Plan, found: Deletion) -> None:
        hidden, report = self._take(found), found.report
        if report.failed:
            self._tab.show_error(delete_failure(report))
        elif report.arrived:
            self._tab.banner.show_warning(
                f"{format_counted(len(hidden or report.deleted), 'object')} deleted. "
                f"{format_counted(len(report.arrived), 'object')} stored in the meantime and not "
                "deleted.",
                f"First {report.arrived[0]}",
                action=(actions.tip("browser.undo", "Undo"), self.undo) if hidden else None,
            )
        elif len(hidden) == len(report.deleted):
            self._tab.banner.show_good(
                _IN_TRASH.about(plan),
                action=(actions.tip("browser.undo", "Undo"), self.undo),
                passing=True,
            )
        else:
            self._tab.banner.show_info(_DELETED.about(plan))

    # Undo

    def reason_not_to_undo(self) -> str:
        """Return why no change can be undone now, or an empty text."""
        return self.steps.reason_not_to_undo()

    def undo(self) -> None:
        """Undo the last change (Ctrl+Z)."""
        self.steps.undo()

    def _undo(self, hidden: Sequence[Hidden], failed: Failed) -> None:
        self.restore(hidden, failed=failed)

    def restore(
        self,
        objects: Sequence[Hidden],
        *,
        failed: Callable[[StorageError], object] | None = None,
    ) -> None:
        """Restore objects by removing their delete markers; by default, the banner shows errors."""
        bucket = self._bucket
        if bucket is None:
            return
        name = f"Restore {format_counted(len(objects), 'object')}"
        stopped = partial(self._on_restore_stopped, objects, undoing=failed is not None)
        if len(objects) > _IN_THE_WINDOW:
            arguments = {"objects": list(objects)}
            self._tab.bulk(
                name, "objects.restore_many", arguments, self._on_restored,
                failed=failed, stopped=stopped, source=bucket.subject(),
            )  # fmt: skip
        else:
            self._tab.run(
                name,
                lambda work: restore(bucket, objects, work=work),
                self._on_restored,
                failed=failed,
                stopped=stopped,
                call=self._tab.call("objects.restore_many", objects=objects),
            )

    def _on_restore_stopped(
        self, objects: Sequence[Hidden], report: RestoreReport | None, *, undoing: bool
    ) -> None:
        """Show what was restored before a cancel; the undo of a delete can be continued."""
        restored = {*report.restored} if report else set()
        rest = tuple(each for each in objects if each[0] not in restored)
        if undoing:
            self.steps.push(UndoStep(len(rest), partial(self._undo, rest)))
        self._show_restored(report.restored if report else ())
        done, planned = format_count(len(restored)), format_counted(len(objects), "object")
        self._tab.banner.show_warning(
            f"The restore was cancelled: {done} of {planned} restored.",
            "" if report else NOT_KNOWN,
            action=(actions.tip("browser.undo", "Undo"), self.undo) if undoing and rest else None,
        )

    def _on_restored(self, report: RestoreReport) -> None:
        keys = report.restored
        self._show_restored(keys)
        if report.failed:
            self._tab.show_error(restore_failure(report))
        elif keys:
            what = _name(keys[0]) if len(keys) == 1 else format_counted(len(keys), "object")
            self._tab.banner.show_good(f"{what} restored.")


@dataclass(frozen=True, slots=True)
class Deletion:
    """What the window needs of a `DeleteReport`; computed in the worker thread.

    Attributes:
        report: the report.
        hidden: the objects that can be restored.
        folders: the folders of the plan that do not exist any more.
        gone: the keys of the rows that do not exist any more.
    """

    report: DeleteReport
    hidden: tuple[Hidden, ...]
    folders: tuple[str, ...]
    gone: frozenset[str]

    @classmethod
    def of(cls, plan: Plan, report: DeleteReport) -> Deletion:
        """Return it for a report about a plan."""
        hidden = tuple((one.key, (one.marker,)) for one in report.deleted if one.marker)
        # A folder with objects that were not deleted still exists.
        complete = len(report.deleted) == len(plan.keys) and not report.arrived
        folders = plan.folders if complete else ()
        return cls(
            report, hidden, folders, frozenset((*folders, *(one.key for one in report.deleted)))
        )


@dataclass(frozen=True, slots=True)
class _Sentences:
    """One message about a plan, in the variants for one folder, one object and several objects."""

    folder: str
    single: str
    several: str

    def about(self, plan: Plan) -> str:
        """Return the variant for a plan, with its name or number of objects."""
        objects = format_counted(len(plan.keys), "object")
        if _is_one_folder(plan):
            return self.folder.format(name=_name(plan.folders[0]), objects=objects)
        if len(plan.keys) == 1:
            return self.single.format(name=_name(plan.keys[0]))
        return self.several.format(objects=objects)


_DELETE = _Sentences("Delete the folder {name} with {objects}", "Delete {name}", "Delete {objects}")
_DELETE_PERMANENTLY = _Sentences(
    "Delete the folder {name} with {objects} permanently?",
    "Delete {name} permanently?",
    "Delete {objects} permanently?",
)
_IN_TRASH = _Sentences(
    "The folder {name} with {objects} moved to the trash.",
    "{name} moved to the trash.",
    "{objects} moved to the trash.",
)
_DELETED = _Sentences(
    "The folder {name} with {objects} deleted permanently.",
    "{name} deleted permanently.",
    "{objects} deleted permanently.",
)


def _is_one_folder(plan: Plan) -> bool:
    """Return whether a plan deletes exactly one folder."""
    one = len(plan.folders) == 1 and bool(plan.keys)
    return one and all(key.startswith(plan.folders[0]) for key in plan.keys)


def _name(key: str) -> str:
    """Return the last part of a key or prefix."""
    return key.removesuffix("/").rsplit("/", 1)[-1] or key


def why_lost(versioned: bool | None) -> str:
    """Return why a delete is permanent."""
    if versioned is None:
        return "Whether the bucket is versioned is unknown (needs s3:GetBucketVersioning)."
    return "Versioning is not enabled in this bucket."


def delete_failure(report: DeleteReport) -> StorageError:
    """Return one error for all objects that could not be deleted."""
    failed, total = len(report.failed), len(report.failed) + len(report.deleted)
    summary = f"{format_count(failed)} of {format_counted(total, 'object')} could not be deleted"
    return _failure(summary, report.failed, "s3:DeleteObject")


def restore_failure(report: RestoreReport) -> StorageError:
    """Return one error for all objects that could not be restored."""
    failed, total = len(report.failed), len(report.failed) + len(report.restored)
    summary = f"{format_count(failed)} of {format_counted(total, 'object')} could not be restored"
    # A restore removes the version that is the delete marker.
    return _failure(summary, report.failed, "s3:DeleteObjectVersion")


def _failure(summary: str, failed: Sequence[FailedDelete], action: str) -> StorageError:
    """Return the error of a request that did not change all objects.

    Args:
        summary: what could not be done.
        failed: the unchanged objects, at least one.
        action: the required permission.
    """
    denied, code = any(one.code == "AccessDenied" for one in failed), failed[0].code
    more = len(failed) - _NAMED
    rest = [f"and {format_counted(more, 'object')} more"] if more > 0 else []
    return StorageError(
        summary,
        cause=failed[0].message or failed[0].code,
        remedy=f"Request {action} on these keys." if denied else _REMEDIES.get(code, "Try again."),
        action=action,
        details="\n".join((*(f"{one.key}: {one.code}" for one in failed[:_NAMED]), *rest)),
        kind=ErrorKind.ACCESS_DENIED if denied else ErrorKind.SERVICE,
    )
