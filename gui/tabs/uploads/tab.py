"""The Uploads tab: plans uploads, and shows the queue of transfers in both directions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from core.errors import InvalidInput, StorageError
from core.limits import LimitValues
from core.model.backup_listing import OrphanParts
from core.model.connection import Profile
from core.model.objects import Written
from core.transfer.plan import UploadPlan
from core.transfer.queue_values import BatchState
from core.transfer.sweep import SweepReport, UnfinishedUpload
from core.transfer.values import Outcomes, State, TransferReport
from core.units import format_count, format_counted
from core.workspace import Workspace
from gui.context import Context
from gui.context.transfers import Batch, Names
from gui.dialogs.file_as import FileAsDialog
from gui.tabs.base import Tab
from gui.tabs.uploads.hash_list import HASH_LIST, hash_list_text, save_hash_list
from gui.tabs.uploads.limits_dialog import LimitsDialog, limits_text
from gui.tabs.uploads.plan_pane import PlanPane
from gui.tabs.uploads.queue_pane import QueuePane
from gui.tabs.uploads.summary import (
    command_of,
    failures_text,
    result_text,
    unguarded_text,
)
from gui.tabs.uploads.syncing import Syncing
from gui.tabs.uploads.unfinished import UnfinishedPane, arguments_of, removal_text
from gui.tabs.uploads.upload_form import UploadForm, accept_files, local_paths
from gui.tabs.uploads.watch_pane import WatchPane
from gui.tabs.uploads.watching import Watching
from gui.widgets.desktop import open_folder
from gui.widgets.empty import EmptyState
from gui.widgets.panel import Panel, scrolling, splitter


class UploadsTab(Tab):
    """Files and plan at the left, the queue at the right."""

    origin = "Uploads"

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.setAcceptDrops(True)
        self.form = UploadForm()
        self.pane = QueuePane(
            context,
            EmptyState(
                "No transfers yet",
                "Drop files or folders anywhere here. Their number, size and conflicts are "
                "shown before anything is uploaded.",
                "Add files…",
                self.form.choose_files,
            ),
        )
        self.plan = PlanPane(context, self.form.plan.files)
        self.transfers = context.transfers
        self.unfinished = UnfinishedPane(context)
        self.syncing = Syncing(self, self.form)
        self.watch_pane = WatchPane(context)
        self.watching = Watching(self, self.form, self.watch_pane)
        self.pane.show_limits(limits_text(self.transfers.limits.values))
        # The transfer whose stop the banner shows, and that message.
        self._stop_shown: tuple[Batch, str] | None = None
        self._lay_out()
        self._connect()
        self._update()

    def _lay_out(self) -> None:
        right = QWidget()
        inner = QVBoxLayout(right)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(0)
        parts = (self.plan, self.pane, self.watch_pane)
        inner.addWidget(
            splitter(*parts, vertical=True, sizes=(260, 260, 180), stretch=(0, 1, 0)), 1
        )
        inner.addWidget(self.unfinished)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self._form_view = scrolling(self.form)
        box.addWidget(splitter(Panel("Upload", self._form_view), right, sizes=(392, 888)), 1)

    def _connect(self) -> None:
        self.form.changed.connect(self._on_changed)
        self.form.file_as.connect(self._on_file_as)
        self.form.plan.wanted.connect(self.start)
        self.form.plan.files_wanted.connect(self.plan.open_at)
        self.plan.closed.connect(self._on_list_closed)
        self.transfers.ended.connect(self._on_ended)
        self.transfers.stopped.connect(self._on_stopped)
        self.transfers.updated.connect(self._on_updated)
        self.transfers.interrupted.connect(self._on_interrupted)
        self.transfers.idle.connect(self._emit_settled)
        self.transfers.problem.connect(self.show_error)
        self.pane.folder_wanted.connect(self._on_folder)
        self.pane.hashes_wanted.connect(self._on_hashes)
        self.pane.limits_wanted.connect(self._on_limits)
        self.unfinished.remove_wanted.connect(self._on_remove_unfinished)
        self.unfinished.retry_wanted.connect(self._find_unfinished)
        self.unfinished.rule_wanted.connect(
            lambda: self.context.go("bucket", "Remove unfinished uploads")
        )
        self.context.read_only_changed.connect(self._update)

    @property
    def busy(self) -> bool:
        """Whether a plan is being prepared or a transfer is running."""
        return super().busy or self.transfers.running

    def open_target(self, target: object) -> None:
        """Open `choose`, a prefix, paths, or a prefix with paths."""
        if target == "choose":
            self.form.choose_files()
        elif isinstance(target, str):
            self.form.set_prefix(target)
        elif isinstance(target, (tuple, list)):
            self._take(target)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept files anywhere on the tab."""
        if local_paths(event):
            accept_files(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Propose a copy everywhere on the tab."""
        accept_files(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Add dropped files."""
        accept_files(event)
        self.form.add(local_paths(event))

    def start(self) -> None:
        """Add the plan to the queue."""
        plan = self.form.plan.plan
        workspace = self.context.workspace
        if plan is None or workspace is None or self.transfers.reason_not_to_start():
            return
        batch = _batch_of(plan, self.form, workspace.profile)
        # Before the upload starts, so that a second click cannot start it twice.
        self.form.clear()
        self.banner.clear()
        self.transfers.start(batch)
        self.pane.tree.setFocus(Qt.FocusReason.OtherFocusReason)  # the button is hidden now

    def _on_list_closed(self) -> None:
        self.plan.hide()
        self.form.plan.list.setFocus(Qt.FocusReason.OtherFocusReason)

    def _do_workspace(self, workspace: Workspace | None) -> None:
        self.banner.clear()
        self.watching.follow(workspace)
        self._update()
        self.unfinished.clear()
        self._sweep()
        self._on_changed()

    def _do_refresh(self) -> None:
        self._on_changed()
        self._find_unfinished()

    def _on_interrupted(self, batch: Batch) -> None:
        """Clean up after a cancel, since a terminated engine leaves unfinished uploads."""
        if batch.counts[State.CANCELLED]:
            self._sweep()

    def _sweep(self) -> None:
        """Remove what killed processes of this computer left, then list what others left."""
        # Removing an upload needs a connection.
        if self.context.workspace is None:
            return
        self.bulk(
            "Clean up after interrupted transfers",
            "transfer.sweep",
            {},
            lambda _report: self._find_unfinished(),
            failed=lambda _error: self._find_unfinished(),
            latest="uploads/sweep",
            quiet=True,
        )

    def _find_unfinished(self) -> None:
        if self.context.workspace is None:
            return
        self.bulk(
            "Find unfinished uploads",
            "leftovers.find",
            {},
            self.unfinished.show_found,
            failed=self.unfinished.show_failed,
            latest="uploads/unfinished",
            quiet=True,
            here=True,
        )

    def _on_remove_unfinished(self, rows: Sequence[UnfinishedUpload | OrphanParts]) -> None:
        self.bulk(
            "Remove unfinished uploads",
            "leftovers.remove",
            arguments_of(rows),
            self._on_unfinished_removed,
            here=True,
        )

    def _on_unfinished_removed(self, report: SweepReport) -> None:
        done, not_done = removal_text(report)
        if not_done:
            self.banner.show_warning(done, not_done)
        else:
            self.banner.show_good(done)
        self._find_unfinished()

    def _take(self, target: Sequence[object]) -> None:
        """Add paths, or a prefix with paths as the Browser sends them."""
        if len(target) == 2 and isinstance(target[0], str) and isinstance(target[1], tuple):
            self.form.set_prefix(target[0])
            target = target[1]
        self.form.add([str(path) for path in target])

    def _on_changed(self) -> None:
        """Prepare a new plan; the former one is dropped."""
        paths, card = self.form.paths, self.form.plan
        if not paths or self.context.workspace is None:
            card.show_nothing()
            self.plan.hide()
            return
        try:
            arguments = self.form.arguments()
        except InvalidInput as error:
            self._on_plan_failed(error)
            return
        card.show_planning(len(paths))
        self.bulk(
            "Plan an upload",
            "transfer.plan",
            arguments,
            self._on_plan,
            failed=self._on_plan_failed,
            progress=card.show_found,
            latest="uploads/plan",
            here=True,
        )

    def _on_plan(self, plan: UploadPlan) -> None:
        if self.form.paths:  # else the list was cleared while the plan was prepared
            self.form.plan.show_plan(plan)
            self._update()
            # In a low window its buttons are below the visible part; they have no place yet.
            QTimer.singleShot(0, self, lambda: self._form_view.ensureWidgetVisible(self.form.plan))

    def _on_plan_failed(self, error: StorageError) -> None:
        self.form.plan.show_failed(len(self.form.paths))
        self.show_error(error, self._on_changed)

    def _update(self, *_changed: object) -> None:
        reason = self.transfers.reason_not_to_start()
        self.pane.update_state()
        self.unfinished.update_state()
        self.form.plan.allow(not reason, reason)
        self.form.file_one.allow(not reason, reason)
        self.syncing.update_state()
        self.watching.update_state()

    def _on_ended(self, batch: Batch, report: TransferReport) -> None:
        unguarded = unguarded_text(len(report.unguarded))
        if report.complete:
            text = result_text(report)
            if unguarded:
                self.banner.show_warning(text, unguarded)
            else:
                self.banner.show_good(text)
            return
        # The report arrives as a result, so a lost connection in it is reported separately.
        self.note_failures(report.failed)
        failed, done = len(report.failed), len(report.done)
        text = (
            f"{format_count(failed)} of {format_counted(report.planned, 'file')} "
            f"{_was(failed)} not transferred; {format_count(done)} {_was(done)}."
        )
        self.banner.show_warning(
            text,
            f"{failures_text(report.failed)} {unguarded}".strip(),
            action=("Retry failed", lambda: self.transfers.retry(batch)),
        )

    def _on_stopped(self, batch: Batch, error: StorageError) -> None:
        self.show_error(error, lambda: self.transfers.resume([batch]))
        self._stop_shown = batch, self.banner.text

    def _on_updated(self, batch: Batch, *_rows: int) -> None:
        """Remove the message that a transfer has stopped, once it runs again."""
        if self._stop_shown is None or batch is not self._stop_shown[0] or not batch.running:
            return
        if self.banner.text == self._stop_shown[1]:
            self.banner.clear()
        self._stop_shown = None

    def _on_folder(self, batch: Batch) -> None:
        """Show where the files of a transfer are."""
        if batch.download:
            open_folder(Path(batch.target))
        else:
            prefix = batch.target.removeprefix(f"s3://{batch.profile_and_bucket[1]}/")
            self.context.go("browser", prefix)

    def _on_hashes(self, batch: Batch) -> None:
        dialog = QFileDialog(self, "Save the hash list")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(HASH_LIST)
        dialog.fileSelected.connect(lambda path: self.save_hashes(batch, Path(path)))
        dialog.open()

    def save_hashes(self, batch: Batch, path: Path) -> None:
        """Save the hash list of a transfer, which `sha256sum -c` checks."""
        self.run(
            "Save the hash list",
            lambda _work: save_hash_list(batch.id, path),
            lambda count: self.banner.show_good(
                hash_list_text(count, path.name),
                action=("Open folder", lambda: open_folder(path.parent)),
            ),
        )

    def _on_limits(self) -> None:
        dialog = LimitsDialog(self, self.transfers.limits.values)
        dialog.accepted.connect(lambda: self.set_limits(dialog.values))
        dialog.open()

    def set_limits(self, values: LimitValues) -> None:
        """Apply limits to all transfers, and store them for the next start."""
        self.context.set_limits(values)
        self.pane.show_limits(limits_text(values))

    def _on_file_as(self) -> None:
        dialog = FileAsDialog(self.context, self)
        dialog.filed.connect(self._on_filed)
        dialog.open()

    def _on_filed(self, path: str, written: Written) -> None:
        title = f"Filed {Path(path).name}"
        batch = Batch(
            title, "transfer.file", {}, [Path(path).name], [written.key], [written.size],
            _address(self.context, written.key), path, stored=False,
        )  # fmt: skip
        # The object is already stored; the queue lists it as one finished file.
        batch.apply(Outcomes(done=(0,)))
        batch.phase = BatchState.ENDED
        self.transfers.show(batch)
        self.pane.tree.setFocus(Qt.FocusReason.OtherFocusReason)
        text = f"Filed as {written.key}"
        if written.race_free:
            self.banner.show_good(text)
        else:
            self.banner.show_warning(text, unguarded_text(1))


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _batch_of(plan: UploadPlan, form: UploadForm, profile: Profile) -> Batch:
    count = format_counted(len(plan.keys), "file")
    files = form.plan.files
    arguments = plan.arguments(files.choice, files.single)
    arguments["options"] = form.options.as_dict()
    keys = arguments["keys"]
    if len(form.paths) == 1:
        source, name = form.paths[0], Path(form.paths[0]).name
        title = f"Upload {name} · {count}" if len(plan.keys) > 1 else f"Upload {name}"
    else:
        source, title = f"{format_count(len(form.paths))} entries", f"Upload {count}"
    return Batch(
        title,
        "transfer.upload",
        arguments,
        Names(keys, plan.prefix),
        keys,
        arguments["sizes"],
        f"s3://{plan.bucket}/{plan.prefix}",
        source,
        command_of(plan, form.paths, files, profile, form.options),
    )


def _address(context: Context, key: str) -> str:
    workspace = context.workspace
    return workspace.bucket.subject(key[: key.rfind("/") + 1]) if workspace else ""
