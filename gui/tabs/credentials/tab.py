"""The Credentials tab itself: loads profiles and secrets, and acts on them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QVBoxLayout, QWidget

from core.errors import AccessDenied, Conflict, InvalidInput, StorageError
from core.health.permissions import check_permissions
from core.local.profiles import DEMO_NAME
from core.model.change import Change, ChangeKind
from core.model.connection import SECRET_PREFIX, KeySource, Profile, ProfileColour
from core.model.secrets import SecretInfo, SecretValue, SecretVersion
from core.redaction import Secret
from core.storage import secret_text
from core.storage.secret_text import SecretDiff
from core.units import utc_now
from core.work import Work
from core.workspace import Workspace
from gui.context import Context
from gui.dialogs.confirm import ask
from gui.dialogs.profile_editor import ProfileEditor
from gui.tabs.base import Tab
from gui.tabs.credentials.profiles_pane import ProfilesPane
from gui.tabs.credentials.secret_dialogs import DeleteSecret, NewSecret
from gui.tabs.credentials.secret_view import SecretView
from gui.tabs.credentials.secrets_pane import SecretsPane
from gui.tabs.credentials.versions_model import short
from gui.tabs.credentials.versions_pane import VersionsPane
from gui.widgets.panel import splitter

_ORIGIN = "Credentials"
_READ_ONLY = "The profile is read-only: unlock it first."
_NO_CONNECTION = "There is no connection."


class CredentialsTab(Tab):
    """Profiles at the left, secrets in the middle, facts and versions at the right."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context, parent)
        self.profiles = ProfilesPane()
        self.secrets = SecretsPane(context)
        self.secret = SecretView()
        self.versions = VersionsPane(context)
        self._infos: tuple[SecretInfo, ...] = ()
        self._shown: tuple[str, bool] = ("", False)
        middle = splitter(self.secrets, self.secret, vertical=True, sizes=(220, 420))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(self.banner)
        box.addWidget(splitter(self.profiles, middle, self.versions, sizes=(264, 510, 506)), 1)
        self._connect()
        self._lock()

    def _connect(self) -> None:
        self.profiles.add_clicked.connect(self._on_add_profile)
        self.profiles.edit_clicked.connect(self._on_edit_profile)
        self.profiles.delete_clicked.connect(self._on_delete_profile)
        self.profiles.use_clicked.connect(self._on_use_profile)
        self.profiles.test_clicked.connect(self._on_test)
        self.secrets.chosen.connect(self._on_chosen)
        self.secrets.new_clicked.connect(self._on_new)
        self.secret.save_clicked.connect(self._on_save)
        self.secret.delete_clicked.connect(self._on_delete)
        self.secret.restore_clicked.connect(self._on_restore)
        self.secret.reload_clicked.connect(self._reload_secret)
        self.versions.make_current_clicked.connect(self._on_make_current)
        self.context.read_only_changed.connect(self._lock)

    # Loading.

    def _do_workspace(self, workspace: Workspace | None) -> None:
        self._shown = ("", False)
        self.profiles.clear_permissions()
        self.secret.show_nothing()
        self.versions.show_info(None)
        self._lock()
        self._load_profiles()
        if workspace is None:
            self.secrets.show_unavailable("Not connected", "Choose a profile or make one.")
        else:
            self._load_secrets()

    def _do_refresh(self) -> None:
        self._load_profiles()
        if self.context.workspace is not None:
            self._load_secrets()
            if not self.secret.dirty:
                self._reload_secret()

    def _do_change(self, change: Change) -> None:
        if change.origin == _ORIGIN:
            return
        if change.kind is ChangeKind.PROFILES:
            self._load_profiles()
        elif change.kind is ChangeKind.SECRETS and self.context.workspace is not None:
            self._load_secrets()

    def _do_filter(self) -> None:
        self.secrets.filter.setFocus()

    def open_target(self, target: object) -> None:
        """Choose the secret of that name."""
        if isinstance(target, str):
            self.secrets.choose(target)

    def present(self) -> None:
        """Show the database's secret and what the profile may do."""
        self.secrets.choose(f"{SECRET_PREFIX}database")
        self._on_test()

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
        self._infos = infos
        self.secrets.show_infos(infos, self.secret.name)

    def _on_infos_failed(self, error: StorageError) -> None:
        if isinstance(error, AccessDenied):
            self.secrets.show_unavailable(
                "Secrets may not be listed", f"This needs {error.action}."
            )
        else:
            self.secrets.show_unavailable("Secrets could not be listed", error.summary)
            self.show_error(error, self._load_secrets)

    def _on_chosen(self, info: SecretInfo | None) -> None:
        """Show another secret, unless it is the one that is shown already."""
        shown = (info.name, bool(info.deleted)) if info else ("", False)
        if shown == self._shown:
            return
        if self.secret.dirty:
            self._ask_to_leave(info)
            return
        self._open(info)

    def _ask_to_leave(self, info: SecretInfo | None) -> None:
        name = self.secret.name
        ask(
            self,
            f"Discard your changes to {name}?",
            "They were not saved.",
            lambda: self._open(info),
            button="Discard changes",
            danger=True,
            otherwise=lambda: self.secrets.choose(name),
        )

    def _open(self, info: SecretInfo | None) -> None:
        self._shown = (info.name, bool(info.deleted)) if info else ("", False)
        self.versions.show_info(info)
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
        """Read the shown secret again."""
        info = self.secrets.current
        if info is not None:
            self._open(info)

    # Permissions and profiles.

    def _on_test(self) -> None:
        workspace = self.context.workspace
        if workspace is None:
            self.banner.show_info(_NO_CONNECTION)
            return
        clients = workspace.clients
        self.profiles.begin_test()
        task = self.run(
            "Test the connection",
            lambda work: check_permissions(clients, work=work),
            failed=self._failed(self._on_test),
            batch=self.profiles.add_permission,
            latest="credentials/test",
        )
        task.changed.connect(lambda: None if task.running else self.profiles.end_test())

    def _on_add_profile(self) -> None:
        self._edit(None)

    def _on_edit_profile(self, profile: Profile) -> None:
        self._edit(profile)

    def _edit(self, profile: Profile | None) -> None:
        ProfileEditor(self, self.context, profile, self._on_profile_saved).open()

    def _on_profile_saved(self, profile: Profile) -> None:
        self._announce(ChangeKind.PROFILES, "save profile", profile.name)
        self._load_profiles()
        workspace = self.context.workspace
        if workspace is None or workspace.profile.name == profile.name:
            self.context.switch_profile(profile.name)

    def _on_use_profile(self, profile: Profile) -> None:
        self.context.switch_profile(profile.name)

    def _on_delete_profile(self, profile: Profile) -> None:
        ask(
            self,
            f"Delete the profile {profile.name}?",
            "Its keys are removed from this computer. Nothing changes in AWS.",
            lambda: self._delete_profile(profile.name),
            button="Delete profile",
            danger=True,
        )

    def _delete_profile(self, name: str) -> None:
        connections = self.context.connections
        self.run(
            f"Delete profile {name}",
            lambda _work: connections.delete(name),
            lambda _done: self._on_profile_deleted(name),
        )

    def _on_profile_deleted(self, name: str) -> None:
        self._announce(ChangeKind.PROFILES, "delete profile", name)
        self._load_profiles()

    # Secrets.

    def _on_new(self) -> None:
        taken = frozenset(info.name for info in self._infos)
        dialog = NewSecret(self, taken, lambda *order: self._create(dialog, *order))
        dialog.open()

    def _create(
        self,
        dialog: NewSecret,
        name: str,
        text: Secret,
        description: str,
        failed: Callable[[StorageError], None],
    ) -> None:
        secrets = self._workspace().secrets

        def make(work: Work) -> str:
            secrets.create_secret(name, text.reveal(), description or None, work=work)
            return name

        def made(_name: str) -> None:
            dialog.accept()
            self._changed("secretsmanager:CreateSecret", name)

        self.run(f"Create {name}", make, made, failed=failed)

    def _on_save(self) -> None:
        value = self.secret.value
        if value is None:
            return
        try:
            text = self.secret.text
        except InvalidInput as error:
            self.show_error(error)
            return
        found = secret_text.diff(value.text.reveal(), text.reveal())
        ask(
            self,
            f"Save {value.name}?",
            "The present value is kept as the previous version. Values are not shown.",
            lambda: self._save(value.name, text, value.version_id),
            names=lines(found) or ["(only blanks and line breaks)"],
            button="Save",
        )

    def _save(self, name: str, text: Secret, expected: str) -> None:
        secrets = self._workspace().secrets
        self.run(
            f"Save {name}",
            lambda work: secrets.save(name, text, expected_version=expected, work=work),
            lambda _written: self._changed("secretsmanager:PutSecretValue", name),
            failed=lambda error: self._on_save_failed(error, name, text),
        )

    def _on_save_failed(self, error: StorageError, name: str, mine: Secret) -> None:
        if not isinstance(error, Conflict):
            self.show_error(error)
            return
        secrets, opened = self._workspace().secrets, self.secret.value
        self.run(
            f"Read {name}",
            lambda work: secrets.read(name, work=work),
            lambda theirs: self._ask_whose(opened, theirs, mine),
            quiet=True,
        )

    def _ask_whose(self, opened: SecretValue | None, theirs: SecretValue, mine: Secret) -> None:
        """Somebody else was faster: tell which keys differ, and let the user decide."""
        before = opened.text.reveal() if opened else "{}"
        by_them = secret_text.diff(before, theirs.text.reveal())
        between = secret_text.diff(theirs.text.reveal(), mine.reveal())
        ask(
            self,
            f"{theirs.name} was changed by somebody else meanwhile",
            "Nothing was overwritten. Saving yours makes theirs the previous version. Cancel "
            "keeps your changes here, unsaved.",
            lambda: self._save(theirs.name, mine, theirs.version_id),
            names=[
                "Their changes:",
                *_or_none(by_them),
                "Saving yours on top:",
                *_or_none(between),
            ],
            button="Save mine on top",
            danger=True,
        )

    def _on_delete(self) -> None:
        name = self.secret.name
        DeleteSecret(self, name, lambda days, force: self._delete(name, days, force)).open()

    def _delete(self, name: str, days: int, force: bool) -> None:
        secrets = self._workspace().secrets
        self.run(
            f"Delete {name}",
            lambda work: secrets.delete_secret(name, force, recovery_days=days, work=work),
            lambda _gone: self._changed("secretsmanager:DeleteSecret", name),
        )

    def _on_restore(self) -> None:
        name, secrets = self.secret.name, self._workspace().secrets
        self.run(
            f"Restore {name}",
            lambda work: secrets.restore_secret(name, work=work),
            lambda _back: self._changed("secretsmanager:RestoreSecret", name),
        )

    def _on_make_current(self, version: SecretVersion) -> None:
        value = self.secret.value
        if value is None:
            return
        secrets, name = self._workspace().secrets, value.name
        self.run(
            f"Compare versions of {name}",
            lambda work: secrets.read(name, version_id=version.version_id, work=work),
            lambda older: self._ask_roll_back(value, older),
        )

    def _ask_roll_back(self, now: SecretValue, older: SecretValue) -> None:
        ask(
            self,
            f"Make version {short(older.version_id)} of {now.name} current?",
            "Programs read that version from now on. The present one becomes the previous "
            "version, so this can be taken back. What changes:",
            lambda: self._roll_back(now, older),
            names=_or_none(secret_text.diff(now.text.reveal(), older.text.reveal())),
            button="Make current",
            danger=True,
        )

    def _roll_back(self, now: SecretValue, older: SecretValue) -> None:
        secrets = self._workspace().secrets
        self.run(
            f"Make an older version of {now.name} current",
            lambda work: secrets.make_current(
                now.name, older.version_id, expected_version=now.version_id, work=work
            ),
            lambda _moved: self._changed("secretsmanager:UpdateSecretVersionStage", now.name),
        )

    def _changed(self, action: str, name: str) -> None:
        """Announce a change of ours and show the secret as it is now, not as a list remembers."""
        self._announce(ChangeKind.SECRETS, action, name)
        self._shown = ("", False)
        self.secret.show_loading(name)
        self._load_secrets()

    def _announce(self, kind: ChangeKind, action: str, subject: str) -> None:
        self.context.announce(Change(kind, action, subject, _ORIGIN, utc_now()))

    def _workspace(self) -> Workspace:
        workspace = self.context.workspace
        if workspace is None:
            raise InvalidInput(_NO_CONNECTION, remedy="Choose a profile.")
        return workspace

    def _lock(self, *_read_only: object) -> None:
        reason = _READ_ONLY if self.context.read_only else ""
        if self.context.workspace is None:
            reason = _NO_CONNECTION
        self.profiles.set_connected(self.context.workspace is not None)
        for part in (self.secrets, self.secret, self.versions):
            part.set_locked(reason)


def lines(found: SecretDiff) -> list[str]:
    """Return the changed keys with a sign each; values are never shown."""
    return [
        *(f"+ {key}" for key in found.added),
        *(f"~ {key}" for key in found.changed),
        *(f"− {key}" for key in found.removed),  # noqa: RUF001 - a minus sign, as people read it
    ]


def _or_none(found: SecretDiff) -> list[str]:
    return [f"  {line}" for line in lines(found)] or ["  (no key differs)"]


def _demo() -> Profile:
    return Profile(DEMO_NAME, KeySource.SESSION, colour=ProfileColour.GREEN)
