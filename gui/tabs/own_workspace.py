"""Callbacks of bulk tasks that must not be called once another workspace is in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from core.engine.operations import operation as operation_of
from core.errors import StorageError
from gui.context import Context
from gui.tasks import TaskOptions
from gui.widgets.banner import Banner

T = TypeVar("T")
P = TypeVar("P")


def only_in(
    context: Context,
    banner: Banner,
    task: tuple[str, str],
    done: Callable[[T], None],
    options: TaskOptions,
) -> tuple[Callable[[T], None], TaskOptions]:
    """Return the callbacks of a task in a form that does nothing in another workspace.

    There, the banner states how a change has ended and where, without any button: rows, an undo or
    a retry would be those of another bucket.

    Args:
        context: has the workspace in force.
        banner: that of the tab.
        task: what the task does, and the name of its operation.
        done: gets the result.
        options: the other callbacks.
    """
    workspace, (name, operation) = context.require_workspace(), task
    place = f"s3://{workspace.profile.bucket}, profile {workspace.profile.name}"
    changes = operation_of(operation).changes

    def here(
        call: Callable[[P], object] | None, elsewhere: Callable[[P], object] | None = None
    ) -> Callable[[P], None]:
        def guarded(value: P) -> None:
            chosen = call if context.workspace is workspace else elsewhere if changes else None
            if chosen is not None:
                chosen(value)

        return guarded

    def ended(_result: object) -> None:
        banner.show_info(f"{name}: ended in {place}. The log of changes lists the result.")

    def failed(error: StorageError) -> None:
        why = " ".join(filter(None, (error.cause, error.effect, error.remedy)))
        banner.show_warning(f"{name}: failed in {place}. {error.summary}.", why)

    guarded: TaskOptions = {
        **options,
        "failed": here(options.get("failed"), failed),
        "progress": here(options.get("progress")),
        "batch": here(options.get("batch")),
        "stopped": here(options.get("stopped"), ended),
    }
    return here(done, ended), guarded
