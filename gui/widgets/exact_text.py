"""Converts texts to and from editors without changing a byte, such as line breaks."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QTextDocument

#: Characters with a special meaning in Qt's documents (breaks of blocks, lines and frames), and the
#: byte order mark, which is dropped when a text is passed to Qt.
_TAKEN = frozenset("\u2028\u2029\ufdd0\ufdd1\0\ufeff")
_BREAKS = ("\n", "\r\n", "\r")


@dataclass(frozen=True, slots=True)
class ExactText:
    """A text as an editor shows it; if it is not `exact`, an editor would change it."""

    shown: str
    ending: str = "\n"
    exact: bool = True

    @classmethod
    def of(cls, text: str) -> ExactText:
        """Return the editor form of a text."""
        for ending in _BREAKS:
            rest = text.replace(ending, "")
            if not ({"\r", "\n", *_TAKEN} & set(rest)) and _has_utf8(text):
                return cls(text.replace(ending, "\n"), ending)
        return cls(text, exact=False)

    def back(self, document: QTextDocument) -> str:
        """Return the text of a document with its original line breaks."""
        # Not toPlainText(), which replaces no-break spaces.
        raw = document.toRawText().replace("\u2029", "\n").replace("\u2028", "\n")
        return raw.replace("\n", self.ending) if self.ending != "\n" else raw


def _has_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
