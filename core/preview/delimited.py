"""CSV and its kin as tables: the delimiter is found, hostile shapes are bounded and told of."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator

from core.preview.cells import looks_numeric, numeric_columns
from core.preview.limits import Deadline, Limits
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.values import Table

_DELIMITERS = (",", "\t", ";", "|")
_SAMPLE_LINES = 30
_SAMPLE_CHARS = 64 * 1024


def delimiter_of(text: str) -> str:
    """Return the delimiter that splits the first lines most evenly, or an empty text."""
    lines = [_unquoted(line) for line in text[:_SAMPLE_CHARS].splitlines()[:_SAMPLE_LINES] if line]
    best, best_score = "", 0.0
    for delimiter in _DELIMITERS:
        counts = Counter(line.count(delimiter) for line in lines)
        width, agreeing = max(counts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        score = agreeing / max(1, len(lines)) + min(width, 50) / 1000 if width else 0.0
        if score > best_score:
            best, best_score = delimiter, score
    return best if best_score > 0.6 else ""


def _unquoted(line: str) -> str:
    return "".join(line.split('"')[::2])


def read_delimited(
    text: str, limits: Limits, deadline: Deadline, findings: Findings, *, delimiter: str = ""
) -> Table:
    """Return the table in `text`; the first row names the columns unless it holds numbers."""
    delimiter = delimiter or delimiter_of(text) or ","
    rows: list[list[str]] = []
    widest = 0
    cells = 0
    more = False
    for row in _rows(text, delimiter, findings):
        widest = max(widest, len(row))
        rows.append([_cut(cell, limits.cell_chars) for cell in row[: limits.columns]])
        cells += len(rows[-1])
        more = _enough(len(rows), cells, limits) or (len(rows) % 256 == 0 and deadline.passed)
        if more:
            findings.note(ProblemKind.LIMIT, f"only the first {len(rows):,} rows are shown")
            break
    if widest > limits.columns:
        text_of = f"only {limits.columns} of {widest:,} columns are shown"
        findings.note(ProblemKind.LIMIT, text_of)
    return _table(rows, findings, more=more)


def _enough(rows: int, cells: int, limits: Limits) -> bool:
    return rows > limits.rows or cells > limits.cells


def _cut(cell: str, chars: int) -> str:
    return cell if len(cell) <= chars else cell[:chars] + "…"


def _rows(text: str, delimiter: str, findings: Findings) -> Iterator[list[str]]:
    """Yield rows; after an unclosed quote or a giant cell, go on with quotes taken as letters."""
    source = io.StringIO(text, newline="")
    reader = csv.reader(source, delimiter=delimiter)
    line = 0
    try:
        for row in reader:
            line = reader.line_num
            if row:
                yield row
    except csv.Error:
        told = f"line {line + 1:,} has a quote that does not close or a cell over 128 KB"
        findings.add(Problem(ProblemKind.BROKEN, told, line=line + 1, row=max(0, line - 1)))
        for rest in text.split("\n")[line:]:
            if rest.strip("\r"):
                yield rest.rstrip("\r").split(delimiter)


def _table(rows: list[list[str]], findings: Findings, *, more: bool) -> Table:
    if not rows:
        return Table((), (), ())
    headed = _is_header(rows)
    width = max(len(row) for row in rows[:1000])
    expected = len(rows[0])
    names = rows[0] if headed else []
    columns = tuple(names + [str(number + 1) for number in range(len(names), width)])
    body = rows[1:] if headed else rows
    for number, row in enumerate(body):
        if len(row) != expected:
            told = f"row {number + 1:,} has {len(row)} cells, not {expected}"
            findings.note(ProblemKind.RAGGED, told, row=number)
    kept = tuple(tuple((row + [""] * width)[:width]) for row in body)
    return Table(columns, kept, numeric_columns(kept, width), more)


def _is_header(rows: list[list[str]]) -> bool:
    first = rows[0]
    named = all(first) and not any(looks_numeric(cell) for cell in first)
    return named and len(set(first)) == len(first) and len(rows) > 1
