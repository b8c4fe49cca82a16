"""Exact conversion of single values between engines, and refusal of those without an equivalent.

Values of a backup are None, `str`, `Digits` (a number with its digits), `bytes`, or `RawText` (a
text that is not UTF-8). Conversions return the same kinds, in the form in which the other engine
writes the value again, so that loaded rows can be compared.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import date as calendar_date
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any

from core.backup.databases.row_keys import Digits

Value = str | bytes | None
#: A conversion of a value that is not NULL.
Conversion = Callable[[Any], Value]

_INTEGER = re.compile(r"-?\d+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?")
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?")
_LARGEST = 2**63 - 1
_NUMERIC_ELEMENTS = re.compile(r"(?:smallint|integer|bigint|numeric|real|double precision|oid).*")
_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^",{}]+)', re.DOTALL)


class RawText(bytes):
    """A text whose bytes are not UTF-8."""

    __slots__ = ()


class RefusedError(ValueError):
    """A value has no exact equivalent; the text is the reason."""


def conversion(form: str) -> Conversion:
    """Return the conversion of a form with its arguments, for example `decimal 10 2`."""
    name, *arguments = form.split(" ", 1)
    given = tuple(arguments[0].split(" ")) if arguments else ()
    if name == "array":
        return partial(_array, arguments[0])
    return partial(_FORMS[name], given)


def is_real(form: str) -> bool:
    """Return whether values of a form are binary floating-point numbers."""
    return form.startswith("real")


def _text(_arguments: tuple[str, ...], value: Any) -> Value:
    if isinstance(value, RawText):
        raise RefusedError("It is not valid UTF-8.")
    if isinstance(value, bytes | Digits):
        raise RefusedError("It is not a text.")
    return str(value)


def _any_text(arguments: tuple[str, ...], value: Any) -> Value:
    return str(value) if isinstance(value, Digits) else _text(arguments, value)


def _integer(arguments: tuple[str, ...], value: Any) -> Value:
    if isinstance(value, bytes) or not _INTEGER.fullmatch(value):
        raise RefusedError("It is not an integer.")
    if arguments == ("signed",) and int(value) > _LARGEST:
        raise RefusedError(f"It is larger than {_LARGEST}.")
    return Digits(int(value))


def _digits(_arguments: tuple[str, ...], value: Any) -> Value:
    return str(value)


def _flag(_arguments: tuple[str, ...], value: Any) -> Value:
    found = {"t": "1", "f": "0", "1": "1", "0": "0"}.get(value)
    if found is None:
        raise RefusedError("It is neither 0 nor 1.")
    return Digits(found)


def _boolean(arguments: tuple[str, ...], value: Any) -> Value:
    return "t" if _flag(arguments, value) == "1" else "f"


def _real(arguments: tuple[str, ...], value: Any) -> Value:
    """Return a number; `infinite` is stored, and `zero` instead of -0, by the other database."""
    if isinstance(value, bytes):
        raise RefusedError("It is not a number.")
    try:
        number = float(value)
    except ValueError:
        raise RefusedError("It is not a number.") from None
    if math.isnan(number) or (math.isinf(number) and "infinite" not in arguments):
        raise RefusedError("The other database does not store it.")
    if not number and "zero" in arguments:
        number = 0.0
    return Digits(repr(number))


def _number(_arguments: tuple[str, ...], value: Any) -> Value:
    if isinstance(value, bytes):
        raise RefusedError("It is not a number.")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise RefusedError("It is not a number.") from None
    if not number.is_finite() or abs(number.adjusted()) > 1000:
        raise RefusedError("The other database does not store it.")
    return format(number, "f")


def _decimal(arguments: tuple[str, ...], value: Any) -> Value:
    """Return a number with a fixed number of decimals, without rounding."""
    precision, scale = map(int, arguments)
    digits = str(_number((), value))
    integer_part, _, fraction = digits.lstrip("-").partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > scale or len(integer_part.lstrip("0")) > precision - scale:
        raise RefusedError(f"It does not fit into decimal({precision},{scale}).")
    sign = "-" if digits.startswith("-") and digits.strip("-0.") else ""
    point = "." if scale else ""
    return f"{sign}{integer_part.lstrip('0') or '0'}{point}{fraction.ljust(scale, '0')}"


def _hex(_arguments: tuple[str, ...], value: Any) -> Value:
    if not value.startswith("\\x"):
        raise RefusedError("It is not a binary value.")
    return bytes.fromhex(value[2:])


def _bytes(_arguments: tuple[str, ...], value: Any) -> Value:
    if not isinstance(value, bytes) or isinstance(value, RawText):
        raise RefusedError("It is not a binary value.")
    return value


def _bits(arguments: tuple[str, ...], value: Any) -> Value:
    return format(int(value), f"0{arguments[0]}b")


def _date(_arguments: tuple[str, ...], value: Any) -> Value:
    _check_date(value)
    return str(value)


def _check_date(value: Any) -> None:
    valid = isinstance(value, str) and _DATE.fullmatch(value)
    try:
        calendar_date.fromisoformat(value if valid else "")
    except ValueError:
        raise RefusedError("It is not a date of the years 1 to 9999.") from None


def _timestamp(arguments: tuple[str, ...], value: Any) -> str:
    match = _TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise RefusedError("It is not a time of the years 1 to 9999.")
    _check_date(match[1])
    return f"{match[1]} {match[2]}{_fraction(match[3] or '', arguments)}"


def _fraction(digits: str, arguments: tuple[str, ...]) -> str:
    """Return the fraction of a second: unchanged, with 6 digits, or without trailing zeros."""
    if arguments == ("6",):
        digits = digits.ljust(6, "0")
    elif arguments == ("short",):
        digits = digits.rstrip("0")
    return f".{digits}" if digits else ""


def _instant(arguments: tuple[str, ...], value: Any) -> Value:
    """Return a time in UTC; sessions write it in this zone, PostgreSQL with an offset."""
    local = str(value).removesuffix("+00")
    if arguments == ("6",):
        return _timestamp(arguments, local)
    if arguments == ("short",):
        return f"{_timestamp(arguments, local)}+00"
    return f"{_timestamp((), local)}+00:00"


def _time(arguments: tuple[str, ...], value: Any) -> Value:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    midnight = "24:00:00"
    if match is None or str(value)[:8] > midnight:
        raise RefusedError("It is not a time of a day.")
    if str(value)[:8] == midnight and (match[4] or "").strip("0"):
        raise RefusedError("It is not a time of a day.")
    return f"{match[1]}:{match[2]}:{match[3]}{_fraction(match[4] or '', arguments)}"


def _array(element: str, value: Any) -> Value:
    """Return an array in PostgreSQL's notation as JSON text, with the digits of its numbers."""
    if not value.startswith("{"):
        raise RefusedError("Its first index is not 1.")
    text, end = _elements(value, 1, element)
    if end != len(value):
        raise RefusedError("It is not an array.")
    return text


def _elements(text: str, at: int, element: str) -> tuple[str, int]:
    """Return the JSON array of the elements at a position, and where the closing brace ends."""
    found: list[str] = []
    while text[at : at + 1] != "}":
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] == "{":
            inner, at = _elements(text, at + 1, element)
            found.append(inner)
        else:
            match = _ELEMENT.match(text, at)
            if match is None:
                raise RefusedError("It is not an array.")
            found.append(_element(match, element))
            at = match.end()
    return f"[{', '.join(found)}]", at + 1


def _element(match: re.Match[str], element: str) -> str:
    quoted, bare = match.groups()
    if bare is None:
        text = re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        return json.dumps(text, ensure_ascii=False)
    if bare == "NULL":
        return "null"
    if element == "boolean":
        return "true" if bare == "t" else "false"
    if _NUMERIC_ELEMENTS.fullmatch(element) and bare.lstrip("-")[:1].isdigit():
        return str(bare)
    return json.dumps(bare, ensure_ascii=False)


_FORMS: dict[str, Callable[[tuple[str, ...], Any], Value]] = {
    "text": _text,
    "any_text": _any_text,
    "integer": _integer,
    "digits": _digits,
    "flag": _flag,
    "boolean": _boolean,
    "real": _real,
    "number": _number,
    "decimal": _decimal,
    "hex": _hex,
    "bytes": _bytes,
    "bits": _bits,
    "date": _date,
    "timestamp": _timestamp,
    "instant": _instant,
    "time": _time,
}
