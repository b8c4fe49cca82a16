"""Plain text and logs: lines without terminal escapes, with the level of each log line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from core.preview.limits import Deadline, Limits
from core.preview.problems import Findings, Problem, ProblemKind
from core.preview.values import Lines

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
_LEVEL_CHARS = 120


def level_of(line: str) -> str:
    """Return E, W, I or D for the first level word near the line's beginning, else a space."""
    found = _LEVELS.search(line, 0, _LEVEL_CHARS)
    return (found and found.lastgroup) or " "


def strip_escapes(line: str) -> str:
    """Return the line without terminal escapes; other controls are shown as `�`."""
    if _CONTROLS.search(line) is None:
        return line
    return _CONTROLS.sub("\ufffd", _ESCAPES.sub("", line))


def read_lines(
    text: str, limits: Limits, findings: Findings, *, log: bool, deadline: Deadline | None = None
) -> Lines:
    """Return the lines of `text`, each of bounded length, at most as many as the limits allow."""
    lines: list[str] = []
    more = False
    for number, line in enumerate(_split(text)):
        late = deadline is not None and number % 1024 == 0 and deadline.passed
        if number >= limits.lines or late:
            more = True
            findings.note(ProblemKind.LIMIT, f"the first {number:,} lines are shown")
            break
        if len(line) > limits.line_chars:
            findings.add(_long(number, len(line), limits.line_chars))
            line = line[: limits.line_chars] + "…"  # noqa: PLW2901 - the cut line is the line
        lines.append(strip_escapes(line))
    levels = "".join(level_of(line) for line in lines) if log else ""
    return Lines(tuple(lines), levels, more, "Log" if log else "Text")


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
