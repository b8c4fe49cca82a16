"""The commands of the window, their shortcuts, and why a command is not possible now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from core.errors import StorageError
from core.local.profiles import DEMO_NAME
from gui import actions, clock, shortcuts, theme
from gui.actions import Action
from gui.context import Context
from gui.tab_list import TABS

if TYPE_CHECKING:
    from core.model.connection import Profile
    from gui.tabs.base import Tab

#: Minutes after which a protected profile is locked again.
UNLOCK_MINUTES = 15
#: The maximum average number of title characters per typed character of a fuzzy match.
_SPREAD = 4
NOT_CONNECTED = "Connect to a profile first."
#: Actions that need a connection.
_CONNECTED = frozenset({"go_to", "upload", "rotate", "doctor", "hygiene", "lock"})
#: Scopes shared by many lists or fields, of which only the focus selects one.
_IN_ANY_LIST = frozenset({"lists", "rows", "lines", "filters"})
#: Actions of tabs: the tab, and the target that it opens.
_IN_TABS = (
    ("rotate", "credentials", "rotate"),
    ("doctor", "credentials", "doctor"),
    ("hygiene", "credentials", "hygiene"),
)


@dataclass(frozen=True, slots=True)
class Command:
    """An action of `gui.actions`, the function that runs it, and the part of the window."""

    action: Action
    run: Callable[[], object]
    part: str = ""

    @property
    def title(self) -> str:
        """The text, with the part of the window as a prefix where necessary."""
        return f"{self.part}: {self.action.text}" if self.part else self.action.text

    @property
    def keys(self) -> str:
        """The first shortcut, or an empty text."""
        return self.action.keys[0] if self.action.keys else ""

    @property
    def changes(self) -> bool:
        """Whether it starts an operation that a read-only profile refuses."""
        return self.action.changes


@dataclass(frozen=True, slots=True)
class WindowActions:
    """The window and its functions that the commands call."""

    window: QWidget
    show_tab: Callable[[str, object], Tab]
    current_tab: Callable[[], Tab]
    search: Callable[[], object]
    toggle_drawer: Callable[[], object]


class Commands:
    """All commands of the window; their shortcuts work everywhere in it."""

    def __init__(self, context: Context, frame: WindowActions) -> None:
        self._context, self._frame = context, frame
        slots: dict[str, Callable[[], object]] = {
            **{f"tab.{spec.id}": partial(frame.show_tab, spec.id, None) for spec in TABS},
            **{name: partial(frame.show_tab, tab, target) for name, tab, target in _IN_TABS},
            **{
                f"theme.{mode}": partial(self.set_theme, mode)
                for mode in ("light", "dark", "system")
            },
            **{
                f"times.{zone}": partial(clock.current().choose_zone, zone, context.settings)
                for zone in ("utc", "local")
            },
            "search": frame.search,
            "go_to": self._on_go_to,
            "filter": lambda: frame.current_tab().focus_filter(),
            "refresh": lambda: frame.current_tab().refresh(),
            "upload": self._on_upload,
            "activity": frame.toggle_drawer,
            "lock": self.toggle_lock,
            "profile.new": self.create_profile,
            "help": self._on_help,
            "quit": frame.window.close,
        }
        self.all = [
            Command(action, slots[action.id])
            for action in actions.ACTIONS
            if action.where == "window"
        ]
        for command in self.all:
            # Evaluated when the keys are pressed: connection and lock change at any time.
            reason = partial(self.reason, command)
            shortcuts.bind(command.action.id, frame.window, command.run, reason)

    def reason(self, command: Command) -> str:
        """Return why a command is not possible now, or an empty text."""
        if command.action.id in _CONNECTED and self._context.workspace is None:
            return NOT_CONNECTED
        return self._context.locked_reason if command.changes else ""

    def perform_in_tab(self, event: QKeyEvent) -> bool:
        """Run the action of the current tab for keys that were pressed outside of it.

        Returns:
            Whether the tab has such an action, which needs no focus in one of its lists.
        """
        keys = shortcuts.pressed(event)
        for bound in self._frame.current_tab().findChildren(shortcuts.Binding):
            if keys in bound.action.keys and actions.scope(bound.action.where).reach == "within":
                if not event.isAutoRepeat():
                    bound.perform()
                return True
        return False

    def other_scopes_text(self, event: QKeyEvent) -> str:
        """Return where the keys of an event apply if they have no effect here."""
        found = [each for each in shortcuts.bound_to(event) if each.where != "window"]
        parts = [f"{actions.scope(each.where).title} ({each.text})" for each in found]
        return f"{shortcuts.pressed(event)} works in: {', '.join(parts)}." if parts else ""

    def of_tab(self, tab: Tab) -> list[Command]:
        """Return the commands of a tab that need no focus in one of its lists."""
        return [
            Command(bound.action, bound.perform, actions.scope(bound.action.where).title)
            for bound in tab.findChildren(shortcuts.Binding)
            if bound.listed and bound.action.where not in _IN_ANY_LIST
        ]

    def profiles(self) -> list[Command]:
        """Return one command for each stored profile, and for the demo."""
        try:
            names = [profile.name for profile in self._context.connections.profiles.list()]
        except StorageError as error:
            self._context.trouble.emit(error)
            names = []
        return [
            Command(
                Action(f"profile.{name}", f"Switch to profile {name}"),
                partial(self._context.switch_profile, name),
            )
            for name in (*names, DEMO_NAME)
        ]

    def set_theme(self, mode: theme.Mode) -> None:
        """Use a theme now and at the next start."""
        self._context.settings.set("theme", mode)
        theme.current().set_mode(mode)

    def toggle_theme(self) -> None:
        """Switch between light and dark."""
        self.set_theme("light" if theme.tokens().dark else "dark")

    def toggle_lock(self) -> None:
        """Lock writing at once, or unlock it after a confirmation."""
        from gui.dialogs.confirm import ask

        context, workspace = self._context, self._context.workspace
        if workspace is None:
            return
        # Locking is always safe and needs no confirmation.
        if not context.read_only:
            context.lock()
            return
        ask(
            self._frame.window,
            f"Allow changes on {workspace.profile.name}?",
            f"The profile opens read-only. For {UNLOCK_MINUTES} minutes everything that your keys "
            "permit can be changed and deleted. Then it is locked again.",
            lambda: context.unlock(UNLOCK_MINUTES),
            button=f"Unlock for {UNLOCK_MINUTES} minutes",
            danger=True,
        )

    def create_profile(self) -> None:
        """Prompt for a new profile, and connect with it."""
        from gui.dialogs.profile_editor import ProfileEditor

        ProfileEditor(
            self._frame.window, self._context, None, self._on_profile, origin="Window"
        ).open()

    def _on_profile(self, profile: Profile) -> None:
        self._context.switch_profile(profile.name)

    def _on_go_to(self) -> None:
        tab = self._frame.show_tab("browser", None)
        tab.ensure_loaded()
        tab.perform("go_to")

    def _on_upload(self) -> None:
        """Upload to the folder that the current tab shows, else prompt for the destination."""
        if not self._frame.current_tab().perform("upload"):
            self._frame.show_tab("uploads", "choose")

    def _on_help(self) -> None:
        from gui.main_window.shortcut_list import ShortcutList

        ShortcutList(self._frame.window).open()


def matching(commands: Iterable[Command], text: str) -> list[tuple[float, Command]]:
    """Return the commands whose titles match, with their scores, best first.

    The characters of `text` must occur in order; complete words score higher.
    """
    scored = [(score, command) for command in commands if (score := _score(command.title, text))]
    return sorted(scored, key=lambda pair: -pair[0])


def _score(title: str, text: str) -> float:
    """Return 0 for no match, over 1,000 for a part of the title, below 200 for single characters."""
    title, text = title.casefold(), text.casefold().strip()
    if not text:
        return 1
    if text in title:
        # The earlier the text occurs, the better; 500 puts beginnings before all other places.
        return 2000 - title.index(text) + (500 if title.startswith(text) else 0)
    if all(word in title for word in text.split()):
        return 1000
    place, spread, letters = -1, 0, text.replace(" ", "")
    for letter in letters:
        found = title.find(letter, place + 1)
        if found < 0:
            return 0
        spread += found - place
        place = found
    return max(200 - spread, 1) if spread <= _SPREAD * len(letters) else 0
