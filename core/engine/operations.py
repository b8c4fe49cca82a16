"""All operations by name, each marked as reading or changing.

A new operation is one line here. The list defines what a read-only profile refuses, which commands
of the palette are marked while it is locked, the actions in the log of changes, and the equivalent
command line.

A bulk operation is a function `(workspace, work, **arguments) -> result` that the engine process
runs; its arguments are plain data, its result is frozen and picklable. The others run in the
caller's process. Their requests are also checked one by one in `core.aws.clients`.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.engine import changes
from core.engine.changes import OperationCall
from core.engine.object_operations import OBJECT_OPERATIONS
from core.engine.operation import Operation
from core.engine.operation import changes as _changes
from core.engine.operation import changes_here as _changes_here
from core.engine.operation import changes_settings as _changes_settings
from core.engine.operation import reads as _reads
from core.engine.operation import rotates as _rotates
from core.model.change import Change
from core.units import utc_now

_SECRETS = "core.storage.aws_secrets_manager:SecretsManager"
_ROTATION = "core.rotation.service:Rotator"
_CONNECTIONS = "core.local.connections:Connections"

OPERATIONS: tuple[Operation, ...] = (
    *OBJECT_OPERATIONS,
    _reads("statistics.scan", "core.statistics.scan:scan", "Scanning a bucket", "stats"),
    _reads(
        "catalog.refresh", "core.catalog.refresh:refresh", "Listing new keys", "catalog refresh"
    ),
    _reads("statistics.count", "core.statistics.scan:count", "Counting a prefix"),
    _reads(
        "coverage.check",
        "core.coverage.content_check:check_content",
        "Reading candle files",
        "coverage --content",
    ),
    _reads("coverage.read", "core.coverage.report:coverage", "Reading the coverage", "coverage"),
    _changes(
        "backup.run", "core.backup.run:backup", "Backing up", changes.written_backups, "backup"
    ),
    _changes(
        "backup.resume",
        "core.backup.resume:resume",
        "Resuming backups",
        changes.written_backups,
        "backup --resume",
    ),
    _reads("backup.resumable", "core.backup.resume:resumable", "Listing interrupted backups"),
    _changes(
        "backup.discard",
        "core.backup.resume:discard",
        "Removing interrupted backups",
        changes.discarded_backups,
        "backup --resume --discard --yes",
    ),
    _reads("backup.list", "core.backup.listing:list_backups", "Listing backups", "backups"),
    _reads("backup.health", "core.backup.health:examine", "Examining backups"),
    _reads("backup.preview", "core.backup.preview:preview", "Comparing a backup", "restore"),
    _changes(
        "backup.restore",
        "core.backup.restore:restore",
        "Restoring a table",
        changes.restored_table,
        "restore --yes",
    ),
    _reads(
        "backup.plan_tables",
        "core.backup.restore_tables:plan_tables",
        "Choosing backups of several tables",
    ),
    _reads(
        "backup.preview_tables",
        "core.backup.restore_tables:preview_tables",
        "Comparing backups of several tables",
        "restore",
    ),
    Operation(
        "backup.restore_tables",
        "core.backup.restore_tables:restore_tables",
        "Restoring tables",
        command="restore --yes",
        effects=changes.restored_tables,
        partial_batches=True,
    ),
    _reads(
        "backup.preview_rows",
        "core.backup.row_restore:preview_rows",
        "Comparing rows of a backup",
        "restore",  # with --rows KEY
    ),
    _changes(
        "backup.restore_rows",
        "core.backup.row_restore:restore_rows",
        "Restoring rows of a table",
        changes.restored_table,
        "restore --yes",
    ),
    _reads(
        "backup.plan_thaw",
        "core.backup.thaw:plan_thaw",
        "Estimating the retrieval of a backup",
        "backups",  # with --thaw ID
    ),
    _changes(
        "backup.thaw",
        "core.backup.thaw:thaw",
        "Requesting the retrieval of a backup",
        changes.requested_retrieval,
        "backups --yes",  # with --thaw ID, as an option
    ),
    _reads("backup.compare", "core.backup.comparison:compare", "Comparing backups", "compare"),
    _reads(
        "collect.plan", "core.collect.collecting:plan", "Planning a collection", "collect --dry-run"
    ),
    _reads("preview.join", "core.collect.joined_preview:join_objects", "Joining previews"),
    _reads("collect.run", "core.collect.collecting:collect", "Collecting a range", "collect"),
    _reads(
        "collect.athena",
        "core.collect.collecting:plan_athena",
        "Planning a query of Athena",
        "collect --athena",
    ),
    _changes(
        "athena.run",
        "core.collect.athena_run:run_on_athena",
        "Querying with Athena",
        changes.queried_with_athena,
        "collect --athena --yes",
    ),
    _reads("folder.plan", "core.collect.folder:plan_folder", "Planning a query of a folder", "sql"),
    _reads("tables.query", "core.collect.folder_query:query_folders", "Running a query", "sql"),
    _reads("tables.plan", "core.collect.folder_query:plan_query", "Planning a query", "sql"),
    _reads("tables.page", "core.collect.querying:read_page", "Reading a table"),
    _reads("tables.export", "core.collect.querying:export_table", "Exporting a table"),
    _reads("backup.query", "core.backup.query:query", "Querying a backup", "query"),
    _reads("backup.export", "core.backup.export:export", "Exporting a backup", "export"),
    _reads("backup.verify", "core.backup.verify:verify", "Verifying a backup", "backups --verify"),
    _reads("backup.drill", "core.backup.drill:drill", "Running a restore drill", "drill"),
    _reads(
        "backup.plan_retention",
        "core.backup.retention:plan_retention",
        "Planning the removal of backups",
        "retention",
    ),
    _changes(
        "backup.apply_retention",
        "core.backup.retention:apply_retention",
        "Removing old backups",
        changes.removed_backups,
        "retention --yes",
    ),
    _changes("backup.pin", "core.backup.pins:pin", "Pinning a backup", changes.changed_backup),
    _changes(
        "backup.unpin", "core.backup.pins:unpin", "Unpinning a backup", changes.changed_backup
    ),
    _changes(
        "backup.annotate",
        "core.backup.notes:annotate",
        "Changing the note of a backup",
        changes.changed_backup,
        "backups",  # with --id ID and --note TEXT
    ),
    _reads(
        "backup.failing_after_undo",
        "core.backup.undo:failing_after_undo",
        "Checking what uses former tables",
    ),
    _changes(
        "backup.undo",
        "core.backup.undo:undo",
        "Undoing a restore",
        changes.former_table,
        "restore --undo --yes",
    ),
    _changes(
        "backup.drop_former",
        "core.backup.undo:drop_former_table",
        "Dropping a former table",
        changes.former_table,
        "restore --drop-kept --yes",
    ),
    _changes_here(
        "backup.create_key",
        "core.backup.encryption_keys:create_key",
        "Creating a backup key",
        changes.changed_secret,
        "backup-key create",
    ),
    _changes_here(
        "secrets.create",
        f"{_SECRETS}.create_secret",
        "Creating a secret",
        changes.changed_secret,
        "secrets put",
    ),
    _changes_here(
        "secrets.save", f"{_SECRETS}.save", "Saving a secret", changes.changed_secret, "secrets put"
    ),
    _changes_here(
        "secrets.delete", f"{_SECRETS}.delete_secret", "Deleting a secret", changes.changed_secret
    ),
    _changes_here(
        "secrets.restore",
        f"{_SECRETS}.restore_secret",
        "Restoring a secret",
        changes.changed_secret,
    ),
    _changes_here(
        "secrets.make_current",
        f"{_SECRETS}.make_current",
        "Changing the current version",
        changes.changed_secret,
    ),
    _changes_here("secrets.tag", f"{_SECRETS}.tag", "Tagging a secret", changes.changed_secret),
    _changes_here(
        "secrets.untag", f"{_SECRETS}.untag", "Removing a tag of a secret", changes.changed_secret
    ),
    _rotates("rotation.start", f"{_ROTATION}.start", "Rotating a secret", "rotate --yes"),
    _rotates(
        "rotation.resume", f"{_ROTATION}.resume", "Resuming a rotation", "rotate --resume --yes"
    ),
    _rotates("rotation.undo", f"{_ROTATION}.undo", "Undoing a rotation", "rotate --undo --yes"),
    _changes_here(
        "rotation.roll_back",
        "core.rotation.rollback:roll_back",
        "Rolling a secret back",
        changes.rolled_back_secret,
        "secrets rollback --yes",
    ),
    _changes_here(
        "doctor.repair",
        "core.doctor.repairs:Repairer.repair",
        "Repairing a finding",
        changes.repaired_finding,
        "doctor --yes",
    ),
    _changes_here(
        "setup", "core.storage.setup:set_up", "Setting up keys", changes.stored_keys, "setup"
    ),
    _changes_settings(
        "profiles.save", f"{_CONNECTIONS}.save", "Saving a profile", changes.saved_profile
    ),
    _changes_settings(
        "profiles.delete", f"{_CONNECTIONS}.delete", "Deleting a profile", changes.deleted_profile
    ),
)

_BY_NAME = {each.name: each for each in OPERATIONS}
OPERATION_NAMES = frozenset(_BY_NAME)


def operation(name: str) -> Operation:
    """Return the operation with a name.

    Raises:
        KeyError: the operation does not exist.
    """
    return _BY_NAME[name]


def changes_something(arguments: Sequence[str]) -> bool:
    """Return whether a command line of `strongroom` is that of an operation that changes data.

    Args:
        arguments: the subcommand and what follows it.
    """
    # Values of options follow an equals sign in generated commands, so other words are positional.
    names = [name for name in arguments if not name.startswith("-")]
    return any(
        names[: len(command)] == command and options <= set(arguments)
        for operation in OPERATIONS
        if operation.changes and operation.command
        for command, options in (_parts(operation.command),)
    )


def _parts(command: str) -> tuple[list[str], set[str]]:
    """Return the words and the options of a subcommand."""
    parts = command.split()
    options = {part for part in parts if part.startswith("-")}
    return [part for part in parts if part not in options], options


def changes_made(call: OperationCall, result: object) -> tuple[Change, ...]:
    """Return the entries in the log of changes for an operation that has ended.

    Args:
        call: the operation and its arguments.
        result: its result, or the partial result of an error that ended it.

    Raises:
        KeyError: the operation does not exist.
    """
    now = utc_now()
    return tuple(
        Change(
            effect.kind,
            operation(effect.operation or call.operation).title,
            effect.subject,
            call.origin,
            now,
            effect.prefixes,
        )
        for effect in operation(call.operation).effects(call, result)
    )
