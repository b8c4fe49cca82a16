"""The screenshots of every kind of preview, in the Browser of the demo, which gets the objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from core.objects.bucket import Bucket
from core.objects.writing import put
from core.work import Work
from gui.app.preview_samples import ROOT, PreviewSample, preview_samples
from gui.app.screenshots import Step
from gui.tabs.base import Tab
from gui.tabs.browser import BrowserTab
from gui.views.table_view import TableView

#: The column whose statistics are shown.
_COLUMN = 2

_Show = Callable[[BrowserTab], None]


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
