"""The revocation of links from the list: the dialog, the confirmation and the action."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from core.links.ledger import Entry, Ledger
from core.links.revocation import KeyDeactivation, deactivate_key
from core.units import format_counted
from core.workspace import Workspace
from gui.dialogs.confirm import ask
from gui.tabs.base import Tab
from gui.tabs.links.revoke_dialog import RevokeDialog


class Revocation:
    """Shows the ways to end a link, and deactivates the key that signed it.

    Args:
        tab: the tab with the list of links.
        ledger: where the links are recorded.
    """

    def __init__(self, tab: Tab, ledger: Ledger) -> None:
        self._tab, self._ledger = tab, ledger

    def open(self, entry: Entry, entries: Sequence[Entry]) -> None:
        """Open the dialog for a link.

        Args:
            entry: the link.
            entries: all links of this computer.
        """
        workspace = self._tab.context.workspace
        if workspace is None:
            return
        links = sum(one.access_key_id == entry.access_key_id and one.alive() for one in entries)
        self._tab.run(
            "Read which access key is in use",
            # In a task, because temporary keys may have to be renewed.
            lambda _work: workspace.clients.frozen_keys().access_key_id,
            lambda key_id: self._show(
                workspace, entry, links, in_use=key_id == entry.access_key_id
            ),
            quiet=True,
        )

    def _show(self, workspace: Workspace, entry: Entry, links: int, *, in_use: bool) -> None:
        context, profile = self._tab.context, workspace.profile
        here = (entry.made_by, entry.bucket) == (profile.name, profile.bucket)
        RevokeDialog(
            self._tab,
            entry,
            links_of_key=links,
            key_in_use=in_use,
            deactivate=partial(self._ask, entry.access_key_id),
            show_object=partial(context.go, "browser", entry.key) if here else None,
            locked=context.locked_reason,
            region=profile.region,
        ).open()

    def _ask(self, key_id: str) -> None:
        ask(
            self._tab,
            f"Deactivate the access key {key_id}?",
            "All links that it has signed and every program that uses it stop working. It can be "
            "activated again in IAM.",
            partial(self._deactivate, key_id),
            button="Deactivate",
            danger=True,
            typed=key_id,
        )

    def _deactivate(self, key_id: str) -> None:
        workspace, ledger = self._tab.context.workspace, self._ledger
        if workspace is None:
            return
        self._tab.run(
            "Deactivate an access key",
            lambda work: deactivate_key(workspace.clients, key_id, ledger, work=work),
            self._on_deactivated,
            call=self._tab.call("links.deactivate_key", access_key_id=key_id),
        )

    def _on_deactivated(self, done: KeyDeactivation) -> None:
        ended = format_counted(done.ended_links, "active link")
        self._tab.banner.show_good(
            f"The access key {done.access_key_id} of {done.user} is deactivated; {ended} ended."
        )
