"""Loads what the object pane requests: objects, their versions, pictures, and counts of folders."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from core.model.listing import ObjectRow
from core.objects.versions import list_versions
from core.preview import Picture, Preview
from gui.tabs.base import Tab
from gui.tabs.browser.counting import count_folder
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.listing import Listing
from gui.tabs.browser.loading import inspect_object
from gui.tabs.browser.object_pane import ObjectPane
from gui.tasks import Task
from gui.views.background import background_of
from gui.views.picture_view import decoded


class Inspecting(QObject):
    """Runs the requests of the object pane in worker threads."""

    def __init__(self, tab: Tab, listing: Listing, pane: ObjectPane) -> None:
        super().__init__(tab)
        self._tab, self._listing, self._pane = tab, listing, pane
        self._running: Task | None = None
        pane.wanted.connect(self._on_wanted)
        pane.left.connect(self._on_left)
        pane.versions_wanted.connect(self._on_versions)
        pane.count_wanted.connect(self._on_count)
        pane.preview.picture_wanted.connect(self._on_picture)
        pane.preview.joined_wanted.connect(self._on_joined)
        pane.preview.background = background_of(tab.context.runner)

    def _on_wanted(self, key: str) -> None:
        bucket = self._listing.bucket
        if bucket is not None and key:
            self._running = self._tab.run(
                f"Preview {key}", lambda work: inspect_object(bucket, key, work),
                self._pane.show_inspection, failed=self._pane.show_failure,
                latest="browser/preview", quiet=True,
            )  # fmt: skip

    def _on_left(self) -> None:
        if self._running is not None and self._running.running:
            self._running.cancel()
        self._running = None

    def _on_joined(self) -> None:
        bucket, selection = self._listing.bucket, self._pane.selection
        if bucket is not None and selection:
            rows, prefixes = _parts(selection)

            def show(joined: Preview) -> None:
                self._pane.show_joined(selection, joined)

            self._running = self._tab.bulk(
                "Show the selection together", "preview.join",
                {"objects": [(row.key, row.size, row.etag) for row in rows], "prefixes": prefixes},
                show, failed=lambda error: self._pane.show_not_joined(selection, error),
                latest="browser/preview",
            )  # fmt: skip

    def _on_versions(self, key: str) -> None:
        bucket = self._listing.bucket
        if bucket is not None:
            self._tab.run(
                f"Versions of {key}", lambda work: list_versions(bucket, key, work=work),
                lambda versions: self._pane.show_versions(key, versions), quiet=True,
            )  # fmt: skip

    def _on_count(self, prefix: str) -> None:
        """Count the selected folder if the count of the bucket did not reach it."""
        bucket = self._listing.bucket
        if bucket is not None:
            self._tab.run(
                f"Count {prefix}", lambda work: count_folder(bucket, prefix, work),
                lambda total: self._pane.show_folder(prefix, total),
                failed=lambda error: self._pane.show_not_counted(prefix, error),
                latest="browser/count-folder", quiet=True,
            )  # fmt: skip

    def _on_picture(self, picture: Picture) -> None:
        view = self._pane.preview.picture_view()
        if view is not None:
            self._tab.run(
                "Open picture", lambda _work: decoded(picture),
                lambda image: view.show_image(picture, image), latest="browser/picture", quiet=True,
            )  # fmt: skip


def _parts(selection: Sequence[Entry]) -> tuple[list[ObjectRow], list[str]]:
    """Return the objects and the prefixes of selected rows."""
    rows = [each.row for each in selection if each.row is not None]
    return rows, [each.key for each in selection if each.folder]
