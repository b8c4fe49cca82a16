"""Rotation of exchange keys (`cryptotrading/exchange-keys`), which the user supplies.

Exchanges issue keys only on their web pages, so the user enters the new ones. They are only in
memory until they are staged: a rotation that was interrupted before has lost them and is undone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import ClassVar, Self

from core.aws.clients import ClientFactory
from core.errors import ErrorKind, InvalidInput, NotFound, StorageError
from core.model.connection import SECRET_PREFIX
from core.model.rotation import Facts, Rotation, RotationKind, Step
from core.model.secret_names import field_value
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.rotation import stages
from core.rotation.copies import Replacement
from core.rotation.secret_fields import current_text, fields, old_text, with_fields
from core.rotation.strategies.staged import StagedStrategy, StepAction, edited_since
from core.rotation.strategy import CheckResult, ProbeFailed, Setup, StepResult
from core.secrets import secret_text
from core.work import Work

#: Suffixes of the two fields of a key pair.
_HALVES = ("_api_key", "_secret_key")
_SECRET_NAME = f"{SECRET_PREFIX}exchange-keys"


class ValuesLost(NotFound):
    """The new key pairs were only in memory and are lost."""


class ExchangeStrategy(StagedStrategy):
    """The steps of one rotation; `values` are the fields to change with their new values."""

    kind: ClassVar[RotationKind] = RotationKind.EXCHANGE
    values_entered: ClassVar[bool] = True
    steps: ClassVar[tuple[Step, ...]] = (Step.PREFLIGHT, Step.STAGE, Step.TEST, Step.PROMOTE)
    promoted_text = "readers get the new keys"

    def __init__(
        self, clients: ClientFactory, *, values: Mapping[str, Secret] | None = None
    ) -> None:
        super().__init__(clients)
        self._values = dict(values or {})

    @classmethod
    def create(cls, setup: Setup) -> Self:
        """Return the strategy for one rotation; see `Strategy`."""
        return cls(setup.clients, values=setup.values)

    @classmethod
    def matches(cls, secret: str, fields: Collection[str]) -> bool:
        """Whether the secret holds keys of exchanges."""
        # The contract's secret may still be empty, so its name identifies it.
        return secret == _SECRET_NAME or any(name.endswith("_api_key") for name in fields)

    def _own_steps(self) -> Mapping[Step, StepAction]:
        return {Step.TEST: self._test}

    def rolls_back(self, step: Step, error: StorageError) -> bool:  # noqa: ARG002 - the protocol's
        """Return whether to undo at once: the staged value is unusable, or was lost."""
        return isinstance(error, (ValuesLost, ProbeFailed))

    def examine(self, rotation: Rotation, current: SecretValue, work: Work) -> CheckResult:
        """Check whether the rotation could begin; nothing is changed.

        Raises:
            Conflict: the secret is being rotated.
            Corrupt: it is no JSON object.
        """
        stages.check_free(self._clients, rotation, work)
        known = fields(rotation, current.text)
        pairs = ", ".join(name for name in known if name.endswith(_HALVES)) or "no pair yet"
        return CheckResult(Facts(old_version=current.version_id), f"The secret contains {pairs}")

    # The steps.

    def _check_new_value(self, rotation: Rotation, current: SecretValue) -> None:
        _check_values(rotation, self._values, current.text)
        with_fields(current.text, self._values)  # reports a duplicate field

    def _preflight(self, rotation: Rotation, work: Work) -> StepResult:
        result = super()._preflight(rotation, work)
        return replace(result, detail=f"new: {', '.join(sorted(self._values))}")

    def _new_value(
        self,
        rotation: Rotation,
        old: Secret,
        work: Work,  # noqa: ARG002 - the base class's
    ) -> tuple[Secret, tuple[Replacement, ...]]:
        if not self._values:
            raise _lost(rotation)
        _check_values(rotation, self._values, old)
        return with_fields(old, self._values), _replacements(rotation, old, self._values)

    def _rotated(
        self, rotation: Rotation, old: Secret, staged_text: Secret
    ) -> tuple[Replacement, ...]:
        # A person may enter one pair of several: the others are unchanged and have no copies to
        # replace.
        new = fields(rotation, staged_text)
        known = self.replacements(rotation, old)
        return tuple(each for each in known if new.get(each.field) != each.old.reveal())

    def replacements(self, rotation: Rotation, text: Secret) -> tuple[Replacement, ...]:
        """Return the values in the text of a secret that a rotation may replace."""
        values = fields(rotation, text)
        pairs = {
            name: Secret(value)
            for name, value in values.items()
            if name.endswith(_HALVES) and isinstance(value, str) and value
        }
        return _replacements(rotation, text, pairs)

    def _test(self, rotation: Rotation, work: Work) -> StepResult:
        stages.check_staged(self._clients, rotation, work)
        new = stages.staged(self._clients, rotation, work)
        if new is None:
            raise _lost(rotation)
        before = old_text(self._clients, rotation, work)
        try:
            secret_text.rows_of(new.reveal())
        except InvalidInput as error:
            raise ProbeFailed.of(error, f"The new value does not work: {error.summary}") from None
        changed = secret_text.diff(before.reveal(), new.reveal()).changed
        if not changed:
            raise ProbeFailed(
                "The new value does not work: it is the same as the old one",
                remedy="Create a new key pair on the page of the exchange, and paste it.",
                subject=rotation.secret,
                kind=ErrorKind.INVALID_INPUT,
            )
        detail = f"{', '.join(changed)} can be read and differ"
        return StepResult(rotation.facts, f"{detail}; the keys were not tested with the exchange")

    def undo(self, rotation: Rotation, work: Work) -> Facts:
        """Move AWSCURRENT back, and remove AWSPENDING.

        Raises:
            NotUndoable: the secret was changed after the promotion and contains the new keys.
        """
        now = stages.describe(self._clients, rotation.secret, work)
        edited = now.current not in {rotation.id, rotation.facts.old_version}
        if rotation.facts.old_version and edited and self._is_current(rotation, work):
            raise edited_since(rotation, now.current)
        stages.demote(self._clients, rotation, work)
        stages.release(self._clients, rotation, work)
        return rotation.facts

    def _is_current(self, rotation: Rotation, work: Work) -> bool:
        new = stages.staged(self._clients, rotation, work)
        if new is None:
            return False
        old, now = (
            old_text(self._clients, rotation, work),
            current_text(self._clients, rotation, work),
        )
        ours, theirs = fields(rotation, new), fields(rotation, now)
        # The rotated fields identify the new keys; copies in other fields may have been edited
        # since.
        copied = {re.split(r"[.\[]", place)[0] for place in rotation.facts.also_changed}
        changed = set(secret_text.diff(old.reveal(), new.reveal()).changed) - copied
        return all(theirs.get(name) == ours[name] for name in changed)


def _replacements(
    rotation: Rotation, old: Secret, new: Mapping[str, Secret]
) -> tuple[Replacement, ...]:
    before = fields(rotation, old)
    return tuple(
        Replacement(name, field_value(name, before[name]), value)
        for name, value in new.items()
        if isinstance(before.get(name), str) and before[name]
    )


def _check_values(rotation: Rotation, values: Mapping[str, Secret], current: Secret) -> None:
    """Check the new key pairs.

    Raises:
        InvalidInput: there is no new value, a field is unknown, empty or unchanged, or half of a
            pair is missing.
    """
    known = fields(rotation, current)
    problem = ""
    if not values:
        problem = "No new keys were entered"
    for name, value in values.items():
        text = value.reveal()
        if name not in known:
            problem = f"The secret has no field {name}"
        # Values are copied from web pages, often with a space or a line end.
        elif not text.strip() or text != text.strip():
            problem = f"{name} is empty, or has spaces around it"
        elif known[name] == text:
            problem = f"{name} is unchanged"
        elif half := _missing_half(name, known, values):
            problem = f"{name} was entered without {half}"
    if problem:
        raise InvalidInput(
            problem,
            remedy="Create a new key pair on the page of the exchange, and paste both values.",
            subject=rotation.secret,
        )


def _missing_half(name: str, known: Mapping[str, object], values: Mapping[str, Secret]) -> str:
    for mine, other in (_HALVES, _HALVES[::-1]):
        if name.endswith(mine):
            partner = name.removesuffix(mine) + other
            return partner if partner in known and partner not in values else ""
    return ""


def _lost(rotation: Rotation) -> StorageError:
    return ValuesLost(
        "The new keys are lost",
        cause="They were only in memory, and the program ended before they were stored.",
        remedy="The secret is unchanged. Start again with the new keys.",
        subject=rotation.secret,
    )
