"""What a delete has done: what of it can be undone, and its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import ErrorKind, StorageError
from core.objects.deleting import DeleteReport, FailedDelete
from core.objects.lost_answers import unanswered_text
from core.objects.trash import RestoreReport
from core.objects.undo_delete import (
    FOREIGN,
    PERMANENT,
    REPLACED,
    SUSPENDED,
    LostDeletion,
    Undoable,
    undoable,
)
from core.units import format_count, format_counted
from gui.tabs.browser.loading import Plan

_REMEDIES = {
    "PreconditionFailed": "Inspect the new object before you delete it.",
    FOREIGN: "If it is not to be deleted, restore it from the trash.",
    SUSPENDED: "Restore it from the trash.",
    REPLACED: "Compare the versions of the object.",
    PERMANENT: "Upload it again if there is a copy.",
    # Of an undo that could not list the versions of an object.
    "access_denied": "Request s3:ListBucketVersions on the bucket.",
    "not_supported": "Refresh to see which of these objects exist.",
}
#: The maximum number of objects that an error names.
_NAMED = 1_000


@dataclass(frozen=True, slots=True)
class Deletion:
    """What the window needs of a `DeleteReport`; computed in the worker thread.

    Attributes:
        report: the report.
        undo: the objects that can be restored, or may have to be.
        folders: the folders of the plan that do not exist any more.
        gone: the keys of the rows that do not exist any more.
        permanent: whether there is no trash.
    """

    report: DeleteReport
    undo: Undoable
    folders: tuple[str, ...]
    gone: frozenset[str]
    permanent: bool = False

    @classmethod
    def of(
        cls,
        plan: Plan,
        report: DeleteReport,
        *,
        permanent: bool = False,
        earlier: Sequence[LostDeletion] = (),
    ) -> Deletion:
        """Return it for a report about a plan.

        Args:
            plan: what was to be deleted.
            report: the report, also of a delete that has ended early.
            permanent: whether the bucket has no trash, as far as it is known.
            earlier: the deletions without an answer that this one has repeated.
        """
        has_trash = not permanent or any(one.marker for one in report.deleted)
        sent = {key for keys, _lost in report.lost for key in keys}
        etags = plan.etags or ("",) * len(plan.keys)
        rows = zip(plan.keys, etags, plan.sizes, strict=True) if sent else ()
        objects = {key: (etag.strip('"'), size) for key, etag, size in rows if key in sent}
        undo = undoable(report, objects, earlier) if has_trash else Undoable()
        # A folder with objects that were not deleted still exists.
        complete = len(report.deleted) == len(plan.keys) and not report.arrived
        folders = plan.folders if complete else ()
        gone = frozenset((*folders, *(one.key for one in report.deleted)))
        return cls(report, undo, folders, gone, not has_trash)

    @property
    def unanswered(self) -> tuple[LostDeletion, ...]:
        """The deletions that an undo inspects and of which it is not known whether they were made."""
        keys = {*self.report.unanswered}
        return tuple(each for each in self.undo.lost if each.key in keys)

    def unanswered_text(self) -> str:
        """Return how many deletions were not answered, as a sentence; empty for none."""
        text = unanswered_text(len(self.report.unanswered))
        return f"{text}." if text else ""

    def unanswered_advice(self) -> str:
        """Return what can be done about deletions that were not answered; empty for none."""
        if not self.report.unanswered:
            return ""
        if not self.unanswered:
            return "Refresh to see which of these objects exist."
        return "An undo inspects these objects and restores those that were deleted."


def cancelled_text(plan: Plan, found: Deletion) -> str:
    """Return what a delete has done until it was cancelled."""
    deleted = len(found.report.deleted)
    trash = found.undo.count or not (found.permanent or deleted)
    done, planned = format_count(deleted), format_counted(len(plan.keys), "object")
    place = "moved to the trash" if trash else "deleted permanently"
    text = f"The delete was cancelled: {done} of {planned} {place}."
    return f"{text} {found.unanswered_text()}".rstrip()


def restored_text(report: RestoreReport) -> str:
    """Return what a restore without failures has done; empty for nothing."""
    texts = []
    if keys := report.restored:
        what = name_of(keys[0]) if len(keys) == 1 else format_counted(len(keys), "object")
        texts.append(f"{what} restored.")
    if keys := report.present:
        what = name_of(keys[0]) if len(keys) == 1 else format_counted(len(keys), "object")
        texts.append(f"{what} had not been deleted.")
    return " ".join(texts)


@dataclass(frozen=True, slots=True)
class Sentences:
    """One message about a plan, in the variants for one folder, one object and several objects."""

    folder: str
    single: str
    several: str

    def about(self, plan: Plan) -> str:
        """Return the variant for a plan, with its name or number of objects."""
        objects = format_counted(len(plan.keys), "object")
        if is_one_folder(plan):
            return self.folder.format(name=name_of(plan.folders[0]), objects=objects)
        if len(plan.keys) == 1:
            return self.single.format(name=name_of(plan.keys[0]))
        return self.several.format(objects=objects)


DELETE = Sentences("Delete the folder {name} with {objects}", "Delete {name}", "Delete {objects}")
DELETE_PERMANENTLY = Sentences(
    "Delete the folder {name} with {objects} permanently?",
    "Delete {name} permanently?",
    "Delete {objects} permanently?",
)
IN_TRASH = Sentences(
    "The folder {name} with {objects} moved to the trash.",
    "{name} moved to the trash.",
    "{objects} moved to the trash.",
)
DELETED = Sentences(
    "The folder {name} with {objects} deleted permanently.",
    "{name} deleted permanently.",
    "{objects} deleted permanently.",
)


def is_one_folder(plan: Plan) -> bool:
    """Return whether a plan deletes exactly one folder."""
    one = len(plan.folders) == 1 and bool(plan.keys)
    return one and all(key.startswith(plan.folders[0]) for key in plan.keys)


def name_of(key: str) -> str:
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
