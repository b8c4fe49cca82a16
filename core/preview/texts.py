"""Readers of text: JSON, JSON lines, CSV, logs, and anything else as lines.

Whatever form is found, the text itself is always one of the representations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from core.pauses import paused
from core.preview.delimited import delimiter_of, read_delimited
from core.preview.json_lines import JsonValues, read_json_values
from core.preview.json_reader import JsonRead, read_json
from core.preview.limits import Deadline, Limits
from core.preview.market import read_books, read_candles_of, read_market
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.reading import Content, Reading, counted
from core.preview.tables import rows_of, table_of
from core.preview.values import Lines, Representation, Tree

_JSON = (".json", ".geojson", ".ipynb")
_JSON_LINES = (".jsonl", ".ndjson")
_CSV = (".csv", ".tsv", ".tab", ".psv")
_LOG = (".log", ".out", ".err")
_PROSE = (".txt", ".md", ".rst", ".py", ".sql", ".xml", ".html", ".svg", ".yaml", ".yml", ".toml")
#: Seconds for a second way to read a text, and for its lines beside another representation.
_SECOND_SECONDS = 0.15
_LINES_SECONDS = 0.1
#: Number of lines between two checks of the time limit.
_LINES_BETWEEN_CHECKS = 256
#: Terminal escapes: CSI and OSC sequences, two-letter escapes, and the C0 and C1 controls.
_ESCAPES = re.compile(
    r"\x1b\[[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|\x1b[@-_]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LEVELS = re.compile(
    r"\b(?:(?P<E>FATAL|CRITICAL|ERROR|ERR|PANIC|SEVERE)|(?P<W>WARNING|WARN)"
    r"|(?P<I>INFO|NOTICE)|(?P<D>DEBUG|TRACE|VERBOSE))\b",
    re.IGNORECASE,
)
#: Level words are searched only at the beginning of a line: later ones are part of the message.
_LEVEL_CHARS = 120


def read_text(text: str, reading: Reading) -> Content:
    """Return the content of `text`, by its name, its type or its first characters."""
    seen = _regular_candles(text, reading) or _content_of(text, reading)
    lines = any(isinstance(representation, Lines) for representation in seen.representations)
    if lines or reading.first_only:
        return seen
    return replace(seen, representations=(*seen.representations, text_lines(text, reading)))


def text_lines(text: str, reading: Reading) -> Lines:
    """Return the text as another representation; the first one reports its problems."""
    deadline = reading.deadline.more(_LINES_SECONDS)
    return read_lines(text, reading.limits, Findings(), log=_is_log(reading), deadline=deadline)


def is_named_text(reading: Reading) -> bool:
    """Return whether the name is that of a text file, regardless of the bytes."""
    return _is_log(reading) or reading.ends(*_JSON, *_JSON_LINES, *_CSV, *_PROSE)


def _content_of(text: str, reading: Reading) -> Content:
    if reading.ends(*_JSON_LINES) or "ndjson" in reading.content_type:
        return _json_lines(text, reading)
    if reading.ends(*_JSON):
        return _json(text, reading)
    # An object without such a name or type is recognized by its content.
    if text.lstrip()[:1] in ("{", "[") and not reading.ends(*_PROSE):
        seen = _json_by_content(text, reading)
        if seen:
            return seen
    if reading.ends(*_CSV) or _may_be_delimited(text, reading):
        return _delimited(text, reading)
    return _lines(text, reading)


def _regular_candles(text: str, reading: Reading) -> Content | None:
    """Return candles that are all written alike, read a tenfold faster than any JSON."""
    others = (*_JSON_LINES, *_CSV, *_PROSE)
    if not (reading.first_only and reading.complete) or reading.ends(*others):
        return None
    from core.preview.regular_rows import regular_document  # imports numpy

    document = regular_document(text, reading.limits)
    return None if document is None else read_candles_of(document, reading)


def _is_log(reading: Reading) -> bool:
    return reading.ends(*_LOG) or reading.key.startswith("logs/")


def _lines(text: str, reading: Reading) -> Content:
    lines = read_lines(text, reading.limits, reading.findings, log=_is_log(reading))
    return Content(reading.filename, counted(len(lines.lines), "line", more=lines.more), (lines,))


def _may_be_delimited(text: str, reading: Reading) -> bool:
    if _is_log(reading) or reading.ends(*_PROSE):
        return False
    return "csv" in reading.content_type or (
        text.count("\n", 0, 10_000) > 1 and delimiter_of(text) != ""
    )


def _delimited(text: str, reading: Reading) -> Content:
    delimiter = "\t" if reading.ends(".tsv", ".tab") else ""
    bounds = (reading.limits, reading.deadline, reading.findings)
    table = read_delimited(text, *bounds, delimiter=delimiter, complete=reading.complete)
    more = table.more or not reading.complete
    return Content(reading.filename, counted(len(table.rows), "row", more=more), (table,))


def _first_value(text: str, reading: Reading, findings: Findings) -> JsonRead:
    return read_json(text, reading.limits, reading.deadline, findings, complete=reading.complete)


def _json(text: str, reading: Reading) -> Content:
    """Return the content of a file named as JSON, even if only a part can be read."""
    findings = Findings()
    first = _first_value(text, reading, findings)
    if _continues(text, first) or findings.counts[ProblemKind.BROKEN]:
        seen = _several(text, reading)
        if seen:
            # Only the number, of a count such as `50,000+ rows`.
            count = seen.count.removesuffix("s").removesuffix(" row")
            finding = f"{count} JSON values one after the other, not one JSON document"
            reading.findings.note(ProblemKind.NOTE, finding)
            return seen
    reading.findings.merge(findings)
    if _continues(text, first):
        line = text.count("\n", 0, first.end) + 1
        finding = f"more follows after the end of the JSON value, at line {line:,}"
        reading.findings.add(Problem(ProblemKind.BROKEN, finding, line=line))
    if first.value is None and findings.counts[ProblemKind.BROKEN]:
        return _lines(text, reading)
    return json_content(first.value, replace(reading, truncated=first.stopped))


def _json_by_content(text: str, reading: Reading) -> Content | None:
    """Return the content of a text that begins like JSON, or None if it is not JSON.

    A log is JSON only if all of it is.
    """
    findings = Findings()
    first = _first_value(text, reading, findings)
    if _continues(text, first) or findings.counts[ProblemKind.BROKEN]:
        return _several(text, reading)
    if _is_log(reading) and findings.counts[ProblemKind.TRUNCATED]:
        return None
    reading.findings.merge(findings)
    return json_content(first.value, replace(reading, truncated=first.stopped))


def _continues(text: str, first: JsonRead) -> bool:
    return first.end < len(text) and not first.stopped


def _several(text: str, reading: Reading) -> Content | None:
    """Return the JSON values of a text, or None if most of it is not JSON."""
    findings = Findings()
    late = replace(reading, deadline=reading.deadline.more(_SECOND_SECONDS))
    found = read_json_values(text, late, findings)
    # Two thirds of the values must be JSON: a log with single lines of JSON stays a text.
    if len(found.values) < 2 or found.read <= 2 * len(found.unread):
        return None
    reading.findings.merge(findings)
    return _values_content(found, reading)


def json_content(root: Any, reading: Reading) -> Content:
    """Return the representations of a JSON value: what the contract knows of it, a table, a tree."""
    found = read_market(root, reading)
    if found:
        return Content(found.title, found.count, (*found.representations, Tree(root)))
    rows = rows_of(root)
    table = rows and table_of(rows, reading.limits, reading.next_deadline(), reading.findings)
    if table and table.columns:
        representations: tuple[Representation, ...] = (table, Tree(root))
        return Content(
            reading.filename, counted(len(table.rows), "row", more=table.more), representations
        )
    return Content(reading.filename, _size_of(root), (Tree(root),))


def _size_of(root: Any) -> str:
    if isinstance(root, list):
        return counted(len(root), "item")
    return counted(len(root), "name") if isinstance(root, dict) else "one value"


def _json_lines(text: str, reading: Reading) -> Content:
    """Return the content of a file that is named as JSON lines."""
    found = read_json_values(text, reading, reading.findings)
    if not found.read:
        return _lines(text, reading)
    if found.spanning:
        finding = f"{counted(found.spanning, 'value')} printed over several lines"
        reading.findings.note(ProblemKind.NOTE, finding)
    return _values_content(found, reading)


def _values_content(found: JsonValues, reading: Reading) -> Content:
    bounds = (reading.limits, reading.next_deadline(), reading.findings)
    table = table_of(found.values, *bounds, reported=frozenset(found.unread))
    more = not reading.complete or found.stopped or (table is not None and table.more)
    count = counted(len(found.values), "row", more=more)
    tree = Tree(found.values)
    if books := read_books(found.values, reading):
        rows = (table,) if table and table.columns else ()
        return replace(books, representations=(*books.representations, *rows, tree))
    return Content(reading.filename, count, (table, tree) if table and table.columns else (tree,))


def level_of(line: str) -> str:
    """Return E, W, I or D for the first level word near the line's beginning, else a space."""
    found = _LEVELS.search(line, 0, _LEVEL_CHARS)
    return (found and found.lastgroup) or " "


def strip_escapes(line: str) -> str:
    """Return the line without terminal escapes; other controls are shown as `�`."""
    # The escape character is a control, too: this test skips the substitutions for most lines.
    if _CONTROLS.search(line) is None:
        return line
    return _CONTROLS.sub("\ufffd", _ESCAPES.sub("", line))


def read_lines(
    text: str, limits: Limits, findings: Findings, *, log: bool, deadline: Deadline | None = None
) -> Lines:
    """Return the lines of `text`, each of bounded length, at most as many as the limits allow."""
    lines: list[str] = []
    levels: list[str] = []
    more = False
    for number, line in enumerate(_split(text)):
        if number >= limits.lines or (number % _LINES_BETWEEN_CHECKS == 0 and _is_late(deadline)):
            more = True
            findings.note(ProblemKind.LIMIT, f"the first {number:,} lines are shown")
            break
        if len(line) > limits.line_chars:
            findings.add(_long(number, len(line), limits.line_chars))
            line = line[: limits.line_chars] + "…"  # noqa: PLW2901 - the cut line is the line
        lines.append(strip_escapes(line))
        if log:
            levels.append(level_of(lines[-1]))
    return Lines(tuple(lines), "".join(levels), more, "Log" if log else "Text")


def _is_late(deadline: Deadline | None) -> bool:
    """Return whether the time limit, if there is one, has passed."""
    if deadline is not None:
        return deadline.passed
    paused()
    return False


def _long(number: int, chars: int, cap: int) -> Problem:
    finding = f"line {number + 1:,} has {chars:,} letters: the first {cap:,} are shown"
    return Problem(ProblemKind.LIMIT, finding, row=number, line=number + 1)


def _split(text: str) -> Iterator[str]:
    """Yield lines one at a time, without a list of all of them beside the text."""
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        if end < 0:
            end = len(text)
        yield text[at:end].removesuffix("\r")
        at = end + 1
