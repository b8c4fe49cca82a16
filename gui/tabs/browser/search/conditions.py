"""The buttons that add conditions to the text of a search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from core.catalog.query_text import FIELDS
from core.layout.kinds import KINDS
from gui.widgets.buttons import Button, menu_button


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: its text, the field that it sets, and the values with their texts."""

    text: str
    field: str
    values: tuple[tuple[str, str], ...]


CHOICES = (
    Choice(
        "Kind", "kind", (*((kind.title, kind.id) for kind in KINDS), ("Other objects", "other"))
    ),
    Choice(
        "Size",
        "size",
        (
            ("Empty", "0"),
            ("Less than 1 KB", "<1KB"),
            ("More than 1 MB", ">1MB"),
            ("More than 100 MB", ">100MB"),
            ("More than 1 GB", ">1GB"),
        ),
    ),
    Choice(
        "Modified",
        "modified",
        (
            ("In the last 24 hours", "24h"),
            ("In the last 7 days", "7d"),
            ("In the last 30 days", "30d"),
            ("More than a year ago", ">1y"),
        ),
    ),
    Choice(
        "Class",
        "class",
        (
            ("Standard", "STANDARD"),
            ("Infrequent access", "STANDARD_IA,ONEZONE_IA"),
            ("Intelligent tiering", "INTELLIGENT_TIERING"),
            ("Archives", "GLACIER,GLACIER_IR,DEEP_ARCHIVE"),
        ),
    ),
)
_ANY = "Any"


def condition_buttons(parent: QWidget, choose: Callable[[str, str], object]) -> list[Button]:
    """Return a button with a menu for each of `CHOICES`.

    Args:
        parent: the owner of the menus.
        choose: called with a field and its new value; an empty value removes the condition.
    """
    return [_button(parent, choice, choose) for choice in CHOICES]


def _button(parent: QWidget, choice: Choice, choose: Callable[[str, str], object]) -> Button:
    menu = QMenu(parent)
    menu.setAccessibleName(choice.text)
    for text, value in ((_ANY, ""), *choice.values):
        menu.addAction(text, partial(choose, choice.field, value))
    button = menu_button(choice.text, menu, parent)
    button.setToolTip(f"{FIELDS[choice.field].meaning}; as text: {FIELDS[choice.field].example}")
    return button
