"""Rotation by AWS, for secrets with managed rotation: it is started and observed.

AWS's function creates, sets and tests the new value; only the version stages are visible here.
Source: Secrets Manager API reference, RotateSecret; user guide, "Rotation function".
"""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import ClassVar, Self

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import Conflict, ErrorKind, NotSupported, ServiceError, StorageError
from core.model.rotation import Facts, Rotation, RotationKind, Step
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.rotation import stages
from core.rotation.copies import Replacement
from core.rotation.secret_fields import fields
from core.rotation.strategy import CheckResult, NotUndoable, Setup, StepResult, before_first_change
from core.work import Work

#: Seconds for which AWS's function is observed (it may run 15 minutes), between two requests, and
#: until a started rotation becomes visible.
_WATCH_SECONDS = 300.0
_PAUSE = 2.0
_SHOW_SECONDS = 20.0
_PASSWORD = "password"  # noqa: S105 - the name of a field


class ManagedStrategy:
    """The steps of a rotation that AWS runs; the new version has the id of the rotation."""

    kind: ClassVar[RotationKind] = RotationKind.MANAGED
    values_entered: ClassVar[bool] = False
    steps: ClassVar[tuple[Step, ...]] = (Step.PREFLIGHT, Step.APPLY, Step.PROMOTE)

    def __init__(
        self,
        clients: ClientFactory,
        *,
        watch_seconds: float = _WATCH_SECONDS,
        show_seconds: float = _SHOW_SECONDS,
        pause: float = _PAUSE,
    ) -> None:
        self._clients = clients
        self._watch, self._show, self._pause = watch_seconds, show_seconds, pause

    @classmethod
    def create(cls, setup: Setup) -> Self:
        """Return the strategy for one rotation; see `Strategy`."""
        return cls(setup.clients)

    @classmethod
    def matches(cls, secret: str, fields: Collection[str]) -> bool:  # noqa: ARG003 - the protocol's
        """Whether the secret is rotated by AWS: its settings decide that, not its fields."""
        return False

    def do(self, step: Step, rotation: Rotation, work: Work) -> StepResult:
        """Run one step; see `Strategy`."""
        if step is Step.PREFLIGHT:
            with before_first_change():
                found = self._check_ready(rotation, work)
            return StepResult(found.facts, found.detail)
        if step is Step.APPLY:
            return self._start(rotation, work)
        return self._wait(rotation, work)

    def rolls_back(self, step: Step, error: StorageError) -> bool:  # noqa: ARG002 - the protocol's
        """Return False: AWS retries, so nothing is undone."""
        return False

    def examine(
        self,
        rotation: Rotation,
        current: SecretValue,  # noqa: ARG002 - the protocol's
        work: Work,
    ) -> CheckResult:
        """Check whether AWS would begin; nothing is changed.

        Raises:
            NotSupported: managed rotation is disabled.
            Conflict: an earlier rotation is not finished, so AWS would refuse.
        """
        return self._check_ready(rotation, work)

    def close(self) -> None:
        """Do nothing: the strategy has no separate clients."""

    def _check_ready(self, rotation: Rotation, work: Work) -> CheckResult:
        """Check the state before AWS begins, and return it.

        Raises:
            NotSupported: managed rotation is disabled.
            Conflict: an earlier rotation is not finished, so AWS would refuse.
        """
        now = stages.describe(self._clients, rotation.secret, work)
        if not now.rotation_enabled:
            raise NotSupported(
                f"Managed rotation of {rotation.secret} is disabled",
                remedy="Start again; Strongroom will then rotate the secret itself.",
                subject=rotation.secret,
            )
        if now.pending not in {"", now.current, rotation.id}:
            raise Conflict(
                f"An earlier rotation of {rotation.secret} is not finished",
                cause=f"AWSPENDING is on version {now.pending}; AWS refuses to start another "
                "rotation.",
                remedy="Check the log of AWS's function, or discard it with the doctor.",
                subject=rotation.secret,
            )
        return CheckResult(Facts(old_version=now.current), "managed rotation is enabled")

    def _start(self, rotation: Rotation, work: Work) -> StepResult:
        """Send one request; if its answer is lost, the stages show whether AWS has received it."""
        if self._has_begun(rotation, work):
            return StepResult(rotation.facts, "AWS has already begun")
        lost: StorageError | None = None
        try:
            with translated("secretsmanager:RotateSecret", rotation.secret, work):
                # Sent once: a repetition after a lost answer could start a second rotation.
                self._clients.secrets(once=True).rotate_secret(
                    SecretId=rotation.secret, ClientRequestToken=rotation.id
                )
        except StorageError as error:
            if error.kind not in {ErrorKind.OFFLINE, ErrorKind.SERVICE}:
                raise  # AWS has refused the request, so it has not begun
            lost = error
        self._wait_until_begun(rotation, lost, work)
        return StepResult(rotation.facts, f"AWS creates version {rotation.id}")

    def _wait_until_begun(self, rotation: Rotation, lost: StorageError | None, work: Work) -> None:
        end = time.monotonic() + self._show
        while not self._has_begun(rotation, work):
            if time.monotonic() >= end:
                if lost is None:
                    return  # the request was accepted; AWS's function may start later
                raise lost
            work.token.wait(self._pause)

    def _has_begun(self, rotation: Rotation, work: Work) -> bool:
        return rotation.id in stages.describe(self._clients, rotation.secret, work).labels

    def _wait(self, rotation: Rotation, work: Work) -> StepResult:
        end = time.monotonic() + self._watch
        while True:
            now = stages.describe(self._clients, rotation.secret, work)
            if now.current == rotation.id:
                return StepResult(rotation.facts, "AWS has moved AWSCURRENT to the new version")
            if now.current != rotation.facts.old_version:
                raise stages.overtaken(self._clients, rotation, now, work)
            if time.monotonic() >= end:
                raise self._unfinished(rotation, now)
            work.token.wait(self._pause)

    def _unfinished(self, rotation: Rotation, now: stages.Stages) -> StorageError:
        seconds = f"{self._watch:.0f}"
        return ServiceError(
            f"AWS has not finished rotating {rotation.secret}",
            cause=f"After {seconds} s its function has begun but not finished; readers get the old "
            "value."
            if now.pending == rotation.id
            else f"After {seconds} s its function has not begun; readers get the old value.",
            remedy="Resume to continue waiting. If it does not finish, check the log of the "
            "function.",
            subject=rotation.secret,
        )

    def replacements(self, rotation: Rotation, text: Secret) -> tuple[Replacement, ...]:
        """Return the password, whose copies AWS's function does not replace."""
        password = fields(rotation, text).get(_PASSWORD)
        if not (isinstance(password, str) and password):
            return ()
        return (Replacement(_PASSWORD, Secret(password), Secret(password)),)

    def undo(self, rotation: Rotation, work: Work) -> Facts:
        """Stop observing. The actions of AWS's function are not undone.

        Raises:
            NotUndoable: the new value is current.
        """
        now = stages.describe(self._clients, rotation.secret, work)
        if now.current == rotation.id:
            raise NotUndoable(
                "AWS has rotated the secret",
                cause="Its function has also set the new value in the target system.",
                remedy="Resume to finish. To revert it, roll the secret back and set the old value "
                "there.",
                subject=rotation.secret,
            )
        return rotation.facts
