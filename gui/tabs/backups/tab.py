"""The Backups tab itself: opens databases, lists, backs up, previews and restores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QVBoxLayout, QWidget

from core.backup.databases import open_database, origin_of
from core.backup.keys import parse
from core.backup.listing import last_backups, list_backups
from core.engine.operations import change_made
from core.errors import StorageError
from core.model.backup import Backup, BackupReport, BackupState, Origin, VerifyReport
from core.model.change import Change, ChangeKind
from core.model.tables import DatabaseInfo, TableInfo
from core.units import format_count, iso_utc, utc_now
from core.work import Progress, Work
from core.workspace import Workspace
from gui.context import Context
from gui.models.names import Name, NameList, NameSource
from gui.tabs.backups.backups_panel import BackupsPanel
from gui.tabs.backups.kept_bar import KeptBar
from gui.tabs.backups.models import when
from gui.tabs.backups.restore_flow import RestoreFlow
from gui.tabs.backups.restore_panel import RestorePanel
from gui.tabs.backups.tables_panel import TablesPanel
from gui.tabs.base import Tab
from gui.widgets.panel import splitter

_KEY = "backups/database"


class BackupsTab(Tab):
    """Tables at the left, their backups in the centre, the restore at the right."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._database = ""
        self._wanted_table = ""
        self.tables = TablesPanel(context.settings)
        self.backups = BackupsPanel(context.settings)
        self.restoring = RestorePanel()
        self.kept = KeptBar()
        self.flow = RestoreFlow(self, self.restoring, self.kept)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.kept)
        columns = splitter(self.tables, self.backups, self.restoring, sizes=(420, 420, 440))
        box.addWidget(columns, 1)
        self._connect()

    def _connect(self) -> None:
        self.tables.open_wanted.connect(self._on_open_wanted)
        self.tables.selected.connect(self._on_table)
        self.tables.backup_wanted.connect(self._on_backup_wanted)
        self.backups.selected.connect(self._on_backup)
        self.backups.verify_wanted.connect(self._on_verify_wanted)
        self.flow.changed.connect(self._on_tables_changed)
        self.context.read_only_changed.connect(self._update_allowed)

    # Opening

    def open_file(self, path: str) -> None:
        """Open a database and show its tables."""
        self._database = path
        self.kept.hide()
        self._read_tables()

    def searchable(self) -> Sequence[NameSource]:
        """Return the tables of the open database, and the backups that are listed."""
        tables = [Name("Table", info.name, info.name) for info in self.tables.model.tables]
        backups = [Name("Backup", each.key, each.key) for each in self.backups.model.backups]
        return (NameList([*tables, *backups]),)

    def open_target(self, target: object) -> None:
        """Show a table by its name, or by the key of one of its backups."""
        if isinstance(target, str):
            key = parse(target)
            self._wanted_table = key.table if key else target
            if self.tables.select(self._wanted_table):
                self._wanted_table = ""
                if key is not None:
                    self._list(key.table, target)

    def present(self) -> None:
        """Have a table with a backup compared; in the demo, where it costs nothing, a fresh one."""
        self._wanted_table = "orders"
        if self.tables.select("orders"):
            self._wanted_table = ""
        if self.context.demo_database is not None:
            arguments = {"database": str(self.context.demo_database)}
            self.bulk("Back up all tables", "backup.run", arguments, self._show_new)

    def _do_workspace(self, _workspace: Workspace | None) -> None:
        self.backups.show_nothing()
        self.restoring.show_nothing()
        self.tables.set_last(None)
        self._update_allowed()
        demo = self.context.demo_database
        kept = self.context.settings.get(_KEY)
        if not self._database and demo is not None:
            self._database = str(demo)
        elif not self._database and isinstance(kept, str) and Path(kept).exists():
            self._database = kept
        self._do_refresh()

    def _do_refresh(self) -> None:
        if self._database:
            self._read_tables()
        else:
            self.tables.show_nothing()
            self._on_table(None)
        self._read_last()

    def _do_change(self, change: Change) -> None:
        if change.kind in (ChangeKind.BACKUPS, ChangeKind.OBJECTS) and change.origin != "Backups":
            self._read_last()

    def _on_open_wanted(self) -> None:
        start = str(Path(self._database).parent) if self._database else str(Path.home())
        dialog = QFileDialog(self, "Open an SQLite database", start)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(["SQLite (*.db *.sqlite *.sqlite3)", "All files (*)"])
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def _read_tables(self) -> None:
        path = self._database

        def look(work: Work) -> DatabaseInfo:
            with open_database(path) as database:
                return database.info(work=work)

        self.run(
            "Read tables", look, self._on_tables, latest="backups/tables", quiet=True,
            failed=self._on_tables_failed,
        )  # fmt: skip

    def _on_tables(self, info: DatabaseInfo) -> None:
        if self._database != str(self.context.demo_database):
            self.context.settings.set(_KEY, self._database)
        self.tables.show_database(info, self._database)
        if self._wanted_table and self.tables.select(self._wanted_table):
            self._wanted_table = ""
        self._update_allowed()

    def _on_tables_failed(self, error: StorageError) -> None:
        self._database = ""
        self.tables.show_nothing()
        self.show_error(error)

    def _read_last(self) -> None:
        workspace = self.context.workspace
        if workspace is None:
            return
        self.run(
            "Find last backups",
            lambda work: last_backups(workspace, work),
            self.tables.set_last,
            latest="backups/last",
            quiet=True,
        )

    # A table's backups

    def _on_table(self, info: TableInfo | None) -> None:
        workspace = self.context.workspace
        if info is None or workspace is None:
            self.backups.show_nothing()
            return
        if info.kept_from:
            self.kept.show_kept(info.kept_from, info.name)
        self._list(info.kept_from or info.name)

    def _list(self, table: str, select: str = "") -> None:
        workspace = self.context.workspace
        if workspace is None:
            return
        self.backups.show_loading(table)

        origin = origin_of(self._database) if self._database else Origin()

        def listed(found: Sequence[Backup]) -> None:
            self.backups.show_backups(table, found, origin, select)

        self.run(
            f"List backups of {table}",
            lambda work: list_backups(workspace, work, table=table),
            listed,
            failed=lambda error: self._on_list_failed(table, error),
            latest="backups/list",
            quiet=True,
        )

    def _on_list_failed(self, table: str, error: StorageError) -> None:
        self.backups.show_failure(table, error.summary)
        self.show_error(error, lambda: self._list(table))

    def _on_backup(self, backup: Backup | None) -> None:
        self.flow.show(self._database, backup)

    def _on_tables_changed(self, table: str) -> None:
        self._wanted_table = table
        self._do_refresh()

    # Back up and verify

    def _on_backup_wanted(self, tables: Sequence[str]) -> None:
        what = tables[0] if tables else "all tables"
        self.bulk(
            f"Back up {what}",
            "backup.run",
            {"database": self._database, "tables": list(tables) or None},
            self._on_backed_up,
            source=self._database,
            target=self._bucket_name(),
            command=self.command(
                "backup.run", self._database, *tables, options={"--all-tables": not tables}
            ),
            progress=lambda p: self.tables.note.setText(f"Backing up {_rows(p)}"),
            failed=self._on_backup_failed,
        )
        self.tables.note.setText(f"Backing up {what}…")

    def _on_backup_failed(self, error: StorageError) -> None:
        self.tables.note.setText("")
        self.show_error(error)

    def _on_backed_up(self, report: BackupReport) -> None:
        rows = sum(backup.rows or 0 for backup in report.backups)
        names = ", ".join(backup.table for backup in report.backups) or "no table"
        self.tables.note.setText("")
        words = f"Backed up {names}: {format_count(rows)} rows in {report.seconds:.1f} s, written, "
        words += report.verdict.value
        if report.skipped:
            left = " ".join(f"{each.table} was skipped: {each.problem}" for each in report.skipped)
            self.banner.show_warning(f"{words}.", left)
        else:
            self.banner.show_good(f"{words}.")
        self._show_new(report)

    def _show_new(self, report: BackupReport) -> None:
        for backup in report.backups:
            prefix = backup.key.rsplit("/", 1)[0] + "/"
            change = change_made(
                "backup.run", ChangeKind.BACKUPS, backup.table, "Backups", (prefix,)
            )
            self.context.announce(change)
        self._read_last()
        current = self.tables.current
        mine = [b for b in report.backups if current is not None and b.table == current.name]
        if mine:
            self._list(mine[0].table, mine[0].key)

    def _on_verify_wanted(self, backup: Backup) -> None:
        self.bulk(
            f"Verify {backup.table} of {when(backup.taken)}",
            "backup.verify",
            {"table": backup.table, "backup_id": backup.id},
            self._on_verified,
            source=self._bucket_name(),
            command=self.command("backup.verify", backup.table, options={"--id": backup.id}),
        )

    def _on_verified(self, report: VerifyReport) -> None:
        now = iso_utc(utc_now().replace(microsecond=0))
        taken = when(report.backup.taken)
        if not report.good:
            self.backups.set_checked(report.backup, f"found damaged on {now}")
            self.banner.show_warning(
                f"The backup of {taken} is damaged.", " ".join(report.problems[:3])
            )
            return
        words = f"The backup of {taken} ({report.backup.id}): {report.outcome}."
        if report.backup.state is BackupState.OLD_FORM:
            self.banner.show_info(words)
        else:
            self.backups.set_checked(report.backup, f"verified on {now}")
            self.banner.show_good(words)

    # Small things

    def _bucket_name(self) -> str:
        workspace = self.context.workspace
        return "" if workspace is None else f"s3://{workspace.profile.bucket}/"

    def _update_allowed(self, *_changed: object) -> None:
        why = self.context.locked_reason
        if self.context.workspace is None:
            why = "Connect to a bucket first."
        self.tables.allow(why)
        self.restoring.allow(why)


def _rows(progress: Progress) -> str:
    total = f" of {format_count(progress.total)}" if progress.total else ""
    return f"{progress.note}: {format_count(progress.done)}{total} rows"
