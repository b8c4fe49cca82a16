"""Content for screenshots: shows a typical object, transfer or result in each tab.

It uses the tabs as a user does, so that they contain no code for screenshots.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt

from core.model.connection import DEFAULT_SECRET_NAME
from core.objects.bucket import Bucket
from core.objects.level import list_level
from core.paths import cache_dir
from core.preview import Candles
from core.work import Work
from core.workspace import Workspace
from gui.tabs.backups import BackupsTab
from gui.tabs.base import Tab
from gui.tabs.browser import BrowserTab
from gui.tabs.credentials import CredentialsTab
from gui.tabs.links import LinksTab
from gui.tabs.statistics import StatisticsTab
from gui.tabs.uploads import UploadsTab
from gui.widgets.table import choose_row

if TYPE_CHECKING:
    from gui.tabs.browser.collect.page import CollectPage
    from gui.tabs.browser.coverage.page import CoveragePage
    from gui.tabs.browser.query.page import QueryPage
    from gui.tabs.browser.search.page import SearchPage

#: A demo file with a gap and a duplicate; in other buckets any candle file is used.
_EXAMPLE = "market-data/ohlcv/BTC-USD/1h/2024/01/15/2024-01-15T10:00:00Z.json"
_STARTS = ("market-data/ohlcv/BTC-USD/1h/", "market-data/ohlcv/", "market-data/", "")
#: Number of levels that are searched for a file.
_DEPTH = 12
#: The share of the candles before the one under the crosshair.
_POINTED_AT = 47 / 64


def show_sample(tab: Tab) -> None:
    """Load typical content into a tab; tabs without a sample stay as they are."""
    show = SAMPLES.get(type(tab))
    if show is not None and tab.context.workspace is not None:
        show(tab)


def show_page(name: str, tab: Tab) -> None:
    """Open a page of the Browser and load typical content into it."""
    if isinstance(tab, BrowserTab) and tab.context.workspace is not None:
        tab.open_page(name)
        PAGE_SAMPLES.get(name, lambda _page: None)(tab.contents.page)


# Browser


def _show_candles(tab: BrowserTab) -> None:
    """Show a candle file, its number of versions, and the values of one candle."""
    bucket = tab.bucket
    if bucket is not None:
        tab.run(
            "Find an example",
            lambda work: sample_key(bucket, work),
            lambda key: _open_candles(tab, key),
        )


def _open_candles(tab: BrowserTab, key: str) -> None:
    if key:
        once = Qt.ConnectionType.SingleShotConnection
        tab.object.inspected.connect(partial(_on_candles_shown, tab), once)
        tab.open_target(key)


def _on_candles_shown(tab: BrowserTab) -> None:
    from gui.views.candle_view import CandleView  # imports numpy, which only charts need

    inspection, view = tab.object.inspection, tab.object.preview.content_view
    # The preview failed; the picture then shows the reason.
    if inspection is None:
        return
    tab.object.inspector.ask.click()
    representation = inspection.preview.representations[0] if inspection.preview else None
    if isinstance(representation, Candles) and isinstance(view, CandleView):
        view.chart.point_at(
            representation.candles[int(len(representation.candles) * _POINTED_AT)].when
        )


def sample_key(bucket: Bucket, work: Work) -> str:
    """Return the key of a candle file, or "" when the bucket is empty.

    Raises:
        StorageError: the bucket cannot be listed.
    """
    if list_level(bucket, _EXAMPLE, work=work).objects:
        return _EXAMPLE
    for start in _STARTS:
        page = list_level(bucket, start, work=work)
        depth = 0
        while page.folders and not page.objects and depth < _DEPTH:
            # The middle one: the first and last folder of a series often have few files.
            page = list_level(bucket, page.folders[len(page.folders) // 2], work=work)
            depth += 1
        if page.objects:
            return page.objects[len(page.objects) // 2].key
    return ""


def _show_search(page: SearchPage) -> None:
    """List the keys, and search some of them; one is selected."""
    once = Qt.ConnectionType.SingleShotConnection
    page.field.setText("symbol:BTC* timeframe:1h time:2024-01 size:>1KB")
    page.found.connect(lambda: choose_row(page.table, 2), once)
    page.refresh()


def _show_coverage(page: CoveragePage) -> None:
    """List the keys, and show a day with missing hours."""
    once = Qt.ConnectionType.SingleShotConnection
    page.loaded.connect(lambda: page.calendar.go_to_gap(1), once)
    page.refresh()


def _show_collection(page: CollectPage) -> None:
    """Collect three days of candles, and show them as a chart."""
    once = Qt.ConnectionType.SingleShotConnection
    page.form.show_place("market-data/ohlcv/BTC-USD/1h/2024/01/")
    page.form.names.setText("BTC-USD, ETH-USD")
    page.planned.connect(page.start_collect, once)
    page.collected.connect(lambda: page.result.views.select("chart"), once)
    page.start_plan()


def _show_query(page: QueryPage) -> None:
    """Query the catalogue, or what was collected for the former picture."""
    names = [name for name in page.tables.known if name.startswith("ohlcv")]
    if names:
        page.statement.setPlainText(
            "SELECT symbol, date_trunc('day', timestamp) AS day, max(high) AS high, min(low) AS low,\n"
            f"       sum(volume) AS volume\nFROM {names[0]} GROUP BY ALL ORDER BY ALL"
        )
    page.start()


# Uploads


def _upload_reports(tab: UploadsTab) -> None:
    """Upload a few reports, then plan them with others, which gives a queue and conflicts."""
    tab.run("Create samples", lambda _work: sample_folder(), partial(_plan_reports, tab))


def _plan_reports(tab: UploadsTab, folder: str) -> None:
    def start() -> None:
        if tab.form.plan.plan is not None:  # a task that started earlier also settles the tab
            tab.settled.disconnect(start)
            tab.transfers.ended.connect(plan_all, Qt.ConnectionType.SingleShotConnection)
            tab.start()

    def plan_all(*_ended: object) -> None:
        tab.form.set_prefix("analytics/")
        tab.form.add([folder])

    tab.settled.connect(start)
    tab.form.set_prefix("analytics/imports/")
    tab.form.add([f"{folder}/reports-2024"])


def sample_folder() -> str:
    """Write two folders of small reports into a folder of the cache and return that folder."""
    root = cache_dir() / "imports"
    folders = (root / "reports-2024", root / "reports-2025")
    for folder, count in zip(folders, (12, 40), strict=True):
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, count + 1):
            body = {"report_type": "daily", "analysis": {"day": number, "volume": number * 1021}}
            text = json.dumps(body, indent=2) + " " * (number * 731)
            (folder / f"daily-{number:02}.json").write_text(text)
    return str(root)


# Other tabs


def _create_links(tab: LinksTab) -> None:
    """Create links for two reports."""
    workspace = tab.context.workspace
    if workspace is not None:
        tab.run("Find reports", partial(_some_reports, workspace), partial(_link_to, tab))


def _some_reports(workspace: Workspace, work: Work) -> list[str]:
    work.check()
    rows = workspace.s3.list_objects("analytics/", max_keys=2)
    return [str(row["key"]) for row in rows]


def _link_to(tab: LinksTab, keys: list[str]) -> None:
    tab.form.set_keys(keys)
    tab.form.make.click()


def _scan(tab: StatisticsTab) -> None:
    """Start a scan unless there is a result."""
    if not tab.treemap.cells:
        tab.scan.click()


def _plan_rotation(tab: CredentialsTab) -> None:
    """Show the plan to rotate the platform's key, and the permissions of the profile."""
    tab.secrets.choose(DEFAULT_SECRET_NAME)
    tab.actions_on_profiles.test()
    tab.rotation.open(DEFAULT_SECRET_NAME)


#: What the pages of the Browser show in screenshots. Every function takes a page of its type.
PAGE_SAMPLES: dict[str, Callable[[Any], None]] = {
    "search": _show_search,
    "coverage": _show_coverage,
    "collect": _show_collection,
    "query": _show_query,
}
#: What each tab shows in screenshots. Every function takes a tab of its type.
SAMPLES: dict[type[Tab], Callable[[Any], None]] = {
    BackupsTab: BackupsTab.present,
    BrowserTab: _show_candles,
    CredentialsTab: _plan_rotation,
    LinksTab: _create_links,
    StatisticsTab: _scan,
    UploadsTab: _upload_reports,
}
