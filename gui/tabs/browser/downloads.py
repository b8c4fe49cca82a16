"""Downloads from the Browser: one object into a file, several into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from core.objects.reading import Downloaded, download
from core.transfer.local_names import local_name
from core.transfer.values import IfExists, TransferReport
from core.units import format_count, format_counted, format_size
from core.work import Work
from gui.tabs.base import Tab
from gui.tabs.browser.folder_model import Entry
from gui.tabs.browser.listing import Listing
from gui.tabs.browser.loading import Plan, plan_of

_SETTING = "downloads/folder"


@dataclass(frozen=True, slots=True)
class _Start:
    """The initial folder of the dialog, which exists, and the name of a single file."""

    folder: Path
    name: str


class Downloads(QObject):
    """Prompts for the target, then downloads objects to it."""

    def __init__(self, tab: Tab, listing: Listing) -> None:
        super().__init__(tab)
        self._tab, self._listing = tab, listing
        self.dialog: QFileDialog | None = None

    def ask(self, entries: Sequence[Entry]) -> None:
        """Prompt for a file name for one object, or for a folder for several."""
        if not entries:
            return
        one = entries[0].key if len(entries) == 1 and not entries[0].folder else ""
        used = self._tab.context.settings.get(_SETTING)

        # In a worker thread: the folder used last may be on a drive that does not answer.
        def prepare(_work: Work) -> _Start:
            folder = existing_folder(used)
            return _Start(folder, local_name(one, folder) if one else "")

        def open_dialog(start: _Start) -> None:
            if one:
                self._ask_file(one, start)
            else:
                self._ask_folder(entries, start)

        self._tab.run("Prepare a download", prepare, open_dialog, latest=_SETTING, quiet=True)

    def _ask_file(self, key: str, start: _Start) -> None:
        dialog = self._dialog("Download as", start.folder)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile(start.name)
        dialog.fileSelected.connect(lambda path: self.one(key, Path(path), proposed=start.name))
        dialog.open()

    def _ask_folder(self, entries: Sequence[Entry], start: _Start) -> None:
        dialog = self._dialog("Download into", start.folder)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda path: self.several(entries, Path(path)))
        dialog.open()

    def _dialog(self, title: str, folder: Path) -> QFileDialog:
        dialog = QFileDialog(self._tab, title, str(folder))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog = dialog
        return dialog

    def one(self, key: str, path: Path, *, proposed: str = "") -> None:
        """Download one object; the dialog has already confirmed replacing an existing file.

        Args:
            key: the object.
            path: the file that the user chose.
            proposed: the name that the dialog proposed; if it is used and differs from the name in
                the key, the result mentions it.
        """
        bucket = self._listing.bucket
        if bucket is None:
            return
        self._tab.context.settings.set(_SETTING, str(path.parent))
        # `local_name` replaces characters that the file system does not allow.
        own = key.removesuffix("/").rpartition("/")[2]
        changed = own if path.name == proposed != own else ""
        overwrite = path.exists()  # a file that appears later is never replaced
        self._tab.run(
            f"Download {key}",
            lambda work: download(bucket, key, path, overwrite=overwrite, work=work),
            lambda done: self._on_one(done, changed),
        )

    def _on_one(self, done: Downloaded, changed: str) -> None:
        text = f"{done.path.name} downloaded, {format_size(done.size)}, {done.verdict.value}."
        action = ("Open folder", lambda: open_folder(done.path.parent))
        if changed:
            why = f"The name {changed} is not allowed on this file system."
            self._tab.banner.show_warning(text, why, action=action)
        else:
            self._tab.banner.show_good(text, action=action)

    def several(self, entries: Sequence[Entry], target: Path) -> None:
        """Download objects and folders through the engine; existing files are never changed."""
        bucket = self._listing.bucket
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
        bucket = self._listing.bucket
        if bucket is None:
            return
        if not plan.keys:
            self._tab.banner.show_info("There is nothing to download.")
            return
        self._tab.bulk(
            f"Download {format_counted(len(plan.keys), 'object')}",
            "transfer.download",
            {
                "keys": list(plan.keys),
                "sizes": list(plan.sizes),
                # The object must still have the listed ETag: else its size and the plan no longer
                # apply.
                "etags": list(plan.etags),
                "folder": str(target),
                "below": self._listing.prefix,
                "if_exists": IfExists.SKIP.value,
            },
            partial(self._on_several, target),
            source=bucket.subject(),
            target=str(target),
        )
        objects = format_counted(len(plan.keys), "object")
        self._tab.banner.show_info(
            f"Downloading {objects}, {format_size(plan.size)}, into {target}."
        )

    def _on_several(self, target: Path, report: TransferReport) -> None:
        planned = format_counted(report.planned, "object")
        sentences = [f"{format_count(len(report.done))} of {planned} downloaded."]
        if verified := report.verified_text():
            sentences.append(f"Checked: {verified}.")
        if report.skipped:
            skipped = format_counted(len(report.skipped), "object")
            sentences.append(f"{skipped} skipped because the files exist.")
        if report.renamed:
            _number, name = report.renamed[0]
            renamed = format_counted(len(report.renamed), "object")
            sentences.append(f"{renamed} stored under another name, the first as {name}.")
        text = " ".join(sentences)
        action = ("Open folder", lambda: open_folder(target))
        if not report.failed:
            self._tab.banner.show_good(text, action=action)
            return
        # The report arrives as a result, so a lost connection in it is reported separately.
        self._tab.note_failures(report.failed)
        first = report.failed[0]
        why = f"{len(report.failed):,} failed, first {first.key}: {first.reason}. {first.remedy}"
        self._tab.banner.show_warning(text, why, action=action)


def existing_folder(used: object) -> Path:
    """Return the folder used last, else the user's download folder, else the home folder."""
    place = QStandardPaths.StandardLocation.DownloadLocation
    for path in (used, QStandardPaths.writableLocation(place)):
        if isinstance(path, str) and path and Path(path).is_dir():
            return Path(path)
    return Path.home()


def open_folder(folder: Path) -> None:
    """Open a folder in the desktop's file manager."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
