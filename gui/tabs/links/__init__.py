"""The Links tab: make links with their real expiry, hand them on, and see which are alive."""

from gui.tabs.links.tab import LinksTab

__all__ = ["LinksTab"]
