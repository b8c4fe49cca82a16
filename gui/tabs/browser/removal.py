"""Deletes from the Browser: to the trash with an undo, or for ever after a name was typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from core.engine.operations import change_made
from core.errors import ErrorKind, StorageError
from core.model.change import ChangeKind
from core.objects.bucket import Bucket
from core.objects.deleting import Deleted, DeleteReport, delete_many, undelete
from core.objects.versioning import versioning
from core.units import format_count, format_size
from core.work import Progress, Work
from gui.dialogs.confirm import Confirm, ask
from gui.models.folder_model import Entry
from gui.tabs.browser.listing import parent_of
from gui.tabs.browser.loading import Plan, plan_of

if TYPE_CHECKING:
    from gui.tabs.browser.tab import BrowserTab

#: So many objects go to the trash without a question: Undo is one click away.
_UNASKED = 20
_PREFIXES_TOLD = 50
#: More than one request's worth of keys is work for the engine.
_IN_THE_WINDOW = 1_000


class Removal(QObject):
    """Plans, asks, deletes, and takes deletes back."""

    def __init__(self, tab: BrowserTab) -> None:
        super().__init__(tab)
        self._tab = tab
        self._bucket: Bucket | None = None
        self.question: Confirm | None = None

    def begin(self, bucket: Bucket | None) -> None:
        """Delete from another bucket from now on."""
        self._bucket = bucket

    def ask(self, entries: Sequence[Entry]) -> None:
        """Find out what the selection stands for and whether it could come back, then ask."""
        bucket = self._bucket
        if bucket is None or not entries or self._tab.context.read_only:
            return
        rows = [(entry.key, entry.row.size) for entry in entries if entry.row]
        folders = [entry.key for entry in entries if entry.folder]

        def find_out(work: Work) -> tuple[Plan, bool | None]:
            kept = versioning(bucket, work=work)
            return plan_of(bucket, rows, folders, work), kept

        self._tab.run(
            "Plan a delete", find_out, self._on_planned, latest="browser/delete", quiet=True
        )

    def _on_planned(self, planned: tuple[Plan, bool | None]) -> None:
        plan, kept = planned
        if not plan.keys:
            self._tab.banner.show_info("There is nothing to delete any more.")
        elif kept and not plan.folders and len(plan.keys) <= _UNASKED:
            self._delete(plan)
        else:
            self._question(plan, kept)

    def _question(self, plan: Plan, kept: bool | None) -> None:
        what = told(plan)
        if kept:
            title, button = f"Move {what} to the trash?", "Move to trash"
            text = (
                "The bucket is versioned: the bytes stay as older versions. Undo brings them back."
            )
        else:
            title, button = f"Delete {what} for ever?", "Delete for ever"
            text = f"{why_lost(kept)} {format_size(plan.size)} will be gone. There is no undo."
        self.question = ask(
            self._tab, title, text, lambda: self._delete(plan), names=plan.keys, button=button,
            danger=not kept, typed=None if kept else self._name_to_type(plan),
        )  # fmt: skip

    def _name_to_type(self, plan: Plan) -> str:
        if len(plan.folders) == 1:
            return plan.folders[0].removesuffix("/").rsplit("/", 1)[-1]
        if len(plan.keys) == 1:
            return plan.keys[0].removesuffix("/").rsplit("/", 1)[-1]
        return self._bucket.name if self._bucket else ""

    def _delete(self, plan: Plan) -> None:
        bucket = self._bucket
        if bucket is None:
            return
        name = f"Delete {told(plan)}"

        def then(report: DeleteReport) -> None:
            self._on_deleted(plan, report)

        if len(plan.keys) > _IN_THE_WINDOW:
            self._tab.bulk(
                name,
                "objects.delete_many",
                {"keys": list(plan.keys)},
                then,
                source=bucket.subject(),
            )
        else:
            self._tab.run(name, lambda work: delete_many(bucket, plan.keys, work=work), then)

    def _on_deleted(self, plan: Plan, report: DeleteReport) -> None:
        keys = [one.key for one in report.deleted]
        self._tab.folder.model.remove([*keys, *(plan.folders if not report.failed else ())])
        self._announce("objects.delete_many", keys)
        if report.failed:
            self._tab.show_error(failure_of(report))
        elif keys and all(one.marker for one in report.deleted):
            words = f"{told(plan)} moved to the trash."
            self._tab.banner.show_good(words, action=("Undo", lambda: self._undo(report.deleted)))
        else:
            self._tab.banner.show_info(f"{told(plan)} deleted for ever.")

    def _undo(self, deleted: Sequence[Deleted]) -> None:
        bucket = self._bucket
        if bucket is None:
            return

        def take_back(work: Work) -> list[str]:
            for number, one in enumerate(deleted):
                undelete(bucket, one.key, one.marker or "", work=work)
                work.report(Progress(number + 1, len(deleted), "objects"))
            return [one.key for one in deleted]

        self._tab.run(f"Restore {format_count(len(deleted))} objects", take_back, self._on_undone)

    def _on_undone(self, keys: list[str]) -> None:
        self._announce("objects.undelete", keys)
        noun = (
            keys[0].rsplit("/", 1)[-1] if len(keys) == 1 else f"{format_count(len(keys))} objects"
        )
        self._tab.banner.show_good(f"{noun} restored.")

    def _announce(self, operation: str, keys: Sequence[str]) -> None:
        if not keys or self._bucket is None:
            return
        one = len(keys) == 1
        subject = self._bucket.subject(keys[0]) if one else f"{format_count(len(keys))} objects"
        prefixes = tuple(dict.fromkeys(parent_of(key) for key in keys))
        prefixes = prefixes if len(prefixes) <= _PREFIXES_TOLD else ("",)
        self._tab.context.announce(
            change_made(operation, ChangeKind.OBJECTS, subject, "browser", prefixes)
        )


def told(plan: Plan) -> str:
    """Return what a plan is about: a name, or a count."""
    if len(plan.folders) == 1 and plan.keys:
        name = plan.folders[0].removesuffix("/").rsplit("/", 1)[-1]
        return f"the folder {name} with {_objects(len(plan.keys))}"
    if len(plan.keys) == 1:
        return plan.keys[0].rsplit("/", 1)[-1] or plan.keys[0]
    return _objects(len(plan.keys))


def _objects(count: int) -> str:
    return f"{format_count(count)} object{'' if count == 1 else 's'}"


def why_lost(kept: bool | None) -> str:
    """Return why a delete is permanent."""
    if kept is None:
        return "It cannot be told whether the bucket is versioned (needs s3:GetBucketVersioning)."
    return "The bucket is not versioned."


def failure_of(report: DeleteReport) -> StorageError:
    """Return one error for all that could not be deleted."""
    count, total = len(report.failed), len(report.failed) + len(report.deleted)
    denied = any(one.code == "AccessDenied" for one in report.failed)
    return StorageError(
        f"{format_count(count)} of {_objects(total)} could not be deleted",
        cause=report.failed[0].message or report.failed[0].code,
        remedy="Ask for s3:DeleteObject on these keys." if denied else "Try again.",
        action="s3:DeleteObject",
        details="\n".join(f"{one.key}: {one.code}" for one in report.failed[:1000]),
        kind=ErrorKind.ACCESS_DENIED if denied else ErrorKind.SERVICE,
    )
