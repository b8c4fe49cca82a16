"""The text of a search, for example `kind:ohlcv symbol:BTC* size:>1MB modified:>=2024-01-01 /regex/`.

Terms are separated by spaces, and a key has to meet all of them. A hyphen or an exclamation
mark before a term excludes what it finds; quotation marks include spaces. A term is

- a text that keys contain, in upper or lower case,
- a glob (with `*`, `?` or `[…]`) that matches complete parts of a key between slashes,
- a regular expression between slashes, with `i` behind it to ignore the case,
- or a field, a colon and a value: see `FIELDS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from core.catalog.periods import Period, age_of, period_of
from core.catalog.query import (
    Condition,
    Query,
    below,
    contains,
    is_glob,
    matches_glob,
    matches_regex,
    name_is,
    size_between,
    time_between,
)
from core.errors import InvalidInput
from core.layout.kinds import KINDS
from core.units import utc_now

_TERM = re.compile(
    r"""(?P<minus>[-!]?)(?:
        /(?P<regex>(?:[^/\\\s]|\\.|[ ](?=\S*/i?(?:\s|$))|/(?!i?(?:\s|$)))+)/(?P<flag>i?)(?=\s|$)
        | (?P<field>[A-Za-z]+):(?:"(?P<quoted_value>[^"]*)"|(?P<value>\S*))
        | "(?P<quoted>[^"]*)" | (?P<text>\S+)
    )""",
    re.VERBOSE,
)
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[KMGT]?i?)B?", re.IGNORECASE)
_UNITS: Mapping[str, int] = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12} | {
    f"{letter}i": 1024**power for power, letter in enumerate("kmgt", 1)
}
_COMPARISON = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a search: its example for help texts, and the function that reads a value."""

    example: str
    meaning: str
    condition: Callable[[str, str], Condition]


def parse_query(text: str) -> Query:
    """Return the query that a text describes; an empty text finds all keys.

    Raises:
        InvalidInput: a value cannot be read; the message names it and the accepted forms.
    """
    return Query(tuple(_conditions(text)))


def _conditions(text: str) -> Iterator[Condition]:
    for found in _TERM.finditer(text):
        condition = _condition(found)
        if condition is not None:
            yield replace(condition, negated=True) if found["minus"] else condition


def _condition(found: re.Match[str]) -> Condition | None:
    """Return the condition of one term; None while its value has not been typed."""
    if found["regex"] is not None:
        return matches_regex(found["regex"], ignore_case=bool(found["flag"]))
    if found["quoted"] is not None:
        return contains(found["quoted"]) if found["quoted"] else None
    if found["text"] is not None:
        return _text_condition(found["text"])
    name, value = found["field"].lower(), found["quoted_value"] or found["value"] or ""
    if name not in FIELDS:
        return _other_field(name, value, found.group().removeprefix(found["minus"]))
    return FIELDS[name].condition(name, value) if value else None


def _text_condition(text: str) -> Condition:
    return matches_glob(text) if is_glob(text) else contains(text)


def _other_field(name: str, value: str, term: str) -> Condition:
    """Return the condition of a text with a colon, which keys may contain, for example `T10:00`."""
    if value[:1] in {"<", ">"}:
        raise InvalidInput(
            f"There is no field “{name}” to search by",
            remedy=f"The fields are {', '.join(FIELDS)}. Put quotation marks around a text that keys contain.",
            subject=term,
        )
    return _text_condition(term)


def _names(name: str, value: str) -> Condition:
    return name_is(_COLUMNS.get(name, name), [each for each in value.split(",") if each])


def _kinds(name: str, value: str) -> Condition:
    known = [kind.id for kind in KINDS]
    values = [each.lower() for each in value.split(",") if each]
    # While it is typed, the beginning of a kind selects it.
    found = [kind for kind in known if any(_is_kind(kind, each) for each in values)]
    if "other" in values:
        return Condition(" OR ".join(["kind = ''", *(f"kind = '{kind}'" for kind in found)]))
    if not found:
        raise InvalidInput(
            f"There is no kind of data “{value}”",
            remedy=f"The kinds are {', '.join(known)} and other.",
            subject=f"{name}:{value}",
        )
    return name_is("kind", found)


def _is_kind(kind: str, typed: str) -> bool:
    return kind.startswith(typed.rstrip("*"))


def _prefixes(_name: str, value: str) -> Condition:
    return below(value)


def _sizes(name: str, value: str) -> Condition:
    first, dots, last = value.partition("..")
    if dots:
        least = _bytes(name, first) if first else None
        return size_between(least, _bytes(name, last) if last else None)
    sign, number = _compared(value)
    size = _bytes(name, number)
    bounds: Mapping[str, tuple[int | None, int | None]] = {
        ">": (size + 1, None), ">=": (size, None), "<": (None, size - 1), "<=": (None, size),
    }  # fmt: skip
    return size_between(*bounds.get(sign, (size, size)))


def _bytes(name: str, text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(
            f"“{text}” is not a size",
            remedy="Write for example size:>1MB, size:10KiB..2MiB or size:0.",
            subject=f"{name}:{text}",
        )
    return int(Decimal(found["number"]) * _UNITS[found["unit"].lower()])


def _times(name: str, value: str) -> Condition:
    column: Literal["modified", "moment"] = "modified" if name == "modified" else "moment"
    first, dots, last = value.partition("..")
    if dots:
        begin = _period(name, first).begin if first else None
        return time_between(column, begin, _period(name, last).end if last else None)
    sign, text = _compared(value)
    age = age_of(text)
    if age is not None:
        return _aged(column, sign, age)
    period = _period(name, text)
    bounds: Mapping[str, tuple[datetime | None, datetime | None]] = {
        ">": (period.end, None), ">=": (period.begin, None),
        "<": (None, period.begin), "<=": (None, period.end),
    }  # fmt: skip
    return time_between(column, *bounds.get(sign, (period.begin, period.end)))


def _aged(column: Literal["modified", "moment"], sign: str, age: timedelta) -> Condition:
    """Return the condition that an age is less than (by default) or more than a duration."""
    limit = utc_now() - age
    if sign.startswith(">"):
        return time_between(column, None, limit)
    return time_between(column, limit, None)


def _period(name: str, text: str) -> Period:
    found = period_of(text)
    if found is None:
        raise InvalidInput(
            f"“{text}” is not a date",
            remedy=f"Write for example {name}:2024-01, {name}:>=2024-01-15T10:00, "
            f"{name}:2024-01-01..2024-01-31 or {name}:7d for the last seven days. Times are UTC.",
            subject=f"{name}:{text}",
        )
    return found


def _compared(value: str) -> tuple[str, str]:
    found = _COMPARISON.fullmatch(value)
    assert found is not None  # it matches every text
    return found[1] or "", found[2]


_COLUMNS = {
    "user": "user_id", "table": "table_name", "report": "report_type", "log": "log_type",
    "class": "storage_class",
}  # fmt: skip

#: The fields by their names.
FIELDS: Mapping[str, Field] = {
    "kind": Field("kind:ohlcv", "the kind of data, or other", _kinds),
    "symbol": Field("symbol:BTC*,ETH-USD", "the symbol in the key", _names),
    "timeframe": Field("timeframe:1h", "the timeframe in the key", _names),
    "user": Field("user:user-1", "the user in the key", _names),
    "table": Field("table:orders", "the table of a backup", _names),
    "report": Field("report:daily", "the type of a report", _names),
    "log": Field("log:engine", "the type of a log", _names),
    "class": Field("class:GLACIER", "the storage class", _names),
    "size": Field("size:>1MB", "the size of the object", _sizes),
    "modified": Field("modified:>=2024-01-01", "when the object was written (UTC)", _times),
    "time": Field("time:2024-01", "the time in the key (UTC)", _times),
    "prefix": Field(
        "prefix:market-data/", "the beginning of the key, in exactly this case", _prefixes
    ),
}


def with_term(text: str, field: str, value: str) -> str:
    """Return the text of a search with another value of a field; an empty value removes it."""
    terms = [found.group() for found in _TERM.finditer(text)]
    others = [term for term in terms if not term.lower().startswith((f"{field}:", f"-{field}:"))]
    if value:
        others.append(f"{field}:{value}")
    return " ".join(others)
