"""The tabs of the window in their order; a new tab is a package and one line here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the window shows the titles before it creates the tabs
    from gui.context import Context
    from gui.tabs.base import Tab


class TabSpec(NamedTuple):
    """One tab; `factory` creates it when it is first shown."""

    id: str
    title: str
    factory: Callable[[Context], Tab]


def _made(module: str, name: str) -> Callable[[Context], Tab]:
    """Return a factory that imports the tab only when it is first shown, for a fast startup."""

    def make(context: Context) -> Tab:
        tab: Tab = getattr(import_module(f"gui.tabs.{module}"), name)(context)
        return tab

    return make


TABS: tuple[TabSpec, ...] = (
    TabSpec("credentials", "Credentials", _made("credentials", "CredentialsTab")),
    TabSpec("browser", "Browser", _made("browser", "BrowserTab")),
    TabSpec("uploads", "Uploads", _made("uploads", "UploadsTab")),
    TabSpec("links", "Links", _made("links", "LinksTab")),
    TabSpec("statistics", "Statistics", _made("statistics", "StatisticsTab")),
    TabSpec("backups", "Backups", _made("backups", "BackupsTab")),
    TabSpec("bucket", "Bucket", _made("bucket", "BucketTab")),
)


def place_of(tab_id: str) -> int:
    """Return the index of the tab of an id."""
    return next(place for place, spec in enumerate(TABS) if spec.id == tab_id)
