"""A large folder is sorted and filtered in a worker thread while pages arrive and rows are removed."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QPersistentModelIndex, Qt

from core.model.listing import ObjectRow
from gui.tabs.browser import folder_model
from gui.tabs.browser.folder_model import FolderModel
from gui.tabs.browser.folder_rows import KIND, MODIFIED, NAME, SIZE, rows_of

NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)
ASCENDING, DESCENDING = Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder


class Later:
    """Runs the work when the test calls `finish`."""

    def __init__(self):
        self.calls = []

    def __call__(self, arrange, then):
        self.calls.append((arrange, then))

    def finish(self):
        arrange, then = self.calls.pop(0)
        with ThreadPoolExecutor(1) as pool:
            then(pool.submit(arrange).result())

    def finish_all(self):
        while self.calls:
            self.finish()


@pytest.fixture
def later(monkeypatch):
    monkeypatch.setattr(folder_model, "MANY_ROWS", 2)
    return Later()


@pytest.fixture
def model(qapp, qtmodeltester, later):
    model = FolderModel(background=later)
    model.clear("p/")
    yield model
    qtmodeltester.check(model)


def add(model, *sized, folders=()):
    objects = [
        ObjectRow(f"p/{name}", size, NOON + timedelta(minutes=size % 7)) for name, size in sized
    ]
    model.add(rows_of("p/", [f"p/{name}" for name in folders], objects))


def names(model):
    return [model.index(at, NAME).data() for at in range(model.rowCount())]


def test_the_former_order_is_shown_until_the_new_one_is_ready(model, later):
    add(model, ("a", 2), ("b", 3), ("c", 1))
    stored = QPersistentModelIndex(model.index(0, NAME))
    model.sort(SIZE, ASCENDING)
    assert names(model) == ["a", "b", "c"]
    later.finish()
    assert names(model) == ["c", "a", "b"]
    assert stored.data() == "a"
    assert not later.calls


def test_rows_that_arrive_while_others_are_sorted_are_shown_at_once(model, later):
    add(model, ("a", 2), ("b", 3), ("c", 1))
    model.sort(SIZE, ASCENDING)
    add(model, ("d", 0))
    assert names(model) == ["a", "b", "c", "d"]
    later.finish()
    assert names(model) == ["c", "a", "b", "d"]
    later.finish()
    assert names(model) == ["d", "c", "a", "b"]


def test_an_order_that_was_changed_before_it_was_ready_is_not_shown(model, later, qtbot):
    add(model, ("a1", 2), ("b", 3), ("c1", 1))
    model.sort(SIZE, DESCENDING)
    model.set_filter("*1")
    assert len(later.calls) == 1
    later.finish()
    assert names(model) == ["a1", "b", "c1"]
    with qtbot.waitSignals([model.filter_about_to_change, model.filter_changed], order="strict"):
        later.finish()
    assert names(model) == ["a1", "c1"]
    assert (model.total_size, model.total) == (3, 3)
    model.set_filter("")
    model.sort(NAME, ASCENDING)
    later.finish_all()
    assert names(model) == ["a1", "b", "c1"]


def test_another_folder_is_not_affected_by_the_order_of_the_former(model, later):
    add(model, ("a", 2), ("b", 3), ("c", 1))
    model.sort(SIZE, ASCENDING)
    model.clear("p/")
    add(model, ("x", 9), ("y", 8))
    later.finish()
    assert names(model) == ["y", "x"]
    add(model, ("z", 1))
    later.finish_all()
    assert names(model) == ["z", "y", "x"]


def random_step(chance, step):
    """Return a function that changes a model in a random way; None to finish waiting work."""
    page = [(f"{step:02}-{n}.{chance.choice('ab')}", chance.randrange(9)) for n in range(3)]
    column, order = chance.choice([NAME, SIZE, MODIFIED, KIND]), chance.choice(list(Qt.SortOrder))
    wanted = chance.choice(["", "1", "*2*a", "b"])
    removed = [f"p/{chance.randrange(step + 1):02}-{chance.randrange(3)}.a"]
    return chance.choice(
        [
            lambda model: add(model, *page, folders=[f"{step:02}/"]),
            lambda model: add(model, *page),
            lambda model: model.sort(column, order),
            lambda model: model.set_filter(wanted),
            lambda model: model.remove(removed),
            None,
        ]
    )


@pytest.mark.parametrize("seed", range(12))
def test_after_any_steps_the_rows_are_those_that_were_sorted_at_once(qapp, later, seed):
    chance = random.Random(seed)
    models = FolderModel(background=later), FolderModel()
    for model in models:
        model.clear("p/")
    for number in range(40):
        step = random_step(chance, number)
        if step is None and later.calls:
            later.finish()
        for model in models if step is not None else ():
            step(model)
    later.finish_all()
    assert names(models[0]) == names(models[1])
    assert models[0].total_size == models[1].total_size
    assert models[0].newest == models[1].newest


def test_selected_rows_of_a_former_folder_stay(model, later):
    add(model, ("a", 2), ("b", 3), ("c", 1), folders=("d/",))
    chosen = model.entries([(0, 3)])
    model.clear("q/")
    assert model.rowCount() == 0
    assert later.calls == []
    assert chosen.all_keys == ["p/d/", "p/a", "p/b", "p/c"]
