"""Version stages of a rotation: claim, fill, promote and release AWSPENDING.

AWSPENDING is claimed first, by a call that AWS refuses if the stage is attached to another version
(UpdateSecretVersionStage without RemoveFromVersionId), so at most one rotation creates a key or a
password. The claiming version contains a copy of the current value, so that readers of AWSPENDING
get a valid value. Then the new value is stored with the id of the rotation, and AWSPENDING moves to
it.

Source: API reference of UpdateSecretVersionStage, PutSecretValue and RotateSecret.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.errors import AlreadyExists, Conflict, InvalidInput, NotFound, StorageError
from core.model.rotation import Rotation
from core.model.secret_names import CURRENT, OWN_LABEL, PENDING, own_label
from core.model.secrets import SecretValue
from core.redaction import Secret
from core.rotation.strategy import Overtaken
from core.storage.aws_secrets_manager import SecretsManager
from core.units import format_moment
from core.work import Work

#: Error codes of AWS for a stage that is attached to another version.
_MISPLACED = (InvalidInput, Conflict, NotFound, AlreadyExists)
#: Number of further reads for a label that was just set, and the seconds between them.
_RETRIES = 3
RETRY_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Stages:
    """The version ids of the stages of a secret; empty if a stage does not exist."""

    current: str
    pending: str
    labels: Mapping[str, tuple[str, ...]]
    deleted: datetime | None
    rotation_enabled: bool


def describe(clients: ClientFactory, secret: str, work: Work) -> Stages:
    """Read the stages from DescribeSecret, which is more recent than a listing.

    Raises:
        StorageError: `secretsmanager:DescribeSecret` is missing, or the secret does not exist.
    """
    work.check()
    with translated("secretsmanager:DescribeSecret", secret, work):
        answer = clients.secrets().describe_secret(SecretId=secret)
    labels = {
        str(version): tuple(on) for version, on in (answer.get("VersionIdsToStages") or {}).items()
    }
    return Stages(
        current=_holder(labels, CURRENT),
        pending=_holder(labels, PENDING),
        labels=labels,
        deleted=answer.get("DeletedDate"),
        rotation_enabled=bool(answer.get("RotationEnabled")),
    )


def claim_id(rotation: Rotation) -> str:
    """Return the id of the version with which a rotation claims AWSPENDING."""
    # Derived and not random, so that a run after a crash finds the version of the former run.
    return str(uuid5(UUID(rotation.id), "claim"))


def label_of(rotation: Rotation, version: str) -> str:
    """Return the label of a version that names the author of the rotation.

    Each version has a separate label, because a label can only be attached to one version.
    """
    return own_label(rotation.by.rpartition("/")[2], version)


def claim(clients: ClientFactory, rotation: Rotation, current: SecretValue, work: Work) -> None:
    """Claim AWSPENDING for this rotation.

    Raises:
        Conflict: another rotation has it.
    """
    check_free(clients, rotation, work)  # for an error that names the author
    stages = describe(clients, rotation.secret, work)
    claim = claim_id(rotation)
    # An earlier run of this step has claimed it.
    if stages.pending in {claim, rotation.id}:
        return
    with contextlib.suppress(AlreadyExists):  # an earlier attempt stored the former value
        _put(clients, rotation, claim, current.text.reveal(), work)
    try:
        _move(clients, rotation.secret, PENDING, to=claim, source=stages.pending, work=work)
    except _MISPLACED:
        if describe(clients, rotation.secret, work).pending != claim:
            check_free(clients, rotation, work)
            raise


def check_free(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Check that AWSPENDING does not belong to another rotation.

    Raises:
        Conflict: it does; the error names author and time, if a label contains them.
    """
    stages = describe(clients, rotation.secret, work)
    ours = {"", stages.current, claim_id(rotation), rotation.id}
    if stages.pending in ours:
        return
    author, moment = _author_and_time(clients, rotation, stages, stages.pending, work)
    raise Conflict(
        f"{rotation.secret} is being rotated by {author} since {moment}"
        if moment
        else f"{rotation.secret} is being rotated by {author}",
        cause=f"AWSPENDING is on version {stages.pending}.",
        remedy="Wait until that rotation has ended. If it is no longer running, continue or "
        "discard it with the doctor.",
        subject=rotation.secret,
    )


def check_unmoved(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Check that AWSCURRENT has not moved since the beginning of the rotation.

    Raises:
        Overtaken: another client has moved it.
    """
    stages = describe(clients, rotation.secret, work)
    if stages.current != rotation.facts.old_version:
        raise overtaken(clients, rotation, stages, work)


def is_claimed(clients: ClientFactory, rotation: Rotation, work: Work) -> bool:
    """Return whether AWSPENDING belongs to this rotation."""
    return describe(clients, rotation.secret, work).pending in {claim_id(rotation), rotation.id}


def check_claimed(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Check that AWSPENDING still belongs to this rotation, which is required for changes.

    Raises:
        Overtaken: it does not.
    """
    stages = _describe_until_claimed(clients, rotation, work)
    if stages.pending not in {claim_id(rotation), rotation.id}:
        raise overtaken(clients, rotation, stages, work)


def _describe_until_claimed(clients: ClientFactory, rotation: Rotation, work: Work) -> Stages:
    """Read the stages again if AWSPENDING seems to be free: an answer may lag behind the claim.

    If it belongs to another rotation, no further request is needed: AWSPENDING must have been free.
    """
    stages = describe(clients, rotation.secret, work)
    for _again in range(_RETRIES):
        if rotation.id == stages.current or stages.pending not in {"", stages.current}:
            break
        work.token.wait(RETRY_PAUSE)
        stages = describe(clients, rotation.secret, work)
    return stages


def stage(clients: ClientFactory, rotation: Rotation, text: Secret, work: Work) -> None:
    """Store the new value with the id of the rotation, and move AWSPENDING to it.

    Raises:
        Overtaken: the rotation has lost AWSPENDING.
    """
    if staged(clients, rotation, work) is None:
        _put(clients, rotation, rotation.id, text.reveal(), work)
    check_staged(clients, rotation, work)


def check_staged(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Attach AWSPENDING to the staged version, if it still belongs to this rotation.

    Raises:
        Overtaken: it does not.
    """
    stages = _describe_until_claimed(clients, rotation, work)
    if rotation.id in {stages.pending, stages.current}:
        return
    source = claim_id(rotation)
    if stages.pending != source:
        raise overtaken(clients, rotation, stages, work)
    try:
        _move(clients, rotation.secret, PENDING, to=rotation.id, source=source, work=work)
    except _MISPLACED:
        stages = describe(clients, rotation.secret, work)
        if stages.pending != rotation.id:
            raise overtaken(clients, rotation, stages, work) from None


def staged(clients: ClientFactory, rotation: Rotation, work: Work) -> Secret | None:
    """Return the staged text in Secrets Manager, or None if there is none."""
    manager = SecretsManager(clients=clients)
    try:
        return manager.read(rotation.secret, version_id=rotation.id, work=work).text
    except (NotFound, InvalidInput):  # AWS calls an unknown version id either
        return None


def promote(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Move AWSCURRENT from the old version to the staged one.

    Raises:
        Overtaken: AWSCURRENT or AWSPENDING has moved.
    """
    stages = describe(clients, rotation.secret, work)
    # After a lost answer the version may already be current; then only the label remains to be
    # removed.
    if stages.current != rotation.id:
        if stages.current != rotation.facts.old_version or stages.pending != rotation.id:
            raise overtaken(clients, rotation, stages, work)
        # AWS compares the source, so a change after the read above makes this request fail.
        _swap(clients, rotation, to=rotation.id, source=stages.current, work=work)
    # AWS does not remove AWSPENDING from a promoted version, and it would block the next rotation.
    _drop(clients, rotation.secret, PENDING, rotation.id, work)


def demote(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Move AWSCURRENT back to the old version.

    Raises:
        Overtaken: another client has changed the secret.
    """
    stages = describe(clients, rotation.secret, work)
    if stages.current == rotation.id:
        _swap(clients, rotation, to=rotation.facts.old_version, source=rotation.id, work=work)


def release(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Remove AWSPENDING and obsolete labels.

    Obsolete are the labels of this rotation on versions that are not current, and those of the
    replaced version. The label of another rotation that has begun is not removed.
    """
    stages = describe(clients, rotation.secret, work)
    if stages.pending in {claim_id(rotation), rotation.id}:
        _drop(clients, rotation.secret, PENDING, stages.pending, work)
    for version, labels in stages.labels.items():
        replaced = version == rotation.facts.old_version and version != stages.pending
        for label in labels:
            ours = version in {claim_id(rotation), rotation.id} or replaced
            if version != stages.current and ours and label.startswith(OWN_LABEL):
                _drop(clients, rotation.secret, label, version, work)


def overtaken(
    clients: ClientFactory, rotation: Rotation, stages: Stages, work: Work
) -> StorageError:
    """Return the error of a rotation that was overtaken, with author and time of the change."""
    moved = stages.current not in {rotation.facts.old_version, rotation.id}
    holder = stages.current if moved else stages.pending
    author, moment = _author_and_time(clients, rotation, stages, holder, work)
    return Overtaken(
        _overtaken_text(rotation.secret, author, moment, moved=moved),
        cause=f"AWSCURRENT is on version {stages.current or 'none'}, AWSPENDING on "
        f"{stages.pending or 'none'}. The other change was not modified.",
        remedy="Check the secret. The changes of this rotation are undone.",
        subject=rotation.secret,
    )


def _overtaken_text(secret: str, author: str, moment: str, *, moved: bool) -> str:
    if moved and moment:
        return f"{secret} was changed by {author} at {moment}"
    if moved:
        return f"{secret} was changed by {author}"
    if moment:
        return f"{secret} is being rotated by {author}, who took AWSPENDING at {moment}"
    return f"{secret} is being rotated by {author}, who took AWSPENDING"


def _author_and_time(
    clients: ClientFactory, rotation: Rotation, stages: Stages, version: str, work: Work
) -> tuple[str, str]:
    """Return who created a version, and when as text; the time is empty if it is unknown."""
    listed = SecretsManager(clients=clients).list_versions(rotation.secret, work=work)
    made = next((each.created for each in listed if each.version_id == version), None)
    return author_of(stages, version) or "another client", format_moment(made) if made else ""


def author_of(stages: Stages, version: str) -> str:
    """Return the author of a version, if a label of Strongroom names it."""
    labels = stages.labels.get(version, ())
    label = next((each for each in labels if each.startswith(OWN_LABEL)), "")
    return label.removeprefix(OWN_LABEL).rpartition(":")[0]


def discard_pending(clients: ClientFactory, secret: str, version: str, work: Work) -> None:
    """Remove AWSPENDING from the version on which it was found.

    Raises:
        Conflict: it has moved to another version.
    """
    stages = describe(clients, secret, work)
    if stages.pending != version:
        raise Conflict(
            f"AWSPENDING of {secret} has moved to another version",
            cause=f"It was found on version {version}; now it is on {stages.pending or 'none'}.",
            remedy="Run the examination again.",
            subject=secret,
        )
    _drop(clients, secret, PENDING, version, work)
    for label in stages.labels[version]:
        if label.startswith(OWN_LABEL):
            _drop(clients, secret, label, version, work)


def _holder(labels: Mapping[str, tuple[str, ...]], label: str) -> str:
    return next((version for version, on in labels.items() if label in on), "")


def _put(clients: ClientFactory, rotation: Rotation, token: str, text: str, work: Work) -> None:
    work.check()
    with translated("secretsmanager:PutSecretValue", rotation.secret, work):
        clients.secrets().put_secret_value(
            SecretId=rotation.secret,
            ClientRequestToken=token,
            SecretString=text,
            VersionStages=[label_of(rotation, token)],
        )


def _swap(clients: ClientFactory, rotation: Rotation, *, to: str, source: str, work: Work) -> None:
    """Move AWSCURRENT, and check the result after an error or a lost answer."""
    try:
        _move(clients, rotation.secret, CURRENT, to=to, source=source, work=work)
    except _MISPLACED:
        stages = describe(clients, rotation.secret, work)
        if stages.current == source:
            raise
        if stages.current != to:
            raise overtaken(clients, rotation, stages, work) from None


def _move(
    clients: ClientFactory, secret: str, label: str, *, to: str, source: str, work: Work
) -> None:
    work.check()
    removal: dict[str, Any] = {"RemoveFromVersionId": source} if source else {}
    with translated("secretsmanager:UpdateSecretVersionStage", secret, work):
        clients.secrets().update_secret_version_stage(
            SecretId=secret, VersionStage=label, MoveToVersionId=to, **removal
        )


def _drop(clients: ClientFactory, secret: str, label: str, version: str, work: Work) -> None:
    """Remove a label from a version; a missing label is not an error."""
    work.check()
    try:
        with translated("secretsmanager:UpdateSecretVersionStage", secret, work):
            clients.secrets().update_secret_version_stage(
                SecretId=secret, VersionStage=label, RemoveFromVersionId=version
            )
    # The label is already absent, or was moved by another client; only a label that remains is an
    # error.
    except _MISPLACED:
        if label in describe(clients, secret, work).labels.get(version, ()):
            raise
