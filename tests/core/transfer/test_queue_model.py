"""The queue behaves as a simple model, whatever its users do and whenever a process is killed."""

import tempfile
from pathlib import Path
from uuid import uuid4

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from core.errors import Cancelled, CredentialsExpired, LocalIOError
from core.local.state.database import state_database
from core.transfer.journal import Order
from core.transfer.queue import TransferQueue
from core.transfer.queue_journal import QueueJournal
from core.transfer.queue_values import BatchState, FileResult, Priority
from core.transfer.values import Failure, State

P, B = "profile", "bucket"
FINAL = [State.DONE, State.SKIPPED, State.FAILED, State.CANCELLED]
BATCH = st.tuples(
    st.integers(1, 4), st.sets(st.integers(0, 3), max_size=1), st.sampled_from(Priority)
)
EXPIRED, FULL = CredentialsExpired("The session has expired"), LocalIOError("The disk is full")


class Model:
    """One batch: the results of its files, and why it does not run."""

    def __init__(self, planned, skipped, priority):
        self.planned, self.priority = planned, priority
        self.results = dict.fromkeys(skipped, State.SKIPPED)
        self.held = None
        self.running = False

    @property
    def waiting(self):
        return [number for number in range(self.planned) if number not in self.results]

    @property
    def state(self):
        if self.running:
            return BatchState.RUNNING
        if not self.waiting:
            return BatchState.ENDED
        if self.held is None:
            return BatchState.WAITING
        return BatchState.PAUSED if self.held == "paused" else BatchState.HELD

    def put(self, number, state):
        if self.results.get(number) is not State.DONE:
            self.results[number] = state


class Queue(RuleBasedStateMachine):
    """Batches are added, changed, run, and interrupted by errors and kills."""

    batches = Bundle("batches")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name)
        self.queue = TransferQueue(self.path)
        self.models = {}  # in the order of their places
        self.turn = self.journal = None

    def teardown(self):
        state_database(self.path).close()
        self.folder.cleanup()

    def can_start(self):
        return any(model.state is BatchState.WAITING for model in self.models.values())

    def in_order(self):
        return sorted(self.models, key=lambda batch: -self.models[batch].priority)

    @initialize(target=batches, first=BATCH, second=BATCH, third=BATCH)
    def begin(self, first, second, third):
        return multiple(*(self.added(*each) for each in (first, second, third)))

    @rule(target=batches, batch=BATCH)
    def add(self, batch):
        return self.added(*batch)

    def added(self, planned, skip, priority):
        batch, skip = uuid4().hex, sorted(number for number in skip if number < planned)
        columns = {"keys": [str(n) for n in range(planned)], "sizes": [1] * planned, "skip": skip}
        self.queue.add(Order("transfer.upload", batch, "t", P, B, columns), priority)
        self.models[batch] = Model(planned, skip, priority)
        return batch

    @rule(batch=batches, pause=st.booleans())
    def pause_or_resume(self, batch, pause):
        (self.queue.pause if pause else self.queue.resume)(batch)
        self.models[batch].held = "paused" if pause else None

    @rule(change=st.sampled_from(["pause", "resume", "connection"]))
    def change_all(self, change):
        if change == "pause":
            self.queue.pause_all(P, B)
            states, held = {BatchState.WAITING, BatchState.RUNNING}, "paused"
        elif change == "resume":
            self.queue.resume_all()
            states, held = {BatchState.PAUSED, BatchState.HELD}, None
        else:
            self.queue.resume_connection(P)
            states, held = {BatchState.HELD}, None
        for model in self.models.values():
            if model.state in states and (change != "connection" or model.held == EXPIRED.kind):
                model.held = held

    @rule(batch=batches)
    def cancel(self, batch):
        self.queue.cancel(batch)
        model = self.models[batch]
        model.held = None
        for number in model.waiting:
            model.results[number] = State.CANCELLED

    @rule(batch=batches, states=st.sets(st.sampled_from(FINAL), min_size=2))
    def retry(self, batch, states):
        model = self.models[batch]
        states = states & {State.FAILED, State.CANCELLED}
        retried = [number for number, state in model.results.items() if state in states]
        assert self.queue.retry(batch, states) == len(retried)
        model.held = None
        for number in retried:
            del model.results[number]

    @rule(batch=batches, priority=st.sampled_from(Priority))
    def set_priority(self, batch, priority):
        self.queue.set_priority(batch, priority)
        self.models[batch].priority = priority

    @rule(batch=batches, before=batches)
    def move(self, batch, before):
        self.queue.move(batch, before)
        order = [each for each in self.models if each != batch]
        order.insert(len(order) if batch == before else order.index(before), batch)
        self.models = {each: self.models[each] for each in order}

    @rule(batch=consumes(batches), target=batches)
    def remove(self, batch):
        if self.models[batch].running:
            assert not self.queue.remove(batch)
            return batch
        assert self.queue.remove(batch)
        del self.models[batch]
        return multiple()

    @precondition(lambda self: self.turn is None and self.can_start())
    @rule()
    def start(self):
        self.turn = self.queue.next_turn(P, B)
        blocked = any(
            model.state is BatchState.HELD and model.held == EXPIRED.kind
            for model in self.models.values()
        )
        waiting = [b for b in self.in_order() if self.models[b].state is BatchState.WAITING]
        if blocked or not waiting:
            assert self.turn is None
            return
        assert self.turn.batch.id == waiting[0]
        model = self.models[waiting[0]]
        assert list(self.turn.numbers) == model.waiting
        assert self.turn.arguments["keys"] == [str(number) for number in model.waiting]
        model.running = True
        self.journal = QueueJournal.begin(self.turn.batch.id, self.turn.numbers, self.path)

    @precondition(lambda self: self.turn is not None)
    @rule(results=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(FINAL[:3])), min_size=1))
    def record(self, results):
        """Store results; a file may have a second one, for example after a cancel."""
        for place, state in results:
            index = place % len(self.turn.numbers)
            failure = Failure.of(index, "k", FULL) if state is State.FAILED else None
            self.journal.record([FileResult(index, state, failure=failure)])
            self.models[self.turn.batch.id].put(self.turn.numbers[index], state)

    @precondition(lambda self: self.turn is not None)
    @rule(error=st.sampled_from([None, Cancelled("Cancelled"), EXPIRED, FULL]))
    def finish(self, error):
        batch = self.turn.batch.id
        model = self.models[batch]
        if error is EXPIRED:
            self.journal.hold(error)
        self.journal.leave()
        self.queue.finish(batch, error)
        if error in {EXPIRED, FULL} and model.held is None:
            model.held = error.kind
        model.running, self.turn = False, None

    @precondition(lambda self: self.turn is not None)
    @rule()
    def kill(self):
        """End the process that runs the turn; it does not report anything."""
        database = state_database(self.path)
        database.execute("UPDATE transfers SET owner = 'dead' WHERE owner IS NOT NULL")
        database.close()
        self.queue = TransferQueue(self.path)
        self.models[self.turn.batch.id].running, self.turn = False, None

    @invariant()
    def agrees(self):
        found = {batch.id: batch for batch in self.queue.batches()}
        assert list(found) == self.in_order()
        for batch, model in self.models.items():
            counts = found[batch].counts
            states = list(model.results.values())
            assert found[batch].state is model.state
            assert counts.planned == model.planned
            assert [counts.done, counts.skipped, counts.failed, counts.cancelled] == [
                states.count(state) for state in FINAL
            ]
            assert counts.waiting == len(model.waiting)
            report = self.queue.files(batch).report()
            parts = (report.done, report.skipped, report.failed, report.cancelled)
            assert sum(map(len, parts)) == report.planned == model.planned


Queue.TestCase.settings = settings(
    max_examples=20,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestQueue = Queue.TestCase
