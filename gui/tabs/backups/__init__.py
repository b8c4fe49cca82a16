"""The Backups tab: tables, their backups, and what a restore would do before it does it."""

from gui.tabs.backups.tab import BackupsTab

__all__ = ["BackupsTab"]
