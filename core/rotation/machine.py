"""State machine that runs the steps of a rotation and records each in the journal.

A step that is recorded as running may or may not have taken effect: the strategy checks this. So
the machine does not treat a crash specially; it runs all unfinished steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from core.errors import Cancelled, StorageError
from core.model.rotation import Facts, Outcome, Problem, Rotation, Step, StepRecord, StepState
from core.rotation.journal import RotationJournal
from core.rotation.strategy import (
    NotDue,
    NothingDone,
    NotStarted,
    NotUndoable,
    Overtaken,
    StepResult,
    Strategy,
)
from core.units import utc_now
from core.work import Work, finishing

_AFTER_PROMOTION = (Step.SWITCH, Step.DEACTIVATE, Step.DELETE)


class Machine:
    """Runs the steps of one strategy; each state is recorded before it is reported."""

    def __init__(
        self,
        strategy: Strategy,
        journal: RotationJournal,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._strategy, self._journal, self._clock = strategy, journal, clock

    def run(self, rotation: Rotation, work: Work) -> Rotation:
        """Run the unfinished steps until the end, a failure, or a grace period.

        Raises:
            LocalIOError: the journal could not be written; no further step was run.
        """
        # An interrupted undo is completed first: going forward again would mix both directions.
        if rotation.outcome is Outcome.UNDOING:
            return self.undo(rotation, work)
        rotation = self._written(replace(rotation, outcome=Outcome.RUNNING, due=None), work)
        for step in self._strategy.steps:
            if not rotation.finished(step):
                rotation = self._step(rotation, step, work)
            if rotation.outcome is not Outcome.RUNNING:
                return rotation
        return self._written(replace(rotation, outcome=Outcome.DONE), work)

    def undo(self, rotation: Rotation, work: Work, *, to: Outcome = Outcome.UNDONE) -> Rotation:
        """Undo the completed steps; after a failure the undo can be repeated.

        Raises:
            LocalIOError: the journal could not be written; no further step was run.
        """
        rotation = self._written(replace(rotation, outcome=Outcome.UNDOING, due=None), work)
        try:
            facts = self._strategy.undo(rotation, work)
        except NotUndoable as error:
            return self._not_undoable(rotation, error, work)
        except StorageError as error:
            return self._not_undone(rotation, error, work)
        return self._written(_undone(rotation, facts, to), work)

    def _step(self, rotation: Rotation, step: Step, work: Work) -> Rotation:
        before = rotation.step(step)
        tries = before.tries + 1
        # Recorded before the first request: after a crash the step counts as possibly done.
        begun = StepRecord(step, StepState.RUNNING, started=self._clock(), tries=tries)
        rotation = self._written(rotation.with_step(begun), work)
        try:
            done = self._strategy.do(step, rotation, work)
        except NotDue as wait:
            waiting = StepRecord(step, StepState.WAITING, detail=wait.why, tries=tries)
            later = replace(rotation.with_step(waiting), outcome=Outcome.WAITING, due=wait.due)
            return self._written(later, work)
        except NotStarted as reason:
            return self._not_started(rotation, begun, reason.error, work)
        # Not counted as an attempt, because later attempts may assume that earlier ones sent
        # requests.
        except NothingDone as reason:
            uncounted = replace(begun, tries=before.tries)
            return self._failed(rotation, uncounted, reason.error, work)
        except StorageError as error:
            return self._failed(rotation, begun, error, work)
        return self._written(
            replace(rotation.with_step(self._ended(begun, done)), facts=done.facts), work
        )

    def _not_started(
        self, rotation: Rotation, begun: StepRecord, error: StorageError, work: Work
    ) -> Rotation:
        """End a rotation that failed its checks, and remove AWSPENDING if it was taken."""
        failed = self._failed(rotation, begun, error, work)
        if begun.tries == 1:  # AWSPENDING was not yet claimed: there is nothing to undo
            return self._written(replace(failed, outcome=Outcome.UNDONE), work)
        return failed if _is_temporary(error) else self.undo(failed, work)

    def _ended(self, begun: StepRecord, done: StepResult) -> StepRecord:
        state = StepState.SKIPPED if done.skipped else StepState.DONE
        return replace(begun, state=state, ended=self._clock(), detail=done.detail)

    def _failed(
        self, rotation: Rotation, begun: StepRecord, error: StorageError, work: Work
    ) -> Rotation:
        # A stop by the user is no problem to show.
        problem = None if isinstance(error, Cancelled) else Problem.of(error)
        detail = "stopped by you" if problem is None else error.summary
        record = replace(
            begun, state=StepState.FAILED, ended=self._clock(), detail=detail, problem=problem
        )
        failed = replace(rotation.with_step(record), outcome=Outcome.STOPPED)
        lost = isinstance(error, Overtaken)
        if lost or self._strategy.rolls_back(begun.step, error):
            failed = self._written(failed, work)
            # A cancel does not stop the undo at once: readers may depend on it.
            with finishing(work) as rest:
                return self.undo(failed, rest, to=Outcome.LOST if lost else Outcome.UNDONE)
        return self._written(failed, work)

    def _not_undoable(self, rotation: Rotation, error: StorageError, work: Work) -> Rotation:
        """Reset the steps after the promotion, some of which an undo may have reverted."""
        steps = tuple(
            replace(record, state=StepState.WAITING, problem=None)
            if record.step in _AFTER_PROMOTION
            else record
            for record in rotation.steps
        )
        return self._not_undone(
            replace(rotation, steps=steps, outcome=Outcome.STOPPED), error, work
        )

    def _not_undone(self, rotation: Rotation, error: StorageError, work: Work) -> Rotation:
        """Record at the current step why it could not be undone."""
        reached = [record for record in rotation.steps if record.state is not StepState.WAITING]
        # After a cancel the journal says "undoing", so that a resume continues the undo.
        if not reached or isinstance(error, Cancelled):
            return rotation
        record = replace(
            reached[-1],
            problem=Problem.of(error),
            detail=f"could not be undone: {error.summary}",
        )
        return self._written(rotation.with_step(record), work)

    def _written(self, rotation: Rotation, work: Work) -> Rotation:
        rotation = replace(rotation, updated=self._clock())
        # Written before it is reported: what a view shows must survive a crash.
        self._journal.write(rotation)
        work.batch(rotation)
        return rotation


def _undone(rotation: Rotation, facts: Facts, outcome: Outcome) -> Rotation:
    """Mark completed steps as undone; the text of the failed step is not changed."""
    states = {StepState.DONE: StepState.UNDONE, StepState.RUNNING: StepState.UNDONE}
    steps = tuple(
        replace(record, state=states.get(record.state, record.state)) for record in rotation.steps
    )
    return replace(rotation, steps=steps, facts=facts, outcome=outcome)


def _is_temporary(error: StorageError) -> bool:
    return error.retryable or isinstance(error, Cancelled)
