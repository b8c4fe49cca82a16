"""Several JSON values in one text, one per line or each over several lines."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from typing import Any

from core.preview.json_reader import JsonReader
from core.preview.problems import BEGINNING, Findings, Problem, ProblemKind
from core.preview.reading import Reading

_SPACE = re.compile(r"[ \t\r]*")
#: Start of a document after an unreadable one: a bracket at the beginning of a line.
_BEGINNING = re.compile(r"^[{\[]", re.MULTILINE)
#: Maximum number of unreadable documents of several lines; then single lines are read.
_MOST_BROKEN = 20
#: Number of steps between two checks of the time limit.
_BETWEEN_CHECKS = 64
#: Number of lines that may need the slow reader.
_MANY_SLOW = 256


@dataclass(slots=True)
class JsonValues:
    """The values in order; an unreadable text is included as a value.

    `unread` has the positions of unreadable texts in `values`, `spanning` counts the values over
    several lines; `stopped` means that a limit was reached.
    """

    values: list[Any] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    spanning: int = 0
    stopped: bool = False

    @property
    def read(self) -> int:
        """The number of readable values."""
        return len(self.values) - len(self.unread)


def read_json_values(text: str, reading: Reading, findings: Findings) -> JsonValues:
    """Return all JSON values of a text; unreadable lines are added to the findings."""
    return _Values(text, reading, findings).all()


class _Values:
    """One pass over a text."""

    def __init__(self, text: str, reading: Reading, findings: Findings) -> None:
        self._text, self._reading, self._findings = text, reading, findings
        self._reader = JsonReader(reading.limits, reading.deadline, findings)
        self._found = JsonValues()
        self._broken = 0
        self._slow = 0
        self._line = 1

    def all(self) -> JsonValues:
        at = steps = 0
        while at < len(self._text):
            steps += 1
            if self._enough(steps):
                self._found.stopped = True
                finding = f"only the first {len(self._found.values):,} rows are shown"
                self._findings.note(ProblemKind.LIMIT, finding)
                break
            end = self._line_end(at)
            if self._text[at:end].strip():
                following = self._complete_line(at, end) or self._several_lines(at, end)
            else:
                following = end + 1
            self._line += self._text.count("\n", at, following)
            at = following
        return self._found

    def _enough(self, steps: int) -> bool:
        if len(self._found.values) >= self._reading.limits.shown:
            return True
        if steps % _BETWEEN_CHECKS != 1:
            return False
        deadline = self._reading.deadline
        # Lines that are read by one call are fast enough for every text within the limits; the
        # shorter limit applies once many of them need the slow reader.
        return deadline.overdue or (self._slow > _MANY_SLOW and deadline.passed)

    def _line_end(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end

    def _complete_line(self, at: int, end: int) -> int:
        """Read the values that fill a line; return the next position, 0 if there are none."""
        line = self._text[at:end]
        values: list[Any] = []
        with contextlib.suppress(ValueError):
            self._found.values.append(self._reader.read_line(line))
            return end + 1
        self._slow += 1
        while line.strip():
            value, read = self._reader.read(line, walked=0)
            # Several values in a line are read only if the later ones are containers: words and
            # numbers in a row are text.
            if self._reader.stopped or (values and line[0] not in "{["):
                return 0
            values.append(value)
            line = line[read:]
        self._found.values += values
        return end + 1

    def _several_lines(self, at: int, end: int) -> int:
        """Read a value that spans several lines, or a text that is not a value."""
        space = _SPACE.match(self._text, at)
        begin = space.end() if space else at
        container = self._text[begin : begin + 1] in ("{", "[")
        if not container or self._broken >= _MOST_BROKEN or self._reading.deadline.passed:
            return self._unread(at, end)
        value, after = self._reader.read(self._text, begin, walked=0)
        if not self._reader.stopped:
            self._found.values.append(value)
            self._found.spanning += "\n" in self._text[begin:after].rstrip()
            return after
        self._broken += 1
        fault = self._reader.broken_at
        # The fault is in the first line: the following lines may be documents.
        if fault is None or fault <= end:
            return self._unread(at, end)
        # The lines of a document with a fault further below are not values; reading continues at
        # the next one.
        again = _BEGINNING.search(self._text, end + 1)
        return self._unread(at, again.start() - 1 if again else len(self._text))

    def _unread(self, at: int, end: int) -> int:
        """Store a text that is not a value; return the next position."""
        part = self._text[at:end].strip("\r\n")
        last = self._line + part.count("\n")
        row = len(self._found.values)
        if end >= len(self._text) and not self._reading.complete:
            self._findings.note(ProblemKind.NOTE, BEGINNING)
        else:
            lines = f"lines {self._line:,}\u2013{last:,} are" if last > self._line else ""
            finding = f"{lines or f'line {self._line:,} is'} not a JSON value"
            self._findings.add(Problem(ProblemKind.BAD_ROW, finding, row=row, line=self._line))
        self._found.unread.append(row)
        self._found.values.append(part)
        return end + 1
