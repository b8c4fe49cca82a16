"""The Browser tab: look for objects, look at them, take them away."""

from gui.tabs.browser.tab import BrowserTab

__all__ = ["BrowserTab"]
