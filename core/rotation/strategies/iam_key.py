"""Rotation of an IAM user's access key in a secret (`cryptotrading/s3-storage`).

Invariants after every step, crash and lost answer: AWSCURRENT always contains an active key, which
is never deactivated or deleted; there are at most two keys, and one with a lost secret is found and
deleted; a repeated run reaches the goal from any state.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar, Self

from core.aws.clients import ClientFactory
from core.errors import NotFound, StorageError
from core.model.connection import DEFAULT_SECRET_NAME, AccessKeys, Connection
from core.model.rotation import Facts, Rotation, RotationKind, RotationTiming, Step
from core.model.secrets import SecretValue
from core.objects.check_objects import CHECK_PREFIX
from core.redaction import Secret
from core.rotation import iam_keys, iam_preflight, stages
from core.rotation.copies import Replacement
from core.rotation.iam_key_creation import KeyCreator, delete_new_keys
from core.rotation.iam_secret import KEY_ID, KEY_SECRET, StorageSecret, read_secret, with_keys
from core.rotation.key_proof import connection_of, drop_versions, prove_key, sweep
from core.rotation.local_keys import LocalKeys
from core.rotation.secret_fields import new_text
from core.rotation.strategies.staged import StagedStrategy, StepAction, edited_since
from core.rotation.strategy import (
    CheckResult,
    NotDue,
    NotUndoable,
    Overtaken,
    ProbeFailed,
    Setup,
    StepResult,
)
from core.storage.aws_secrets_manager import SecretsManager
from core.units import format_duration, utc_now
from core.work import Work


class IamKeyStrategy(StagedStrategy):
    """The steps of one rotation; `now` has steps that do not wait for their grace period."""

    kind: ClassVar[RotationKind] = RotationKind.IAM_KEY
    values_entered: ClassVar[bool] = False
    steps: ClassVar[tuple[Step, ...]] = (
        Step.PREFLIGHT,
        Step.CREATE,
        Step.STAGE,
        Step.TEST,
        Step.PROMOTE,
        Step.SWITCH,
        Step.DEACTIVATE,
        Step.DELETE,
    )
    promoted_text = "readers get the new key"

    def __init__(
        self,
        clients: ClientFactory,
        *,
        local: LocalKeys | None = None,
        timing: RotationTiming | None = None,
        now: frozenset[Step] = frozenset(),
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        super().__init__(clients)
        self._local = local
        self._timing = timing or RotationTiming()
        self._now = now
        self._clock = clock
        self._creator = KeyCreator(self._timing)

    @classmethod
    def create(cls, setup: Setup) -> Self:
        """Return the strategy for one rotation; see `Strategy`."""
        return cls(
            setup.clients,
            local=setup.local,
            timing=setup.timing,
            now=setup.now,
            clock=setup.clock,
        )

    @classmethod
    def matches(cls, secret: str, fields: Collection[str]) -> bool:
        """Whether the secret holds an access key of an IAM user."""
        # The contract's secret is recognised by its name, so that an incomplete one gets a clear
        # error.
        return KEY_ID in fields or secret == DEFAULT_SECRET_NAME

    def _own_steps(self) -> Mapping[Step, StepAction]:
        return {
            Step.CREATE: self._create,
            Step.TEST: self._test,
            Step.SWITCH: self._switch,
            Step.DEACTIVATE: self._deactivate,
            Step.DELETE: self._delete,
        }

    def rolls_back(self, step: Step, error: StorageError) -> bool:
        """Return whether to undo at once: a new key that failed its test will not work later."""
        return step is Step.TEST and isinstance(error, ProbeFailed) and not error.retryable

    def examine(self, rotation: Rotation, current: SecretValue, work: Work) -> CheckResult:
        """Check the secret, its user and the permissions; see `Strategy`."""
        return iam_preflight.examine(self._clients, rotation, current, work)

    # The steps.

    def _create(self, rotation: Rotation, work: Work) -> StepResult:
        key_id = self._creator.create(self._clients, rotation, work)
        return StepResult(replace(rotation.facts, new_key_id=key_id), f"key {key_id}")

    def _new_value(
        self, rotation: Rotation, old: Secret, work: Work
    ) -> tuple[Secret, tuple[Replacement, ...]]:
        # Killed before the new key was stored: its secret is lost, so another key is created.
        keys = self._creator.keys or self._replacement_key(rotation, work)
        return with_keys(old, keys), _replacements(rotation, old, keys)

    def _stage(self, rotation: Rotation, work: Work) -> StepResult:
        result = super()._stage(rotation, work)
        key_id = result.facts.new_key_id
        if key_id == rotation.facts.new_key_id:
            return result
        # The step before names a key that was deleted, since its secret key was lost.
        return replace(result, detail=f"{result.detail}; with another new key, {key_id}")

    def _staged_facts(self, rotation: Rotation, staged_text: Secret) -> Facts:
        keys = read_secret(rotation.secret, staged_text).keys
        return replace(rotation.facts, new_key_id=keys.access_key_id)

    def replacements(self, rotation: Rotation, text: Secret) -> tuple[Replacement, ...]:
        """Return both parts of the key in the text of a secret, to search for their copies."""
        return _replacements(rotation, text, read_secret(rotation.secret, text).keys)

    def _replacement_key(self, rotation: Rotation, work: Work) -> AccessKeys:
        self._creator.create(self._clients, rotation, work)
        assert self._creator.keys is not None
        return self._creator.keys

    def _test(self, rotation: Rotation, work: Work) -> StepResult:
        stages.check_staged(self._clients, rotation, work)
        connection = self._connection(self._new_secret(rotation, work))
        bucket, name = connection.profile.bucket, _test_name(rotation)
        tested = prove_key(connection, rotation.facts.user_arn, name, self._timing, work)
        notes = (
            f"worked {self._timing.successes} times in a row, {tested.tries} tries",
            # Removed with the administrator's permissions: the new key may not delete versions.
            drop_versions(self._clients, bucket, tested.versions, work),
            sweep(self._clients, bucket, f"{CHECK_PREFIX}{name}", work),
        )
        return StepResult(rotation.facts, "; ".join(note for note in notes if note))

    def _promote(self, rotation: Rotation, work: Work) -> StepResult:
        # The grace period begins here: applications may read the new key at any time after this.
        promoted = self._clock()
        result = super()._promote(rotation, work)
        return replace(result, facts=replace(result.facts, promoted=promoted))

    def _is_current(self, rotation: Rotation, work: Work) -> bool:
        keys = self._current(self._clients, rotation, work).keys
        return keys.access_key_id == rotation.facts.new_key_id

    def _switch(self, rotation: Rotation, work: Work) -> StepResult:
        old = rotation.facts.old_key_id
        keys = self._current(self._clients, rotation, work).keys  # a later rotation may have ended
        if keys.access_key_id == old:
            keys = self._new_secret(rotation, work).keys
        names = self._local.switch(old, keys, rotation.id) if self._local else ()
        # After an undo that was not possible the step runs again, and the profiles that it switched
        # before no longer have the old key.
        names = tuple(dict.fromkeys((*rotation.facts.switched, *names)))
        facts = replace(rotation.facts, switched=names)
        if not names:
            return StepResult(facts, "no profile of this machine uses the old key", skipped=True)
        return StepResult(facts, f"now with the new key: {', '.join(names)}")

    def _deactivate(self, rotation: Rotation, work: Work) -> StepResult:
        facts = rotation.facts
        clients = self._clients_without(facts.old_key_id, rotation.id, rotation, work)
        if Step.DEACTIVATE not in self._now:
            self._wait(
                facts.promoted,
                self._timing.grace,
                "Applications may still use the old key for {left} more",
            )
            self._check_unused(clients, facts.old_key_id, work)
        self._check_not_current(clients, rotation, work)
        facts = replace(facts, deactivated=self._clock())
        try:
            iam_keys.set_active(clients, facts.user, facts.old_key_id, active=False, work=work)
        except NotFound:
            return StepResult(facts, "the old key no longer exists", skipped=True)
        return StepResult(facts, f"key {facts.old_key_id} is refused from now on")

    def _delete(self, rotation: Rotation, work: Work) -> StepResult:
        facts = rotation.facts
        clients = self._clients_without(facts.old_key_id, rotation.id, rotation, work)
        if Step.DELETE not in self._now:
            self._wait(
                facts.deactivated,
                self._timing.second_grace,
                "The old key can still be activated for {left} more",
            )
        # Checked again directly before: days may have passed since the deactivation.
        self._check_not_current(clients, rotation, work)
        iam_keys.delete_key(clients, facts.user, facts.old_key_id, work)
        stages.release(clients, rotation, work)
        if self._local:  # only now can the rotation no longer be undone
            self._local.forget(facts.switched, rotation.id)
        return StepResult(facts, f"key {facts.old_key_id} is deleted")

    # Undo.

    def undo(self, rotation: Rotation, work: Work) -> Facts:
        """Undo all steps; this is possible until the old key is deleted.

        Raises:
            NotUndoable: the old key was deleted, or the secret was changed after the promotion.
        """
        facts = rotation.facts
        now = stages.describe(self._clients, rotation.secret, work)
        self._check_undoable(rotation, now, work)
        if now.current == rotation.id:
            clients = self._clients_without(facts.old_key_id, rotation.id, rotation, work)
            # In this order: readers must never get a key that is refused.
            self._activate_old(clients, rotation, work)
            stages.demote(clients, rotation, work)
        if self._local:
            self._local.switch_back(facts.switched, rotation.id)
        if facts.keys_before:
            # The rotation may run with the very key that it deletes.
            clients = self._clients_without(facts.new_key_id, facts.old_version, rotation, work)
            current = self._current(clients, rotation, work).keys.access_key_id
            delete_new_keys(clients, rotation, current, work)
            sweep(
                self._clients,
                self._bucket(rotation, work),
                f"{CHECK_PREFIX}{_test_name(rotation)}",
                work,
            )
        stages.release(self._clients, rotation, work)
        return replace(facts, switched=(), promoted=None, deactivated=None)

    def _check_undoable(self, rotation: Rotation, now: stages.Stages, work: Work) -> None:
        """Check that the secret was not edited or rotated again after the promotion."""
        facts = rotation.facts
        if not facts.new_key_id or now.current in {rotation.id, facts.old_version}:
            return
        if self._is_current(rotation, work):
            raise edited_since(rotation, now.current)
        left = {key.id for key in iam_keys.list_keys(self._clients, facts.user, work)}
        if facts.promoted and facts.old_key_id not in left and facts.new_key_id in left:
            raise NotUndoable.of(
                rotation,
                cause=f"The old key {facts.old_key_id} was deleted, and version {now.current} of "
                f"{rotation.secret}, with another key, is current. Applications may still use the "
                f"key {facts.new_key_id} of this rotation.",
                remedy="Resume to finish it.",
            )

    def _activate_old(self, clients: ClientFactory, rotation: Rotation, work: Work) -> None:
        facts = rotation.facts
        keys = iam_keys.list_keys(clients, facts.user, work)
        old = next((key for key in keys if key.id == facts.old_key_id), None)
        if old is None:
            raise NotUndoable.of(
                rotation,
                cause=f"The old key {facts.old_key_id} was deleted and cannot be restored.",
                remedy="Resume to finish it; rotate again to get another key.",
            )
        if not old.active:
            iam_keys.set_active(clients, facts.user, old.id, active=True, work=work)

    # Common parts of the steps.

    def _wait(self, since: datetime | None, period: timedelta, why: str) -> None:
        """Let the rotation wait until a period has ended; `why` has the placeholder `left`."""
        # An unknown beginning counts as now, so that the complete period is waited for.
        due = (since or self._clock()) + period
        if due > self._clock():
            left = format_duration((due - self._clock()).total_seconds())
            raise NotDue(due, why.format(left=left))

    def _check_unused(self, clients: ClientFactory, key_id: str, work: Work) -> None:
        # The grace period starts again with each use, which IAM reports with some minutes of delay.
        used = iam_keys.last_used(clients, key_id, work)
        if used.when is not None:
            self._wait(
                used.when,
                self._timing.grace,
                f"The old key is still in use. {used.sentence} Waiting for {{left}} more",
            )

    def _check_not_current(self, clients: ClientFactory, rotation: Rotation, work: Work) -> None:
        """Check that the key is not in AWSCURRENT, because the platform uses that key."""
        if self._current(clients, rotation, work).keys.access_key_id == rotation.facts.old_key_id:
            raise Overtaken(
                "The old key is current again",
                cause=f"Another client has moved AWSCURRENT of {rotation.secret} back to the old "
                "key.",
                effect="Nothing was deactivated.",
                remedy="Check the versions of the secret.",
                subject=rotation.secret,
            )

    def _clients_without(
        self, key_id: str, version: str, rotation: Rotation, work: Work
    ) -> ClientFactory:
        """Return clients that do not use the key, if necessary with that of another version."""
        # Only keys of this program can be replaced; other sources are not affected by the rotation.
        own = self._clients.connection.keys
        if not own or own.access_key_id != key_id:
            return self._clients
        text = SecretsManager(clients=self._clients).read(
            rotation.secret, version_id=version, work=work
        )
        keys = read_secret(rotation.secret, text.text).keys
        own_connection = self._clients.connection
        profile = replace(own_connection.profile, access_key_id=keys.access_key_id)
        connection = Connection(profile, keys, unlocked=own_connection.unlocked)
        self._opened.append(ClientFactory(connection))
        return self._opened[-1]

    def _bucket(self, rotation: Rotation, work: Work) -> str:
        own = self._clients.connection.profile.bucket
        return self._current(self._clients, rotation, work).bucket or own

    def _connection(self, secret: StorageSecret) -> Connection:
        profile = self._clients.connection.profile
        return connection_of(profile, secret.keys, secret.bucket, secret.region)

    def _current(self, clients: ClientFactory, rotation: Rotation, work: Work) -> StorageSecret:
        value = SecretsManager(clients=clients).read(rotation.secret, work=work)
        return read_secret(rotation.secret, value.text)

    def _new_secret(self, rotation: Rotation, work: Work) -> StorageSecret:
        return read_secret(rotation.secret, new_text(self._clients, rotation, work))


def _replacements(rotation: Rotation, old: Secret, new: AccessKeys) -> tuple[Replacement, ...]:
    before = read_secret(rotation.secret, old).keys
    old_id = Secret(before.access_key_id, remembered=False)
    new_id = Secret(new.access_key_id, remembered=False)
    # In a URL the secret key is next to the old key id, or to the new one if that was replaced.
    return (
        Replacement(KEY_ID, old_id, new_id, identifier=True),
        Replacement(KEY_SECRET, before.secret_access_key, new.secret_access_key),
    )


def _test_name(rotation: Rotation) -> str:
    return f"rotation-{rotation.id[:8]}"
