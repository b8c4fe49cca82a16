"""The Backups tab: tables, their backups, and a preview of each restore."""

from gui.tabs.backups.tab import BackupsTab

__all__ = ["BackupsTab"]
