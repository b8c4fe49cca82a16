"""The search page: a text with conditions, and the keys that meet them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelection, QModelIndex, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QVBoxLayout

from core.catalog.catalog import Catalog, open_catalog
from core.catalog.matches import Matches
from core.catalog.query import Order, Query
from core.catalog.query_text import FIELDS, parse_query, with_term
from core.errors import ErrorKind, InvalidInput, StorageError
from core.model.catalog import CatalogRow, CatalogState
from core.model.change import Change, ChangeKind
from core.units import format_counted, format_size
from core.work import Work
from core.workspace import Workspace
from gui.tabs.browser.folder_rows import Entry
from gui.tabs.browser.pages import BrowserPage
from gui.tabs.browser.search.conditions import condition_buttons
from gui.tabs.browser.search.refreshing import CatalogRefresh
from gui.tabs.browser.search.results import ORDERS, PAGE, Results, entry_of
from gui.tabs.browser.search.saved import SavedSearches
from gui.widgets.banner import Banner
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import filter_of, line_edit
from gui.widgets.labels import Elided, set_tooltip
from gui.widgets.panel import row, rule
from gui.widgets.table import columns_of, make_table, on_enter

if TYPE_CHECKING:
    from gui.tabs.browser.tab import BrowserTab

_NO_CATALOG = "The keys of this bucket are not listed yet"
_COST = (
    "A search reads a catalogue of all keys on this computer. They are listed once, with one LIST "
    "request for each thousand keys, and later only the new ones."
)
_EXAMPLE = "Search keys: BTC  *.json  /T0[0-5]:/  symbol:ETH*  size:>1MB  modified:7d"
#: Maximum number of selected keys to which an action applies at once.
_MOST_SELECTED = 100_000
#: Widths in pixels of the columns of size and time in a page of at least `_WIDE` pixels, and in a
#: narrower one, where keys need the room more than years or seconds do.
_WIDTHS, _NARROW_WIDTHS, _WIDE = (88, 180), (88, 128), 720


@dataclass(frozen=True, slots=True)
class _Found:
    """Results with their first rows, and the state of the catalogue."""

    matches: Matches
    first: Sequence[CatalogRow]
    state: CatalogState | None


class SearchPage(BrowserPage):
    """A field for the text of a search above the list of results.

    Signals:
        found: the results of a search are shown.
    """

    found = Signal()

    def __init__(self, tab: BrowserTab) -> None:
        super().__init__()
        self._tab = tab
        self._catalog: Catalog | None = None
        self._order, self._descending = 0, False
        self._pages: list[int] = []
        self._selected: list[Entry] = []
        self.banner = Banner(self)
        self.field = line_edit("Search keys", _EXAMPLE)
        set_tooltip(self.field, _help())
        self.refreshing = CatalogRefresh(tab, self.banner)
        self.summary = Elided("", "muted")
        self.model = Results(self)
        self.table = make_table(
            self.model, "Results", settings=tab.context.settings, key="browser/search",
            multiple=True, rising=0,
        )  # fmt: skip
        self._wide = False
        columns_of(self.table).fill_with_names(*_NARROW_WIDTHS)
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        filter_of(self.field, self.table)
        self._empty = EmptyState(_NO_CATALOG, _COST, "List the keys", self.refresh)
        self.state = Loadable(self.table, self._empty)
        self.conditions = condition_buttons(self, self._on_condition)
        self.saved = SavedSearches(self._tab.context, self, self.field.text, self.field.setText)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(row(self.field, self.saved.button, margins=(8, 6, 8, 4)))
        box.addWidget(row(*self.conditions, margins=(8, 0, 8, 4), stretch=True))
        box.addWidget(row(self.summary, margins=(12, 0, 8, 4)))
        box.addWidget(rule())
        box.addWidget(self.state, 1)
        box.addWidget(rule())
        bottom = row(*self.refreshing.controls, margins=(8, 4, 8, 4), stretch=True)
        box.addWidget(bottom)

    def _connect(self) -> None:
        self.field.textChanged.connect(self._search)
        self.refreshing.progressed.connect(self._on_progress)
        self.refreshing.ended.connect(self._on_refresh_ended)
        self.model.page_wanted.connect(self._on_page_wanted)
        self.model.order_wanted.connect(self._on_order)
        self.table.selectionModel().selectionChanged.connect(self._on_selection)
        on_enter(self.table, lambda: self._on_opened(self.table.currentIndex()))
        self.table.doubleClicked.connect(self._on_opened)
        self._tab.object_actions.bind_list(self.table)
        self._tab.handling.add_list(self.table)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show complete times if there is room for them beside the keys."""
        super().resizeEvent(event)
        wide = self.width() >= _WIDE
        if wide != self._wide:
            self._wide = wide
            columns_of(self.table).fill_with_names(*(_WIDTHS if wide else _NARROW_WIDTHS))

    # Calls from the tab

    def open(self, argument: object) -> None:
        """Search a text, or continue with the former one."""
        if isinstance(argument, str) and argument:
            self.field.setText(argument)
        elif self.model.matches is None:
            self._search()
        self.focus_filter()

    def close_page(self) -> None:
        """Stop a refresh that only this page shows."""
        self.refreshing.stop()

    def set_workspace(self, workspace: Workspace | None) -> None:
        """Search the catalogue of another bucket, or of none."""
        self._catalog = open_catalog(workspace) if workspace else None
        self.refreshing.set_catalog(self._catalog)
        self.model.show(None)
        self.banner.clear()
        if workspace is None:
            self.state.show_unconnected(self._tab.choose_profile)
        else:
            self.state.show_empty()
            self._search()

    def selected(self) -> list[Entry]:
        """Return the selected results."""
        return self._selected

    def focus_filter(self) -> None:
        """Focus the field with the text of the search."""
        self.field.setFocus()
        self.field.selectAll()

    def on_change(self, change: Change) -> None:
        """State that the results are older than a change of objects."""
        if (
            change.kind in {ChangeKind.OBJECTS, ChangeKind.BACKUPS}
            and self.model.matches is not None
        ):
            self.banner.show_info(
                "Objects were changed after the keys were listed.",
                action=("Refresh", self.refresh),
            )

    # Search

    def _search(self) -> None:
        """Search for the text of the field; an earlier search that still runs is cancelled."""
        catalog, order, descending = self._catalog, ORDERS[self._order], self._descending
        if catalog is None:
            return
        try:
            query = parse_query(self.field.text())
        except InvalidInput as error:
            self._show_mistake(error)
            return
        text = self.field.text()

        def show(found: _Found) -> None:
            # Otherwise an earlier result would replace the explanation of a mistake typed since.
            if self.field.text() == text:
                self._on_found(found)

        def search(work: Work) -> _Found:
            return _search(catalog, query, work, order=order, descending=descending)

        self._tab.run(
            "Search keys", search, show, failed=self._on_failed,
            latest="browser/search", quiet=True,
        )  # fmt: skip

    def _on_found(self, found: _Found) -> None:
        # The first result includes a catalogue that was read from the disk, with its age.
        first = self.model.matches is None
        self._pages.clear()
        self.model.show(found.matches, found.first)
        self._on_selection()
        self.state.show_view()
        self.summary.set_tone("muted")
        count, size = format_counted(len(found.matches), "key"), format_size(found.matches.size)
        self.summary.setText(f"{count}, {size}")
        self.refreshing.show_state(found.state)
        if first:
            self.refreshing.estimate()
        self.found.emit()

    def _on_failed(self, error: StorageError) -> None:
        if error.kind is ErrorKind.NOT_FOUND:
            self.model.show(None)
            self.summary.setText("")
            self.state.show_empty()
        elif error.kind is ErrorKind.INVALID_INPUT:
            self._show_mistake(error)
        else:
            self.banner.show_error(error, self._search)

    def _show_mistake(self, error: StorageError) -> None:
        """Explain what cannot be read in the text; the former results stay."""
        self.summary.set_tone("danger")
        self.summary.setText(f"{error.summary}. {error.remedy}")

    def _on_condition(self, field: str, value: str) -> None:
        self.field.setText(with_term(self.field.text(), field, value))
        self.field.setFocus()

    def _on_order(self, column: int, descending: bool) -> None:
        if (column, descending) != (self._order, self._descending):
            self._order, self._descending = column, descending
            self._search()

    # Rows

    def _on_page_wanted(self, page: int) -> None:
        """Read a page unless it is being read; the one that was shown last is read first."""
        if page in self._pages:
            return
        self._pages.append(page)
        if len(self._pages) == 1:
            self._read_page()

    def _read_page(self) -> None:
        matches = self.model.matches
        if matches is None or not self._pages:
            return
        page = self._pages[-1]
        self._tab.run(
            "Read results", lambda _work: matches.page(page * PAGE, PAGE),
            lambda rows: self._on_page(matches, page, rows), quiet=True,
        )  # fmt: skip

    def _on_page(self, matches: Matches, page: int, rows: Sequence[CatalogRow]) -> None:
        if matches is not self.model.matches:
            return
        self._pages.remove(page)
        self.model.add_page(matches, page, rows)
        # Pages that were scrolled past are not needed any more.
        self._pages = self._pages[-2:]
        self._read_page()

    # Selection

    def _on_selection(self, *_what: object) -> None:
        numbers = _numbers(self.table.selectionModel().selection())
        rows = [self.model.row(number) for number in numbers[:PAGE]]
        known = [each for each in rows if each is not None]
        matches = self.model.matches
        if len(known) == len(numbers) or matches is None:
            self._set_selected([entry_of(each) for each in known])
        elif len(numbers) <= _MOST_SELECTED:
            self._tab.run(
                "Read the selected keys",
                lambda _work: [entry_of(each) for each in matches.rows(numbers)],
                self._set_selected, latest="browser/search-selection", quiet=True,
            )  # fmt: skip
        else:
            self._set_selected([])
            self.banner.show_info(
                f"Actions apply to at most {_MOST_SELECTED:,} keys at once. Select fewer keys."
            )

    def _set_selected(self, entries: list[Entry]) -> None:
        self._selected = entries
        self.selection_changed.emit()
        if not entries:
            self.object_selected.emit("")

    def _on_opened(self, index: QModelIndex) -> None:
        """Show the folder of a result with the object selected."""
        found = self.model.row(index.row()) if index.isValid() else None
        if found is not None:
            self._tab.arrive(found.key[: found.key.rfind("/") + 1], select=found.key)

    # Refresh

    def refresh(self) -> None:
        """List new keys (F5), or all keys if there is no catalogue yet."""
        self.refreshing.list_new()

    def _on_progress(self, text: str) -> None:
        self.summary.set_tone("muted")
        self.summary.setText(text)
        if self.model.matches is None:
            self.state.show_loading()

    def _on_refresh_ended(self, refreshed: bool) -> None:
        self.summary.setText("")
        (self.state.show_view if self.model.matches else self.state.show_empty)()
        if refreshed:
            self._search()


def _search(
    catalog: Catalog, query: Query, work: Work, *, order: Order, descending: bool
) -> _Found:
    """Search in a worker thread, and read the rows that are shown first."""
    matches = catalog.search(query, order=order, descending=descending, work=work)
    return _Found(matches, matches.page(0, PAGE), catalog.state)


def _numbers(selection: QItemSelection) -> list[int]:
    """Return the numbers of the selected rows in their order."""
    ranges = [selection.at(number) for number in range(selection.size())]
    return sorted({row for each in ranges for row in range(each.top(), each.bottom() + 1)})


def _help() -> str:
    fields = ", ".join(field.example for field in FIELDS.values())
    return (
        "Keys have to meet all terms: a text, a glob, a /regular expression/, or a field. A hyphen "
        f"excludes what a term finds. Fields: {fields}"
    )


def create(tab: BrowserTab) -> BrowserPage:
    """Return the page of a tab."""
    return SearchPage(tab)
