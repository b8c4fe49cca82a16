"""Roll back to an older version of a secret, with a preview of changes and risks.

A rollback only moves version stages and writes no value: AWSCURRENT moves to the older version,
and AWS attaches AWSPREVIOUS to the former one, so it can be reverted in the same way.

Source: Secrets Manager user guide, "Roll back a secret to a previous version".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.aws.clients import ClientFactory
from core.effects import states_effect
from core.errors import (
    AccessDenied,
    Cancelled,
    CredentialsInvalid,
    InvalidInput,
    NotFound,
    StorageError,
)
from core.model.connection import AccessKeys
from core.model.secret_names import CURRENT, PENDING, PREVIOUS
from core.model.secrets import SecretValue, SecretVersion, SecretWritten
from core.rotation import iam_keys
from core.rotation.iam_secret import read_secret
from core.rotation.key_proof import owner_of_keys
from core.secrets import secret_text
from core.secrets.secret_text import SecretDiff
from core.storage.aws_secrets_manager import SecretsManager
from core.work import Work, default_work

_PASSWORD = "password"  # noqa: S105 - the name of a field
#: Characters from which the beginning of a version id identifies it.
_SHORTEST = 4


@dataclass(frozen=True, slots=True)
class Move:
    """Move of a version stage; an empty id means that the stage is added or removed."""

    label: str
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class RollBack:
    """Preview of a rollback, without values.

    `difference` has the fields that change for readers of the secret. `good` are sentences in
    favour of it, `warnings` sentences against it.
    """

    secret: str
    current: str
    target: str
    made: datetime | None
    by: str
    moves: tuple[Move, ...]
    difference: SecretDiff
    good: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def plan(
    clients: ClientFactory, secret: str, version: str = "", *, work: Work | None = None
) -> RollBack:
    """Return the preview of a rollback, without changes.

    Args:
        clients: the clients of the connection.
        secret: the secret's name.
        version: the id of a version, the beginning of it, or a stage; by default AWSPREVIOUS.
        work: cancel token.

    Raises:
        NotFound: the version does not exist.
        InvalidInput: the version is already current, or the id is ambiguous.
    """
    work = default_work(work)
    manager = SecretsManager(clients=clients)
    versions = manager.list_versions(secret, work=work)
    target = _chosen(secret, versions, version or PREVIOUS)
    now = manager.read(secret, work=work)
    if target.version_id == now.version_id:
        raise InvalidInput(
            f"Version {target.version_id} of {secret} is already current",
            remedy="Choose another version.",
            subject=secret,
        )
    then = manager.read(secret, version_id=target.version_id, work=work)
    good, warnings = _key_findings(clients, now, then, work)
    difference = secret_text.diff_values(now, then)
    return RollBack(
        secret=secret,
        current=now.version_id,
        target=target.version_id,
        made=target.created,
        by=target.by,
        moves=_moves(versions, now.version_id, target.version_id),
        difference=difference,
        good=good,
        warnings=(
            *warnings,
            *_kind_warnings(now, then),
            *_other_warnings(versions, difference, now.version_id),
        ),
    )


@states_effect("changed")
def roll_back(
    clients: ClientFactory, found: RollBack, *, work: Work | None = None
) -> SecretWritten:
    """Roll back as planned, if AWSCURRENT has not moved.

    Raises:
        Conflict: another client has moved AWSCURRENT.
    """
    return SecretsManager(clients=clients).make_current(
        found.secret, found.target, expected_version=found.current, work=work
    )


def _chosen(secret: str, versions: tuple[SecretVersion, ...], wanted: str) -> SecretVersion:
    exact = [v for v in versions if wanted == v.version_id or wanted in v.stages]
    short = [
        v for v in versions if len(wanted) >= _SHORTEST and v.version_id.startswith(wanted.lower())
    ]
    # A label or a complete id is never ambiguous, even if other ids begin with it.
    found = exact or short
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidInput(
            f"Several versions ({len(found)}) of {secret} begin with {wanted}",
            remedy="Enter more characters of the version id.",
            subject=secret,
        )
    raise NotFound(
        f"{secret} has no previous version"
        if wanted == PREVIOUS
        else f"{secret} has no version {wanted}",
        cause="AWS stores the last hundred versions, and those with a version stage.",
        remedy="List the existing versions.",
        subject=secret,
    )


def _moves(versions: tuple[SecretVersion, ...], current: str, target: str) -> tuple[Move, ...]:
    previous = next((v.version_id for v in versions if PREVIOUS in v.stages), "")
    return (Move(CURRENT, current, target), Move(PREVIOUS, previous, current))


def _kind_warnings(now: SecretValue, then: SecretValue) -> tuple[str, ...]:
    if now.binary == then.binary:
        return ()
    if then.binary:
        return ("The older value is binary, the current one is a text.",)
    return ("The older value is a text, the current one is binary.",)


def _other_warnings(
    versions: tuple[SecretVersion, ...], difference: SecretDiff, current: str
) -> tuple[str, ...]:
    found = []
    pending = next((v for v in versions if PENDING in v.stages and v.version_id != current), None)
    if pending is not None:
        found.append(
            f"The secret is being rotated by {pending.by}: AWSPENDING is on another version."
            if pending.by
            else "The secret is being rotated: AWSPENDING is on another version."
        )
    if _PASSWORD in difference.changed:
        found.append(
            "The password differs. If it was also changed in the database, the database refuses "
            "the older one."
        )
    return tuple(found)


def _key_findings(
    clients: ClientFactory, now: SecretValue, then: SecretValue, work: Work
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return facts in favour of and against the access key of the older version."""
    old, new = _keys_in(then), _keys_in(now)
    # The same key in both versions works after the rollback as it does now.
    if old is None or (new is not None and old.access_key_id == new.access_key_id):
        return (), ()
    key = old.access_key_id
    try:
        return _by_iam(clients, key, work)
    # IAM may be denied to this profile, but every key may sign in.
    except AccessDenied:
        return _by_signing_in(clients, old, work)
    except Cancelled:
        raise
    except StorageError as error:
        return (), (f"It is unknown whether its access key {key} still works: {error.summary}.",)


def _keys_in(value: SecretValue) -> AccessKeys | None:
    try:
        return read_secret(value.name, value.text).keys
    except StorageError:  # a secret of another kind
        return None


def _by_iam(
    clients: ClientFactory, key: str, work: Work
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Check the key in IAM, which distinguishes deleted and deactivated keys."""
    try:
        user = iam_keys.last_used(clients, key, work).user
        known = {each.id: each for each in iam_keys.list_keys(clients, user, work)}
    except NotFound:
        known = {}
    if key not in known:
        return (), (f"Its access key {key} no longer exists: AWS will refuse it.",)
    if not known[key].active:
        return (), (f"Its access key {key} is deactivated: AWS refuses it until it is activated.",)
    return (f"Its access key {key} is active.",), ()


def _by_signing_in(
    clients: ClientFactory, keys: AccessKeys, work: Work
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Check the key by signing in with it, which requires no permission."""
    key = keys.access_key_id
    try:
        who = owner_of_keys(clients.connection.profile, keys, "", "", work)
    except CredentialsInvalid:
        return (), (f"Its access key {key} is refused by AWS.",)
    except Cancelled:
        raise
    except StorageError as error:
        return (), (f"It is unknown whether its access key {key} still works: {error.summary}.",)
    return (f"Its access key {key} works: it belongs to {who.user}.",), ()
