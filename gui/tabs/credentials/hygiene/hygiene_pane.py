"""The hygiene report: the age of every secret, and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import QSortFilterProxyModel, Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from core.health.hygiene import DEFAULT_DAYS, HygieneReport, SecretHygiene
from core.units import format_count, utc_now
from gui.context import Context
from gui.models.roles import SORT_ROLE
from gui.tabs.credentials.hygiene.hygiene_model import HygieneModel
from gui.tabs.credentials.secrets.secrets_pane import HYGIENE, LIST, view_switch
from gui.widgets.buttons import icon_button, plain_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import AgePill, Pill, muted_label
from gui.widgets.panel import SectionHead
from gui.widgets.table import choose_row, make_table, on_enter

_LEGEND = (
    f"An age counts from the last change of the value. The limit is {DEFAULT_DAYS} days unless a "
    "secret has a different one. Values are compared by hashes in memory and never stored. AWS "
    "reports only the day of the last access, and counts reads by Strongroom as well."
)


class HygienePane(QWidget):
    """Every secret with its age, limit, state and findings.

    Signals:
        list_chosen: the user wants to return to the list of secrets.
        open_clicked: the name of the secret to open.
        limit_clicked: the `SecretHygiene` whose limit is to be set.
        refresh_clicked: the user wants to inspect the secrets again.
        doctor_clicked: the user wants to find and repair what was left behind.
    """

    list_chosen = Signal()
    open_clicked = Signal(str)
    limit_clicked = Signal(object)
    refresh_clicked = Signal()
    doctor_clicked = Signal()

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._locked = ""
        self.model = HygieneModel(self)
        self._proxy = QSortFilterProxyModel(self)
        self._proxy.setSourceModel(self.model)
        self._proxy.setSortRole(SORT_ROLE)
        self.table = make_table(
            self._proxy,
            "Hygiene of the secrets",
            settings=context.settings,
            key="credentials/hygiene",
        )
        self._proxy.sort(-1)  # the most urgent first, until a column is clicked
        self.table.selectionModel().selectionChanged.connect(self._update)
        self.table.doubleClicked.connect(self._on_open)
        on_enter(self.table, self._on_open)
        self.switch = view_switch()
        self.switch.select(HYGIENE)
        self.switch.selected.connect(self._on_switch)
        self.limit = plain_button("Set limit…", self._on_limit)
        self.open = plain_button("Open", self._on_open)
        self.doctor = plain_button("Doctor…", self.doctor_clicked.emit)
        self.doctor.set_hint("Find what interrupted rotations and unused keys left behind")
        self.refresh = icon_button("refresh", "Refresh", self.refresh_clicked.emit)
        self.age = AgePill()
        self.overdue, self.twice, self.never = Pill(""), Pill(""), Pill("")
        self.empty = EmptyState("No secrets yet")
        self._body = Loadable(self.table, self.empty)
        self._lay_out()
        self._update()

    def _lay_out(self) -> None:
        self.head = SectionHead("Secrets", self.doctor, self.limit, self.open, self.refresh)
        self.head.add_beside(self.switch)
        for pill in (self.age, self.overdue, self.twice, self.never):
            self.head.add_pill(pill)
        foot = QFrame()
        foot.setProperty("surface", "foot")
        line = QVBoxLayout(foot)
        line.setContentsMargins(12, 8, 12, 8)
        line.addWidget(muted_label(_LEGEND, wrap=True, small=True))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.head)
        box.addWidget(self._body, 1)
        box.addWidget(foot)

    def show_loading(self) -> None:
        """Show that secrets are being inspected; old rows stay until new ones arrive."""
        self._body.show_loading()

    def show_report(self, report: HygieneReport) -> None:
        """Show the report."""
        current = self.current
        self.model.show(report)
        self.head.set_title("Secrets", format_count(len(report.rows)) if report.rows else "")
        self._count(report)
        if report.rows:
            self.age.set_fetched(report.inspected)
            self._body.show_view()
            self._choose(current.info.name if current else "")
        else:
            self.show_unavailable("No secrets yet", "Create one in the list.")
        self._update()

    def clear(self) -> None:
        """Clear the report, which belongs to another connection."""
        self.model.show(HygieneReport((), utc_now()))
        self.age.clear_age()
        self._body.show_empty()

    def show_stale(self) -> bool:
        """Continue to show the former report; return whether there is one."""
        rows = bool(self.model.report.rows)
        self.age.set_failed()
        if rows:
            self._body.show_view()
        return rows

    def show_unavailable(self, title: str, text: str) -> None:
        """Show why there is no report."""
        self.empty.set_text(title, text)
        self._body.show_empty()

    def set_locked(self, reason: str) -> None:
        """Disable changes with a reason, or enable them with an empty one."""
        self._locked = reason
        self._update()

    @property
    def current(self) -> SecretHygiene | None:
        """The secret of the current row."""
        return self.model.hygiene(self._proxy.mapToSource(self.table.currentIndex()).row())

    def _choose(self, name: str) -> None:
        names = [row.info.name for row in self.model.report.rows]
        row = names.index(name) if name in names else 0
        choose_row(self.table, self._proxy.mapFromSource(self.model.index(row, 0)).row())

    def _count(self, report: HygieneReport) -> None:
        overdue = sum(bool(row.overdue) and not row.info.deleted for row in report.rows)
        twice = sum(bool(row.same_as) for row in report.rows)
        never = sum(row.never_rotated and not row.info.deleted for row in report.rows)
        self.overdue.set(f"{overdue} overdue" if overdue else "", "warning")
        self.twice.set(f"{twice} with a duplicate value" if twice else "", "danger")
        self.never.set(f"{never} never rotated" if never else "", "neutral")

    def _update(self, *_selection: object) -> None:
        current = self.current
        reason = self._locked or ("" if current else "Select a secret first.")
        if not reason and current is not None and current.info.deleted:
            reason = "The secret is scheduled for deletion."
        self.limit.allow(not reason, reason)
        self.open.allow(current is not None, "Select a secret first.")

    def _on_switch(self, view: str) -> None:
        if view == LIST:
            self.switch.select(HYGIENE)  # loaded when the pane is shown again
            self.list_chosen.emit()

    def _on_open(self, *_index: object) -> None:
        if self.current is not None:
            self.open_clicked.emit(self.current.info.name)

    def _on_limit(self) -> None:
        if self.current is not None:
            self.limit_clicked.emit(self.current)
