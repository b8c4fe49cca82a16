"""The table of all actions: their texts, their shortcuts, and where the shortcuts apply.

Menus, tooltips, the search (Ctrl+K) and the list of shortcuts (F1) take texts and keys from here.
To add an action, add a row below and call `gui.shortcuts.bind` where it is implemented. Keys that a
widget handles itself (arrows, Return in a list) are rows marked `own`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from core.engine.operations import operation

#: The reach of a shortcut: the window, a widget with its children, or a single widget.
Reach = Literal["window", "within", "view"]


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of the program in which shortcuts apply.

    Attributes:
        id: its name in the table below.
        title: its title in the list of shortcuts.
        reach: the reach of its shortcuts.
        inside: other scopes whose shortcuts also work there; always includes `window`, unless the
            part is a separate window.
    """

    id: str
    title: str
    reach: Reach = "view"
    inside: tuple[str, ...] = ("window",)


@dataclass(frozen=True, slots=True)
class Action:
    """One action of the user.

    Attributes:
        id: its name in the program.
        text: its title everywhere; an ellipsis means that a dialog follows.
        keys: key sequences as Qt spells them, the usual one first; empty for none.
        where: the id of the scope in which the keys apply.
        operation: the operation of `core` that it starts, if it changes anything.
        own: whether the widget handles these keys itself.
    """

    id: str
    text: str
    keys: tuple[str, ...] = ()
    where: str = "window"
    operation: str = ""
    own: bool = False

    @property
    def changes(self) -> bool:
        """Whether it starts an operation that a read-only profile refuses."""
        return bool(self.operation) and operation(self.operation).changes

    @property
    def key_text(self) -> str:
        """The keys as text, for example `Backspace / Alt+Up`; empty if there are none."""
        return " / ".join(self.keys)


SCOPES: tuple[Scope, ...] = (
    Scope("window", "Everywhere", "window", ()),
    Scope("browser", "Browser", "within"),
    Scope("objects", "Objects and folders", inside=("lists", "browser", "window")),
    Scope("backups", "Backups", "within"),
    Scope("calendar", "Calendar of backups", inside=("backups", "window")),
    Scope("coverage", "Calendar of streams", inside=("browser", "window")),
    Scope("lists", "Lists, tables and trees"),
    Scope("profiles", "Profiles", inside=("lists", "window")),
    Scope("secrets", "Secrets", inside=("lists", "window")),
    Scope("rules", "Lifecycle rules", inside=("lists", "window")),
    Scope("rows", "Rows of a preview", inside=("lists", "window")),
    Scope("table", "Table of a preview", inside=("rows", "lists", "window")),
    Scope("lines", "Lines of a text", inside=("rows", "lists", "window")),
    Scope("candles", "Candle chart"),
    Scope("depth", "Depth chart"),
    Scope("times", "Charts of order books, trades and comparisons"),
    Scope("treemap", "Treemap"),
    Scope("buttons", "Buttons"),
    Scope("fields", "Text fields"),
    Scope("filters", "Filter fields", inside=("fields", "window")),
    Scope("statement", "SQL statement", inside=("fields", "window")),
    Scope("path", "Field of “Go to”", inside=("fields", "window")),
    Scope("secret_fields", "Masked fields", inside=("fields",)),
    Scope("palette", "Search (Ctrl+K)", inside=("fields",)),
    Scope("dialogs", "Dialogs", "window", ()),
)

ACTIONS: tuple[Action, ...] = (
    # The window
    Action("tab.credentials", "Go to Credentials", ("Ctrl+1",)),
    Action("tab.browser", "Go to Browser", ("Ctrl+2",)),
    Action("tab.uploads", "Go to Uploads", ("Ctrl+3",)),
    Action("tab.links", "Go to Links", ("Ctrl+4",)),
    Action("tab.statistics", "Go to Statistics", ("Ctrl+5",)),
    Action("tab.backups", "Go to Backups", ("Ctrl+6",)),
    Action("tab.bucket", "Go to Bucket", ("Ctrl+7",)),
    Action("search", "Search keys, actions…", ("Ctrl+K",)),
    Action("go_to", "Go to…", ("Ctrl+L",)),
    Action("filter", "Filter this tab", ("Ctrl+F",)),
    Action("refresh", "Refresh", ("F5",)),
    Action("upload", "Upload…", ("Ctrl+U",), operation="transfer.upload"),
    Action("rotate", "Rotate the platform's access key…", operation="rotation.start"),
    Action("doctor", "Examine secrets and access keys (doctor)"),
    Action("hygiene", "Show the hygiene report of secrets"),
    Action("activity", "Show or hide activity", ("Ctrl+J",)),
    Action("lock", "Lock or unlock writing"),
    Action("theme.light", "Use the light theme"),
    Action("theme.dark", "Use the dark theme"),
    Action("theme.system", "Follow the desktop's theme"),
    Action("times.utc", "Show times in UTC"),
    Action("times.local", "Show times in local time"),
    Action("profile.new", "New profile…"),
    Action("help", "Keyboard shortcuts", ("F1",)),
    Action("quit", "Quit", ("Ctrl+Q",)),
    # Browser
    Action("browser.back", "Back", ("Alt+Left",), "browser"),
    Action("browser.forward", "Forward", ("Alt+Right",), "browser"),
    Action("browser.bookmark", "Bookmark this folder", ("Ctrl+B",), "browser"),
    Action("browser.bookmarks", "Show bookmarks and recent folders", ("Ctrl+Shift+B",), "browser"),
    Action("browser.new_tab", "Open another folder tab", ("Ctrl+T",), "browser"),
    Action("browser.close_tab", "Close this folder tab or page", ("Ctrl+W",), "browser"),
    Action("browser.next_tab", "Next folder tab or page", ("Ctrl+PgDown",), "browser"),
    Action("browser.previous_tab", "Previous folder tab or page", ("Ctrl+PgUp",), "browser"),
    Action("browser.download", "Download…", ("Ctrl+D",), "browser"),
    Action("browser.link", "Create link…", (), "browser"),
    Action("browser.search", "Search keys of the entire bucket", ("Ctrl+Shift+F",), "browser"),
    Action("browser.coverage", "Show the coverage of streams", ("Ctrl+G",), "browser"),
    Action("browser.collect", "Collect a time range as one table", ("Ctrl+Shift+E",), "browser"),
    Action("browser.query", "Query tables and the catalogue with SQL", ("Ctrl+Shift+Q",), "browser"),
    Action("browser.trash", "Show the trash", (), "browser"),
    Action("browser.undo", "Undo the last change", ("Ctrl+Z",), "browser", "objects.restore_many"),
    Action("objects.open", "Open", ("Return",), "objects", own=True),
    Action("objects.preview", "Preview", ("Space",), "objects"),
    Action("objects.copy", "Copy (keys as text)", ("Ctrl+C",), "objects"),
    Action("objects.cut", "Cut", ("Ctrl+X",), "objects", "transfer.move"),
    Action("objects.paste", "Paste into this folder…", ("Ctrl+V",), "objects", "transfer.copy"),
    Action("objects.copy_files", "Copy as files", ("Ctrl+Shift+D",), "objects"),
    Action("objects.copy_uri", "Copy S3 URI", ("Ctrl+Shift+C",), "objects"),
    Action("objects.query_folder", "Query this folder…", ("Ctrl+Alt+Q",), "objects"),
    Action("objects.up", "Up one folder", ("Backspace", "Alt+Up"), "objects"),
    Action("objects.unfilter", "Clear the filter", ("Esc",), "objects"),
    Action("objects.copy_to", "Copy to…", ("Shift+F6",), "objects", "transfer.copy"),
    Action("objects.move_to", "Move to…", ("F6",), "objects", "transfer.move"),
    Action("objects.copy_as", "Copy as…", ("Ctrl+Alt+C",), "objects"),
    Action("objects.properties", "Properties…", ("Alt+Return",), "objects"),
    Action("objects.versions", "Versions…", ("Ctrl+Shift+V",), "objects"),
    Action("objects.rename", "Rename…", ("F2",), "objects", "transfer.move"),
    Action("objects.delete", "Delete", ("Del",), "objects", "objects.delete_many"),
    # Backups
    Action("backups.open_file", "Open an SQLite file…", (), "backups"),
    Action("backups.open_server", "Open a database server…", (), "backups"),
    Action("backups.open_secret", "Open a database from a secret…", (), "backups"),
    Action("backups.restore_together", "Restore tables together…", (), "backups",
           "backup.restore_tables"),
    Action("backups.undo", "Undo the last restore…", ("Ctrl+Z",), "backups", "backup.undo"),
    Action("backups.recovery_kit", "Save the recovery kit…", (), "backups"),
    Action("calendar.step", "Go to the next day or week", ("Left", "Right", "Up", "Down"), "calendar",
           own=True),
    Action("calendar.month", "Go to the previous or next month", ("PgUp", "PgDown"), "calendar",
           own=True),
    Action("calendar.ends", "Go to the first or last day of the month", ("Home", "End"), "calendar",
           own=True),
    Action("calendar.open", "Select the newest backup of the day", ("Return", "Enter"), "calendar",
           own=True),
    # Coverage
    Action("coverage.step", "Go to the next stream, day or hour", ("Left", "Right", "Up", "Down"),
           "coverage", own=True),
    Action("coverage.month", "Go to the previous or next month", ("PgUp", "PgDown"), "coverage",
           own=True),
    Action("coverage.ends", "Go to the first or last day", ("Home", "End"), "coverage", own=True),
    Action("coverage.gap", "Go to the next or previous gap", ("N", "P"), "coverage", own=True),
    Action("coverage.open", "Show the folder of the day", ("Return", "Enter"), "coverage", own=True),
    Action("coverage.pan", "Move along the time axis", ("Shift+Left", "Shift+Right"), "coverage",
           own=True),
    Action("coverage.zoom", "Zoom in or out", ("+", "=", "-"), "coverage", own=True),
    Action("coverage.fit", "Show all days", ("0", "Esc"), "coverage", own=True),
    Action("query.run", "Run the SQL statement", ("Ctrl+Return", "Ctrl+Enter"), "statement"),
    # Other lists
    Action("lists.open", "Open the selected row", ("Return", "Enter"), "lists"),
    Action("lists.move", "Move by a row or a page", ("Up", "Down", "PgUp", "PgDown"), "lists",
           own=True),
    Action("lists.ends", "Go to the first or last row", ("Home", "End"), "lists", own=True),
    Action("lists.all", "Select all rows, where several can be selected", ("Ctrl+A",), "lists",
           own=True),
    Action("lists.sort", "Sort by a column…", ("Ctrl+Shift+S",), "lists"),
    Action("lists.branch", "Open or close a tree branch", ("Right", "Left"), "lists", own=True),
    Action("profiles.use", "Use this profile", ("Return",), "profiles", own=True),
    Action("profiles.edit", "Edit profile…", (), "profiles"),
    Action("profiles.delete", "Delete profile…", ("Del",), "profiles"),
    Action("secrets.delete", "Delete…", ("Del",), "secrets", "secrets.delete"),
    Action("rules.remove", "Remove rule…", ("Del",), "rules", "lifecycle.save"),
    Action("rows.copy", "Copy the selected rows", ("Ctrl+C",), "rows"),
    Action("table.filter", "Filter the rows", ("/",), "table"),
    Action("table.statistics", "Statistics of a column…", ("Ctrl+I",), "table"),
    Action("lines.find", "Find in this text", ("/",), "lines"),
    # Charts
    Action("candles.step", "Move the crosshair by a candle", ("Left", "Right"), "candles",
           own=True),
    Action("candles.page", "Move it by ten candles", ("PgUp", "PgDown"), "candles", own=True),
    Action("candles.pan", "Move along the time axis", ("Shift+Left", "Shift+Right"), "candles",
           own=True),
    Action("candles.ends", "Go to the first or last candle", ("Home", "End"), "candles", own=True),
    Action("candles.zoom", "Zoom in or out", ("+", "=", "-"), "candles", own=True),
    Action("candles.fit", "Show all candles", ("0", "Esc"), "candles", own=True),
    Action("times.step", "Move the crosshair", ("Left", "Right", "PgUp", "PgDown"), "times",
           own=True),
    Action("times.pan", "Move along the time axis", ("Shift+Left", "Shift+Right"), "times",
           own=True),
    Action("times.ends", "Go to the first or last moment", ("Home", "End"), "times", own=True),
    Action("times.zoom", "Zoom in or out", ("+", "=", "-"), "times", own=True),
    Action("times.fit", "Show everything", ("0", "Esc"), "times", own=True),
    Action("depth.step", "Move the crosshair", ("Left", "Right"), "depth", own=True),
    Action("depth.pan", "Move along the prices", ("Shift+Left", "Shift+Right"), "depth", own=True),
    Action("depth.zoom", "Zoom in or out", ("+", "=", "-"), "depth", own=True),
    Action("depth.fit", "Show the entire order book", ("0", "Esc"), "depth", own=True),
    Action("treemap.step", "Go to the next tile in a direction", ("Left", "Right", "Up", "Down"),
           "treemap", own=True),
    Action("treemap.ends", "Go to the largest or smallest tile", ("Home", "End"), "treemap",
           own=True),
    Action("treemap.open", "Enter the folder", ("Return", "Enter"), "treemap", own=True),
    Action("treemap.up", "Folder above", ("Backspace",), "treemap", own=True),
    # Fields and dialogs
    Action("buttons.press", "Press the button", ("Space", "Return", "Enter"), "buttons", own=True),
    Action("fields.next", "Next or previous field", ("Tab", "Shift+Tab"), "fields", own=True),
    Action("filters.clear", "Clear the filter; without one, go to the list", ("Esc",), "filters"),
    Action("filters.list", "Go to the filtered list", ("Down",), "filters"),
    Action("path.leave", "Close the field", ("Esc",), "path", own=True),
    Action("path.go", "Go there", ("Return",), "path", own=True),
    Action("secret_fields.copy", "Copy; the clipboard is cleared after a while",
           ("Ctrl+C", "Ctrl+X"), "secret_fields", own=True),
    Action("palette.move", "Next or previous result", ("Down", "Up"), "palette", own=True),
    Action("palette.run", "Open the result", ("Return", "Enter"), "palette", own=True),
    Action("dialogs.cancel", "Close without a change", ("Esc",), "dialogs", own=True),
    Action("dialogs.accept", "Press the highlighted button", ("Return",), "dialogs", own=True),
)  # fmt: skip

_ACTIONS = {each.id: each for each in ACTIONS}
_SCOPES = {each.id: each for each in SCOPES}


def action(action_id: str) -> Action:
    """Return a row of the table.

    Raises:
        KeyError: there is no action of that id.
    """
    return _ACTIONS[action_id]


def scope(scope_id: str) -> Scope:
    """Return a scope of the table.

    Raises:
        KeyError: there is no scope of that id.
    """
    return _SCOPES[scope_id]


def tip(action_id: str, text: str = "") -> str:
    """Return the tooltip of a button: what it does, and its shortcut."""
    found = action(action_id)
    text = text or found.text
    return f"{text} ({found.keys[0]})" if found.keys else text
