"""Conditional saving of secrets, so that no concurrent change is overwritten silently.

With `PutSecretValue` and `UpdateSecretVersionStage` the swap is atomic: the new version is stored
under a label of Strongroom (which names its author), then AWSCURRENT only moves if it is still
attached to the expected version (`RemoveFromVersionId`). The platform's IAM policy allows neither:
then the version is compared, the value updated, and the previous version checked afterwards, so
that a lost race is at least reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol
from uuid import uuid4

from core.aws.clients import ClientFactory
from core.aws.faults import translated
from core.aws.identity import identity
from core.aws.secret_faults import NoSecretValue
from core.errors import (
    NOTHING_CHANGED,
    AccessDenied,
    AlreadyExists,
    Cancelled,
    Conflict,
    InvalidInput,
    NotFound,
    StorageError,
)
from core.hints import Hint
from core.model.secret_names import CURRENT, OWN_LABEL, PENDING, PREVIOUS, own_label
from core.model.secrets import SecretInfo, SecretValue, SecretWritten
from core.secrets.answers import text_of
from core.work import Work, finishing

#: The operations by which a value becomes the current one: a version without AWSCURRENT is no save.
DECISIVE = ("UpdateSecret", "UpdateSecretVersionStage")
#: A value for Secrets Manager: an argument SecretString or SecretBinary.
Value = Mapping[str, Any]
#: Number of labels from which old ones are removed; AWS allows twenty.
_MANY_LABELS = 12


class Secrets(Protocol):
    """The calls of `SecretsManager` that saving a secret needs."""

    @property
    def clients(self) -> ClientFactory:
        """The factory whose clients are used."""

    def client(self) -> Any:
        """Return botocore's client."""

    def read(
        self,
        name: str,
        *,
        version_id: str | None = None,
        stage: str | None = None,
        work: Work | None = None,
    ) -> SecretValue:
        """Return one version of a secret with its value; the current one by default."""

    def describe(self, name: str, *, work: Work | None = None) -> SecretInfo:
        """Return the description of a secret with its versions."""


def swap(
    manager: Secrets,
    name: str,
    value: Value,
    expected: str,
    work: Work,
    *,
    replace_binary: bool = False,
) -> SecretWritten:
    """Replace the current value if the current version is still `expected`.

    Raises:
        Conflict: another client changed the secret; its version is current or AWSPREVIOUS.
        NoSecretValue: it has no value, although `expected` is not empty.
        InvalidInput: a text would replace a binary value, and `replace_binary` is False.
        StorageError: the write was refused.
    """
    # Secrets Manager has no conditional write of a value; the move of AWSCURRENT is conditional.
    try:
        before = _check_current(manager, name, expected, work)
    except NoSecretValue:
        if expected:
            raise
        return update(manager, name, value, work)
    if before.binary and "SecretString" in value and not replace_binary:
        raise _binary(name)
    try:
        return _by_stage(manager, name, value, expected, work)
    except AccessDenied:  # the platform's policy does not allow it: use UpdateSecret
        return _by_update(manager, name, value, expected, work)


def _check_current(manager: Secrets, name: str, expected: str, work: Work) -> SecretValue:
    """Return the current value, and check that it is still the expected version."""
    before = manager.read(name, work=work)
    if before.version_id != expected:
        raise edit_conflict(name)
    return before


def _binary(name: str) -> InvalidInput:
    return InvalidInput(
        f"{name} contains a binary value, and a text would replace it",
        cause="The value is stored as SecretBinary, for example a PKCS #12 file.",
        effect=NOTHING_CHANGED,
        remedy="Store the new bytes from a file as a binary value, or replace the value by a text.",
        hints=Hint.BINARY_VALUE | Hint.TEXT_VALUE,
        subject=name,
    )


def update(
    manager: Secrets, name: str, value: Value, work: Work, *, description: str | None = None
) -> SecretWritten:
    """Replace the current value unconditionally; a repeated request has no further effect."""
    token = str(uuid4())
    more = {"Description": description} if description else {}
    work.check()
    try:
        with translated("secretsmanager:UpdateSecret", name, work):
            answer = manager.client().update_secret(
                SecretId=name, ClientRequestToken=token, **value, **more
            )
    except (AlreadyExists, InvalidInput, Conflict):
        # UpdateSecret refuses a known token: after a lost answer the value may already be stored.
        if not _stored(manager, name, value, token, work):
            raise
        return SecretWritten(name, version_id=token)
    return written(name, answer)


def move_current(manager: Secrets, name: str, to: str, expected: str, work: Work) -> None:
    """Move AWSCURRENT from `expected` to the version `to`.

    Raises:
        Conflict: AWSCURRENT is no longer attached to `expected`.
    """
    work.check()
    try:
        with translated("secretsmanager:UpdateSecretVersionStage", name, work):
            manager.client().update_secret_version_stage(
                SecretId=name,
                VersionStage=CURRENT,
                MoveToVersionId=to,
                RemoveFromVersionId=expected,
            )
    except (InvalidInput, Conflict, NotFound):
        current = manager.read(name, work=work).version_id
        if current == to:  # an earlier attempt succeeded and its answer was lost
            return
        if current != expected:
            raise edit_conflict(name) from None
        raise


def edit_conflict(name: str) -> Conflict:
    """Return the error for a secret that has changed since it was read."""
    return Conflict(
        f"{name} was changed by another client",
        cause="The current version is not the one that you opened.",
        effect="Nothing was overwritten.",
        remedy="Reload the secret, compare, and make your change again.",
        subject=name,
    )


def written(name: str, answer: dict[str, Any]) -> SecretWritten:
    """Return the result of a write from AWS's answer."""
    return SecretWritten(name, str(answer.get("ARN", "")), str(answer.get("VersionId", "")))


def _by_stage(
    manager: Secrets, name: str, value: Value, expected: str, work: Work
) -> SecretWritten:
    # The token becomes the version's id, so the version is known even after a lost answer.
    token = str(uuid4())
    # A version needs a label, or AWS may delete it before AWSCURRENT is moved to it.
    label = own_label(_user(manager, work), token)
    work.check()
    with translated("secretsmanager:PutSecretValue", name, work):
        answer = manager.client().put_secret_value(
            SecretId=name, ClientRequestToken=token, VersionStages=[label], **value
        )
    with finishing(work) as rest:  # a stop must not leave it half done if the server answers
        try:
            move_current(manager, name, token, expected, rest)
        except BaseException:
            # Without its label AWS deletes the version that did not become current.
            _tidy(lambda: _drop_label(manager, name, label, token, rest))
            raise
    _tidy(lambda: _drop_old_labels(manager, name, work))
    return written(name, answer)


def _user(manager: Secrets, work: Work) -> str:
    """Return the user name for the label, or an empty string if AWS does not report it."""
    try:
        return identity(manager.clients, work=work).user
    except Cancelled:
        raise
    except StorageError:
        return ""


def _drop_old_labels(manager: Secrets, name: str, work: Work) -> None:
    """Remove the labels of old versions in time: AWS allows twenty labels for a secret.

    Not earlier, since the version of a rotation that has just begun only has such a label.
    """
    # Only a version that also has one of AWS's stages stays restorable without Strongroom's label.
    stages = (CURRENT, PREVIOUS, PENDING)
    versions = manager.describe(name, work=work).versions
    if sum(len(version.stages) for version in versions) < _MANY_LABELS:
        return
    for version in versions:
        if not any(stage in version.stages for stage in stages):
            for label in version.stages:
                if label.startswith(OWN_LABEL):
                    _drop_label(manager, name, label, version.version_id, work)


def _drop_label(manager: Secrets, name: str, label: str, token: str, work: Work) -> None:
    with translated("secretsmanager:UpdateSecretVersionStage", name, work):
        manager.client().update_secret_version_stage(
            SecretId=name, VersionStage=label, RemoveFromVersionId=token
        )


def _tidy(act: Callable[[], None]) -> None:
    """Run a clean-up and ignore its failure: a remaining label has no effect."""
    try:
        act()
    except StorageError:
        return


def _by_update(
    manager: Secrets, name: str, value: Value, expected: str, work: Work
) -> SecretWritten:
    result = update(manager, name, value, work)
    try:
        with finishing(work) as rest:
            before = manager.read(name, stage=PREVIOUS, work=rest).version_id
    # The first version of a secret has no predecessor.
    except NotFound:
        return result
    # UpdateSecret is unconditional: a conflict is only visible afterwards, in AWSPREVIOUS.
    if before not in {expected, result.version_id}:
        raise Conflict(
            f"{name} was changed by another client at the same time",
            cause=f"Your value is current; the other one is stored as version {before} "
            f"({PREVIOUS}).",
            remedy="Compare the two versions and decide which one should be current.",
            subject=name,
        )
    return result


def _stored(manager: Secrets, name: str, value: Value, token: str, work: Work) -> bool:
    try:
        found = manager.read(name, version_id=token, work=work)
    except (NotFound, InvalidInput):
        return False
    # The token names the version: a value of another request has another version.
    return found.text == text_of(value)
