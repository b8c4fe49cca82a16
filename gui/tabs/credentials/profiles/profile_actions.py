"""The actions on profiles: create, edit, delete, use, and test the current one."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from core.health.check_secrets import remove_left_check_secrets
from core.health.permissions import check_permissions
from core.local.used_actions import UsedActions
from core.model.connection import Profile
from gui.dialogs.confirm import ask
from gui.dialogs.policies import Policies
from gui.dialogs.profile_editor import ProfileEditor
from gui.tabs.base import Tab
from gui.tabs.credentials.profiles.profiles_pane import ProfilesPane


class ProfileActions(QObject):
    """Runs the actions of a pane; tasks and errors belong to the tab.

    Signals:
        changed: the name of an operation and that of the profile it has stored or deleted.
    """

    changed = Signal(str, str)

    def __init__(self, tab: Tab, pane: ProfilesPane) -> None:
        super().__init__(tab)
        self._tab, self._pane = tab, pane
        self._context = tab.context
        pane.add_clicked.connect(self._on_add)
        pane.edit_clicked.connect(self._edit)
        pane.delete_clicked.connect(self._on_delete)
        pane.use_clicked.connect(self._on_use)
        pane.test_clicked.connect(self.test)
        pane.policies_clicked.connect(self._on_policies)
        self._context.workspace_changed.connect(self._sweep)

    def _sweep(self, *_workspace: object) -> None:
        """Delete the test secret that a killed connection test has left, if any."""
        workspace = self._context.workspace
        # Read-only applies to cleaning up, too: deleting is a write.
        if workspace is None or self._context.read_only:
            return
        clients = workspace.clients
        self._tab.run(
            "Delete test secrets of interrupted tests",
            lambda work: remove_left_check_secrets(clients, work),
            latest="credentials/check-secrets",
            quiet=True,
        )

    def test(self) -> None:
        """Test each permission with the current connection."""
        workspace = self._context.workspace
        if workspace is None:
            return
        clients = workspace.clients
        self._pane.begin_test()
        task = self._tab.run(
            "Test the connection",
            lambda work: check_permissions(clients, work=work),
            batch=self._pane.add_permission,
            latest="credentials/test",
        )
        # Not with `then`, since a test that failed or was cancelled must end as well.
        task.changed.connect(
            lambda: None if task.running else self._pane.end_test(completed=task.state == "done")
        )

    def _on_policies(self) -> None:
        workspace = self._context.workspace
        if workspace is None:
            return
        profile = workspace.profile
        self._tab.run(
            "Read the used permissions",
            lambda _work: UsedActions().read(profile.name),
            lambda used: Policies(self._tab, profile, used).open(),
            latest="credentials/policies",
            quiet=True,
        )

    def edit_used(self) -> None:
        """Edit the current profile, for example to enter new keys."""
        workspace, model = self._context.workspace, self._pane.model
        if workspace is not None:
            # As it is stored: another bucket may have been opened with its keys.
            stored = model.profile(model.row_of(workspace.profile.name))
            self._edit(stored or workspace.profile)

    def _on_add(self) -> None:
        self._edit(None)

    def _edit(self, profile: Profile | None) -> None:
        ProfileEditor(
            self._tab, self._context, profile, self._on_saved, origin=self._tab.origin
        ).open()

    def _on_saved(self, profile: Profile) -> None:
        self.changed.emit("profiles.save", profile.name)
        workspace = self._context.workspace
        # The changed profile in use is connected again with its new settings; another one is not
        # switched to.
        if workspace is None or workspace.profile.name == profile.name:
            self._context.switch_profile(profile.name)

    def _on_use(self, profile: Profile) -> None:
        self._context.switch_profile(profile.name)

    def _on_delete(self, profile: Profile) -> None:
        ask(
            self._tab,
            f"Delete the profile {profile.name}?",
            "Its keys are removed from this computer. Nothing is changed in AWS.",
            lambda: self._delete(profile.name),
            button="Delete profile",
            danger=True,
        )

    def _delete(self, name: str) -> None:
        connections = self._context.connections
        self._tab.run(
            f"Delete profile {name}",
            lambda _work: connections.delete(name),
            lambda _done: self.changed.emit("profiles.delete", name),
            call=self._tab.call("profiles.delete", name=name),
        )
