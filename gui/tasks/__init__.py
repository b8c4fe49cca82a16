"""The only place of the window that knows threads: tasks, and the runner that owns them."""

from gui.tasks.runner import TaskRunner
from gui.tasks.task import Task

__all__ = ["Task", "TaskRunner"]
