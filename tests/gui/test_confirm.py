"""Every question before a change reacts to Enter and Escape, and its result is reported."""

import ast
from pathlib import Path

import pytest
from helpers.keys import press_key
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QVBoxLayout, QWidget

from gui.dialogs.confirm import Confirm, Question, ask
from gui.tabs.credentials.secrets.secret_dialogs import DeleteSecret
from gui.widgets.banner import UNCHANGED, Banner
from gui.widgets.buttons import plain_button
from gui.widgets.screen import available_area

_GUI = Path(__file__).resolve().parents[2] / "gui"
_OWN = {"confirm.py", "mfa.py"}


def _uses():
    """Yield the place of each call of `ask` in the window, and the names of its arguments."""
    for path in sorted(_GUI.rglob("*.py")):
        if path.name in _OWN:
            continue
        text = path.read_text(encoding="utf-8")
        # Each process of the tests reads this when it begins: most files are not parsed.
        for node in ast.walk(ast.parse(text)) if "ask(" in text else ():
            called = node.func if isinstance(node, ast.Call) else None
            if isinstance(called, ast.Name) and called.id == "ask":
                place = f"{path.relative_to(_GUI).as_posix()}:{node.lineno}"
                yield place, node


def _kind(node):
    """Return how a call asks: with a name to type, with a danger, or plainly."""
    named = {keyword.arg for keyword in node.keywords}
    return ("typed" if "typed" in named else "danger" if "danger" in named else "plain",)


USES = dict(_uses())
KINDS = {"typed": {"danger": True, "typed": "trades"}, "danger": {"danger": True}, "plain": {}}


@pytest.fixture
def view(qtbot, themed):
    view = QWidget()
    view.banner = Banner(view)
    inner = plain_button("Delete…")
    QVBoxLayout(view).addWidget(inner)
    view.resize(700, 400)
    qtbot.addWidget(view)
    view.show()
    view.banner.show_good("3 objects deleted.")
    return view


@pytest.fixture
def opened(view, qtbot):
    answers = []

    def open_question(kind, **more):
        dialog = ask(
            view.layout().itemAt(0).widget(),
            "Restore trades in place?",
            "5 rows are lost.",
            lambda: answers.append("yes"),
            **{**KINDS[kind], **more},
        )
        qtbot.waitExposed(dialog)
        dialog.activateWindow()
        qtbot.waitUntil(lambda: dialog.isAncestorOf(QApplication.focusWidget()))
        return dialog, answers

    return open_question


def _press(key):
    press_key(key)


def test_all_questions_of_the_window_are_of_the_tested_kinds():
    assert len(USES) > 12, "the questions of the window were not found"
    for place, node in USES.items():
        assert len(node.args) >= 4, f"{place} names no view that asks"
        assert set(_kind(node)) <= set(KINDS), place


def test_every_dialog_that_takes_something_away_is_a_question():
    """A button for loss outside the common question would have its own idea of Enter."""
    own = [
        f"{path.relative_to(_GUI)}: {node.name}"
        for path in sorted(_GUI.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and _removes_focus(node)
        if {getattr(base, "id", "") for base in node.bases}.isdisjoint({"Question", "QWidget"})
    ]
    assert own == []


def _removes_focus(node):
    return any(
        isinstance(part, ast.keyword)
        and part.arg == "kind"
        and "loss" in {n.value for n in ast.walk(part.value) if isinstance(n, ast.Constant)}
        for part in ast.walk(node)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_escape_changes_nothing_and_the_older_result_is_replaced(opened, view, qtbot, kind):
    _dialog, answers = opened(kind)
    _press(Qt.Key.Key_Escape)
    assert answers == []
    assert view.banner.text == UNCHANGED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_right_after_opening(opened, view, qtbot, kind, key):
    dialog, answers = opened(kind)
    _press(key)
    if kind == "typed":  # nothing was typed yet: the question stays
        assert dialog.isVisible()
        assert answers == []
        _press(Qt.Key.Key_Escape)
    elif kind == "danger":
        assert answers == []
        assert view.banner.text == UNCHANGED
    else:
        assert answers == ["yes"]
        assert view.banner.text == "3 objects deleted."


def test_enter_confirms_once_the_name_matches_and_never_before(opened, qtbot):
    dialog, answers = opened("typed")
    for typed in ("t", "trade", "trades "):
        dialog.field.setText(typed)
        _press(Qt.Key.Key_Return)
        assert answers == [], typed
        assert dialog.isVisible(), typed
    dialog.field.clear()
    qtbot.keyClicks(dialog.field, "trades")
    _press(Qt.Key.Key_Return)
    assert answers == ["yes"]


def test_enter_on_cancel_cancels_though_the_name_matches(opened, view, qtbot):
    dialog, answers = opened("typed")
    qtbot.keyClicks(dialog.field, "trades")
    dialog.cancel.setFocus()
    _press(Qt.Key.Key_Return)
    assert answers == []
    assert view.banner.text == UNCHANGED


def test_a_name_with_invisible_characters_can_be_typed_as_it_is_shown(opened, qtbot):
    dialog, answers = opened("typed", typed="a\x1bb")
    qtbot.keyClicks(dialog.field, r"a\x1bb")
    _press(Qt.Key.Key_Return)
    assert answers == ["yes"]


def test_a_very_long_name_makes_no_dialog_wider_than_the_screen(opened, qtbot):
    dialog, _answers = opened("typed", typed="k" * 1024, names=["y" * 1024] * 300)
    room = available_area(dialog)
    assert room.contains(dialog.frameGeometry())
    _press(Qt.Key.Key_Escape)


def test_a_secret_is_deleted_at_once_by_enter_only_after_its_name(view, qtbot):
    deleted = []
    dialog = DeleteSecret(view, "cryptotrading/api", lambda *how: deleted.append(how))
    dialog.open()
    dialog.activateWindow()
    qtbot.waitUntil(lambda: dialog.isAncestorOf(QApplication.focusWidget()))
    dialog.more.click()
    dialog.force.setChecked(True)
    _press(Qt.Key.Key_Return)
    assert deleted == []
    assert dialog.isVisible()
    qtbot.keyClicks(dialog.typed, "cryptotrading/api")
    _press(Qt.Key.Key_Return)
    assert deleted == [(30, True)]


def test_a_no_can_be_reported_in_other_text_or_not_at_all(opened, view, qtbot):
    opened("plain", unchanged="Your changes are still here.")
    _press(Qt.Key.Key_Escape)
    assert view.banner.text == "Your changes are still here."
    view.banner.clear()
    opened("plain", unchanged="")
    _press(Qt.Key.Key_Escape)
    assert view.banner.text == ""


def test_the_kinds_of_questions_share_one_class():
    assert issubclass(Confirm, Question)
    assert issubclass(Question, QDialog)
