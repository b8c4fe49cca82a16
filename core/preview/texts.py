"""Readers of text: JSON, JSON lines, CSV, logs, and anything else as lines."""

from __future__ import annotations

from typing import Any

from core.preview.delimited import delimiter_of, read_delimited
from core.preview.json_reader import JsonReader, read_json
from core.preview.market import read_market
from core.preview.plain import read_lines
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.reading import Reading, Seen, counted
from core.preview.tables import rows_of, table_of
from core.preview.values import Face, Tree

_JSON = (".json", ".geojson", ".ipynb")
_JSON_LINES = (".jsonl", ".ndjson")
_CSV = (".csv", ".tsv", ".tab", ".psv")
_LOG = (".log", ".out", ".err")
_PROSE = (".txt", ".md", ".rst", ".py", ".sql", ".xml", ".html", ".svg", ".yaml", ".yml", ".toml")


def read_text(text: str, reading: Reading) -> Seen:
    """Return what `text` shows, by the form that its name, its type or its first letters tell."""
    if reading.ends(*_JSON_LINES) or "ndjson" in reading.content_type:
        return _json_lines(text, reading)
    if reading.ends(*_JSON) or (text.lstrip()[:1] in ("{", "[") and not reading.ends(*_PROSE)):
        return _json(text, reading)
    if reading.ends(*_CSV) or _looks_delimited(text, reading):
        return _delimited(text, reading)
    return _lines(text, reading)


def _lines(text: str, reading: Reading) -> Seen:
    log = reading.ends(*_LOG) or reading.key.startswith("logs/")
    lines = read_lines(text, reading.limits, reading.findings, log=log)
    return Seen(reading.filename, counted(len(lines.lines), "line", more=lines.more), (lines,))


def _looks_delimited(text: str, reading: Reading) -> bool:
    if reading.key.startswith("logs/") or reading.ends(*_LOG, *_PROSE):
        return False
    return "csv" in reading.content_type or (
        text.count("\n", 0, 10_000) > 1 and delimiter_of(text) != ""
    )


def _delimited(text: str, reading: Reading) -> Seen:
    delimiter = "\t" if reading.ends(".tsv", ".tab") else ""
    bounds = (reading.limits, reading.deadline, reading.findings)
    table = read_delimited(text, *bounds, delimiter=delimiter)
    lines = read_lines(text, reading.limits, Findings(), log=False)
    more = table.more or not reading.whole
    return Seen(reading.filename, counted(len(table.rows), "row", more=more), (table, lines))


def _json(text: str, reading: Reading) -> Seen:
    bounds = (reading.limits, reading.deadline, reading.findings)
    root, end = read_json(text, *bounds, whole=reading.whole)
    if end < len(text) and text[end:].strip():
        if "\n" in text[: end + 1] or text[end : end + 1] in ("{", "["):
            return _json_lines(text, reading)
        line = text.count("\n", 0, end) + 1
        told = f"more follows after the end of the JSON value, at line {line:,}"
        reading.findings.add(Problem(ProblemKind.BROKEN, told, line=line))
    if root is None and reading.findings.counts[ProblemKind.BROKEN]:
        return _lines(text, reading)
    return see_json(root, reading)


def see_json(root: Any, reading: Reading) -> Seen:
    """Return the faces of a JSON value: what the contract knows of it, a table, a tree."""
    found = read_market(root, reading)
    if found:
        return Seen(found.title, found.count, (*found.faces, Tree(root)))
    rows = rows_of(root)
    table = rows and table_of(rows, reading.limits, reading.next_deadline(), reading.findings)
    if table and table.columns:
        faces: tuple[Face, ...] = (table, Tree(root))
        return Seen(reading.filename, counted(len(table.rows), "row", more=table.more), faces)
    return Seen(reading.filename, _size_of(root), (Tree(root),))


def _size_of(root: Any) -> str:
    if isinstance(root, list):
        return counted(len(root), "item")
    return counted(len(root), "name") if isinstance(root, dict) else "one value"


def _json_lines(text: str, reading: Reading) -> Seen:
    values = _line_values(text, reading)
    table = table_of(values, reading.limits, reading.next_deadline(), reading.findings)
    more = not reading.whole or (table is not None and table.more)
    count = counted(len(values), "row", more=more)
    faces: tuple[Face, ...] = (table, Tree(values)) if table else (Tree(values),)
    return Seen(reading.filename, count, faces)


def _line_values(text: str, reading: Reading) -> list[Any]:
    """Return the value of each line; a line that is no JSON value stands as its text."""
    reader = JsonReader(reading.limits, reading.deadline, reading.findings)
    values: list[Any] = []
    for number, line in enumerate(text.split("\n")):
        if len(values) >= reading.limits.rows or (number % 256 == 0 and reading.deadline.passed):
            told = f"only the first {len(values):,} rows are shown"
            reading.findings.note(ProblemKind.LIMIT, told)
            break
        if not line.strip():
            continue
        value, end = reader.read(line, walked=0)
        if reader.stopped or end < len(line):
            value = line
            told = f"line {number + 1:,} is no JSON value"
            problem = Problem(ProblemKind.BAD_ROW, told, row=len(values), line=number + 1)
            reading.findings.add(problem)
        values.append(value)
    return values
