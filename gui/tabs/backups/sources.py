"""The list of sources: the open databases, and the bucket with the backups of all computers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QItemSelection, QObject, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from core.backup.databases import origin_of
from core.units import format_count
from gui import theme
from gui.tabs.backups.models import Rows
from gui.widgets.buttons import icon_button, link_button
from gui.widgets.columns import SettingsStore
from gui.widgets.labels import shown
from gui.widgets.panel import Panel
from gui.widgets.table import choose_row, columns_of, make_table

_HEAD, _MOST_ROWS, _COUNT = 30, 5, 72


@dataclass(frozen=True, slots=True)
class Source:
    """A source of tables: a database with its path or URL, or the bucket, which has no address.

    `tables` is their number, None while it is unknown.
    """

    address: str = ""
    tables: int | None = None

    @property
    def in_bucket(self) -> bool:
        """Whether this is the bucket."""
        return not self.address

    @property
    def name(self) -> str:
        """The title in the list."""
        if self.in_bucket:
            return "In the bucket, from all computers"
        return origin_of(self.address).database or self.address

    @property
    def hint(self) -> str:
        """The tooltip: which database it is."""
        if self.in_bucket:
            return "All backups in this bucket, from every computer and database."
        return str(origin_of(self.address))


class SourcesModel(Rows):
    """The open databases in the order in which they were opened, then the bucket."""

    heads = ("Source", "Tables")
    numbers = frozenset((1,))

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sources: tuple[Source, ...] = (Source(),)
        self._fill()

    def show(self, addresses: Sequence[str]) -> None:
        """Show the open databases; known numbers of tables stay."""
        counts = {source.address: source.tables for source in self.sources}
        self.sources = tuple(Source(each, counts.get(each)) for each in (*addresses, ""))
        self._fill()

    def set_tables(self, address: str, tables: int | None) -> None:
        """Show the number of tables of a source."""
        self.sources = tuple(
            replace(source, tables=tables) if source.address == address else source
            for source in self.sources
        )
        self._fill()

    def row_of(self, address: str) -> int:
        """Return the row of a source, or -1."""
        addresses = [source.address for source in self.sources]
        return addresses.index(address) if address in addresses else -1

    def _fill(self) -> None:
        counts = ["" if s.tables is None else format_count(s.tables) for s in self.sources]
        self._replace(
            [(shown(s.name), count) for s, count in zip(self.sources, counts, strict=True)],
            [(s.address, s.tables or 0) for s in self.sources],
        )

    def _drawn(self, row: int, column: int, role: int) -> Any:
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.sources[row].hint
        return super()._drawn(row, column, role)


class SourcesPanel(QWidget):
    """The list of sources; one is always selected.

    Signals:
        selected: a `Source`.
        open_wanted: the user wants to open another database.
        close_wanted: the address of a database to remove from the list.
    """

    selected = Signal(object)
    open_wanted = Signal()
    close_wanted = Signal(str)

    def __init__(self, settings: SettingsStore | None) -> None:
        super().__init__()
        self.model = SourcesModel(self)
        self._quiet = False
        self.table = make_table(
            self.model, "Sources", settings=settings, key="backups/sources", sortable=False
        )
        columns_of(self.table).fill_with_names(_COUNT)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.closer = icon_button("close", "Close the selected database", self._on_close)
        opener = link_button("Open database…", self.open_wanted.emit)
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
        rows = min(self.model.rowCount(), _MOST_ROWS)
        self.table.setFixedHeight(_HEAD + theme.ROW * rows + 2)

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

    def set_tables(self, address: str, tables: int | None) -> None:
        """Show the number of tables of a source."""
        self._quietly(partial(self.model.set_tables, address, tables))

    def _quietly(self, act: partial[None]) -> None:
        self._quiet = True
        try:
            act()
        finally:
            self._quiet = False

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
    """Return whether a formerly open database still exists."""
    return "://" in address or Path(address).exists()
