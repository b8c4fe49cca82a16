"""What can be done from everywhere: one list for the shortcuts, the palette and the F1 sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from core.engine.operations import operation
from core.errors import StorageError
from core.local.profiles import DEMO_NAME
from gui.context import Context


@dataclass(frozen=True, slots=True)
class Command:
    """One act: its words, its keys (or none), what it does, and the operation it leads to."""

    title: str
    keys: str
    run: Callable[[], object]
    operation: str = ""

    @property
    def changes(self) -> bool:
        """Whether it leads to an operation that a read-only profile refuses."""
        return bool(self.operation) and operation(self.operation).changes


#: Keys that the views themselves answer to; shown in the sheet.
IN_VIEWS: tuple[tuple[str, str], ...] = (
    ("Preview the chosen object", "Space"),
    ("Delete what is chosen (asks first)", "Del"),
    ("Copy the key", "Ctrl+C"),
    ("Download what is chosen", "Ctrl+D"),
    ("Next or previous field", "Tab / Shift+Tab"),
    ("Close a dialog without a change", "Esc"),
)


#: Acts of single views: words, keys, the view, what it is asked to do, and the operation.
_IN_TABS: tuple[tuple[str, str, str, object, str], ...] = (
    ("Upload files", "Ctrl+U", "uploads", "choose", "transfer.upload"),
    ("Rotate the platform's access key…", "", "credentials", "rotate", "rotation.start"),
    ("Examine secrets and access keys (doctor)", "", "credentials", "doctor", ""),
    ("Show the hygiene board of secrets", "", "credentials", "hygiene", ""),
)


def acts_in_tabs(show: Callable[[str, object], object]) -> list[Command]:
    """Return the commands that show a view and have it do something."""
    return [
        Command(title, keys, partial(show, tab, target), name)
        for title, keys, tab, target, name in _IN_TABS
    ]


def install(window: QWidget, commands: Sequence[Command]) -> None:
    """Make the commands that have keys work everywhere in the window."""
    for command in commands:
        action = QAction(command.title, window)
        if command.keys:
            action.setShortcut(QKeySequence(command.keys))
        action.triggered.connect(lambda _checked=False, run=command.run: run())
        window.addAction(action)


def switches(context: Context, trouble: Callable[[StorageError], None]) -> list[Command]:
    """Return one command for each profile there is now, and for the demo."""
    try:
        names = [profile.name for profile in context.connections.profiles.list()]
    except StorageError as error:
        trouble(error)
        names = []
    return [
        Command(f"Switch to profile {name}", "", partial(context.switch_profile, name))
        for name in (*names, DEMO_NAME)
    ]


def matching(commands: Sequence[Command], text: str) -> list[Command]:
    """Return the commands that hold the letters of `text` in order, the closest first."""
    scored = [(score, command) for command in commands if (score := _score(command.title, text))]
    return [command for _score_, command in sorted(scored, key=lambda pair: -pair[0])]


def _score(title: str, text: str) -> int:
    """Return 0 for no match; whole words and early, near letters count more."""
    title, text = title.casefold(), text.casefold().strip()
    if not text:
        return 1
    if text in title:
        return 1000 - title.index(text) + (500 if title.startswith(text) else 0)
    place, spread = -1, 0
    for letter in text.replace(" ", ""):
        found = title.find(letter, place + 1)
        if found < 0:
            return 0
        spread += found - place
        place = found
    return max(500 - spread, 1)
