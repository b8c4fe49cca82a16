"""The transfer journal records each file when it is finished, and totals add up."""

import threading
from uuid import uuid4

import pytest

from core.errors import ServiceError
from core.model.objects import Verdict
from core.transfer.journal import Journal, Order, settled, unfinished
from core.transfer.recorder import Completed, OutcomeRecorder
from core.transfer.values import EXISTS, Outcomes
from core.work import Progress, Work


@pytest.fixture
def order():
    columns = {"keys": list("abcdefg"), "sizes": [10] * 7, "skip": [], "only_new": True}
    return Order("transfer.upload", uuid4().hex, "t", "p", "b", columns)


def recorder(work=None, journal=None):
    return OutcomeRecorder(list("abcdefg"), [10] * 7, work or Work(), journal)


def test_the_journal_learns_of_a_finished_file_at_once(order):
    journal = Journal.begin(order, 7)
    counts = recorder(journal=journal)
    for number in range(5):
        counts.done(number, Verdict.SHA256)
    counts.skipped(5, EXISTS)
    assert settled(order.id) == Outcomes(done=(0, 1, 2, 3, 4), skipped=((5, EXISTS),))
    journal.leave()  # the process is killed here: nothing else was written
    (found,) = unfinished()
    assert found.left == (6,)
    counts.close()


def test_a_file_that_failed_is_still_to_be_done_after_a_crash(order):
    journal = Journal.begin(order, 7)
    counts = recorder(journal=journal)
    for number in range(7):
        counts.failed(number, ServiceError("no"))
    journal.leave()
    (found,) = unfinished()
    assert found.left == tuple(range(7))
    counts.close()


def test_what_is_planned_is_done_skipped_failed_or_cancelled():
    counts = recorder()
    counts.done(0, Verdict.SHA256, name="a (2)")
    counts.done(3, Verdict.SIZE_ONLY)
    counts.skipped(1, EXISTS)
    counts.failed(2, ServiceError("no"))
    counts.moving(4, Progress(5))
    report = counts.close()
    counts.done(4, Verdict.MD5)  # too late: its end is decided
    assert counts.close().done == report.done
    parts = (report.done, report.skipped, report.failed, report.cancelled)
    assert sum(map(len, parts)) == report.planned == 7
    assert (report.done, report.cancelled) == ((0, 3), (4, 5, 6))
    assert report.verdicts == (Verdict.SHA256, Verdict.SIZE_ONLY)
    assert report.verified_text() == "1 verified (SHA-256), 1 size only"
    assert report.renamed == ((0, "a (2)"),)
    assert report.size == 20
    assert not report.complete


def test_the_progress_of_a_resumed_batch_includes_its_former_turns():
    seen = []
    counts = OutcomeRecorder(list("ab"), [10, 10], Work(report=seen.append), ended=(3, 50))
    counts.done(0, Verdict.SHA256)
    counts.skipped(1, EXISTS)
    counts.close()
    last = seen[-1]
    assert (last.items_done, last.items_total) == (5, 5)
    assert (last.done, last.total) == (60, 60)


def test_files_that_are_completed_together_are_recorded_together(order):
    journal = Journal.begin(order, 7)
    counts = recorder(journal=journal)
    counts.done_all([Completed(0, Verdict.SHA256, "", "ab"), Completed(4, Verdict.MD5, "e (2)")])
    assert settled(order.id) == Outcomes(done=(0, 4))
    report = counts.close()
    assert (report.done, report.size) == ((0, 4), 20)
    assert report.renamed == ((4, "e (2)"),)
    assert counts.hashes == {0: "ab"}
    journal.leave()


def test_the_last_news_come_by_themselves():
    complete = threading.Event()
    seen = []

    def take(news):
        seen.extend(news.done)
        if len(seen) == 3:
            complete.set()

    counts = recorder(Work(batch=take))
    for number in range(3):
        counts.done(number, Verdict.SHA256)
    assert complete.wait(30)  # although nothing happens any more
    counts.close()
    assert seen == [0, 1, 2]


def test_progress_leaves_out_what_is_skipped_and_counts_what_moves():
    seen = []
    counts = recorder(Work(report=seen.append))
    counts.skipped(0, EXISTS)
    counts.done(1, Verdict.SHA256)
    counts.moving(2, Progress(4))
    counts.flush()
    assert (seen[-1].done, seen[-1].total) == (14, 60)
    assert (seen[-1].items_done, seen[-1].items_total) == (2, 7)
    counts.close()


def test_what_an_earlier_transfer_sent_is_reported_until_the_file_fails():
    reports = []
    counts = recorder(Work(report=reports.append))
    counts.moving(0, Progress(9, reused=6))
    counts.moving(1, Progress(4, reused=3))
    counts.done(0, Verdict.MD5)
    counts.flush()
    assert (reports[-1].done, reports[-1].reused) == (14, 9)
    counts.failed(1, ServiceError("no"))
    counts.close()
    assert (reports[-1].done, reports[-1].reused) == (10, 6)
