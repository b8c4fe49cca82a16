"""The list of sources: the open databases, and the bucket with the backups of all computers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QItemSelection, QObject, Qt, Signal
from PySide6.QtWidgets import QMenu, QSizePolicy, QVBoxLayout, QWidget

from core.backup.databases import origin_of
from core.backup.databases.address import SECRET_PREFIX
from core.model.backup import Origin
from core.units import format_count
from gui import theme
from gui.models.roles import TONE_ROLE
from gui.tabs.backups.rows_model import Rows
from gui.tabs.backups.servers import (
    ServerFacts,
    database_and_host,
    engine_name,
    is_server,
    login_of,
)
from gui.widgets.buttons import icon_button, link_button
from gui.widgets.columns import SettingsStore
from gui.widgets.labels import shown
from gui.widgets.panel import Panel
from gui.widgets.table import choose_row, columns_of, make_table

_HEAD, _COUNT = 30, 72
#: Numbers of rows without scrolling, by the least height of the page in pixels for them.
_MOST_ROWS = ((540, 5), (440, 3), (0, 2))


@dataclass(frozen=True, slots=True)
class Source:
    """A source of tables: a database with its path, URL or secret, or the bucket without address.

    Attributes:
        address: the path, URL or `secret:NAME`; empty for the bucket.
        tables: their number; None while it is unknown.
        facts: what is known about a server; None before the first login, and for files.
        problem: why its tables could not be read last time; empty if they could.
        state: the problem in one word, for the list.
    """

    address: str = ""
    tables: int | None = None
    facts: ServerFacts | None = None
    problem: str = ""
    state: str = ""

    @property
    def in_bucket(self) -> bool:
        """Whether this is the bucket."""
        return not self.address

    @property
    def is_server(self) -> bool:
        """Whether this is the database of a server."""
        return is_server(self.address)

    @property
    def secret(self) -> str:
        """The name of the secret that contains the address; empty if there is none."""
        named = self.address.startswith(SECRET_PREFIX)
        return self.address.removeprefix(SECRET_PREFIX) if named else ""

    @property
    def engine(self) -> str:
        """The database engine; empty while it is unknown."""
        return self.facts.engine if self.facts else engine_name(self.address)

    @property
    def origin(self) -> Origin | None:
        """The database as its backups name it; None for the bucket and an unknown server."""
        if self.in_bucket:
            return None
        if self.is_server:
            return self.facts.origin if self.facts else None
        return origin_of(self.address)

    @property
    def name(self) -> str:
        """The title in the list."""
        if self.in_bucket:
            return "In the bucket, from all computers"
        if not self.is_server:
            return origin_of(self.address).database or self.address
        database, _host = self._database_and_host
        return f"{database} ({self.engine})" if database and self.engine else self.secret

    @property
    def user(self) -> str:
        """The user who logs in to a server; empty if the address is in a secret."""
        found = login_of(self.address) if self.is_server and not self.secret else None
        return found.user if found else ""

    @property
    def place(self) -> str:
        """The database with its host or path, for confirmations."""
        if not self.is_server:
            return str(self.origin or "")
        database, host = self._database_and_host
        return f"{database} on {host} ({self.engine})" if database else f"secret {self.secret}"

    @property
    def hint(self) -> str:
        """The tooltip: which database it is, and the state of its connection."""
        if self.in_bucket:
            return "All backups in this bucket, from every computer and database."
        if not self.is_server:
            return "\n".join(filter(None, (str(self.origin), self.problem)))
        lines = [self.place]
        if self.facts is not None:
            lines += [f"{self.facts.engine} {self.facts.version}", self.facts.tls]
            if self.user:
                lines.append(f"as {self.user}")
            if self.secret:
                lines.append(f"address from the secret {self.secret}")
        elif not self.problem:
            lines.append("Select it to connect.")
        if self.problem:
            lines.append(self.problem)
        return "\n".join(lines)

    @property
    def _database_and_host(self) -> tuple[str, str]:
        if self.facts is not None:
            return self.facts.origin.database, self.facts.origin.host
        return ("", "") if self.secret else database_and_host(self.address)


class SourcesModel(Rows):
    """The open databases in the order in which they were opened, then the bucket."""

    heads = ("Source", "Tables")
    numbers = frozenset((1,))

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sources: tuple[Source, ...] = (Source(),)
        self._fill()

    def show(self, addresses: Sequence[str]) -> None:
        """Show the open databases; what is known about each stays."""
        known = {source.address: source for source in self.sources}
        self.sources = tuple(known.get(each, Source(each)) for each in (*addresses, ""))
        self._fill()

    def put(self, source: Source) -> None:
        """Show what is known now about a source in the list."""
        self.sources = tuple(
            source if each.address == source.address else each for each in self.sources
        )
        self._fill()

    def row_of(self, address: str) -> int:
        """Return the row of a source, or -1."""
        addresses = [source.address for source in self.sources]
        return addresses.index(address) if address in addresses else -1

    def _fill(self) -> None:
        self._replace(
            [
                (shown(distinct_name(source, self.sources)), _count(source))
                for source in self.sources
            ],
            [(source.address, source.tables or 0) for source in self.sources],
        )

    def _drawn(self, row: int, column: int, role: int) -> Any:
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.sources[row].hint
        if role == TONE_ROLE and column == 1 and self.sources[row].problem:
            return "danger"
        return super()._drawn(row, column, role)


def distinct_name(source: Source, sources: Sequence[Source]) -> str:
    """Return the name of a source, or what distinguishes it if another one has the same name."""
    alike = [each for each in sources if each.name == source.name]
    if len(alike) == 1:
        return source.name
    if source.secret:
        return f"secret {source.secret}"
    if source.user and [each.user for each in alike].count(source.user) == 1:
        return f"{source._database_and_host[0]} as {source.user}"  # noqa: SLF001 - the class of this module
    return source.place


def _count(source: Source) -> str:
    if source.problem:
        return source.state
    return "" if source.tables is None else format_count(source.tables)


class SourcesPanel(QWidget):
    """The list of sources; one is always selected.

    Signals:
        selected: a `Source`.
        close_wanted: the address of a database to remove from the list.
        changed: other sources are listed, or something else is known about one.
    """

    selected = Signal(object)
    close_wanted = Signal(str)
    changed = Signal()

    def __init__(self, settings: SettingsStore | None, open_menu: QMenu) -> None:
        super().__init__()
        self.model = SourcesModel(self)
        self._most = _MOST_ROWS[0][1]
        self._quiet = False
        self.table = make_table(
            self.model, "Sources", settings=settings, key="backups/sources", sortable=False
        )
        columns_of(self.table).fill_with_names(_COUNT)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.closer = icon_button("close", "Close the selected database", self._on_close)
        opener = link_button("Open database ▾")
        opener.setAccessibleName("Open database")
        opener.setMenu(open_menu)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(Panel("Sources", self.table, actions=(opener, self.closer)))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        self.show_databases(())
        self.select("")

    @property
    def current(self) -> Source:
        """The selected source; the bucket if none is."""
        chosen = self.table.selectionModel().selectedRows()
        return self.model.sources[chosen[0].row()] if chosen else Source()

    def show_databases(self, addresses: Sequence[str]) -> None:
        """Show the open databases; the selection stays if its source is still listed."""
        former = self.current.address
        self._quietly(partial(self.model.show, addresses))
        if self.model.row_of(former) >= 0:
            self.select(former, quiet=True)
        self._show_rows()

    def fit(self, height: int) -> None:
        """Show fewer rows without scrolling in a low page, where the tables need the room."""
        self._most = next(rows for least, rows in _MOST_ROWS if height >= least)
        self._show_rows()

    def _show_rows(self) -> None:
        rows = min(self.model.rowCount(), self._most)
        self.table.setFixedHeight(_HEAD + theme.ROW * rows + 2)
        self.table.scrollTo(self.table.currentIndex())

    def select(self, address: str, *, quiet: bool = False) -> bool:
        """Select a source by its address; return whether it is in the list."""
        found = self.model.row_of(address)
        if found < 0:
            return False
        act = partial(choose_row, self.table, found)
        if quiet:
            self._quietly(act)
        else:
            act()
        self._update()
        return True

    def source(self, address: str) -> Source:
        """Return what is known about a database, which need not be in the list."""
        found = self.model.row_of(address)
        return self.model.sources[found] if found >= 0 else Source(address)

    @property
    def databases(self) -> tuple[Source, ...]:
        """The open databases."""
        return tuple(source for source in self.model.sources if not source.in_bucket)

    def set_tables(
        self, address: str, tables: int | None, facts: ServerFacts | None = None
    ) -> None:
        """Show the number of tables of a source, and what a login to its server has shown."""
        self._quietly(partial(self.model.put, Source(address, tables, facts)))

    def set_problem(self, address: str, problem: str, state: str) -> None:
        """Show why the tables of a database cannot be read; what is known about it stays."""
        source = replace(self.source(address), tables=None, problem=problem, state=state)
        self._quietly(partial(self.model.put, source))

    def forget_secrets(self) -> None:
        """Remove what is known about addresses in secrets, which differ in another account."""
        for source in self.databases:
            if source.secret:
                self.set_tables(source.address, None)

    def _quietly(self, act: partial[None]) -> None:
        self._quiet = True
        try:
            act()
        finally:
            self._quiet = False
        self.changed.emit()

    def _on_selection(self, now: QItemSelection, _before: QItemSelection) -> None:
        self._update()
        if not self._quiet and not now.isEmpty():
            self.selected.emit(self.current)

    def _update(self) -> None:
        source = self.current
        self.closer.allow(not source.in_bucket, "The bucket is always in the list.")

    def _on_close(self) -> None:
        self.close_wanted.emit(self.current.address)


def is_there(address: str) -> bool:
    """Return whether a formerly open database still exists; servers are not contacted for this."""
    return is_server(address) or "://" in address or Path(address).exists()
