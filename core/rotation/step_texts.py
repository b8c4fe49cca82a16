"""What the steps are called, and what they and their undoing do, for each kind of rotation."""

from __future__ import annotations

from core.model.rotation import PlannedStep, Rotation, RotationKind, RotationPlan, Step

TITLES = {
    Step.PREFLIGHT: "Check before the start",
    Step.CREATE: "Create the new key",
    Step.STAGE: "Stage as AWSPENDING",
    Step.APPLY: "Set the password in the database",
    Step.TEST: "Test the new value",
    Step.PROMOTE: "Promote to AWSCURRENT",
    Step.SWITCH: "Switch our own connections",
    Step.DEACTIVATE: "Deactivate the old key",
    Step.DELETE: "Delete the old key",
}

_SHARED = {
    Step.PREFLIGHT: (
        "Look who we are and how the secret stands; take AWSPENDING, so that nobody else begins.",
        "AWSPENDING is given back.",
    ),
    Step.STAGE: (
        "Store the new value beside the current one; nobody who reads the secret gets it yet.",
        "AWSPENDING is given back; the version is left without a label and AWS drops it.",
    ),
    Step.PROMOTE: (
        "Move AWSCURRENT, only if nobody else has moved it since; readers get the new value.",
        "AWSCURRENT goes back to the old version.",
    ),
}
_OWN = {
    (RotationKind.IAM_KEY, Step.CREATE): (
        "Ask IAM for a second key, once: a lost answer never makes another one.",
        "The new key is deactivated and deleted.",
    ),
    (RotationKind.IAM_KEY, Step.TEST): (
        "Sign in with the new key and list, write, read and delete a test object, three times.",
        "Nothing was changed.",
    ),
    (RotationKind.IAM_KEY, Step.SWITCH): (
        "Replace the key in the profiles of this machine that use the old one.",
        "The profiles get their old key back.",
    ),
    (RotationKind.IAM_KEY, Step.DEACTIVATE): (
        "After the grace period, and if nobody uses it any more: the old key is refused.",
        "The old key is activated again.",
    ),
    (RotationKind.IAM_KEY, Step.DELETE): (
        "After the second period, or when you say so.",
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
        "See that the new pairs can be read and differ; no exchange can be logged in to here.",
        "Nothing was changed.",
    ),
    (RotationKind.MANAGED, Step.PREFLIGHT): (
        "Look whether AWS's own rotation is on and ready.",
        "Nothing was changed.",
    ),
    (RotationKind.MANAGED, Step.APPLY): (
        "Ask AWS to rotate; its function creates, sets and tests the new value.",
        "A rotation by AWS is not taken back from here; roll the secret back instead.",
    ),
    (RotationKind.MANAGED, Step.PROMOTE): (
        "Watch until AWS has moved AWSCURRENT to the new version.",
        "Roll the secret back to its former version.",
    ),
}
_APPLY_BY_AWS = "Let AWS rotate"


def title_of(kind: RotationKind, step: Step) -> str:
    """Return what a step is called."""
    if kind is RotationKind.MANAGED and step is Step.APPLY:
        return _APPLY_BY_AWS
    return TITLES[step]


def planned(kind: RotationKind, step: Step) -> PlannedStep:
    """Return a step in words."""
    text, undo = _OWN.get((kind, step)) or _SHARED[step]
    return PlannedStep(step, title_of(kind, step), text, undo)


def replaced_copies(plan: RotationPlan) -> tuple[str, ...]:
    """Return the other places in which a rotation would replace the value as well."""
    if plan.kind is RotationKind.MANAGED or plan.problem is not None:
        return ()  # AWS's function does not know them
    return tuple(dict.fromkeys(copy.place for copy in plan.copies if copy.replaceable))


def copy_notes(plan: RotationPlan, *, unchanged: bool = False) -> tuple[str, ...]:
    """Return what a plan says about other places that hold the value; no value is in it.

    Args:
        plan: the plan.
        unchanged: whether the user wants them left as they are.
    """
    by_hand = unchanged or plan.kind is RotationKind.MANAGED  # AWS's function does not know them
    return tuple(
        f"{copy.place} holds the same value ({copy.form.value}); "
        + ("it is replaced, too" if copy.replaceable and not by_hand else "change it yourself")
        for copy in plan.copies
    )


def undo_now(rotation: Rotation) -> str:
    """Return what undoing a rotation would do from where it stands."""
    if rotation.finished(Step.DELETE):
        return "The old key is gone; there is no way back."
    parts = [text for step, text in _UNDOING if rotation.finished(step)]
    if rotation.kind is RotationKind.MANAGED or not parts:
        return "Nothing was changed yet."
    sentence = ", then ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


_UNDOING = (
    (Step.DEACTIVATE, "activate the old key"),
    (Step.PROMOTE, "make the old version current again"),
    (Step.APPLY, "set the old password"),
    (Step.CREATE, "remove the new key"),
    (Step.PREFLIGHT, "give AWSPENDING back"),
)
