"""`Rotator`: plan, start, resume and undo the rotation of a secret."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from core.aws.clients import ClientFactory
from core.aws.identity import identity
from core.effects import states_effect
from core.errors import Conflict, InvalidInput, NotFound, NotSupported, StorageError
from core.model.rotation import (
    Copy,
    Facts,
    Outcome,
    Problem,
    Rotation,
    RotationKind,
    RotationPlan,
    RotationTiming,
    Step,
    StepRecord,
)
from core.model.secret_names import BACKUP_KEY_FIELD
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.rotation import copies, location, stages
from core.rotation.journal import RotationJournal
from core.rotation.local_keys import LocalKeys
from core.rotation.machine import Machine
from core.rotation.step_texts import planned_step
from core.rotation.strategies import STRATEGIES, steps_of, strategy_of
from core.rotation.strategy import CheckResult, Setup, Strategy
from core.secrets import secret_text
from core.storage.aws_secrets_manager import SecretsManager
from core.units import format_moment, utc_now
from core.work import Work, default_work


class Rotator:
    """Rotation of the secrets of one connection.

    Args:
        clients: clients with an administrator's permissions.
        local: the profiles of this machine that get the new key; None leaves them unchanged.
        journal: the storage of rotations.
        timing: time limits and grace periods.
        clock: function that returns the current time in UTC.
    """

    def __init__(
        self,
        clients: ClientFactory,
        *,
        local: LocalKeys | None = None,
        journal: RotationJournal | None = None,
        timing: RotationTiming | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._clients, self._local = clients, local
        self._journal = journal or RotationJournal()
        self._timing = timing or RotationTiming()
        self._clock = clock

    def kind_of(self, secret: str, *, work: Work | None = None) -> RotationKind:
        """Return the kind of rotation of a secret.

        Raises:
            NotSupported: Strongroom cannot rotate this secret.
            StorageError: the secret cannot be read.
        """
        work = default_work(work)
        # First, whatever the fields are: AWS's function and a rotation of Strongroom would change
        # the same secret.
        if stages.describe(self._clients, secret, work).rotation_enabled:
            return RotationKind.MANAGED
        value = SecretsManager(clients=self._clients).read(secret, work=work)
        secret_text.check_is_text(value)
        return kind_of_value(secret, value.text)

    def fields_of(self, secret: str, *, work: Work | None = None) -> tuple[str, ...]:
        """Return the names of the fields of a secret, in order.

        Raises:
            StorageError: the secret cannot be read, or has no fields.
        """
        text = SecretsManager(clients=self._clients).read(secret, work=work).text
        return tuple(secret_text.parsed(secret, text.reveal()))

    def plan(self, secret: str, *, work: Work | None = None) -> RotationPlan:
        """Return the plan of a rotation and its obstacles, without changes.

        Raises:
            StorageError: the secret cannot be read or rotated.
        """
        work = default_work(work)
        self._clients.require_writable(f"Rotating {secret}")
        rotation = self._new(secret, work)
        steps = tuple(planned_step(rotation.kind, record.step) for record in rotation.steps)
        examined = CheckResult(Facts(), "")
        problem: Problem | None = None
        current = SecretsManager(clients=self._clients).read(secret, work=work)
        # An obstacle belongs to the plan, so it is part of the result and not an error.
        strategy = self._strategy(rotation.kind)
        try:
            self._check_no_other(rotation)
            examined = strategy.examine(rotation, current, work)
        except StorageError as error:
            problem = Problem.of(error)
        found = self._copies(strategy, rotation, current)
        fields = self.fields_of(secret, work=work) if strategy.values_entered else ()
        return RotationPlan(
            kind=rotation.kind,
            secret=secret,
            by=rotation.by,
            facts=examined.facts,
            steps=steps,
            found=examined.detail,
            notes=examined.notes,
            problem=problem,
            fields=fields,
            copies=found,
        )

    @states_effect("changed")
    def start(
        self,
        secret: str,
        *,
        values: Mapping[str, Secret] | None = None,
        now: frozenset[Step] = frozenset(),
        keep_copies: bool = False,
        work: Work | None = None,
    ) -> Rotation:
        """Start a rotation and run it to its end, a failure, or its grace period.

        Args:
            secret: the name of the secret.
            values: the new fields, for secrets whose values the user supplies.
            now: steps that do not wait for their grace period.
            keep_copies: do not change other fields that contain the old value.
            work: cancel token; the states of the rotation are reported as batches.

        Raises:
            Conflict: an earlier rotation is not finished, or the secret is being rotated.
            StorageError: the secret cannot be read or rotated.
        """
        work = default_work(work)
        self._clients.require_writable(f"Rotating {secret}")
        rotation = replace(self._new(secret, work), keep_copies=keep_copies)
        with self._journal.locked(location.lock_name(rotation)):
            # The lock ends with its process, but an unfinished rotation does not.
            self._check_no_other(rotation)
            with self._machine(rotation, now, values) as machine:
                return machine.run(rotation, work)

    @states_effect("changed")
    def resume(
        self,
        rotation: Rotation,
        *,
        values: Mapping[str, Secret] | None = None,
        now: frozenset[Step] = frozenset(),
        work: Work | None = None,
    ) -> Rotation:
        """Continue a rotation that stopped, waits, or was being undone.

        Raises:
            InvalidInput: the rotation is finished, or belongs to another account.
            Conflict: the rotation is running.
        """
        work = default_work(work)
        with self._reopened(rotation, work) as found, self._machine(found, now, values) as machine:
            return machine.run(found, work)

    @states_effect("changed")
    def undo(self, rotation: Rotation, *, work: Work | None = None) -> Rotation:
        """Undo a rotation.

        Raises:
            InvalidInput: the rotation is finished, or belongs to another account.
            Conflict: the rotation is running.
        """
        work = default_work(work)
        nothing: frozenset[Step] = frozenset()
        with (
            self._reopened(rotation, work) as found,
            self._machine(found, nothing, None) as machine,
        ):
            return machine.undo(found, work)

    def adopt(self, rotation: Rotation) -> Rotation:
        """Store a rotation that was started elsewhere in the journal, so that it can be resumed.

        Raises:
            Conflict: a rotation of the same secret is unfinished on this machine.
        """
        with self._journal.locked(location.lock_name(rotation)):
            self._check_no_other(rotation)
            self._journal.write(rotation)
        return rotation

    def unfinished(self) -> tuple[Rotation, ...]:
        """Return the rotations of this machine that are not finished, oldest first."""
        return tuple(rotation for rotation in self._journal.read() if rotation.outcome.open)

    def unfinished_here(
        self, secret: str = "", *, work: Work | None = None
    ) -> tuple[Rotation, ...]:
        """Return the unfinished rotations of this connection's account and region, oldest first.

        Other accounts and regions have secrets of the same name, so the name is not sufficient.

        Args:
            secret: the name of a secret; by default the rotations of all secrets are returned.
            work: cancel token.

        Raises:
            StorageError: the account cannot be determined; it is only requested if necessary.
        """
        endpoint, region = self._clients.endpoint_url or "", self._clients.region
        found = tuple(
            each
            for each in self.unfinished()
            if each.endpoint == endpoint
            and each.region in {"", region}
            and secret in {"", each.secret}
        )
        if not found:
            return ()
        account = identity(self._clients, work=work).account
        return tuple(each for each in found if each.account == account)

    def history(self) -> tuple[Rotation, ...]:
        """Return all rotations of this machine, oldest first."""
        return self._journal.read()

    def find(self, secret: str, *, work: Work | None = None) -> Rotation:
        """Return the unfinished rotation of a secret.

        Raises:
            NotFound: there is no unfinished rotation on this machine.
            StorageError: the account cannot be determined.
        """
        found = self.unfinished_here(secret, work=work)
        if found:
            return found[-1]
        raise NotFound(
            f"There is no unfinished rotation of {secret}",
            cause="The journal of this machine does not contain one.",
            remedy="Start a rotation. If another machine left one unfinished, run the doctor.",
            subject=secret,
        )

    def _copies(
        self, strategy: Strategy, rotation: Rotation, current: SecretValue
    ) -> tuple[Copy, ...]:
        """Return the other places of a rotated value; none if they cannot be determined."""
        try:
            return copies.find(current.text, strategy.replacements(rotation, current.text))
        except StorageError:  # the plan already reports the problem
            return ()

    def _new(self, secret: str, work: Work) -> Rotation:
        kind = self.kind_of(secret, work=work)
        who = identity(self._clients, work=work)
        now = self._clock()
        return Rotation(
            id=str(uuid4()),
            kind=kind,
            secret=secret,
            started=now,
            updated=now,
            profile=self._clients.connection.profile.name,
            account=who.account,
            endpoint=self._clients.endpoint_url or "",
            region=self._clients.region,
            by=who.arn,
            steps=tuple(StepRecord(step) for step in steps_of(kind)),
        )

    def _check_no_other(self, rotation: Rotation) -> None:
        for other in self.unfinished():
            if location.same_secret(other, rotation):
                raise Conflict(
                    f"A rotation of {rotation.secret} is not finished",
                    cause=_state_text(other),
                    remedy="Resume or undo that rotation.",
                    subject=rotation.secret,
                )

    @contextmanager
    def _reopened(self, rotation: Rotation, work: Work) -> Iterator[Rotation]:
        """Lock the secret of a rotation, and yield the current state of the rotation."""
        self._clients.require_writable(f"Continuing the rotation of {rotation.secret}")
        with self._journal.locked(location.lock_name(rotation)):
            # Read again under the lock: another process may have continued it in the meantime.
            now = next((each for each in self._journal.read() if each.id == rotation.id), None)
            if now is None or not now.outcome.open:
                raise InvalidInput(
                    f"The rotation of {rotation.secret} is finished",
                    cause=f"The rotation is {now.outcome.value}."
                    if now
                    else "Its journal no longer exists.",
                    remedy="Start a new rotation.",
                    subject=rotation.secret,
                )
            # The account is checked by a request: a profile may have got keys of another account
            # since.
            account = identity(self._clients, work=work).account
            location.check_location(now, account, self._clients.region)
            yield now

    @contextmanager
    def _machine(
        self, rotation: Rotation, now: frozenset[Step], values: Mapping[str, Secret] | None
    ) -> Iterator[Machine]:
        strategy = self._strategy(rotation.kind, now, values)
        try:
            yield Machine(strategy, self._journal, clock=self._clock)
        finally:
            strategy.close()

    def _strategy(
        self,
        kind: RotationKind,
        now: frozenset[Step] = frozenset(),
        values: Mapping[str, Secret] | None = None,
    ) -> Strategy:
        setup = Setup(
            self._clients,
            local=self._local,
            timing=self._timing,
            now=now,
            values=values or {},
            clock=self._clock,
        )
        return strategy_of(kind).create(setup)


def _state_text(rotation: Rotation) -> str:
    began = format_moment(rotation.started)
    if rotation.outcome is Outcome.RUNNING:
        return f"It began {began} and is running elsewhere on this machine, or was interrupted."
    return f"It began {began} and is {rotation.outcome.value}."


def kind_of_value(secret: str, text: Secret) -> RotationKind:
    """Return the kind of rotation by the fields of a secret, and by its name where they fit two.

    Raises:
        Corrupt: the text has no fields.
        NotSupported: Strongroom cannot rotate this secret itself.
    """
    fields = frozenset(secret_text.parsed(secret, text.reveal()))
    # The order matters: the first strategy that matches is used.
    for strategy in STRATEGIES:
        if strategy.matches(secret, fields):
            return strategy.kind
    if BACKUP_KEY_FIELD in fields:
        raise NotSupported(
            f"{secret} is the key of backups, which is never rotated",
            cause="Backups that were encrypted with it can only be read with it.",
            remedy="Create a key with another name for further backups, and do not change this one.",
            subject=secret,
        )
    raise NotSupported(
        f"Strongroom does not know how to rotate {secret}",
        cause="The secret contains neither an AWS access key, nor a database login, nor exchange "
        "keys.",
        remedy="Change its value in the form, or enable managed rotation in AWS.",
        subject=secret,
    )


def problem_of(rotation: Rotation) -> StorageError | None:
    """Return the error of a rotation that did not succeed, else None."""
    if rotation.outcome in {Outcome.DONE, Outcome.WAITING, Outcome.RUNNING}:
        return None
    return rotation.problem.error() if rotation.problem else None
