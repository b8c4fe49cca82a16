"""Transfers are paused, resumed, ordered, limited and continued after a restart."""

import hashlib
import subprocess
import time
from uuid import uuid4

import pytest
from PySide6.QtWidgets import QApplication, QSystemTrayIcon

from core.errors import CredentialsExpired, Offline
from core.limits import LimitValues
from core.local.settings import Settings
from core.model.objects import Verdict
from core.transfer.journal import Order
from core.transfer.plan import UploadPlan
from core.transfer.queue import TransferQueue as StoredQueue
from core.transfer.queue_journal import QueueJournal
from core.transfer.queue_values import BatchState, FileResult, Priority
from core.transfer.values import Outcomes, State, TransferReport
from gui.context import Context
from gui.context.transfers import DOWNLOAD, Batch
from gui.context.transfers.batch import FileStates
from gui.main_window.notifier import DesktopNotifier, TransfersNotifier
from gui.tabs.uploads.limits_dialog import LimitsDialog
from gui.tabs.uploads.transfer_model import PROGRESS, STATE
from tests.gui.uploads.test_uploads_tab import plain, put

WAIT = 30_000


def make_batch(folder, count, *, size=1, prefix=""):
    """Return an upload of new files."""
    root = folder / f"s{uuid4().hex[:8]}"
    root.mkdir()
    names = [f"{number:04}" for number in range(count)]
    for name in names:
        (root / name).write_bytes(b"x" * size)
    keys = [f"{prefix}{root.name}/{name}" for name in names]
    arguments = {
        "paths": [str(root / name) for name in names], "keys": keys, "sizes": [size] * count,
        "only_new": True,
    }  # fmt: skip
    return Batch(root.name, "transfer.upload", arguments, keys, keys, [size] * count, "s3://b/")


def stored(batch):
    return StoredQueue().batch(batch.id)


def keys_below(bucket, batch):
    pages = (
        plain(bucket)
        .get_paginator("list_objects_v2")
        .paginate(Bucket=bucket.name, Prefix=f"{batch.title}/")
    )
    return [each["Key"] for page in pages for each in page.get("Contents", ())]


def test_a_transfer_is_paused_and_resumed_without_sending_a_file_twice(
    tab, bucket, tmp_path, qtbot
):
    batch = make_batch(tmp_path, 300)
    tab.transfers.limits.change(LimitValues(parallel=1))
    tab.transfers.start(batch)
    qtbot.waitUntil(lambda: batch.counts[State.DONE] > 0, timeout=WAIT)
    assert tab.pane.pause.text() == "Pause"
    tab.pane.pause.click()
    assert not tab.pane.pause.isEnabled(), "it is stopping"
    qtbot.waitUntil(lambda: batch.phase is BatchState.PAUSED, timeout=WAIT)
    done = batch.counts[State.DONE]
    assert 0 < done < 300
    assert (stored(batch).state, stored(batch).counts.done) == (BatchState.PAUSED, done)
    assert len(keys_below(bucket, batch)) == done
    assert tab.pane.model.index(0, STATE).data() == "paused"
    assert tab.pane.pause.text() == "Resume"
    tab.transfers.limits.change(LimitValues())
    tab.pane.pause.click()
    qtbot.waitUntil(lambda: batch.phase is BatchState.ENDED, timeout=WAIT)
    assert (batch.counts[State.DONE], batch.counts[State.SKIPPED]) == (300, 0)
    assert len(keys_below(bucket, batch)) == 300


def test_waiting_transfers_run_in_the_order_that_the_user_gives_them(tab, tmp_path, qtbot):
    first, second, third = (make_batch(tmp_path, count) for count in (200, 3, 3))
    ends = []
    tab.transfers.ended.connect(lambda batch, _report: ends.append(batch))
    for batch in (first, second, third):
        tab.transfers.start(batch)
    tab.pane.tree.setCurrentIndex(tab.pane.model.index_of(third))
    assert not tab.pane.down.isEnabled()
    tab.pane.up.click()
    assert tab.transfers.batches == [first, third, second]
    assert tab.pane.chosen is third, "the selection follows it"
    qtbot.waitUntil(lambda: len(ends) == 3, timeout=WAIT)
    assert ends == [first, third, second]


def test_a_transfer_of_a_higher_priority_runs_before_the_others(tab, tmp_path, qtbot):
    first, second, third, fourth = batches = [
        make_batch(tmp_path, count) for count in (200, 3, 3, 3)
    ]
    ends = []
    tab.transfers.ended.connect(lambda batch, _report: ends.append(batch))
    for batch in batches:
        tab.transfers.start(batch)
    tree, model = tab.pane.tree, tab.pane.model
    tree.setCurrentIndex(model.index_of(fourth))
    tab.pane.priorities[Priority.HIGH].click()
    assert tab.transfers.batches == [fourth, first, second, third]
    assert model.index(0, STATE).data() == "waiting ↑"
    assert not tab.pane.priorities[Priority.HIGH].isEnabled()
    assert not tab.pane.down.isEnabled(), "those after it have a lower priority"
    tree.setCurrentIndex(model.index_of(second))
    tab.pane.priorities[Priority.LOW].click()
    assert tab.transfers.batches == [fourth, first, third, second]
    wanted = [fourth.id, first.id, third.id, second.id]
    qtbot.waitUntil(
        lambda: [batch.id for batch in StoredQueue().batches()] == wanted, timeout=WAIT
    )  # so that a restart has the same order
    qtbot.waitUntil(lambda: len(ends) == 4, timeout=WAIT)
    assert [ends.index(batch) for batch in (fourth, third, second)] == sorted(
        ends.index(batch) for batch in (fourth, third, second)
    )


def test_all_transfers_are_paused_and_a_waiting_one_is_cancelled(tab, tmp_path, qtbot):
    running, waiting = make_batch(tmp_path, 300), make_batch(tmp_path, 3)
    tab.transfers.limits.change(LimitValues(parallel=1))
    for batch in (running, waiting):
        tab.transfers.start(batch)
    qtbot.waitUntil(lambda: running.counts[State.DONE] > 0, timeout=WAIT)
    tab.pane.pause_all.click()
    paused = [BatchState.PAUSED] * 2
    qtbot.waitUntil(lambda: [running.phase, waiting.phase] == paused, timeout=WAIT)
    assert not tab.pane.pause_all.isEnabled()
    tab.transfers.cancel(waiting)
    qtbot.waitUntil(lambda: waiting.phase is BatchState.ENDED, timeout=WAIT)
    assert waiting.counts[State.CANCELLED] == stored(waiting).counts.cancelled == 3
    tab.pane.resume_all.click()
    qtbot.waitUntil(lambda: running.phase is BatchState.ENDED, timeout=WAIT)
    assert waiting.counts[State.CANCELLED] == 3, "a cancelled one is not resumed"
    for batch in (running, waiting):
        assert stored(batch).counts.planned == sum(batch.counts.values())


def test_uploads_and_downloads_run_at_the_same_time(tab, bucket, tmp_path, qtbot):
    put(bucket, "down/a.txt", b"hello")
    upload = make_batch(tmp_path, 300)
    download = Batch(
        "Download 1 object", DOWNLOAD,
        {"keys": ["down/a.txt"], "sizes": [5], "folder": str(tmp_path / "in"), "below": "down/"},
        ["a.txt"], ["down/a.txt"], [5], str(tmp_path / "in"),
    )  # fmt: skip
    tab.transfers.limits.change(LimitValues(parallel=1))
    tab.transfers.start(upload)
    qtbot.waitUntil(lambda: upload.running, timeout=WAIT)
    tab.transfers.start(download)
    qtbot.waitUntil(lambda: download.phase is BatchState.ENDED, timeout=WAIT)
    assert upload.running
    assert (tmp_path / "in" / "a.txt").read_bytes() == b"hello"
    assert download.counts[State.DONE] == len(download.verdicts) == 1
    tab.transfers.cancel(upload)
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)


def test_a_read_only_profile_downloads_and_uploads_wait_until_it_is_unlocked(
    tab, context, tmp_path, qtbot
):
    batch = make_batch(tmp_path, 2)
    context.lock()
    tab.transfers.start(batch)
    qtbot.waitUntil(lambda: not tab.transfers.running, timeout=WAIT)
    assert batch.phase is BatchState.WAITING
    context.unlock(5)
    qtbot.waitUntil(lambda: batch.phase is BatchState.ENDED, timeout=WAIT)
    assert batch.counts[State.DONE] == 2


def test_the_files_of_a_former_run_are_read_when_it_is_opened(
    context, workspace, tab, tmp_path, qtbot
):
    order = former_run(workspace, tmp_path, done=(0, 2))
    StoredQueue().pause(order.id)
    tab.transfers.follow(workspace)
    qtbot.waitUntil(lambda: bool(tab.transfers.batches), timeout=WAIT)
    (batch,) = tab.transfers.batches
    assert (batch.loaded, batch.planned, batch.counts[State.DONE]) == (False, 3, 2)
    model, place = tab.pane.model, tab.pane.model.index(0, 0)
    assert model.hasChildren(place)
    assert model.rowCount(place) == 0
    assert model.index(0, PROGRESS).data() == "2 done"
    tab.pane.tree.expand(place)
    qtbot.waitUntil(lambda: model.rowCount(place) == 3, timeout=WAIT)
    assert [model.index(n, STATE, place).data() for n in range(3)] == ["done", "waiting", "done"]
    tab.transfers.cancel(batch)
    qtbot.waitUntil(lambda: batch.phase is BatchState.ENDED, timeout=WAIT)
    assert batch.counts[State.CANCELLED] == 1


def former_run(workspace, tmp_path, done=()):
    """Store a batch of a former run of the program, with results of some files."""
    root = tmp_path / f"f{uuid4().hex[:8]}"
    root.mkdir()
    names = [f"{number}.txt" for number in range(3)]
    for name in names:
        (root / name).write_text(name)
    arguments = {
        "paths": [str(root / name) for name in names], "sizes": [5] * 3,
        "keys": [f"{root.name}/{name}" for name in names], "only_new": True,
    }  # fmt: skip
    profile = workspace.profile
    order = Order(
        "transfer.upload", uuid4().hex, "Upload x", profile.name, profile.bucket, arguments
    )
    StoredQueue().add(order)
    journal = QueueJournal.begin(order.id, range(3))
    journal.record([FileResult(number, State.DONE) for number in done])
    journal.leave()
    return order


def test_a_batch_of_another_process_continues_after_its_end(
    workspace, tab, tmp_path, qtbot, monkeypatch
):
    order = former_run(workspace, tmp_path, done=(1,))
    monkeypatch.setattr("core.transfer.queue_rows.is_running", lambda _path, _owner: True)
    tab.transfers.follow(workspace)
    qtbot.waitUntil(lambda: bool(tab.transfers.batches), timeout=WAIT)
    (batch,) = tab.transfers.batches
    assert (batch.id, batch.phase) == (order.id, BatchState.RUNNING)
    assert not tab.transfers.running
    monkeypatch.undo()
    qtbot.waitUntil(lambda: batch.phase is BatchState.ENDED, timeout=WAIT)
    assert (batch.counts[State.DONE], batch.counts[State.SKIPPED]) == (3, 0)


def test_an_error_of_the_keys_stops_all_once_and_new_keys_continue(
    context, workspace, tab, tmp_path, qtbot
):
    order = former_run(workspace, tmp_path)
    StoredQueue().finish(order.id, CredentialsExpired("The keys have expired"))
    other = former_run(workspace, tmp_path)
    continued = []
    tab.transfers.continued.connect(continued.append)
    context.set_workspace(workspace)  # as after a renewal
    ended = BatchState.ENDED
    qtbot.waitUntil(
        lambda: [batch.phase for batch in tab.transfers.batches] == [ended] * 2, timeout=WAIT
    )
    assert continued == [2]
    assert {batch.id for batch in tab.transfers.batches} == {order.id, other.id}
    assert all(batch.counts[State.DONE] == 3 for batch in tab.transfers.batches)


def test_limits_are_applied_and_stored(tab, context, tmp_path, qtbot):
    dialog = LimitsDialog(tab, tab.transfers.limits.values)
    qtbot.addWidget(dialog)
    assert (dialog.bandwidth.text(), dialog.parallel.text()) == ("unlimited", "automatic")
    dialog.bandwidth.setValue(2.5)
    dialog.parallel.setValue(4)
    tab.set_limits(dialog.values)
    assert tab.transfers.limits.values == LimitValues(2_500_000, 4)
    assert tab.pane.limits.text() == "Limits: 2.5 MB/s, 4 at a time"
    context.settings.flush()
    later = Context(context.runner, settings=Settings(tmp_path))
    assert later.transfers.limits.values == LimitValues(2_500_000, 4)
    tab.set_limits(LimitValues())
    assert tab.pane.limits.text() == "No limits"


@pytest.mark.parametrize("stored_value", [None, [], {"parallel": 0}, {"bytes_per_second": "x"}])
def test_limits_that_cannot_be_read_are_none(context, tmp_path, stored_value):
    context.settings.set("transfers/limits", stored_value)
    assert context.transfers.limits.values == LimitValues()


def test_the_hash_list_is_checked_by_sha256sum(tab, tmp_path, qtbot):
    batch = make_batch(tmp_path, 5)
    tab.transfers.start(batch)
    qtbot.waitUntil(lambda: batch.phase is BatchState.ENDED, timeout=WAIT)
    assert tab.pane.hashes.isEnabled()
    folder = tmp_path / batch.title
    tab.save_hashes(batch, folder / "SHA256SUMS")
    qtbot.waitUntil(lambda: "hashes were saved" in tab.banner.text, timeout=WAIT)
    assert hashlib.sha256(b"x").hexdigest() in (folder / "SHA256SUMS").read_text()
    checked = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert checked.stdout.count(": OK") == 5


def test_a_notification_is_shown_only_if_no_window_is_active(tab, tmp_path, qtbot, monkeypatch):
    messages = []
    monkeypatch.setattr(QSystemTrayIcon, "isSystemTrayAvailable", staticmethod(lambda: True))
    monkeypatch.setattr(QSystemTrayIcon, "show", lambda _icon: None)
    monkeypatch.setattr(
        QSystemTrayIcon, "showMessage", lambda _icon, *texts: messages.append(texts[:2])
    )
    desktop = DesktopNotifier(tab)
    TransfersNotifier(tab.transfers, desktop, tab)
    for active in (tab, None):
        monkeypatch.setattr(
            QApplication, "activeWindow", staticmethod(lambda active=active: active)
        )
        batch = make_batch(tmp_path, 2)
        tab.transfers.start(batch)
        qtbot.waitUntil(lambda batch=batch: batch.phase is BatchState.ENDED, timeout=WAIT)
    assert messages == [(batch.title, "2 of 2 files transferred.")]
    clicks = []
    desktop.clicked.connect(lambda: clicks.append(1))
    desktop.tray.messageClicked.emit()
    assert clicks == [1]


def test_fifty_thousand_files_do_not_block_the_window(tab, bucket, qtbot, monkeypatch):
    count = 50_000
    keys = tuple(f"many/{number:05}.json" for number in range(count))
    paths = tuple(f"/data/{key}" for key in keys)
    no = (False,) * count
    plan = UploadPlan(bucket.name, "many/", paths, keys, (10,) * count, no, ("",) * count, ())
    busy = {}

    def measured(name, call):
        began = time.thread_time()
        call()
        busy[name] = time.thread_time() - began

    tab.form.paths = ["/data/many"]
    measured("show", lambda: tab.form.plan.show_plan(plan))
    measured("open", tab.form.plan.list.click)
    monkeypatch.setattr(tab.transfers, "start_next", lambda: None)  # it is stored, but not sent
    measured("start", tab.start)
    (batch,) = tab.transfers.batches
    qtbot.waitUntil(lambda: not tab.transfers.running, timeout=WAIT)
    assert stored(batch).counts.waiting == count
    batch.begin(range(count))
    tenth = Outcomes(tuple(range(5_000)), verdicts=(Verdict.SHA256,) * 5_000)
    measured("outcomes", lambda: tab.transfers.updated.emit(batch, *batch.apply(tenth)))
    done = tuple(range(count))
    report = TransferReport(count, done, (), (), 10, 1.0, (Verdict.SHA256,) * count)
    measured("end", lambda: batch.finish(report))
    measured("rows", tab.pane.update_state)
    files = FileStates.of(StoredQueue().files(batch.id))
    measured("load", lambda: batch.load(files))
    batch.phase = BatchState.ENDED
    # Each takes 0.01 to 0.1 s, twice that on shared processors; work for each file takes seconds.
    assert {name: seconds for name, seconds in busy.items() if seconds > 0.25} == {}


def test_what_an_outage_has_stopped_continues_with_the_next_answer(
    context, workspace, tab, tmp_path, qtbot, monkeypatch
):
    batch = make_batch(tmp_path, 3)
    monkeypatch.setattr(tab.transfers, "start_next", lambda: None)
    tab.transfers.start(batch)
    qtbot.waitUntil(lambda: not tab.transfers.running, timeout=WAIT)
    error = Offline("The endpoint cannot be reached")
    tab.transfers._apply(batch, StoredQueue().finish(batch.id, error))
    assert (batch.phase, batch.reason) == (BatchState.HELD, error.summary)
    assert tab.pane.model.index(0, PROGRESS).data() == error.summary
    monkeypatch.undo()
    tab.transfers.stopped.emit(batch, error)
    assert tab.banner.text == error.summary
    shown = []
    tab.transfers.updated.connect(
        lambda batch, *_: shown.append(tab.banner.failed) if batch.running else None
    )
    context.connection_state.set_failed(error)
    assert batch.phase is BatchState.HELD
    tab.refresh()  # a request that is answered
    qtbot.waitUntil(lambda: batch.phase is BatchState.ENDED, timeout=WAIT)
    assert shown
    assert not any(shown)
    assert batch.counts[State.DONE] == 3
