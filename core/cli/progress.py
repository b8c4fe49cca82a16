"""Progress on standard error: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.cli.standard_streams import report
from core.cli.text import printable
from core.units import format_duration, format_progress
from core.work import Progress

#: Seconds between two lines without a terminal; shorter operations print no line.
LINE_SECONDS = 5.0
Report = Callable[[Progress], None]


def amount(progress: Progress) -> str:
    """Return the progress as text, for example `12 of 60 files`."""
    return format_progress(progress.done, progress.total, progress.unit)


@contextmanager
def bar(what: str, opened: Callable[[Any], None]) -> Iterator[Report]:
    """Show a progress bar on the terminal while the block runs.

    Args:
        what: the name of the operation.
        opened: called with the bar, and with None when it is closed.
    """
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}", markup=False), BarColumn(),
               TextColumn("{task.fields[amount]}", markup=False), TimeElapsedColumn())  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(printable(what), total=None, amount="")
        opened(shown)

        def report(progress: Progress) -> None:
            shown.update(
                task, completed=progress.done, total=progress.total, amount=amount(progress)
            )

        try:
            yield report
        finally:
            opened(None)


@contextmanager
def lines(what: str, seconds: float | None = None) -> Iterator[Report]:
    """Write a line to standard error every few seconds while the block runs, even if it stalls.

    Args:
        what: the name of the operation.
        seconds: the time between two lines.
    """
    reporter = _Lines(printable(what), LINE_SECONDS if seconds is None else seconds)
    thread = threading.Thread(target=reporter.run, name="progress", daemon=True)
    thread.start()
    try:
        yield reporter.take
    finally:
        reporter.ended.set()
        thread.join()


class _Lines:
    """Writes the newest progress from a separate thread."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what, self._seconds = what, seconds
        self._newest = Progress()
        self._begun = time.monotonic()
        self.ended = threading.Event()

    def take(self, progress: Progress) -> None:
        self._newest = progress

    def run(self) -> None:
        while not self.ended.wait(self._seconds):
            # Read once: the attribute is replaced by another thread.
            newest, took = self._newest, format_duration(time.monotonic() - self._begun)
            far = f"{amount(newest)}, " if newest.done or newest.total else ""
            report(f"{self._what}: {far}{took}\n")
