"""Tokenizer for SQLite's schema text, and checks of fragments that are used in SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import Corrupt

# https://sqlite.org/lang_naming.html and tokenize.c: any byte above 0x7f is a letter.
_TOKEN = re.compile(
    r"""(?P<space>[\s]+|--[^\n]*(?:\n|\Z)|/\*.*?(?:\*/|\Z))
    |(?P<blob>[xX]'[^']*')
    |(?P<string>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\])
    |(?P<number>0[xX][0-9A-Fa-f_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?)
    |(?P<word>[A-Za-z_\x80-\U0010ffff][\w$\x80-\U0010ffff]*)
    |(?P<mark><>|<=|>=|==|!=|<<|>>|\|\||->>|->|[-+*/%&|<>=~(),.;])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)

#: Words that end a column's type.
COLUMN_KEYWORDS = (
    *("CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE"),
    *("REFERENCES", "AS", "DEFERRABLE"),
)

_LITERALS = ("number", "string", "blob", "word", "quoted")


@dataclass(frozen=True, slots=True)
class Token:
    """A token of SQL; `text` is the original text, `name` has no quotes."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """The identifier without quotes."""
        if self.kind in ("quoted", "string"):
            quote = "]" if self.text[0] == "[" else self.text[0]
            inner = self.text[1:-1]
            return inner if quote == "]" else inner.replace(quote * 2, quote)
        return self.text

    def matches(self, *keywords: str) -> bool:
        """Whether this is one of the bare keywords or marks given (upper case)."""
        return self.kind in ("word", "mark") and self.text.upper() in keywords


def tokens(text: str, *, comments: bool = True) -> list[Token]:
    """Return the tokens of SQL text without spaces and comments.

    Raises:
        Corrupt: At an invalid token, such as an unclosed quote, and at a comment if `comments` are
            not allowed.
    """
    if "\0" in text:
        raise Corrupt("Schema text contains a NUL character", subject=repr(text[:40]))
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise Corrupt("Schema text cannot be read", cause=f"At {text[position:][:40]!r}")
        if not comments and match.group().startswith(("--", "/*")):
            raise Corrupt("A schema expression contains a comment", subject=text[:200])
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup or "", match.group(), match.start(), match.end()))
        position = match.end()
    return found


def sliced(part: Iterable[Token]) -> str:
    """Return the text of tokens, with comments and runs of spaces replaced by one space."""
    pieces: list[str] = []
    last: Token | None = None
    for token in part:
        if last is not None and token.start > last.end:
            pieces.append(" ")
        pieces.append(token.text)
        last = token
    return "".join(pieces)


def quoted(name: str) -> str:
    """Return a name as a quoted SQLite identifier.

    Raises:
        Corrupt: When the name contains a NUL, which ends SQL text.
    """
    if "\0" in name:
        raise Corrupt("A name contains a NUL character", subject=repr(name))
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return text as an SQLite string literal."""
    return "'" + text.replace("'", "''") + "'"


def expression(text: str) -> str:
    """Check that a text is safe inside parentheses, and return it.

    Raises:
        Corrupt: When the text is empty or unbalanced, or contains a comment or `;`.
    """
    _balanced(text, statements=False)
    return text


def statements(text: str) -> str:
    """Check that a text is safe as the body of a trigger, and return it."""
    _balanced(text, statements=True)
    return text


def default_value(text: str) -> str:
    """Check that a text is a literal, a signed number or an expression in parentheses."""
    found = tokens(text)
    if found and found[0].matches("(") and found[-1].matches(")"):
        expression(sliced(found[1:-1]))
        return sliced(found)
    signed = len(found) == 2 and found[0].matches("+", "-")
    if (len(found) == 1 or signed) and found[-1].kind in _LITERALS:
        return sliced(found)
    raise Corrupt("A default value cannot be read", subject=text[:200])


def _balanced(text: str, *, statements: bool) -> None:
    depth = 0
    found = tokens(text, comments=False)
    for token in found:
        depth += token.matches("(") - token.matches(")")
        if depth < 0 or (token.matches(";") and (depth or not statements)):
            raise Corrupt("A schema expression has unbalanced parentheses", subject=text[:200])
    if depth or not found:
        raise Corrupt("A schema expression cannot be read", subject=text[:200])
