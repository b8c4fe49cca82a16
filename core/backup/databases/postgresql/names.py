"""Names of tables and other objects, and checks of the fragments of SQL that a backup contains.

A table of the schema `public` is named `orders`, one of another schema `analytics.orders`; parts
that contain a dot, a quote or a space are written as quoted identifiers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from core.errors import NOTHING_CHANGED, Corrupt, InvalidInput

PUBLIC = "public"
#: Longest identifier in bytes. Source: PostgreSQL manual, "Identifiers and Key Words".
LONGEST = 63

_PART = r'(?:[^".]+|"(?:[^"]|"")+")'
_NAME = re.compile(rf"(?:(?P<schema>{_PART})\.)?(?P<table>{_PART})")
_PLAIN = re.compile(r'[^".\s]+')
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>[eE]'(?:[^'\\]|''|\\.)*'|[bBxXnN]?'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>\d[\w.]*)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<mark>::|:=|=>|[-+*/<>=~!@\#%^&|`?(){}\[\],.:])""",
    re.VERBOSE | re.DOTALL,
)
_IDENTIFIER = r'(?:"(?:[^"\0]|"")+"|[^\W\d][\w$]*)'
_QUALIFIED = re.compile(rf"{_IDENTIFIER}(?:\.{_IDENTIFIER})?")
_MODIFIERS = r"(?: ?\(-?\w+(?: ?, ?-?\w+)*\))?"
#: A type, for example `timestamp(3) with time zone`, `interval day to second(3)` or `a."b"(1,2)[]`.
#: A word that begins a clause of a column (CHECK, DEFAULT, REFERENCES) cannot follow the name.
_TYPE = re.compile(
    rf"{_QUALIFIED.pattern}{_MODIFIERS}(?: (?:precision|varying|with|without|time|zone|year|month|day"
    rf"|hour|minute|second|to)\b{_MODIFIERS})*(?:\[\d*\])*"
)
_OPENING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class TableName:
    """Schema and name of a table or another object."""

    schema: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the parts of a name as it is shown.

        Raises:
            InvalidInput: The text is not a name.
        """
        found = _NAME.fullmatch(text)
        if not found or "\0" in text:
            raise InvalidInput(
                f"{text!r} is not the name of a table",
                remedy='Write it as orders or analytics.orders; quote a part with dots: "a.b".',
            )
        schema = _unquoted(found["schema"]) if found["schema"] else PUBLIC
        return cls(schema, _unquoted(found["table"]))

    def __str__(self) -> str:
        name = _shown(self.name)
        return name if self.schema == PUBLIC else f"{_shown(self.schema)}.{name}"

    @property
    def sql(self) -> str:
        """The name for a statement, always quoted and with the schema."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def beside(self, suffix: str) -> TableName:
        """Return the name with a suffix, shortened to the longest identifier."""
        return TableName(self.schema, with_suffix(self.name, suffix))


def with_suffix(name: str, suffix: str) -> str:
    """Return a name with a suffix that is not longer than an identifier may be."""
    end = suffix.encode()[:LONGEST].decode(errors="ignore")
    shortened = name.encode()[: LONGEST - len(end.encode())]
    return shortened.decode(errors="ignore") + end


def quoted(name: str) -> str:
    """Return an identifier for a statement."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text for a statement that takes no parameters, such as COMMENT."""
    return "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def checked_fragment(text: str, what: str) -> str:
    """Return a fragment of SQL that cannot end the statement or the parentheses around it.

    A backup contains definitions as the server wrote them. A forged one might contain another
    clause or statement: semicolons, comments, dollar quotes and unbalanced parentheses are refused.

    Raises:
        Corrupt: The text is not such a fragment.
    """
    open_marks: list[str] = []
    position, previous = 0, ""
    while position < len(text):
        token = _TOKEN.match(text, position)
        if token is None or text.startswith(("--", "/*"), position):
            raise _forged(text, what)
        position = token.end()
        # Adjacent strings are one string for the server, with the escapes of the first one.
        if token["string"] and previous == "string":
            raise _forged(text, what)
        previous = previous if token["space"] else str(token.lastgroup)
        mark = token["mark"] or ""
        if mark in _OPENING:
            open_marks.append(_OPENING[mark])
        elif mark in _OPENING.values() and (not open_marks or open_marks.pop() != mark):
            raise _forged(text, what)
    if open_marks or not text.strip():
        raise _forged(text, what)
    return text


def checked_definition(text: str, what: str, *beginnings: str) -> str:
    """Return a fragment that begins with one of the given clauses.

    Raises:
        Corrupt: The text is not such a fragment.
    """
    checked_fragment(text, what)
    if not text.startswith(beginnings):
        raise _forged(text, what)
    return text


def checked_type(text: str) -> str:
    """Return the name of a type as the server writes it, without any other clause of a column.

    Raises:
        Corrupt: The text is anything else.
    """
    if not _TYPE.fullmatch(text):
        raise _forged(text, "type")
    return text


def checked_name(text: str, what: str) -> str:
    """Return a name with an optional schema as the server writes it, for example `pg_catalog."C"`.

    Raises:
        Corrupt: The text is anything else.
    """
    if not _QUALIFIED.fullmatch(text):
        raise _forged(text, what)
    return text


def _forged(text: str, what: str) -> Corrupt:
    return Corrupt(
        f"The backup contains an invalid {what}",
        cause=f"{text[:120]!r} was not executed.",
        remedy="Choose another backup of the table.",
        effect=NOTHING_CHANGED,
    )


def _unquoted(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part


def _shown(part: str) -> str:
    return part if _PLAIN.fullmatch(part) else quoted(part)
