"""The Credentials tab: loads profiles and secrets, and runs their actions."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from core.errors import AccessDenied, StorageError
from core.health.secret_age import CurrentVersions, current_since
from core.local.profiles import DEMO_NAME
from core.model.change import Change, ChangeKind
from core.model.connection import KeySource, Profile, ProfileColour
from core.model.secrets import SecretInfo
from core.workspace import Workspace
from gui import shortcuts
from gui.context import Context
from gui.dialogs.confirm import ask
from gui.models.names import Name, NameList, NameSource
from gui.tabs.base import Tab
from gui.tabs.credentials.hygiene.hygiene_actions import HygieneActions
from gui.tabs.credentials.hygiene.hygiene_pane import HygienePane
from gui.tabs.credentials.profiles.profile_actions import ProfileActions
from gui.tabs.credentials.profiles.profiles_pane import FoldingColumns, ProfilesPane
from gui.tabs.credentials.rotation.doctor_actions import DoctorActions
from gui.tabs.credentials.rotation.rotation_actions import RotationActions
from gui.tabs.credentials.rotation.rotation_pane import RotationPane
from gui.tabs.credentials.secrets.foreign_changes import ForeignChanges
from gui.tabs.credentials.secrets.secret_actions import SecretActions
from gui.tabs.credentials.secrets.secret_view import SecretView
from gui.tabs.credentials.secrets.secrets_pane import SecretsPane
from gui.tabs.credentials.secrets.version_actions import VersionActions
from gui.tabs.credentials.secrets.versions_pane import VersionsPane
from gui.widgets.panel import splitter

_NO_CONNECTION = "There is no connection."


class CredentialsTab(Tab):
    """Profiles at the left, secrets in the middle, facts and versions at the right."""

    origin = "Credentials"

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.profiles = ProfilesPane()
        self.secret = SecretView()
        self.secrets = SecretsPane(context, lambda: self.secret.name if self.secret.dirty else "")
        self.versions = VersionsPane(context)
        self.actions_on_profiles = ProfileActions(self, self.profiles)
        self.actions_on_secret = SecretActions(self, self.secret, self.versions)
        self.actions_on_versions = VersionActions(self, self.versions)
        self.foreign_changes = ForeignChanges(self, self.secret, self.actions_on_secret)
        self.rotation_pane = RotationPane()
        self.rotation = RotationActions(self, self.rotation_pane)
        self._right = QStackedWidget()
        for pane in (self.versions, self.rotation_pane):
            self._right.addWidget(pane)
        # Name of the secret shown, and whether it is scheduled for deletion.
        self._shown: tuple[str, bool] = ("", False)
        # The new secret to select once the list is loaded, and those that AWS does not list yet.
        self._reveal, self._known_versions = "", CurrentVersions()
        self._created: set[str] = set()
        self.hygiene = HygienePane(context)
        self.actions_on_hygiene = HygieneActions(self, self.hygiene)
        self.doctor = DoctorActions(self)
        middle = splitter(self.secrets, self.secret, vertical=True, sizes=(220, 420))
        self._listed = splitter(middle, self._right, sizes=(500, 508), stretch=(1, 1))
        self._views = QStackedWidget()
        for view in (self._listed, self.hygiene):
            self._views.addWidget(view)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        switch = self.secrets.profiles
        box.addWidget(FoldingColumns(self.profiles, self._views, switch, sizes=(272, 1008)), 1)
        self._connect()
        self._lock()

    def _connect(self) -> None:
        shortcuts.bind_button("secrets.delete", self.secrets.table, self.secret.delete)
        self.secrets.chosen.connect(self._on_chosen)
        self.secrets.new_clicked.connect(self.actions_on_secret.create)
        self.secret.reload_clicked.connect(self._reload_secret)
        self.secrets.hygiene_chosen.connect(self._show_hygiene)
        self.hygiene.list_chosen.connect(self._show_list)
        self.hygiene.doctor_clicked.connect(self.doctor.open)
        self.doctor.changed.connect(self._on_rotated)
        self.hygiene.open_clicked.connect(self.open_target)
        for actions in (self.actions_on_secret, self.actions_on_versions):
            actions.changed.connect(self._on_secret_changed)
        self.actions_on_hygiene.changed.connect(self._on_limit_changed)
        self.actions_on_profiles.changed.connect(self._on_profiles_changed)
        self.secret.rotate_clicked.connect(lambda: self.rotation.open(self.secret.name))
        self.rotation.opened.connect(self._on_rotation_opened)
        self.rotation.changed.connect(self._on_rotated)
        self.rotation_pane.closed.connect(lambda: self._right.setCurrentWidget(self.versions))
        self.context.read_only_changed.connect(self._lock)

    # List and hygiene report

    def _show_hygiene(self) -> None:
        self._views.setCurrentWidget(self.hygiene)
        self.hygiene.switch.setFocus()
        self.actions_on_hygiene.refresh()

    def _show_list(self) -> None:
        self._views.setCurrentWidget(self._listed)

    # Loading

    def _do_workspace(self, workspace: Workspace | None) -> None:
        self._shown = ("", False)
        # Another object: a task of the former connection may still add to its own.
        self._known_versions = CurrentVersions()
        self.profiles.clear_permissions()
        self.secret.show_nothing()
        self.versions.show_info(None)
        self.rotation.clear()
        self._right.setCurrentWidget(self.versions)
        self._show_list()
        self._lock()
        self._load_profiles()
        if workspace is None:
            self.secrets.show_unavailable("Not connected", "Select or create a profile.")
        else:
            self.secrets.show_unavailable("", "")  # they belong to another connection
            self.hygiene.clear()
            self._load_secrets()
            self.rotation.show_unfinished()

    def _do_refresh(self) -> None:
        self._load_profiles()
        if self.context.workspace is not None:
            self._load_secrets()
            if not self.secret.dirty:
                self._reload_secret()
            if self._views.currentWidget() is self.hygiene:
                self.actions_on_hygiene.refresh()

    def _do_change(self, change: Change) -> None:
        if change.origin == self.origin:
            return
        if change.kind is ChangeKind.PROFILES:
            self._load_profiles()
        elif change.kind is ChangeKind.SECRETS and self.context.workspace is not None:
            self._load_secrets()

    def _do_filter(self) -> None:
        self._show_list()
        self.secrets.filter.setFocus()

    def searchable(self) -> Sequence[NameSource]:
        """Return the names of the secrets."""
        known = self.actions_on_secret.known if self.context.workspace is not None else ()
        return (NameList(Name("Secret", info.name, info.name) for info in known),)

    def open_target(self, target: object) -> None:
        """Select the secret of that name, or run `doctor`, `hygiene`, `profile` or `rotate`."""
        workspace = self.context.workspace
        acts = {
            "doctor": self.doctor.open,
            "hygiene": self._show_hygiene,
            "profile": self.actions_on_profiles.edit_used,
        }
        if isinstance(target, str) and target in acts:
            acts[target]()
        elif target == "rotate" and workspace is not None:
            self._show_list()
            self.secrets.go_to(workspace.profile.secret_name)
            self.rotation.open(workspace.profile.secret_name)
        elif isinstance(target, str):
            self._show_list()
            self.secrets.go_to(target)

    def _load_profiles(self) -> None:
        store = self.context.connections.profiles
        self.run(
            "List profiles",
            lambda _work: (store.list(), store.problem),
            self._on_profiles,
            latest="credentials/profiles",
            quiet=True,
        )

    def _on_profiles(self, found: tuple[tuple[Profile, ...], str]) -> None:
        profiles, problem = found
        workspace = self.context.workspace
        used = workspace.profile if workspace else None
        demo = used if used and used.name == DEMO_NAME else _demo()
        extra = [used] if used and used.name not in {DEMO_NAME, *(p.name for p in profiles)} else []
        self.profiles.show_profiles((demo, *extra, *profiles), used.name if used else "")
        if problem:
            self.banner.show_warning("Some profiles could not be read", problem)

    def _load_secrets(self) -> None:
        secrets = self._workspace().secrets
        self.secrets.show_loading()
        self.run(
            "List secrets",
            lambda work: secrets.list_infos(work=work),
            self._on_infos,
            failed=self._on_infos_failed,
            latest="credentials/secrets",
            quiet=True,
        )

    def _on_infos(self, infos: tuple[SecretInfo, ...]) -> None:
        infos = self._with_created(infos)
        self.actions_on_secret.known = infos
        self.foreign_changes.check(infos)
        rotating = self._right.currentWidget() is self.rotation_pane
        keep = self.rotation.secret if rotating else self.secret.name
        reveal, self._reveal = self._reveal, ""
        self.secrets.show_infos(self._with_edited(infos), keep, reveal)
        self._load_ages(infos)

    def _with_created(self, infos: tuple[SecretInfo, ...]) -> tuple[SecretInfo, ...]:
        """Add secrets that were just created, since AWS lists them only after some seconds."""
        self._created -= {info.name for info in infos}
        return (*infos, *(SecretInfo(name) for name in sorted(self._created)))

    def _with_edited(self, infos: tuple[SecretInfo, ...]) -> tuple[SecretInfo, ...]:
        """Add the secret with unsaved changes after its deletion, or another would be selected."""
        name = self.secret.name
        gone = self.secret.dirty and all(info.name != name for info in infos)
        return (*infos, SecretInfo(name)) if gone else infos

    def _load_ages(self, infos: tuple[SecretInfo, ...]) -> None:
        """Load when the values were created; the last change in AWS includes tags and stages."""
        secrets, known = self._workspace().secrets, self._known_versions
        self.run(
            "Read the ages of secrets",
            lambda work: current_since(secrets, infos, known=known, work=work),
            self.secrets.model.set_created,
            # Ages need one request for each secret, so they follow after the list is shown.
            latest="credentials/ages",
            quiet=True,
        )

    def _on_infos_failed(self, error: StorageError) -> None:
        if not isinstance(error, AccessDenied) and self.secrets.show_stale():
            self.show_error(error, self._load_secrets)
        elif isinstance(error, AccessDenied):
            self.secrets.show_unavailable(
                "Access to the list of secrets is denied", f"This needs {error.action}."
            )
        else:
            self.secrets.show_unavailable("Secrets could not be listed", error.summary)
            self.show_error(error, self._load_secrets)

    def _on_chosen(self, info: SecretInfo | None) -> None:
        """Show another secret unless it is already shown."""
        shown = (info.name, bool(info.deleted)) if info else ("", False)
        # A refreshed list selects the same row again; reading the value once more would discard
        # edits.
        if shown == self._shown:
            return
        if self.secret.dirty and shown == (self.secret.name, True):
            return  # deleted by another client: the changes stay, and a message states it
        if self.secret.dirty:
            self._ask_to_leave(info)
            return
        self._open(info)

    def _ask_to_leave(self, info: SecretInfo | None) -> None:
        name = self.secret.name
        ask(
            self,
            f"Discard your changes to {name}?",
            "They have not been saved.",
            lambda: self._open(info),
            button="Discard changes",
            danger=True,
            otherwise=lambda: self.secrets.reveal(name),
            unchanged="Nothing was discarded. Your unsaved changes are still in the editor.",
        )

    def _open(self, info: SecretInfo | None) -> None:
        self._shown = (info.name, bool(info.deleted)) if info else ("", False)
        if info is None or info.name != self.rotation.secret:
            self._right.setCurrentWidget(self.versions)
        self.versions.show_info(info)
        self.secret.set_rotated_by_aws(info is not None and info.rotation_enabled)
        if info is None:
            self.secret.show_nothing()
        elif info.deleted:
            self.secret.show_deleted(info)
        else:
            self.secret.show_loading(info.name)
            self._read(info.name)

    def _read(self, name: str) -> None:
        secrets = self._workspace().secrets
        self.run(
            f"Read {name}",
            lambda work: secrets.read(name, work=work),
            self.secret.show_value,
            failed=lambda error: self.secret.show_failed(name, error),
            latest="credentials/secret",
            quiet=True,
        )
        self.versions.show_loading()
        self.run(
            f"List versions of {name}",
            lambda work: secrets.list_versions(name, work=work),
            self.versions.show_versions,
            failed=self.versions.show_failed,
            latest="credentials/versions",
            quiet=True,
        )

    def _reload_secret(self) -> None:
        """Reload the secret; the present content stays until the answer."""
        info = self.secrets.current
        value = self.secret.value
        if info is not None and value is not None and value.name == info.name and not info.deleted:
            self._read(info.name)
        elif info is not None:
            self._open(info)

    # After a change

    def _on_profiles_changed(self, *_change: str) -> None:
        self._load_profiles()

    def _on_secret_changed(self, operation: str, name: str) -> None:
        """Announce a change and reload the secret, since the list may be older."""
        if operation == "secrets.create":
            self._created.add(name)
            self._reveal = name
        else:
            self._created.discard(name)
        # Else selecting the new secret would ask whether to discard the unsaved changes, and a
        # restored secret would lose them.
        stays = operation == "secrets.restore" or name == self._reveal
        if not (stays and self.secret.dirty):
            self._shown = ("", False)
            self.secret.show_loading(name)
        self._load_secrets()

    def _on_limit_changed(self, *_change: str) -> None:
        """Announce a change that did not affect the value, so that edits stay."""
        self._load_secrets()
        self.actions_on_hygiene.refresh()

    def _on_rotation_opened(self, name: str) -> None:
        self.secrets.choose(name)
        self._right.setCurrentWidget(self.rotation_pane)

    def _on_rotated(self, name: str) -> None:
        """Reload the secret after a step of its rotation."""
        self._load_secrets()
        # A rotation has written a new version: the next list reads the value again.
        if name == self.secret.name and not self.secret.dirty:
            self._shown = ("", False)

    def _workspace(self) -> Workspace:
        return self.context.require_workspace()

    def _lock(self, *_read_only: object) -> None:
        reason = self.context.locked_reason
        if self.context.workspace is None:
            reason = _NO_CONNECTION
        self.profiles.set_connected(self.context.workspace is not None)
        self.profiles.model.set_read_only(self.context.read_only)
        for part in (self.secrets, self.secret, self.versions, self.hygiene, self.rotation_pane):
            part.set_locked(reason)


def _demo() -> Profile:
    return Profile(DEMO_NAME, KeySource.SESSION, colour=ProfileColour.GREEN)
