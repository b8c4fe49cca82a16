"""No QObject is destroyed outside the main thread."""

import gc
import threading
import weakref
from functools import partial
from itertools import count
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject

from core.objects.deleting import Deleted, DeleteReport
from core.preview.releasing import LARGE, hand_over
from gui.tabs.browser.folder_rows import Texts
from gui.tasks import TaskRunner, garbage
from gui.tasks.garbage import GarbageCollector


class CyclicObject(QObject):
    """An object that only the collector can free."""

    def __init__(self):
        super().__init__()
        self.me = self


@pytest.fixture
def runner(qapp):
    made = TaskRunner()
    yield made
    made.shutdown()


def test_what_a_worker_allocates_never_frees_a_qobject_in_its_thread(runner, qtbot):
    freed_in = []
    weakref.finalize(CyclicObject(), lambda: freed_in.append(threading.current_thread()))

    def allocate(_work):
        stored = []
        for _ in range(8_000):  # far above Python's threshold, and fewer than are data
            knot: list = []
            knot.append(knot)
            stored.append(knot)

    done = []
    runner.run("allocate", allocate, owner=runner, then=done.append)
    qtbot.waitUntil(lambda: bool(done))
    gc.collect()
    assert freed_in == [threading.main_thread()]


@pytest.mark.parametrize("automatic", [True, False])
def test_the_gui_thread_collects_from_its_timer_and_gives_back_at_the_end(qtbot, automatic):
    if automatic:
        gc.enable()
    runner = TaskRunner()
    assert not gc.isenabled()
    freed = []
    weakref.finalize(CyclicObject(), freed.append, "freed")
    stored = [[number] for number in range(5000)]
    qtbot.waitUntil(lambda: bool(freed))
    assert len(stored) == 5000
    second = GarbageCollector()
    second.start()
    second.stop()
    assert not gc.isenabled()
    runner.shutdown()
    given_back = gc.isenabled()
    gc.disable()
    assert given_back is automatic


def test_large_data_is_never_searched_and_is_freed_by_its_last_reference(qapp):
    collector = GarbageCollector()
    collector.start()
    try:
        gc.collect()
        frozen = gc.get_freeze_count()
        data = [[number] for number in range(200_000)]
        collector.collect_if_due()
        assert gc.get_freeze_count() - frozen >= 200_000
        assert gc.get_count()[0] < 100_000
        with_data = gc.get_freeze_count()
        del data
        assert with_data - gc.get_freeze_count() >= 200_000
    finally:
        collector.stop()
        gc.unfreeze()


def test_the_objects_of_an_ended_preview_are_freed_a_few_at_a_time(qapp):
    class Row:
        """An object whose end can be seen."""

    collector = GarbageCollector()
    collector.start()
    try:
        rows = [Row() for _ in range(LARGE * 4)]
        last, first = weakref.ref(rows[-1]), weakref.ref(rows[0])
        hand_over({"data": rows})
        del rows
        assert last() is not None
        slices = 0
        while first() is not None:
            collector.release_some()
            slices += 1
        assert last() is None
        assert slices < 1_000
    finally:
        collector.stop()


class Name(str):
    """A text whose end can be seen."""

    __slots__ = ("__weakref__",)


def test_the_texts_of_a_large_folder_are_freed_a_few_at_a_time(qapp, monkeypatch):
    # Each reading of the clock is half a millisecond later, whatever the speed of the computer.
    clock = SimpleNamespace(perf_counter=partial(next, count(step=0.0005)))
    monkeypatch.setattr(garbage, "time", clock)
    collector = GarbageCollector()
    collector.start()
    try:
        texts, seen = Texts(), []
        for page in range(20):
            names = tuple(Name(f"{page}/{number}") for number in range(LARGE))
            seen += [weakref.ref(names[0]), weakref.ref(names[-1])]
            texts.append(names)
        del names, texts
        assert all(each() is not None for each in seen)
        slices = 0
        while any(each() is not None for each in seen):
            collector.release_some()
            slices += 1
        assert 100 < slices < 1_000
    finally:
        collector.stop()


def test_a_long_result_is_freed_a_few_at_a_time(runner, qtbot):
    report = DeleteReport(tuple(Deleted(Name(number)) for number in range(LARGE)), ())
    first, owner = weakref.ref(report.deleted[0].key), QObject()
    reports = [report]
    del report
    task = runner.run("t", lambda _work: reports.pop(), owner=owner)
    qtbot.waitUntil(lambda: not task.running)
    assert first() is not None
    qtbot.waitUntil(lambda: first() is None)
