"""CSV and similar formats as tables: detection of delimiter, preamble and header."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.preview.cells import needs_decimal_comma, numeric_columns, reads_as_number
from core.preview.csv_records import Records
from core.preview.limits import Deadline, Limits
from core.preview.problems import BEGINNING, Findings, Problem, ProblemKind
from core.preview.values import Table
from core.units import format_counted

_DELIMITERS = (",", "\t", ";", "|")
#: How much of a text the delimiter is derived from, and how many rows the width of the table.
_SAMPLE_LINES = 30
_SAMPLE_CHARS = 64 * 1024
_SAMPLE_ROWS = 200
#: Maximum number of lines before the header.
_MOST_PREAMBLE = 20
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]|\Z)")


def delimiter_of(text: str) -> str:
    """Return the delimiter that splits the first lines most evenly, or an empty text."""
    # Delimiters within quotes are part of a cell.
    plain = _QUOTED.sub("", text[:_SAMPLE_CHARS])
    lines = [line for line in plain.splitlines()[:_SAMPLE_LINES] if line]
    best, best_score = "", 0.0
    for delimiter in _DELIMITERS:
        counts = Counter(line.count(delimiter) for line in lines)
        width, agreeing = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        # The share of lines with the same number of delimiters; between similar shares the wider
        # table wins.
        score = agreeing / max(1, len(lines)) + min(width, 50) / 1000 if width else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    # Fewer lines of equal width are ordinary text with commas.
    return best if best_score > 0.6 else ""


def read_delimited(
    text: str,
    limits: Limits,
    deadline: Deadline,
    findings: Findings,
    *,
    delimiter: str = "",
    complete: bool = True,
) -> Table:
    """Return the table in `text`.

    Every line is a row, the header, or reported by a finding. `complete` False means that only the
    beginning of the text was fetched.
    """
    delimiter = delimiter or delimiter_of(text) or ","
    rows: list[list[str]] = []
    widest = cells = 0
    more = False
    records = Records(text, delimiter, deadline, findings, complete=complete)
    for row, _line in records:
        if more := _enough(len(rows), cells, limits) or (len(rows) % 256 == 0 and deadline.passed):
            break
        widest = max(widest, len(row))
        rows.append([_cut(cell, limits.cell_chars) for cell in row[: limits.columns]])
        cells += len(rows[-1])
    more = more or records.stopped
    if rows and not (complete or more or text.endswith("\n")):
        rows.pop()  # cut in the middle: a number may lack digits
        findings.note(ProblemKind.NOTE, BEGINNING)
    if more:
        findings.note(ProblemKind.LIMIT, f"only the first {len(rows):,} rows are shown")
    if widest > limits.columns:
        text_of = f"only {limits.columns} of {format_counted(widest, 'column')} are shown"
        findings.note(ProblemKind.LIMIT, text_of)
    return _table(rows, limits, findings, more=more, semicolons=delimiter == ";")


def _enough(rows: int, cells: int, limits: Limits) -> bool:
    return rows > limits.rows or cells > limits.cells


def _cut(cell: str, chars: int) -> str:
    return cell if len(cell) <= chars else cell[:chars] + "…"


def _table(
    rows: list[list[str]], limits: Limits, findings: Findings, *, more: bool, semicolons: bool
) -> Table:
    if not rows:
        return Table((), (), ())
    layout = _layout(rows)
    if layout.start:
        _note_preamble(rows[: layout.start], findings)
    body = rows[layout.start + layout.headed :]
    width = max((len(row) for row in rows[layout.start :]), default=0)
    if width * len(body) > 2 * limits.cells:  # one row of many cells makes no table that wide
        width = layout.width
    columns = _columns(rows[layout.start] if layout.headed else [], layout.width, width, findings)
    if layout.headed and not layout.certain:
        findings.note(ProblemKind.NOTE, "the first line is taken for the header")
    if not layout.headed:
        finding = (
            "no header line: the columns are numbered"
            if len(body) > 1
            else "one line only, shown as a row: the columns are numbered"
        )
        findings.note(ProblemKind.NOTE, finding)
    _note_ragged(body, layout.width, width, findings)
    shown = tuple(tuple((row + [""] * width)[:width]) for row in body)
    numeric = numeric_columns(shown, width, semicolons=semicolons)
    return Table(columns, shown, numeric, more, semicolons=semicolons)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Layout of a table: its first row, its width, and whether it has a header.

    `certain` means that the types of the header differ from those of the rows.
    """

    start: int
    width: int
    headed: bool
    certain: bool


def _layout(rows: Sequence[Sequence[str]]) -> _Layout:
    """Return the layout of rows; lines of another width may precede the header."""
    width = Counter(len(row) for row in rows[:_SAMPLE_ROWS]).most_common(1)[0][0]
    found = (at for at, row in enumerate(rows[:_MOST_PREAMBLE]) if len(row) == width)
    start = next(found, 0)
    # Lines before the table are recognized only if a header follows them.
    if start and not _is_header(rows, start):
        start = 0
    headed = _is_header(rows, start)
    return _Layout(start, width, headed, headed and _differs(rows, start))


def _is_header(rows: Sequence[Sequence[str]], at: int) -> bool:
    """Return whether a row can be the header: it contains names, and rows follow it."""
    cells = [cell for cell in rows[at] if cell]
    return at + 1 < len(rows) and bool(cells) and not any(_is_value(cell) for cell in cells)


def _is_value(cell: str) -> bool:
    return reads_as_number(cell) or needs_decimal_comma(cell) or _DATE.match(cell) is not None


def _differs(rows: Sequence[Sequence[str]], at: int) -> bool:
    """Return whether a column has numbers or dates below a name."""
    sample = rows[at + 1 : at + 51]
    for column, name in enumerate(rows[at]):
        filled = [row[column] for row in sample if column < len(row) and row[column]]
        values = sum(_is_value(cell) for cell in filled)
        if name and values * 2 > len(filled):
            return True
    return False


def _columns(header: list[str], expected: int, width: int, findings: Findings) -> tuple[str, ...]:
    """Return a name for each column; empty and missing names are replaced by numbers."""
    names = [name or str(at + 1) for at, name in enumerate(header[:width])]
    if header:
        if unnamed := [str(at + 1) for at, name in enumerate(header) if not name]:
            some = ", ".join(unnamed[:10])
            one = len(unnamed) == 1
            finding = f"column {some} has no name" if one else f"columns {some} have no name"
            findings.note(ProblemKind.NOTE, finding)
        if len(header) != expected:
            finding = f"the header has {format_counted(len(header), 'name')} for {format_counted(expected, 'column')}"
            findings.note(ProblemKind.RAGGED, finding)
        for name, count in Counter(name for name in header if name).items():
            if count > 1:
                finding = f"the name “{name[:60]}” is used by {format_counted(count, 'column')}"
                findings.note(ProblemKind.DUPLICATE_KEY, finding)
    return tuple(names + [str(at + 1) for at in range(len(names), width)])


def _note_preamble(rows: Sequence[Sequence[str]], findings: Findings) -> None:
    first = " ".join(rows[0])[:60]
    finding = (
        f"1 line comes before the header: “{first}”"
        if len(rows) == 1
        else f"{len(rows)} lines come before the header: “{first}”"
    )
    findings.add(Problem(ProblemKind.NOTE, finding, line=1, amount=len(rows)))


def _note_ragged(
    body: Sequence[Sequence[str]], expected: int, width: int, findings: Findings
) -> None:
    for number, row in enumerate(body):
        if len(row) != expected:
            finding = f"row {number + 1:,} has {format_counted(len(row), 'cell')}, not {expected}"
            finding += f": the first {width} are shown" if len(row) > width else ""
            findings.note(ProblemKind.RAGGED, finding, row=number)
