"""A text in an editor and back, to the byte: editors know one kind of line break only."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QTextDocument

#: What Qt's documents keep for themselves (breaks of blocks, lines and frames), and the mark at the
#: beginning of a text that is dropped on its way to Qt.
_TAKEN = frozenset("\u2028\u2029\ufdd0\ufdd1\0\ufeff")
_BREAKS = ("\n", "\r\n", "\r")


@dataclass(frozen=True, slots=True)
class ExactText:
    """A text as an editor shows it. If it is not `exact`, an editor would change it."""

    shown: str
    ending: str = "\n"
    exact: bool = True

    @classmethod
    def of(cls, text: str) -> ExactText:
        """Return how a text is to be shown."""
        for ending in _BREAKS:
            rest = text.replace(ending, "")
            if not ({"\r", "\n", *_TAKEN} & set(rest)) and _has_utf8(text):
                return cls(text.replace(ending, "\n"), ending)
        return cls(text, exact=False)

    def back(self, document: QTextDocument) -> str:
        """Return the text in a document, with the line breaks that it had."""
        # Not toPlainText(): that makes blanks of no-break spaces.
        raw = document.toRawText().replace("\u2029", "\n").replace("\u2028", "\n")
        return raw.replace("\n", self.ending) if self.ending != "\n" else raw


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
