"""The speed and the remaining time of a task disappear if nothing is reported for a while."""

import threading
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject

from core import work as work_module
from core.engine.changes import OperationCall
from core.transfer.queue_values import BatchState, Turn
from core.transfer.values import Outcomes
from core.work import Progress
from gui.context.transfers import Batch
from gui.main_window.status_bar import StatusBar, running_text
from gui.main_window.tasks_model import COLUMNS, TasksModel
from gui.models.roles import PROGRESS_ROLE
from gui.tabs.uploads.queue_pane import totals_text
from gui.tabs.uploads.transfer_model import PROGRESS, _batch_data, _batch_text
from gui.tasks import Task, rates
from gui.tasks.rates import Pace
from gui.tasks.task import Order


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


def test_bytes_that_an_earlier_transfer_sent_are_no_speed(clock):
    pace = Pace()
    for done in range(0, 8_001, 1_000):  # hashed again
        clock.now += 1
        pace.take(Progress(done, 10_000, "bytes", reused=done))
        assert pace.speed == 0
    clock.now += 1
    pace.take(Progress(8_100, 10_000, "bytes", reused=8_000))
    clock.now += 1
    pace.take(Progress(8_200, 10_000, "bytes", reused=8_000))
    assert 0 < pace.speed <= 100


def test_after_an_interruption_the_speed_is_measured_again(clock):
    pace = Pace()
    paced(pace, clock)
    clock.now += 20
    pace.take(Progress(9_000, 90_000, "bytes"))  # had arrived while the server was frozen
    assert (pace.speed, pace.is_stale) == (0, False)
    clock.now += 1
    pace.take(Progress(10_000, 90_000, "bytes"))
    assert pace.speed == 1_000


def test_reports_without_progress_are_no_speed(clock):
    pace = Pace()
    paced(pace, clock)
    for _second in range(9):
        clock.now += 1
        pace.take(Progress(4_000, 10_000, "bytes"))
    assert (pace.is_stale, pace.speed) == (True, 0)


def test_the_first_bytes_do_not_make_the_speed(clock):
    pace = Pace()
    pace.take(Progress(0, 100_000, "bytes"))
    for done in (8_000, 8_500, 9_000, 9_500, 10_000):  # the buffers take 8,000 at once
        clock.now += 1
        pace.take(Progress(done, 100_000, "bytes"))
    assert pace.speed < 2_500


def test_slow_steps_have_a_speed(clock):
    pace = Pace()
    for done in range(3):
        pace.take(Progress(done, 10, "tables"))
        clock.now += 40
    clock.now -= 40
    assert pace.speed == 1 / 40


def test_small_files_do_not_make_the_remaining_time_of_large_ones(clock):
    pace = Pace()
    total = 450_000_000
    for second in range(11):  # 100 files of 5 bytes in each second
        seen = Progress(second * 500, total, "bytes", items_done=second * 100, items_total=3_000)
        pace.take(seen)
        clock.now += 1
    assert (pace.rate("bytes"), pace.left(seen)) == ("500 B/s", "1 min 4 s")
    batch = Batch("b", "transfer.upload", {}, ["x"], ["k"], [total], "t")
    batch.begin([0])
    batch.pace, batch.progress = pace, seen
    assert "500 B/s · 1 min 4 s left" in totals_text([batch])


def test_empty_files_are_progress(clock):
    pace = Pace()
    for second in range(20):
        seen = Progress(0, 1, "bytes", items_done=second, items_total=30)
        pace.take(seen)
        clock.now += 1
    assert not pace.is_stale
    assert pace.left(seen) == "11 s"


def test_a_transfer_of_another_window_shows_its_files():
    batch = Batch("b", "transfer.upload", {}, "wxyz", "klmn", [1] * 4, "t")
    batch.begin(range(4))
    batch.apply(Outcomes(done=(0, 1, 2)))
    assert _batch_text(batch, PROGRESS) == "3 done"
    assert _batch_data(batch, PROGRESS, PROGRESS_ROLE) == 0.75


def call(operation, **arguments):
    return OperationCall(operation, arguments)


@pytest.mark.parametrize(
    ("calls", "text"),
    [
        ([call("transfer.download")], "1 task · ↓ 4.0 KB/s · 3 of 20 files"),
        ([call("transfer.upload")], "1 task · ↑ 4.0 KB/s · 3 of 20 files"),
        ([call("transfer.sync", direction="download")], "1 task · ↓ 4.0 KB/s · 3 of 20 files"),
        (
            [call("transfer.upload"), call("transfer.download")],
            "2 tasks · ⇅ 8.0 KB/s · 6 of 40 files",
        ),
        ([call("transfer.upload"), None], "2 tasks · 8.0 KB/s · 6 of 40 files"),
    ],
)
def test_the_mark_of_a_speed_is_its_direction(context, clock, calls, text):
    tasks = []
    for each in calls:
        tasks.append(Task(Order("t", print, context, call=each), print, context))
        tasks[-1].set_progress(Progress(0, 10_000, "bytes"))
    clock.now += 1
    for task in tasks:
        task.set_progress(Progress(4_000, 10_000, "bytes", items_done=3, items_total=20))
    assert running_text(tasks) == text


def test_the_progress_of_one_task_is_not_shown_for_several(context):
    tasks = [Task(Order(name, print, context), print, context) for name in ("Scan", "Collect")]
    tasks[0].set_progress(Progress(7, 10, "objects"))
    assert running_text(tasks[:1]) == "1 task · 7 of 10 objects"
    assert running_text(tasks) == "2 tasks · Collect"


def test_a_task_without_progress_states_it(context, monkeypatch):
    task = Task(Order("Restore", print, context), print, context)
    task.set_progress(Progress(7, 10, "rows", "checking"))
    assert running_text([task]) == "1 task · 7 of 10 rows"
    monkeypatch.setattr(work_module, "_STANDSTILL_SECONDS", 0.0)
    assert running_text([task]) == "1 task · 7 of 10 rows · no progress for 0 s"


def test_the_remaining_time_includes_transfers_that_wait(clock):
    gigabyte = 1_000_000_000
    running, waiting, paused = (
        Batch(name, "transfer.upload", {}, ["x"], ["k"], [10 * gigabyte], "t") for name in "bcd"
    )
    running.begin([0])
    for done in (0, 4 * gigabyte):
        running.progress = Progress(done, 10 * gigabyte, "bytes", items_done=0, items_total=1)
        running.pace.take(running.progress)
        clock.now += 1
    paused.phase = BatchState.PAUSED
    assert "4.0 GB/s · 1.5 s left" in totals_text([running, paused])
    assert "4.0 GB/s · 4.0 s left" in totals_text([running, waiting, paused])


def test_a_transfer_has_one_speed(context, clock):
    runner, runs = context.runner, context.transfers._runs
    batch = Batch("b", "transfer.upload", {}, ["x"], ["k"], [10_000], "t")
    started = []

    def run_bulk(*_arguments, **_options):
        started.append(Task(Order("t", print, runs), print, runs))
        return started[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "run_bulk", run_bulk)
        runs.start(batch, Turn(SimpleNamespace(operation="transfer.upload"), {}, (0,)), None)
    runs.forget(batch)
    assert batch.pace is started[0].pace


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


def test_a_task_that_is_stuck_shows_no_speed(context, qtbot, clock, monkeypatch):
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
        qtbot.waitUntil(lambda: "10.0 KB" in bar.doing.text() and not bar._later.isActive())
        monkeypatch.setattr(work_module, "_STANDSTILL_SECONDS", 0.0)
        model._speeds.start(1)
        qtbot.waitUntil(lambda: "no progress for" in bar.doing.text())  # without a further report
        paced(task.pace, clock)
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
