"""The doctor's findings in words, each with the repairs that make sense for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.doctor.takeover import Live
from core.model.doctor import Finding, FindingKind, Repair, RepairKind
from core.model.rotation import Outcome, Rotation, StepState
from core.model.secrets import SecretInfo
from core.rotation.iam_keys import KeyInfo, LastUsed
from core.rotation.step_texts import title_of
from core.units import format_age, format_moment

_DISCARD = Repair(
    RepairKind.DISCARD,
    "Discard AWSPENDING",
    "Take the label off; the version is left without one, and later rotations can begin.",
    "The label can be put back while AWS keeps the version: 24 hours at least.",
)
_CONTINUE_KEY = Repair(
    RepairKind.CONTINUE,
    "Continue the rotation",
    "Its key exists and signs in: test it, promote it, and go on from there.",
    "Undo the rotation: the old key becomes current again.",
)
_CONTINUE_PASSWORD = Repair(
    RepairKind.CONTINUE,
    "Continue the rotation",
    "The database takes its password: test it, promote it, and readers can sign in again.",
    "Rotate again.",
)
_RESTORE = Repair(
    RepairKind.RESTORE,
    "Restore the secret",
    "Take the scheduled deletion back; the secret can be read again at once.",
    "Delete the secret again.",
)


@dataclass(frozen=True, slots=True)
class PendingVersion:
    """A version that has AWSPENDING though it is not the current one.

    `live`: a database takes its password, and the current one no longer.
    """

    secret: str
    version: str
    since: datetime | None
    who: str
    empty: bool
    adoptable: bool
    rotation_enabled: bool
    live: Live = Live.NO


def scheduled(info: SecretInfo) -> Finding:
    """Return the finding of a secret that waits for its deletion."""
    when = format_moment(info.deleted) if info.deleted else "soon"
    return Finding(
        FindingKind.SCHEDULED,
        info.name,
        info.name,
        f"{info.name} is scheduled for deletion",
        f"It will be gone after {when}; nobody can read it meanwhile.",
        since=info.deleted,
        repairs=(_RESTORE,),
    )


def unfinished(rotation: Rotation) -> Finding:
    """Return the finding of a rotation that was begun on this machine."""
    waiting = rotation.outcome is Outcome.WAITING
    reached = [record for record in rotation.steps if record.state is not StepState.WAITING]
    step = title_of(rotation.kind, reached[-1].step) if reached else "the start"
    until = f", until {format_moment(rotation.due)}" if rotation.due else ""
    state = "waits for its period of grace" + until if waiting else f"stopped at “{step}”"
    return Finding(
        FindingKind.UNFINISHED,
        rotation.secret,
        rotation.id,
        f"A rotation of {rotation.secret} {state}",
        f"It was begun {format_age(rotation.started)} by {rotation.by}.",
        since=rotation.started,
        repairs=(
            Repair(RepairKind.RESUME, "Resume", "Go on where it stopped.", "Undo the rotation."),
            Repair(
                RepairKind.UNDO,
                "Undo",
                "Go back to the old value; what the rotation made is removed.",
                "Rotate again.",
            ),
        ),
    )


def pending(version: PendingVersion) -> Finding:
    """Return the finding of a stray AWSPENDING."""
    age = f" {format_age(version.since)}" if version.since else ""
    who = f" by {version.who}" if version.who else ""
    what = "an empty version" if version.empty else f"version {version.version}"
    cause = "AWS's own rotation" if version.rotation_enabled else "A rotation"
    detail = (
        f"{cause} broke half-way, or still runs elsewhere. While it sits there, no other can begin."
    )
    if version.live is Live.YES:
        detail += " The database takes its password, and no longer the current one: continue it."
    if version.live is Live.UNKNOWN:
        detail += (
            " Its password may be the one that the database takes: it cannot be asked from here. "
            "Do not discard it before you know."
        )
    return Finding(
        FindingKind.EMPTY_PENDING if version.empty else FindingKind.STRAY_PENDING,
        version.secret,
        version.version,
        f"AWSPENDING of {version.secret} sits on {what}, made{age}{who}",
        detail,
        since=version.since,
        repairs=_repairs(version),
    )


def _repairs(version: PendingVersion) -> tuple[Repair, ...]:
    if version.live is Live.YES:
        return (_CONTINUE_PASSWORD,)
    return (_CONTINUE_KEY, _DISCARD) if version.adoptable else (_DISCARD,)


def spare_key(
    kind: FindingKind, secret: str, user: str, key: KeyInfo, used: LastUsed, *, pending: bool
) -> Finding:
    """Return the finding of a key that the user has beside the current one."""
    where = {
        FindingKind.ORPHAN_KEY: "is in no version of the secret: nobody here has its other half",
        FindingKind.TWO_KEYS: "is the staged one"
        if pending
        else "is in an older version of the secret",
        FindingKind.INACTIVE_KEY: "is deactivated",
    }[kind]
    state = "active" if key.active else "inactive"
    return Finding(
        kind,
        secret,
        key.id,
        f"{user} has a second access key: {key.id} {where}",
        f"It is {state}, was made {format_age(key.created)}, and {used}. With two keys there is no "
        "room for a rotation.",
        user,
        key.created,
        repairs=_key_repairs(user, key),
    )


def dead_key(secret: str, key_id: str, user: str, *, inactive: bool) -> Finding:
    """Return the finding of a secret whose current key is refused."""
    why = "it is deactivated" if inactive else "it was deleted, or its secret does not match"
    return Finding(
        FindingKind.DEAD_KEY,
        secret,
        key_id,
        f"The key in {secret} is refused: {why}",
        "Everything that reads this secret is locked out. Roll the secret back to a version whose "
        "key works, or store a new key.",
        user,
        repairs=(_activate(user, key_id),) if inactive else (),
    )


def _key_repairs(user: str, key: KeyInfo) -> tuple[Repair, ...]:
    off = Repair(
        RepairKind.DEACTIVATE,
        "Deactivate the key",
        f"Key {key.id} of {user} is refused; whoever still uses it will notice.",
        "Activate it again.",
    )
    delete = Repair(
        RepairKind.DELETE,
        "Delete the key",
        f"Key {key.id} of {user} is gone for good.",
        "There is none.",
        typed=key.id,
    )
    return (off,) if key.active else (_activate(user, key.id), delete)


def _activate(user: str, key_id: str) -> Repair:
    return Repair(
        RepairKind.ACTIVATE,
        "Activate the key",
        f"Key {key_id} of {user} is accepted again.",
        "Deactivate it again.",
    )
