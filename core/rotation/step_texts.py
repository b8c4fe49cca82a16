"""Titles and descriptions of the steps of each kind of rotation and of their undo."""

from __future__ import annotations

from core.model.rotation import (
    Outcome,
    PlannedStep,
    Rotation,
    RotationKind,
    RotationPlan,
    Step,
    StepState,
)

TITLES = {
    Step.PREFLIGHT: "Check before the start",
    Step.CREATE: "Create the new key",
    Step.STAGE: "Stage as AWSPENDING",
    Step.APPLY: "Set the password in the database",
    Step.TEST: "Test the new value",
    Step.PROMOTE: "Promote to AWSCURRENT",
    Step.SWITCH: "Switch stored profiles",
    Step.DEACTIVATE: "Deactivate the old key",
    Step.DELETE: "Delete the old key",
}

_SHARED = {
    Step.PREFLIGHT: (
        "Check the identity and the secret; claim AWSPENDING, so that no other rotation can begin.",
        "AWSPENDING is removed.",
    ),
    Step.STAGE: (
        "Store the new value as AWSPENDING; programs still read the old value.",
        "AWSPENDING is removed; AWS deletes the version, which then has no version stage.",
    ),
    Step.PROMOTE: (
        "Move AWSCURRENT, unless another client has moved it; programs then read the new value.",
        "AWSCURRENT moves back to the old version.",
    ),
}
_OWN = {
    (RotationKind.IAM_KEY, Step.CREATE): (
        "Create a second key in IAM. A lost answer never leads to another key.",
        "The new key is deactivated and deleted.",
    ),
    (RotationKind.IAM_KEY, Step.TEST): (
        "Sign in with the new key, and list, write, read and delete a test object, three times.",
        "Nothing was changed.",
    ),
    (RotationKind.IAM_KEY, Step.SWITCH): (
        "Replace the key in the profiles of this machine that use the old one.",
        "The old key is restored in the profiles.",
    ),
    (RotationKind.IAM_KEY, Step.DEACTIVATE): (
        "Deactivate the old key after the grace period, if it is no longer in use.",
        "The old key is activated again.",
    ),
    (RotationKind.IAM_KEY, Step.DELETE): (
        "Delete the old key after the second grace period, or when you confirm it.",
        "This cannot be undone.",
    ),
    (RotationKind.DATABASE, Step.APPLY): (
        "ALTER USER sets the staged password.",
        "ALTER USER sets the old password again.",
    ),
    (RotationKind.DATABASE, Step.TEST): (
        "Log in to the database with the new password, three times.",
        "Nothing was changed.",
    ),
    (RotationKind.EXCHANGE, Step.TEST): (
        "Check that the new pairs can be read and differ; they are not tested with the exchange.",
        "Nothing was changed.",
    ),
    (RotationKind.MANAGED, Step.PREFLIGHT): (
        "Check whether managed rotation is enabled and ready.",
        "Nothing was changed.",
    ),
    (RotationKind.MANAGED, Step.APPLY): (
        "Start the rotation in AWS; its function creates, sets and tests the new value.",
        "A rotation by AWS cannot be undone here; roll the secret back instead.",
    ),
    (RotationKind.MANAGED, Step.PROMOTE): (
        "Wait until AWS has moved AWSCURRENT to the new version.",
        "Roll the secret back to its former version.",
    ),
}
_APPLY_BY_AWS = "Let AWS rotate"


def title_of(kind: RotationKind, step: Step) -> str:
    """Return the title of a step."""
    if kind is RotationKind.MANAGED and step is Step.APPLY:
        return _APPLY_BY_AWS
    return TITLES[step]


def planned_step(kind: RotationKind, step: Step) -> PlannedStep:
    """Return the title and the descriptions of a step."""
    text, undo = _OWN.get((kind, step)) or _SHARED[step]
    return PlannedStep(step, title_of(kind, step), text, undo)


def replaced_copies(plan: RotationPlan) -> tuple[str, ...]:
    """Return the other places in which a rotation would also replace the value."""
    if plan.kind is RotationKind.MANAGED or plan.problem is not None:
        return ()  # AWS's function does not replace copies
    return tuple(dict.fromkeys(copy.place for copy in plan.copies if copy.replaceable))


def copy_notes(plan: RotationPlan, *, unchanged: bool = False) -> tuple[str, ...]:
    """Return notes about other places that contain the value, without any value.

    Args:
        plan: the plan.
        unchanged: whether the user wants them left as they are.
    """
    # AWS's function does not replace copies.
    by_hand = unchanged or plan.kind is RotationKind.MANAGED
    return tuple(
        f"{copy.place} holds the same value ({copy.form.value}); it is also replaced"
        if copy.replaceable and not by_hand
        else f"{copy.place} holds the same value ({copy.form.value}); change it yourself"
        for copy in plan.copies
    )


def undo_now(rotation: Rotation) -> str:
    """Return what an undo of the rotation would do in its present state."""
    if rotation.finished(Step.DELETE):
        return "The old key is deleted, so the rotation cannot be undone."
    # A step that failed or was interrupted may have taken effect.
    sentences = [
        f"{text}." if rotation.finished(step) else f"{text} if necessary."
        for step, text in _UNDOING
        if not _untried(rotation, step)
    ]
    if rotation.kind is RotationKind.MANAGED and not _untried(rotation, Step.APPLY):
        return "Stop waiting; what AWS has begun continues."
    if rotation.kind is RotationKind.MANAGED or not sentences:
        return "Nothing was changed yet."
    return " ".join(sentences)


def undo_effect(rotation: Rotation) -> str:
    """Return the effect of an undo, for the question whether to undo the rotation."""
    if rotation.kind is RotationKind.MANAGED:
        return "AWS is not stopped: a rotation that it has begun continues, but is not watched."
    return "The old value becomes current again, and the changes of the rotation are undone."


def end_text(rotation: Rotation) -> str:
    """Return how a rotation that is no longer open has ended."""
    begun = rotation.kind is RotationKind.MANAGED and not _untried(rotation, Step.APPLY)
    if begun and rotation.outcome is Outcome.UNDONE:
        return "Nothing waits for AWS any more, which may still complete its rotation."
    return _ENDS[rotation.outcome]


_ENDS = {
    Outcome.DONE: "The rotation is complete.",
    Outcome.UNDONE: "All changes were undone.",
    Outcome.LOST: "Another client changed the secret first. All changes of this rotation were "
    "undone.",
}


def valid_now(rotation: Rotation) -> str:
    """Return which value programs read now, and whether it is accepted, as one sentence.

    A step that failed or was interrupted may have taken effect, so both values are possible then.
    """
    if rotation.kind is RotationKind.DATABASE:
        return _password_now(rotation)
    if rotation.kind is RotationKind.IAM_KEY:
        return _key_now(rotation)
    if rotation.kind is RotationKind.MANAGED:
        return "Programs read the old value until AWS has promoted the new one."
    if _untried(rotation, Step.PROMOTE):
        return "Programs still read the old keys."
    return "Programs read the old or the new keys."


def _untried(rotation: Rotation, step: Step) -> bool:
    return rotation.step(step).state is StepState.WAITING


def _password_now(rotation: Rotation) -> str:
    if _untried(rotation, Step.APPLY):
        return "Programs still read the old password, and the database is unchanged."
    if rotation.outcome is Outcome.UNDOING:
        return "Programs may read a password that the database refuses: complete the undo now."
    if rotation.finished(Step.PROMOTE):
        return "Programs read the new password."
    if rotation.finished(Step.APPLY) and _untried(rotation, Step.PROMOTE):
        return (
            "The database has the new password, but programs still read the old one: resume or "
            "undo the rotation now."
        )
    return (
        "The database may have the new password while programs read the old one: resume or undo "
        "the rotation now."
    )


def _key_now(rotation: Rotation) -> str:
    if _untried(rotation, Step.PROMOTE):
        return "Programs still read the old key."
    if rotation.outcome is Outcome.UNDOING or not rotation.finished(Step.PROMOTE):
        return "Programs read the old or the new key; the one that they read works."
    key = rotation.facts.old_key_id
    return f"Programs read the new key; the old key {key} {_old_key_now(rotation)}."


def _old_key_now(rotation: Rotation) -> str:
    if not _untried(rotation, Step.DELETE):
        return "may be deleted"
    state = rotation.step(Step.DEACTIVATE).state
    states = {
        StepState.WAITING: "still works",
        StepState.DONE: "is deactivated",
        StepState.SKIPPED: "no longer exists",
    }
    return states.get(state, "may be deactivated")


#: In the order of an undo, which is the reverse of that of the steps.
_UNDOING = (
    (Step.DEACTIVATE, "Activate the old key"),
    (Step.PROMOTE, "Make the old version current again"),
    (Step.APPLY, "Set the old password"),
    (Step.CREATE, "Remove the new key"),
    (Step.PREFLIGHT, "Remove AWSPENDING"),
)
