"""A rotation as it is journalled and shown: its steps, their states, and what was found on the way.

Nothing here is a secret: access key ids, version ids and names are identifiers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from core.errors import ErrorKind, StorageError


class RotationKind(Enum):
    """What is rotated, and by which way."""

    IAM_KEY = "iam-key"
    DATABASE = "database"
    EXCHANGE = "exchange-keys"
    MANAGED = "managed"


class Step(Enum):
    """One step of a rotation; which of them a rotation has depends on its kind."""

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
    """How far a step is. `SKIPPED`: there was nothing to do; `UNDONE`: taken back."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNDONE = "undone"


class Outcome(Enum):
    """How a rotation stands.

    `STOPPED` at a step that failed: it can be resumed or undone. `WAITING` for its grace period.
    `LOST`: somebody else changed the secret first; what this one had made is taken back.
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
        """Whether something is left to do, by `resume` or by `undo`."""
        return self not in {Outcome.DONE, Outcome.UNDONE, Outcome.LOST}


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a step failed: the parts of an error that may be kept."""

    kind: str
    summary: str
    cause: str = ""
    remedy: str = ""
    subject: str = ""
    action: str = ""

    @classmethod
    def of(cls, error: StorageError) -> Problem:
        """Return what is kept of an error; its details stay out of files."""
        return cls(
            error.kind.name, error.summary, error.cause, error.remedy, error.subject, error.action
        )

    def error(self) -> StorageError:
        """Return an error that says the same."""
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
    """One step: its state, when it ran (UTC), what came of it, and how often it was begun.

    A try that failed before it did anything does not count.
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
        """Whether the step has nothing left to do."""
        return self.state in {StepState.DONE, StepState.SKIPPED}


class CopyForm(Enum):
    """How a field holds a rotated value a second time, in the words that people see."""

    WHOLE = "the whole field"
    URL = "inside a URL"
    PARAMETER = "a parameter of a connection string"
    TEXT = "inside a longer text"
    ENCODED = "percent-encoded"
    BASE64 = "in Base64"


@dataclass(frozen=True, slots=True)
class Copy:
    """A place of the same secret that holds a rotated value as well; never the value itself.

    `place` is a field, or a path into one such as `hosts[0].url`. `replaceable`: it cannot be
    mistaken, so the rotation replaces it in the same version unless that is not wanted.
    """

    place: str
    form: CopyForm
    replaceable: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What the steps found and made; each knows from here what was before it.

    `keys_before` are the access key ids that the user had when the rotation began; `old_version`
    is the version that AWSCURRENT sat on then; `switched` are the names of the profiles here
    whose keys were replaced; `promoted` and `deactivated` start the two periods of grace.
    `also_changed` are other places of the secret in which the new version has the new value,
    `still_old` those in which even the new version has the old one.
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
    """One rotation. Its `id` is the ClientRequestToken, and so the id of the new version.

    `account` and `endpoint` tell where it belongs; `by` is the ARN of who began it. `due` is when
    a waiting rotation goes on. With `keep_copies` other fields that hold the old value keep it.
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

    def step(self, step: Step) -> StepRecord:
        """Return one step's record; a waiting one if this kind has no such step."""
        return next((record for record in self.steps if record.step is step), StepRecord(step))

    def finished(self, step: Step) -> bool:
        """Whether that step has nothing left to do."""
        return self.step(step).finished

    @property
    def problem(self) -> Problem | None:
        """Why it stopped, was undone or lost; None if all is well."""
        return next((record.problem for record in self.steps if record.problem), None)

    def with_step(self, record: StepRecord) -> Rotation:
        """Return the rotation with one step's record replaced."""
        steps = tuple(record if old.step is record.step else old for old in self.steps)
        return replace(self, steps=steps)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a rotation waits.

    IAM and Secrets Manager are eventually consistent: a new key may be refused for some seconds,
    so the test tries for `test_seconds` and wants `successes` in a row, `pause` seconds apart. An
    application may keep an old value for an hour (AWS's caching clients refresh after 3,600 s by
    default): the old key stays active for `grace`, and deactivated for `second_grace`.
    """

    test_seconds: float = 60.0
    successes: int = 3
    pause: float = 1.0
    grace: timedelta = timedelta(minutes=65)
    second_grace: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """What a step would do now, in words, and what taking it back would do."""

    step: Step
    title: str
    text: str
    undo: str


@dataclass(frozen=True, slots=True)
class RotationPlan:
    """A rotation that was not begun: who and what it concerns, and what stands in its way.

    `found` says what the look at it has told, `notes` what there is to mind. `fields` are the
    names whose new values have to be given, if they come from elsewhere. `copies` are other places
    of the secret that hold the value as well.
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
