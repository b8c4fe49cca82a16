"""The age of the catalogue, and the buttons that refresh it with what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from core.catalog.catalog import Catalog
from core.catalog.refresh import describe
from core.errors import AccessDenied, StorageError
from core.model.catalog import CatalogState, RefreshEstimate, RefreshReport
from core.units import format_counted, format_estimated_cost
from core.work import Progress, Work
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button
from gui.widgets.exchange import show_only
from gui.widgets.labels import AgePill

if TYPE_CHECKING:
    from gui.tabs.browser.tab import BrowserTab
    from gui.tasks import Task


class CatalogRefresh(QObject):
    """Refreshes the catalogue in the engine process.

    Signals:
        progressed: what the running refresh is doing.
        ended: the catalogue was refreshed, or the refresh has failed or was cancelled (False).
    """

    progressed = Signal(str)
    ended = Signal(bool)

    def __init__(self, tab: BrowserTab, banner: Banner) -> None:
        super().__init__(banner)
        self._tab, self._banner = tab, banner
        self._catalog: Catalog | None = None
        self._task: Task | None = None
        self.age = AgePill()
        self.new = plain_button("Refresh", self.list_new)
        self.everything = plain_button("List all keys", self.list_all)
        self.stop_button = plain_button("Stop", self.stop)
        self._show_buttons()

    @property
    def controls(self) -> tuple[QWidget, ...]:
        """The widgets in their order."""
        return self.age, self.everything, self.stop_button, self.new

    @property
    def running(self) -> bool:
        """Whether keys are being listed."""
        return self._task is not None

    def set_catalog(self, catalog: Catalog | None) -> None:
        """Refresh the catalogue of another bucket from now on, or of none."""
        self.stop()
        self._task, self._catalog = None, catalog
        self.age.clear_age()
        self._show_buttons()

    def show_state(self, state: CatalogState | None) -> None:
        """Show the age of the catalogue, and which part of it is damaged."""
        listed = state.listed_for("") if state else None
        if listed is not None:
            self.age.set_fetched(listed.recent)
        if state is not None and state.damaged:
            names = ", ".join(state.damaged)
            self._banner.show_warning(
                f"A part of the catalogue is damaged, so that keys are missing: {names}.",
                action=("Refresh", self.list_new),
            )

    def list_new(self) -> None:
        """List new keys, or all keys if there is no catalogue yet."""
        self._start(complete=False)

    def list_all(self) -> None:
        """List all keys, which also finds changed and deleted objects of former days."""
        self._start(complete=True)

    def stop(self) -> None:
        """Cancel the refresh; the former catalogue stays valid."""
        if self._task is not None:
            self._task.cancel()

    def estimate(self) -> None:
        """Show what a refresh costs as the tooltips of the buttons."""
        catalog = self._catalog
        if catalog is not None:
            self._tab.run(
                "Estimate a refresh", lambda work: _estimates(catalog, work), self._on_estimates,
                failed=lambda _error: None, latest="browser/search-estimate", quiet=True,
            )  # fmt: skip

    def _start(self, *, complete: bool, prefix: str = "") -> None:
        if self._catalog is None or self._task is not None:
            return
        self._banner.clear()
        self._task = self._tab.bulk(
            "List the keys of the bucket", "catalog.refresh",
            {"complete": complete, "prefix": prefix},
            self._on_report, failed=self._on_failed, progress=self._on_progress,
            cancelled=self._on_cancelled,
            command=self._tab.command(
                "catalog.refresh", *filter(None, [prefix]), options={"complete": complete}
            ),
        )  # fmt: skip
        self._show_buttons()
        self.progressed.emit("Listing")

    def _on_progress(self, progress: Progress) -> None:
        listed = f"Listing: {format_counted(progress.done, 'key')}"
        self.progressed.emit(progress.note or listed)

    def _on_report(self, report: RefreshReport) -> None:
        self._end(refreshed=True)
        self._banner.show_good(describe(report), passing=True)
        self.estimate()

    def _on_failed(self, error: StorageError) -> None:
        self._end(refreshed=False)
        folder = self._tab.prefix
        if isinstance(error, AccessDenied) and folder:
            self._banner.show_error(error, self._list_folder, "List only the open folder")
        else:
            self._banner.show_error(error, self.list_new if error.retryable else None)

    def _list_folder(self) -> None:
        """List the folder that the Browser shows: rights may be limited to it."""
        self._start(complete=False, prefix=self._tab.prefix)

    def _on_cancelled(self) -> None:
        self._end(refreshed=False)

    def _end(self, *, refreshed: bool) -> None:
        self._task = None
        self._show_buttons()
        self.ended.emit(refreshed)

    def _show_buttons(self) -> None:
        for button in (self.new, self.everything):
            button.allow(self._catalog is not None, "Connect to a bucket first.")
        wanted = {self.stop_button} if self.running else {self.new, self.everything}
        show_only((self.stop_button, self.new, self.everything), wanted)

    def _on_estimates(self, found: tuple[RefreshEstimate, RefreshEstimate]) -> None:
        new, everything = found
        self.new.set_hint(f"Lists new keys: {_cost(new)}")
        self.everything.set_hint(
            f"Also finds changed and deleted objects of former days: {_cost(everything)}"
        )


def _estimates(catalog: Catalog, work: Work) -> tuple[RefreshEstimate, RefreshEstimate]:
    return catalog.estimate(work=work), catalog.estimate(complete=True, work=work)


def _cost(estimate: RefreshEstimate) -> str:
    if estimate.requests is None or estimate.cost is None:
        return "one LIST request for each thousand keys"
    requests = format_counted(estimate.requests, "LIST request")
    return f"{requests}, {format_estimated_cost(estimate.cost)} ({estimate.prices})"
