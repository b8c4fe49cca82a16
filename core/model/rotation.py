"""Rotations: steps, states and facts, as stored in the journal and displayed.

Nothing here is a secret: access key ids, version ids and names are identifiers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from core.errors import ErrorKind, StorageError


class RotationKind(Enum):
    """Kind of a rotation."""

    IAM_KEY = "iam-key"
    DATABASE = "database"
    EXCHANGE = "exchange-keys"
    MANAGED = "managed"


class Step(Enum):
    """Step of a rotation; the steps depend on its kind."""

    PREFLIGHT = "preflight"
    CREATE = "create"
    STAGE = "stage"
    APPLY = "apply"
    TEST = "test"
    PROMOTE = "promote"
    SWITCH = "switch"
    DEACTIVATE = "deactivate"
    DELETE = "delete"


class StepState(Enum):
    """State of a step; `SKIPPED` means that there was nothing to do."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"


class Outcome(Enum):
    """State of a rotation.

    `STOPPED`: a step failed; it can be resumed or undone. `WAITING`: in its grace period. `LOST`:
    another client changed the secret first; the changes of this rotation are undone.
    """

    RUNNING = "running"
    STOPPED = "stopped"
    WAITING = "waiting"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    LOST = "lost"

    @property
    def open(self) -> bool:
        """Whether the rotation can be resumed or undone."""
        return self not in {Outcome.DONE, Outcome.UNDONE, Outcome.LOST}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a step failed: the parts of an error that may be stored."""

    kind: str
    summary: str
    cause: str = ""
    remedy: str = ""
    subject: str = ""
    action: str = ""

    @classmethod
    def of(cls, error: StorageError) -> Problem:
        """Create it from an error, without the details."""
        return cls(
            error.kind.name, error.summary, error.cause, error.remedy, error.subject, error.action
        )

    def error(self) -> StorageError:
        """Return an error with the same texts."""
        # The base class with the recorded kind: the journal has no class names, so classes can be
        # renamed.
        return StorageError(
            self.summary,
            cause=self.cause,
            remedy=self.remedy,
            subject=self.subject,
            action=self.action,
            kind=ErrorKind[self.kind],
        )


@dataclass(frozen=True, slots=True)
class StepRecord:
    """Record of a step: state, times (UTC), result, and number of attempts.

    An attempt that failed before its first change is not counted.
    """

    step: Step
    state: StepState = StepState.WAITING
    started: datetime | None = None
    ended: datetime | None = None
    detail: str = ""
    problem: Problem | None = None
    tries: int = 0

    @property
    def finished(self) -> bool:
        """Whether the step is finished."""
        return self.state in {StepState.DONE, StepState.SKIPPED}


class CopyForm(Enum):
    """Form in which a field contains a copy of a rotated value; the value is the displayed text."""

    COMPLETE = "the entire field"
    URL = "inside a URL"
    PARAMETER = "a parameter of a connection string"
    TEXT = "inside a longer text"
    ENCODED = "percent-encoded"
    BASE64 = "in Base64"


@dataclass(frozen=True, slots=True)
class Copy:
    """Another place of the same secret that contains a rotated value, without the value.

    `place` is a field, or a path such as `hosts[0].url`. `replaceable` means that it is
    unambiguous, so that the rotation replaces it in the same version unless the user disables this.
    """

    place: str
    form: CopyForm
    replaceable: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that the steps have recorded for later steps.

    `keys_before` are the access key ids of the user at the beginning; `old_version` is the version
    that was AWSCURRENT then; `switched` are the names of the profiles of this machine whose keys
    were replaced; `promoted` and `deactivated` start the two grace periods. `also_changed` are
    other places of the secret with the new value in the new version, `still_old` those with the old
    value.
    """

    user: str = ""
    user_arn: str = ""
    old_key_id: str = ""
    new_key_id: str = ""
    keys_before: tuple[str, ...] = ()
    old_version: str = ""
    switched: tuple[str, ...] = ()
    promoted: datetime | None = None
    deactivated: datetime | None = None
    also_changed: tuple[str, ...] = ()
    still_old: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation. Its `id` is the ClientRequestToken, and so the id of the new version.

    `account`, `region` and `endpoint` identify the server; the region is empty in records of earlier
    versions of Strongroom. `by` is the ARN of the author. `due` is when a waiting rotation
    continues. With `keep_copies` other fields that contain the old value are not changed.
    """

    id: str
    kind: RotationKind
    secret: str
    started: datetime
    updated: datetime
    profile: str = ""
    account: str = ""
    endpoint: str = ""
    by: str = ""
    outcome: Outcome = Outcome.RUNNING
    steps: tuple[StepRecord, ...] = ()
    facts: Facts = field(default_factory=Facts)
    due: datetime | None = None
    keep_copies: bool = False
    region: str = ""

    def step(self, step: Step) -> StepRecord:
        """Return the record of a step; a waiting one if this kind does not have the step."""
        return next((record for record in self.steps if record.step is step), StepRecord(step))

    def finished(self, step: Step) -> bool:
        """Return whether a step is finished."""
        return self.step(step).finished

    @property
    def problem(self) -> Problem | None:
        """The reason why it stopped, was undone or lost, or None."""
        return next((record.problem for record in self.steps if record.problem), None)

    def with_step(self, record: StepRecord) -> Rotation:
        """Return the rotation with the record of a step replaced."""
        steps = tuple(record if old.step is record.step else old for old in self.steps)
        return replace(self, steps=steps)


@dataclass(frozen=True, slots=True)
class RotationTiming:
    """Time limits and grace periods of a rotation.

    IAM and Secrets Manager are eventually consistent: a new key may be refused for some seconds, so
    the test runs for up to `test_seconds` and requires `successes` in a row, `pause` seconds apart.
    An application may cache an old value for an hour (AWS's caching clients refresh after 3,600 s
    by default): the old key stays active for `grace`, and deactivated for `second_grace`.
    """

    test_seconds: float = 60.0
    successes: int = 3
    pause: float = 1.0
    grace: timedelta = timedelta(minutes=65)
    second_grace: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """Description of a step and of its undo."""

    step: Step
    title: str
    text: str
    undo: str


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """Plan of a rotation, with its obstacles.

    `found` is the result of the checks, `notes` are warnings. `fields` are the names of fields
    whose new values the user supplies. `copies` are other places of the secret that contain the
    value.
    """

    kind: RotationKind
    secret: str
    by: str
    facts: Facts
    steps: tuple[PlannedStep, ...]
    found: str = ""
    notes: tuple[str, ...] = ()
    problem: Problem | None = None
    fields: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ()
