"""Text of a secret: validation, and editing by key without re-serialization.

Changing one key leaves all other bytes unchanged: numbers are not converted to float, and a text
that is not JSON is not modified.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.aws.limits import SECRET_BYTES
from core.errors import Corrupt, InvalidInput
from core.model.secret_names import field_value
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.secrets.splice import Member, members, replace_members
from core.units import format_count, format_counted

#: Placeholder for the key if two texts cannot be compared by keys.
COMPLETE_TEXT = "(the complete text)"
#: Placeholder for the key of a binary value.
BINARY = "(the binary value)"
_LINE = re.compile(r"\bLine (\d+), column \d+")
#: Texts, which are skipped, and words that are not valid JSON.
_REASONS = re.compile(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN')


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A key of a JSON object and its value: a text if `quoted`, otherwise JSON."""

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
    """Names of the keys that a new text adds, removes and changes, without values."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


def encoded(value: Mapping[str, Any] | str) -> str:
    """Return the text to store: a mapping is converted to JSON, a text is unchanged.

    Raises:
        InvalidInput: the value has another type, or is empty or too large.
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
    except (TypeError, ValueError):  # their messages may contain the value
        pass
    raise _invalid("The secret's value cannot be written as JSON", "Use texts, numbers and lists.")


def stored_form(value: Mapping[str, Any] | str | bytes) -> dict[str, Any]:
    """Return a value for Secrets Manager: bytes as SecretBinary, others as SecretString.

    Raises:
        InvalidInput: the value has another type, or is empty or too large.
    """
    if not isinstance(value, bytes):
        return {"SecretString": encoded(value)}
    _check_length(len(value))
    return {"SecretBinary": value}


def check_size(text: str) -> None:
    """Check that a text is not empty and has at most 65,536 bytes of UTF-8 (AWS's limit).

    Raises:
        InvalidInput: the text is empty, too large, or not valid Unicode.
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
            f"The secret is too large: {format_counted(size, 'byte')}",
            f"A secret has at most {format_count(SECRET_BYTES)} bytes. Shorten it.",
        )


def json_problem(text: str) -> str:
    """Return the first problem of a JSON object with its position, or an empty string."""
    try:
        found = _members_of(text)
    except InvalidInput as error:
        return error.summary
    # JSON allows duplicate keys, but readers use only one of the values.
    seen: set[str] = set()
    for member in found:
        if member.key in seen:
            line, column = _place(text, member.start)
            return f"Line {line}, column {column}: Key appears twice: {member.key}"
        seen.add(member.key)
    return ""


def problem_line(problem: str) -> int:
    """Return the line number in a problem, or 0."""
    found = _LINE.search(problem)
    return int(found[1]) if found else 0


def rows_of(text: str) -> tuple[SecretRow, ...]:
    """Return the keys and values of a JSON object in order, duplicates included.

    From now on the log filter masks its values, except public ones.

    Raises:
        InvalidInput: it is not a JSON object; the message has line and column, never the value.
    """
    return tuple(
        SecretRow(each.key, field_value(each.key, _value_in(text, each)), each.quoted)
        for each in _members_of(text)
    )


def draft_rows(text: str) -> tuple[SecretRow, ...]:
    """Return the rows of a text that is being typed; the log filter does not mask their values.

    The beginning of a value may be an ordinary word, which would be masked in later messages.

    Raises:
        InvalidInput: it is not a JSON object; the message has line and column, never the value.
    """
    return tuple(
        SecretRow(each.key, Secret(_value_in(text, each), remembered=False), each.quoted)
        for each in _members_of(text)
    )


def _members_of(text: str) -> tuple[Member, ...]:
    """Return the members of a JSON object, with the positions of the values.

    Raises:
        InvalidInput: it is not a JSON object; the message has line and column, never the value.
    """
    problem = ""
    found: tuple[Member, ...] = ()
    try:
        _check_json(text)
        found = tuple(members(text))
    except json.JSONDecodeError as error:
        problem = f"Line {error.lineno}, column {error.colno}: {error.msg}"
    except _NotJsonError as error:
        line, column = _place(text, error.at)
        problem = f"Line {line}, column {column}: {error}"
    except ValueError as error:
        problem = str(error)
    except RecursionError:
        problem = "The text is nested too deeply"
    if problem:  # raised outside the handler: the decoder's error contains the complete text
        raise _invalid(f"Not a JSON object. {problem}", "Correct the text, or save it unchanged.")
    return found


class _NotJsonError(ValueError):
    """A word that only Python accepts as JSON, such as NaN; `at` is its position, if known."""

    at = 0


def _check_json(text: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse, parse_int=_unread, parse_float=_unread)
    except _NotJsonError as error:
        # `parse_constant` receives no position, so the first such word outside of texts is
        # searched.
        error.at = next((m.start() for m in _REASONS.finditer(text) if m[0][0] != '"'), 0)
        raise


def _refuse(name: str) -> Any:
    message = f"{name} is not JSON"
    raise _NotJsonError(message)


def _unread(_number: str) -> int:
    return 0  # numbers stay texts: some are too long to be parsed


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _value_in(text: str, member: Member) -> str:
    raw = text[member.value_start : member.end]
    return str(json.loads(raw)) if raw.startswith('"') else raw


def text_of(rows: Sequence[SecretRow], before: str = "") -> str:
    """Return the JSON text of rows, which changes the old text `before` as little as possible.

    Raises:
        InvalidInput: a key is empty or appears twice, or an unquoted value is not JSON.
    """
    old_rows = _rows_or_none(before)
    if old_rows is not None and tuple(rows) == old_rows:
        return before  # even with a duplicate key, which already existed
    _check_rows(rows)
    changed = replace_members(before, rows, old_rows) if old_rows else None
    if changed is not None:
        return changed
    # A new text is indented for people; an existing one keeps its style.
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
    counts = Counter(row.key for row in rows)
    if "" in counts:
        raise _invalid("A key has no name", "Name the key or remove its row.")
    twice = sorted(key for key, count in counts.items() if count > 1)
    if twice:
        raise _invalid(f"Key appears twice: {', '.join(twice)}", "Remove one of them.")
    for row in rows:
        if not row.quoted:
            _check_raw(row)


def _check_raw(row: SecretRow) -> None:
    try:
        _check_json(row.value.reveal())
    except (ValueError, RecursionError):
        # Raised outside of the handler: the traceback of the decoder's error contains the value.
        fine = False
    else:
        fine = True
    if not fine:
        raise _invalid(f"The value of {row.key} is not JSON", "Make it a text, or correct it.")


def diff(before: str, after: str) -> SecretDiff:
    """Return the keys that differ; texts that are not JSON objects are compared completely."""
    try:
        old, new = _by_key(before), _by_key(after)
    except InvalidInput:
        return SecretDiff(changed=() if before == after else (COMPLETE_TEXT,))
    return SecretDiff(
        added=tuple(key for key in new if key not in old),
        removed=tuple(key for key in old if key not in new),
        changed=tuple(key for key in new if key in old and new[key] != old[key]),
    )


def diff_values(before: SecretValue, after: SecretValue) -> SecretDiff:
    """Return the keys of two versions that differ; binary values are compared completely."""
    if not (before.binary or after.binary):
        return diff(before.text.reveal(), after.text.reveal())
    same = before.binary == after.binary and before.text == after.text
    return SecretDiff(changed=() if same else (BINARY,))


def _by_key(text: str) -> dict[str, list[SecretRow]]:
    found: dict[str, list[SecretRow]] = {}
    for row in rows_of(text):
        # A list, since a duplicate key is a difference as well.
        found.setdefault(row.key, []).append(row)
    return found


def check_is_text(value: SecretValue) -> None:
    """Check that a value is not binary.

    Raises:
        Corrupt: the value is binary.
    """
    if value.binary:
        raise Corrupt(
            f"Secret {value.name} contains a binary value",
            cause="The value is stored as SecretBinary, for example a PKCS #12 file, and has no "
            "fields.",
            remedy="Read it as bytes, and do not save it as key/value pairs.",
            subject=value.name,
        )


def parsed(name: str, text: str) -> dict[str, Any]:
    """Return the dictionary in the text of a secret.

    Raises:
        Corrupt: the text is not a JSON object.
    """
    value: Any = None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # its message could quote the value
        value = None
    if isinstance(value, dict):
        return value
    raise Corrupt(
        f"Secret {name} is not a JSON object",
        cause="The value is a plain text, a list, or corrupt. It is not shown because it may be "
        "secret.",
        remedy="Read it as a text, or save it as key/value pairs if it should have fields.",
        subject=name,
    )


def _invalid(summary: str, remedy: str) -> InvalidInput:
    return InvalidInput(summary, remedy=remedy)
