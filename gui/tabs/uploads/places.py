"""Where a transfer belongs: what was begun on one bucket is never sent to another."""

from __future__ import annotations

from core.workspace import Workspace
from gui.context import Context
from gui.models.transfers import Batch

NO_BUCKET = "Connect to a bucket first."
DOWNLOAD = "transfer.download"


def place_of(workspace: Workspace) -> tuple[str, str]:
    """Return profile and bucket of a workspace."""
    return workspace.profile.name, workspace.profile.bucket


def why_not(context: Context, batch: Batch | None = None) -> str:
    """Return why a transfer cannot be started now, or an empty text.

    Args:
        context: the connection in force, and whether it may be written to.
        batch: one that was started before; None for a new upload.
    """
    workspace = context.workspace
    if workspace is None:
        return NO_BUCKET
    if batch is not None and batch.place not in {("", ""), place_of(workspace)}:
        return f"This belongs to profile {batch.place[0]}, bucket {batch.place[1]}: switch back."
    return "" if batch is not None and batch.operation == DOWNLOAD else context.locked_reason
