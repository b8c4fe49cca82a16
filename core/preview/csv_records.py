"""Records of delimited text; an unclosed quote only affects its line."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator

from core.preview.limits import Deadline
from core.preview.problems import Findings, Problem, ProblemKind

#: Number of lines between two checks of the time limit.
_LINES_BETWEEN_CHECKS = 512
#: Letters that are divided into lines at once.
_PIECE = 64 * 1024


class Records:
    """Iterator over the records of a text.

    A record may span lines within quotes (RFC 4180). If the quotes are not well-formed, the line
    with the first of them is read with quotes as ordinary characters and reported, and reading
    continues with the next line, so that no row is lost in a cell.

    Attributes:
        stopped: whether the time limit was reached before the end of the text.
    """

    def __init__(
        self,
        text: str,
        delimiter: str,
        deadline: Deadline,
        findings: Findings,
        *,
        complete: bool = True,
    ) -> None:
        self.stopped = False
        self._complete = complete
        self._ended = False
        self._lines = _lines_of(text)
        self._delimiter, self._deadline, self._findings = delimiter, deadline, findings
        self._pending: deque[str] = deque()
        self._fault_lines: list[str] = []
        self._line = 0
        self._spanning: list[int] = []

    def __iter__(self) -> Iterator[tuple[list[str], int]]:
        """Yield each record except blank lines, with the number of its first line."""
        while True:
            yield from self._until_fault()
            if not self._fault_lines:
                break
            yield self._as_letters(), self._line
        if self._spanning:
            self._note_spanning()

    def _until_fault(self) -> Iterator[tuple[list[str], int]]:
        """Yield good records; return with the lines of a bad one in `_fault_lines`, or at the end."""
        reader = csv.reader(_Lines(self), delimiter=self._delimiter)
        while True:
            first = self._line + 1
            self._fault_lines = []
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error:  # a cell over the limit of the csv module, 128 KB
                return
            if self._ended:  # in the middle of a record: within quotes
                return
            if len(self._fault_lines) > 1:
                if not self._well_formed(len(row)):
                    return
                self._spanning.append(first)
            if row:
                yield row, first

    def _well_formed(self, width: int) -> bool:
        """Return whether the collected lines are one well-formed record."""
        strict = csv.reader(iter(self._fault_lines), delimiter=self._delimiter, strict=True)
        try:
            return len(next(strict)) == width and next(strict, None) is None
        except csv.Error:
            return False

    def _as_letters(self) -> list[str]:
        """Return the first line taken with its quotes as letters, and put the others back."""
        line, *others = self._fault_lines
        self._pending.extendleft(reversed(others))
        self._line -= len(others)
        finding = f"line {self._line:,} has a quote that does not close or a cell over 128 KB"
        kind = ProblemKind.BROKEN
        if self._ended and (
            self.stopped or not self._complete
        ):  # it may close in what was not read
            finding = f"the quote in line {self._line:,} does not close in this part"
            kind = ProblemKind.NOTE
        if '"' not in line:  # only the csv module cannot read it, and it is shown correctly
            finding, kind = f"line {self._line:,} has a cell over 128 KB", ProblemKind.NOTE
        self._ended = False
        self._findings.add(Problem(kind, finding, line=self._line))
        return line.rstrip("\r\n").split(self._delimiter)

    def _note_spanning(self) -> None:
        count, first = len(self._spanning), self._spanning[0]
        finding = (
            f"1 row spans several lines within quotes, the first at line {first:,}"
            if count == 1
            else f"{count:,} rows span several lines within quotes, the first at line {first:,}"
        )
        self._findings.add(Problem(ProblemKind.NOTE, finding, line=first))

    def next_line(self) -> str:
        """Return the next line for the csv module; empty at the end, or after the time limit."""
        line = ""
        if not self.stopped:
            line = self._pending.popleft() if self._pending else next(self._lines, "")
        if line:
            self._line += 1
            self._fault_lines.append(line)
            if self._line % _LINES_BETWEEN_CHECKS == 0 and self._deadline.passed:
                self.stopped = True
        elif self._fault_lines:
            self._ended = True
        return line


def _lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a text with their ends, which are those of any system."""
    at = 0
    while at < len(text):
        # A piece ends with a line, so that the lines are those of the text.
        end = text.find("\n", at + _PIECE) + 1 or len(text)
        yield from io.StringIO(text[at:end], newline="")
        at = end


class _Lines:
    """Iterator over the lines for `csv.reader`."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._records.next_line()
        if not line:
            raise StopIteration
        return line
