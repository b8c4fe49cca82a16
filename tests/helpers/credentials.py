"""Helpers of the tests of the Credentials tab."""

from typing import Any, TypeVar

from PySide6.QtWidgets import QPlainTextEdit, QWidget

T = TypeVar("T", bound=QWidget)

DATABASE = "cryptotrading/database"
STORAGE = "cryptotrading/s3-storage"
DATABASE_TEXT = '{"host": "db", "port": "5432", "rate": 1.10, "password": "canary-password"}'


def settled(qtbot: Any, tab: Any) -> None:
    """Wait until no task of the tab runs."""
    qtbot.waitUntil(lambda: not tab.busy)


def opened(qtbot: Any, parent: QWidget, kind: type[T]) -> T:
    """Wait for a dialog, and return it."""
    found: list[T] = []

    def look() -> bool:
        found[:] = [each for each in parent.findChildren(kind) if each.isVisible()]
        return bool(found)

    qtbot.waitUntil(look)
    return found[-1]


def names_in(dialog: QWidget) -> list[str]:
    """Return the lines of a question's list."""
    text = next(view.toPlainText() for view in dialog.findChildren(QPlainTextEdit))
    return [line.strip() for line in text.splitlines()]
