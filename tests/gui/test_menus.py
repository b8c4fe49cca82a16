"""Disabled menu entries explain why they are disabled."""

import ast
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from gui.context.transfers import Batch
from gui.tabs.statistics import StatisticsTab
from gui.tabs.uploads.plan_model import PlanModel
from gui.tabs.uploads.plan_pane import PlanPane
from gui.tabs.uploads.queue_pane import QueuePane
from gui.widgets.empty import EmptyState

GUI = Path(__file__).parents[2] / "gui"


def _disabled(view):
    """Return the disabled entries of the menu that a view has opened, and close it."""
    (menu,) = view.findChildren(QMenu)
    assert menu.toolTipsVisible()
    entries = [entry for entry in menu.actions() if not entry.isEnabled()]
    reasons = {entry.text(): entry.toolTip() for entry in entries}
    menu.close()
    return reasons


def test_the_menus_of_the_plan_and_of_the_queue_give_reasons(context, qtbot):
    plan = PlanPane(context, PlanModel())
    qtbot.addWidget(plan)
    plan.table.customContextMenuRequested.emit(QPoint())
    reasons = _disabled(plan)
    assert len(reasons) == 7
    assert all(reason not in {"", name} for name, reason in reasons.items())
    queue = QueuePane(context, EmptyState("Nothing"))
    qtbot.addWidget(queue)
    context.transfers.show(Batch("b", "transfer.upload", {}, ["x"], ["k"], [1], "t"))
    queue.tree.customContextMenuRequested.emit(QPoint())
    reasons = _disabled(queue)
    assert reasons
    assert all(reason not in {"", name} for name, reason in reasons.items())


def test_the_menu_of_the_treemap_gives_reasons(context, qtbot):
    tab = StatisticsTab(context)
    qtbot.addWidget(tab)
    tab.treemap.menu_wanted.emit("", QPoint())
    assert "shown" in _disabled(tab)["Enter this folder"]


def test_a_menu_that_is_higher_than_the_screen_scrolls_instead_of_having_columns(themed, qtbot):
    menu = QMenu()
    qtbot.addWidget(menu)
    entries = [menu.addAction(f"Entry {number}") for number in range(60)]
    menu.popup(QPoint())
    assert menu.height() <= QGuiApplication.primaryScreen().availableGeometry().height()
    assert len({menu.actionGeometry(entry).x() for entry in entries}) == 1
    menu.close()


def test_a_function_that_disables_entries_of_its_menu_shows_their_tooltips():
    found = []
    for path in sorted(GUI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                called = {ast.unparse(c.func).rpartition(".")[2] for c in _calls(node)}
                if {"QMenu", "setEnabled"} <= called and "setToolTipsVisible" not in called:
                    found.append(f"{path.name}: {node.name}")
    assert found == []


def _calls(node):
    return [each for each in ast.walk(node) if isinstance(each, ast.Call)]
