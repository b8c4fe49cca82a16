"""The context that every view gets: workspace, task runner, settings, and change signals."""

from gui.context.context import Context

__all__ = ["Context"]
