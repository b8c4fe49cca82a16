"""Local copies of selected objects: what a drag or the clipboard hands to another program."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from uuid import uuid4

from PySide6.QtCore import QObject

from core.errors import InvalidInput, StorageError
from core.paths import cache_dir
from core.transfer.local_names import local_paths
from core.transfer.values import TransferReport
from core.units import format_count, format_counted, format_size
from core.work import Work
from gui.tabs.base import Tab
from gui.tabs.browser.counting import summary_of
from gui.tabs.browser.listing import common_folder
from gui.tabs.browser.loading import Plan, plan_of
from gui.tabs.browser.object_selection import ObjectSelection

#: A drag ends when the button is released, so its files must be small: objects, and bytes together.
MOST_OBJECTS, MOST_BYTES = 1_000, 256_000_000
#: Seconds for which copies are handed out again, and after which they are removed: a file manager
#: copies them some time after they were dropped or pasted.
_FRESH, _OLD = 120, 86_400


@dataclass(eq=False, slots=True)
class Copies:
    """The copies of one selection.

    Attributes:
        token: that of the selection.
        keys: the selected rows, by which a second drag finds the copies of the first.
        paths: the files and folders; empty until their names are known.
        only_files: whether only files are selected: each one exists under its name when it is
            complete.
        complete: whether all of them exist.
        made: when they were requested, in seconds of the monotonic clock.
        waiting: what to call when all of them exist.
    """

    token: str
    keys: tuple[str, ...]
    paths: tuple[Path, ...] = ()
    only_files: bool = True
    complete: bool = False
    made: float = field(default_factory=time.monotonic)
    waiting: list[Callable[[Copies], object]] = field(default_factory=list)

    def offered(self) -> Sequence[Path]:
        """Return the paths that another program may be given now.

        Some programs request them when the drag enters their window. A file may be named before it
        exists, since it appears only when it is complete; a folder would be copied incompletely.
        """
        return self.paths if self.complete or self.only_files else ()


@dataclass(frozen=True, slots=True)
class _Planned:
    """The objects, the folder of their copies, and the paths of the selected rows in it."""

    plan: Plan
    root: Path
    below: str
    paths: tuple[Path, ...]


class LocalCopies(QObject):
    """Downloads selections into a private folder of this computer."""

    def __init__(self, tab: Tab) -> None:
        super().__init__(tab)
        self._tab = tab
        self._last: Copies | None = None

    def forget(self) -> None:
        """Do not hand out the last copies again: objects have changed, or another bucket is shown."""
        self._last = None

    def is_too_large(self, what: ObjectSelection) -> bool:
        """Return whether the selected objects are too many, without those in selected folders."""
        objects = len(what.entries) - len(what.folders)
        return objects > MOST_OBJECTS or summary_of(what.entries)[0] > MOST_BYTES

    def copies_of(self, what: ObjectSelection) -> Copies:
        """Return the copies of a selection, which may not be requested yet."""
        keys, last = tuple(what.names()), self._last
        fresh = last is not None and time.monotonic() - last.made < _FRESH
        if last is None or not fresh or last.keys != keys:
            return Copies(what.token, keys, only_files=not what.folders)
        return last

    def fetch(
        self, what: ObjectSelection, copies: Copies, then: Callable[[Copies], object]
    ) -> None:
        """Download the objects unless that was done, and call `then` when all files exist.

        Errors are shown in the banner; then nothing is called.
        """
        if copies.complete:
            then(copies)
            return
        if then not in copies.waiting:  # a drag may leave the window several times
            copies.waiting.append(then)
        if self._last is copies:
            return
        self._last = copies
        items = format_counted(len(what.entries), "item")
        self._tab.banner.show_info(f"Preparing {items} for another program…")
        rows = [entry.row for entry in what.entries if entry.row]
        folders, below = what.folders, common_folder(copies.keys)

        def find_out(work: Work) -> _Planned:
            plan = plan_of(what.bucket, rows, folders, work)
            if len(plan.keys) > MOST_OBJECTS or plan.size > MOST_BYTES:
                raise InvalidInput(
                    too_large(len(plan.keys), plan.size),
                    remedy="Download them into a folder, which is possible for any amount.",
                )
            return planned(plan, below, _new_folder())

        self._tab.run(
            "Plan local copies", find_out, partial(self._download, copies),
            failed=self._on_failed, quiet=True,
        )  # fmt: skip

    def _download(self, copies: Copies, found: _Planned) -> None:
        plan, count = found.plan, format_counted(len(found.plan.keys), "object")
        copies.paths = found.paths
        self._tab.banner.show_info(
            f"Downloading {count}, {format_size(plan.size)}, for another program…"
        )
        self._tab.bulk(
            f"Download {count} for another program", "transfer.download",
            {
                "keys": list(plan.keys), "sizes": list(plan.sizes), "etags": list(plan.etags),
                "folder": str(found.root), "below": found.below,
            },
            partial(self._on_done, copies), failed=self._on_failed, target=str(found.root),
            here=True,
        )  # fmt: skip

    def _on_failed(self, error: StorageError) -> None:
        self.forget()
        self._tab.show_error(error)

    def _on_done(self, copies: Copies, report: TransferReport) -> None:
        if report.failed:
            self._on_failed(_failure(report))
            return
        copies.complete = True
        for then in copies.waiting:
            then(copies)
        copies.waiting.clear()


def _failure(report: TransferReport) -> StorageError:
    first, count = report.failed[0], format_count(len(report.failed))
    objects = format_counted(report.planned, "object")
    return StorageError(
        f"{count} of {objects} could not be downloaded for another program",
        cause=f"First {first.key}: {first.reason}.",
        remedy=first.remedy,
        details="\n".join(f"{each.key}: {each.reason}" for each in report.failed),
        kind=first.kind,
    )


def too_large(objects: int, size: int) -> str:
    """Return that a selection is too large to be handed to another program as files."""
    return (
        f"{format_counted(objects, 'object')} with {format_size(size)} are too many for another "
        f"program: at most {format_count(MOST_OBJECTS)} and {format_size(MOST_BYTES)}"
    )


def planned(plan: Plan, below: str, root: Path) -> _Planned:
    """Return the copies of a plan: the selected rows are at the top of their folder."""
    names = [key.removeprefix(below) for key in plan.keys]
    tops = (
        root / path.relative_to(root).parts[0]
        for path in local_paths(root, names, plan.sizes)
        if path is not None
    )
    return _Planned(plan, root, below, tuple(dict.fromkeys(tops)))


def _new_folder() -> Path:
    """Return an empty private folder, and remove those of former days."""
    parent = cache_dir() / "handed-out"
    parent.mkdir(mode=0o700, exist_ok=True)
    for each in parent.iterdir():
        with suppress(FileNotFoundError):  # another window has removed it
            if time.time() - each.stat().st_mtime > _OLD:
                shutil.rmtree(each, ignore_errors=True)
    folder = parent / uuid4().hex[:12]
    folder.mkdir(mode=0o700)
    return folder
