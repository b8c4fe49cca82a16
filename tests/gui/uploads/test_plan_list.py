"""The list of an upload plan shows each file with its decision, for 5 as for 50,000 files."""

import shlex
import time

import pytest
from PySide6.QtCore import QItemSelection, QItemSelectionModel, Qt
from PySide6.QtTest import QAbstractItemModelTester

from core.cli.selection import ExistingOrBoth, decision
from core.errors import ErrorKind
from core.model.connection import KeySource, Profile
from core.transfer.plan import RefusedFile, UploadPlan
from core.transfer.values import IfExists
from gui.tabs.uploads.plan_card import PlanCard
from gui.tabs.uploads.plan_model import CONFLICT, DECISION, KEY, SIZE, PlanModel
from gui.tabs.uploads.plan_pane import PlanPane
from gui.tabs.uploads.summary import command_of

SKIP, OVERWRITE, KEEP_BOTH = IfExists.SKIP, IfExists.OVERWRITE, IfExists.KEEP_BOTH


def plan_of(count, taken=(), refused=(), folder="/data"):
    numbers = range(count)
    return UploadPlan(
        bucket="b",
        prefix="in/",
        paths=tuple(f"{folder}/{n}" for n in numbers),
        keys=tuple(f"in/{n}" for n in numbers),
        sizes=tuple(count - n for n in numbers),
        existing=tuple(n in taken for n in numbers),
        spare=tuple(f"in/{n} (2)" if n in taken else "" for n in numbers),
        refused=tuple(
            RefusedFile(f"{folder}/{name}", f"in/{name}", ErrorKind.LOCAL_IO, "it is a socket")
            for name in refused
        ),
    )


def column(model, number):
    return [model.index(row, number).data() for row in range(model.rowCount())]


@pytest.fixture
def card(themed, qtbot):
    card = PlanCard()
    qtbot.addWidget(card)
    return card


@pytest.fixture
def pane(context, card, qtbot):
    pane = PlanPane(context, card.files)
    qtbot.addWidget(pane)
    pane.resize(700, 400)
    card.files_wanted.connect(pane.open_at)
    return pane


def select(pane, *rows):
    chosen = QItemSelection()
    for row in rows:
        chosen.select(pane.model.index(row, 0), pane.model.index(row, 0))
    flags = QItemSelectionModel.SelectionFlag
    pane.table.selectionModel().select(chosen, flags.ClearAndSelect | flags.Rows)


def test_every_file_is_listed_with_key_size_conflict_and_decision(card, pane):
    card.show_plan(plan_of(3, taken={1}, refused=["pipe"]))
    assert not pane.isVisible()
    card.list.click()
    assert pane.isVisible()
    model = pane.model
    assert column(model, KEY) == ["in/0", "in/1", "in/2", "in/pipe"]
    assert column(model, SIZE) == ["3 B", "2 B", "1 B", ""]
    assert column(model, CONFLICT) == ["", "Exists", "", "it is a socket"]
    assert column(model, DECISION) == ["Upload", "Skip", "Upload", "Excluded"]
    pane.filter.select("existing")
    assert column(model, KEY) == ["in/1"]
    card.why.click()
    assert column(model, KEY) == ["in/pipe"]
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)


def test_decisions_of_single_files_differ_from_the_one_for_all(card, pane):
    card.show_plan(plan_of(4, taken={1, 2, 3}))
    pane.open_at("all")
    assert card.start.text() == "Upload 1 file"
    assert not pane.buttons[OVERWRITE].isEnabled()
    select(pane, 0)
    assert not pane.buttons[OVERWRITE].isEnabled(), "nothing is to be decided about a new key"
    select(pane, 0, 1, 2)
    pane.buttons[OVERWRITE].click()
    select(pane, 2)
    pane.buttons[KEEP_BOTH].click()
    assert column(pane.model, DECISION) == ["Upload", "Overwrite", "Keep both", "Skip"]
    assert column(pane.model, KEY)[2] == "in/2 (2)"
    assert card.start.text() == "Upload 3 files"
    assert "2 decided one by one" in card._conflicts.text()
    card.choice.select(KEEP_BOTH.value)
    assert column(pane.model, DECISION) == ["Upload", "Overwrite", "Keep both", "Keep both"]
    select(pane, 1)
    pane.follow.click()
    assert column(pane.model, DECISION)[1] == "Keep both"
    assert pane.model.single == {}


def test_a_sorted_row_stands_for_its_own_file(card, pane):
    card.show_plan(plan_of(3, taken={0, 2}))
    pane.open_at("all")
    select(pane, 0)
    pane.table.sortByColumn(SIZE, Qt.SortOrder.AscendingOrder)
    assert column(pane.model, KEY) == ["in/2", "in/1", "in/0"]
    assert not pane.table.selectionModel().hasSelection(), "no other file is selected now"
    select(pane, 0)
    pane.buttons[OVERWRITE].click()
    assert pane.model.single == {2: OVERWRITE}


def test_a_new_plan_keeps_the_decisions_of_files_that_are_in_both(qapp):
    model = PlanModel()
    model.show(plan_of(3, taken={1, 2}))
    model.decide([1, 2], OVERWRITE)
    model.show(plan_of(4, taken={1}))
    assert model.single == {1: OVERWRITE}
    model.show(plan_of(4, taken={1}, folder="/elsewhere"))
    assert model.single == {}


def test_fifty_thousand_files_are_listed_filtered_sorted_and_decided_quickly(card, pane):
    began = time.process_time()
    card.show_plan(plan_of(50_000, taken=frozenset(range(0, 50_000, 2))))
    pane.open_at("all")
    pane.grab()
    pane.filter.select("existing")
    pane.table.sortByColumn(KEY, Qt.SortOrder.DescendingOrder)
    pane.table.selectAll()
    pane.buttons[OVERWRITE].click()
    pane.grab()
    assert card.start.text() == "Upload 50,000 files"
    assert len(pane.model.single) == 25_000
    assert time.process_time() - began < 3


@pytest.mark.parametrize("choice", list(ExistingOrBoth))
def test_the_command_line_has_the_decision_for_existing_files(card, choice):
    card.show_plan(plan_of(2, taken=(1,)))
    card.choice.select(decision(choice).value)
    profile = Profile("main", KeySource.ENVIRONMENT, bucket="b")
    text = shlex.split(command_of(card.plan, ["/data"], card.files, profile))
    named = [word for word in text if word.startswith("--if-exists")]
    # Skipping is the default.
    assert named == [f"--if-exists={choice.value}"] * (choice is not ExistingOrBoth.SKIP)
