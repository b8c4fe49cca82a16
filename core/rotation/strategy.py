"""Interface of the strategies, one for each kind of rotation."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Protocol, Self

from core.aws.clients import ClientFactory
from core.errors import Conflict, StorageError
from core.model.rotation import Facts, Rotation, RotationKind, RotationTiming, Step
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.rotation.copies import Replacement
from core.rotation.local_keys import LocalKeys
from core.units import utc_now
from core.work import Work


@dataclass(frozen=True, slots=True)
class Setup:
    """The arguments of one rotation, from which a strategy is created.

    Attributes:
        clients: clients with the permissions of an administrator.
        local: the profiles of this machine, which receive a new key; None leaves them unchanged.
        timing: how long the steps wait.
        now: steps that do not wait for their period of grace.
        values: the new fields, for secrets whose values come from elsewhere.
        clock: returns the present time in UTC.
    """

    clients: ClientFactory
    local: LocalKeys | None = None
    timing: RotationTiming = field(default_factory=RotationTiming)
    now: frozenset[Step] = frozenset()
    values: Mapping[str, Secret] = field(default_factory=dict)
    clock: Callable[[], datetime] = utc_now


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of the checks before a rotation: facts, and texts for the plan."""

    facts: Facts
    detail: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StepResult:
    """A successful step: the updated rotation facts and a text about the result.

    `skipped`: there was nothing to do.
    """

    facts: Facts
    detail: str = ""
    skipped: bool = False


class NotDue(Exception):  # noqa: N818 - not an error: the rotation waits
    """A step has to wait until `due`; `why` is the reason."""

    def __init__(self, due: datetime, why: str) -> None:
        super().__init__(why)
        self.due, self.why = due, why


class NotStarted(Exception):  # noqa: N818 - carries the error
    """The checks before the first change failed with `error`: there is nothing to undo."""

    def __init__(self, error: StorageError) -> None:
        super().__init__(error.summary)
        self.error = error


@contextmanager
def before_first_change() -> Iterator[None]:
    """Mark a block of the first step that makes no changes.

    Raises:
        NotStarted: the block failed.
    """
    try:
        yield
    except StorageError as error:
        raise NotStarted(error) from error


class NothingDone(Exception):  # noqa: N818 - carries the error
    """A step failed with `error` before its first change: this attempt does not count."""

    def __init__(self, error: StorageError) -> None:
        super().__init__(error.summary)
        self.error = error


@contextmanager
def before_any_change() -> Iterator[None]:
    """Mark a block of a step before its first change.

    Raises:
        NothingDone: the block failed.
    """
    try:
        yield
    except StorageError as error:
        raise NothingDone(error) from error


class Overtaken(Conflict):
    """Another client changed the secret first: the changes of this rotation are undone."""


class NotUndoable(Conflict):
    """The rotation can no longer be undone, but it can be resumed."""

    @classmethod
    def of(cls, rotation: Rotation, *, cause: str, remedy: str) -> NotUndoable:
        """Create the error of a rotation."""
        return cls(
            "The rotation cannot be undone any more",
            cause=cause,
            remedy=remedy,
            subject=rotation.secret,
        )


class ProbeFailed(StorageError):  # noqa: N818 - named for what happened, as in core.errors
    """The new value does not work; the kind of the error is that of the last attempt."""

    @classmethod
    def of(cls, error: StorageError, summary: str) -> ProbeFailed:
        """Create it from the error of a test, with another summary."""
        return cls(
            summary,
            cause=error.cause,
            remedy=error.remedy,
            subject=error.subject,
            action=error.action,
            details=error.details,
            kind=error.kind,
        )


class Strategy(Protocol):
    """The steps of one kind of rotation.

    `do` first checks the actual state, since it may run again after a crash or a lost answer, and
    continues from there. `undo` does the same in reverse.
    """

    kind: ClassVar[RotationKind]
    steps: ClassVar[tuple[Step, ...]]
    #: Whether a person enters the new values.
    values_entered: ClassVar[bool]

    @classmethod
    def create(cls, setup: Setup) -> Self:
        """Return a strategy for one rotation."""

    @classmethod
    def matches(cls, secret: str, fields: Collection[str]) -> bool:
        """Whether secrets of this name, or with these fields, are rotated this way."""

    def examine(self, rotation: Rotation, current: SecretValue, work: Work) -> CheckResult:
        """Check whether the rotation could begin, without changing anything.

        Raises:
            Conflict: another rotation of the secret is running.
            StorageError: something cannot be read, or a permission is missing.
        """

    def do(self, step: Step, rotation: Rotation, work: Work) -> StepResult:
        """Run one step.

        Raises:
            NotDue: the step, and with it the rotation, has to wait.
            NotStarted: the checks of the first step failed.
            NothingDone: the step failed before its first change.
            StorageError: the step failed; it can be run again.
        """

    def undo(self, rotation: Rotation, work: Work) -> Facts:
        """Undo the rotation from any state.

        Raises:
            NotUndoable: the rotation can no longer be undone; nothing was changed.
            StorageError: the undo failed; it can be run again.
        """

    def replacements(self, rotation: Rotation, text: Secret) -> Sequence[Replacement]:
        """Return the rotated values in the text of a secret, to search for their copies.

        Raises:
            StorageError: the text does not contain the value.
        """

    def rolls_back(self, step: Step, error: StorageError) -> bool:
        """Return whether a failure is final, so that the rotation is undone at once."""

    def close(self) -> None:
        """Close the clients that the strategy has opened; no step runs afterwards."""
