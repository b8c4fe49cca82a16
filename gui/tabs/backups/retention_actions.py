"""Plans and runs the removal of old backups."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QObject
from shiboken6 import isValid

from core.aws.buckets import bucket_brief
from core.errors import StorageError
from core.model.backup import Backup
from core.model.retention import RetentionDecision, RetentionReport, RetentionRule
from core.units import format_counted, format_size
from core.work import Work
from gui.dialogs.confirm import ask
from gui.tabs.backups.models import when
from gui.tabs.backups.proof_actions import ProofActions
from gui.tabs.backups.retention_dialog import RetentionDialog, RetentionScope
from gui.tabs.base import Tab
from gui.widgets.dialog import while_exists

_VERSIONED = (
    "The bucket has versioning: the removed objects remain as older versions, which cost storage, "
    "until a lifecycle rule removes them."
)
_PERMANENT = "The bucket has no versioning, so they cannot be restored."


class RetentionActions(QObject):
    """Opens the dialog of retention and runs what it requests.

    Args:
        tab: runs the operations.
        proofs: pins and unpins backups.
        removed: called after backups were removed.
    """

    def __init__(self, tab: Tab, proofs: ProofActions, removed: Callable[[], object]) -> None:
        super().__init__(tab)
        self._tab, self._proofs, self._removed = tab, proofs, removed

    def show_retention(self, scopes: Sequence[RetentionScope]) -> None:
        """Show the dialog with a preview for the first scope."""
        context = self._tab.context
        dialog = RetentionDialog(self._tab, scopes, context.settings, context.locked_reason)
        dialog.plan_wanted.connect(partial(self._plan, dialog))
        dialog.remove_wanted.connect(partial(self._check_versioning, dialog))
        dialog.pin_wanted.connect(partial(self._on_pin_wanted, dialog))
        dialog.open()
        dialog.plan()

    def _plan(self, dialog: RetentionDialog, scope: RetentionScope, rule: RetentionRule) -> None:
        def planned(decisions: Sequence[RetentionDecision]) -> None:
            dialog.show_plan(scope, rule, decisions)

        self._tab.bulk(
            "Plan the removal of old backups",
            "backup.plan_retention",
            _arguments(scope, rule),
            while_exists(dialog, planned),
            failed=while_exists(dialog, dialog.show_error),
            latest="backups/retention",
            quiet=True,
        )

    def _on_pin_wanted(self, dialog: RetentionDialog, backup: Backup) -> None:
        self._proofs.pin(backup, dialog, while_exists(dialog, lambda _backup: dialog.plan()))

    def _check_versioning(
        self,
        dialog: RetentionDialog,
        scope: RetentionScope,
        rule: RetentionRule,
        backups: Sequence[Backup],
    ) -> None:
        """Find out whether the removal can be undone, which the confirmation must state."""
        bucket = self._tab.context.require_workspace().bucket

        def versioned(work: Work) -> bool:
            # A suspended bucket overwrites the version without an id, so it counts as permanent.
            return bucket_brief(bucket.clients, bucket.name, work=work).versioning == "Enabled"

        self._tab.run(
            "Check whether the bucket has versioning",
            versioned,
            while_exists(dialog, partial(self._confirm, dialog, scope, rule, backups)),
            failed=while_exists(dialog, dialog.show_error),
            quiet=True,
        )

    def _confirm(
        self,
        dialog: RetentionDialog,
        scope: RetentionScope,
        rule: RetentionRule,
        backups: Sequence[Backup],
        versioned: bool,
    ) -> None:
        bucket = self._tab.context.require_workspace().bucket.name
        count = format_counted(len(backups), "backup")
        size = format_size(sum(each.size for each in backups))
        ask(
            dialog,
            f"Remove {count}, {size}?",
            _VERSIONED if versioned else _PERMANENT,
            partial(self._remove, dialog, scope, rule, backups),
            names=[f"{each.table}  {when(each.taken)}  {each.id}" for each in backups],
            button="Remove backups",
            danger=True,
            typed=None if versioned else scope.table or bucket,
        )

    def _remove(
        self,
        dialog: RetentionDialog,
        scope: RetentionScope,
        rule: RetentionRule,
        backups: Sequence[Backup],
    ) -> None:
        arguments = {**_arguments(scope, rule), "only": [each.key for each in backups]}
        options = {
            f"--{name}": str(number)
            for name, number in (
                ("daily", rule.daily), ("weekly", rule.weekly),
                ("monthly", rule.monthly), ("yearly", rule.yearly),
            )
            if number
        }  # fmt: skip
        names = [scope.table] if scope.table else []
        command = self._tab.command("backup.apply_retention", *names, options=options)
        if scope.database:  # the command has no option for it
            command = ""
        self._tab.bulk(
            f"Remove {format_counted(len(backups), 'old backup')}",
            "backup.apply_retention",
            arguments,
            partial(self._on_removed, dialog),
            failed=partial(self._on_remove_failed, dialog),
            command=command,
        )

    def _on_removed(self, dialog: RetentionDialog, report: RetentionReport) -> None:
        removed = format_counted(len(report.removed), "backup")
        text = f"{removed} removed, {format_size(report.size)}."
        banner = dialog.banner if isValid(dialog) else self._tab.banner
        if report.failed:
            first = report.failed[0]
            banner.show_warning(
                f"{text} Not removed: {len(report.failed)}.", f"{first.key}: {first.reason}"
            )
        else:
            banner.show_good(text)
        self._removed()
        if isValid(dialog):
            dialog.plan()

    def _on_remove_failed(self, dialog: RetentionDialog, error: StorageError) -> None:
        """Show the error; some backups may be removed."""
        if isValid(dialog):
            dialog.show_error(error)
        else:
            self._tab.show_error(error)
        self._removed()


def _arguments(scope: RetentionScope, rule: RetentionRule) -> dict[str, Any]:
    return {
        "table": scope.table or None,
        "database": scope.database,
        "daily": rule.daily,
        "weekly": rule.weekly,
        "monthly": rule.monthly,
        "yearly": rule.yearly,
    }
