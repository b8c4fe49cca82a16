"""The changes of an operation are announced once, however its task ends."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from PySide6.QtCore import QObject

from core.engine.changes import OperationCall
from core.engine.operations import operation
from core.errors import AccessDenied, Cancelled
from core.model.rotation import Rotation, RotationKind, Step, StepRecord, StepState
from core.objects.deleting import Deleted, DeleteReport
from gui.tasks import outcome

CALL = OperationCall("objects.delete_many", {}, "b", "work", "browser")
REPORT = DeleteReport((Deleted("a/x"),), ())
NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def events(context):
    """What the context announces, with the profile of the log."""
    found = []
    context.changed.connect(lambda change: found.append((change.action, change.subject)))
    return found


def run(context, qtbot, fn, call=CALL, **options):
    owner = QObject()
    task = context.runner.run("t", fn, owner=owner, call=call, **options)
    qtbot.waitUntil(lambda: not task.running)
    return task


def ends(error, partial):
    def fn(_work):
        error.partial = partial
        raise error

    return fn


def test_a_change_is_announced_once_and_before_the_callback(context, events, qtbot):
    run(context, qtbot, lambda _work: REPORT, then=events.append)
    assert events == [(operation("objects.delete_many").title, "s3://b/a/x"), REPORT]
    (logged,) = context.log.read()
    assert (logged.profile, logged.change.origin) == ("work", "browser")


@pytest.mark.parametrize("error", [AccessDenied("refused"), Cancelled("cancelled")])
def test_the_part_that_was_done_before_an_error_is_announced(context, events, qtbot, error):
    run(context, qtbot, ends(error, REPORT))
    assert len(events) == 1
    run(context, qtbot, ends(error, None))
    assert len(events) == 1


def test_the_changes_of_a_task_that_was_replaced_are_announced(context, events, qtbot):
    owner, started, replaced = QObject(), threading.Event(), threading.Event()

    def delete(_work):
        started.set()
        replaced.wait(10)
        return REPORT

    first = context.runner.run("t", delete, owner=owner, call=CALL, then=events.append, latest="t")
    qtbot.waitUntil(started.is_set)
    context.runner.run("t", lambda _work: None, owner=owner, latest="t")
    replaced.set()
    qtbot.waitUntil(lambda: not context.runner.busy)
    assert first.state == "cancelled"
    assert len(events) == 1
    assert REPORT not in events


def test_a_result_is_described_and_prepared_in_the_worker_thread(context, qtbot, monkeypatch):
    def prepared(result):
        threads.append(threading.current_thread())
        return ("prepared", result)

    threads, found = [], []
    monkeypatch.setattr(outcome, "changes_made", lambda _call, result: prepared(result)[:0])
    run(context, qtbot, lambda _work: REPORT, then=found.append, prepare=prepared)
    run(context, qtbot, ends(Cancelled("stop"), REPORT), stopped=found.append, prepare=prepared)
    run(context, qtbot, ends(Cancelled("stop"), None), stopped=found.append, prepare=prepared)
    assert found == [("prepared", REPORT), ("prepared", REPORT), None]
    assert len(threads) == 4
    assert threading.main_thread() not in threads


def test_each_step_of_a_rotation_is_announced_once(context, events, qtbot):
    first = Rotation("i", RotationKind.IAM_KEY, "s", NOW, NOW, steps=(_done(Step.STAGE),))
    second = replace(first, steps=(_done(Step.STAGE), _done(Step.PROMOTE)))

    def rotate(work):
        work.batch(first)
        work.batch(second)
        return second

    run(context, qtbot, rotate, OperationCall("rotation.start", {"rotation": None}))
    assert [subject for _action, subject in events] == [
        "s: new value stored", "s: new value made current",
    ]  # fmt: skip
    events.clear()
    run(context, qtbot, lambda _work: second, OperationCall("rotation.resume", {"rotation": first}))
    assert [subject for _action, subject in events] == ["s: new value made current"]


def _done(step):
    return StepRecord(step, StepState.DONE)
