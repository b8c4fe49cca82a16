"""How a rotation takes, fills, promotes and gives back AWSPENDING.

AWSPENDING is taken before anything is made, by a call that AWS refuses when the label sits
elsewhere (UpdateSecretVersionStage without RemoveFromVersionId), so one rotation at most makes a
key or a password. The version that takes it holds a copy of the current value: whoever reads
AWSPENDING meanwhile gets something that works. Then the new value is stored under the rotation's
own id, and AWSPENDING moves on to it.

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
from core.model.secrets import CURRENT, OWN_LABEL, PENDING, SecretValue, own_label
from core.redaction import Secret
from core.rotation.strategy import Overtaken
from core.storage.aws_secrets_manager import SecretsManager
from core.units import format_moment
from core.work import Work

#: What AWS answers when a label is not where a call says it is.
_MISPLACED = (InvalidInput, Conflict, NotFound, AlreadyExists)
#: How often, and seconds apart, it is looked again for a label that was set a moment ago.
_RETRIES = 3
RETRY_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Stages:
    """Where the labels of a secret are: version ids by label; a missing one is empty."""

    current: str
    pending: str
    labels: Mapping[str, tuple[str, ...]]
    deleted: datetime | None
    rotation_enabled: bool


def describe(clients: ClientFactory, secret: str, work: Work) -> Stages:
    """Ask where the labels are now; DescribeSecret is fresher than any listing.

    Raises:
        StorageError: `secretsmanager:DescribeSecret` is missing, or there is no such secret.
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
    """Return the id of the version by which a rotation takes AWSPENDING."""
    return str(uuid5(UUID(rotation.id), "claim"))


def label_of(rotation: Rotation, version: str) -> str:
    """Return the label by which one of its versions tells other people whose rotation it is.

    Each version has its own: a label that is put on a second version leaves the first one.
    """
    return own_label(rotation.by.rpartition("/")[2], version)


def claim(clients: ClientFactory, rotation: Rotation, current: SecretValue, work: Work) -> None:
    """Take AWSPENDING for this rotation, or learn who has it.

    Raises:
        Conflict: another rotation has it.
    """
    check_free(clients, rotation, work)
    stages = describe(clients, rotation.secret, work)
    claim = claim_id(rotation)
    if stages.pending in {claim, rotation.id}:
        return
    with contextlib.suppress(AlreadyExists):  # an earlier attempt stored the value of its time
        _put(clients, rotation, claim, current.text.reveal(), work)
    try:
        _move(clients, rotation.secret, PENDING, to=claim, source=stages.pending, work=work)
    except _MISPLACED:
        if describe(clients, rotation.secret, work).pending != claim:
            check_free(clients, rotation, work)
            raise


def check_free(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Refuse when AWSPENDING belongs to another rotation.

    Raises:
        Conflict: it does; the error says whose and since when, if a label tells.
    """
    stages = describe(clients, rotation.secret, work)
    ours = {"", stages.current, claim_id(rotation), rotation.id}
    if stages.pending in ours:
        return
    raise Conflict(
        f"{rotation.secret} is being rotated{_by(clients, rotation, stages, stages.pending, work)}",
        cause=f"AWSPENDING sits on version {stages.pending}.",
        remedy="Wait until that rotation has ended. If nobody runs one, let the doctor look: it "
        "continues or discards what was left behind.",
        subject=rotation.secret,
    )


def check_unmoved(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """See that AWSCURRENT still sits where it was when the rotation looked first.

    Raises:
        Overtaken: somebody else has moved it.
    """
    stages = describe(clients, rotation.secret, work)
    if stages.current != rotation.facts.old_version:
        raise overtaken(clients, rotation, stages, work)


def is_claimed(clients: ClientFactory, rotation: Rotation, work: Work) -> bool:
    """Whether AWSPENDING is this rotation's."""
    return describe(clients, rotation.secret, work).pending in {claim_id(rotation), rotation.id}


def check_claimed(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """See that AWSPENDING still is this rotation's: only then it may make something.

    Raises:
        Overtaken: it is not.
    """
    stages = _settled(clients, rotation, work)
    if stages.pending not in {claim_id(rotation), rotation.id}:
        raise overtaken(clients, rotation, stages, work)


def _settled(clients: ClientFactory, rotation: Rotation, work: Work) -> Stages:
    """Look once more where AWSPENDING seems to be nobody's: an answer may lag behind our claim.

    Another rotation's version is believed at once: it could only take the label from nobody.
    """
    stages = describe(clients, rotation.secret, work)
    for _again in range(_RETRIES):
        if rotation.id == stages.current or stages.pending not in {"", stages.current}:
            break
        work.token.wait(RETRY_PAUSE)
        stages = describe(clients, rotation.secret, work)
    return stages


def stage(clients: ClientFactory, rotation: Rotation, text: Secret, work: Work) -> None:
    """Store the new value under the rotation's id, and let AWSPENDING move on to it.

    Raises:
        Overtaken: AWSPENDING is not ours any more.
    """
    if staged(clients, rotation, work) is None:
        _put(clients, rotation, rotation.id, text.reveal(), work)
    check_staged(clients, rotation, work)


def check_staged(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Let AWSPENDING sit on the staged version, if it still is ours.

    Raises:
        Overtaken: it is not.
    """
    stages = _settled(clients, rotation, work)
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
    """Return the staged text as Secrets Manager gives it, or None when nothing is staged."""
    manager = SecretsManager(clients=clients)
    try:
        return manager.read(rotation.secret, version_id=rotation.id, work=work).text
    except (NotFound, InvalidInput):  # AWS calls an unknown version id either
        return None


def promote(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Move AWSCURRENT from the version seen at the beginning to the staged one.

    Raises:
        Overtaken: AWSCURRENT, or AWSPENDING, has moved meanwhile.
    """
    stages = describe(clients, rotation.secret, work)
    if stages.current != rotation.id:
        if stages.current != rotation.facts.old_version or stages.pending != rotation.id:
            raise overtaken(clients, rotation, stages, work)
        _swap(clients, rotation, to=rotation.id, source=stages.current, work=work)
    _drop(clients, rotation.secret, PENDING, rotation.id, work)


def demote(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Let AWSCURRENT go back to the version that it sat on at the beginning.

    Raises:
        Overtaken: it sits on neither that one nor ours: somebody else has changed the secret.
    """
    stages = describe(clients, rotation.secret, work)
    if stages.current == rotation.id:
        _swap(clients, rotation, to=rotation.facts.old_version, source=rotation.id, work=work)


def release(clients: ClientFactory, rotation: Rotation, work: Work) -> None:
    """Give AWSPENDING back, and let labels go that tell nothing any more.

    Those are this rotation's, off versions that are not current, and those of the version that it
    has replaced. The label of another rotation that has begun meanwhile stays where it is.
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
    """Return the error of the one who came second: by whom and when the secret was changed."""
    moved = stages.current not in {rotation.facts.old_version, rotation.id}
    holder = stages.current if moved else stages.pending
    author = _by(clients, rotation, stages, holder, work, when="at")
    what = "was changed" if moved else "is not ours to rotate any more: AWSPENDING was taken"
    return Overtaken(
        f"{rotation.secret} {what}{author}",
        cause=f"AWSCURRENT sits on version {stages.current or 'none'}, AWSPENDING on "
        f"{stages.pending or 'none'}. Nothing of theirs was touched.",
        remedy="Look at the secret. What this rotation had made is taken back.",
        subject=rotation.secret,
    )


def _by(
    clients: ClientFactory,
    rotation: Rotation,
    stages: Stages,
    version: str,
    work: Work,
    *,
    when: str = "since",
) -> str:
    """Return ` by NAME since TIME`, as far as labels and versions tell it."""
    name = who(stages, version) or "somebody else"
    listed = SecretsManager(clients=clients).list_versions(rotation.secret, work=work)
    made = next((each.created for each in listed if each.version_id == version), None)
    return f" by {name}" + (f" {when} {format_moment(made)}" if made else "")


def who(stages: Stages, version: str) -> str:
    """Return who made a version, if a label of ours tells it."""
    labels = stages.labels.get(version, ())
    label = next((each for each in labels if each.startswith(OWN_LABEL)), "")
    return label.removeprefix(OWN_LABEL).rpartition(":")[0]


def discard_pending(clients: ClientFactory, secret: str, version: str, work: Work) -> None:
    """Take AWSPENDING off the very version that it was found on.

    Raises:
        Conflict: it sits elsewhere by now.
    """
    stages = describe(clients, secret, work)
    if stages.pending != version:
        raise Conflict(
            f"AWSPENDING of {secret} sits elsewhere by now",
            cause=f"It was found on version {version}; now it is on {stages.pending or 'none'}.",
            remedy="Examine again.",
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
    """Move AWSCURRENT; whether it moved is asked when the answer says no or is lost."""
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
    """Take a label off a version; it is no error when it sits there no more."""
    work.check()
    try:
        with translated("secretsmanager:UpdateSecretVersionStage", secret, work):
            clients.secrets().update_secret_version_stage(
                SecretId=secret, VersionStage=label, RemoveFromVersionId=version
            )
    except _MISPLACED:
        if label in describe(clients, secret, work).labels.get(version, ()):
            raise
