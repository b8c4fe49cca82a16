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
from core.work import Progress, Standstill

#: Seconds between two lines without a terminal; shorter operations print no line.
LINE_SECONDS = 5.0
#: The longest step that is shown completely, in characters; of a longer one, such as a key, its
#: end.
_LONGEST_STEP = 30
#: The columns of a terminal that the texts need beside the bar.
_TEXT_WIDTH = 65
Report = Callable[[Progress], None]


def amount(progress: Progress) -> str:
    """Return the progress as text, for example `12 of 60 files`."""
    return format_progress(progress.done, progress.total, progress.unit)


def title(what: str, progress: Progress) -> str:
    """Return an operation and its present step as text, for example `Restoring, checking`."""
    step = _step(progress)
    if step == what.lower():  # “Comparing” may be the last step of itself
        step = ""
    return printable(f"{what}, {step}" if step else what)


def _step(progress: Progress) -> str:
    step = progress.note
    return step if len(step) <= _LONGEST_STEP else f"…{step[1 - _LONGEST_STEP :]}"


@contextmanager
def bar(what: str, opened: Callable[[Any], None]) -> Iterator[Report]:
    """Show a progress bar on the terminal while the block runs.

    Args:
        what: the name of the operation.
        opened: called with the bar, and with None when it is closed.
    """
    from rich.console import Console
    from rich.progress import BarColumn, ProgressColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    console, begun, still = Console(stderr=True), time.monotonic(), Standstill()
    width = console.width
    drawn = max(0, min(40, width - _TEXT_WIDTH))
    newest = Progress()

    class _Start(ProgressColumn):
        """The operation and its step, as much as the numbers leave room for."""

        def render(self, task: Any) -> Text:  # noqa: ARG002 - it is the only task
            room = width - drawn - len(_end(newest, begun, still, width)) - 2
            text = title(what, newest)
            if len(text) > room:
                text = printable(_step(newest)) or text
            return Text(cut(text, max(room, 0)))

    class _End(ProgressColumn):
        """The numbers, which change without further reports."""

        def render(self, task: Any) -> Text:  # noqa: ARG002 - it is the only task
            return Text(
                cut(_end(newest, begun, still, width), width), style="yellow" if still.text else ""
            )

    columns = (_Start(), *((BarColumn(drawn),) if drawn else ()), _End())
    with Bar(*columns, console=console, transient=True) as shown:
        task = shown.add_task(printable(what), total=None)
        opened(shown)

        def report(progress: Progress) -> None:
            nonlocal newest
            newest = progress
            still.take(progress)
            shown.update(task, completed=progress.done, total=progress.total)

        try:
            yield report
        finally:
            opened(None)


def _end(progress: Progress, begun: float, still: Standstill, width: int) -> str:
    """Return the amount and the time since the beginning, or since the last progress."""
    far = amount(progress) if progress.done or progress.total else ""
    seconds = int(time.monotonic() - begun)
    last = still.text or (f"{seconds} s" if seconds < 60 else format_duration(seconds))
    text = ", ".join(filter(None, (far, last)))
    return text if len(text) < width - 2 else last


def cut(text: str, width: int) -> str:
    """Return the beginning of a text in at most so many characters."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


@contextmanager
def lines(what: str, seconds: float | None = None) -> Iterator[Report]:
    """Write a line to standard error every few seconds while the block runs, even if it stalls.

    Args:
        what: the name of the operation.
        seconds: the time between two lines.
    """
    reporter = _Lines(what, LINE_SECONDS if seconds is None else seconds)
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
        self._still = Standstill()
        self._begun = time.monotonic()
        self.ended = threading.Event()

    def take(self, progress: Progress) -> None:
        self._newest = progress
        self._still.take(progress)

    def run(self) -> None:
        while not self.ended.wait(self._seconds):
            # Read once: the attribute is replaced by another thread.
            newest, took = self._newest, format_duration(time.monotonic() - self._begun)
            far = amount(newest) if newest.done or newest.total else ""
            texts = ", ".join(filter(None, (far, took, self._still.text)))
            report(f"{title(self._what, newest)}: {texts}\n")
