"""What is shown for each screenshot: tabs and pages, or every kind of preview.

Previews are shown in the Browser of the demo, whose bucket gets the objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from core.demo.preview_samples import ROOT, PreviewSample, preview_samples
from core.objects.bucket import Bucket
from core.objects.writing import put
from core.work import Work
from gui.app.samples import show_page, show_sample
from gui.tab_list import TABS
from gui.tabs.base import Tab
from gui.tabs.browser import BrowserTab
from gui.tabs.browser.pages import PAGES
from gui.views.table_view import TableView

#: The column whose statistics are shown.
_COLUMN = 2

_Show = Callable[[BrowserTab], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One screenshot.

    Attributes:
        name: the file name without the theme; empty for a step without a screenshot.
        tab: the tab.
        title: what is shown, for messages.
        shows: called one after the other, each when the tab has loaded what the former has begun.
    """

    name: str
    tab: str
    title: str
    shows: tuple[Callable[[Tab], None], ...]


def tab_steps() -> Iterator[Step]:
    """Yield the steps of all tabs and of the pages of the Browser."""
    for number, spec in enumerate(TABS, 1):
        name = f"{number:02}-{spec.id}"
        yield Step(name, spec.id, f"the tab {spec.title}", (show_sample,))
        for page, kind in PAGES.items() if spec.id == "browser" else ():
            title = f"the page {kind.label}"
            yield Step(f"{name}-{page}", spec.id, title, (partial(show_page, page),))


def preview_steps() -> Iterator[Step]:
    """Yield the steps: the objects are stored, then each of their views is shown."""
    yield _step("", "the samples of previews", _store)
    for sample in preview_samples():
        opens = _opened(sample)
        for view in sample.views or ("",):
            # Without this the view that was chosen before would be shown again.
            shows = (*opens, partial(_select, view) if view else _first)
            name = "-".join(part for part in ("preview", sample.name, view.lower()) if part)
            yield _step(name, f"the preview {sample.name} {view}".rstrip(), *shows)
            opens = ()
        if sample.statistics:
            title = f"the statistics of {sample.name}"
            yield _step(f"preview-{sample.name}-statistics", title, _first, _open_statistics)


def _step(name: str, title: str, *shows: _Show) -> Step:
    return Step(name, "browser", title, tuple(partial(_in_browser, show) for show in shows))


def _in_browser(show: _Show, tab: Tab) -> None:
    if isinstance(tab, BrowserTab):
        show(tab)


def _opened(sample: PreviewSample) -> tuple[_Show, ...]:
    """Return how a sample is opened: by its key, or by its folder, whose objects are joined."""
    if not sample.joined:
        return (lambda tab: tab.open_target(sample.keys[0]),)
    return (
        lambda tab: tab.arrive(ROOT, f"{ROOT}{sample.name}/"),
        lambda tab: tab.object.preview.joined_wanted.emit(),
    )


def _store(tab: BrowserTab) -> None:
    bucket = tab.bucket
    if bucket is not None:
        tab.run("Store samples", partial(_put_samples, bucket), lambda _stored: tab.go_to(ROOT))


def _put_samples(bucket: Bucket, work: Work) -> int:
    """Store the objects of all samples, and return their number."""
    count = 0
    for sample in preview_samples():
        for key, (_, body) in zip(sample.keys, sample.files, strict=True):
            put(bucket, key, body, work=work)
            count += 1
    return count


def _select(label: str, tab: BrowserTab) -> None:
    tab.object.preview.switch.select(label)


def _first(tab: BrowserTab) -> None:
    """Show the first view of the object."""
    preview = tab.object.preview
    if preview.preview is not None:
        preview.switch.select(preview.preview.representations[0].label)


def _open_statistics(tab: BrowserTab) -> None:
    view = tab.object.preview.content_view
    if isinstance(view, TableView):
        view.open_statistics(_COLUMN)
