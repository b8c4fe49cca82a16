"""No shortcut is used twice, and all are created from one table."""

import ast
import re
from itertools import combinations
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow, QTableView

from core.engine.operations import OPERATIONS
from gui import actions
from gui.actions import ACTIONS, SCOPES, action, scope, tip
from gui.shortcuts import bind, menu_action
from gui.tab_list import TABS

GUI = Path(__file__).parents[2] / "gui"
#: Widgets that handle keys by themselves, and the scope whose rows describe these keys.
OWN_KEYS = {
    "views/treemap.py": "treemap",
    "views/candle_chart.py": "candles",
    "views/depth_chart.py": "depth",
    "views/time_chart.py": "times",
    "views/compare_chart.py": "times",
    "main_window/palette.py": "palette",
    "tabs/backups/calendar_grid.py": "calendar",
    "tabs/browser/coverage/grid_chart.py": "coverage",
    "tabs/browser/coverage/charts.py": "coverage",
    "tabs/browser/path_bar.py": "path",
    "widgets/hover_rows.py": "lists",
    "widgets/secret_field.py": "secret_fields",
    "widgets/secret_page.py": "fields",  # only notes that a key was pressed
    "widgets/buttons.py": "buttons",
    "main_window/window.py": "window",  # only says where a key applies
}
_NAMES = {"Escape": "Esc", "Delete": "Del", "PageUp": "PgUp", "PageDown": "PgDown",
          "Plus": "+", "Minus": "-", "Equal": "="}  # fmt: skip


def sources():
    for path in sorted(GUI.rglob("*.py")):
        name = path.relative_to(GUI).as_posix()
        if name not in {"actions.py", "shortcuts.py"}:
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def test_rows_are_unique_and_point_to_what_exists():
    assert len({each.id for each in ACTIONS}) == len(ACTIONS)
    scopes = {each.id for each in SCOPES}
    operations = {each.name for each in OPERATIONS} | {""}
    for each in ACTIONS:
        assert each.where in scopes
        assert each.operation in operations
    assert {outer for each in SCOPES for outer in each.inside} <= scopes


def test_every_tab_has_its_number():
    rows = [each for each in ACTIONS if each.id.startswith("tab.")]
    assert [(each.id, each.text, each.keys) for each in rows] == [
        (f"tab.{spec.id}", f"Go to {spec.title}", (f"Ctrl+{number}",))
        for number, spec in enumerate(TABS, 1)
    ]


def test_every_key_is_a_key():
    for each in ACTIONS:
        for keys in each.keys:
            assert QKeySequence(keys).toString() == keys, each.id


def claims(each, other):
    """Whether two rows would claim one key in one place."""
    if not set(each.keys) & set(other.keys):
        return False
    if each.where == other.where:
        return True
    for inner, outer in ((each, other), (other, each)):
        if outer.where in scope(inner.where).inside:
            reaches_in = scope(outer.where).reach != "view"
            return not outer.own and (reaches_in or not inner.own)
    return False


def test_no_key_is_claimed_twice_in_one_place():
    assert [(a.id, b.id) for a, b in combinations(ACTIONS, 2) if claims(a, b)] == []


def test_the_check_would_find_a_key_that_is_claimed_twice():
    upload = action("upload")
    here = actions.Action("browser.upload", "Upload here…", ("Ctrl+U",), "browser")
    assert claims(upload, here)
    assert claims(here, upload)


def test_no_other_module_makes_shortcuts():
    made = {"QShortcut", "QKeySequence", "setShortcut", "setShortcuts", "grabShortcut"}
    found = [
        (name, ast.unparse(node))
        for name, tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        if (node.id if isinstance(node, ast.Name) else node.attr) in made
    ]
    assert found == []


def test_keys_that_widgets_handle_by_themselves_are_in_the_table():
    found = {}
    for name, tree in sources():
        keys = {
            node.attr.removeprefix("Key_")
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr.startswith("Key_")
        }
        handles = any(
            isinstance(node, ast.FunctionDef) and node.name == "keyPressEvent"
            for node in ast.walk(tree)
        )
        if keys or handles:
            found[name] = keys
    assert set(found) <= set(OWN_KEYS)
    for name, keys in found.items():
        described = {key for each in ACTIONS if each.where == OWN_KEYS[name] for key in each.keys}
        assert {_NAMES.get(key, key) for key in keys} <= described, name


def test_no_key_is_written_out_in_another_text():
    spelled = re.compile(r"\b(?:Ctrl|Alt|Shift)[+ ]|\bF[0-9]{1,2}\b")
    found = []
    for name, tree in sources():
        documented = {
            node.body[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
            if isinstance(node.body[0], ast.Expr)
        }
        found += [
            (name, node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if node not in documented and spelled.search(node.value)
        ]
    assert found == []


@pytest.fixture
def window(themed, qtbot):
    class Window(QMainWindow):
        def event(self, event):
            if event.type() == event.Type.StatusTip:
                self.hints.append(event.tip())
            return super().event(event)

    window = Window()
    window.hints = []
    qtbot.addWidget(window)
    window.view = QTableView()
    window.setCentralWidget(window.view)
    window.show()
    window.view.setFocus()
    return window


def test_a_key_does_its_action_or_says_why_not(window, qtbot):
    done, why = [], [""]
    bind("objects.delete", window.view, lambda: done.append(1), lambda: why[0])
    qtbot.keyClick(window.view, Qt.Key.Key_Delete)
    assert (done, window.hints) == ([1], [])
    why[0] = "The profile is read-only."
    qtbot.keyClick(window.view, Qt.Key.Key_Delete)
    assert (done, window.hints) == ([1], ["The profile is read-only."])


def test_a_menu_shows_the_keys_without_taking_them(window, qtbot):
    done = []
    shown = menu_action("objects.delete", window, lambda: done.append("menu"))
    bind("objects.delete", window.view, lambda: done.append("key"))
    assert (shown.text(), shown.shortcut().toString()) == ("Delete", "Del")
    qtbot.keyClick(window.view, Qt.Key.Key_Delete)
    assert done == ["key"]
    shown.trigger()
    assert done == ["key", "menu"]


def test_a_tooltip_names_the_key():
    assert tip("browser.download") == "Download… (Ctrl+D)"
    assert tip("doctor") == action("doctor").text
