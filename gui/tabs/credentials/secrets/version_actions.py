"""The actions on versions: compare two, and roll back to an older one."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.model.secrets import SecretValue, SecretVersion
from core.rotation import rollback
from core.rotation.rollback import RollBack
from core.work import Work
from core.workspace import Workspace
from gui.tabs.base import Tab
from gui.tabs.credentials.secrets.version_dialogs import CompareVersions, RollBackPreview
from gui.tabs.credentials.secrets.versions_model import short
from gui.tabs.credentials.secrets.versions_pane import VersionsPane
from gui.widgets.labels import shown


class VersionActions(QObject):
    """Runs the actions of a pane; tasks and errors belong to the tab.

    Signals:
        changed: the name of an operation and that of the secret it has changed.
    """

    changed = Signal(str, str)

    def __init__(self, tab: Tab, pane: VersionsPane) -> None:
        super().__init__(tab)
        self._tab, self._pane = tab, pane
        pane.compare_clicked.connect(self.compare)
        pane.roll_back_clicked.connect(self.roll_back)

    def compare(self, older: SecretVersion, newer: SecretVersion) -> None:
        """Read two versions and show which keys differ."""
        secrets, name = self._workspace().secrets, self._pane.name

        def read(work: Work) -> tuple[SecretValue, SecretValue]:
            # Both in one task: two tasks might end in either order, or only one of them.
            return (
                secrets.read(name, version_id=older.version_id, work=work),
                secrets.read(name, version_id=newer.version_id, work=work),
            )

        self._tab.run(
            f"Compare versions of {name}",
            read,
            lambda both: CompareVersions(self._tab, *both).open(),
            latest="credentials/compare",
        )

    def roll_back(self, version: SecretVersion) -> None:
        """Inspect what a rollback would change, and request confirmation."""
        clients, name = self._workspace().clients, self._pane.name
        self._tab.run(
            f"Inspect version {version.version_id} of {name}",
            lambda work: rollback.plan(clients, name, version.version_id, work=work),
            self._ask,
            latest="credentials/compare",
        )

    def _ask(self, found: RollBack) -> None:
        RollBackPreview(self._tab, found, lambda: self._roll_back(found)).open()

    def _roll_back(self, found: RollBack) -> None:
        clients = self._workspace().clients
        self._tab.run(
            f"Roll {found.secret} back",
            lambda work: rollback.roll_back(clients, found, work=work),
            lambda _moved: self._on_rolled_back(found),
            call=self._tab.call("rotation.roll_back", found=found),
        )

    def _on_rolled_back(self, found: RollBack) -> None:
        self.changed.emit("rotation.roll_back", found.secret)
        version = short(found.target)
        self._tab.banner.show_good(f"{shown(found.secret)} was rolled back to version {version}.")

    def _workspace(self) -> Workspace:
        return self._tab.context.require_workspace()
