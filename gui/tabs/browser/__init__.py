"""The Browser tab: find, preview, download and delete objects."""

from gui.tabs.browser.tab import BrowserTab

__all__ = ["BrowserTab"]
