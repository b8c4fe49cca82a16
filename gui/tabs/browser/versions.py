"""Lists, previews, compares, restores and deletes the versions of one object."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject

from core.model.objects import Written
from core.objects.bucket import Bucket
from core.objects.deleting import delete
from core.objects.difference import compare_versions
from core.objects.in_place import restore_version
from core.objects.reading import head, read
from core.objects.versions import ObjectVersion, list_versions
from core.preview import HEAD_BYTES, Preview, preview
from core.units import format_moment, format_size
from core.work import Work
from gui.dialogs.confirm import Confirm, ask
from gui.tabs.base import Tab
from gui.tabs.browser.listing import Listing
from gui.tabs.browser.versions_dialog import VersionsDialog
from gui.views.background import background_of
from gui.widgets.dialog import while_exists


class VersionTools(QObject):
    """Opens the dialog and does what it requests.

    Args:
        tab: the Browser tab.
        listing: the listing with the bucket.
        refresh: called with the key of an object whose current version has changed.
    """

    def __init__(self, tab: Tab, listing: Listing, refresh: Callable[[str], object]) -> None:
        super().__init__(tab)
        self._tab, self._listing, self._refresh = tab, listing, refresh
        self.dialog: VersionsDialog | None = None
        self.question: Confirm | None = None

    def open(self, key: str) -> None:
        """List and show the versions of an object."""
        bucket = self._listing.bucket
        if bucket is None:
            return
        self._tab.banner.clear()
        dialog = VersionsDialog(self._tab, key, locked=self._tab.context.locked_reason)
        dialog.preview_wanted.connect(partial(self._preview, dialog, bucket, key))
        dialog.compare_wanted.connect(partial(self._compare, dialog, bucket, key))
        dialog.restore_wanted.connect(partial(self._restore, dialog, bucket, key))
        dialog.delete_wanted.connect(partial(self._ask_delete, dialog, bucket, key))
        dialog.preview.background = background_of(self._tab.context.runner)
        self.dialog = dialog
        self._list(dialog, bucket, key)
        dialog.open()

    def _list(self, dialog: VersionsDialog, bucket: Bucket, key: str) -> None:
        self._tab.run(
            f"Versions of {key}", lambda work: list_versions(bucket, key, work=work),
            while_exists(dialog, dialog.show_versions),
            failed=while_exists(dialog, dialog.show_problem), quiet=True,
        )  # fmt: skip

    def _preview(
        self, dialog: VersionsDialog, bucket: Bucket, key: str, version: ObjectVersion
    ) -> None:
        self._tab.run(
            f"Preview a version of {key}",
            lambda work: preview_version(bucket, key, version.version_id, work),
            while_exists(dialog, partial(dialog.show_preview, version)),
            failed=while_exists(dialog, dialog.show_problem),
            latest="browser/version", quiet=True,
        )  # fmt: skip

    def _compare(
        self,
        dialog: VersionsDialog,
        bucket: Bucket,
        key: str,
        older: ObjectVersion,
        newer: ObjectVersion,
    ) -> None:
        ids = older.version_id, newer.version_id
        self._tab.run(
            f"Compare versions of {key}",
            lambda work: compare_versions(bucket, key, *ids, work=work),
            while_exists(dialog, dialog.show_difference),
            failed=while_exists(dialog, dialog.show_problem),
            latest="browser/version", quiet=True,
        )  # fmt: skip

    def _restore(
        self, dialog: VersionsDialog, bucket: Bucket, key: str, version: ObjectVersion
    ) -> None:
        def then(_written: Written) -> None:
            moment = format_moment(version.modified)
            self._on_changed(dialog, bucket, key, f"The version of {moment} is current again.")

        self._tab.run(
            f"Restore a version of {key}",
            lambda work: restore_version(bucket, key, version.version_id, work=work),
            then, failed=while_exists(dialog, dialog.show_problem),
            call=self._tab.call("objects.restore_version", key=key),
        )  # fmt: skip

    def _ask_delete(
        self, dialog: VersionsDialog, bucket: Bucket, key: str, version: ObjectVersion
    ) -> None:
        name = key.rpartition("/")[2] or key
        stored = format_moment(version.modified)
        text = (
            f"The delete marker of {stored} is removed, so that the version before it is visible."
            if version.marker
            else f"The version of {stored}, {format_size(version.size)}, is lost. This cannot be "
            "undone."
        )
        self.question = ask(
            dialog, f"Delete a version of {name} permanently?", text,
            lambda: self._delete(dialog, bucket, key, version), names=[version.version_id],
            button="Delete permanently", danger=True, typed=None if version.marker else name,
        )  # fmt: skip

    def _delete(
        self, dialog: VersionsDialog, bucket: Bucket, key: str, version: ObjectVersion
    ) -> None:
        self._tab.run(
            f"Delete a version of {key}",
            lambda work: delete(bucket, key, version_id=version.version_id, work=work),
            lambda _deleted: self._on_changed(dialog, bucket, key, "The version was deleted."),
            failed=while_exists(dialog, dialog.show_problem),
            call=self._tab.call("objects.delete", key=key),
        )  # fmt: skip

    def _on_changed(self, dialog: VersionsDialog, bucket: Bucket, key: str, text: str) -> None:
        while_exists(dialog, lambda _none: self._list(dialog, bucket, key))(None)
        self._refresh(key)
        self._tab.banner.show_good(text)


def preview_version(bucket: Bucket, key: str, version_id: str, work: Work) -> Preview:
    """Return the preview of the beginning of a version.

    Raises:
        StorageError: the version does not exist, is archived, or may not be read.
    """
    info = head(bucket, key, version_id=version_id, work=work)
    length = min(info.size, HEAD_BYTES)
    data = read(bucket, key, start=0, length=length, version_id=version_id, work=work)
    return preview(data, key, total=info.size, content_type=info.content_type, work=work)
