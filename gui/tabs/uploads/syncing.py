"""Synchronizations from the Uploads tab: the dialog, the run in the engine, and its result."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from core.limits import TransferLimits
from core.transfer.sync_values import SyncDirection, SyncPlan, SyncReport
from core.units import format_count, format_counted, format_size
from core.work import Progress
from gui.tabs.base import Tab
from gui.tabs.uploads.summary import failures_text
from gui.tabs.uploads.sync_dialog import SyncChoice, SyncDialog
from gui.tabs.uploads.upload_form import UploadForm
from gui.tasks import Task
from gui.widgets.desktop import open_folder
from gui.widgets.labels import shown


class Syncing(QObject):
    """Opens the dialog, runs the confirmed plan, and shows the result in the banner of the tab."""

    def __init__(self, tab: Tab, form: UploadForm) -> None:
        super().__init__(tab)
        self._tab, self._form = tab, form
        self._task: Task | None = None
        self._limits = tab.context.transfers.limits
        self._share: TransferLimits | None = None
        form.synchronize.clicked.connect(self.open)

    @property
    def busy(self) -> bool:
        """Whether a synchronization is running."""
        return self._task is not None

    def open(self, choice: SyncChoice | None = None) -> SyncDialog:
        """Open the dialog, with the values of the last time or with others."""
        dialog = SyncDialog(self._tab.context, self._tab)
        if isinstance(choice, SyncChoice):
            dialog.choose(choice)
        dialog.confirmed.connect(self.start)
        if not dialog.folder.text():
            dialog.folder.setFocus()  # instead of the button, which needs it
        dialog.open()
        return dialog

    def reason_not_to_open(self) -> str:
        """Return why no synchronization can be planned now, or an empty text."""
        if self._tab.context.workspace is None:
            return "Connect to a bucket first."
        return "A synchronization is running." if self.busy else ""

    def start(self, plan: SyncPlan, choice: SyncChoice, max_delete: int | None) -> None:
        """Carry out a plan.

        Args:
            plan: the plan.
            choice: what it was made from.
            max_delete: the confirmed number of deletions; None if the usual limit applies.
        """
        address = f"s3://{plan.bucket}/{plan.prefix}"
        upload = plan.direction is SyncDirection.UPLOAD
        source, target = (plan.folder, address) if upload else (address, plan.folder)
        # Both sides must have the same names, so a compression does not apply.
        options = self._form.options.uncompressed().as_dict() if upload else None
        self._share = self._limits.join()
        self._task = self._tab.bulk(
            f"Synchronize {Path(plan.folder).name}",
            "transfer.sync",
            {**plan.arguments(), "max_delete": max_delete, "options": options},
            partial(self._on_ended, plan),
            failed=lambda error: self._on_stopped(lambda: self._tab.show_error(error)),
            cancelled=lambda: self._on_stopped(self._show_cancelled),
            progress=self._on_progress,
            limits=self._share,
            source=source,
            target=target,
            command=self._command(source, target, choice, max_delete),
        )
        self._show("Synchronizing…")
        self.update_state()

    def _command(self, source: str, target: str, choice: SyncChoice, max_delete: int | None) -> str:
        options: dict[str, str | bool] = {
            "--delete": choice.delete,
            "--yes": choice.delete,
            "--max-delete": "" if max_delete is None else str(max_delete),
            "--compare": choice.compare,
        }
        if choice.direction == SyncDirection.UPLOAD.value:
            options["--storage-class"] = self._form.options.storage_class
        return self._tab.command("transfer.sync", source, target, options=options)

    def _on_progress(self, progress: Progress) -> None:
        if self._share is not None and self._task is not None:
            self._limits.measure(self._share, self._task.pace.speed)
        done, total = progress.items_done, progress.items_total
        if done is not None and total:
            files = f"{format_count(done)} of {format_counted(total, 'file')}"
            self._show(f"Synchronizing: {files}, {format_size(progress.done)}.")

    def _show(self, text: str) -> None:
        if self._task is not None:
            self._tab.banner.show_info(text, action=("Cancel", self._task.cancel))

    def update_state(self) -> None:
        """Enable the button, or show why no synchronization can be planned."""
        reason = self.reason_not_to_open()
        self._form.synchronize.allow(not reason, reason)

    def _release(self) -> None:
        """Let another synchronization start, and give its bandwidth to other transfers."""
        if self._share is not None:
            self._limits.leave(self._share)
        self._task = self._share = None
        self.update_state()

    def _on_stopped(self, show: Callable[[], None]) -> None:
        self._release()
        show()

    def _show_cancelled(self) -> None:
        self._tab.banner.show_warning(
            "The synchronization was cancelled.",
            "Completed files remain. Compare again to see what is left.",
        )

    def _on_ended(self, plan: SyncPlan, report: SyncReport) -> None:
        self._release()
        failures = (*report.refused, *report.transfer.failed)
        self._tab.note_failures(failures)
        text, problems = result_text(report), problems_text(report)
        folder = Path(plan.folder)
        if failures:
            problems = f"{failures_text(failures)} {problems}".strip()
        action = None
        if plan.direction is SyncDirection.DOWNLOAD:
            action = ("Open folder", lambda: open_folder(folder))
        if problems:
            self._tab.banner.show_warning(text, problems, action=action)
        else:
            self._tab.banner.show_good(text, action=action)


def result_text(report: SyncReport) -> str:
    """Return what a synchronization has done as one sentence."""
    done = format_counted(len(report.transfer.done), "file")
    deleted = format_count(len(report.deleted))
    size = format_size(report.transfer.size)
    return f"Synchronized: {done} transferred, {size}; {deleted} deleted."


def problems_text(report: SyncReport) -> str:
    """Return which deletions failed or were not tried, or an empty text."""
    sentences = []
    if report.failed:
        first = report.failed[0]
        count = format_counted(len(report.failed), "deletion")
        sentences.append(f"{count} failed, the first of {shown(first.key)}: {first.message}.")
    if report.left:
        key, why = report.left[0]
        count = format_counted(len(report.left), "file")
        sentences.append(f"{count} not deleted, the first {shown(key)}: {why}.")
    if report.transfer.skipped:
        count = format_counted(len(report.transfer.skipped), "file")
        sentences.append(f"{count} skipped, since the target appeared after the comparison.")
    return " ".join(sentences)
