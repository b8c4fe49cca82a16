"""The search (Ctrl+K) for actions, keys, folders, secrets, tables and backups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QAbstractListModel, QEvent, QModelIndex, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QVBoxLayout, QWidget

from core.errors import InvalidInput, StorageError
from core.layout.places import parse_place
from core.work import Work
from gui import actions, shortcuts, theme
from gui.context import Context
from gui.main_window.commands import Command, Commands, matching
from gui.main_window.stored_names import StoredNames
from gui.models.indexes import NOWHERE, Index
from gui.models.names import Match, NameSource
from gui.models.roles import ASIDE_ROLE, MONO_ROLE
from gui.tabs.base import Tab
from gui.widgets.labels import Elided, shown
from gui.widgets.panel import rule
from gui.widgets.table import choose_row, make_list

_LOCKED = "read-only: unlock first"
#: Kinds of names that are shown in the monospaced font.
_MONO = frozenset({"Key", "Folder", "Backup"})
#: Maximum number of results of each source.
_LIMIT = 50
_HELP = (
    "Searches actions, secrets, tables, backups, and the keys of the catalogue or of this session."
)
_SEARCHING = (
    "Searching actions, secrets, tables, backups, and the keys of the catalogue or of this session…"
)
_NOTHING = (
    "Nothing found in actions, secrets, tables, backups, and the keys of the catalogue or of this "
    "session."
)
#: Score from which an action precedes all names, even those that are not found yet.
_BEFORE_NAMES = 1000
#: Milliseconds that Enter waits for names that are being loaded.
_WAIT_MS = 1_500
#: The score of a location with a bucket, which is unambiguous.
_FIRST = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """One result: its text, the text at the right, its function, and its score."""

    text: str
    aside: str
    run: Callable[[], object]
    score: float = 0

    def same_as(self, other: Line | None) -> bool:
        """Return whether another line has the same result."""
        return other is not None and (self.text, self.aside) == (other.text, other.aside)


@dataclass(frozen=True, slots=True)
class Tabs:
    """The current tab, the searchable names, and the function that opens one in its tab."""

    current: Tab
    names: StoredNames
    open: Callable[[str, object], object]


class Palette(QDialog):
    """A field above a list; Enter runs the selected line, Escape closes.

    Actions are found at once; names are loaded and searched in worker threads and added when they
    are found. Enter waits for them, so that it never runs a line that is about to be replaced.
    """

    def __init__(self, parent: QWidget, context: Context, commands: Commands, tabs: Tabs) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setWindowTitle("Search")
        self.setObjectName("palette")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._window, self._context = parent, context
        self._commands, self._tabs = commands, tabs
        self._choices = [*commands.of_tab(tabs.current), *commands.all, *commands.profiles()]
        self._model = _Lines(self)
        self._actions: list[Line] = []
        # The text for which the results are shown, whether Enter waits, and whether a line was
        # selected.
        self._found_for, self._enter_pressed, self._moved = "", False, False
        self.field = QLineEdit()
        self.field.setPlaceholderText(actions.action("search").text)
        self.field.setAccessibleName("Search keys and actions")
        self.field.textChanged.connect(self._on_text)
        self.field.installEventFilter(self)
        self._note = Elided("", "muted", mode=Qt.TextElideMode.ElideRight)
        self._note.setFont(theme.text_font(12))
        self.list = make_list(self._model, "Results")
        self.list.clicked.connect(self._on_chosen)
        self.list.activated.connect(self._on_chosen)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 8, 8, 8)
        box.setSpacing(8)
        box.addWidget(self.field)
        box.addWidget(rule())
        box.addWidget(self.list)
        box.addWidget(self._note)
        self.setFixedSize(min(720, parent.width() - 40), 420)
        tabs.names.changed.connect(self._search)
        self._on_text("")

    def popup(self, window: QWidget) -> None:
        """Open centred below the header."""
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - self.width()) // 2, corner.y() + 56)
        self.show()
        self.field.setFocus()

    @property
    def searching(self) -> bool:
        """Whether names are still being loaded or searched."""
        # Without a text nothing is searched in names.
        waiting = bool(self._tabs.names.loading) and bool(self.field.text().strip())
        return waiting or self._found_for != self.field.text()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the field's arrow keys move in the list, and Enter run the selected line."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
            if event.key() in steps:
                self._move_selection(steps[Qt.Key(event.key())])
                return True
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self._on_enter()
                return True
        return super().eventFilter(watched, event)

    def _move_selection(self, step: int) -> None:
        rows = self._model.rowCount()
        if rows:
            self._moved = True
            row = (self.list.currentIndex().row() + step) % rows
            choose_row(self.list, row)

    def _on_text(self, text: str) -> None:
        self._enter_pressed = self._moved = False
        locked = self._context.read_only
        self._actions = [
            Line(c.title, _LOCKED if locked and c.changes else c.keys, partial(self._do, c), score)
            for score, c in matching(self._choices, text)
        ]
        self._show([])
        self._search()

    def _search(self) -> None:
        """Search the names that are loaded."""
        text, sources = self.field.text(), tuple(self._tabs.names.sources())
        if not text.strip() or not sources:
            self._on_found(text, [])
            return
        self._found_for = ""
        self._context.runner.run(
            "Search",
            lambda work: _find(sources, text, work),
            owner=self,
            then=partial(self._on_found, text),
            failed=partial(self._on_failed, text),
            latest="palette",
            quiet=True,
        )

    def _on_found(self, text: str, found: list[tuple[str, Match]]) -> None:
        # The user has typed on while this search was running.
        if text != self.field.text():
            return
        self._found_for = text
        self._show([
            Line(
                match.name.text,
                match.name.kind,
                partial(self._tabs.open, tab, match.name.target),
                match.score,
            )
            for tab, match in found
        ])  # fmt: skip
        if self._enter_pressed and not self.searching:
            self._on_chosen(self.list.currentIndex())

    def _on_failed(self, text: str, _error: StorageError) -> None:
        self._on_found(text, [])

    def _show(self, names: list[Line]) -> None:
        """Show actions and names by score; a line that the user selected stays selected."""
        selected = self._model.line(self.list.currentIndex().row()) if self._moved else None
        lines = sorted([*self._actions, *names], key=lambda line: -line.score)
        # Spaces at the end may belong to a key.
        if place := self._place_line(self.field.text(), {line.text for line in names}):
            # A complete address is certainly meant as a location, other texts only perhaps.
            lines.insert(0 if place.score else len(lines), place)
        self._model.show(lines)
        self._note.setText(self._state_text(len(lines)))
        row = next((n for n, line in enumerate(lines) if line.same_as(selected)), 0)
        choose_row(self.list, row)

    def _state_text(self, count: int) -> str:
        names = self._tabs.names
        if names.loading:
            return names.loading
        if names.problem:
            return names.problem
        if self.searching:
            return _SEARCHING
        return _HELP if count else _NOTHING

    def _place_line(self, text: str, known: set[str]) -> Line | None:
        """Return the line that opens the typed text as a location, if it may be one."""
        # Other texts are words to search for, and a line for each would be in the way.
        if not ("/" in text or "." in text or ":" in text) or text.strip() in known:
            return None
        try:
            named = parse_place(text).bucket != ""
        except InvalidInput as error:
            why = f"{error.summary}. {error.cause} {error.remedy}"
            return Line(error.summary, "", partial(shortcuts.explain, self._window, why))
        go = partial(self._tabs.open, "browser", text)
        return Line(f"Go to {text.strip()}", "", go, _FIRST if named else 0)

    def _do(self, command: Command) -> None:
        """Run a command, or show why it is not possible."""
        if why := self._commands.reason(command):
            shortcuts.explain(self._window, why)
        else:
            command.run()

    def _on_enter(self) -> None:
        line = self._model.line(self.list.currentIndex().row())
        certain = self._moved or (line is not None and line.score >= _BEFORE_NAMES)
        if self.searching and not certain:
            self._enter_pressed = True
            QTimer.singleShot(_WAIT_MS, self, self._on_wait_ended)
        else:
            self._on_chosen(self.list.currentIndex())

    def _on_wait_ended(self) -> None:
        """Continue without the names of a server that does not answer."""
        if self._enter_pressed and self._found_for == self.field.text():
            self._on_chosen(self.list.currentIndex())

    def _on_chosen(self, index: QModelIndex) -> None:
        line = self._model.line(index.row())
        if line is not None:
            # First, so that the command acts on the window and not on this popup.
            self.close()
            line.run()


def _find(
    sources: Sequence[tuple[str, NameSource]], text: str, work: Work
) -> list[tuple[str, Match]]:
    """Return the best matches of all sources, best first; runs in a worker thread."""
    found = {
        (tab, match.name.kind, match.name.text): (tab, match)
        for tab, source in sources
        for match in source.find(text, _LIMIT, work)
    }
    return sorted(found.values(), key=lambda each: -each[1].score)[:_LIMIT]


class _Lines(QAbstractListModel):
    """The list model of the results."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lines: list[Line] = []

    def show(self, lines: list[Line]) -> None:
        """Replace the lines."""
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    def line(self, row: int) -> Line | None:
        """Return a line."""
        return self._lines[row] if 0 <= row < len(self._lines) else None

    def rowCount(self, parent: Index = NOWHERE) -> int:
        """Return the number of lines."""
        return 0 if parent.isValid() else len(self._lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a line's text, or the text at its right."""
        line = self.line(index.row())
        if line is None:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return shown(line.text)
        if role == MONO_ROLE:
            return line.aside in _MONO
        return line.aside if role == ASIDE_ROLE else None
