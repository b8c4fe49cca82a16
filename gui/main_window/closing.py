"""The question before the window closes while the engine is working."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from gui.dialogs.confirm import Confirm, ask
from gui.tasks import TaskRunner

_TEXT = (
    "It will be stopped. No object or table is left half-written, and what can be resumed is resumed "
    "at the next start."
)
_ENDED = "The work has ended while the question was open. Close the window again."


def ask_to_close(
    window: QWidget,
    runner: TaskRunner,
    close: Callable[[], object],
    explain: Callable[[str], object],
) -> Confirm:
    """Ask whether to stop the running work; the question disappears when all of it has ended.

    The window stays open then, since the result of the work may be a warning.

    Args:
        window: the window that shall be closed.
        runner: runs the work.
        close: closes the window without a question.
        explain: shows why the question has disappeared.
    """
    question = ask(
        window,
        "Close while work is running?",
        _TEXT,
        close,
        names=[task.name for task in runner.bulk_running],
        button="Stop and close",
        danger=True,
        unchanged="",
    )

    def update(_task: object) -> None:
        if question.isVisible() and not runner.bulk_running:
            question.reject()
            explain(_ENDED)

    finished = runner.task_finished.connect(update)
    question.finished.connect(lambda _result: QObject.disconnect(finished))
    return question
