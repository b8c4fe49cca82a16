"""Restore drills, pins and notes of backups in the window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from core.errors import Corrupt, StorageError
from core.model.backup import Backup, BackupState
from core.model.verification import DrillReport
from core.units import format_counted, format_duration, iso_utc, utc_now
from gui.dialogs.confirm import ask
from gui.dialogs.name import NameDialog
from gui.tabs.backups.backups_panel import BackupsPanel
from gui.tabs.backups.models import when
from gui.tabs.backups.open_databases import OpenDatabases
from gui.tabs.backups.sources import Source
from gui.tabs.base import Tab

#: The engine whose backups are restored into a temporary file.
_FILE_ENGINE = "SQLite"


class ProofActions(QObject):
    """Starts restore drills, pins and unpins backups, and changes their notes.

    Args:
        tab: runs the operations and shows their results.
        backups: the list of backups.
        databases: the open databases, into which backups of servers are restored by a drill.
        changed: called with a backup that was pinned or unpinned, or whose note was changed.
    """

    def __init__(
        self,
        tab: Tab,
        backups: BackupsPanel,
        databases: OpenDatabases,
        changed: Callable[[Backup], object],
    ) -> None:
        super().__init__(tab)
        self._tab, self._backups, self._databases = tab, backups, databases
        self._changed = changed
        backups.why_no_drill = self.why_no_drill
        backups.drill_wanted.connect(self.drill)
        backups.pin_wanted.connect(self.pin)
        backups.note_wanted.connect(self.annotate)

    def why_no_drill(self, backup: Backup) -> str:
        """Return why no restore drill of a backup is possible; empty if it is."""
        if backup.state is BackupState.BROKEN:
            return "The backup is damaged."
        engine = backup.origin.engine
        if engine in {"", _FILE_ENGINE} or self._scratch(backup) is not None:
            return ""
        return f"Open a {engine} database first: the drill creates a scratch table in it."

    def drill(self, backup: Backup) -> None:
        """Restore a backup into a scratch table; for a server after a confirmation."""
        scratch = self._scratch(backup)
        if scratch is None:
            self._drill(backup, None)
            return
        ask(
            self._tab,
            f"Restore {backup.table} into a scratch table of {scratch.name}?",
            f"The table is created in {scratch.place} under a free name, compared with the backup, "
            "and removed again. No other table is changed.",
            partial(self._drill, backup, scratch),
            button="Start the drill",
            unchanged="",
        )

    def _scratch(self, backup: Backup) -> Source | None:
        """Return an open database of the backup's engine, preferably the same; None for a file."""
        engine = backup.origin.engine
        if engine in {"", _FILE_ENGINE}:
            return None
        found = [each for each in self._databases.all if each.engine == engine]
        same = [each for each in found if each.origin == backup.origin]
        return next(iter((*same, *found)), None)

    def _drill(self, backup: Backup, scratch: Source | None) -> None:
        arguments: dict[str, Any] = {"table": backup.table, "backup_id": backup.id}
        into = scratch.address if scratch is not None else ""
        if scratch is not None:
            arguments["into"] = self._databases.argument(into)
        self._tab.bulk(
            f"Restore drill of {backup.table} of {when(backup.taken)}",
            "backup.drill",
            arguments,
            self._on_drilled,
            failed=partial(self._on_drill_failed, backup, partial(self._drill, backup, scratch)),
            source=backup.key,
            target=into or "a temporary file",
            command=self._tab.command(
                "backup.drill", backup.table, options={"--id": backup.id, "--into": into}
            ),
        )

    def _on_drilled(self, report: DrillReport) -> None:
        taken, now = when(report.backup.taken), iso_utc(utc_now().replace(microsecond=0))
        if report.problems:
            self._backups.set_checked(report.backup, f"restore drill failed on {now}")
            self._tab.banner.show_warning(
                f"The restore drill of the backup of {taken} found differences.",
                " ".join((*report.problems[:3], report.end)),
            )
            return
        took = format_duration(report.seconds)
        rows = format_counted(report.rows, "row")
        if not report.proven:
            self._tab.banner.show_info(
                f"The backup of {taken} was restored into {report.target} in {took}: {rows}. "
                "The old form has no hash, so this does not prove the values of the rows."
            )
            return
        self._backups.set_checked(report.backup, f"proven by a restore drill on {now}", proven=True)
        self._tab.banner.show_good(
            f"The backup of {taken} is proven: {rows} were restored into {report.target} in {took} "
            f"and compared, {report.verified}. {report.end if report.remains else ''}".strip()
        )

    def _on_drill_failed(
        self, backup: Backup, again: Callable[[], object], error: StorageError
    ) -> None:
        """Show the error, and the damage that the drill may have recorded."""
        # A damaged backup is damaged again, and its damage is shown in the list.
        self._tab.show_error(error, None if isinstance(error, Corrupt) else again)
        self._changed(backup)

    def pin(
        self,
        backup: Backup,
        parent: QWidget | None = None,
        then: Callable[[Backup], object] | None = None,
    ) -> None:
        """Pin a backup with a reason, or remove its pin.

        Args:
            backup: the backup.
            parent: the dialog that wants it; None for the tab.
            then: called with the changed backup.
        """
        if backup.pinned:
            self._pin(backup, "backup.unpin", {}, then)
            return
        NameDialog(
            parent or self._tab,
            f"Pin the backup of {backup.table} of {when(backup.taken)}",
            "Retention never removes a pinned backup. The reason is shown in the list.",
            lambda note: self._pin(backup, "backup.pin", {"note": note}, then),
            button="Pin",
            missing="Type a reason first.",
        ).open()

    def _pin(
        self,
        backup: Backup,
        operation: str,
        more: dict[str, Any],
        then: Callable[[Backup], object] | None,
    ) -> None:
        taken = when(backup.taken)

        def text(present: Backup) -> str:
            return (
                f"The backup of {taken} is pinned: retention never removes it."
                if present.pinned
                else f"The backup of {taken} is no longer pinned."
            )

        name = f"Change the pin of the backup of {backup.table} of {taken}"
        self._change(name, operation, backup, more, text, then)

    def annotate(self, backup: Backup) -> None:
        """Prompt for the note of a backup, which may be empty."""
        taken = when(backup.taken)

        def text(present: Backup) -> str:
            done = "was changed" if present.note else "was removed"
            return f"The note of the backup of {taken} {done}."

        name = f"Change the note of the backup of {backup.table} of {taken}"
        NameDialog(
            self._tab,
            f"Note of the backup of {backup.table} of {taken}",
            "It is shown on every machine, and stored without encryption. An empty field removes it.",
            lambda note: self._change(name, "backup.annotate", backup, {"note": note}, text),
            button="Save",
            given=backup.note,
            missing="",
        ).open()

    def _change(
        self,
        name: str,
        operation: str,
        backup: Backup,
        more: dict[str, Any],
        text: Callable[[Backup], str],
        then: Callable[[Backup], object] | None = None,
    ) -> None:
        def changed(present: Backup) -> None:
            self._tab.banner.show_good(text(present))
            self._changed(present)
            if then is not None:
                then(present)

        self._tab.bulk(
            name,
            operation,
            {"table": backup.table, "backup_id": backup.id, **more},
            changed,
            source=backup.key,
            command=self._command(operation, backup, more.get("note", "")),
        )

    def _command(self, operation: str, backup: Backup, note: str) -> str:
        """Return the command that changes a note; empty where an option has to be empty."""
        if operation != "backup.annotate" or not note:
            return ""
        options = {"--id": backup.id, "--note": note}
        return self._tab.command(operation, backup.table, options=options)
