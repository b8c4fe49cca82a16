"""The text of a secret: validated before it is sent, edited by key, never re-serialised.

A form that changes one key leaves every other byte as it was: numbers do not pass through float,
and a text that is not JSON stays what it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.aws.limits import SECRET_BYTES
from core.errors import Corrupt, InvalidInput
from core.model.secrets import OPEN_FIELDS, SecretValue
from core.redaction import Secret
from core.secrets.splice import members, spliced
from core.units import format_count

#: Stands for the key where two texts cannot be compared by keys.
WHOLE = "(the whole text)"
#: The same for a value that is stored as SecretBinary.
BINARY = "(the binary value)"
_LINE = re.compile(r"\bLine (\d+), column \d+")
#: Texts, to step over them, and the words that are not JSON.
_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN')


@dataclass(frozen=True, slots=True)
class SecretRow:
    """One key of a JSON object. `quoted` values are texts; others are JSON as it stands."""

    key: str
    value: Secret
    quoted: bool = True

    @property
    def raw(self) -> str:
        """The value as JSON."""
        text = self.value.reveal()
        return json.dumps(text, ensure_ascii=False) if self.quoted else text


@dataclass(frozen=True, slots=True)
class SecretDiff:
    """Which keys a new text adds, removes and changes; names only, values never."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def encoded(value: Mapping[str, Any] | str) -> str:
    """Return the text to store: a mapping becomes JSON, a text stays verbatim.

    Raises:
        InvalidInput: the value is neither, or is empty or too long.
    """
    if isinstance(value, str):
        text = value
    elif isinstance(value, Mapping):
        text = _dumped(value)
    else:
        raise _invalid("A secret's value is a dictionary or a text", "Pass a dict or a str.")
    check_size(text)
    return text


def _dumped(value: Mapping[str, Any]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError):  # their texts can hold the value
        pass
    raise _invalid("The secret's value cannot be written as JSON", "Use texts, numbers and lists.")


def stored_form(value: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    """Return a value as Secrets Manager takes it: bytes as SecretBinary, others as SecretString.

    Raises:
        InvalidInput: the value is of another type, empty or too long.
    """
    if not isinstance(value, bytes):
        return {"SecretString": encoded(value)}
    _check_length(len(value))
    return {"SecretBinary": value}


def check_size(text: str) -> None:
    """Refuse an empty text and one above 65,536 bytes of UTF-8 (Secrets Manager's limit).

    Raises:
        InvalidInput: it is empty, too long, or not valid Unicode.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        size = -1
    if size < 0:
        raise _invalid("The secret's text is not valid Unicode", "Remove the broken characters.")
    _check_length(size)


def _check_length(size: int) -> None:
    if size == 0:
        raise _invalid("The secret is empty", "Enter a value.")
    if size > SECRET_BYTES:
        raise _invalid(
            f"The secret is too long: {format_count(size)} bytes",
            f"A secret holds at most {format_count(SECRET_BYTES)} bytes. Shorten it.",
        )


def json_problem(text: str) -> str:
    """Return what is wrong with a JSON object and where, or nothing when all is well."""
    try:
        rows_of(text)
    except InvalidInput as error:
        return error.summary
    seen: set[str] = set()
    for member in members(text):
        if member.key in seen:
            line, column = _place(text, member.start)
            return f"Line {line}, column {column}: Key appears twice: {member.key}"
        seen.add(member.key)
    return ""


def problem_line(problem: str) -> int:
    """Return the number of the line that a problem names, or 0."""
    found = _LINE.search(problem)
    return int(found[1]) if found else 0


def rows_of(text: str) -> tuple[SecretRow, ...]:
    """Return the keys and values of a JSON object in order, duplicates included.

    Raises:
        InvalidInput: it is not a JSON object; the message has line and column, never the value.
    """
    problem = ""
    rows: tuple[SecretRow, ...] = ()
    try:
        _check_json(text)
        rows = _scanned(text)
    except json.JSONDecodeError as error:
        problem = f"Line {error.lineno}, column {error.colno}: {error.msg}"
    except _NotJsonError as error:
        line, column = _place(text, error.at)
        problem = f"Line {line}, column {column}: {error}"
    except ValueError as error:
        problem = str(error)
    except RecursionError:
        problem = "It is nested too deeply"
    if problem:  # raised out here: the decoder's error holds the whole text
        raise _invalid(f"Not a JSON object. {problem}", "Correct the text, or save it as it is.")
    return rows


class _NotJsonError(ValueError):
    """A word that Python takes for JSON and nobody else does. `at` is its place, if known."""

    at = 0


def _check_json(text: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse, parse_int=_unread, parse_float=_unread)
    except _NotJsonError as error:
        error.at = next((m.start() for m in _WORDS.finditer(text) if m[0][0] != '"'), 0)
        raise


def _refuse(name: str) -> Any:
    message = f"{name} is not JSON"
    raise _NotJsonError(message)


def _unread(_number: str) -> int:
    return 0  # numbers stay texts: some are too long to be read


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _scanned(text: str) -> tuple[SecretRow, ...]:
    """Return the members of a text that is valid JSON, each value as it stands."""
    return tuple(
        SecretRow(
            member.key, _secret(member.key, text[member.value_start : member.end]), member.quoted
        )
        for member in members(text)
    )


def _secret(key: str, raw: str) -> Secret:
    """Wrap a value; names such as the bucket's must stay legible in messages and logs."""
    return Secret(_value(raw), remembered=key not in OPEN_FIELDS)


def _value(raw: str) -> str:
    return str(json.loads(raw)) if raw.startswith('"') else raw


def text_of(rows: Sequence[SecretRow], before: str = "") -> str:
    """Return the JSON text of rows; of `before`, the old text, each byte that can stay is kept.

    Raises:
        InvalidInput: a key is empty or appears twice, or an unquoted value is not JSON.
    """
    kept = _rows_or_none(before)
    if kept is not None and tuple(rows) == kept:
        return before  # even with a key that appears twice: it was like that
    _check_rows(rows)
    changed = spliced(before, rows, kept) if kept else None
    if changed is not None:
        return changed
    indented = not before or "\n" in before
    lines = [f"{json.dumps(row.key, ensure_ascii=False)}: {row.raw}" for row in rows]
    if indented:
        return "{\n  " + ",\n  ".join(lines) + "\n}" if lines else "{}"
    return "{" + ", ".join(lines) + "}"


def _rows_or_none(text: str) -> tuple[SecretRow, ...] | None:
    try:
        return rows_of(text) if text else None
    except InvalidInput:
        return None


def _check_rows(rows: Sequence[SecretRow]) -> None:
    keys = [row.key for row in rows]
    if any(not key for key in keys):
        raise _invalid("A key has no name", "Name the key or remove its row.")
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise _invalid(f"Key appears twice: {', '.join(twice)}", "Remove one of them.")
    for row in rows:
        if not row.quoted:
            _check_raw(row)


def _check_raw(row: SecretRow) -> None:
    try:
        _check_json(row.value.reveal())
    except ValueError:
        fine = False
    else:
        fine = True
    if not fine:
        raise _invalid(f"The value of {row.key} is not JSON", "Make it a text, or correct it.")


def diff(before: str, after: str) -> SecretDiff:
    """Return which keys differ; two texts of which one is no JSON object differ as a whole."""
    try:
        old, new = _by_key(before), _by_key(after)
    except InvalidInput:
        return SecretDiff(changed=() if before == after else (WHOLE,))
    return SecretDiff(
        added=tuple(key for key in new if key not in old),
        removed=tuple(key for key in old if key not in new),
        changed=tuple(key for key in new if key in old and new[key] != old[key]),
    )


def diff_values(before: SecretValue, after: SecretValue) -> SecretDiff:
    """Return which keys of two versions differ; a binary value has none and differs as a whole."""
    if not (before.binary or after.binary):
        return diff(before.text.reveal(), after.text.reveal())
    same = before.binary == after.binary and before.text == after.text
    return SecretDiff(changed=() if same else (BINARY,))


def _by_key(text: str) -> dict[str, list[SecretRow]]:
    found: dict[str, list[SecretRow]] = {}
    for row in rows_of(text):
        found.setdefault(row.key, []).append(row)
    return found


def check_is_text(value: SecretValue) -> None:
    """Refuse a binary value where a text is needed.

    Raises:
        Corrupt: it is binary.
    """
    if value.binary:
        raise Corrupt(
            f"Secret {value.name} holds a binary value",
            cause="It is stored as SecretBinary, for example a PKCS #12 file, and has no fields.",
            remedy="Read it as bytes; do not save it as key/value pairs.",
            subject=value.name,
        )


def parsed(name: str, text: str) -> dict[str, Any]:
    """Return the dictionary in a secret's text.

    Raises:
        Corrupt: it is not a JSON object.
    """
    value: Any = None
    try:
        value = json.loads(text)
    except ValueError:  # its text could quote the value
        value = None
    if isinstance(value, dict):
        return value
    raise Corrupt(
        f"Secret {name} is not a JSON object",
        cause="Its value is a plain text, a list, or damaged; it is not shown here.",
        remedy="Read it as a whole, or save it as key/value pairs if it should have fields.",
        subject=name,
    )


def _invalid(summary: str, remedy: str) -> InvalidInput:
    return InvalidInput(summary, remedy=remedy)
