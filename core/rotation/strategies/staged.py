"""Common steps of all rotations in which Strongroom itself stores the new value."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from core.aws.clients import ClientFactory
from core.errors import StorageError
from core.model.rotation import Facts, Rotation, Step
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.rotation import copies, stages
from core.rotation.copies import Replacement
from core.rotation.secret_fields import old_text
from core.rotation.strategy import (
    CheckResult,
    NotUndoable,
    Overtaken,
    StepResult,
    before_first_change,
)
from core.storage.aws_secrets_manager import SecretsManager
from core.work import Work

StepAction = Callable[[Rotation, Work], StepResult]


class StagedStrategy(ABC):
    """Base class with the steps preflight, stage and promote.

    A subclass provides the new value, its other steps, and the remaining members of
    `core.rotation.strategy.Strategy`.
    """

    #: The text of the step promote after it has succeeded.
    promoted_text: ClassVar[str]

    def __init__(self, clients: ClientFactory) -> None:
        self._clients = clients
        self._opened: list[ClientFactory] = []

    def do(self, step: Step, rotation: Rotation, work: Work) -> StepResult:
        """Run one step; see `Strategy`."""
        actions = {
            Step.PREFLIGHT: self._preflight,
            Step.STAGE: self._stage,
            Step.PROMOTE: self._promote,
            **self._own_steps(),
        }
        return actions[step](rotation, work)

    def close(self) -> None:
        """Close the clients that the steps have opened."""
        for clients in self._opened:
            clients.close()

    @abstractmethod
    def examine(self, rotation: Rotation, current: SecretValue, work: Work) -> CheckResult:
        """Check whether the rotation could begin; see `Strategy`."""

    @abstractmethod
    def replacements(self, rotation: Rotation, text: Secret) -> Sequence[Replacement]:
        """Return the rotated values in the text of a secret; see `Strategy`."""

    @abstractmethod
    def _own_steps(self) -> Mapping[Step, StepAction]:
        """Return the steps of this kind alone."""

    @abstractmethod
    def _new_value(
        self, rotation: Rotation, old: Secret, work: Work
    ) -> tuple[Secret, Sequence[Replacement]]:
        """Return the text with the new value in its field, and the replaced values.

        The base class then replaces their copies in other fields, unless the user disabled it.
        """

    @abstractmethod
    def _is_current(self, rotation: Rotation, work: Work) -> bool:
        """Return whether the current version has the new value of this rotation."""

    def _check_new_value(  # noqa: B027 - only values that a person enters are checked
        self, rotation: Rotation, current: SecretValue
    ) -> None:
        """Check a value that a person has entered, before the first change."""

    def _rotated(
        self,
        rotation: Rotation,
        old: Secret,
        staged_text: Secret,  # noqa: ARG002 - for subclasses
    ) -> Sequence[Replacement]:
        """Return those values of the old text that the staged text replaces."""
        return self.replacements(rotation, old)

    def _staged_facts(
        self,
        rotation: Rotation,
        staged_text: Secret,  # noqa: ARG002 - for subclasses
    ) -> Facts:
        """Return the facts of the rotation with those that the staged text adds."""
        return rotation.facts

    def _preflight(self, rotation: Rotation, work: Work) -> StepResult:
        with before_first_change():
            current = SecretsManager(clients=self._clients).read(rotation.secret, work=work)
            begun = replace(rotation, facts=Facts(old_version=current.version_id))
            try:
                found = self.examine(rotation, current, work)
            except StorageError:
                # If another rotation has just ended, its author and time explain the failure
                # better than, for example, a key or password that is no longer accepted.
                stages.check_unmoved(self._clients, begun, work)
                raise
            self._check_new_value(rotation, current)
        stages.claim(self._clients, rotation, current, work)
        # Another rotation may have ended between the read and the claim; then the checks, and the
        # copy in the claiming version, are of a value that is no longer current.
        stages.check_unmoved(self._clients, begun, work)
        return StepResult(found.facts, " · ".join((found.detail, *found.notes)))

    def _stage(self, rotation: Rotation, work: Work) -> StepResult:
        text = stages.staged(self._clients, rotation, work)
        old = old_text(self._clients, rotation, work)
        # A version that an earlier run stored is used: another value would be a second change.
        if text is None:
            text, replaced = self._new_value(rotation, old, work)
            if not rotation.keep_copies:
                text = copies.replace_copies(text, replaced)
        stages.stage(self._clients, rotation, text, work)
        staged = replace(rotation, facts=self._staged_facts(rotation, text))
        facts, notes = copies.staged_copies(staged, old, text, self._rotated(rotation, old, text))
        return StepResult(facts, "; ".join((f"version {rotation.id}", *notes)))

    def _promote(self, rotation: Rotation, work: Work) -> StepResult:
        try:
            stages.promote(self._clients, rotation, work)
        except Overtaken:
            # The process may have ended after the promotion and before it was recorded. If the
            # secret was then edited, readers nevertheless have the new value.
            if not self._is_current(rotation, work):
                raise
        return StepResult(rotation.facts, self.promoted_text)


def edited_since(rotation: Rotation, current: str) -> NotUndoable:
    """Return the error of an undo after the secret was edited, with the new value in it.

    Moving AWSCURRENT back would discard the edit, and removing the value would break readers.

    Args:
        rotation: the rotation.
        current: the id of the current version.
    """
    return NotUndoable.of(
        rotation,
        cause=f"{rotation.secret} was changed after the promotion; version {current} is current "
        "and contains the new value of this rotation.",
        remedy="Resume the rotation, or first roll the secret back yourself.",
    )
