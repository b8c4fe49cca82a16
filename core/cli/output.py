"""How results, progress and errors are shown: for people on a terminal, as JSON, or for a pipe."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from core.errors import StorageError
from core.redaction import MASK, Secret, redacted
from core.units import iso_utc
from core.work import CancelToken, Progress, Work


class Output:
    """Results go to standard output, everything else to standard error."""

    def __init__(self, *, as_json: bool, token: CancelToken) -> None:
        self.as_json = as_json
        self._token = token
        self._bar: Any = None

    def result(self, value: Any, show: Callable[[], None]) -> None:
        """Give a command's result: as one JSON value if that was asked for, else by `show`."""
        if self.as_json:
            sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2) + "\n")
        else:
            show()

    def line(self, text: str) -> None:
        """Write one line of a result; on a terminal control characters are escaped."""
        sys.stdout.write((printable(text) if sys.stdout.isatty() else text) + "\n")

    def note(self, text: str) -> None:
        """Say something that is no result."""
        if not self.as_json:
            sys.stderr.write(printable(text) + "\n")

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()
    ) -> None:
        """Write rows: aligned on a terminal, apart by tabs in a pipe."""
        if not sys.stdout.isatty():
            for row in rows:
                sys.stdout.write("\t".join(row) + "\n")
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False)
        for number, head in enumerate(heads):
            table.add_column(Text(head), justify="right" if number in numbers else "left")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        Console().print(table)

    def error(self, error: StorageError) -> None:
        """Tell a failure on standard error."""
        if self.as_json:
            told = {
                "kind": error.kind.name.lower(),
                "summary": error.summary,
                "cause": error.cause,
                "remedy": error.remedy,
                "subject": error.subject,
                "action": error.action,
                "details": error.details,
            }
            text = json.dumps({"error": told}, ensure_ascii=False, indent=2)
        else:
            parts = [f"Error: {error.summary}", error.cause, error.remedy]
            text = "\n".join(printable(part) for part in parts if part)
        sys.stderr.write(redacted(text) + "\n")

    @contextmanager
    def work(self, what: str, batch: Callable[[Any], None] | None = None) -> Iterator[Work]:
        """Yield the work to hand on: Ctrl-C cancels it, a terminal shows its progress."""
        more = {"batch": batch} if batch else {}
        if self.as_json or not sys.stderr.isatty():
            yield Work(self._token, **more)
            return
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description}", markup=False), BarColumn(),
                   TextColumn("{task.fields[told]}", markup=False), TimeElapsedColumn())  # fmt: skip
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(what, total=None, told="")

            self._bar = bar

            def report(progress: Progress) -> None:
                bar.update(
                    task, completed=progress.done, total=progress.total, told=_told(progress)
                )

            try:
                yield Work(self._token, report, **more)
            finally:
                self._bar = None

    def ask_hidden(self, prompt: str) -> str:
        """Ask on the terminal for a line that is not shown; a progress bar steps aside."""
        import getpass

        bar = self._bar
        if bar is not None:
            bar.stop()
        try:
            return getpass.getpass(printable(prompt), stream=sys.stderr)
        finally:
            if bar is not None:
                bar.start()


def printable(text: str) -> str:
    r"""Return text without anything that a terminal would act on, for example `\x1b`."""
    return "".join(
        char if char == "\n" or unicodedata.category(char)[0] != "C" else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode()


def _told(progress: Progress) -> str:
    from core.units import format_count, format_size

    form = format_size if progress.unit == "bytes" else format_count
    total = f" of {form(progress.total)}" if progress.total is not None else ""
    return f"{form(progress.done)}{total} {progress.unit if form is format_count else ''}".strip()


def plain(value: Any) -> Any:
    """Return a value as JSON knows it; secrets as a mask, times in UTC."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return _leaf(value)


def _leaf(value: Any) -> Any:
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, datetime):
        return iso_utc(value)
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value
