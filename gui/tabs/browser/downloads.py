"""Downloads from the Browser: one object into a file, several into a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from PySide6.QtCore import QObject, QStandardPaths, Qt
from PySide6.QtWidgets import QFileDialog

from core.errors import StorageError
from core.model.listing import ObjectInfo
from core.objects.reading import head
from core.transfer.local_names import local_name, local_paths
from core.transfer.values import IfExists, TransferReport
from core.units import file_moment, format_count, format_counted, format_size
from core.work import Work
from gui.context.transfers import DOWNLOAD, Batch, Names
from gui.tabs.base import Tab
from gui.tabs.browser.existing_dialog import Decisions, ExistingFile, ExistingFiles
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import Listing, parent_of
from gui.tabs.browser.loading import Plan, plan_of
from gui.widgets.desktop import open_folder
from gui.widgets.labels import shown

_SETTING = "downloads/folder"
_NONE: Decisions = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Start:
    """The initial folder of the dialog, which exists, and the name of a single file."""

    folder: Path
    name: str


@dataclass(frozen=True, slots=True)
class _Target:
    """The local folder of a download, and the prefix below which keys are the names of its files."""

    folder: Path
    below: str


@dataclass(frozen=True, slots=True)
class _Found:
    """The objects of a download, the files that it would meet, and a sentence about other names."""

    plan: Plan
    existing: Sequence[ExistingFile] = ()
    renamed: str = ""


class Downloads(QObject):
    """Prompts for the target, then downloads objects to it."""

    def __init__(self, tab: Tab, listing: Listing) -> None:
        super().__init__(tab)
        self._tab, self._listing = tab, listing
        self.dialog: QFileDialog | None = None
        self._queue = tab.context.transfers
        self._shows: dict[Batch, Callable[[TransferReport], None]] = {}
        self._queue.ended.connect(self._on_ended)
        self._queue.stopped.connect(self._on_stopped)

    def ask(self, entries: Sequence[Entry], below: str) -> None:
        """Prompt for a file name for one object, or for a folder for several.

        Args:
            entries: the selected objects and folders.
            below: the folder that they are in: the names of files are the keys below it.
        """
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
                self._ask_folder(entries, below, start)

        self._tab.run("Prepare a download", prepare, open_dialog, latest=_SETTING, quiet=True)

    def _ask_file(self, key: str, start: _Start) -> None:
        dialog = self._dialog("Download as", start.folder)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.selectFile(start.name)
        dialog.fileSelected.connect(lambda path: self.one(key, Path(path), proposed=start.name))
        dialog.open()

    def _ask_folder(self, entries: Sequence[Entry], below: str, start: _Start) -> None:
        dialog = self._dialog("Download into", start.folder)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.fileSelected.connect(lambda path: self.several(entries, Path(path), below))
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

        def inspect(work: Work) -> tuple[ObjectInfo, bool]:
            # The listed size may be old. A file that appears later is never replaced.
            return head(bucket, key, work=work), path.exists()

        def start(found: tuple[ObjectInfo, bool]) -> None:
            info, exists = found
            plan = Plan((key,), (info.size,), etags=(info.etag,))
            target = _Target(path.parent, parent_of(key))
            decision = IfExists.OVERWRITE if exists else IfExists.SKIP
            batch = self._batch(f"Download {key}", plan, target, decision, [path.name])
            self._begin(batch, partial(self._show_one, batch, changed))

        self._tab.run(f"Inspect {key}", inspect, start, quiet=True)

    def several(self, entries: Sequence[Entry], folder: Path, below: str) -> None:
        """Download objects and folders; existing files are only changed after a question.

        Args:
            entries: the selected objects and folders.
            folder: the local folder.
            below: the folder of the bucket that they are in.
        """
        bucket = self._listing.bucket
        if bucket is None:
            return
        self._tab.context.settings.set(_SETTING, str(folder))

        def find_out(work: Work) -> _Found:
            # Here, since creating 200,000 rows would block the window for a second.
            rows = [entry.row for entry in entries if entry.row]
            folders = [entry.key for entry in entries if entry.folder]
            return found_of(plan_of(bucket, rows, folders, work), below, folder, work)

        self._tab.run(
            "Plan a download", find_out, partial(self._on_planned, _Target(folder, below)),
            latest="browser/download", quiet=True,
        )  # fmt: skip

    def _on_planned(self, target: _Target, found: _Found) -> None:
        count, start = len(found.plan.keys), partial(self._start, found, target)
        if not count:
            self._tab.banner.show_info("There is nothing to download.")
        elif found.existing:
            ExistingFiles(self._tab, found.existing, count, start).open()
        else:
            start(IfExists.SKIP)

    def _start(
        self,
        found: _Found,
        target: _Target,
        decision: IfExists,
        single: Decisions = _NONE,
    ) -> None:
        plan = found.plan
        objects = format_counted(len(plan.keys), "object")
        batch = self._batch(f"Download {objects}", plan, target, decision, single=single)
        self._begin(batch, partial(self._show_several, batch))
        self._tab.banner.show_info(
            f"Downloading {objects}, {format_size(plan.size)}, into {target.folder}.{found.renamed}",
            action=("Show the queue", lambda: self._tab.context.go("uploads")),
        )

    def _batch(
        self,
        title: str,
        plan: Plan,
        target: _Target,
        decision: IfExists,
        names: Sequence[str] = (),
        single: Decisions = _NONE,
    ) -> Batch:
        decisions = [single.get(number, decision).value for number in range(len(plan.keys))]
        bucket = self._listing.bucket
        arguments = {
            "keys": list(plan.keys),
            "sizes": list(plan.sizes),
            # The object must still have the listed ETag: else its size and the plan no longer
            # apply.
            "etags": list(plan.etags),
            "modified": list(plan.modified),
            "names": list(names),
            "folder": str(target.folder),
            "below": target.below,
            "if_exists": decisions if single else decision.value,
        }
        return Batch(
            title, DOWNLOAD, arguments, Names(plan.keys, target.below), plan.keys, plan.sizes,
            str(target.folder), bucket.subject() if bucket else "", origin=self._tab.origin,
        )  # fmt: skip

    def _begin(self, batch: Batch, show: Callable[[TransferReport], None]) -> None:
        """Add a batch to the queue, and show its report when it ends."""
        self._shows[batch] = show
        self._queue.start(batch)

    def _on_ended(self, batch: Batch, report: TransferReport) -> None:
        if batch in self._shows:
            # The report arrives as a result, so a lost connection in it is reported separately.
            self._tab.note_failures(report.failed)
            self._shows[batch](report)

    def _on_stopped(self, batch: Batch, error: StorageError) -> None:
        if batch in self._shows:
            self._tab.show_error(error, partial(self._queue.resume, [batch]))

    def _show_one(self, batch: Batch, changed: str, report: TransferReport) -> None:
        target, (name,) = Path(batch.target), batch.arguments["names"]
        if report.failed:
            error = report.failed[0].error
            self._tab.show_error(error, partial(self._queue.retry, batch))
            return
        if report.skipped:
            self._tab.banner.show_warning(f"{name} was not downloaded: {report.skipped[0][1]}.")
            return
        text = f"{name} downloaded, {format_size(report.size)}, {report.verdicts[0].value}."
        action = ("Open folder", lambda: open_folder(target))
        if changed:
            why = f"The name {changed} is not allowed on this file system."
            self._tab.banner.show_warning(text, why, action=action)
        else:
            self._tab.banner.show_good(text, action=action)

    def _show_several(self, batch: Batch, report: TransferReport) -> None:
        text = several_text(report)
        action = ("Open folder", lambda: open_folder(Path(batch.target)))
        if not report.failed:
            self._tab.banner.show_good(text, action=action)
            return
        first = report.failed[0]
        why = f"{len(report.failed):,} failed, first {first.key}: {first.reason}. {first.remedy}"
        self._tab.banner.show_warning(text, why, action=action)


def several_text(report: TransferReport) -> str:
    """Return the result of the download of several objects."""
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
    return " ".join(sentences)


def found_of(plan: Plan, below: str, target: Path, work: Work) -> _Found:
    """Return a plan with what is known of its files before the download.

    Raises:
        Cancelled: the token of `work` was cancelled.
    """
    if not target.is_dir():
        return _Found(plan)
    names = [key.removeprefix(below) for key in plan.keys]
    existing: list[ExistingFile] = []
    renamed: list[str] = []
    for number, path in enumerate(local_paths(target, names, plan.sizes)):
        work.check()
        if path is None:
            continue
        name = path.relative_to(target).as_posix()
        if name != names[number].removesuffix("/"):
            renamed.append(f"{shown(names[number])} as {shown(name)}")
        if path.exists():
            stat = path.stat()
            changed = file_moment(stat.st_mtime)
            existing.append(ExistingFile(number, name, plan.sizes[number], stat.st_size, changed))
    return _Found(plan, existing, _renamed_text(renamed))


def _renamed_text(renamed: Sequence[str]) -> str:
    if not renamed:
        return ""
    verb = "gets" if len(renamed) == 1 else "get"
    return (
        f" {format_count(len(renamed))} {verb} another name on this disk, the first {renamed[0]}."
    )


def existing_folder(used: object) -> Path:
    """Return the folder used last, else the user's download folder, else the home folder."""
    place = QStandardPaths.StandardLocation.DownloadLocation
    for path in (used, QStandardPaths.writableLocation(place)):
        if isinstance(path, str) and path and Path(path).is_dir():
            return Path(path)
    return Path.home()
