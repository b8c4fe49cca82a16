"""Downloads from the Browser: one object into a file, several into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from core.objects.bucket import Bucket
from core.objects.names import safe_segments
from core.objects.reading import Downloaded, download
from core.transfer.values import IfExists, TransferReport
from core.units import format_size
from core.work import Work
from gui.models.folder_model import Entry
from gui.tabs.browser.loading import Plan, plan_of

if TYPE_CHECKING:
    from gui.tabs.browser.tab import BrowserTab

_SETTING = "downloads/folder"


class Downloads(QObject):
    """Asks where to, then brings the objects there."""

    def __init__(self, tab: BrowserTab) -> None:
        super().__init__(tab)
        self._tab = tab
        self.dialog: QFileDialog | None = None

    def ask(self, entries: Sequence[Entry]) -> None:
        """Ask for a file name for one object, for a folder for more."""
        if not entries:
            return
        if len(entries) == 1 and not entries[0].folder:
            self._ask_file(entries[0])
        else:
            self._ask_folder(entries)

    def folder(self) -> Path:
        """Return the folder that was used last, else the desktop's own for downloads."""
        kept = self._tab.context.settings.get(_SETTING)
        if isinstance(kept, str) and Path(kept).is_dir():
            return Path(kept)
        place = QStandardPaths.StandardLocation.DownloadLocation
        return Path(QStandardPaths.writableLocation(place) or Path.home())

    def _ask_file(self, entry: Entry) -> None:
        dialog = self._dialog("Download as")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile(file_name(entry.key))
        dialog.fileSelected.connect(lambda path: self.one(entry.key, Path(path)))
        dialog.open()

    def _ask_folder(self, entries: Sequence[Entry]) -> None:
        dialog = self._dialog("Download into")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda path: self.several(entries, Path(path)))
        dialog.open()

    def _dialog(self, title: str) -> QFileDialog:
        dialog = QFileDialog(self._tab, title, str(self.folder()))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog = dialog
        return dialog

    def one(self, key: str, path: Path) -> None:
        """Download one object; the dialog has asked whether a file may be replaced."""
        bucket = self._tab.bucket
        if bucket is None:
            return
        self._tab.context.settings.set(_SETTING, str(path.parent))
        self._fetch(bucket, key, path, overwrite=path.exists())

    def _fetch(self, bucket: Bucket, key: str, path: Path, *, overwrite: bool) -> None:
        """Download one object; a file that appears meanwhile is never replaced."""
        self._tab.run(
            f"Download {key}",
            lambda work: download(bucket, key, path, overwrite=overwrite, work=work),
            self._on_one,
        )

    def _on_one(self, done: Downloaded) -> None:
        self._tab.banner.show_good(
            f"{done.path.name} downloaded, {format_size(done.size)}, {done.verdict.value}.",
            action=("Open folder", lambda: open_folder(done.path.parent)),
        )

    def several(self, entries: Sequence[Entry], target: Path) -> None:
        """Download objects and folders through the engine; existing files stay as they are."""
        bucket = self._tab.bucket
        if bucket is None:
            return
        self._tab.context.settings.set(_SETTING, str(target))
        rows = [(entry.key, entry.row.size) for entry in entries if entry.row]
        folders = [entry.key for entry in entries if entry.folder]

        def find_out(work: Work) -> Plan:
            return plan_of(bucket, rows, folders, work)

        self._tab.run(
            "Plan a download", find_out, lambda plan: self._start(plan, target),
            latest="browser/download", quiet=True,
        )  # fmt: skip

    def _start(self, plan: Plan, target: Path) -> None:
        """Start the engine's download; existing files are skipped and reported."""
        bucket = self._tab.bucket
        if bucket is None:
            return
        if not plan.keys:
            self._tab.banner.show_info("There is nothing to download.")
            return
        self._tab.bulk(
            f"Download {len(plan.keys):,} objects",
            "transfer.download",
            {
                "keys": list(plan.keys),
                "sizes": list(plan.sizes),
                "etags": list(plan.etags),
                "folder": str(target),
                "below": self._tab.prefix,
                "if_exists": IfExists.SKIP.value,
            },
            lambda report: self._on_several(report, target),
            source=bucket.subject(),
            target=str(target),
        )
        words = f"Downloading {len(plan.keys):,} objects, {format_size(plan.size)}, into {target}."
        self._tab.banner.show_info(words)

    def _on_several(self, report: TransferReport, target: Path) -> None:
        words = f"{len(report.done):,} of {report.planned:,} objects downloaded"
        if verified := report.verified_in_words():
            words += f": {verified}"
        if report.skipped:
            words += f"; {len(report.skipped):,} skipped, since their files exist"
        if report.renamed:
            _number, name = report.renamed[0]
            words += f"; {len(report.renamed):,} under another name, first {name}"
        action = ("Open folder", lambda: open_folder(target))
        if not report.failed:
            self._tab.banner.show_good(f"{words}.", action=action)
            return
        first = report.failed[0]
        why = f"{len(report.failed):,} failed, first {first.key}: {first.reason}. {first.remedy}"
        self._tab.banner.show_warning(f"{words}.", why, action=action)


def file_name(key: str) -> str:
    """Return the last part of a key as a file name that every system takes."""
    return safe_segments(key.removesuffix("/"))[-1]


def open_folder(folder: Path) -> None:
    """Show a folder in the desktop's own file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
