"""What a person feels: the beat of the window under load, and how soon it is there."""

from __future__ import annotations

from collections.abc import Iterator

from tests.benchmarks import first_paint, heartbeat
from tests.benchmarks.figures import Figure
from tests.benchmarks.rig import rig

#: Our first paint may take so many times that of a bare window of the same toolkit.
_PAINT_RATIO = 1.2


def heartbeats() -> Iterator[Figure]:
    """Yield the longest gap of the GUI thread under each load, with its 99th percentile."""
    with rig() as endpoint:
        for name, load in (
            ("GUI gap while 1,000,000 keys are listed", heartbeat.while_listing),
            ("GUI gap while 50,000 files are uploaded", heartbeat.while_uploading),
        ):
            beats = load(endpoint)
            yield Figure(name, max(beats.gaps), "ms", heartbeat.MOST_MS, note=beats.note)


def paints() -> Iterator[Figure]:
    """Yield the time to our first paint, beside a bare PySide6 window's."""
    ours, bare, furnished = first_paint.medians()
    yield Figure("first window of --demo", ours, "s", first_paint.MOST_SECONDS)
    yield Figure(
        "first paint", ours, "s", 1 / _PAINT_RATIO, "bare PySide6 window", bare,
        f"(ours is {ours / bare:.2f} x as long, goal {_PAINT_RATIO:g} x; window, theme and tabs; "
        f"with header and status bar {furnished:.2f} s)",
    )  # fmt: skip
