"""The connection profiles, the permissions of the current one, and the column that has both."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPoint, QSize, Qt, Signal
from PySide6.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from core.health.permissions import PermissionResult
from core.local.profiles import DEMO_NAME
from core.model.connection import Profile
from gui import actions, shortcuts
from gui.tabs.credentials.profiles.profiles_model import PermissionsModel, ProfilesModel
from gui.widgets.buttons import button_menu, icon_button, link_button
from gui.widgets.empty import EmptyState, Loadable
from gui.widgets.labels import Pill
from gui.widgets.page import fit_to_page
from gui.widgets.panel import SectionHead, splitter
from gui.widgets.table import choose_row, make_list

_NO_CONNECTION = "There is no connection."
#: Width of the page in pixels from which both columns are always shown: their minimum is 941.
_BOTH = 956


class ProfilesPane(QWidget):
    """The profiles above, the permissions below.

    Signals:
        use_clicked, edit_clicked, delete_clicked: the `Profile` to use, edit or delete.
        add_clicked, test_clicked, policies_clicked: the user clicked the button.
    """

    use_clicked = Signal(object)
    edit_clicked = Signal(object)
    delete_clicked = Signal(object)
    add_clicked = Signal()
    test_clicked = Signal()
    policies_clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._connected = self._testing = False
        self.model = ProfilesModel(self)
        self.list = make_list(self.model, "Profiles")
        self.list.doubleClicked.connect(self._on_use)
        self.list.selectionModel().selectionChanged.connect(self._update)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._on_menu)
        self.add = icon_button("add", actions.action("profile.new").text, self.add_clicked.emit)
        self.edit = icon_button("edit", actions.action("profiles.edit").text, self._on_edit)
        self.delete = icon_button("delete", actions.action("profiles.delete").text, self._on_delete)
        self.use = link_button("Use", self._on_use)
        self.use.set_hint(actions.tip("profiles.use"))
        shortcuts.bind_button("lists.open", self.list, self.use)
        shortcuts.bind_button("profiles.delete", self.list, self.delete)
        self.permissions = PermissionsModel(self)
        self.results = make_list(self.permissions, "Permissions of the current profile")
        self.test = link_button("Test", self.test_clicked.emit)
        self.test.setAccessibleName("Test connection")
        self.test.set_hint("Test the connection and each permission")
        self.policies = icon_button(
            "shield", "Least-privilege policies", self.policies_clicked.emit
        )
        self._verdict = Pill("")
        self._empty = EmptyState(
            "Not tested yet",
            "Tests each permission that the platform needs. Test objects are deleted afterwards.",
            "Test connection",
            self.test_clicked.emit,
        )
        self._body = Loadable(self.results, self._empty)
        self._permissions_head = SectionHead("Permissions", self.policies, self.test)
        self._permissions_head.add_pill(self._verdict)
        self._lay_out()
        self._update()

    def _lay_out(self) -> None:
        head = SectionHead("Profiles", self.use, self.edit, self.delete, self.add)
        above, below = QWidget(), QWidget()
        for holder, parts in (
            (above, (head, self.list)),
            (below, (self._permissions_head, self._body)),
        ):
            box = QVBoxLayout(holder)
            box.setContentsMargins(0, 0, 0, 0)
            box.setSpacing(0)
            box.addWidget(parts[0])
            box.addWidget(parts[1], 1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(splitter(above, below, vertical=True, sizes=(200, 420)))

    def show_profiles(self, profiles: Sequence[Profile], used: str) -> None:
        """Show the profiles, and select the one in use unless another one was selected before."""
        # Else a refresh would aim Edit and Delete at another profile.
        selected = self.current.name if self.current and used == self.model.used else used
        self.model.show(profiles, used)
        row = self.model.row_of(selected)
        if row < 0:  # it was deleted or renamed
            row = self.model.row_of(used)
        if row >= 0:
            choose_row(self.list, row)
        self._update()

    @property
    def current(self) -> Profile | None:
        """The profile of the current row."""
        return self.model.profile(self.list.currentIndex().row())

    def set_connected(self, connected: bool) -> None:
        """Enable the test if there is a connection."""
        self._connected = connected
        self._allow_test()
        self.policies.allow(connected, _NO_CONNECTION)

    def _allow_test(self) -> None:
        reason = "" if self._connected else _NO_CONNECTION
        if self._testing:
            reason = "The connection is being tested."
        for button in (self.test, self._empty.button):
            button.allow(not reason, reason)

    def clear_permissions(self) -> None:
        """Show that nothing has been tested yet."""
        self.permissions.clear()
        self._verdict.set("")
        self._body.show_empty()

    def begin_test(self) -> None:
        """Show that permissions are being tested."""
        self.permissions.clear()
        self._verdict.set("testing…", "neutral")
        self._testing = True
        self._allow_test()
        self._body.show_view()

    def add_permission(self, result: PermissionResult) -> None:
        """Add a permission that was tested."""
        self.permissions.add(result)

    def end_test(self, *, completed: bool) -> None:
        """Show the result beside the title.

        Args:
            completed: whether all permissions were tested.
        """
        self._testing = False
        self._allow_test()
        needed = [r.ok for r in self.permissions.results if r.needed == "contract"]
        missing, untried = needed.count(False), needed.count(None)
        if missing:
            self._verdict.set(f"{missing} missing", "danger")
        elif needed and not completed:
            self._verdict.set("not completed", "neutral")
        elif untried:
            self._verdict.set(f"{untried} not tested", "neutral")
        else:
            self._verdict.set("complete" if needed else "", "good")
        if not needed:
            self._body.show_empty()

    def _update(self, *_selection: object) -> None:
        profile = self.current
        own = profile is not None and profile.name != DEMO_NAME
        reason = (
            "The demo profile is created again at each start."
            if profile
            else "Select a profile first."
        )
        self.edit.allow(own, reason)
        self.delete.allow(own, reason)
        used = profile is not None and profile.name == self.model.used
        self.use.allow(
            profile is not None and not used,
            "This is the current profile." if used else "Select a profile first.",
        )

    def _on_menu(self, where: QPoint) -> None:
        entries = (
            ("profiles.use", self.use),
            ("profiles.edit", self.edit),
            ("profiles.delete", self.delete),
        )
        button_menu(self.list, where, entries)

    def _on_use(self, _index: QModelIndex | None = None) -> None:
        if self.current is not None and self.use.isEnabled():
            self.use_clicked.emit(self.current)

    def _on_edit(self) -> None:
        if self.current is not None and self.edit.isEnabled():
            self.edit_clicked.emit(self.current)

    def _on_delete(self) -> None:
        if self.current is not None and self.delete.isEnabled():
            self.delete_clicked.emit(self.current)


class FoldingColumns(QWidget):
    """A splitter of two columns; in a narrow window a switch shows or hides the first."""

    def __init__(
        self,
        first: QWidget,
        second: QWidget,
        switch: QAbstractButton,
        *,
        sizes: tuple[int, int],
    ) -> None:
        """Create the splitter.

        Args:
            first: The column that can be hidden.
            second: The other column.
            switch: A checkable button, visible only in a narrow window.
            sizes: The initial widths in pixels.
        """
        super().__init__()
        self._first, self._switch = first, switch
        switch.setCheckable(True)
        switch.toggled.connect(self._update)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(splitter(first, second, sizes=sizes))
        self._narrow = False
        fit_to_page(self, self._fit)

    def _fit(self, size: QSize) -> None:
        self._narrow = size.width() < _BOTH
        self._update()

    def _update(self) -> None:
        """Hide or show the first column."""
        self._switch.setVisible(self._narrow)
        self._first.setVisible(not self._narrow or self._switch.isChecked())
