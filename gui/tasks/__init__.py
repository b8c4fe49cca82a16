"""Tasks and their runner; the only package of the window that uses threads."""

from gui.tasks.runner import TaskRunner
from gui.tasks.task import Task, TaskOptions

__all__ = ["Task", "TaskOptions", "TaskRunner"]
