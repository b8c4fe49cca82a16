"""The Uploads tab: selection of files, the upload plan, and the queue of transfers."""

from gui.tabs.uploads.tab import UploadsTab

__all__ = ["UploadsTab"]
