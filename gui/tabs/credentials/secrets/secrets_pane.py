"""The table of secrets with its filter and the button for a new secret."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSortFilterProxyModel, Qt, Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from core.model.secrets import SecretInfo
from core.units import format_count
from gui.context import Context
from gui.models.roles import SORT_ROLE
from gui.tabs.credentials.secrets.secrets_model import NAME, SecretsModel
from gui.widgets.buttons import link_button, plain_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.fields import filter_of
from gui.widgets.labels import AgePill
from gui.widgets.panel import SectionHead
from gui.widgets.segmented import Segmented
from gui.widgets.table import choose_row, columns_of, make_table

#: The segments of the switch between this list and the hygiene report.
LIST, HYGIENE = "List", "Hygiene"
#: Minimum width in pixels, which the names and values of the secret below this list need.
_LEAST_WIDTH = 400


class SecretsPane(QWidget):
    """Lists the secrets and emits the selected one.

    A filter that hides the secret with unsaved changes selects no other one.

    Args:
        context: that of the window.
        edited: returns the name of the secret with unsaved changes, or an empty text.
        parent: the view.

    Signals:
        chosen: the `SecretInfo` of the current row, or None.
        new_clicked: the user wants to create a secret.
        hygiene_chosen: the user wants the hygiene report.
    """

    chosen = Signal(object)
    new_clicked = Signal()
    hygiene_chosen = Signal()

    def __init__(
        self, context: Context, edited: Callable[[], str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._silent, self._edited = False, edited
        self.model = SecretsModel(self)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self.model)
        self._proxy.setSortRole(SORT_ROLE)
        self._proxy.setFilterKeyColumn(NAME)
        self._proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.table = make_table(
            self._proxy,
            "Secrets",
            settings=context.settings,
            key="credentials/secrets",
            rising=NAME,
        )
        self.table.selectionModel().currentRowChanged.connect(self._on_current)
        self.empty = EmptyState(
            "No secrets yet",
            "Secrets under cryptotrading/ contain the keys of the platform, its database and the "
            "exchanges.",
            "New secret…",
            self.new_clicked.emit,
        )
        self._body = Loadable(self.table, self.empty)
        self._pending_name = ""  # the secret to select once the list is loaded
        self.new = plain_button("New…", self.new_clicked.emit)
        self.profiles = link_button("Profiles")
        self.filter, self.age, self.switch = QLineEdit(), AgePill(), view_switch()
        self.head = self._make_head()
        self.setMinimumWidth(_LEAST_WIDTH)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.head)
        box.addWidget(self._body, 1)

    def _make_head(self) -> SectionHead:
        self.new.setAccessibleName("New secret")
        self.new.setToolTip("New secret…")
        self.filter.setPlaceholderText("Filter")
        self.filter.setAccessibleName("Filter secrets by name")
        filter_of(self.filter, self.table)
        self.filter.setMinimumWidth(56)
        self.filter.setMaximumWidth(100)  # the age of the list needs the remaining width
        self.filter.textChanged.connect(self._on_filter)
        self.profiles.setAccessibleName("Show the profiles")
        head = SectionHead("Secrets", self.profiles, self.filter, self.new)
        head.add_pill(self.age)
        self.switch.selected.connect(self._on_switch)
        head.add_beside(self.switch)
        return head

    def show_loading(self) -> None:
        """Show that secrets are being listed; old rows stay until new ones arrive."""
        self._body.show_loading()

    def show_infos(self, infos: Sequence[SecretInfo], keep: str = "", reveal: str = "") -> None:
        """Show the secrets and select one of them.

        Args:
            infos: The secrets.
            keep: The name of the secret to keep selected; by default the first one.
            reveal: The name of a secret to select instead, even if the filter hides it.
        """
        # Resetting the model moves the current row several times; only the final row is emitted,
        # below.
        self._silent = True
        self.model.show(infos)
        columns_of(self.table).fit_content()  # a new state may be wider than the former ones
        self.age.set_fetched()
        self._silent = False
        self.head.set_title("Secrets", format_count(len(infos)) if infos else "")
        if not infos:
            self.empty.set_text("No secrets yet", button_text="New secret…")
            self._body.show_empty()
            self.chosen.emit(None)
            return
        self._body.show_view()
        awaited, self._pending_name = self._pending_name, ""
        if awaited:
            self.go_to(awaited)
        elif reveal:
            self.reveal(reveal)
        else:
            self.choose(keep)

    def show_stale(self) -> bool:
        """Continue to show the former secrets; return whether there are any."""
        self.age.set_failed()
        if self.model.rowCount():
            self._body.show_view()
        return bool(self.model.rowCount())

    def show_unavailable(self, title: str, text: str) -> None:
        """Show why there is no list."""
        self._pending_name = ""
        self.model.show(())
        self.age.clear_age()
        self.head.set_title("Secrets")
        self.empty.set_text(title, text, "")
        self._body.show_empty()
        self.chosen.emit(None)

    def go_to(self, name: str) -> None:
        """Select and focus the row of a secret, or wait until it is listed."""
        if not self.model.rowCount():
            self._pending_name = name
            return
        self.reveal(name)
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)

    def reveal(self, name: str) -> None:
        """Go to a secret's row; a filter that hides it is cleared."""
        if self.filter.text().casefold() not in name.casefold():
            self.filter.clear()
        self.choose(name)
        self.table.scrollTo(self.table.currentIndex())

    def choose(self, name: str) -> None:
        """Select a secret, or the first one."""
        row = self._proxy.mapFromSource(self.model.index(self.model.row_of(name), 0)).row()
        self._silent = True
        hidden = row < 0 and name == self._edited() != ""
        choose_row(self.table, row if hidden else max(row, 0))
        self._silent = False
        if not hidden:
            self.chosen.emit(self.current)

    def _on_filter(self, text: str) -> None:
        edited = self._edited()
        self._silent = bool(edited)
        self._proxy.setFilterFixedString(text)
        self._silent = False
        if edited:
            self.choose(edited)

    @property
    def current(self) -> SecretInfo | None:
        """The secret of the current row."""
        return self.model.info(self._proxy.mapToSource(self.table.currentIndex()).row())

    def set_locked(self, reason: str) -> None:
        """Disable new secrets with a reason, or enable them with an empty one."""
        self.new.allow(not reason, reason)
        self.empty.button.allow(not reason, reason)

    def _on_switch(self, view: str) -> None:
        if view == HYGIENE:
            self.switch.select(LIST)  # loaded when the pane is shown again
            self.hygiene_chosen.emit()

    def _on_current(self, *_rows: object) -> None:
        if not self._silent:
            self.chosen.emit(self.current)


def view_switch() -> Segmented:
    """Return the switch between the list of secrets and the hygiene report."""
    return Segmented((LIST, HYGIENE), name="How secrets are shown")
