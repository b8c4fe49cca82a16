"""The Uploads tab plans, sends, cancels, retries and resumes uploads."""

import shlex
from uuid import uuid4

import boto3
import pytest
from botocore.exceptions import ClientError
from helpers.state import stored_transfers
from PySide6.QtWidgets import QLabel

from core.errors import Offline
from core.model.objects import Verdict
from core.transfer.journal import Order
from core.transfer.queue import TransferQueue
from core.transfer.queue_journal import QueueJournal
from core.transfer.queue_values import BatchState, FileResult
from core.transfer.values import IfExists, State
from gui.tabs.uploads import UploadsTab
from gui.tabs.uploads.tab import _batch_of
from gui.tabs.uploads.transfer_model import PROGRESS, STATE

WAIT = 30_000


def read(bucket, key):
    """Read from the server with an independent client."""
    return plain(bucket).get_object(Bucket=bucket.name, Key=key)["Body"].read()


def put(bucket, key, body):
    plain(bucket).put_object(Bucket=bucket.name, Key=key, Body=body)


def plain(bucket):
    keys = bucket.clients.connection.keys
    return boto3.session.Session().client(
        "s3",
        endpoint_url=bucket.clients.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys.access_key_id,
        aws_secret_access_key=keys.secret_access_key.reveal(),
    )


def plan(tab, qtbot, *paths, prefix=""):
    tab.open_target((prefix, tuple(map(str, paths))))
    qtbot.waitUntil(lambda: tab.form.plan.plan is not None, timeout=WAIT)
    return tab.form.plan.plan


def ended(tab, qtbot):
    qtbot.waitUntil(lambda: not tab.busy, timeout=WAIT)
    return tab.pane.model.batches[0]


def test_a_destination_that_is_not_valid_drops_the_plan_of_the_former_one(tab, folder, qtbot):
    """Its button still uploaded to the former destination, which was no longer shown."""
    plan(tab, qtbot, folder, prefix="in/")
    tab.form.set_prefix("x" * 1025)
    qtbot.waitUntil(lambda: tab.form.plan.plan is None)
    assert not tab.form.plan.start.isEnabled()
    tab.form.set_prefix("in/")
    qtbot.waitUntil(lambda: tab.form.plan.plan is not None, timeout=WAIT)


@pytest.mark.parametrize("prefix", ["/", "/logs/", " a/", "a//"])
def test_files_go_into_the_folder_that_the_browser_has_sent(tab, folder, qtbot, prefix):
    """The leading slash was removed, so that files dropped on “/logs/” went to “logs/”."""
    tab.form.set_prefix("before/")
    made = plan(tab, qtbot, folder, prefix=prefix)
    assert (made.prefix, {key.startswith(prefix) for key in made.keys}) == (prefix, {True})
    tab.form.plan.plan = None
    tab.form.prefix.setText("/typed")
    tab.form.prefix.editingFinished.emit()
    qtbot.waitUntil(lambda: tab.form.plan.plan is not None, timeout=WAIT)
    assert (tab.form.prefix.text(), tab.form.plan.plan.prefix) == ("typed/", "typed/")


def test_a_folder_is_planned_sent_shown_and_announced(tab, bucket, folder, context, qtbot):
    changes = []
    context.changed.connect(changes.append)
    plan(tab, qtbot, folder, prefix="in/")
    assert tab.form.plan.start.text() == "Upload 5 files"
    tab.form.plan.start.click()
    assert tab.form.paths == []
    batch = ended(tab, qtbot)
    assert batch.counts[State.DONE] == 5
    assert read(bucket, f"in/{folder.name}/3.json") == b"[3]"
    assert changes[0].prefixes == (f"in/{folder.name}/",)
    model = tab.pane.model
    above = model.index_of(batch)
    assert model.rowCount(above) == 5
    assert model.index(0, STATE, above).data() == "done"
    assert model.index(0, PROGRESS).data() == "5 done"
    assert "5 files transferred" in tab.banner.text
    tab.pane.clear.click()
    assert model.rowCount() == 0


def test_conflicts_are_shown_and_the_choice_counts(tab, bucket, folder, qtbot):
    put(bucket, f"{folder.name}/1.json", b"theirs")
    made = plan(tab, qtbot, folder)
    card = tab.form.plan
    assert made.conflicts == 1
    assert card.choice.isVisible()
    assert card.start.text() == "Upload 4 files"
    card.choice.select("keep both")
    assert card.start.text() == "Upload 5 files"
    tab.start()
    ended(tab, qtbot)
    assert read(bucket, f"{folder.name}/1.json") == b"theirs"
    assert read(bucket, f"{folder.name}/1 (2).json") == b"[1]"


def test_single_files_of_the_list_are_decided_and_sent_so(tab, bucket, folder, qtbot):
    for number in (1, 2):
        put(bucket, f"{folder.name}/{number}.json", b"theirs")
    plan(tab, qtbot, folder)
    tab.form.plan.list.click()
    assert tab.plan.isVisible()
    tab.plan.filter.select("existing")
    tab.plan.table.selectRow(0)
    tab.plan.buttons[IfExists.OVERWRITE].click()
    assert tab.form.plan.start.text() == "Upload 4 files"
    tab.form.plan.start.click()
    assert not tab.plan.isVisible()
    assert tab.pane.tree.hasFocus(), "the focus goes to what was just made"
    batch = ended(tab, qtbot)
    assert (batch.counts[State.DONE], batch.counts[State.SKIPPED]) == (4, 1)
    assert read(bucket, f"{folder.name}/1.json") == b"[1]"
    assert read(bucket, f"{folder.name}/2.json") == b"theirs"
    assert batch.command == "", "no command line decides file by file"


def test_on_a_low_window_the_plan_is_scrolled_to_and_not_squeezed(tab, bucket, folder, qtbot):
    put(bucket, f"{folder.name}/1.json", b"theirs")
    tab.resize(1000, 420)
    plan(tab, qtbot, folder)
    card = tab.form.plan
    qtbot.waitUntil(lambda: card.height() >= card.minimumSizeHint().height())
    assert tab.minimumSizeHint().height() < 420  # else a window that is lower cuts the plan off
    card.list.click()
    assert tab.plan.isVisible()
    assert tab.minimumSizeHint().height() < 420


def test_failures_are_one_banner_and_only_they_are_retried(tab, bucket, folder, qtbot):
    plan(tab, qtbot, folder)
    (folder / "2.json").rename(folder / "away")
    tab.start()
    batch = ended(tab, qtbot)
    assert (batch.counts[State.DONE], batch.counts[State.FAILED]) == (4, 1)
    assert "1 of 5 files was not transferred; 4 were." in tab.banner.text
    (folder / "away").rename(folder / "2.json")
    tab.pane.retry.click()
    assert ended(tab, qtbot).counts[State.DONE] == 5
    assert queued(tab) == [BatchState.ENDED]


def test_a_killed_engine_stops_the_rest_which_can_be_resumed(tab, context, tmp_path, qtbot):
    root = tmp_path / f"k{uuid4().hex[:8]}"
    root.mkdir()
    for number in range(400):
        (root / f"{number:03}").write_text("x")
    plan(tab, qtbot, root)
    tab.start()
    batch = tab.pane.model.batches[0]
    qtbot.waitUntil(lambda: batch.counts[State.DONE] > 0, timeout=WAIT)
    _kill(context.runner.engine_pids())
    ended(tab, qtbot)
    assert "ended during the task" in tab.banner.text
    assert batch.phase is BatchState.HELD
    assert batch.counts[State.WAITING] > 0
    assert batch.counts[State.DONE] + batch.counts[State.WAITING] == 400
    assert tab.pane.pause.text() == "Resume"
    tab.pane.pause.click()
    batch = ended(tab, qtbot)
    # Also those that were stored in the moment of the kill.
    assert (batch.counts[State.DONE], batch.notes) == (400, {})
    assert batch.phase is BatchState.ENDED


def _kill(pids):
    import os
    import signal

    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def test_a_cancel_stops_and_is_not_continued(tab, tmp_path, qtbot):
    root = tmp_path / f"c{uuid4().hex[:8]}"
    root.mkdir()
    for number in range(600):
        (root / f"{number:03}").write_text("x")
    plan(tab, qtbot, root)
    tab.start()
    batch = tab.pane.model.batches[0]
    qtbot.waitUntil(lambda: batch.counts[State.DONE] > 0, timeout=WAIT)
    tab.pane.cancel.click()
    ended(tab, qtbot)
    assert batch.counts[State.CANCELLED] > 0
    assert (batch.phase, queued(tab)) == (BatchState.ENDED, [BatchState.ENDED])
    tab.pane.clear.click()
    qtbot.waitUntil(lambda: not stored_transfers(), timeout=WAIT)


def test_an_interrupted_transfer_is_resumed(context, workspace, bucket, folder, qtbot):
    keys = [f"{folder.name}/{n}.json" for n in range(5)]
    arguments = {
        "paths": [str(folder / f"{n}.json") for n in range(5)], "keys": keys, "sizes": [3] * 5,
        "only_new": True,
    }  # fmt: skip
    queue = TransferQueue()
    profile = workspace.profile.name
    order = Order("transfer.upload", uuid4().hex, "Upload x", profile, bucket.name, arguments)
    queue.add(order)
    journal = QueueJournal.begin(order.id, range(5))
    journal.record([FileResult(n, State.DONE, verdict=Verdict.SHA256) for n in (0, 1)])
    journal.leave()
    context.set_workspace(workspace)
    tab = UploadsTab(context)
    qtbot.addWidget(tab)
    tab.show()
    qtbot.waitUntil(lambda: bool(tab.transfers.batches), timeout=WAIT)
    batch = ended(tab, qtbot)
    assert (len(batch.keys), batch.counts[State.DONE]) == (5, 5)
    with pytest.raises(ClientError):
        read(bucket, keys[1])
    assert read(bucket, keys[4]) == b"[4]"
    assert queued(tab) == [BatchState.ENDED]
    context.set_workspace(None)


def queued(_tab):
    """Return the states of the batches of the stored queue."""
    return [batch.state for batch in TransferQueue().batches()]


def test_a_read_only_profile_may_plan_but_not_send(tab, folder, context, qtbot):
    context.lock()
    plan(tab, qtbot, folder)
    assert not tab.form.file_one.isEnabled()
    assert not tab.form.plan.start.isEnabled()
    assert "read-only" in tab.form.plan.start.toolTip()
    tab.start()
    assert tab.pane.model.rowCount() == 0


def test_the_queue_runs_one_after_the_other_and_loses_none(tab, context, tmp_path, qtbot):
    batches = []
    for count in (400, 50, 60):
        root = tmp_path / f"o{uuid4().hex[:8]}"
        root.mkdir()
        for number in range(count):
            (root / f"{number:03}").write_text("x")
        batches.append(_batch_of(plan(tab, qtbot, root), tab.form, context.workspace.profile))
        tab.form.clear()
        qtbot.waitUntil(lambda: tab.form.plan.plan is None, timeout=WAIT)
    for batch in batches:
        tab.transfers.start(batch)
    first, second, last = batches
    running, waiting = BatchState.RUNNING, BatchState.WAITING
    qtbot.waitUntil(lambda: [b.phase for b in batches] == [running, waiting, waiting], timeout=WAIT)
    tab.transfers.cancel(last)
    assert last.counts[State.CANCELLED] == 60
    qtbot.waitUntil(lambda: last.phase is BatchState.ENDED, timeout=WAIT)
    assert [batch.id for batch in tab.transfers.batches] == [first.id, second.id, last.id]
    assert len(context.runner.bulk_running) == 1
    ended(tab, qtbot)
    assert (first.counts[State.DONE], second.counts[State.DONE]) == (400, 50)
    tab.transfers.retry(last)
    ended(tab, qtbot)
    assert last.counts[State.DONE] == 60
    assert queued(tab) == [BatchState.ENDED] * 3


def test_a_batch_is_never_sent_to_another_place(tab, folder, context, qtbot):
    plan(tab, qtbot, folder)
    (folder / "2.json").rename(folder / "away")
    tab.start()
    batch = ended(tab, qtbot)
    assert tab.pane.retry.isEnabled()
    batch.profile_and_bucket = ("production", batch.profile_and_bucket[1])
    tab.pane.update_state()
    assert not tab.pane.retry.isEnabled()
    assert "production" in tab.pane.retry.toolTip()
    tab.transfers.retry(batch)
    assert batch.phase is BatchState.ENDED
    text = shlex.split(batch.command)
    assert text[:2] == ["strongroom", "put"]
    assert text[-2:] == [str(folder), "/"]


def test_closing_in_mid_upload_leaves_the_rest_to_be_resumed(tab, context, tmp_path, qtbot):
    root = tmp_path / f"q{uuid4().hex[:8]}"
    root.mkdir()
    for number in range(600):
        (root / f"{number:03}").write_text("x")
    plan(tab, qtbot, root)
    tab.start()
    batch = tab.pane.model.batches[0]
    qtbot.waitUntil(lambda: batch.counts[State.DONE] > 0, timeout=WAIT)
    context.runner.shutdown()
    (found,) = TransferQueue().batches()
    # This process has not ended, so the batch still counts as running.
    assert found.state in {BatchState.RUNNING, BatchState.WAITING}
    assert 0 < found.counts.waiting < 600


def test_the_window_shows_what_files_were_compared_with(tab, folder, qtbot):
    plan(tab, qtbot, folder)
    tab.start()
    batch = ended(tab, qtbot)
    assert sum(batch.verdict_counts.values()) == len(batch.verdicts) == 5
    assert "5 verified (" in tab.banner.text
    assert "5 verified (" in tab.pane._totals.text()


def test_files_that_cannot_be_uploaded_are_named_at_the_end(tab, folder, qtbot):
    (folder / "broken").symlink_to(folder / "nowhere")
    made = plan(tab, qtbot, folder)
    assert [each.key for each in made.refused] == [f"{folder.name}/broken"]
    tab.start()
    batch = ended(tab, qtbot)
    assert (batch.counts[State.DONE], batch.counts[State.FAILED]) == (5, 1)
    assert "1 of 6 files was not transferred; 5 were." in tab.banner.text
    (label,) = [each for each in tab.banner.findChildren(QLabel) if "broken" in each.text()]
    assert "broken link" in label.text()


def test_what_was_added_stays_in_sight_when_no_plan_can_be_made(tab, folder, qtbot):
    tab.form.add([str(folder)])
    qtbot.waitUntil(lambda: tab.form.plan.plan is not None, timeout=20_000)
    tab._on_plan_failed(Offline("The endpoint cannot be reached"))
    assert tab.banner.text == "The endpoint cannot be reached"
    assert tab.form.plan.isVisible()
    assert tab.form.plan.clear.isVisible()
    assert not tab.form.plan.start.isEnabled()
    tab.refresh()
    qtbot.waitUntil(tab.form.plan.start.isEnabled, timeout=20_000)
    tab.form.plan.clear.click()
    assert tab.form.paths == []
    assert not tab.form.plan.isVisible()
