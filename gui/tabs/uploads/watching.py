"""Watches a folder whose files are stored by the data contract, and shows the outcomes."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, QTimer

from core.engine.changes import OperationCall
from core.errors import StorageError
from core.filing.hot_files import HotFile, HotReport
from core.filing.hot_folder import SCAN_SECONDS, SETTLE_SECONDS
from core.limits import TransferLimits
from core.workspace import Workspace
from gui.context.transfers.batch import profile_and_bucket
from gui.tabs.base import Tab
from gui.tabs.uploads.upload_form import UploadForm
from gui.tabs.uploads.watch_dialog import WatchDialog
from gui.tabs.uploads.watch_pane import WatchPane
from gui.tasks import Task
from gui.widgets.desktop import open_folder

#: Milliseconds for which stored objects are collected before other tabs are informed of them.
_ANNOUNCE_MS = 1000


class Watching(QObject):
    """One watched folder: it is started by a dialog, and runs until it is stopped or has failed."""

    def __init__(self, tab: Tab, form: UploadForm, pane: WatchPane) -> None:
        super().__init__(tab)
        self._tab, self._form, self._pane = tab, form, pane
        self._task: Task | None = None
        self._folder = ""
        self._place = ("", "")
        self._call: OperationCall | None = None
        self._share: TransferLimits | None = None
        #: Seconds without a change after which a file is complete, and between two scans.
        self.settle_seconds, self.scan_seconds = SETTLE_SECONDS, SCAN_SECONDS
        self._keys: list[str] = []
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_ANNOUNCE_MS)
        self._later.timeout.connect(self._announce)
        form.watch_folder.clicked.connect(self.open)
        pane.stop.clicked.connect(self.stop)
        pane.folder.clicked.connect(lambda: open_folder(Path(self._folder)))
        pane.close_list.clicked.connect(self._on_close)

    @property
    def running(self) -> bool:
        """Whether the folder is watched."""
        return self._task is not None

    def open(self) -> WatchDialog:
        """Open the dialog that starts to watch a folder."""
        dialog = WatchDialog(self._tab.context, self._tab)
        dialog.confirmed.connect(self.start)
        dialog.open()
        return dialog

    def start(self, folder: str, use_file_time: bool) -> None:
        """Watch a folder, and show its files."""
        workspace = self._tab.context.workspace
        if workspace is None or self.running:
            return
        self._folder, self._place = folder, profile_and_bucket(workspace)
        self._call = self._tab.call("transfer.watch", folder=folder)
        self._tab.banner.clear()
        self._pane.model.clear()
        limits = self._tab.context.transfers.limits
        self._share = limits.join()
        # It waits most of the time, and must not reserve a part of the bandwidth for that.
        limits.measure(self._share, 0)
        self._task = self._tab.bulk(
            f"Watch {Path(folder).name}",
            "transfer.watch",
            {
                "folder": folder,
                "use_file_time": use_file_time,
                "settle_seconds": self.settle_seconds,
                "scan_seconds": self.scan_seconds,
            },
            failed=self._on_failed,
            cancelled=self._on_ended,
            batch=self._on_file,
            limits=self._share,
            source=folder,
            target=f"s3://{workspace.profile.bucket}/",
            command=self._tab.command(
                "transfer.watch", folder, options={"--file-time": use_file_time}
            ),
        )
        self._pane.show()
        self._pane.table.show()
        self.update_state()

    def stop(self) -> None:
        """Stop watching; a file that is being stored is left in the folder."""
        if self._task is not None:
            self._task.cancel()

    def follow(self, workspace: Workspace | None) -> None:
        """Stop watching if another bucket is shown: its files belong to the former one."""
        if self.running and workspace is not None and profile_and_bucket(workspace) != self._place:
            self.stop()

    def update_state(self) -> None:
        """Show the counts, and enable the button or show why no folder can be watched."""
        self._pane.show_state(Path(self._folder).name, running=self.running)
        reason = "A folder is already watched." if self.running else ""
        if not reason and self._tab.context.workspace is None:
            reason = "Connect to a bucket first."
        reason = reason or self._tab.context.locked_reason
        self._form.watch_folder.allow(not reason, reason)

    def _on_file(self, outcome: HotFile) -> None:
        self._pane.model.add(outcome)
        if outcome.key and not outcome.reason:
            self._keys.append(outcome.key)
            if not self._later.isActive():
                self._later.start()
        self.update_state()

    def _announce(self) -> None:
        """Announce the stored objects, since the operation itself has no end that could do it."""
        keys, self._keys = tuple(self._keys), []
        if keys:
            self._tab.context.runner.run(
                "List filed objects",
                lambda _work: HotReport(keys),
                owner=self,
                quiet=True,
                call=self._call,
            )

    def _on_failed(self, error: StorageError) -> None:
        self._on_ended()
        self._tab.show_error(error)

    def _on_ended(self) -> None:
        if self._share is not None:
            self._tab.context.transfers.limits.leave(self._share)
        self._task = self._share = None
        self._announce()
        self.update_state()

    def _on_close(self) -> None:
        self._pane.hide()
        self._form.watch_folder.setFocus()
