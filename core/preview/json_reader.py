"""Reader for JSON that may be hostile, huge or truncated, which returns all readable parts.

Well-formed JSON is read by the parser of `core.preview.json_runs`, long texts in pieces
(`core.preview.json_pieces`). For other texts, the two outer
levels are parsed here, so that every element before the fault is returned; long lists are still
read in runs up to the fault. Deeper levels are read by the C scanner of the standard library,
element by element.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.preview.json_runs import (
    AT_ONCE,
    Runs,
    check_minus_zero,
    levels_above_rows,
    parse_exact,
    values_in,
)
from core.preview.limits import Deadline, Limits
from core.preview.numbers import Number
from core.preview.problems import BEGINNING, Findings, Problem, ProblemKind
from core.units import format_counted

if TYPE_CHECKING:
    from core.preview.json_pieces import Pieces

_SPACE = re.compile(r"[ \t\n\r]*")
#: Number of outer levels that are parsed here, for example an object and the list in it.
_WALKED = 2
#: Number of values that are read of a container with more than the permitted number.
_SECOND_CHANCE = 20_000
#: With more lists than this every level is walked: the C scanner does not count lists.
_MANY_LISTS = 300_000
#: After so many elements that had to be read one by one, a run is tried again.
_BETWEEN_RUNS = 256
_TOO_MUCH = "too much for a preview: only the beginning is shown"
#: What a cut may leave of a number or a word at the very end of a text.
_CUT = re.compile(r"(?:[-+.0-9eE]*|t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?)\Z")


class _TooMuchError(Exception):
    """The cap on values or time was reached inside the C scanner."""


class JsonReader:
    """Reads texts one after the other; the caps hold for all of them together.

    `stopped` is the reason why the last text was not read to the end, or empty; `broken_at` is the
    position of its fault.
    """

    def __init__(self, limits: Limits, deadline: Deadline, findings: Findings) -> None:
        self._text = ""
        self._walked = _WALKED
        self._limits = limits
        self._deadline = deadline
        self._findings = findings
        self._left = limits.nodes
        self._row: int | None = None
        self._had_second = False
        self._many_lists = False
        self.stopped = ""
        self.broken_at: int | None = None
        self._decoder = json.JSONDecoder(
            parse_float=self._number,
            parse_int=self._number,
            parse_constant=self._constant,
            object_pairs_hook=self._object_of,
            strict=False,
        )

    def read(self, text: str, at: int = 0, *, walked: int = _WALKED) -> tuple[Any, int]:
        """Return the value of `text` at a position, and the position after it and its space.

        The outer `walked` levels are walked; 0 suits many short texts.
        """
        if text is not self._text:
            self._text = text
            self._many_lists = text.count("[") > _MANY_LISTS
        self._walked = self._limits.depth if self._many_lists else walked
        self.stopped = ""
        self.broken_at = None
        value, end = self._value(self._skip(at), 0)
        return value, self._skip(end)

    def read_line(self, line: str) -> Any:
        """Return the one value of a well-formed line.

        Raises:
            ValueError: the line is not well formed, or there is no room for more values.
        """
        self._left -= values_in(line)
        if self._left < 0:
            raise ValueError(_TOO_MUCH)
        return parse_exact(line)

    # Callbacks of the C scanner: they count, so that a text of a million numbers ends in time.

    def _number(self, digits: str) -> Number:
        self._spend()
        return Number(digits)

    def _constant(self, name: str) -> Number:
        kind = ProblemKind.BAD_NUMBER
        self._findings.note(kind, f"{name} is not a JSON number", row=self._row)
        return Number(name)

    def _object_of(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        self._spend()
        values = dict(pairs)
        if len(values) < len(pairs):
            self._doubled(pairs)
        return values

    def _doubled(self, pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                text = f"name “{name[:60]}” appears twice in one object: the last is shown"
                self._findings.note(ProblemKind.DUPLICATE_KEY, text, row=self._row)
            seen.add(name)

    def _spend(self) -> None:
        self._left -= 1
        # The callbacks are the only place where reading by the C scanner can be interrupted.
        if self._left < 0 or (self._left % 4096 == 0 and self._deadline.passed):
            raise _TooMuchError

    # The walk over the outer levels.

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _value(self, at: int, level: int) -> tuple[Any, int]:
        if level > self._limits.depth:
            return self._stop(
                at,
                f"nested deeper than {format_counted(self._limits.depth, 'level')}",
                broken=False,
            )
        container = self._text[at : at + 1] in ("{", "[")
        if container and level < self._walked:
            return self._walk(at, level)
        return self._scanned(at, level, container=container)

    def _scanned(self, at: int, level: int, *, container: bool) -> tuple[Any, int]:
        """Parse one value with the C scanner, else element by element."""
        try:
            value, end = self._decoder.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            return self._walk(at, level) if container else self._fault(at, error)
        # The C scanner is recursive; walking counts the levels and ends at the limit.
        except RecursionError:
            return self._walk(at, level)
        except _TooMuchError:
            return self._second_chance(at, level, container=container)
        if level and isinstance(value, Number) and self._ended(end):
            return self._stop(end, "ends in the middle")  # its last digits may be missing
        return value, end

    def _second_chance(self, at: int, level: int, *, container: bool) -> tuple[Any, int]:
        """Read the first elements of a container that is too large; stop at the second one."""
        if container and not self._had_second:
            self._had_second = True
            self._left = _SECOND_CHANCE - 1
            return self._walk(at, level)
        return self._stop(at, _TOO_MUCH, broken=False)

    def _fault(self, at: int, error: json.JSONDecodeError) -> tuple[Any, int]:
        if self._ended(at) or error.msg.startswith("Unterminated"):
            return self._stop(at, "ends in the middle")
        return self._stop(error.pos, error.msg.removesuffix(" at").lower())

    def _stop(self, at: int, reason: str, *, broken: bool = True) -> tuple[None, int]:
        self.stopped = self.stopped or reason
        if broken and self.broken_at is None:
            self.broken_at = at
        return None, at

    def _walk(self, at: int, level: int) -> tuple[Any, int]:
        if self._text[at] == "[":
            return self._walk_array(at, level)
        return self._walk_object(at, level)

    def _walk_array(self, at: int, level: int) -> tuple[list[Any], int]:
        values: list[Any] = []
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "]":
            return values, at + 1
        runs: Runs | None = None
        while True:
            # Findings inside this element refer to its row.
            self._row = len(values)
            value, at = self._value(at, level + 1)
            if not self.stopped or value is not None:
                values.append(value)
            if not self.stopped and len(values) % _BETWEEN_RUNS == 1:
                runs = runs or Runs(self._text, at)
                at = self._read_runs(runs, values, at)
            at, more = self._after(at, "]", len(values))
            if not more:
                return values, at

    def _read_runs(self, runs: Runs, values: list[Any], at: int) -> int:
        """Read elements in runs; return the position after the last one."""
        runs.again()
        while True:
            following = self._skip(at)
            if self._text[following : following + 1] != ",":
                return at
            found = runs.read(self._skip(following + 1))
            if found is None:
                return at
            self._left -= values_in(self._text, following, found[1])
            if self._left < 0 or self._deadline.overdue:
                self._stop(at, _TOO_MUCH, broken=False)
                return at
            values += found[0]
            at = found[1]

    def _walk_object(self, at: int, level: int) -> tuple[dict[str, Any], int]:
        pairs: list[tuple[str, Any]] = []
        at = self._skip(at + 1)
        if self._text[at : at + 1] == "}":
            return {}, at + 1
        while True:
            name, at = self._name(at)
            if name is None:
                return dict(pairs), at
            value, at = self._value(at, level + 1)
            if not self.stopped or value is not None:
                pairs.append((name, value))
            at, more = self._after(at, "}", len(pairs))
            if not more:
                return self._finished(pairs), at

    def _finished(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        values = dict(pairs)
        if len(values) < len(pairs):
            self._doubled(pairs)
        return values

    def _name(self, at: int) -> tuple[str | None, int]:
        """Return a member's name and where its value begins; None after a fault."""
        if self._text[at : at + 1] != '"':
            return self._stop(at, self._ended(at) or "a name in quotes is missing")
        try:
            name, at = self._decoder.raw_decode(self._text, at)
        except json.JSONDecodeError as error:
            return self._fault(at, error)
        at = self._skip(at)
        if self._text[at : at + 1] != ":":
            return self._stop(at, self._ended(at) or "a colon is missing")
        return str(name), self._skip(at + 1)

    def _after(self, at: int, closer: str, count: int) -> tuple[int, bool]:
        """Skip a comma or closing bracket; return the position, and whether an element follows."""
        if self.stopped:
            return at, False
        at = self._skip(at)
        found = self._text[at : at + 1]
        if found == closer:
            return at + 1, False
        if found != ",":
            self._stop(at, self._ended(at) or f"a comma or {closer} is missing")
            return at, False
        if count % 256 == 0 and self._deadline.passed:
            self._stop(at, _TOO_MUCH, broken=False)
            return at, False
        return self._skip(at + 1), True

    def _ended(self, at: int) -> str:
        return "ends in the middle" if _CUT.match(self._text, at) else ""


@dataclass(frozen=True, slots=True)
class JsonRead:
    """The readable part of the first value of a text, and the position after it.

    `stopped` means that it was not read to its end; the findings contain the reason.
    """

    value: Any
    end: int
    stopped: bool


def read_json(
    text: str, limits: Limits, deadline: Deadline, findings: Findings, *, complete: bool
) -> JsonRead:
    """Return the first JSON value of `text`.

    `complete` False means that only the beginning of the object was fetched, so that an incomplete
    end is not a problem of the data.
    """
    short = len(text) <= AT_ONCE
    above = None if short else levels_above_rows(text)
    if short and complete and (found := _at_once(text, limits)):
        return found
    if not short and above is None and (pieces := _pieces(text, limits, deadline)):
        return _reported(pieces, text, findings, complete=complete)
    reader = JsonReader(limits, deadline, findings)
    value, end = reader.read(text, walked=max(_WALKED, (above or 0) + 1))
    if reader.stopped and reader.broken_at is None:
        # It may be well formed: then only the walk took too long.
        again = _at_once(text, limits) if short else _complete(text, limits, deadline, above)
        if again is not None:
            return again
    if reader.stopped:
        findings.add(_stop_finding(text, reader, complete=complete))
        end = len(text)
    return JsonRead(value, end, bool(reader.stopped))


def _at_once(text: str, limits: Limits) -> JsonRead | None:
    """Return the value of a well-formed text, None if it is not, or has too many values."""
    if values_in(text) > limits.nodes:
        return None
    try:
        return JsonRead(parse_exact(text), len(text), stopped=False)
    except ValueError:
        return None


def _pieces(text: str, limits: Limits, deadline: Deadline) -> Pieces | None:
    """Return the value of a long text, or what precedes its end or the limit; None if it is not JSON."""
    from core.preview.json_pieces import parse_pieces  # imports numpy

    try:
        check_minus_zero(text)
        return parse_pieces(text.encode(), limits.nodes, lambda: deadline.overdue)
    except ValueError:  # also of single surrogates, which UTF-8 lacks
        return None


def _complete(text: str, limits: Limits, deadline: Deadline, above: int | None) -> JsonRead | None:
    """Return the value of a long list of rows that is well formed; None for any other text."""
    found = None if above is None else _pieces(text, limits, deadline)
    return None if found is None or found.cut else JsonRead(found.value, len(text), stopped=False)


def _reported(found: Pieces, text: str, findings: Findings, *, complete: bool) -> JsonRead:
    """Return what was read of a long text, with a finding if its end is missing."""
    if found.more:
        findings.add(Problem(ProblemKind.LIMIT, _TOO_MUCH))
    elif found.cut:
        findings.add(_cut_finding(text.count("\n") + 1, complete=complete))
    return JsonRead(found.value, len(text), stopped=found.cut)


def _cut_finding(line: int, *, complete: bool) -> Problem:
    if not complete:
        return Problem(ProblemKind.NOTE, BEGINNING)
    finding = f"the file ends in the middle (line {line:,})"
    return Problem(ProblemKind.TRUNCATED, finding, line=line)


def _stop_finding(text: str, reader: JsonReader, *, complete: bool) -> Problem:
    if reader.broken_at is None:
        return Problem(ProblemKind.LIMIT, reader.stopped)
    line = text.count("\n", 0, reader.broken_at) + 1
    if reader.stopped.startswith("ends"):
        return _cut_finding(line, complete=complete)
    finding = f"not JSON at line {line:,}: {reader.stopped}; the rest is in the text only"
    return Problem(ProblemKind.BROKEN, finding, line=line)
