"""A reader of SQLite's schema text, token by token: the base of all statements' readers."""

from __future__ import annotations

from core.backup.databases.sqlite.tokens import Token, sliced, tokens
from core.errors import Corrupt
from core.model.tables import KeyPart


class Reader:
    """Walks over tokens; the shared verbs of all statements."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._tokens = tokens(text)
        self._at = 0

    @property
    def here(self) -> Token:
        """The next token; at the end an empty one."""
        return self.peek(0)

    def peek(self, count: int) -> Token:
        """Return the token `count` further on."""
        at = self._at + count
        return self._tokens[at] if at < len(self._tokens) else Token("end", "", 0, 0)

    def take(self) -> Token:
        """Return the next token and step over it."""
        token = self.here
        if token.kind == "end":
            raise Corrupt("Schema text ends too early", subject=self.text[:200])
        self._at += 1
        return token

    def skip(self, *keywords: str) -> bool:
        """Step over these keywords if they all come next."""
        if all(self.peek(i).matches(word) for i, word in enumerate(keywords)):
            self._at += len(keywords)
            return True
        return False

    def need(self, *keywords: str) -> None:
        """Step over these keywords, which must come next."""
        if not self.skip(*keywords):
            raise Corrupt(
                "Schema text cannot be read",
                cause=f"{' '.join(keywords)} was expected before {self.here.text!r}",
                subject=self.text[:200],
            )

    def one_of(self, *keywords: str) -> str:
        """Step over one of the keywords and return it, or return an empty text."""
        return self.take().text.upper() if self.here.matches(*keywords) else ""

    def until(self, *keywords: str) -> list[Token]:
        """Take tokens up to one of the keywords outside parentheses, or up to a closing one."""
        found: list[Token] = []
        depth = 0
        while self.here.kind != "end":
            if not depth and self.here.matches(")", *keywords):
                break
            depth += self.here.matches("(") - self.here.matches(")")
            found.append(self.take())
        return found

    def inside(self) -> str:
        """Take `( … )` and return the text between."""
        self.need("(")
        text = sliced(self.until())
        self.need(")")
        return text

    def names(self) -> tuple[str, ...]:
        """Take `(name, …)`."""
        self.need("(")
        found = [self.take().name]
        while self.skip(","):
            found.append(self.take().name)
        self.need(")")
        return tuple(found)

    def parts(self) -> tuple[tuple[KeyPart, ...], bool]:
        """Take `(column or expression, …)`; also tell whether AUTOINCREMENT stood there."""
        self.need("(")
        found = [self._part()]
        while self.skip(","):
            found.append(self._part())
        automatic = self.skip("AUTOINCREMENT")
        self.need(")")
        return tuple(found), automatic

    def _part(self) -> KeyPart:
        rest = self.until(",", "AUTOINCREMENT")
        if len(rest) > 2 and rest[-2].matches("NULLS"):
            rest = rest[:-2]
        descending = rest[-1].matches("DESC")
        if rest[-1].matches("ASC", "DESC"):
            rest = rest[:-1]
        collation = None
        if len(rest) > 2 and rest[-2].matches("COLLATE"):
            collation, rest = rest[-1].name, rest[:-2]
        if len(rest) == 1 and rest[0].kind in ("word", "quoted", "string"):
            return KeyPart(rest[0].name, collation=collation, descending=descending)
        name = sliced(rest)
        return KeyPart(name, expression=True, collation=collation, descending=descending)

    def target(self) -> str:
        """Take `[schema.]name` and return the name."""
        name = self.take().name
        return self.take().name if self.skip(".") else name

    def conflict(self) -> str:
        """Parse `ON CONFLICT word` if it follows; the default is returned as an empty text."""
        if not self.skip("ON", "CONFLICT"):
            return ""
        word = self.take().text.upper()
        return "" if word == "ABORT" else word
