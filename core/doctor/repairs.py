"""Repairs of the doctor: each checks the state again, and never changes the current key."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from core.aws.clients import ClientFactory
from core.aws.identity import identity
from core.doctor.takeover import adopted_steps, is_database
from core.effects import states_effect
from core.errors import Conflict, InvalidInput
from core.model.doctor import Finding, Repair, RepairKind
from core.model.rotation import (
    Facts,
    Outcome,
    Rotation,
    RotationKind,
    Step,
    StepRecord,
    StepState,
)
from core.rotation import iam_keys, stages
from core.rotation.iam_secret import read_secret
from core.rotation.key_proof import owner_of_keys
from core.rotation.service import Rotator, problem_of
from core.rotation.strategies import steps_of
from core.storage.aws_secrets_manager import SecretsManager
from core.units import utc_now
from core.work import Work, default_work

_STEPS_DONE_ELSEWHERE = (Step.PREFLIGHT, Step.CREATE, Step.STAGE)


class Repairer:
    """Executor of the repairs of a finding."""

    def __init__(self, clients: ClientFactory, rotator: Rotator | None = None) -> None:
        self._clients = clients
        self._rotator = rotator or Rotator(clients)

    @states_effect("changed")
    def repair(self, finding: Finding, repair: Repair, *, work: Work | None = None) -> str:
        """Repair a finding, and return a text about the result.

        Raises:
            Conflict: the state has changed since the finding; no repair was made.
            StorageError: a request was denied or failed.
        """
        work = default_work(work)
        self._clients.require_writable(repair.title)
        if repair not in finding.repairs:
            raise InvalidInput(
                f"{repair.title} does not repair this finding",
                remedy="Choose one of the available repairs.",
            )
        if repair.kind in {RepairKind.RESUME, RepairKind.UNDO, RepairKind.CONTINUE}:
            return self._rotation(finding, repair.kind, work)
        if repair.kind is RepairKind.DISCARD:
            stages.discard_pending(self._clients, finding.secret, finding.subject, work)
            return f"AWSPENDING was removed from version {finding.subject}"
        if repair.kind is RepairKind.RESTORE:
            SecretsManager(clients=self._clients).restore_secret(finding.secret, work=work)
            return f"{finding.secret} is restored"
        return self._key(finding, repair.kind, work)

    def _rotation(self, finding: Finding, kind: RepairKind, work: Work) -> str:
        if kind is RepairKind.CONTINUE:
            rotation = self._rotator.adopt(adopted(self._clients, finding, work))
        else:
            rotation = self._rotator.find(finding.secret, work=work)
        if kind is RepairKind.UNDO:
            rotation = self._rotator.undo(rotation, work=work)
        else:
            rotation = self._rotator.resume(rotation, work=work)
        # A rotation records its failure instead of raising it; the caller of a repair needs an
        # error.
        problem = problem_of(rotation)
        if problem is not None and rotation.outcome is not Outcome.UNDONE:
            raise problem
        return f"the rotation of {finding.secret} is {rotation.outcome.value}"

    def _key(self, finding: Finding, kind: RepairKind, work: Work) -> str:
        # Activation takes access from no program, so it needs no further check.
        if kind is RepairKind.ACTIVATE:
            iam_keys.set_active(
                self._clients, finding.user, finding.subject, active=True, work=work
            )
            return f"key {finding.subject} is active"
        self._check_spare(finding, work)  # minutes may have passed since the examination
        if kind is RepairKind.DEACTIVATE:
            iam_keys.set_active(
                self._clients, finding.user, finding.subject, active=False, work=work
            )
            return f"key {finding.subject} is deactivated"
        iam_keys.delete_key(self._clients, finding.user, finding.subject, work)
        return f"key {finding.subject} is deleted"

    def _check_spare(self, finding: Finding, work: Work) -> None:
        """Check that the key has not become the current one."""
        value = SecretsManager(clients=self._clients).read(finding.secret, work=work)
        if read_secret(finding.secret, value.text).keys.access_key_id == finding.subject:
            raise Conflict(
                f"Key {finding.subject} is now the current key",
                cause=f"{finding.secret} was changed after the examination.",
                remedy="Run the examination again.",
                subject=finding.secret,
            )


def adopted(clients: ClientFactory, finding: Finding, work: Work) -> Rotation:
    """Return a rotation of another machine whose new key is staged, to continue it here.

    Raises:
        Conflict: the version stages have changed since the finding.
        InvalidInput: the id of the pending version is not that of a Strongroom rotation.
    """
    now = stages.describe(clients, finding.secret, work)
    if now.pending != finding.subject or now.pending == now.current:
        raise Conflict(
            f"AWSPENDING of {finding.secret} has moved to another version",
            remedy="Run the examination again.",
        )
    manager = SecretsManager(clients=clients)
    text = manager.read(finding.secret, version_id=now.pending, work=work).text
    if is_database(text):
        return _adopted_database(clients, finding, now, work)
    new = read_secret(finding.secret, text)
    old = read_secret(finding.secret, manager.read(finding.secret, work=work).text)
    profile = clients.connection.profile
    arn = owner_of_keys(profile, new.keys, new.bucket, new.region, work).arn
    rotation = _stopped(clients, finding, now, RotationKind.IAM_KEY, work)
    rotation = replace(
        rotation,
        steps=tuple(StepRecord(step) for step in steps_of(RotationKind.IAM_KEY)),
        facts=Facts(
            user=arn.rpartition("/")[2],
            user_arn=arn,
            old_key_id=old.keys.access_key_id,
            new_key_id=new.keys.access_key_id,
            # The pending key is not in it, so that an undo deletes it as a key of this rotation.
            keys_before=(old.keys.access_key_id,),
            old_version=now.current,
        ),
    )
    moment = rotation.updated
    for step in _STEPS_DONE_ELSEWHERE:
        # The machine that began the rotation has done them, otherwise there would be no pending
        # key.
        done = StepRecord(step, StepState.DONE, moment, moment, "done before; continued here")
        rotation = rotation.with_step(done)
    return rotation


def _adopted_database(
    clients: ClientFactory, finding: Finding, now: stages.Stages, work: Work
) -> Rotation:
    rotation = _stopped(clients, finding, now, RotationKind.DATABASE, work)
    return replace(
        rotation,
        steps=adopted_steps(rotation.updated),
        facts=Facts(old_version=now.current),
    )


def _stopped(
    clients: ClientFactory, finding: Finding, now: stages.Stages, kind: RotationKind, work: Work
) -> Rotation:
    """Return a stopped rotation of the pending version, without steps and facts."""
    who, moment = identity(clients, work=work), utc_now()
    return Rotation(
        id=_token(now.pending),
        kind=kind,
        secret=finding.secret,
        started=finding.since or moment,
        updated=moment,
        profile=clients.connection.profile.name,
        account=who.account,
        endpoint=clients.endpoint_url or "",
        region=clients.region,
        by=who.arn,
        outcome=Outcome.STOPPED,
    )


def _token(version: str) -> str:
    try:
        return str(UUID(version))
    except ValueError:
        raise InvalidInput(
            "This rotation cannot be continued here",
            cause=f"The id of its version {version} does not have the form of Strongroom.",
            remedy="Discard AWSPENDING and rotate again.",
            subject=version,
        ) from None
