"""Lists the trash page by page and restores objects from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from PySide6.QtCore import QObject

from core.engine.operations import operation
from core.errors import StorageError
from core.local.activity import ChangeLog
from core.objects.bucket import Bucket
from core.objects.trash import DeletedObject, TrashCursor, list_trash
from core.units import format_counted, format_size, utc_now
from core.work import Progress, Work
from gui.dialogs.confirm import Confirm, ask
from gui.tabs.base import Tab
from gui.tabs.browser.removal import Removal
from gui.tabs.browser.trash_model import Who, deleted_by
from gui.tabs.browser.trash_pane import TrashPane
from gui.tasks import Task

#: The listing stops after this many versions until the user continues it: twenty requests.
VERSIONS_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Batch:
    """The deleted objects of a page, who deleted them, and the position of the listing."""

    objects: tuple[DeletedObject, ...]
    who: Who
    versions: int
    cursor: TrashCursor | None
    fetched: datetime


class Trash(QObject):
    """Loads the trash and restores objects from it."""

    def __init__(self, tab: Tab, pane: TrashPane, removal: Removal) -> None:
        super().__init__(tab)
        self._tab, self._pane, self._removal = tab, pane, removal
        self._bucket: Bucket | None = None
        self._cursor: TrashCursor | None = None
        self._versions = 0
        self._fresh = True
        self._task: Task | None = None
        self.question: Confirm | None = None
        pane.stop_wanted.connect(self.stop)
        pane.more_wanted.connect(self.more)
        pane.restore_wanted.connect(self._on_restore)

    def set_bucket(self, bucket: Bucket | None) -> None:
        """Use the trash of another bucket from now on."""
        self.stop()
        self._bucket = bucket
        self._pane.clear()

    def show(self) -> None:
        """List the trash from the beginning."""
        self._cursor, self._versions, self._fresh = None, 0, True
        self._pane.show_started()
        self._list()

    def more(self) -> None:
        """Continue a listing that stopped."""
        self._pane.show_listing(running=True, more=False, versions=self._versions)
        self._list()

    def stop(self) -> None:
        """Stop the listing."""
        if self._task is not None and self._task.running:
            self._task.cancel()
            self._on_listed(None)

    def _list(self) -> None:
        bucket, log = self._bucket, self._tab.context.log
        if bucket is None:
            return
        # Read here, in the thread of the window; the worker thread gets values.
        start, before = self._cursor, self._versions
        self._task = self._tab.run(
            "List the trash", lambda work: load_trash(bucket, log, start, before, work),
            self._on_listed, batch=self._on_batch, failed=self._on_failed,
            latest="browser/trash", quiet=True,
        )  # fmt: skip

    def _on_batch(self, batch: Batch) -> None:
        # Old rows stay until the first page of the new listing arrives.
        if self._fresh:
            self._fresh = False
            self._pane.model.clear()
        chosen = {each.key for each in self._pane.selected}
        self._pane.model.add(batch.objects, batch.who)
        self._pane.select(chosen)
        self._cursor, self._versions = batch.cursor, batch.versions
        self._pane.show_rows(batch.fetched)
        self._pane.show_listing(running=True, more=False, versions=self._versions)

    def _on_listed(self, _result: object) -> None:
        self._task = None
        more = self._cursor is not None
        self._pane.show_listing(running=False, more=more, versions=self._versions)

    def _on_failed(self, error: StorageError) -> None:
        self._task = None
        self._pane.show_failed(error)
        self._tab.show_error(error, self.show)

    def _on_restore(self, objects: list[DeletedObject], everything: bool) -> None:
        hidden = [(each.key, each.markers) for each in objects]
        if not everything:
            self._removal.restore(hidden)
            return
        size = format_size(sum(each.size for each in objects))
        self.question = ask(
            self._tab, f"Restore {format_counted(len(objects), 'deleted object')}?",
            f"All listed objects are restored, {size}.",
            lambda: self._removal.restore(hidden),
            names=[each.key for each in objects], button="Restore all",
        )  # fmt: skip


def load_trash(
    bucket: Bucket, log: ChangeLog, cursor: TrashCursor | None, before: int, work: Work
) -> None:
    """Pass pages of the trash (`Batch`) to `work.batch`, until its end or the limit.

    Args:
        bucket: the bucket.
        log: the log of changes, with the deletes made on this computer.
        cursor: where to continue; None for the beginning.
        before: the number of versions read before.
        work: cancellation, progress and batches.

    Raises:
        StorageError: the versions cannot be listed.
    """
    who = deleted_by(log.read(), bucket.subject(), operation("objects.delete_many").title)
    read = before
    while True:
        fetched = utc_now()
        page = list_trash(bucket, cursor=cursor, work=work)
        read += page.versions
        cursor = page.cursor
        work.batch(Batch(page.objects, who, read, cursor, fetched))
        work.report(Progress(read, unit="versions"))
        if cursor is None or read - before >= VERSIONS_AT_ONCE:
            return
