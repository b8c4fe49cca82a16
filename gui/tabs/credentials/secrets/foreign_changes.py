"""Warns that another client has changed or deleted the secret that is being edited."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QObject

from core.errors import InvalidInput
from core.model.secret_names import CURRENT
from core.model.secrets import SecretInfo, SecretValue
from gui.tabs.base import Tab
from gui.tabs.credentials.secrets.secret_actions import SecretActions
from gui.tabs.credentials.secrets.secret_view import SecretView

_STILL = "Your unsaved changes are still in the editor."


class ForeignChanges(QObject):
    """Compares each list of secrets with the secret in the editor."""

    def __init__(self, tab: Tab, view: SecretView, actions: SecretActions) -> None:
        super().__init__(tab)
        self._tab, self._view, self._actions = tab, view, actions

    def check(self, infos: Sequence[SecretInfo]) -> None:
        """Report that the open secret is gone, or that one with unsaved changes has changed.

        Args:
            infos: the secrets of the server, and those that it does not list yet.
        """
        opened = self._view.value
        if opened is None:
            return
        info = next((each for each in infos if each.name == opened.name), None)
        if not self._view.dirty:
            if info is None:  # the next secret is selected, which would go unnoticed
                self._tab.banner.show_info(
                    f"{opened.name} is no longer listed: another client may have deleted it."
                )
        elif info is None:
            self._tab.banner.show_warning(
                f"{opened.name} was deleted by another client while you were editing it", _STILL
            )
        elif info.deleted:
            self._tab.banner.show_warning(
                f"{opened.name} was scheduled for deletion by another client while you were "
                "editing it",
                f"{_STILL} They can be saved after the secret was restored.",
                action=("Restore secret", self._restore),
            )
        else:
            self._check_version(info, opened)

    def _check_version(self, info: SecretInfo, opened: SecretValue) -> None:
        current = [each.version_id for each in info.versions if CURRENT in each.stages]
        if not current or current == [opened.version_id]:
            return
        secrets = self._tab.context.require_workspace().secrets
        self._tab.run(  # the list may be older than the last save here: check before warning
            f"Check whether {opened.name} was changed",
            lambda work: secrets.read(opened.name, work=work),
            self._on_read_again,
            latest="credentials/changed",
            quiet=True,
        )

    def _on_read_again(self, now: SecretValue) -> None:
        opened = self._view.value
        if opened is None or opened.name != now.name or opened.version_id == now.version_id:
            return
        who = now.by or "another client"
        self._tab.banner.show_warning(
            f"{now.name} was changed by {who} while you were editing it",
            _STILL,
            action=("Compare…", partial(self._compare, now.name)),
        )

    def _compare(self, name: str) -> None:
        self._tab.banner.clear()
        try:
            mine = self._view.text
        except InvalidInput as error:
            self._tab.show_error(error)
            return
        self._actions.show_conflict(name, mine)

    def _restore(self) -> None:
        self._tab.banner.clear()
        self._view.restore_clicked.emit()
