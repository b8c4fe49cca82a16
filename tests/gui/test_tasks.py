"""Tasks run in worker threads, and results, errors and cancels arrive in the main thread."""

import logging
import threading

import pytest
from PySide6.QtCore import QObject, QThread  # noqa: TID251 - asks which thread it is
from PySide6.QtWidgets import QApplication

from core.errors import ErrorKind, NotFound
from core.model.connection import Connection, KeySource, Profile
from core.work import Progress
from gui.tasks import TaskRunner

pytestmark = pytest.mark.usefixtures("qapp")
CONNECTION = Connection(Profile("t", KeySource.SESSION))


@pytest.fixture
def runner(qapp):
    runner = TaskRunner()
    yield runner
    runner.shutdown()
    assert not [t for t in threading.enumerate() if t.name.startswith(("interactive", "bulk"))]


@pytest.fixture
def owner():
    return QObject()


def test_work_runs_elsewhere_and_results_arrive_on_the_gui_thread(runner, owner, qtbot):
    seen = []

    def fn(_work):
        return threading.current_thread()

    def then(thread):
        seen.append((thread, QThread.currentThread()))

    task = runner.run("t", fn, owner=owner, then=then)
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0][0] is not threading.main_thread()
    assert seen[0][1] is QApplication.instance().thread()
    assert task.state == "done"
    assert runner.tasks == [task]
    assert not runner.busy


def test_thousands_of_tasks_all_arrive_once(runner, owner, qtbot):
    seen = []
    for number in range(3000):
        runner.run("t", lambda _w, n=number: n, owner=owner, then=seen.append, quiet=True)
    qtbot.waitUntil(lambda: len(seen) == 3000, timeout=20_000)
    assert sorted(seen) == list(range(3000))
    assert runner.tasks == []


def test_an_error_reaches_only_the_failed_callback_and_can_be_retried(runner, owner, qtbot):
    errors, results, attempts = [], [], []

    def fn(_work):
        attempts.append(1)
        if len(attempts) == 1:
            raise NotFound("gone")
        return "there"

    task = runner.run("t", fn, owner=owner, then=results.append, failed=errors.append)
    qtbot.waitUntil(lambda: bool(errors))
    assert task.state == "failed"
    assert task.error is errors[0]
    again = task.retry()
    qtbot.waitUntil(lambda: bool(results))
    assert results == ["there"]
    assert again.retry() is None


def test_a_bug_is_logged_once_and_reported_calmly(runner, owner, qtbot, caplog):
    errors = []
    with caplog.at_level(logging.ERROR):
        runner.run("t", lambda _w: 1 / 0, owner=owner, failed=errors.append)
        qtbot.waitUntil(lambda: bool(errors))
    assert errors[0].kind is ErrorKind.BUG
    assert "ZeroDivisionError" in errors[0].cause
    assert len([r for r in caplog.records if r.exc_info or r.exc_text]) == 1


def test_a_file_that_cannot_be_used_is_no_bug(runner, owner, qtbot, tmp_path, caplog):
    errors, path = [], tmp_path / ("n" * 300)
    with caplog.at_level(logging.ERROR):
        runner.run("t", lambda _w: path.stat(), owner=owner, failed=errors.append)
        qtbot.waitUntil(lambda: bool(errors))
    assert errors[0].kind is ErrorKind.LOCAL_IO
    assert str(path) in errors[0].summary
    assert caplog.records == []


def test_a_cancel_shows_nothing(runner, owner, qtbot):
    seen = []
    task = runner.run(
        "t", lambda work: work.token.wait(30), owner=owner, then=seen.append, failed=seen.append
    )
    task.cancel()
    qtbot.waitUntil(lambda: not task.running)
    assert task.state == "cancelled"
    assert seen == []


def test_a_finished_result_beats_a_late_cancel(runner, owner, qtbot):
    seen, begun, gate = [], threading.Event(), threading.Event()

    def fn(work):
        begun.set()
        gate.wait(10)
        return work.token.cancelled

    task = runner.run("t", fn, owner=owner, then=seen.append)
    assert begun.wait(10)
    task.cancel()
    gate.set()
    qtbot.waitUntil(lambda: not task.running)
    assert task.state == "done"
    assert seen == [True]


def test_the_latest_of_a_name_wins(runner, owner, qtbot):
    seen, gate = [], threading.Event()

    def slow(_work):
        gate.wait(10)
        return "old"

    old = runner.run("a", slow, owner=owner, then=seen.append, latest="preview")
    new = runner.run("b", lambda _w: "new", owner=owner, then=seen.append, latest="preview")
    qtbot.waitUntil(lambda: not new.running)
    gate.set()
    qtbot.waitUntil(lambda: not old.running)
    assert seen == ["new"]
    assert old.state == "cancelled"


def test_progress_is_coalesced_and_the_last_one_arrives(runner, owner, qtbot):
    seen, done = [], []

    def fn(work):
        for step in range(20_000):
            work.report(Progress(step + 1, 20_000))

    runner.run("t", fn, owner=owner, progress=seen.append, then=lambda _r: done.append(1))
    qtbot.waitUntil(lambda: bool(done), timeout=20_000)
    assert seen[-1].done == 20_000
    assert len(seen) < 200


def test_nothing_is_delivered_to_an_owner_that_is_gone(runner, qtbot):
    import shiboken6

    seen, gate = [], threading.Event()
    owner = QObject()
    task = runner.run("t", lambda _w: gate.wait(10), owner=owner, then=seen.append)
    shiboken6.delete(owner)
    gate.set()
    qtbot.waitUntil(lambda: not task.running)
    assert seen == []


def test_the_end_of_an_owner_cancels_its_work(runner, qtbot):
    import shiboken6

    owner, seen = QObject(), []
    task = runner.run("t", lambda work: work.token.wait(30), owner=owner, failed=seen.append)
    shiboken6.delete(owner)
    qtbot.waitUntil(lambda: not task.running)
    assert task.state == "cancelled"
    assert seen == []


def test_a_cancelled_task_that_still_waits_for_a_thread_ends_at_once(runner, owner, qtbot):
    gate = threading.Event()
    for _ in range(8):
        runner.run("t", lambda _w: gate.wait(10), owner=owner)
    waiting = runner.run("t", lambda _w: 1, owner=owner)
    waiting.cancel()
    qtbot.waitUntil(lambda: not waiting.running)
    assert waiting.state == "cancelled"
    gate.set()


def test_what_breaks_because_of_a_cancel_is_a_cancel(runner, owner, qtbot):
    seen, begun, gate = [], threading.Event(), threading.Event()

    def fn(_work):
        begun.set()
        gate.wait(10)
        raise NotFound("the socket was closed")

    task = runner.run("t", fn, owner=owner, failed=seen.append)
    assert begun.wait(10)
    task.cancel()
    gate.set()
    qtbot.waitUntil(lambda: not task.running)
    assert (task.state, seen) == ("cancelled", [])


def test_after_shutdown_nothing_is_delivered_and_nothing_starts(owner, qtbot):
    runner, seen, started = TaskRunner(), [], threading.Event()

    def fn(work):
        started.set()
        work.token.wait(30)

    runner.run("t", fn, owner=owner, then=seen.append, failed=seen.append)
    assert started.wait(10)
    runner.shutdown()
    late = runner.run("late", lambda _w: 1, owner=owner, then=seen.append)
    assert late.state == "cancelled"
    QApplication.sendPostedEvents()
    assert seen == []


def test_bulk_work_runs_in_the_engine_and_survives_its_death(runner, owner, qtbot):
    from core.engine.client import EngineClient

    runner._engine = EngineClient(operations_module="tests.core.engine.engine_operations")
    results, errors, batches = [], [], []

    def bulk(operation, **arguments):
        return runner.run_bulk(
            operation,
            operation,
            arguments,
            connection=CONNECTION,
            owner=owner,
            then=results.append,
            failed=errors.append,
            batch=batches.append,
        )

    task = bulk("crash")
    assert runner.bulk_running == [task]
    qtbot.waitUntil(lambda: bool(errors))
    assert errors[0].kind is ErrorKind.ENGINE
    bulk("count", steps=3)
    qtbot.waitUntil(lambda: bool(results))
    assert results == [3]
    assert batches == [[0], [1], [2]]
    spinning = bulk("spin")
    qtbot.waitUntil(lambda: batches[-1] == "started")
    spinning.cancel()
    qtbot.waitUntil(lambda: not spinning.running)
    assert spinning.state == "cancelled"
