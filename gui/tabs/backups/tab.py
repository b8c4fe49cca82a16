"""The Backups tab: opens databases, lists, backs up, previews and restores."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSize
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.backup.databases.address import SECRET_PREFIX
from core.backup.keys import parse
from core.backup.listing import list_backups, stored_tables
from core.errors import ErrorKind, StorageError
from core.model.backup import Backup
from core.model.backup_listing import StoredTable
from core.model.change import Change, ChangeKind
from core.model.database import DatabaseInfo, TableInfo
from core.workspace import Workspace
from gui.context import Context
from gui.models.names import Name, NameList, NameSource
from gui.tabs.backups.backup_actions import BackupActions
from gui.tabs.backups.backups_panel import BackupsPanel
from gui.tabs.backups.comparison import ComparisonActions
from gui.tabs.backups.former_table_bar import FormerTableBar
from gui.tabs.backups.open_databases import OpenDatabases, read_info
from gui.tabs.backups.opening import DatabaseOpener
from gui.tabs.backups.proof_actions import ProofActions
from gui.tabs.backups.query_dialog import QueryActions
from gui.tabs.backups.restore_flow import RestoreFlow
from gui.tabs.backups.restore_panel import RestorePanel
from gui.tabs.backups.restore_together import RestoreTogether
from gui.tabs.backups.resume_bar import ResumeBar
from gui.tabs.backups.routines import Routines
from gui.tabs.backups.servers import DEMO_HINT, DEMO_NOTE, LoggedIn, ServerFacts, is_server
from gui.tabs.backups.sources import Source, SourcesPanel
from gui.tabs.backups.tables_panel import TablesPanel
from gui.tabs.base import Tab
from gui.widgets.page import fit_to_page
from gui.widgets.panel import column, rule, splitter

#: Width of the page in pixels below which tables hide a column: the minimum of all columns is 1066.
_NARROW = 1080
#: Width below which times of backups take the room of their sizes: the minimum with sizes is 916.
_VERY_NARROW = 930
#: Heights of the page in pixels below which hints are hidden, and messages have no space around
#: them.
_LOW, _LOWEST = 540, 440


class BackupsTab(Tab):
    """Sources and tables at the left, backups in the centre, the restore at the right."""

    origin = "Backups"

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self._stored: tuple[StoredTable, ...] | None = None
        self._wanted_table = ""
        self.opener = DatabaseOpener(self)
        self.sources = SourcesPanel(context.settings, self.opener.menu)
        self.open_databases = OpenDatabases(self.sources, context.settings)
        self.tables = TablesPanel(context.settings)
        self.backups = BackupsPanel(context.settings)
        self.restoring = RestorePanel(self.sources)
        self.former_bar = FormerTableBar(self.tables.table)
        self.flow = RestoreFlow(self, self.restoring, self.former_bar, self.open_databases)
        self.together = RestoreTogether(self, self.tables, self.open_databases, self.flow)
        self.making = BackupActions(self, self.tables, self.backups, self.open_databases)
        self.proofs = ProofActions(
            self, self.backups, self.open_databases, lambda backup: self._on_made((backup,))
        )
        ComparisonActions(self, self.backups)
        QueryActions(self, self.backups)
        self.routines = Routines(self, self.open_databases, self.proofs)
        self.interrupted = ResumeBar(self)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.routines.bar)
        box.addWidget(self.interrupted)
        left = column(self.sources, rule(), self.tables)
        columns = splitter(
            left, self.backups, self.restoring, sizes=(320, 490, 470), stretch=(1, 2, 2)
        )
        box.addWidget(columns, 1)
        box.addWidget(self.former_bar)
        fit_to_page(self, self._fit)

    def showEvent(self, event: QShowEvent) -> None:
        """Choose the list of sources for the first focus, instead of a button of the bars above it."""
        if self.focusWidget() is None:
            former: QWidget | None = self.window().focusWidget()
            self.sources.table.setFocus()
            if former is not None:  # the window itself moves the focus into the tab, if at all
                former.setFocus()
        super().showEvent(event)

    def _fit(self, size: QSize) -> None:
        """Hide columns in a narrow page, and hints in a low one."""
        self.backups.set_narrow(narrow=size.width() < _NARROW, very=size.width() < _VERY_NARROW)
        self.tables.set_narrow(narrow=size.width() < _NARROW)
        self.tables.set_low(low=size.height() < _LOW)
        self.sources.fit(size.height())
        self.former_bar.set_low(low=size.height() < _LOWEST)

    def _connect(self) -> None:
        self.opener.file_chosen.connect(self.open_file)
        self.opener.logged_in.connect(self._on_logged_in)
        self.opener.secret_chosen.connect(self._on_secret)
        self.sources.close_wanted.connect(self._on_close_wanted)
        self.sources.selected.connect(self._on_source)
        self.tables.open_wanted.connect(self.opener.popup)
        self.tables.retry_wanted.connect(self._read_tables)
        self.tables.login_wanted.connect(lambda: self.opener.log_in(self._database))
        self.tables.selected.connect(self._on_table)
        self.tables.backup_wanted.connect(self.making.back_up)
        self.tables.some_rows_wanted.connect(self.making.back_up_some_rows)
        self.tables.some_tables_wanted.connect(self.making.choose_tables)
        self.tables.encryption_wanted.connect(self.making.choose_encryption)
        self.backups.selected.connect(self._on_backup)
        self.backups.verify_wanted.connect(self.making.verify)
        self.making.made.connect(self._on_made)
        self.restoring.targets.file_wanted.connect(
            lambda: self.opener.choose_new_file(self.flow.compare_with)
        )
        self.flow.changed.connect(self._on_tables_changed)
        self.together.changed.connect(self._on_tables_changed)
        self.routines.table_wanted.connect(self.open_target)
        self.routines.changed.connect(self._on_backups_changed)
        self.interrupted.resumed.connect(self._on_made)
        self.context.read_only_changed.connect(self._update_allowed)

    @property
    def _database(self) -> str:
        """The address of the selected database; empty for the bucket."""
        return self.sources.current.address

    # Sources

    def open_file(self, path: str) -> None:
        """Open a database and show its tables; a file that cannot be read is removed from the list."""
        if path not in self.open_databases.addresses:
            self.open_databases.opening = path
        self._use_database(path)

    def _on_logged_in(self, login: LoggedIn) -> None:
        self.open_databases.set_password(login.url, login.password)
        self._use_database(login.url)
        self.open_databases.store()

    def _on_secret(self, name: str) -> None:
        self._use_database(SECRET_PREFIX + name)
        self.open_databases.store()

    def _use_database(self, address: str) -> None:
        """Add a database to the list of sources and show its tables."""
        if address not in self.open_databases.addresses:
            self._show_databases([*self.open_databases.addresses, address])
        if self.sources.current.address == address:
            self._read_tables()
        else:
            self.sources.select(address)

    def _show_databases(self, addresses: Sequence[str]) -> None:
        self.open_databases.show(addresses)
        demo = self.context.demo_database is not None
        self.tables.show_hint(DEMO_HINT if demo and not any(map(is_server, addresses)) else "")

    def _on_close_wanted(self, address: str) -> None:
        self.open_databases.set_password(address, None)
        self._show_databases([each for each in self.open_databases.addresses if each != address])
        self.open_databases.store()
        self.sources.select(self.open_databases.first_file)

    def _on_source(self, source: Source) -> None:
        self.routines.table = ""
        if self.former_bar.database != source.address:
            self.former_bar.hide()
        self.backups.show_nothing()
        self.opener.near = source.address
        self.tables.show_loading(source.name)
        self._update_allowed()
        self._show_source()

    def _show_source(self) -> None:
        unconnected = self.context.workspace is None
        if self._database and not (unconnected and self.sources.current.secret):
            self._read_tables()
        elif unconnected:
            self.tables.view.show_unconnected(self.choose_profile)
        elif self._stored is not None:
            self.tables.show_bucket(self._stored)
            self._select_wanted()

    def searchable(self) -> Sequence[NameSource]:
        """Return the names of the source's tables, the bucket's tables and the listed backups."""
        shown = [info.name for info in self.tables.model.tables]
        stored = [table.name for table in self._stored or ()]
        tables = [Name("Table", name, name) for name in dict.fromkeys([*shown, *stored])]
        backups = [Name("Backup", each.key, each.key) for each in self.backups.model.backups]
        return (NameList([*tables, *backups]),)

    def open_target(self, target: object) -> None:
        """Show a table by its name, or by the key of one of its backups."""
        if not isinstance(target, str):
            return
        key = parse(target)
        self._wanted_table = key.table if key else target
        if self._select_wanted():
            if key is not None:
                self._list(key.table, target)
        elif self._stored is not None:
            self.sources.select("")

    def _select_wanted(self) -> bool:
        """Select the requested table as soon as it is listed."""
        if not self._wanted_table or not self.tables.select(self._wanted_table):
            return False
        self._wanted_table = ""
        return True

    def present(self) -> None:
        """Compare a table with a backup for a screenshot; the demo makes a new backup first."""
        self._wanted_table = "orders"
        self._select_wanted()
        if self.context.demo_database is not None:
            arguments = {"database": str(self.context.demo_database)}
            self.bulk("Back up all tables", "backup.run", arguments, self.making.report_made)

    def _do_workspace(self, _workspace: Workspace | None) -> None:
        self.backups.show_nothing()
        self.restoring.show_nothing()
        self._stored = None
        self.tables.set_stored(None)
        self.sources.set_tables("", None)
        self.sources.forget_secrets()
        self._update_allowed()
        databases, demo = self.open_databases, self.context.demo_database
        databases.demo = demo
        first = not databases.addresses
        own = [] if demo is None else [str(demo)]
        self._show_databases([*own, *databases.addresses, *databases.stored()])
        if first and databases.addresses:
            self.sources.select(databases.first_file, quiet=True)
        self.opener.near = databases.first_file
        self.tables.show_loading(self.sources.current.name)
        self._do_refresh()

    def _do_refresh(self) -> None:
        self._show_source()
        self._read_stored()

    def _do_change(self, change: Change) -> None:
        if change.kind in (ChangeKind.BACKUPS, ChangeKind.OBJECTS) and change.origin != self.origin:
            self._read_stored()

    def _read_tables(self) -> None:
        address, workspace = self._database, self.context.workspace
        database = self.open_databases.argument(address)
        self.run(
            "Read tables",
            lambda work: read_info(database, workspace, work),
            partial(self._on_tables, address),
            latest="backups/tables",
            quiet=True,
            failed=partial(self._on_tables_failed, address),
        )

    def _on_tables(self, address: str, read: tuple[DatabaseInfo, ServerFacts | None]) -> None:
        info, facts = read
        if address == self.open_databases.opening:
            self.open_databases.opening = ""
        self.open_databases.store()
        self.sources.set_tables(address, len(info.tables), facts)
        if address == self._database:
            self.tables.show_database(info, self.sources.current)
            self._select_wanted()
            self._update_allowed()

    def _on_tables_failed(self, address: str, error: StorageError) -> None:
        state = "offline" if error.kind is ErrorKind.OFFLINE else "failed"
        self.sources.set_problem(address, error.summary, state)
        if is_server(address):
            self._on_server_failed(address, error)
            return
        if address == self.open_databases.opening:
            self.open_databases.opening = ""
            self._on_close_wanted(address)
        elif address == self._database:
            self.tables.show_failure(self.sources.current.name, error.summary)
        self.show_error(error, self.refresh if error.retryable else None)

    def _on_server_failed(self, address: str, error: StorageError) -> None:
        """Show the failure instead of the tables; the server stays in the list."""
        if address == self._database:
            source = self.sources.current
            refused = error.kind is ErrorKind.CREDENTIALS_INVALID and not source.secret
            note = "" if self.context.demo_database is None else DEMO_NOTE
            self.tables.show_server_failure(source.name, error, note=note, log_in=refused)
            self.flow.show(address, None)

    def _read_stored(self) -> None:
        self.interrupted.refresh()
        workspace = self.context.workspace
        if workspace is None:
            return
        self.run(
            "Find the tables that have backups",
            lambda work: stored_tables(workspace, work),
            self._on_stored,
            latest="backups/stored",
            quiet=True,
            failed=self._on_stored_failed,
        )

    def _on_stored(self, stored: Sequence[StoredTable]) -> None:
        self._stored = tuple(stored)
        self.sources.set_tables("", len(stored))
        self.tables.set_stored(stored)
        if not self._database:
            self._show_source()

    def _on_stored_failed(self, error: StorageError) -> None:
        if not self._database and self._stored is None:
            self.tables.show_failure(self.sources.current.name, error.summary)
        self.show_error(error, self._read_stored if error.retryable else None)

    # A table's backups

    def _on_table(self, info: TableInfo | None) -> None:
        workspace = self.context.workspace
        if info is None or workspace is None:
            self.backups.show_nothing()
            return
        self.routines.table = info.former_name or info.name
        if info.former_name:
            self.former_bar.show_former(self._database, info.former_name, info.name)
        self._list(info.former_name or info.name)

    def _list(self, table: str, select: str = "") -> None:
        workspace = self.context.workspace
        if workspace is None:
            return
        self.backups.show_loading(table)
        origin = self.sources.current.origin
        self.run(
            f"List backups of {table}",
            lambda work: list_backups(workspace, work, table=table),
            lambda found: self.backups.show_backups(table, found, origin, select),
            failed=lambda error: self._on_list_failed(table, error),
            latest="backups/list",
            quiet=True,
        )

    def _on_list_failed(self, table: str, error: StorageError) -> None:
        if table != self.backups.listed_table:
            return
        self.backups.show_failure(table, error.reason)
        if error.kind is not ErrorKind.INVALID_INPUT:  # a table whose name no backup can have
            self.show_error(error, lambda: self._list(table))

    def _on_backup(self, backup: Backup | None) -> None:
        self.flow.show(self._database, backup, len(self.backups.chosen))

    def _on_tables_changed(self, database: str, table: str) -> None:
        """Show the restored table; a new database is added to the sources."""
        self._wanted_table = table
        self._use_database(database)
        self._read_stored()

    def _on_made(self, made: Sequence[Backup]) -> None:
        """Reload the lists and select the new backup of the table shown."""
        self._read_stored()
        current = self.tables.current
        mine = [each for each in made if current is not None and each.table == current.name]
        if mine:
            self._list(mine[0].table, mine[0].key)

    def _on_backups_changed(self) -> None:
        """Reload the lists; the selected backup stays if it still exists."""
        self._read_stored()
        if self.routines.table:
            self._list(self.routines.table)

    def _update_allowed(self, *_changed: object) -> None:
        why = self.context.locked_reason
        if self.context.workspace is None:
            why = "Connect to a bucket first."
        self.tables.allow(why)
        self.together.update_allowed()
        self.interrupted.allow(why)
        self.backups.allow(why)
        self.routines.update_allowed()
        self.restoring.allow(why)
