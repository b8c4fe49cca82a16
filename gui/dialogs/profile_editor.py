"""The dialog that creates or edits a connection profile."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from core.errors import KeyringError, StorageError
from core.model.connection import Connection, Profile
from gui.context import Context
from gui.dialogs.profile_form import ProfileForm
from gui.widgets.banner import Banner
from gui.widgets.buttons import plain_button, primary_button
from gui.widgets.dialog import Dialog
from gui.widgets.labels import text_label


class ProfileEditor(Dialog):
    """Stays open until the profile is stored; the keyring may prompt for its password first.

    Args:
        parent: the view that opens the dialog.
        context: runs the task that stores the profile.
        profile: the profile to edit; None for a new one.
        saved: called with the stored profile.
        origin: the view that is named in the log of changes.
    """

    def __init__(
        self,
        parent: QWidget | None,
        context: Context,
        profile: Profile | None,
        saved: Callable[[Profile], object],
        *,
        origin: str,
    ) -> None:
        super().__init__(
            parent,
            f"Edit profile {profile.name}" if profile else "New profile",
            "Keys are never stored with the profile: they are in the system keyring or only in memory.",
            width=540,
        )
        self._context = context
        self._old = profile.name if profile else ""
        self._saved = saved
        self._origin = origin
        self.banner = Banner(self)
        self.form = ProfileForm(profile)
        self.form.changed.connect(self._update)
        self.reason = text_label("", "muted", wrap=True)
        self.go = primary_button("Save profile", self._on_save)
        self.go.setDefault(True)
        self._lay_out()
        self._update()
        self.form.load_aws_profiles(context, self.banner.show_error)

    def _lay_out(self) -> None:
        self.body.addWidget(self.form)
        self.body.addWidget(self.reason)
        self.add_buttons(plain_button("Cancel", self.reject), self.go)

    def _update(self) -> None:
        reason = self.form.show_problems()
        self.reason.setText(reason)
        self.go.allow(not reason, reason)

    def _on_save(self) -> None:
        connections, old = self._context.connections, self._old
        profile, keys = self.form.profile, self.form.keys
        # The keyring may prompt for a password, so the task can take any time.
        self.go.allow(allowed=False, reason="The profile is being saved.")
        self.banner.clear()
        self._context.runner.run(
            f"Save profile {profile.name}",
            lambda _work: connections.save(profile, keys, replaces=old),
            owner=self,
            then=self._on_saved,
            failed=self._on_failed,
            call=self._context.call("profiles.save", self._origin, profile=profile),
        )

    def _on_saved(self, connection: Connection) -> None:
        self.accept()
        self._saved(connection.profile)

    def _on_failed(self, error: StorageError) -> None:
        self._update()
        # Without a usable keyring the keys can still be used until the program ends.
        if isinstance(error, KeyringError):
            self.banner.show_warning(
                error.summary,
                error.cause,
                action=("Use for this session only", self._use_in_session),
            )
        else:
            self.banner.show_error(error)

    def _use_in_session(self) -> None:
        self.form.keep_in_session()
        self._on_save()
