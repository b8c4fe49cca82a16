"""Rotation by AWS itself: where a secret's own rotation is turned on, it is started and watched.

AWS's function makes, sets and tests the new value; what is seen from here are the labels.
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
from core.rotation.strategy import Done, Examined, NotUndoable, Setup, before_first_change
from core.work import Work

#: Seconds: how long AWS's function is watched (it may run 15 minutes, and is quick as a rule),
#: how often it is asked, and how long a started rotation may take to show.
_WATCH_SECONDS = 300.0
_PAUSE = 2.0
_SHOW_SECONDS = 20.0
_PASSWORD = "password"  # noqa: S105 - the name of a field


class ManagedStrategy:
    """Steps of one rotation that AWS carries out; its version has the rotation's id."""

    kind: ClassVar[RotationKind] = RotationKind.MANAGED
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

    def do(self, step: Step, rotation: Rotation, work: Work) -> Done:
        """Run one step; see `Strategy`."""
        if step is Step.PREFLIGHT:
            with before_first_change():
                found = self._check_ready(rotation, work)
            return Done(found.facts, found.detail)
        if step is Step.APPLY:
            return self._start(rotation, work)
        return self._wait(rotation, work)

    def rolls_back(self, step: Step, error: StorageError) -> bool:  # noqa: ARG002 - the protocol's
        """AWS tries again by itself; nothing is taken back."""
        return False

    def examine(
        self,
        rotation: Rotation,
        current: SecretValue,  # noqa: ARG002 - the protocol's
        work: Work,
    ) -> Examined:
        """Check whether AWS would begin; nothing is changed.

        Raises:
            NotSupported: AWS's rotation is off.
            Conflict: an earlier one is not finished, so AWS would refuse.
        """
        return self._check_ready(rotation, work)

    def close(self) -> None:
        """Do nothing: no clients of its own are open."""

    def _check_ready(self, rotation: Rotation, work: Work) -> Examined:
        """Return what is known before AWS begins.

        Raises:
            NotSupported: AWS's rotation is off.
            Conflict: an earlier one is not finished, so AWS would refuse.
        """
        now = stages.describe(self._clients, rotation.secret, work)
        if not now.rotation_enabled:
            raise NotSupported(
                f"AWS's own rotation of {rotation.secret} is off",
                remedy="Start again; Strongroom rotates it by itself then.",
                subject=rotation.secret,
            )
        if now.pending not in {"", now.current, rotation.id}:
            raise Conflict(
                f"An earlier rotation of {rotation.secret} is not finished",
                cause=f"AWSPENDING sits on version {now.pending}; AWS refuses to start another.",
                remedy="Look into the log of AWS's function, or let the doctor discard it.",
                subject=rotation.secret,
            )
        return Examined(Facts(old_version=now.current), "AWS's own rotation is on")

    def _start(self, rotation: Rotation, work: Work) -> Done:
        """Ask AWS once; if the answer is lost, the labels tell whether it was heard."""
        if self._heard(rotation, work):
            return Done(rotation.facts, "AWS has begun already")
        lost: StorageError | None = None
        try:
            with translated("secretsmanager:RotateSecret", rotation.secret, work):
                self._clients.secrets(once=True).rotate_secret(
                    SecretId=rotation.secret, ClientRequestToken=rotation.id
                )
        except StorageError as error:
            if error.kind not in {ErrorKind.OFFLINE, ErrorKind.SERVICE}:
                raise  # a clear no
            lost = error
        self._until_heard(rotation, lost, work)
        return Done(rotation.facts, f"AWS makes version {rotation.id}")

    def _until_heard(self, rotation: Rotation, lost: StorageError | None, work: Work) -> None:
        end = time.monotonic() + self._show
        while not self._heard(rotation, work):
            if time.monotonic() >= end:
                if lost is None:
                    return  # AWS said yes; it may take a while until its function begins
                raise lost
            work.token.wait(self._pause)

    def _heard(self, rotation: Rotation, work: Work) -> bool:
        return rotation.id in stages.describe(self._clients, rotation.secret, work).labels

    def _wait(self, rotation: Rotation, work: Work) -> Done:
        end = time.monotonic() + self._watch
        while True:
            now = stages.describe(self._clients, rotation.secret, work)
            if now.current == rotation.id:
                return Done(rotation.facts, "AWS has moved AWSCURRENT to the new version")
            if now.current != rotation.facts.old_version:
                raise stages.overtaken(self._clients, rotation, now, work)
            if time.monotonic() >= end:
                raise self._unfinished(rotation, now)
            work.token.wait(self._pause)

    def _unfinished(self, rotation: Rotation, now: stages.Stages) -> StorageError:
        where = "has begun" if now.pending == rotation.id else "has not begun"
        return ServiceError(
            f"AWS has not finished rotating {rotation.secret}",
            cause=f"After {self._watch:.0f} s of watching its function {where}; readers get the "
            "old value.",
            remedy="Resume to watch on. If it stays so, look into the function's log.",
            subject=rotation.secret,
        )

    def replacements(self, rotation: Rotation, text: Secret) -> tuple[Replacement, ...]:
        """Return the password, whose copies AWS's function may not know."""
        password = fields(rotation, text).get(_PASSWORD)
        if not (isinstance(password, str) and password):
            return ()
        return (Replacement(_PASSWORD, Secret(password), Secret(password)),)

    def undo(self, rotation: Rotation, work: Work) -> Facts:
        """End the watching. What AWS has done is not taken back, nor what it is doing.

        Raises:
            NotUndoable: the new value is current.
        """
        now = stages.describe(self._clients, rotation.secret, work)
        if now.current == rotation.id:
            raise NotUndoable(
                "AWS has rotated the secret",
                cause="Its function has set the new value where it is used, too.",
                remedy="Resume to finish. To go back, roll the secret back and set the old value "
                "there.",
                subject=rotation.secret,
            )
        return rotation.facts
