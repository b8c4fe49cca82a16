"""The Links tab: create presigned URLs, show when they really expire, and list the active ones."""

from gui.tabs.links.tab import LinksTab

__all__ = ["LinksTab"]
