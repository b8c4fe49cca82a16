"""Checks before the rotation of an access key: its user, other keys, and permissions."""

from __future__ import annotations

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.identity import identity
from core.errors import (
    AccessDenied,
    Conflict,
    CredentialsInvalid,
    NotSupported,
    ScheduledForDeletion,
    StorageError,
)
from core.model.identity import Identity
from core.model.rotation import Facts, Rotation
from core.model.secrets import SecretValue
from core.rotation import iam_keys, stages
from core.rotation.iam_keys import KeyInfo
from core.rotation.iam_secret import StorageSecret, read_secret
from core.rotation.key_proof import owner_of_keys
from core.rotation.strategy import CheckResult
from core.units import format_age
from core.work import Work

#: IAM actions of a rotation, which are simulated first if that is permitted.
IAM_ACTIONS = (
    "iam:ListAccessKeys",
    "iam:CreateAccessKey",
    "iam:UpdateAccessKey",
    "iam:DeleteAccessKey",
    "iam:GetAccessKeyLastUsed",
)


def examine(
    clients: ClientFactory, rotation: Rotation, current: SecretValue, work: Work
) -> CheckResult:
    """Check the secret, the user and the permissions, without changes.

    Raises:
        Conflict: another rotation is running, or the user does not have exactly one active key.
        StorageError: a request failed, or a permission is missing.
    """
    now = stages.describe(clients, rotation.secret, work)
    if now.deleted:
        raise ScheduledForDeletion(
            f"{rotation.secret} is scheduled for deletion",
            remedy="Restore the secret, then rotate it.",
            subject=rotation.secret,
        )
    # Before the other checks, which would be useless while another rotation runs.
    stages.check_free(clients, rotation, work)
    secret = read_secret(rotation.secret, current.text)
    user, arn, notes = _owner(clients, secret, work)
    keys = iam_keys.list_keys(clients, user, work)
    _check_keys(keys, secret.keys.access_key_id, user)
    notes += _simulated(clients, arn, work)
    old = keys[0]
    facts = Facts(
        user=user,
        user_arn=arn,
        old_key_id=old.id,
        keys_before=(old.id,),
        old_version=current.version_id,
    )
    return CheckResult(
        facts, f"{user} has one key, {old.id}, created {format_age(old.created)}", notes
    )


def _owner(
    clients: ClientFactory, secret: StorageSecret, work: Work
) -> tuple[str, str, tuple[str, ...]]:
    """Return name and ARN of the user, from the key itself or from IAM if the key is invalid."""
    profile = clients.connection.profile
    try:
        who = owner_of_keys(profile, secret.keys, secret.bucket, secret.region, work)
    # A refused key can be rotated as well, so its user is taken from IAM.
    except CredentialsInvalid:
        user = iam_keys.last_used(clients, secret.keys.access_key_id, work).user
        return user, "", ("AWS already refuses the current key",)
    return _user_of(who), who.arn, ()


def _user_of(who: Identity) -> str:
    if ":user/" not in who.arn:
        raise NotSupported(
            "Only the access key of an IAM user can be rotated",
            cause=f"The key in the secret belongs to {who.arn}.",
            remedy="Store the key of an IAM user in the secret, or use the temporary keys of the "
            "role.",
            subject=who.arn,
        )
    return who.arn.rpartition("/")[2]


def _check_keys(keys: tuple[KeyInfo, ...], current: str, user: str) -> None:
    others = [key for key in keys if key.id != current]
    if others:
        listed = " ".join(
            f"The key {key.id} is active and was created {format_age(key.created)}."
            if key.active
            else f"The key {key.id} is inactive and was created {format_age(key.created)}."
            for key in others
        )
        raise Conflict(
            f"{user} has a second access key",
            cause=f"{listed} A user can have at most two, so a new key cannot be created.",
            remedy="Check with the doctor whether it is in use; delete it, then rotate.",
            subject=user,
        )
    if not keys:
        raise Conflict(
            f"The secret's key {current} is not one of {user}'s",
            cause="The key was deleted, or belongs to another account.",
            remedy="Create a key for the user and store it in the secret.",
            subject=user,
        )


def _simulated(clients: ClientFactory, arn: str, work: Work) -> tuple[str, ...]:
    """Simulate the following requests in IAM; a denied simulation is reported as a text.

    Raises:
        AccessDenied: an action would be denied.
    """
    who = identity(clients, work=work)
    work.check()
    try:
        with translated("iam:SimulatePrincipalPolicy", who.arn, work):
            answer = clients.iam().simulate_principal_policy(
                PolicySourceArn=who.arn,
                ActionNames=list(IAM_ACTIONS),
                **({"ResourceArns": [arn]} if arn else {}),
            )
    except StorageError:  # the simulation itself was denied
        return ("Permissions on IAM could not be tested in advance",)
    for result in answer.get("EvaluationResults", ()):
        if result.get("EvalDecision") != "allowed":
            action = str(result.get("EvalActionName", ""))
            raise AccessDenied(
                f"{action} is not allowed",
                cause=f"The result of IAM's simulation for {who.arn} is "
                f"{result.get('EvalDecision')}.",
                remedy="Ask an administrator to grant it, or rotate with another profile.",
                subject=arn,
                action=action,
            )
    return ()
