"""Tokenizer for the SQL of MariaDB and MySQL, and checks of fragments that are used in SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import Corrupt

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<hint>/\*M?!\d*|\*/)
    |(?P<comment>\#|--(?=\s)|/\*)
    |(?P<bits>[bBxX]'[0-9A-Fa-f]*'|0[xX][0-9A-Fa-f]+|0b[01]+)
    |(?P<string>'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*")
    |(?P<quoted>`(?:[^`]|``)*`)
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w$]))
    |(?P<word>[\w$\x80-\U0010ffff]+)
    |(?P<mark><=>|<>|<=|>=|!=|:=|<<|>>|\|\||&&|->>|->|[-+*/%&|^<>=!~(),.;@?{}:\[\]])""",
    re.VERBOSE | re.DOTALL,
)

#: Functions and keywords that read or write more than the row, or wait: an expression of a table
#: never contains them.
_FORBIDDEN = frozenset(
    [
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
        "REPLACE_INTO",
        "INTO",
        "OUTFILE",
        "DUMPFILE",
        "LOAD_FILE",
        "SLEEP",
        "BENCHMARK",
        "GET_LOCK",
        "RELEASE_LOCK",
        "RELEASE_ALL_LOCKS",
        "MASTER_POS_WAIT",
        "MASTER_GTID_WAIT",
        "SYS_EXEC",
        "SYS_EVAL",
        "LAST_INSERT_ID",
        "NEXTVAL",
        "SETVAL",
        "CALL",
        "EXECUTE",
        "PREPARE",
        "UNION",
        "PROCEDURE",
    ]
)
#: Words that are a complete default value.
_CONSTANTS = frozenset(
    [
        "NULL",
        "TRUE",
        "FALSE",
        "CURRENT_TIMESTAMP",
        "CURRENT_DATE",
        "CURRENT_TIME",
        "LOCALTIME",
        "LOCALTIMESTAMP",
        "CURRENT_USER",
    ]
)
_LONGEST_NAME = 64
_UNESCAPED = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}


@dataclass(frozen=True, slots=True)
class Token:
    """A token of SQL: its kind and its original text."""

    kind: str
    text: str

    @property
    def value(self) -> str:
        """The identifier or string without quotes."""
        if self.kind == "quoted":
            return self.text[1:-1].replace("``", "`")
        if self.kind == "string":
            return _unescaped(self.text)
        return self.text

    def matches(self, *keywords: str) -> bool:
        """Return whether this is one of the bare keywords or marks (upper case)."""
        return self.kind in ("word", "mark") and self.text.upper() in keywords


_NONE = Token("", "")


def _unescaped(text: str) -> str:
    quote, inner = text[0], text[1:-1]

    def one(match: re.Match[str]) -> str:
        found = match.group()
        return quote if found == quote * 2 else _UNESCAPED.get(found[1], found[1])

    return re.sub(rf"\\.|{quote}{quote}", one, inner, flags=re.DOTALL)


def tokens(text: str, *, hints: bool = False) -> list[Token]:
    """Return the tokens of SQL text.

    Args:
        text: The text.
        hints: Whether `/*!` and `/*M!` are allowed, which the server writes around clauses that
            older versions do not have; they are removed.

    Raises:
        Corrupt: The text contains a comment, or something that is not a token.
    """
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        kind = match.lastgroup if match else None
        if match is None or kind == "comment" or (kind == "hint" and not hints) or "\0" in text:
            raise Corrupt("Schema text cannot be read", cause=f"At {text[position:][:40]!r}.")
        if kind not in ("space", "hint", None):
            found.append(_token(str(kind), match.group()))
        position = match.end()
    return found


def _token(kind: str, text: str) -> Token:
    """Return a token; a string with bytes that are no UTF-8 becomes a hexadecimal literal."""
    token = Token(kind, text)
    if kind != "string" or text.isascii():
        return token
    data = token.value.encode(errors="surrogateescape")
    try:
        data.decode()
    except UnicodeDecodeError:
        return Token("bits", f"x'{data.hex()}'")
    return token


def joined(part: Sequence[Token]) -> str:
    """Return the text of tokens in a uniform notation, which the server's own text is close to."""
    pieces: list[str] = []
    last: Token | None = None
    for token in part:
        if last is not None and _spaced(last, token):
            pieces.append(" ")
        pieces.append(token.text)
        last = token
    return "".join(pieces)


def _spaced(left: Token, right: Token) -> bool:
    if left.text in ("(", ".", "@", "-", "~", "!") or right.text in (")", ",", ".", "@"):
        return False
    # `f (x)` is not a call in the default SQL mode, so that a space must not be added.
    return not (right.text == "(" and left.kind in ("word", "quoted"))


def quoted(name: str) -> str:
    """Return a name as a quoted identifier.

    Raises:
        Corrupt: The server does not support the name.
    """
    bad = not 0 < len(name) <= _LONGEST_NAME or name.endswith(" ")
    if bad or any(character == "\0" or character > "\uffff" for character in name):
        raise Corrupt(
            "The server does not support a name of the table",
            cause="A name has 1 to 64 characters without NUL and without those beyond U+FFFF, and "
            "does not end with a space.",
            subject=repr(name)[:200],
        )
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Return text as a string literal, for sessions without NO_BACKSLASH_ESCAPES."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''").replace("\0", "\\0") + "'"


def expression(text: str) -> str:
    """Check that a text is one expression without side effects, and return it.

    Raises:
        Corrupt: The text is empty or unbalanced, or contains something that is not allowed.
    """
    check_expression(tokens(text), text)
    return text


def check_expression(found: Sequence[Token], text: str, *, lists: bool = False) -> None:
    """Check the tokens of an expression; `lists` allows commas outside of parentheses."""
    depth = 0
    for token in found:
        depth += token.matches("(") - token.matches(")")
        alone = token.matches(";", "@", "?") or (token.matches(",") and not depth and not lists)
        if depth < 0 or alone or token.text.upper() in _FORBIDDEN:
            raise Corrupt("A schema expression is not allowed", subject=text[:200])
    if depth or not found:
        raise Corrupt("A schema expression cannot be read", subject=text[:200])


def default_value(text: str) -> str:
    """Check that a text is a literal, a call or an expression in parentheses, and return it."""
    found = tokens(text)
    check_expression(found, text)
    if default_length(found, 0) != len(found):
        raise Corrupt("A default value cannot be read", subject=text[:200])
    return text


def default_length(found: Sequence[Token], start: int) -> int:
    """Return the index after the default value that starts at `start`.

    Raises:
        Corrupt: There is no default value.
    """
    first, second = (*found[start : start + 2], _NONE, _NONE)[:2]
    if first.matches("+", "-"):
        start, first = start + 1, second
    if first.kind in ("string", "number", "bits"):
        return start + 1
    if first.matches("("):
        return group_end(found, start)
    if first.kind == "word" and second.matches("("):
        return group_end(found, start + 1)
    if first.text.startswith("_") and second.kind in ("string", "bits"):
        return start + 2
    if first.text.upper() in _CONSTANTS:
        return start + 1
    raise Corrupt("A default value cannot be read", subject=joined(found[start : start + 8])[:200])


def group_end(found: Sequence[Token], start: int) -> int:
    """Return the index after the parenthesis that closes the one at `start`.

    Raises:
        Corrupt: There is none.
    """
    depth = 0
    for at in range(start, len(found)):
        depth += found[at].matches("(") - found[at].matches(")")
        if depth == 0:
            return at + 1
    raise Corrupt("A parenthesis in schema text is not closed", subject=joined(found[start:])[:200])


def split_at_commas(found: Sequence[Token]) -> list[list[Token]]:
    """Return the tokens between the commas that are outside of parentheses."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in found:
        depth += token.matches("(") - token.matches(")")
        if token.matches(",") and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
