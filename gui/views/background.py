"""The worker threads of views: sorting, filters and statistics of previewed tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject

from core.work import Work
from gui.tasks import TaskRunner

#: Runs a function in a worker thread and passes its result to another one in this thread. The
#: arguments are an owner without which the result is dropped, a title, the function,
#: the receiver, and a name: a later call with the same name replaces this one.
Background = Callable[[QObject, str, Callable[[Work], Any], Callable[[Any], object], str], object]


def background_of(runner: TaskRunner) -> Background:
    """Return what runs the sorting of previewed tables in a worker thread."""

    def run(
        owner: QObject,
        name: str,
        fn: Callable[[Work], Any],
        then: Callable[[Any], object],
        latest: str,
    ) -> None:
        # Not as a task of the tab: it needs no connection, and ends with its view.
        runner.run(name, fn, owner=owner, then=then, latest=latest, quiet=True)

    return run
