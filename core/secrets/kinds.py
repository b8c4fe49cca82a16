"""JSON types of a secret's fields: an edit must not change the type of a field.

A port that is a number stays a number: applications that read `"5433"` instead of `5433` would
fail.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum

from core.errors import InvalidInput
from core.hints import Hint
from core.model.secret_names import field_value
from core.redaction import Secret
from core.secrets.secret_text import SecretRow, rows_of, text_of


class Kind(Enum):
    """A type of JSON values; its value is the name in messages."""

    TEXT = "a text"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    NULL = "null"
    LIST = "a list"
    OBJECT = "an object"


class NewValues(Enum):
    """Interpretation of new values: by the type of the field, as texts, or as JSON."""

    KEEP_KIND = "keep"
    AS_TEXT = "text"
    AS_JSON = "json"


_FIRST = {
    '"': Kind.TEXT, "t": Kind.BOOLEAN, "f": Kind.BOOLEAN, "n": Kind.NULL,
    "[": Kind.LIST, "{": Kind.OBJECT,
}  # fmt: skip


def kind_of(row: SecretRow) -> Kind:
    """Return the type of a row's value."""
    return Kind.TEXT if row.quoted else _kind_of_json(row.value.reveal())


def with_value(row: SecretRow, value: Secret) -> SecretRow:
    """Return a row with another value of the same type.

    Raises:
        InvalidInput: the value has another type; the error names the field and both types.
    """
    if row.quoted:
        return replace(row, value=field_value(row.key, value.reveal()))
    text = value.reveal().strip()
    found = _kind_of_json(text) if _is_json(text) else Kind.TEXT
    if found is not kind_of(row):
        raise _other_kind(row.key, kind_of(row), found)
    return replace(row, value=field_value(row.key, text))


def check_kinds(before: Sequence[SecretRow], after: Sequence[SecretRow]) -> None:
    """Check that the values of rows have the same types as before.

    Raises:
        InvalidInput: a type differs; the error names the field and both types.
    """
    kinds = {row.key: kind_of(row) for row in before}
    for row in after:
        found = Kind.TEXT if not row.quoted and not _is_json(row.value.reveal()) else kind_of(row)
        if kinds.get(row.key, found) is not found:
            raise _other_kind(row.key, kinds[row.key], found)


def edited(before: str, changes: Mapping[str, Secret], how: NewValues = NewValues.KEEP_KIND) -> str:
    """Return the text of a JSON object with some values changed and all other bytes unchanged.

    Args:
        before: the original text.
        changes: the new values by field; new fields are added.
        how: the interpretation of the new values.

    Raises:
        InvalidInput: the text is not a JSON object, a type would change, or a value is not JSON.
    """
    rows = rows_of(before)
    known = {row.key for row in rows}
    changed = [_changed(row, changes[row.key], how) if row.key in changes else row for row in rows]
    new = [
        SecretRow(key, value, quoted=how is not NewValues.AS_JSON)
        for key, value in changes.items()
        if key not in known
    ]
    return text_of([*changed, *new], before)


def _changed(row: SecretRow, value: Secret, how: NewValues) -> SecretRow:
    if how is NewValues.KEEP_KIND:
        return with_value(row, value)
    return replace(row, value=value, quoted=how is NewValues.AS_TEXT)


def _kind_of_json(text: str) -> Kind:
    # The first character determines the type of a valid JSON value.
    return _FIRST.get(text[:1], Kind.NUMBER)


def _is_json(text: str) -> bool:
    try:
        # Numbers are not parsed: Python limits the digits of an integer to 4,300.
        json.loads(text, parse_constant=_refuse, parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse(name: str) -> None:
    message = f"{name} is not JSON"
    raise ValueError(message)


def _other_kind(field: str, old: Kind, new: Kind) -> InvalidInput:
    return InvalidInput(
        f"{field} is {old.value}, and its new value would be {new.value}",
        cause="Applications that read the secret expect the present type.",
        remedy="Enter a value of that type. To change the type, edit the secret as JSON.",
        hints=Hint.TEXT_VALUE | Hint.JSON_VALUE,
    )
