"""The tabs of the window, in their order: adding one is one package and one line here."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # the window names its tabs before it can hold them
    from gui.context import Context
    from gui.tabs.base import Tab


class TabSpec(NamedTuple):
    """One tab; `factory` makes it when it is first shown."""

    id: str
    title: str
    factory: Callable[[Context], Tab]


def _made(module: str, name: str) -> Callable[[Context], Tab]:
    """Return a factory that imports the tab when it is first shown: start-up time is a feature."""

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
    """Return which tab has that id, counted from 0."""
    return next(place for place, spec in enumerate(TABS) if spec.id == tab_id)
