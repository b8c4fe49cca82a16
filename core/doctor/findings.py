"""Texts of the doctor's findings, and the possible repairs of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from core.doctor.takeover import PendingAccepted
from core.model.doctor import Finding, FindingKind, Repair, RepairKind
from core.model.rotation import Outcome, Rotation, StepState
from core.model.secrets import SecretInfo
from core.rotation.iam_keys import KeyInfo, LastUsed
from core.rotation.step_texts import title_of
from core.units import format_age, format_moment

_DISCARD = Repair(
    RepairKind.DISCARD,
    "Discard AWSPENDING",
    "Remove the label from the version, so that later rotations can begin.",
    "The label can be restored while AWS stores the version: at least 24 hours.",
)
_CONTINUE_KEY = Repair(
    RepairKind.CONTINUE,
    "Continue the rotation",
    "The pending key exists and is valid: test it, promote it, and continue from there.",
    "Undo the rotation: the old key becomes current again.",
)
_CONTINUE_PASSWORD = Repair(
    RepairKind.CONTINUE,
    "Continue the rotation",
    "The database accepts the pending password: test it and promote it, so that readers can sign "
    "in again.",
    "Rotate again.",
)
_RESTORE = Repair(
    RepairKind.RESTORE,
    "Restore the secret",
    "Cancel the scheduled deletion; the secret can be read again at once.",
    "Delete the secret again.",
)


@dataclass(frozen=True, slots=True)
class PendingVersion:
    """A version that has AWSPENDING although it is not the current one.

    `accepted` means that a database accepts its password, and no longer the current one.
    """

    secret: str
    version: str
    since: datetime | None
    who: str
    empty: bool
    adoptable: bool
    rotation_enabled: bool
    accepted: PendingAccepted = PendingAccepted.NO


def scheduled(info: SecretInfo) -> Finding:
    """Return the finding of a secret that is scheduled for deletion."""
    return Finding(
        FindingKind.SCHEDULED,
        info.name,
        info.name,
        f"{info.name} is scheduled for deletion",
        f"The secret will be deleted after {format_moment(info.deleted)}; until then it cannot be "
        "read."
        if info.deleted
        else "The secret will soon be deleted; until then it cannot be read.",
        since=info.deleted,
        repairs=(_RESTORE,),
    )


def unfinished(rotation: Rotation) -> Finding:
    """Return the finding of a rotation that was begun on this machine."""
    return Finding(
        FindingKind.UNFINISHED,
        rotation.secret,
        rotation.id,
        _unfinished_text(rotation),
        f"The rotation was started {format_age(rotation.started)} by {rotation.by}.",
        since=rotation.started,
        repairs=(
            Repair(RepairKind.RESUME, "Resume", "Continue where it stopped.", "Undo the rotation."),
            Repair(
                RepairKind.UNDO,
                "Undo",
                "Restore the old value, and remove what the rotation created.",
                "Rotate again.",
            ),
        ),
    )


def _unfinished_text(rotation: Rotation) -> str:
    secret = rotation.secret
    if rotation.outcome is Outcome.WAITING and rotation.due:
        return f"A rotation of {secret} waits for its grace period, until {format_moment(rotation.due)}"
    if rotation.outcome is Outcome.WAITING:
        return f"A rotation of {secret} waits for its grace period"
    reached = [record for record in rotation.steps if record.state is not StepState.WAITING]
    if not reached:
        return f"A rotation of {secret} stopped before its first step"
    return f"A rotation of {secret} stopped at “{title_of(rotation.kind, reached[-1].step)}”"


def pending(version: PendingVersion) -> Finding:
    """Return the finding of a stray AWSPENDING."""
    return Finding(
        FindingKind.EMPTY_PENDING if version.empty else FindingKind.STRAY_PENDING,
        version.secret,
        version.version,
        f"AWSPENDING of {version.secret} is on an empty version"
        if version.empty
        else f"AWSPENDING of {version.secret} is on version {version.version}",
        " ".join(_pending_sentences(version)),
        since=version.since,
        repairs=_repairs(version),
    )


def _pending_sentences(version: PendingVersion) -> Iterator[str]:
    if version.rotation_enabled:
        yield "AWS's own rotation was interrupted, or is still running elsewhere."
    else:
        yield "A rotation was interrupted, or is still running elsewhere."
    if version.who and version.since:
        yield f"The version was created {format_age(version.since)} by {version.who}."
    elif version.since:
        yield f"The version was created {format_age(version.since)}."
    elif version.who:
        yield f"The version was created by {version.who}."
    yield "No other rotation can begin before it ends."
    if version.accepted is PendingAccepted.YES:
        yield (
            "The database accepts its password, and no longer the current one: continue the "
            "rotation."
        )
    if version.accepted is PendingAccepted.UNKNOWN:
        yield (
            "The database may accept only its password, which cannot be tested from here. Do not "
            "discard it before you know which password is valid."
        )


def _repairs(version: PendingVersion) -> tuple[Repair, ...]:
    # No discard here: it would delete the only valid password of the database.
    if version.accepted is PendingAccepted.YES:
        return (_CONTINUE_PASSWORD,)
    return (_CONTINUE_KEY, _DISCARD) if version.adoptable else (_DISCARD,)


def spare_key(
    kind: FindingKind, secret: str, user: str, key: KeyInfo, used: LastUsed, *, pending: bool
) -> Finding:
    """Return the finding of a second access key of the user."""
    created = format_age(key.created)
    return Finding(
        kind,
        secret,
        key.id,
        _spare_text(kind, pending=pending).format(user=user, key=key.id),
        f"The key is active and was created {created}. {used.sentence} A user with two keys cannot "
        "be rotated."
        if key.active
        else f"The key is inactive and was created {created}. {used.sentence} A user with two keys "
        "cannot be rotated.",
        user,
        key.created,
        repairs=_key_repairs(user, key),
    )


def _spare_text(kind: FindingKind, *, pending: bool) -> str:
    if kind is FindingKind.ORPHAN_KEY:
        return (
            "{user} has a second access key: {key} is in no version of the secret, so its secret key "
            "is unknown"
        )
    if kind is FindingKind.INACTIVE_KEY:
        return "{user} has a second access key: {key} is deactivated"
    if pending:
        return "{user} has a second access key: {key} is the staged one"
    return "{user} has a second access key: {key} is in an older version of the secret"


def dead_key(secret: str, key_id: str, user: str, *, inactive: bool) -> Finding:
    """Return the finding of a secret whose current access key is refused."""
    return Finding(
        FindingKind.DEAD_KEY,
        secret,
        key_id,
        f"The key in {secret} is refused: it is deactivated"
        if inactive
        else f"The key in {secret} is refused: it was deleted, or its secret key does not match",
        "Programs that read this secret cannot sign in. Roll the secret back to a version with a "
        "valid key, or store a new key.",
        user,
        repairs=(_activate(user, key_id),) if inactive else (),
    )


def _key_repairs(user: str, key: KeyInfo) -> tuple[Repair, ...]:
    off = Repair(
        RepairKind.DEACTIVATE,
        "Deactivate the key",
        f"Key {key.id} of {user} is refused from then on; programs that still use it will fail.",
        "Activate it again.",
    )
    delete = Repair(
        RepairKind.DELETE,
        "Delete the key",
        f"Key {key.id} of {user} is permanently deleted.",
        "This cannot be undone.",
        typed=key.id,
    )
    # An active key is first deactivated, which can be undone; only then its deletion is offered.
    return (off,) if key.active else (_activate(user, key.id), delete)


def _activate(user: str, key_id: str) -> Repair:
    return Repair(
        RepairKind.ACTIVATE,
        "Activate the key",
        f"Key {key_id} of {user} is accepted again.",
        "Deactivate it again.",
    )
