"""What every view is handed: the workspace, the task runner, the settings, and news of changes."""

from gui.context.context import Context

__all__ = ["Context"]
