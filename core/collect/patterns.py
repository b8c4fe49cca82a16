"""Fast conversion of documents that have the same form as an earlier one, with a regular expression.

The parser of JSON creates an object for each number, although only its digits are needed. The form
of a document that the parser has read becomes a pattern with its exact spaces and names. A document
is only converted if the matches cover all bytes of its rows, and the parser accepts the rest of it
without them. Every other document is read by the parser.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.collect.rows import Block
from core.layout.forms import form_of

#: A number of JSON, and a text that needs neither unescaping nor decoding (RFC 8259).
_NUMBER = rb"-?(?:0|[1-9]\d*+)(?:\.\d++)?+(?:[eE][-+]?\d++)?+"
_TEXT = rb'"[ !#-\[\]-~]*+"'
_BRACKET = re.compile(rb"\s*:\s*\[")
_MEMBER = re.compile(rb'\s*("[ !#-\[\]-~]*+")\s*:\s*')
_VALUE = re.compile(rb"(%s)|(%s)" % (_NUMBER, _TEXT))
_BETWEEN = re.compile(rb"\s*,")
_ROW_NUMBERS = [b"%d," % number for number in range(10_000)]


@dataclass(frozen=True, slots=True)
class Pattern:
    """The form of documents with a list of flat objects.

    Attributes:
        names: the names of the columns.
        kinds: `text` or `number` for each of them.
        payload: the quoted name of the member with the rows.
        bracket: the bytes between it and the first row's space.
        lead: the bytes before the first row.
        separator: the bytes between two rows.
        trail: the bytes after the last row.
        row: the expression of a separator and a row, with a group for each value.
        literal: the length of what it matches outside its groups.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    payload: bytes
    bracket: bytes
    lead: bytes
    separator: bytes
    trail: bytes
    row: re.Pattern[bytes]
    literal: int

    def lines(self, document: bytes, number: int) -> bytes | None:
        """Return the rows as lines of CSV; None if the document has another form.

        Args:
            document: the unpacked bytes.
            number: the number of the object, for the first column.
        """
        at = document.find(self.payload)
        start = at + len(self.payload) + len(self.bracket)
        if at < 0 or document.find(self.payload, at + 1) >= 0:
            return None
        end = document.rfind(b"]")
        region = document[start:end]
        if not (
            document.startswith(self.bracket, at + len(self.payload))
            and region.startswith(self.lead)
            and region.endswith(self.trail)
            and self._is_empty(document[:start] + document[end:])
        ):
            return None
        # Now each row begins with a separator.
        text = self.separator + region[len(self.lead) : len(region) - len(self.trail)]
        rows = self.row.findall(text)
        if not 0 < len(rows) <= len(_ROW_NUMBERS):
            return None
        cells = list(map(b",".join, rows))
        values = sum(map(len, cells)) - len(cells) * (len(self.names) - 1)
        # Matches do not overlap: if their lengths add up, there is nothing between them.
        if len(rows) * self.literal + values != len(text):
            return None
        first = b"%d," % number
        numbers = _ROW_NUMBERS[: len(cells)]
        return b"".join(
            [first + row + cell + b"\n" for row, cell in zip(numbers, cells, strict=True)]
        )

    def _is_empty(self, document: bytes) -> bool:
        """Return whether a document without its rows is an object whose payload is an empty list."""
        import jiter

        try:
            found = jiter.from_json(document, catch_duplicate_keys=True)
        except ValueError:
            return False
        return isinstance(found, dict) and found.get(self.payload[1:-1].decode()) == []


def learned(kind_id: str, document: bytes, block: Block) -> Pattern | None:
    """Return the pattern of a document that was read as one block; None if it has none.

    Args:
        kind_id: the kind of the object.
        document: the unpacked bytes.
        block: all rows of the document.
    """
    payload = b'"%s"' % form_of(kind_id).payload.encode()
    at = document.find(payload)
    bracket = _BRACKET.match(document, at + len(payload)) if at >= 0 else None
    if bracket is None or len(block.rows) < 2:
        return None
    region = document[bracket.end() : document.rfind(b"]")]
    begin, close = region.find(b"{"), region.find(b"}")
    following, last = region.find(b"{", close), region.rfind(b"}")
    if min(begin, close, following) < 0:
        return None
    row = _row_of(region[begin + 1 : close])
    if row is None or len(row[1]) != len(block.names) or len(block.names) < 2:
        return None
    literals, kinds = row
    separator = region[close + 1 : following]
    parts = [re.escape(separator + b"{" + literals[0])]
    for kind, literal in zip(kinds, [*literals[1:-1], literals[-1] + b"}"], strict=True):
        parts.append(b"(" + (_NUMBER if kind == "number" else _TEXT) + b")" + re.escape(literal))
    return Pattern(
        block.names, tuple(kinds), payload, bracket[0], region[:begin], separator,
        region[last + 1 :], re.compile(b"".join(parts)),
        len(separator) + 2 + sum(map(len, literals)),
    )  # fmt: skip


def _row_of(inside: bytes) -> tuple[list[bytes], list[str]] | None:
    """Divide the inside of an object into the bytes around its values, and their kinds.

    There is one more part of bytes than values. None stands for nested or escaped values.
    """
    literals, kinds = [], []
    at = since = 0
    while True:
        member = _MEMBER.match(inside, at)
        value = _VALUE.match(inside, member.end()) if member else None
        if value is None:
            return None
        literals.append(inside[since : value.start()])
        kinds.append("number" if value[1] is not None else "text")
        since = value.end()
        between = _BETWEEN.match(inside, since)
        if between is None:
            break
        at = between.end()
    rest = inside[since:]
    if rest.strip():
        return None
    return [*literals, rest], kinds
