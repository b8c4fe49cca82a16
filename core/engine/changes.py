"""What each operation changes: the entries of the log of changes, from its arguments and result.

Each function of this module takes an `OperationCall` and the operation's result, and returns what
was changed. The table of operations assigns them; views refresh from the changes, and the log of
changes stores them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.model.change import ChangeKind
from core.units import format_counted

if TYPE_CHECKING:
    from core.model.rotation import Rotation, Step, StepRecord

#: More prefixes than this are replaced by the empty one, which stands for the complete bucket.
MOST_PREFIXES = 50


@dataclass(frozen=True, slots=True)
class Effect:
    """One change of an operation, without its time and origin.

    Attributes:
        kind: the area that was changed.
        subject: the changed resource.
        prefixes: the key prefixes whose listings are outdated.
        operation: the operation to log if it is not the one that was called.
    """

    kind: ChangeKind
    subject: str
    prefixes: tuple[str, ...] = ()
    operation: str = ""


@dataclass(frozen=True, slots=True)
class OperationCall:
    """One call of an operation.

    Attributes:
        operation: its name in the table of operations.
        arguments: its arguments, by the names of its function.
        bucket: the bucket of the connection.
        profile: the profile of the connection, for the log of changes.
        origin: the view that makes the call, for the log of changes.
    """

    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    bucket: str = ""
    profile: str = ""
    origin: str = ""


Effects = Sequence[Effect]
DescribeEffects = Callable[[OperationCall, Any], Effects]


def no_effects(_call: OperationCall, _result: object) -> Effects:
    """Return nothing: the operation only reads."""
    return ()


def written_object(call: OperationCall, _result: object) -> Effects:
    """Describe the object whose key is an argument of the call."""
    return _objects(call, [call.arguments["key"]])


def copied_object(call: OperationCall, _result: object) -> Effects:
    """Describe the target of a copy."""
    return _objects(call, [call.arguments["target"]])


def copied_objects(call: OperationCall, report: Any) -> Effects:
    """Describe the copies of a `TransferReport`, or of `Outcomes`, and the moved objects."""
    done = [call.arguments["targets"][number] for number in report.done]
    moved = [call.arguments["keys"][number] for number in report.done]
    if call.operation != "transfer.move":
        return _objects(call, done)
    # The listings of objects are outdated, too, whose copies or deletions were not answered.
    unfinished = getattr(report, "unfinished", ())
    perhaps = [key for each in unfinished for key in (each.target, each.key)]
    return _objects(call, done or perhaps[:1], [*done, *moved, *perhaps])


def undone_move(call: OperationCall, report: Any) -> Effects:
    """Describe the objects of an `UndoReport` that exist under their former keys."""
    back = [*report.restored, *report.present]
    copies = [each.target for each in call.arguments["moved"]]
    return _objects(call, back, [*back, *copies])


def filed_object(_call: OperationCall, written: Any) -> Effects:
    """Describe the object under the key that the data contract gave it."""
    return (Effect(ChangeKind.OBJECTS, written.key, (parent_of(written.key),)),)


def filed_files(call: OperationCall, report: Any) -> Effects:
    """Describe the objects that a watched folder has stored."""
    return _objects(call, report.keys)


def deleted_objects(call: OperationCall, report: Any) -> Effects:
    """Describe the objects of a `DeleteReport` that were deleted, or may have been."""
    # Only what was deleted: the report also names failed objects, whose listings are still right.
    deleted = [each.key for each in report.deleted]
    return _objects(call, deleted or report.unanswered, [*deleted, *report.unanswered])


def restored_objects(call: OperationCall, report: Any) -> Effects:
    """Describe the objects of a `RestoreReport` that were restored."""
    return _objects(call, report.restored)


def edited_objects(call: OperationCall, report: Any) -> Effects:
    """Describe the objects of an `EditReport` whose properties were changed, at least in part."""
    changed = [each.key for each in (*report.changed, *report.partly)]
    perhaps = [each.key for each in report.unanswered]
    return _objects(call, changed or perhaps, [*changed, *perhaps])


def uploaded_files(call: OperationCall, report: Any) -> Effects:
    """Describe the files of a `TransferReport`, or of `Outcomes`, that were uploaded."""
    keys = call.arguments["keys"]
    done = [keys[number] for number in report.done]
    if len(done) == 1:
        return (Effect(ChangeKind.OBJECTS, done[0], (parent_of(done[0]),)),)
    target = f"s3://{call.bucket}/{_common_folder(done)}"
    subject = f"{format_counted(len(done), 'object')} in {target}"
    return (Effect(ChangeKind.OBJECTS, subject, _prefixes(done)),) if done else ()


def synchronized_objects(call: OperationCall, report: Any) -> Effects:
    """Describe the objects that a synchronization to the bucket has written and deleted."""
    if call.arguments["direction"] != "upload":
        return ()
    return _objects(call, [*(report.keys[n] for n in report.transfer.done), *report.deleted])


def removed_leftovers(call: OperationCall, report: Any) -> Effects:
    """Describe the unfinished uploads and parts of backups that a `SweepReport` removed."""
    return _objects(call, report.uploads)


def written_backups(_call: OperationCall, report: Any) -> Effects:
    """Describe each backup of a `BackupReport`."""
    return tuple(
        Effect(ChangeKind.BACKUPS, backup.table, (parent_of(backup.key),))
        for backup in report.backups
    )


def discarded_backups(_call: OperationCall, found: Any) -> Effects:
    """Describe each interrupted backup that was removed."""
    return tuple(Effect(ChangeKind.BACKUPS, each.table) for each in found)


def removed_backups(_call: OperationCall, report: Any) -> Effects:
    """Describe each backup that a `RetentionReport` has removed."""
    return tuple(
        Effect(ChangeKind.BACKUPS, backup.table, (parent_of(backup.key),))
        for backup in report.removed
    )


def changed_backup(_call: OperationCall, backup: Any) -> Effects:
    """Describe the backup that was pinned, unpinned or annotated."""
    return (Effect(ChangeKind.BACKUPS, backup.table, (parent_of(backup.key),)),)


def requested_retrieval(_call: OperationCall, report: Any) -> Effects:
    """Describe the backup of a `ThawReport` whose retrieval was requested."""
    return (Effect(ChangeKind.BACKUPS, report.table),) if report.sent else ()


def restored_table(_call: OperationCall, report: Any) -> Effects:
    """Describe the table of a `RestoreReport` or `RowsReport`."""
    return (Effect(ChangeKind.TABLES, f"{report.database}: {report.table}"),)


def restored_tables(_call: OperationCall, report: Any) -> Effects:
    """Describe each table of a `TablesReport`, or the table of a `RestoreReport` until then."""
    tables = getattr(report, "tables", (report,))
    return tuple(Effect(ChangeKind.TABLES, f"{one.database}: {one.table}") for one in tables)


def former_table(call: OperationCall, _result: object) -> Effects:
    """Describe the former table that an undo restored, or that was dropped."""
    return (Effect(ChangeKind.TABLES, call.arguments["former"]),)


def made_links(_call: OperationCall, links: Any) -> Effects:
    """Describe new links."""
    if not links:
        return ()
    subject = links[0].key if len(links) == 1 else format_counted(len(links), "object")
    return (Effect(ChangeKind.LINKS, subject),)


def deactivated_key(call: OperationCall, _result: object) -> Effects:
    """Describe the access key that was deactivated to end its links."""
    return (Effect(ChangeKind.LINKS, f"access key {call.arguments['access_key_id']} deactivated"),)


def saved_rules(call: OperationCall, _result: object) -> Effects:
    """Describe saved lifecycle rules, or an undone save, whose argument is the former result."""
    subject = (
        f"s3://{call.bucket} lifecycle rules undone"
        if "saved" in call.arguments
        else f"s3://{call.bucket} lifecycle rules saved"
    )
    return (Effect(ChangeKind.BUCKET, subject),)


def queried_with_athena(call: OperationCall, _result: object) -> Effects:
    """Describe the table that a query of Athena has created in the data catalogue."""
    return (Effect(ChangeKind.BUCKET, f"s3://{call.bucket} queried with Athena"),)


def changed_secret(call: OperationCall, _result: object) -> Effects:
    """Describe the secret whose name is an argument of the call."""
    return (Effect(ChangeKind.SECRETS, call.arguments["name"]),)


def rolled_back_secret(call: OperationCall, _result: object) -> Effects:
    """Describe the secret that was rolled back."""
    return (Effect(ChangeKind.SECRETS, call.arguments["found"].secret),)


def repaired_finding(call: OperationCall, _result: object) -> Effects:
    """Describe a repair of the doctor."""
    finding, repair = call.arguments["finding"], call.arguments["repair"]
    return (Effect(ChangeKind.SECRETS, f"{finding.subject}: {repair.title.lower()}"),)


def stored_keys(call: OperationCall, report: Any) -> Effects:
    """Describe the secret into which a `SetupReport` says that keys were stored."""
    name = call.arguments["connection"].profile.secret_name
    return (Effect(ChangeKind.SECRETS, name),) if report.stored else ()


def saved_profile(call: OperationCall, _result: object) -> Effects:
    """Describe a saved profile."""
    return (Effect(ChangeKind.PROFILES, call.arguments["profile"].name),)


def deleted_profile(call: OperationCall, _result: object) -> Effects:
    """Describe a deleted profile."""
    return (Effect(ChangeKind.PROFILES, call.arguments["name"]),)


#: What each step of a rotation changes, by its name; a step that is not listed changes nothing.
_STEP_EFFECTS = {
    "CREATE": "access key {key} of {user} created",
    "STAGE": "new value stored",
    "APPLY": "password changed in the database",
    "PROMOTE": "new value made current",
    "DEACTIVATE": "access key {key} of {user} deactivated",
    "DELETE": "access key {key} of {user} deleted",
}


def rotation_steps(call: OperationCall, rotation: Rotation) -> Effects:
    """Describe the steps that the call has completed, and whether the rotation was undone.

    Steps of an earlier call, whose result is the argument `rotation`, are not described again.
    """
    from core.model.rotation import Outcome, StepState  # not at the start of every command

    before = call.arguments.get("rotation")
    steps = [each for each in rotation.steps if _completed(each, before)]
    effects = [
        _step_effect(rotation, each.step) for each in steps if each.step.name in _STEP_EFFECTS
    ]
    undone = any(record.state is StepState.UNDONE for record in rotation.steps)
    if rotation.outcome is Outcome.UNDONE and undone:
        effects.append(Effect(ChangeKind.SECRETS, rotation.secret, operation="rotation.undo"))
    return effects


def _completed(record: StepRecord, before: Rotation | None) -> bool:
    from core.model.rotation import StepState

    done = record.state is StepState.DONE
    return done and not (before is not None and before.finished(record.step))


def _step_effect(rotation: Rotation, step: Step) -> Effect:
    facts = rotation.facts
    key = facts.new_key_id if step.name == "CREATE" else facts.old_key_id
    text = _STEP_EFFECTS[step.name].format(key=key, user=facts.user)
    return Effect(ChangeKind.SECRETS, f"{rotation.secret}: {text}")


def parent_of(key: str) -> str:
    """Return the prefix that lists a key."""
    # The slash at the end of a folder marker is part of its name, not of its parent.
    return key[: key.rstrip("/").rfind("/") + 1]


def _objects(
    call: OperationCall, keys: Sequence[str], outdated: Sequence[str] | None = None
) -> Effects:
    """Describe changed objects, and the listings of all `outdated` keys; by default of the same."""
    if not keys:
        return ()
    many = format_counted(len(keys), "object")
    subject = f"s3://{call.bucket}/{keys[0]}" if len(keys) == 1 else many
    prefixes = _prefixes(keys if outdated is None else outdated)
    return (Effect(ChangeKind.OBJECTS, subject, prefixes),)


def _prefixes(keys: Sequence[str]) -> tuple[str, ...]:
    # Without a call for each key: the window does this for 50,000 keys at once.
    folders = dict.fromkeys([key[: key.rfind("/") + 1] for key in keys if key[-1:] != "/"])
    folders.update(dict.fromkeys([parent_of(key) for key in keys if key[-1:] == "/"]))
    # Refreshing the complete bucket once is cheaper than many single folders.
    return tuple(folders) if len(folders) <= MOST_PREFIXES else ("",)


def _common_folder(keys: Sequence[str]) -> str:
    if not keys:
        return ""
    # The smallest and the largest text share the least, so their common start is that of all.
    first, last = min(keys), max(keys)
    same = next(
        (n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first)
    )
    return first[: first.rfind("/", 0, same) + 1]
