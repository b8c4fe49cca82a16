"""Output of results, progress and errors, for terminals, for pipes and as JSON."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from core.cli import progress
from core.cli.standard_streams import report
from core.cli.text import aligned, printable, printable_lines
from core.errors import Cancelled, LocalIOError, StorageError
from core.redaction import MASK, RedactingFilter, Secret, redacted
from core.units import iso_utc
from core.work import CancelToken, Work


class Output:
    """Writer of a command's output: results to standard output, the rest to standard error."""

    def __init__(self, *, as_json: bool, token: CancelToken, json_lines: bool = False) -> None:
        """Create the output of a command.

        Args:
            as_json: whether results are written as JSON.
            token: cancels the work of the command.
            json_lines: whether each JSON value is one line; with `as_json` only.
        """
        self.as_json, self.json_lines = as_json, json_lines
        self._token = token
        self._bar: Any = None

    def result(self, value: Any, show: Callable[[], None]) -> None:
        """Write a result, as JSON with `--json` and `--json-lines`, otherwise with `show`."""
        if self.json_lines:
            self.json_rows(value if isinstance(value, list | tuple) else [value])
        elif self.as_json:
            write(json_text(plain(value)) + "\n")
        else:
            show()

    def json_line(self, value: Any) -> None:
        """Write a value as one line of JSON, which a reading program gets at once."""
        self.json_rows([value])

    def json_rows(self, values: Iterable[Any]) -> None:
        """Write values as lines of JSON, which a reading program gets at once."""
        for value in values:
            write(json_text(plain(value), indent=None) + "\n")
        flush()

    def verbatim_json(self, text: str, show: Callable[[], None]) -> None:
        """Write a result that is already JSON; with `--json` its text is written unchanged."""
        if self.as_json:
            write(text + "\n")
        else:
            show()

    def line(self, text: str) -> None:
        """Write one line of a result; control characters and line breaks in it are escaped."""
        write(printable(text) + "\n")

    def lines(self, text: str) -> None:
        """Write a result of several lines, such as a generated document."""
        write(printable_lines(text) + "\n")

    def content(self, data: bytes) -> None:
        """Write bytes of an object to standard output, unchanged."""
        with _standard_output():
            sys.stdout.flush()  # text that was written before
            sys.stdout.buffer.write(data)

    def note(self, text: str) -> None:
        """Write one line to standard error."""
        if not self.as_json:
            report(printable(text) + "\n")

    def table(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()
    ) -> None:
        """Write rows, aligned on a terminal and tab-separated otherwise; cells are escaped.

        Each row is one line, also if it is longer than the terminal is wide: keys and ids can be
        copied from it.
        """
        # For programs: one line for each row, without a heading and without padding.
        if not sys.stdout.isatty():
            for row in rows:
                write("\t".join(printable(cell) for cell in row) + "\n")
            return
        from rich.console import Console
        from rich.text import Text

        head, *lines = aligned(heads, rows, numbers)
        Console().print(Text(head, style="bold"), soft_wrap=True)
        write("".join(f"{line}\n" for line in lines))

    def error(self, error: StorageError, *, one_line: bool = False) -> None:
        """Write an error to standard error, as text or with `--json` as JSON."""
        if self.as_json:
            text = _error_json(error)
        else:
            parts = [f"Error: {error.summary}", error.cause, error.effect, error.remedy]
            text = (". " if one_line else "\n").join(
                printable(part.rstrip(".") if one_line else part) for part in parts if part
            )
        report(redacted(text) + "\n")

    def interrupted(self) -> None:
        """Write that the command was interrupted."""
        report(self._interrupted_text())

    def interrupted_at_once(self) -> None:
        """Write it from any thread, without the locks and buffers of standard error."""
        with suppress(OSError):
            os.write(2, self._interrupted_text().encode())

    def _interrupted_text(self) -> str:
        if not self.as_json:
            return "Interrupted.\n"
        error = Cancelled(
            "Interrupted",
            cause="A signal interrupted the command.",
            remedy="Run the command again.",
        )
        return _error_json(error) + "\n"

    @contextmanager
    def work(self, what: str, batch: Callable[[Any], None] | None = None) -> Iterator[Work]:
        """Yield a `Work` that Ctrl-C cancels and whose progress is shown.

        A terminal shows a bar; elsewhere a long operation writes a line every few seconds.
        """
        take = batch or _ignore
        if self.as_json:
            yield Work(self._token, batch=take)
            return
        shown = progress.bar(what, self._set_bar) if sys.stderr.isatty() else progress.lines(what)
        with shown as report:
            yield Work(self._token, report, take)

    def _set_bar(self, bar: Any) -> None:
        self._bar = bar

    def ask_hidden(self, prompt: str) -> str:
        """Prompt for a line without echo, and hide the progress bar during the prompt."""
        import getpass

        bar = self._bar
        if bar is not None:
            bar.stop()  # it redraws the line on which the prompt is
        try:
            return getpass.getpass(printable(prompt), stream=sys.stderr)
        finally:
            if bar is not None:
                bar.start()


class _Warnings(logging.Handler):
    """Writes the warnings of the log as notes, so that they neither show secrets nor break JSON."""

    def __init__(self, out: Output) -> None:
        super().__init__(logging.WARNING)
        self._out = out
        self._written: set[str] = set()
        self.addFilter(RedactingFilter())

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text not in self._written:  # the same for each of many files
            self._written.add(text)
            self._out.note(f"Warning: {text}")


@contextmanager
def warnings_in(out: Output) -> Iterator[None]:
    """Write the warnings that are logged in the block to the notes of a command."""
    handler, root = _Warnings(out), logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class ResultLines:
    """Writes one line of JSON for each object as soon as its result arrives, with `--json-lines`.

    Several threads may write. Of rows with the same key only the first is written, so that the rows
    of the final report complete those that were written before.
    """

    def __init__(self, out: Output) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._written: set[str] = set()
        self._closed = not out.json_lines

    def write(self, rows: Iterable[dict[str, Any]]) -> None:
        """Write rows with the field `key` whose keys were not written before."""
        with self._lock:
            if self._closed:
                return
            new = {row["key"]: row for row in rows if row["key"] not in self._written}
            self._written.update(new)
            try:
                self._out.json_rows(new.values())
            except ReaderClosed:  # the changes themselves are completed
                self._closed = True


class ReaderClosed(Exception):  # noqa: N818 - not an error: for example `head` has read enough
    """Raised when the program that reads standard output has ended."""


def write(text: str) -> None:
    """Write a text to standard output; raises the errors of `flush`.

    Characters that its encoding lacks are escaped, for example under an old locale of Latin
    letters.
    """
    with _standard_output():
        try:
            sys.stdout.write(text)
        except UnicodeEncodeError:
            encoding = sys.stdout.encoding
            sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))


def flush() -> None:
    """Flush standard output.

    Raises:
        ReaderClosed: the program that reads standard output has ended.
        LocalIOError: the output cannot be written, for example because the disk is full.
    """
    with _standard_output():
        sys.stdout.flush()


@contextmanager
def _standard_output() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderClosed from None
    except OSError as error:
        raise LocalIOError(
            "Standard output could not be written",
            cause=f"{error.strerror or error}.",
            remedy="The output is incomplete. Free some space, or write it to another place.",
        ) from None


def _ignore(_batch: object) -> None:
    """Discard a partial result, which the command does not show."""


def json_text(value: Any, indent: int | None = 2) -> str:
    """Return a value as JSON; characters that standard output cannot encode are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:  # a file name that is not UTF-8, or a terminal with another encoding
        return json.dumps(value, indent=indent)
    return text


def _error_json(error: StorageError) -> str:
    """Return an error as JSON; each error has all fields, which may be empty."""
    found = {
        "kind": error.kind.name.lower(),
        "summary": error.summary,
        "cause": error.cause,
        "effect": error.effect,
        "remedy": error.remedy,
        "subject": error.subject,
        "action": error.action,
        "details": error.details,
    }
    return json_text({"error": found})


def plain(value: Any) -> Any:
    """Convert a value to JSON types, with masked secrets and times in UTC."""
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
