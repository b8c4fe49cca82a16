"""The speed and the remaining time of a task disappear if nothing is reported for a while."""

import threading

import pytest
from PySide6.QtCore import QObject

from core.transfer.queue_values import BatchState
from core.work import Progress
from gui.context.transfers import Batch
from gui.main_window.status_bar import StatusBar
from gui.main_window.tasks_model import COLUMNS, TasksModel
from gui.tabs.uploads.queue_pane import totals_text
from gui.tasks import rates
from gui.tasks.rates import Pace


class Clock:
    """A clock that is set by the test."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    """The clock of all speeds, whose displays are updated at once."""
    made = Clock()
    monkeypatch.setattr(Pace.__init__, "__defaults__", (made, *Pace.__init__.__defaults__[1:]))
    return made


def paced(pace, clock):
    """Report 4,000 bytes in a second."""
    pace.take(Progress(0, 10_000, "bytes"))
    clock.now += 1
    pace.take(Progress(4_000, 10_000, "bytes"))


def test_a_speed_is_that_of_the_present(clock):
    pace = Pace()
    paced(pace, clock)
    seen = Progress(4_000, 10_000, "bytes")
    clock.now += 7
    assert (pace.speed, pace.rate("bytes"), pace.left(seen)) == (4_000, "4.0 KB/s", "1.5 s")
    clock.now += 2
    assert pace.is_stale
    assert (pace.speed, pace.rate("bytes"), pace.left(seen)) == (0, "", "")
    clock.now += 1
    pace.take(Progress(5_000, 10_000, "bytes"))
    assert not pace.is_stale
    assert 0 < pace.speed < 4_000


def test_a_transfer_that_is_stuck_shows_no_speed(context, qtbot, clock):
    queue = context.transfers
    batch = Batch("b", "transfer.upload", {}, ["x"], ["k"], [10_000], "t")
    queue.show(batch)
    batch.begin([0])
    paced(batch.pace, clock)
    batch.progress = Progress(4_000, 10_000, "bytes")
    assert "4.0 KB/s · 1.5 s left" in totals_text([batch])
    runs = queue._runs
    runs._tasks[QObject()] = batch
    runs._speeds.start(1)
    try:
        clock.now += 9
        with qtbot.waitSignal(queue.updated) as updated:
            pass
        assert updated.args[0] is batch
        assert "left" not in totals_text([batch])
    finally:
        runs.forget(batch)
        batch.phase = BatchState.ENDED
    assert not runs._speeds.isActive()


def test_a_task_that_is_stuck_shows_no_speed(context, qtbot, clock):
    model = TasksModel(context.runner)
    bar = StatusBar(context, model)
    qtbot.addWidget(bar)
    ended, owner = threading.Event(), QObject()

    def stuck(work):
        work.report(Progress(0, 10_000, "bytes"))
        ended.wait(60)

    task = context.runner.run("Download", stuck, owner=owner)
    try:
        qtbot.waitUntil(lambda: task.progress is not None)
        paced(model.pace(task), clock)
        rate = COLUMNS.index("Rate")
        assert model.index(0, rate).data() == "4.0 KB/s"
        bar._show_tasks()
        assert "KB/s" in bar.doing.text()
        clock.now += 9
        model._speeds.start(1)
        qtbot.waitUntil(lambda: "KB/s" not in bar.doing.text())
        assert model.index(0, rate).data() == ""
    finally:
        ended.set()
        qtbot.waitUntil(lambda: not task.running)
    qtbot.waitUntil(lambda: not model._speeds.isActive())


def test_displays_are_updated_soon_after_a_speed_is_stale():
    assert rates.UPDATE_MS / 1000 < rates._STALE_SECONDS / 2
