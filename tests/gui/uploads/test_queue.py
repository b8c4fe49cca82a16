"""The upload queue shows rows, totals and how each transfer ended."""

from uuid import uuid4

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QApplication, QLabel

from core.errors import ErrorKind
from core.model.objects import Verdict
from core.transfer.journal import Order
from core.transfer.queue import TransferQueue
from core.transfer.queue_journal import QueueJournal
from core.transfer.queue_values import BatchState, FileResult
from core.transfer.values import Failure, Outcomes, State, TransferReport
from core.units import format_size
from gui import theme
from gui.context.transfers import Batch
from gui.context.transfers.batch import RETRIED, FileStates
from gui.tabs.uploads.summary import failures_text
from gui.tabs.uploads.transfer_model import PROGRESS, RATE, SIZE, TARGET, TransferModel
from gui.widgets.cells import PADDING
from gui.widgets.panel import SectionHead


def test_a_server_that_ignores_the_condition_is_reported_in_text(tab, qtbot):
    report = TransferReport(2, (0, 1), (), (), 5, 1.0, unguarded=(1,))
    batch = Batch("b", "transfer.upload", {}, ["x"] * 2, ["k"] * 2, [1] * 2, "t")
    tab.transfers.show(batch)
    batch.begin(range(2))
    batch.finish(report)
    tab._on_ended(batch, report)
    assert tab.banner.text.startswith("2 files transferred")
    why = [label.text() for label in tab.banner.findChildren(QLabel)]
    assert any("ignored the condition" in text and "replaced" in text for text in why)
    assert "ignored" in tab.pane.model.index(1, PROGRESS, tab.pane.model.index_of(batch)).data()


def test_the_rate_is_never_cut(tab, qtbot):
    for width in (700, 1100, 1920):
        tab.resize(width, 600)
        header, tree = tab.pane.tree.header(), tab.pane.tree
        qtbot.waitUntil(lambda: header.sectionSize(RATE) > 0)  # noqa: B023 - within this turn
        text = QFontMetrics(theme.number_font()).horizontalAdvance("999.9 MB/s")
        assert header.sectionSize(RATE) >= text + 2 * PADDING
        assert tree.isColumnHidden(TARGET) == (tab.pane.width() < 940)


def test_the_focus_stays_in_the_queue_when_the_pressed_button_has_done_its_work(tab, qtbot):
    batch = Batch("b", "transfer.upload", {}, ["x"], ["k"], [1], "t")
    tab.transfers.show(batch)
    tab.activateWindow()
    tab.pane.cancel.setFocus()
    qtbot.waitUntil(tab.pane.cancel.hasFocus, timeout=30_000)
    batch.phase = BatchState.ENDED
    tab.pane.update_state()
    assert not tab.pane.cancel.isEnabled()
    assert tab.pane.isAncestorOf(QApplication.focusWidget())


def test_a_pressed_pause_has_the_focus_again_as_resume(tab, qtbot):
    batch = Batch("b", "transfer.upload", {}, ["x"], ["k"], [1], "t")
    tab.transfers.show(batch)
    tab.activateWindow()
    pane = tab.pane
    pane.pause.setFocus()
    qtbot.waitUntil(pane.pause.hasFocus, timeout=30_000)
    batch.phase, batch.stopping = BatchState.RUNNING, True
    pane.update_state()
    assert not pane.pause.isEnabled()
    assert pane.tree.hasFocus(), "not another button"
    batch.phase, batch.stopping = BatchState.PAUSED, False
    pane.update_state()
    assert pane.pause.text() == pane.pause.accessibleName() == "Resume"
    assert pane.pause.hasFocus()
    pane.tree.setFocus()
    pane.update_state()
    assert pane.tree.hasFocus()


def test_the_model_is_a_sound_tree(qtmodeltester, context):
    queue = context.transfers
    model = TransferModel(queue)
    batches = [
        Batch(f"b{n}", "transfer.upload", {}, ["x"] * 3, ["k"] * 3, [1] * 3, "t") for n in "12"
    ]
    for batch in batches:
        queue.show(batch)
    batches[0].begin(range(3))
    batches[0].apply(Outcomes(done=(0,), failed=((2, "why"),), moving=((1, 1),)))
    queue.updated.emit(batches[0], 0, 2)
    qtmodeltester.check(model)
    assert batches[0].states == [State.DONE, State.RUNNING, State.FAILED]
    queue.move(batches[1], -1)
    assert model.batches == [batches[1], batches[0]] == queue.batches
    qtmodeltester.check(model)
    batches[1].phase = BatchState.ENDED
    queue.clear_ended()
    assert model.batches == [batches[0]]
    qtmodeltester.check(model)


def test_a_later_run_maps_its_numbers_back():
    arguments = {"keys": ["a", "b", "c"], "sizes": [1, 2, 3], "skip": [0], "only_new": True}
    batch = Batch("t", "o", arguments, ["a", "b", "c"], ["a", "b", "c"], [1, 2, 3], "t")
    assert batch.states == [State.SKIPPED, State.WAITING, State.WAITING]
    batch.begin([1, 2])
    batch.apply(Outcomes(failed=((0, "x"), (1, "y"))))
    assert (batch.retry_count, batch.notes) == (2, {1: "x", 2: "y"})
    batch.reset(RETRIED)
    assert batch.counts[State.WAITING] == 2
    batch.begin([1, 2])
    batch.finish(TransferReport(2, (0, 1), (), (), 5, 1.0, (Verdict.SHA256, Verdict.SIZE_ONLY)))
    assert batch.states == [State.SKIPPED, State.DONE, State.DONE]
    assert batch.verdicts == {1: Verdict.SHA256, 2: Verdict.SIZE_ONLY}
    batch.phase = BatchState.ENDED
    assert batch.state is State.DONE


def test_a_file_that_has_grown_is_shown_with_its_actual_size(context):
    batch = Batch("t", "o", {}, ["a", "b"], ["a", "b"], [3_000_000, 1_000], "t")
    batch.begin(range(2))
    batch.apply(Outcomes(done=(0,), resized=((0, 9_000_000),)))
    report = TransferReport(2, (0, 1), (), (), 9_001_000, 2.0, resized=((0, 9_000_000),))
    batch.finish(report)
    assert (batch.size, batch.size_of(0), batch.size_of(1)) == (9_001_000, 9_000_000, 1_000)
    model = TransferModel(context.transfers)
    context.transfers.show(batch)
    top = model.index(0, 0)
    model.fetchMore(top)
    assert model.index(0, SIZE, top).data() == format_size(9_000_000)


def test_a_file_that_has_grown_has_its_actual_size_after_a_restart(context):
    columns = {"keys": ["a", "b"], "sizes": [3_000_000, 1_000]}
    order = Order("transfer.upload", uuid4().hex, "t", "p", "b", columns)
    TransferQueue().add(order)
    journal = QueueJournal.begin(order.id, range(2))
    journal.record([FileResult(0, State.DONE, growth=6_000_000)])
    journal.leave()
    queue = TransferQueue()
    batch = Batch.of(queue.batch(order.id))
    assert batch.size == 9_001_000
    batch.load(FileStates.of(queue.files(order.id)))
    assert (batch.size, batch.size_of(0), batch.size_of(1)) == (9_001_000, 9_000_000, 1_000)


def test_a_thousand_failures_are_one_sentence():
    failures = [
        Failure(
            n, f"f/{n}.json", ErrorKind.ACCESS_DENIED, f"Access denied to f/{n}.json", "", "Ask."
        )
        for n in range(1000)
    ]
    text = failures_text(failures)
    assert text == (
        "1,000 times: Access denied to a file. Not transferred: f/0.json, f/1.json, f/2.json and "
        "997 more. Ask."
    )


def test_a_reason_of_one_failure_has_no_count():
    failure = Failure(0, "f/a.txt", ErrorKind.LOCAL_IO, "a.txt cannot be read", "", "Check it.")
    assert failures_text([failure]) == "A file cannot be read. Not transferred: f/a.txt. Check it."


def test_the_counts_of_a_cancelled_batch_add_up(tab, context, qtbot):
    batch = Batch("b", "transfer.upload", {}, ["x"] * 6, ["k"] * 6, [1] * 6, "t")
    tab.transfers.show(batch)
    batch.begin(range(6))
    batch.apply(Outcomes((0, 1, 2), ((3, "it already exists"),), ((4, "why"),)))
    batch.end_cancelled()
    batch.phase = BatchState.ENDED
    tab.pane.update_state()
    footer = tab.pane._totals.text()
    assert footer.startswith("3 of 6 files · ")
    assert "1 skipped · 1 failed · 1 cancelled" in footer
    place = tab.pane.model.index_of(batch).siblingAtColumn(PROGRESS)
    assert place.data() == "1 failed, 1 cancelled, 3 done, 1 skipped"


@pytest.mark.parametrize("size", [(853, 400), (960, 407), (1280, 667)])
def test_the_result_covers_neither_the_heading_nor_the_totals_of_the_queue(tab, qtbot, size):
    batch = Batch(
        "Upload reports", "transfer.upload", {}, [f"{n}.json" for n in range(12)],
        [f"analytics/{n}.json" for n in range(12)], [1024] * 12, "s3://b/analytics/",
    )  # fmt: skip
    batch.begin(range(12))
    batch.apply(Outcomes(done=tuple(range(12))))
    batch.phase = BatchState.ENDED
    tab.resize(*size)
    tab.transfers.show(batch)
    tab.pane.tree.setFocus()
    tab.banner.show_good("12 files transferred, 58.0 KB in 0.8 s, 12 verified (MD5).")
    card = tab.banner.geometry()
    totals = next(label for label in tab.pane.findChildren(QLabel) if "of 12 files" in label.text())
    for part in (tab.pane.findChild(SectionHead), totals):
        assert part.isVisible()
        assert not card.intersects(QRect(part.mapTo(tab, QPoint()), part.size()))
    assert tab.rect().contains(card)
