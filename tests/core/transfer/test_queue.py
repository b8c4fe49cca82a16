"""The queue stores batches and the results of their files, and runs what is left after an end."""

from types import SimpleNamespace
from uuid import uuid4

import pytest

from core.errors import (
    Cancelled,
    CredentialsExpired,
    EngineError,
    ErrorKind,
    LocalIOError,
    NotFound,
)
from core.local.state.database import state_database
from core.model.objects import Verdict
from core.transfer.attempts import Attempts, work_with_budget
from core.transfer.journal import Journal, Order, unfinished
from core.transfer.queue import MAX_ENDED, TransferQueue
from core.transfer.queue_journal import QueueJournal
from core.transfer.queue_values import BatchState, Counts, FileResult, Priority
from core.transfer.recorder import OutcomeRecorder
from core.transfer.running import order_of, run_journalled
from core.transfer.values import EXISTS, State
from core.work import Work

P, B = "profile", "strongroom-test"


@pytest.fixture
def queue():
    return TransferQueue()


def order(count=3, profile=P, bucket=B, **more):
    columns = {
        "paths": [f"/{n}" for n in range(count)],
        "keys": [f"k/{n}" for n in range(count)],
        "sizes": [10] * count,
    }
    return Order("transfer.upload", uuid4().hex, "Upload", profile, bucket, {**columns, **more})


def record(turn, **states):
    journal = QueueJournal.begin(turn.batch.id, turn.numbers)
    for state, numbers in states.items():
        journal.record([FileResult(number, State[state.upper()]) for number in numbers])
    journal.leave()


def test_a_batch_runs_in_turns_until_each_file_has_a_result(queue):
    asked = order(5, skip=[3], only_new=[True, False, True, False, True], options={"x": [1]})
    added = queue.add(asked)
    assert (added.state, added.counts) == (BatchState.WAITING, Counts(5, skipped=1))
    assert (added.size, added.profile, added.title) == (50, P, "Upload")
    turn = queue.next_turn(P, B)
    assert turn.numbers == (0, 1, 2, 4)
    assert turn.arguments == {
        "paths": ["/0", "/1", "/2", "/4"],
        "keys": ["k/0", "k/1", "k/2", "k/4"],
        "sizes": [10] * 4,
        "only_new": [True, False, True, True],
        "options": {"x": [1]},
        "journal": {"id": asked.id, "numbers": (0, 1, 2, 4), "ended": (1, 10)},
    }
    assert queue.next_turn(P, B) is None  # it runs
    assert queue.batch(asked.id).state is BatchState.RUNNING
    record(turn, done=[1], failed=[3])
    assert queue.finish(asked.id).counts == Counts(5, done=1, skipped=1, failed=1)
    second = queue.next_turn(P, B)
    assert second.numbers == (0, 2)
    assert second.arguments["journal"]["ended"] == (3, 30)
    record(second, done=[0, 1])
    ended = queue.finish(asked.id)
    assert (ended.state, ended.counts) == (BatchState.ENDED, Counts(5, done=3, skipped=1, failed=1))
    assert queue.next_turn(P, B) is None
    assert unfinished() == ()
    files = queue.files(asked.id)
    assert files.results[3] == FileResult(3, State.SKIPPED, EXISTS)
    assert [files.state(number) for number in range(5)] == [
        State.DONE, State.DONE, State.DONE, State.SKIPPED, State.FAILED,
    ]  # fmt: skip


def test_a_file_that_has_grown_has_its_actual_size_after_a_restart(queue):
    batch = queue.add(order(4)).id
    turn = queue.next_turn(P, B)
    journal = QueueJournal.begin(batch, turn.numbers)
    counts = OutcomeRecorder(turn.arguments["keys"], turn.arguments["sizes"], Work(), journal)
    counts.done(0, Verdict.SHA256, size=25)
    counts.done(1, Verdict.SHA256, size=10)
    counts.done(2, Verdict.SHA256, size=4)
    counts.close()
    journal.leave()
    again = TransferQueue()
    files, expected = again.files(batch), {0: 25, 2: 4}
    assert again.batch(batch).size == files.batch.size == 49
    assert files.resized() == dict(files.report().resized) == expected
    assert files.report().size == 39
    rest = again.next_turn(P, B)
    assert rest is not None
    assert rest.arguments["journal"]["ended"] == (3, 39)
    sql = "UPDATE queue_files SET detail = ? WHERE file = 0"
    state_database().execute(sql, ('{"growth": damaged',))
    assert again.batch(batch).size == 34
    assert again.files(batch).resized() == {2: 4}


def test_only_batches_of_the_profile_and_bucket_run(queue):
    for profile, bucket in ((P, "other"), ("other", B), (P, B)):
        queue.add(order(profile=profile, bucket=bucket))
    assert queue.next_turn(P, B).batch.profile == P
    assert queue.next_turn(P, B) is None
    assert len(queue.batches()) == 3
    assert len(queue.batches(P)) == 2
    assert [batch.profile for batch in queue.batches(bucket=B)] == ["other", P]


def test_the_order_is_that_of_priority_and_place(queue):
    ids = [queue.add(order()).id for _ in range(4)]
    queue.set_priority(ids[2], Priority.HIGH)
    queue.set_priority(ids[0], Priority.LOW)
    queue.move(ids[3], before=ids[1])
    expected = [ids[2], ids[3], ids[1], ids[0]]
    assert [batch.id for batch in queue.batches()] == expected
    assert [queue.next_turn(P, B).batch.id for _ in ids] == expected
    queue.move(ids[3])
    queue.move(ids[3], before=ids[3])
    assert [batch.id for batch in queue.batches()] == [ids[2], ids[1], ids[3], ids[0]]


def test_a_pause_holds_one_batch_or_all_until_they_are_resumed(queue):
    first, second = queue.add(order()).id, queue.add(order()).id
    queue.pause(first)
    assert queue.batch(first).state is BatchState.PAUSED
    turn = queue.next_turn(P, B)
    assert turn.batch.id == second
    queue.pause_all(P, B)
    record(turn, done=[0])
    # The operation was paused by its token.
    assert queue.finish(second, Cancelled("Cancelled")).state is BatchState.PAUSED
    assert queue.next_turn(P, B) is None
    queue.resume_all()
    assert queue.next_turn(P, B).batch.id == first
    assert queue.next_turn(P, B).numbers == (1, 2)


def test_a_cancel_ends_a_batch_and_a_file_that_ends_later_counts_as_done(queue):
    batch = queue.add(order(4)).id
    turn = queue.next_turn(P, B)
    journal = QueueJournal.begin(batch, turn.numbers)
    journal.record([FileResult(0, State.DONE)])
    queue.cancel(batch)
    journal.record([FileResult(1, State.DONE, verdict=Verdict.SHA256, sha256="ab")])
    journal.leave()
    ended = queue.finish(batch, Cancelled("Cancelled"))
    assert (ended.state, ended.counts) == (BatchState.ENDED, Counts(4, done=2, cancelled=2))


def test_failed_files_are_retried_and_cancelled_ones_only_on_request(queue):
    batch = queue.add(order(5)).id
    record(queue.next_turn(P, B), done=[0], failed=[1, 2])
    queue.cancel(batch)
    assert queue.finish(batch).state is BatchState.ENDED
    assert queue.retry(batch, {State.FAILED}, numbers=[0, 2, 3]) == 1
    assert queue.next_turn(P, B).numbers == (2,)
    queue.finish(batch)
    assert queue.retry(batch, {State.FAILED}) == 1
    assert queue.retry(batch) == 2
    assert queue.batch(batch).counts == Counts(5, done=1)


def test_an_error_stops_the_batch_with_its_reason(queue):
    batch = queue.add(order()).id
    queue.next_turn(P, B)
    held = queue.finish(batch, LocalIOError("There is not enough space"))
    assert (held.state, held.reason, held.kind) == (
        BatchState.HELD, "There is not enough space", ErrorKind.LOCAL_IO,
    )  # fmt: skip
    other = queue.add(order()).id  # it may have another target
    assert queue.next_turn(P, B).batch.id == other
    queue.resume(batch)
    assert queue.next_turn(P, B).batch.id == batch
    # A pause of the user remains, so that the batch does not run again by itself.
    queue.pause(batch)
    assert queue.finish(batch, EngineError("The engine ended")).state is BatchState.PAUSED


def expire(recorder):
    attempts = Attempts(recorder._work)

    def send():
        raise CredentialsExpired("The session has expired")

    recorder.done(0, Verdict.SHA256, sha256="ab")
    for number in range(1, 4):
        with pytest.raises(CredentialsExpired) as caught:
            attempts.attempted(send)
        recorder.failed(number, caught.value)


def test_expired_credentials_stop_the_profile_once_and_no_file_fails(queue):
    first, second = queue.add(order(4)).id, queue.add(order(4)).id
    other = queue.add(order(profile="other")).id
    turn = queue.next_turn(P, B)
    place = SimpleNamespace(bucket=SimpleNamespace(name=B))
    arguments = dict(turn.arguments)
    asked = order_of("transfer.upload", place, arguments.pop("journal"), arguments)
    with pytest.raises(CredentialsExpired) as caught:
        run_journalled(asked, arguments, work_with_budget(Work()), expire)
    assert caught.value.partial.done == (0,)
    assert caught.value.partial.failed == ()
    assert caught.value.effect == "Completed files remain; the others wait in the queue."
    held = queue.finish(first, caught.value)
    assert (held.state, held.counts) == (BatchState.HELD, Counts(4, done=1))
    assert held.reason == "The session has expired"
    assert queue.next_turn(P, B) is None  # the second one would fail as well
    assert queue.next_turn("other", B).batch.id == other
    assert queue.resume_connection(P) == 1
    assert queue.next_turn(P, B).numbers == (1, 2, 3)
    assert queue.next_turn(P, B).batch.id == second
    assert queue.resume_connection(P) == 0


def test_a_removed_batch_is_reported_and_a_running_one_is_not_removed(queue):
    batch = queue.add(order()).id
    turn = queue.next_turn(P, B)
    assert not queue.remove(batch)
    queue.finish(batch)
    assert queue.remove(batch)
    with pytest.raises(NotFound, match="not in the queue"):
        queue.pause(batch)
    with pytest.raises(NotFound, match="not started"):
        QueueJournal.begin(turn.batch.id, turn.numbers)


def test_the_oldest_ended_batches_are_removed(queue):
    ids = [queue.add(order(1)).id for _ in range(MAX_ENDED + 2)]
    for number, batch in enumerate(ids):
        queue.cancel(batch)
        state_database().execute(
            "UPDATE transfers SET moment = ? WHERE id = ?",
            (f"2026-01-01T00:{number:02}:00Z", batch),
        )
    waiting = queue.add(order()).id
    assert [batch.id for batch in queue.batches()] == [*ids[2:], waiting]


def test_a_batch_that_cannot_be_read_does_not_stop_the_others(queue, caplog):
    first, second, third = (queue.add(order()).id for _ in range(3))
    state_database().execute("UPDATE transfers SET record = '{' WHERE id = ?", (first,))
    state_database().execute(
        "UPDATE queue SET summary = '{' WHERE transfer = (SELECT number FROM transfers WHERE id = ?)",
        (second,),
    )
    assert queue.next_turn(P, B).batch.id == third
    (damaged, _third) = queue.batches()
    assert "cannot be read" in caplog.text
    assert (damaged.state, damaged.kind) == (BatchState.HELD, ErrorKind.CORRUPT)


def test_interrupted_transfers_of_earlier_versions_are_continued_in_the_queue(queue):
    earlier = order(4, only_new=[True, False, True, False], skip=[3])
    journal = Journal.begin(earlier, 4)
    journal.record([FileResult(0, State.DONE), FileResult(3, State.SKIPPED, EXISTS)])
    assert queue.adopt_interrupted() == 0  # it runs
    journal.leave()
    assert queue.adopt_interrupted() == 1
    assert queue.adopt_interrupted() == 0
    assert unfinished() == ()
    (batch,) = queue.batches(P, B)
    assert (batch.id, batch.title, batch.counts) == (earlier.id, "Upload", Counts(2))
    turn = queue.next_turn(P, B)
    assert turn.arguments["keys"] == ["k/1", "k/2"]
    assert turn.arguments["only_new"] == [False, True]
