"""The Uploads tab: choose, plan, and one queue that shows what becomes of each file."""

from gui.tabs.uploads.tab import UploadsTab

__all__ = ["UploadsTab"]
